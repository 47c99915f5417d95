import { expect, test } from "vitest";

import { fitted, justBehind, merged, type Record, rowsOf, toldRows } from "./records";

const record = (second: number, body = `at ${second}`): Record => ({
  time_ns: 1_795_320_000e9 + second * 1e9,
  ingest_us: 1,
  body,
  attributes: {},
});
const seconds = (rows: readonly { record: Record }[]): number[] =>
  rows.map((one) => (one.record.time_ns ?? 0) / 1e9 - 1_795_320_000);

test("a record that comes twice is there once", () => {
  const rows = rowsOf([record(3), record(2)]);
  expect(seconds(merged(rows, rowsOf([record(4), record(3)])))).toEqual([4, 3, 2]);
  expect(merged(rows, rowsOf([record(2)]))).toBe(rows);
});

test("records that say the same at one time are as many as came", () => {
  const rows = rowsOf([record(1), record(1)]);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(2);
  expect(merged(rows, rowsOf([record(1), record(1)]))).toBe(rows);
});

test("what comes late stands where it belongs", () => {
  expect(seconds(merged(rowsOf([record(5), record(1)]), rowsOf([record(3)])))).toEqual([5, 3, 1]);
});

test("no more than so many, none too old", () => {
  const rows = rowsOf([record(5), record(4), record(3), record(2)]);
  expect(seconds(fitted(rows, 3))).toEqual([5, 4, 3]);
  expect(seconds(fitted(rows, 9, 1_795_320_003e9))).toEqual([5, 4, 3]);
  expect(fitted(rows, 9)).toBe(rows);
});

test("what was left out is told", () => {
  const before = rowsOf([record(1)]);
  const change = toldRows([record(5), record(4)], { isAnew: false, leftOut: 7, isFull: true }, before);
  expect(change.map(({ leftOut }) => leftOut)).toEqual([0, 7]);
  const gap = toldRows([record(5)], { isAnew: true, leftOut: 0, isFull: true }, before);
  expect(gap[0]?.leftOut).toBeNull();
  const whole = toldRows([record(5)], { isAnew: true, leftOut: 0, isFull: false }, before);
  expect(whole[0]?.leftOut).toBe(0);
});

test("an end that holds the record itself", () => {
  expect(justBehind(1_795_320_000e9)).toBe("2026-11-22T04:00:00.000001Z");
});
