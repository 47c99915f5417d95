/** The course of a budget's period: what was spent so far, added up, and where it is expected to end. */

import type { Line } from "../../core/chart/TimeChart";
import type { Budget } from "./budget";

export interface Course {
  times: number[];
  lines: Line[];
}

export const NAMES = { spent: "Spent", expected: "Expected", high: "P90", low: "P10", limit: "Amount" } as const;

/**
 * `buckets` are the costs of stretches of `stepNs`, null where they cannot be told: then only the ends are known.
 * The last value is what the budget's own ledger says.
 */
export function courseOf(
  budget: Budget,
  buckets: readonly { bucket_ns?: number; cost_nanos?: number }[] | null,
  stepNs: number,
  nowNs: number,
): Course {
  const { period_start_unix_nano: start, period_end_unix_nano: end, projection } = budget;
  const now = Math.min(Math.max(nowNs, start), end);
  const spent: [number, number][] = buckets === null ? [] : [[start, 0]];
  let sum = 0;
  // A bucket without cost is not told of: the line stays level until the next one begins.
  for (const { bucket_ns = 0, cost_nanos = 0 } of [...(buckets ?? [])].sort(
    (one, other) => (one.bucket_ns ?? 0) - (other.bucket_ns ?? 0),
  )) {
    if (bucket_ns > (spent.at(-1)?.[0] ?? start) + stepNs / 2) spent.push([bucket_ns, sum]);
    sum += cost_nanos;
    if (bucket_ns >= start && bucket_ns + stepNs < now) spent.push([bucket_ns + stepNs, sum]);
  }
  spent.push([now, budget.spent_nanos]);
  const times = [...spent.map(([at]) => at), ...(end > now ? [end] : [])];
  const last = spent.length - 1;
  const ahead = (value: number): (number | null)[] =>
    times.map((_, at) => (at < last ? null : at === last ? budget.spent_nanos : value));
  const lines: Line[] = [{ label: NAMES.spent, values: times.map((_, at) => spent[at]?.[1] ?? null) }];
  if (projection !== null && end > now)
    lines.push(
      { label: NAMES.high, values: ahead(projection.high_nanos), color: BAND, downTo: NAMES.low },
      { label: NAMES.expected, values: ahead(projection.expected_nanos), color: BAND, dash: [6, 4] },
      { label: NAMES.low, values: ahead(projection.low_nanos), color: BAND },
    );
  lines.push({ label: NAMES.limit, values: times.map(() => budget.limit_nanos), color: LIMIT, dash: [3, 3] });
  return { times, lines };
}

const BAND = "#8b93a5";
const LIMIT = "#d4493a";
