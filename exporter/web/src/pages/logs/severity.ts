/** Levels of log records: their names, colours and order, and how many there are of each over time. */

import type { Range } from "../../core/url";

export interface Level {
  name: string;
  /** The least severity number. */
  least: number;
  /** Where it is a line of a chart; where it is text. */
  color: Readonly<Record<"light" | "dark", string>>;
  tone: "bad" | "warn" | "quiet";
}

const level = (name: string, least: number, light: string, dark: string, tone: Level["tone"]): Level => ({
  name,
  least,
  color: { light, dark },
  tone,
});

const NONE = level("none", 0, "#dde1e8", "#3b4252", "quiet");

/** The worst first, as they are stacked: what is wrong stands on the ground, where it is compared best. */
export const LEVELS: readonly Level[] = [
  level("fatal", 21, "#8b1a2b", "#ffb3a8", "bad"),
  level("error", 17, "#d1372b", "#ff7a6b", "bad"),
  level("warn", 13, "#d08a0e", "#f2b544", "warn"),
  level("info", 9, "#84a8ee", "#4a6fb8", "quiet"),
  level("debug", 5, "#b3bac7", "#5d667a", "quiet"),
  level("trace", 1, "#cdd3dd", "#475067", "quiet"),
  NONE,
];

/** Of a severity number, as OpenTelemetry has them. */
export const levelOf = (severity: number): Level => LEVELS.find(({ least }) => severity >= least) ?? NONE;

/** The levels that a search parameter names; none where all are wanted. */
export const chosen = (text: string): string[] =>
  LEVELS.map(({ name }) => name).filter((name) => text.split(",").includes(name));

/** With `name`, or without where it was there. */
export const toggled = (text: string, name: string): string => {
  const before = chosen(text);
  return (before.includes(name) ? before.filter((one) => one !== name) : chosen([...before, name].join())).join();
};

/** A condition of the filter language; none where all levels are wanted. Levels side by side are one condition. */
export function condition(names: readonly string[]): string {
  const parts: string[] = [];
  let above: number | null = null;
  let most: number | null = null;
  for (const { name, least } of LEVELS) {
    if (names.includes(name)) {
      most ??= above ?? Infinity;
    } else if (most !== null) {
      parts.push(between(above ?? 0, most));
      most = null;
    }
    above = least;
  }
  if (most !== null) parts.push(between(0, most));
  return parts.length > 1 ? parts.map((part) => `(${part})`).join(" or ") : parts.join("");
}

const between = (least: number, below: number): string =>
  [...(least > 0 ? [`severity >= ${least}`] : []), ...(below < Infinity ? [`severity < ${below}`] : [])].join(
    " and ",
  ) || "severity >= 0";

const NICE_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];
const BARS = 100;

/** Seconds of a bucket, so that about a hundred fill a range. */
export const stepOf = (range: Pick<Range, "ns">): number =>
  NICE_S.find((one) => one >= range.ns / 1e9 / BARS) ?? 86_400;

export interface Counted {
  bucket_ns: number;
  level: string;
  count: number;
}

/** A count for each bucket from `startNs` to `endNs` and level, and the sum of each level. */
export function counted(rows: readonly Counted[], startNs: number, endNs: number, stepS: number) {
  const first = Math.floor(startNs / 1e9 / stepS);
  const length = Math.max(Math.ceil(endNs / 1e9 / stepS) - first, 1);
  const times = Array.from({ length }, (_, at) => (first + at) * stepS * 1e9);
  const byLevel = new Map(LEVELS.map(({ name }) => [name, Array.from({ length }, () => 0)]));
  const sums = new Map<string, number>();
  for (const { bucket_ns, level: name, count } of rows) {
    sums.set(name, (sums.get(name) ?? 0) + count);
    const values = byLevel.get(name);
    const at = Math.round(bucket_ns / 1e9 / stepS) - first;
    if (values !== undefined && at >= 0 && at < length) values[at] = (values[at] ?? 0) + count;
  }
  return { times, byLevel, sums };
}
