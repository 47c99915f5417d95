import { describe, expect, it } from "vitest";

import { bucketsOf, parts, rate, spread } from "./series";

const MINUTE = 60e9;

describe("buckets", () => {
  it("hold the whole period", () => {
    expect(bucketsOf(90e9, 200e9, 60)).toEqual([MINUTE, 2 * MINUTE, 3 * MINUTE]);
    expect(bucketsOf(MINUTE, 3 * MINUTE, 60)).toEqual([MINUTE, 2 * MINUTE]);
  });

  it("are the numbers that the API writes", () => {
    const at = 1_795_321_620_000_000_000;
    expect(bucketsOf(at + 5e9, at + MINUTE, 60)).toEqual([at]);
  });
});

describe("spread", () => {
  it("tells no calls from no latency", () => {
    const rows = [{ bucket_ns: 60e9, calls: 3, p95: null }];
    expect(spread(rows, [0, 60e9], (row) => row.calls, 0)).toEqual([0, 3]);
    expect(spread(rows, [0, 60e9], (row) => row.p95, null)).toEqual([null, null]);
  });
});

describe("parts", () => {
  const row = (bucket_ns: number, model: string, cost: number) => ({ bucket_ns, labels: { model }, cost });
  const rows = [row(0, "a", 1), row(0, "b", 9), row(60, "a", 3), row(60, "c", 2), row(60, "d", 1)];
  const of = (most: number) =>
    parts(
      rows,
      [0, 60],
      (one) => one.labels.model,
      (one) => one.cost,
      most,
    );

  it("puts the greatest first", () => {
    expect(of(4).map((one) => one.label)).toEqual(["b", "a", "c", "d"]);
    expect(of(4)[1]).toEqual({ label: "a", values: [1, 3] });
  });

  it("loses nothing of the rest", () => {
    expect(of(3)).toEqual([
      { label: "b", values: [9, 0] },
      { label: "a", values: [1, 3] },
      { label: "others", values: [0, 3] },
    ]);
  });
});

it("tells a rate by the time in which it is more than one", () => {
  expect(rate(7_200, 3_600e9)).toEqual([2, "s"]);
  expect(rate(1_200, 3_600e9)).toEqual([20, "min"]);
  expect(rate(5, 3_600e9)).toEqual([5, "h"]);
  expect(rate(1, 2 * 86_400e9)).toEqual([0.5, "day"]);
});
