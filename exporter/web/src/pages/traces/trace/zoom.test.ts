import { describe, expect, test } from "vitest";

import { moved, read, scaled, ticks, within, written } from "./zoom";

const TOTAL = 1e9;

describe("a part of a trace's time", () => {
  test("is the same when it was written and is read", () => {
    const part = { fromNs: 12_500_000, toNs: 340_000_000 };
    expect(written(part, TOTAL)).toBe("12.5..340");
    expect(read("12.5..340", TOTAL)).toEqual(part);
  });

  test("is the whole where nothing, or nothing sensible, is said", () => {
    const whole = { fromNs: 0, toNs: TOTAL };
    for (const text of ["", "x", "5..1", "..", "-5..3"]) expect(read(text, TOTAL)).toEqual(whole);
    expect(written(whole, TOTAL)).toBe("");
  });

  test("stays within the whole", () => {
    expect(within({ fromNs: -5e8, toNs: 1e8 }, TOTAL)).toEqual({ fromNs: 0, toNs: 6e8 });
    expect(within({ fromNs: 9e8, toNs: 12e8 }, TOTAL)).toEqual({ fromNs: 7e8, toNs: 1e9 });
    expect(moved({ fromNs: 8e8, toNs: 9e8 }, 5, TOTAL)).toEqual({ fromNs: 9e8, toNs: 1e9 });
  });

  test("comes closer around where one points", () => {
    expect(scaled({ fromNs: 0, toNs: TOTAL }, 0.5, TOTAL)).toEqual({ fromNs: 2.5e8, toNs: 7.5e8 });
    expect(scaled({ fromNs: 0, toNs: TOTAL }, 0.5, TOTAL, 0)).toEqual({ fromNs: 0, toNs: 5e8 });
  });

  test("has round moments on its axis, not too close", () => {
    expect(ticks({ fromNs: 0, toNs: TOTAL }, 500).map(({ label }) => label)).toEqual([
      "0",
      "200 ms",
      "400 ms",
      "600 ms",
      "800 ms",
      "1 s",
    ]);
    expect(ticks({ fromNs: 0, toNs: 0 }, 500)).toEqual([]);
  });
});
