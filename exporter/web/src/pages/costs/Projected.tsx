/** Where the period of a budget is expected to end, with the interval in which it does so in four of five cases. */

import { useMemo } from "react";

import { useAsk } from "../../core/ask";
import { TimeChart } from "../../core/chart/TimeChart";
import { harmless, rfc3339, usd } from "../../core/format";
import { useNow } from "../../core/now";
import { Panel } from "../../core/ui/Page";
import { type Budget, filterOf } from "./budget";
import { courseOf } from "./projection";

const HEIGHT = 230;
const DAY_NS = 86_400e9;
const HOUR_NS = 3_600e9;
const HOURLY_NS = 8 * DAY_NS;

export function Projected({ budget }: { budget: Budget }) {
  const { period_start_unix_nano: start, period_end_unix_nano: end, projection } = budget;
  const now = useNow(30_000) * 1e6;
  const filter = filterOf(budget.scope);
  const stepNs = end - start <= HOURLY_NS ? HOUR_NS : DAY_NS;
  const step = stepNs === HOUR_NS ? "1h" : "1d";
  const query = { start: rfc3339(start), step, ...(filter ? { filter } : {}) };
  const { data } = useAsk("/api/costs/series", filter === null ? null : { query }, {
    follow: ["traces"],
    everyMs: 30_000,
  });
  const buckets = filter === null ? null : (data?.items ?? null);
  const course = useMemo(() => courseOf(budget, buckets, stepNs, now), [budget, buckets, stepNs, now]);
  return (
    <Panel title={`What is expected of ${harmless(budget.name)}`}>
      <TimeChart
        label={`Spent of ${budget.name}, and expected`}
        times={course.times}
        lines={course.lines}
        unit="usd_nanos"
        height={HEIGHT}
        span={[start, end]}
        sync="projection"
      />
      <p className="quiet" style={{ margin: "8px 0 0" }}>
        {projection === null ? (
          "What the period will come to is told from its third day on, once two whole days of calls are known."
        ) : (
          <>
            {usd(projection.expected_nanos)} at its end, between {usd(projection.low_nanos)} and{" "}
            {usd(projection.high_nanos)} in four of five cases (P10 to P90).{" "}
            {projection.gone_on !== null && (
              <strong className="bad">The amount is expected to be gone on {projection.gone_on}.</strong>
            )}
          </>
        )}
      </p>
    </Panel>
  );
}
