import { expect, it } from "vitest";

import type { Budget } from "./budget";
import { courseOf, NAMES } from "./projection";

const DAY = 86_400e9;
const budget = {
  period_start_unix_nano: 0,
  period_end_unix_nano: 10 * DAY,
  spent_nanos: 7,
  limit_nanos: 20,
  projection: { expected_nanos: 18, low_nanos: 15, high_nanos: 23, gone_on: null },
} as Budget;
const buckets = [
  { bucket_ns: DAY, cost_nanos: 3 },
  { bucket_ns: 0, cost_nanos: 2 },
  { bucket_ns: 2 * DAY, cost_nanos: 1.5 },
];

it("adds up what was spent, ends at what the ledger says, and goes on to where it is expected", () => {
  const { times, lines } = courseOf(budget, buckets, DAY, 2.5 * DAY);
  const values = Object.fromEntries(lines.map((line) => [line.label, line.values]));
  expect(times.map((time) => time / DAY)).toEqual([0, 1, 2, 2.5, 10]);
  expect(values[NAMES.spent]).toEqual([0, 2, 5, 7, null]);
  expect(values[NAMES.expected]).toEqual([null, null, null, 7, 18]);
  expect(values[NAMES.high]?.at(-1)).toBe(23);
  expect(values[NAMES.limit]).toEqual([20, 20, 20, 20, 20]);
});

it("draws no course that it does not know, and no projection that there is not", () => {
  const { times, lines } = courseOf({ ...budget, projection: null }, null, DAY, 2.5 * DAY);
  expect(times.map((time) => time / DAY)).toEqual([2.5, 10]);
  expect(lines.map(({ label }) => label)).toEqual([NAMES.spent, NAMES.limit]);
});

it("ends with a period that is over", () => {
  const { times } = courseOf(budget, buckets, DAY, 12 * DAY);
  expect(times.at(-1)).toBe(10 * DAY);
});

it("stays level where nothing was spent", () => {
  const { times, lines } = courseOf(budget, [{ bucket_ns: 4 * DAY, cost_nanos: 7 }], DAY, 4.5 * DAY);
  expect(times.map((time) => time / DAY)).toEqual([0, 4, 4.5, 10]);
  expect(lines[0]?.values).toEqual([0, 0, 7, null]);
});
