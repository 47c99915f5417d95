import { duration } from "../../core/format";
import { type Part, type PartKey, PARTS } from "./turns";
import classes from "./voice.module.css";

/** Which colour is which part. */
export function Legend({ parts }: { parts?: readonly Part[] }) {
  return (
    <div className={classes["legend"]}>
      {(Object.keys(PARTS) as PartKey[]).map((key) => {
        const own = parts?.find((part) => part.key === key);
        return (
          <span key={key} className={classes[key]}>
            <i className={classes["swatch"]} aria-hidden />
            {PARTS[key]}
            {parts !== undefined && <span className="quiet">{duration(own?.ns)}</span>}
          </span>
        );
      })}
    </div>
  );
}

/** The parts of one turn in a row, as long as they are of `most`. */
export function Stack({ parts, most }: { parts: readonly Part[]; most: number }) {
  const said = parts.map(({ key, ns }) => `${PARTS[key]} ${duration(ns)}`).join(", ");
  return (
    <div className={classes["stack"]} role="img" aria-label={said || "nothing is known"} title={said}>
      {parts.map(({ key, ns }) => (
        <span key={key} className={classes[key]} style={{ width: `${(ns / most) * 100}%` }} />
      ))}
    </div>
  );
}
