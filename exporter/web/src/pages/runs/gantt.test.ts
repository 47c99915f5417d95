import { expect, test } from "vitest";

import { lengthOf, placed, ticks } from "./gantt";

const DONE = { offset_ns: 100, duration_ns: 300, is_running: false };
const RUNS = { offset_ns: 400, duration_ns: 100, is_running: true };

test("a time line ends with what ends last, and grows with what runs", () => {
  expect(lengthOf([DONE, RUNS], null)).toBe(500);
  expect(lengthOf([DONE, RUNS], null, 500)).toBe(1000);
  expect(lengthOf([DONE], 900, 500)).toBe(900);
  expect(lengthOf([], null)).toBe(1);
});

test("bars are within it, whatever clocks say", () => {
  expect(placed(DONE, 500)).toEqual({ left: 20, width: 60 });
  expect(placed(RUNS, 1000, 500)).toEqual({ left: 40, width: 60 });
  expect(placed({ offset_ns: -50, duration_ns: 5000, is_running: false }, 500)).toEqual({ left: 0, width: 100 });
  expect(placed({ offset_ns: 900, duration_ns: 10, is_running: false }, 500)).toEqual({ left: 100, width: 0 });
});

test.each([
  [4.2e9, [0, 1e9, 2e9, 3e9]],
  [380e6, [0, 100e6, 200e6, 300e6]],
  [200e9, [0, 60e9, 120e9, 180e9]],
  [20 * 86_400e9, [0, 5, 10, 15].map((day) => day * 86_400e9)],
])("ticks are round: %d", (length, expected) => {
  expect(ticks(length)).toEqual(expected);
});
