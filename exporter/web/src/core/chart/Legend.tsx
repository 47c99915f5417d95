import classes from "./TimeChart.module.css";

export interface Entry {
  label: string;
  color: string;
  value: string;
  isHidden: boolean;
}

/** Names of the lines, their values at the moment pointed at (else the last), and switches. */
export function Legend({
  lines,
  moment,
  onToggle,
}: {
  lines: readonly Entry[];
  moment: string | null;
  onToggle: (label: string) => void;
}) {
  return (
    <figcaption className={classes["legend"]}>
      {lines.map(({ label, color, value, isHidden }) => (
        <button
          key={label}
          type="button"
          className={classes["entry"]}
          aria-pressed={!isHidden}
          title={label}
          onClick={() => {
            onToggle(label);
          }}
        >
          <span className={classes["swatch"]} style={{ background: color }} />
          <span className={classes["name"]}>{label}</span>
          <span className={classes["value"]}>{value}</span>
        </button>
      ))}
      {moment !== null && <span className="quiet">{moment}</span>}
    </figcaption>
  );
}
