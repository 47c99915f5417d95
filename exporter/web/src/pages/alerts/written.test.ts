import { expect, test } from "vitest";

import { placeOf, read, write } from "./written";

const problem = (field: string) => ({ title: "", mend: "", status: 400, retryable: false, field });
const TEXT = 'alert: Slow\nmetric: p95_latency\nthresholds:\n  warning: 2s\n  critical: "x y"\nby: [model]\n';

test("a rule is read, and written as it was", () => {
  const { definition } = read(TEXT);
  expect(definition).toEqual({
    alert: "Slow",
    metric: "p95_latency",
    thresholds: { warning: "2s", critical: "x y" },
    by: ["model"],
  });
  expect(read(write(definition ?? {})).definition).toEqual(definition);
});

test("what our files take for text and for numbers", () => {
  const { definition } = read("a: 1:30\nb: 2026-01-01\nc: no\nd: 1_000\ne: 800ms\n");
  expect(definition).toEqual({ a: "1:30", b: "2026-01-01", c: false, d: 1000, e: "800ms" });
});

test("operators survive being written", () => {
  const rule = { operator: ">=", filter: 'metric_name = "a: b"', annotations: { summary: "{{ value }} of: calls" } };
  expect(read(write(rule)).definition).toEqual(rule);
});

test("a mistake is where it is", () => {
  const wrong = read("alert: Slow\nby: [model\n");
  expect(wrong.mistake?.fault.from).toBeGreaterThan(11);
  expect(read("just text").mistake?.message).toContain("keys with values");
  expect(read("").mistake).not.toBeNull();
});

test("a problem of the API has its place", () => {
  const place = placeOf(TEXT, problem("rule.thresholds.critical"));
  expect(TEXT.slice(place.from, place.to)).toBe('critical: "x y"');
  expect(placeOf(TEXT, problem("rule.window"))).toEqual({ from: 0, to: 0 });
  const near = placeOf(TEXT, problem("rule.thresholds.info"));
  expect(TEXT.slice(near.from).startsWith("thresholds")).toBe(true);
});
