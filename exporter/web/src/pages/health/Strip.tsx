/** The states of a component over the time, as a strip: the worse, the higher. */

import { clock } from "../../core/format";
import classes from "./health.module.css";
import { inWords, type State, type Stretch } from "./timeline";

const WIDTH = 1_000;
const HEIGHT = 16;
const TALL: Record<State, number> = { healthy: 5, degraded: 11, unhealthy: HEIGHT };

export function Strip({ all, startNs, endNs }: { all: readonly Stretch[]; startNs: number; endNs: number }) {
  const x = (ns: number): number => ((ns - startNs) / (endNs - startNs)) * WIDTH;
  return (
    <svg
      className={classes["strip"]}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={inWords(all)}
    >
      <rect width={WIDTH} y={HEIGHT - 1} height={1} data-state="unknown" />
      {all.map((one) => (
        <rect
          key={one.startNs}
          x={x(one.startNs)}
          // A change of a second is seen also in a week.
          width={Math.max(x(one.endNs) - x(one.startNs), one.state === "healthy" ? 0 : 3)}
          y={HEIGHT - TALL[one.state]}
          height={TALL[one.state]}
          data-state={one.state}
        >
          <title>{`${one.state}, ${clock(one.startNs)} to ${clock(one.endNs)}`}</title>
        </rect>
      ))}
    </svg>
  );
}
