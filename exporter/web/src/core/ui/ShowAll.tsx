/** Shows all of a long text, and less of it again. */

import classes from "./ShowAll.module.css";

interface ShowAllProps {
  text: string;
  isWhole: boolean;
  onWhole: (isWhole: boolean) => void;
}

export function ShowAll({ text, isWhole, onWhole }: ShowAllProps) {
  return (
    <button
      type="button"
      className={classes["button"]}
      aria-expanded={isWhole}
      onClick={() => {
        onWhole(!isWhole);
      }}
    >
      {isWhole ? "Show less" : `Show all ${text.length.toLocaleString("en-US")} characters`}
    </button>
  );
}
