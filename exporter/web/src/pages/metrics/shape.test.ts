import { expect, test } from "vitest";

import { addsUp, aggregationOf, aggregations, bridged, moved, oddHours, unitOf, withGaps } from "./shape";

test("each kind has its usual aggregation", () => {
  expect(aggregationOf("measure", false, "p95")).toBeNull();
  expect(aggregationOf("gauge", false, "")).toBe("last");
  expect(aggregationOf("sum", false, "rate")).toBe("rate");
  expect(aggregationOf("histogram", false, "nonsense")).toBe("percentiles");
  expect(aggregationOf("histogram", true, "percentiles")).toBe("p95");
  expect(aggregations("unknown", false)).toEqual([]);
});

test("units of what comes out", () => {
  expect(unitOf("{token}", "sum")).toBe("{token}");
  expect(unitOf("{token}", "rate")).toBe("token/s");
  expect(unitOf("s", "count")).toBe("count");
  expect(unitOf("ns", null)).toBe("ns");
});

test("only sums are stacked", () => {
  expect(addsUp("measure", "usd_nanos", null)).toBe(true);
  expect(addsUp("measure", "ns", null)).toBe(false);
  expect(addsUp("histogram", "s", "p95")).toBe(false);
  expect(addsUp("sum", "{token}", "rate")).toBe(true);
});

test("a line goes on over a bucket without a point, not over a long silence", () => {
  const times = [0, 1, 2, 3, 8, 9];
  const line = { label: "a", values: [1, null, 2, null, null, 3] };
  expect(bridged(line, times, 1).values).toEqual([1, undefined, 2, null, null, 3]);
  expect(withGaps([0, 1, 2, 8], 1)).toEqual([0, 1, 2, 3, 8]);
});

test("the period before stands at the same places", () => {
  const rows = [
    { bucket_ns: 100, value: 1 },
    { bucket_ns: 120, value: 2 },
  ];
  expect(moved(rows, [160, 170, 180], 60, 10)).toEqual([1, null, 2]);
});

test("odd hours are marked", () => {
  const hours = [
    { start_ns: 1, state: "normal" },
    { start_ns: 2, state: "high" },
  ];
  expect(oddHours([{ labels: {}, hours }])).toEqual([{ atNs: 2, label: "unusually high" }]);
  expect(oddHours([{}])).toEqual([]);
});
