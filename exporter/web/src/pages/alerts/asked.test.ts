import { expect, test } from "vitest";

import { around, behind, partsOf, quantity, questionOf, ruleHref, seriesOf } from "./asked";

const slow = { alert: "Slow", metric: "p95_latency", threshold: "2s", window: "5m", by: ["model"] };
const alert = { labels: [["model", 'a"b']], threshold: 2e9, unit: "ns" as const };

test("a question in words", () => {
  expect(questionOf(slow)).toBe("p95_latency > 2s over 5m by model");
  expect(
    questionOf({ view: "voice_turns", field: "cost_usd", per: "call_id", aggregation: "sum", threshold: "$0.20" }),
  ).toBe("sum(voice_turns.cost_usd) per call_id > $0.20 over 5m");
  expect(questionOf({ sql: "select 1", operator: "absent", for: "2m" })).toBe("SQL is absent over 5m for 2m");
  expect(questionOf({ metric: "cost", thresholds: { warning: 5, critical: "9" } })).toBe("cost > 5 / 9 over 5m");
  expect(questionOf({ metric: "calls", anomaly: true })).toBe("calls is unusual");
});

test("the series of one alert has its labels, as text", () => {
  expect(seriesOf(slow, alert.labels)).toEqual({
    name: "p95_latency",
    filter: 'model = "a\\"b"',
    aggregation: null,
    of: "calls",
  });
  expect(seriesOf({ sql: "select 1" }, [])).toBeNull();
});

test("the records behind an alert", () => {
  expect(behind(slow, alert)).toEqual({
    page: "calls",
    title: "LLM calls over 2s",
    filter: 'model = "a\\"b" and duration > 2s',
  });
  const failing = { metric: "error_rate", threshold: "5%", filter: 'provider = "x" or provider = "y"' };
  expect(behind(failing, { labels: [], threshold: 0.05, unit: "ratio" })?.filter).toBe(
    '(provider = "x" or provider = "y") and failed',
  );
  const turns = { view: "voice_turns", field: "heard_silence_ns", aggregation: "p95", threshold: "800ms" };
  expect(behind(turns, { labels: [], threshold: 800e6, unit: "ns" })).toEqual({
    page: "voice",
    title: "Voice turns with silence > 800ms",
    filter: "silence > 800ms",
  });
  expect(behind({ sql: "select 1" }, alert)).toBeNull();
});

test("quantities of a filter", () => {
  expect([2e9, 800e6, 90e9, 120e9, 1_500].map(quantity)).toEqual(["2s", "800ms", "90s", "2m", "1500ns"]);
});

test("ids and paths", () => {
  expect(partsOf("defaults/SlowCalls")).toEqual(["defaults", "SlowCalls"]);
  expect(ruleHref("a:b/c")).toBe("/alerts/rules/a%3Ab/c");
  expect(ruleHref("ax/budget/a/b")).toBe("/costs");
  expect(ruleHref("ax/AxUnhealthy")).toBe("/health");
});

test("the time around an alert", () => {
  expect(around({ started_at: 1_000e9, resolved_at: 1_060e9 }, slow, 9_000e9)).toEqual([400e9, 1_660e9]);
  expect(around({ started_at: 1_000e9, resolved_at: null }, slow, 2_000e9)).toEqual([400e9, 2_000e9]);
  const long = { ...slow, window: "1h" };
  expect(around({ started_at: 9_000e9, resolved_at: null }, long, 9_100e9)).toEqual([5_400e9, 9_100e9]);
});
