/** A picture of an answer: what can be drawn of its columns. */

import type { Schemas } from "../../core/client";

type Column = Schemas["Named"];
type Rows = readonly (readonly unknown[])[];

export interface Measured {
  /** Of the column in the answer. */
  at: number;
  name: string;
  /** As `measured` of core takes it. */
  unit: string;
  /** What its numbers are multiplied with, to be of that unit. */
  factor: number;
}

export type Picture =
  | { kind: "time"; times: number[]; lines: { label: string; values: (number | null)[] }[]; leftOut: number }
  | { kind: "bars"; bars: { label: string; value: number }[]; leftOut: number };

const MOST_LINES = 8;
const MOST_BARS = 40;
const MOST_TEXTS = 3;
const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL.*)$/;
const TIME = /^(TIMESTAMP|DATE)/;
const NANOSECONDS = /(_unix_nano|bucket_ns|_at_ns|^(start|end|time)_ns)$/;

export const isNumber = (column: Column): boolean => NUMBER.test(column.type);

const isTime = (column: Column): boolean =>
  TIME.test(column.type) || (isNumber(column) && NANOSECONDS.test(column.name));

/** The unit that the name of a column tells. */
export function unitOf(name: string): { unit: string; factor: number } {
  if (/(^|_)ns$/.test(name)) return { unit: "ns", factor: 1 };
  if (/(^|_)ms$/.test(name)) return { unit: "ms", factor: 1 };
  if (/(^|_)nanos$/.test(name)) return { unit: "usd_nanos", factor: 1 };
  if (/(^|_)(usd|cost)(_|$)/.test(name)) return { unit: "usd_nanos", factor: 1e9 };
  if (/(^|_)(ratio|rate|share)$/.test(name)) return { unit: "ratio", factor: 1 };
  if (/(^|_)bytes$/.test(name)) return { unit: "bytes", factor: 1 };
  return { unit: "number", factor: 1 };
}

/** The columns whose numbers can be drawn. */
export const measuresOf = (columns: readonly Column[]): Measured[] =>
  columns.flatMap((column, at) =>
    isNumber(column) && !isTime(column) ? [{ at, name: column.name, ...unitOf(column.name) }] : [],
  );

/** Over time where the answer has times, one line for each text; else a bar for each row. Null where there is nothing. */
export function pictureOf(columns: readonly Column[], rows: Rows, measure: Measured | undefined): Picture | null {
  if (measure === undefined || rows.length === 0) return null;
  const time = columns.findIndex(isTime);
  const texts = columns.flatMap((column, at) => (at !== time && column.type === "VARCHAR" ? [at] : []));
  return time >= 0 ? overTime(columns, rows, time, texts, measure) : inBars(rows, texts, measure);
}

function overTime(columns: readonly Column[], rows: Rows, time: number, texts: number[], measure: Measured): Picture {
  const isText = TIME.test(columns[time]?.type ?? "");
  const byLabel = new Map<string, Map<number, number>>();
  const times = new Set<number>();
  for (const row of rows) {
    const at = isText ? Date.parse(String(row[time])) * 1e6 : Number(row[time]);
    const value = numberOf(row[measure.at]);
    if (Number.isNaN(at) || value === null) continue;
    const label = labelOf(row, texts) || measure.name;
    const line = byLabel.get(label) ?? new Map<number, number>();
    line.set(at, value * measure.factor);
    byLabel.set(label, line);
    times.add(at);
  }
  const inOrder = [...times].sort((one, other) => one - other);
  const lines = [...byLabel]
    .slice(0, MOST_LINES)
    .map(([label, line]) => ({ label, values: inOrder.map((at) => line.get(at) ?? null) }));
  return { kind: "time", times: inOrder, lines, leftOut: byLabel.size - lines.length };
}

function inBars(rows: Rows, texts: number[], measure: Measured): Picture {
  const all = rows.flatMap((row, at) => {
    const value = numberOf(row[measure.at]);
    return value === null ? [] : [{ label: labelOf(row, texts) || `row ${at + 1}`, value: value * measure.factor }];
  });
  return { kind: "bars", bars: all.slice(0, MOST_BARS), leftOut: Math.max(all.length - MOST_BARS, 0) };
}

const labelOf = (row: readonly unknown[], texts: readonly number[]): string =>
  texts
    .slice(0, MOST_TEXTS)
    .map((at) => textOf(row[at]))
    .join(" · ");

/** Any value of an answer as text. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  const read = typeof value === "string" && value !== "" ? Number(value) : NaN;
  return Number.isNaN(read) ? null : read;
}
