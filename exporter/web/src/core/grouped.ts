/** Rows of a series, by bucket and group, as lines of a chart. */

import type { Line } from "./chart/TimeChart";

export type Labels = Readonly<Record<string, string | null>>;

/** What a group is called: its labels; one without a value says so. */
export const groupName = (labels: Labels | undefined): string =>
  Object.values(labels ?? {})
    .map((value) => value ?? "(none)")
    .join(" · ") || "all";

/** The name of a dimension at the beginning of a line: `response_model` is `Response model`. */
export const titled = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

export interface Bucketed {
  bucket_ns?: number;
  labels?: Labels;
}

export interface Drawn<Row> {
  value: (row: Row) => number | null | undefined;
  /** Groups in the order of their colours, the first `most` of which get a line; where it is not known, by their sums. */
  order: readonly string[];
  most?: number;
  /** Whether the groups beyond are added up in a line of their own: of sums, not of percentiles. */
  hasRest?: boolean;
  /** Where a group has no row in a bucket: 0 for sums, null for what is measured. */
  nothing: 0 | null;
  /** Unix nanoseconds from and to which buckets of `stepNs` are filled up. */
  span: readonly [number, number];
  stepNs: number;
}

export interface Lines {
  times: number[];
  lines: Line[];
}

const REST_COLOR = "#8b93a5";
export const REST = "all others";

/** The lines of the groups over all buckets of the span; of what is measured, over those that have something. */
export function linesOf<Row extends Bucketed>(rows: readonly Row[], drawn: Drawn<Row>): Lines {
  const { value, order, most = 7, hasRest = false, nothing } = drawn;
  const times = nothing === null ? seen(rows) : filled(rows, drawn.span, drawn.stepNs);
  const places = new Map(times.map((time, at) => [time, at]));
  const named = (order.length > 0 ? order : bySum(rows, value)).slice(0, most);
  const values = new Map<string, (number | null)[]>(named.map((name) => [name, times.map(() => nothing)]));
  for (const row of rows) {
    const name = groupName(row.labels);
    const group = values.has(name) ? name : REST;
    if (group === REST && !hasRest) continue;
    const line = values.get(group) ?? times.map(() => nothing);
    values.set(group, line);
    const at = places.get(row.bucket_ns ?? NaN);
    const one = value(row);
    if (at !== undefined && one !== null && one !== undefined) line[at] = (line[at] ?? 0) + one;
  }
  return {
    times,
    lines: [...values].map(([label, line]) => ({
      label,
      values: line,
      ...(label === REST ? { color: REST_COLOR } : {}),
      ...(nothing === 0 ? { atRest: line.reduce<number>((sum, one) => sum + (one ?? 0), 0) } : {}),
    })),
  };
}

function bySum<Row extends Bucketed>(rows: readonly Row[], value: Drawn<Row>["value"]): string[] {
  const sums = new Map<string, number>();
  for (const row of rows) {
    const name = groupName(row.labels);
    sums.set(name, (sums.get(name) ?? 0) + (value(row) ?? 0));
  }
  return [...sums].sort(([, one], [, other]) => other - one).map(([name]) => name);
}

const seen = (rows: readonly Bucketed[]): number[] =>
  [...new Set(rows.map((row) => row.bucket_ns ?? 0))].sort((one, other) => one - other);

/** Buckets of `stepNs` through the span, in phase with those that there are. */
function filled(rows: readonly Bucketed[], [start, end]: readonly [number, number], stepNs: number): number[] {
  const there = seen(rows);
  const first = there[0];
  if (first === undefined || !(stepNs > 0)) return there;
  const all = new Set(there);
  for (let at = first - stepNs; at > start - stepNs; at -= stepNs) all.add(at);
  const known = [...all];
  for (let at = first + stepNs; at < end; at += stepNs)
    // Times are doubles: a bucket that is told may be some 256 ns beside the one that is counted.
    if (!known.some((one) => Math.abs(one - at) < stepNs / 2)) all.add(at);
  return [...all].sort((one, other) => one - other);
}
