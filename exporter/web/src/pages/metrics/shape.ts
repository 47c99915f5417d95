/** What can be asked of each kind of metric, and its answers as lines. */

import type { Line } from "../../core/chart/TimeChart";
import { type Bucketed, groupName } from "../../core/grouped";

/** All three of a histogram's at once; the others are the API's own. */
export const PERCENTILES = "percentiles";
export const THREE = ["p50", "p95", "p99"] as const;
export type Aggregation = "avg" | "sum" | "min" | "max" | "count" | "p50" | "p95" | "p99" | "rate" | "last";

const COMES_TO: Readonly<Record<string, readonly (Aggregation | typeof PERCENTILES)[]>> = {
  measure: [],
  gauge: ["last", "avg", "min", "max"],
  sum: ["sum", "rate"],
  histogram: [PERCENTILES, "p95", "p50", "p99", "avg", "count", "sum", "rate", "min", "max"],
  summary: ["avg", "count", "sum"],
};

/** What the points of a kind of metric may come to, the usual one first. */
export const aggregations = (kind: string, isGrouped: boolean): readonly string[] =>
  (COMES_TO[kind] ?? []).filter((one) => one !== PERCENTILES || !isGrouped);

/** The one that is asked for, where it fits; else the usual one. */
export function aggregationOf(kind: string, isGrouped: boolean, asked: string): string | null {
  const all = aggregations(kind, isGrouped);
  return all.find((one) => one === asked) ?? all[0] ?? null;
}

export const WORDS: Readonly<Record<string, string>> = {
  [PERCENTILES]: "p50, p95, p99",
  avg: "mean",
  last: "last value",
  sum: "sum",
  rate: "per second",
  count: "how many",
  min: "least",
  max: "most",
};

/** The unit of what comes out: how many have none, a rate is by the second. */
export function unitOf(unit: string, aggregation: string | null): string {
  const plain = unit.replace(/^\{(.*)\}$/, "$1");
  if (aggregation === "count") return "count";
  if (aggregation === "rate") return plain === "1" || plain === "" ? "/s" : `${plain}/s`;
  return unit;
}

const UNITS: Readonly<Record<string, string>> = {
  ns: "time",
  usd_nanos: "USD",
  ratio: "%",
  s: "seconds",
  By: "bytes",
  "1": "",
};

/** What a unit is called. */
export const unitName = (unit: string): string => UNITS[unit] ?? unit.replace(/^\{(.*)\}$/, "$1");

const SUMS = new Set(["count", "tokens", "usd_nanos"]);

/** Whether groups may be added up. */
export const addsUp = (kind: string, unit: string, aggregation: string | null): boolean =>
  kind === "measure" ? SUMS.has(unit) : ["sum", "rate", "count"].includes(aggregation ?? "");

const BRIDGED = 3;

/** The line goes on where some buckets have no point: senders tell at their own pace; a longer silence is a gap. */
export function bridged(line: Line, times: readonly number[], stepNs: number): Line {
  const values = [...line.values];
  let last: number | null = null;
  for (const [at, value] of values.entries()) {
    if (value === null || value === undefined) continue;
    const isNear = last !== null && (times[at] ?? 0) - (times[last] ?? 0) <= BRIDGED * stepNs * 1.01;
    if (last !== null && isNear) values.fill(undefined, last + 1, at);
    last = at;
  }
  return { ...line, values };
}

/** With buckets that nobody told of, so that a silence can be seen. */
export function withGaps(times: readonly number[], stepNs: number): number[] {
  return times.flatMap((time, at) => {
    const before = times[at - 1];
    return before !== undefined && time - before > BRIDGED * stepNs * 1.01 ? [before + stepNs, time] : [time];
  });
}

export interface Then extends Bucketed {
  value?: number | null;
}

/** Values of a series at the buckets of another time, moved by whole steps. */
export function moved(rows: readonly Then[], times: readonly number[], byNs: number, stepNs: number) {
  const steps = Math.round(byNs / stepNs) * stepNs;
  const found = new Map(rows.map((row) => [Math.round(((row.bucket_ns ?? 0) + steps) / stepNs), row.value ?? null]));
  return times.map((time) => found.get(Math.round(time / stepNs)) ?? null);
}

export interface Odd {
  atNs: number;
  label: string;
}

/** Hours of /api/anomalies that are out of what is usual. */
export function oddHours(answer: readonly Record<string, unknown>[]): Odd[] {
  return answer.flatMap(({ labels, hours }) =>
    (Array.isArray(hours) ? (hours as Record<string, unknown>[]) : []).flatMap(({ start_ns: start, state }) => {
      if (typeof start !== "number" || (state !== "high" && state !== "low")) return [];
      const name = groupName((labels ?? {}) as Record<string, string>);
      return [{ atNs: start, label: `unusually ${state}${name === "all" ? "" : `: ${name}`}` }];
    }),
  );
}
