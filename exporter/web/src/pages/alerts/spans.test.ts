import { expect, test } from "vitest";

import { lanes, ticks } from "./spans";

const fired = (lane: string, startNs: number, endNs: number | null) => ({
  id: `${lane}${startNs}`,
  lane,
  severity: "error",
  startNs,
  endNs,
});

test("lanes by rule, the longest first; what overlaps counts once", () => {
  const found = lanes([fired("a", 10, 20), fired("b", 0, 40), fired("a", 15, 30), fired("b", 30, 50)], 0, 100);
  expect(found.map(({ key, firedNs }) => [key, firedNs])).toEqual([
    ["b", 50],
    ["a", 20],
  ]);
});

test("bars are cut to the time that is shown; what goes on reaches its end", () => {
  const [lane] = lanes([fired("a", -50, null)], 0, 100);
  expect(lane?.bars.map(({ left, width }) => [left, width])).toEqual([[0, 1]]);
  expect(lane?.firedNs).toBe(100);
});

test("what was over before, or began after, is not there; what was short is still seen", () => {
  expect(lanes([fired("a", -50, -10), fired("a", 200, null)], 0, 100)).toEqual([]);
  const [lane] = lanes([fired("a", 100, 100)], 0, 100);
  expect(lane?.bars[0]?.width).toBeGreaterThan(0);
  expect((lane?.bars[0]?.left ?? 1) + (lane?.bars[0]?.width ?? 1)).toBeLessThanOrEqual(1);
});

test("ticks are round and within", () => {
  const found = ticks(61e9, 3_700e9);
  expect(found.length).toBeGreaterThan(2);
  expect(found.every((at) => at % 900e9 === 0 && at >= 61e9 && at <= 3_700e9)).toBe(true);
});
