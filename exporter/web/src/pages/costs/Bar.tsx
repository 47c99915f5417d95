/** How much of a budget is used, its thresholds, and the interval in which the period is expected to end. */

import { ratio, usd } from "../../core/format";
import type { Budget } from "./budget";
import classes from "./costs.module.css";

/** The end of the bar, as a ratio of the amount: what does not fit makes the bar's scale wider. */
const LEAST = 1.05;

export function Bar({ budget }: { budget: Budget }) {
  const { projection, limit_nanos: limit, used_ratio: used } = budget;
  const [low, high] = [(projection?.low_nanos ?? 0) / limit, (projection?.high_nanos ?? 0) / limit];
  const end = Math.max(LEAST, used * 1.02, high * 1.02);
  const at = (value: number): string => `${(Math.min(value / end, 1) * 100).toFixed(2)}%`;
  const expected = projection === null ? "" : `, expected ${usd(projection.expected_nanos)} at the end of the period`;
  return (
    <div
      className={classes["bar"]}
      role="meter"
      aria-label={`Used of ${budget.name}`}
      aria-valuemin={0}
      aria-valuemax={Math.max(1, used)}
      aria-valuenow={used}
      aria-valuetext={`${ratio(used)} used${expected}`}
    >
      <span className={classes["track"]} />
      {projection !== null && (
        <span
          className={classes["band"]}
          style={{ left: at(low), width: at(high - low) }}
          title={`Expected: ${usd(projection.low_nanos)} to ${usd(projection.high_nanos)}`}
        />
      )}
      <span className={classes["fill"]} data-state={budget.state} style={{ width: at(used) }} />
      {budget.alert_at
        .filter((percent) => percent !== 100)
        .map((percent) => (
          <span
            key={percent}
            className={classes["tick"]}
            style={{ left: at(percent / 100) }}
            title={`${percent} %${budget.crossed.includes(percent) ? ", crossed" : ""}`}
          />
        ))}
      <span className={classes["tick"]} data-limit style={{ left: at(1) }} title={`100 %: ${usd(limit)}`} />
    </div>
  );
}
