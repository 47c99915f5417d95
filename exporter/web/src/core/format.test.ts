import { describe, expect, it } from "vitest";

import { ago, bytes, change, count, duration, harmless, measured, ratio, usd } from "./format";

describe("numbers have units and no more digits than mean something", () => {
  it.each([
    [null, "–"],
    [0, "0 s"],
    [812, "812 ns"],
    [812_345, "812 µs"],
    [999_999_999, "1 s"],
    [1_240_000_000, "1.24 s"],
    [59_940_000_000, "59.9 s"],
    [59_960_000_000, "1 m"],
    [192_000_000_000, "3 m 12 s"],
    [7_500_000_000_000, "2 h 5 m"],
    [273_600_000_000_000, "3 d 4 h"],
    [-1_240_000_000, "-1.24 s"],
  ])("%s ns is %s", (ns, text) => {
    expect(duration(ns)).toBe(text);
  });

  it.each([
    [0, "$0"],
    [1, "<$0.00001"],
    [-1, "−<$0.00001"],
    [120_000, "$0.00012"],
    [994_000_000, "$0.994"],
    [1_239_000_000, "$1.24"],
    [1_234_567_000_000_000, "$1,234,567"],
    [-5_000_000_000, "−$5.00"],
  ])("%s nano-dollars are %s", (nanos, text) => {
    expect(usd(nanos)).toBe(text);
  });

  it.each([
    [0, "0"],
    [12.345, "12.3"],
    [99_999, "99,999"],
    [123_456, "123k"],
    [1_230_000, "1.23M"],
  ])("%s is counted as %s", (value, text) => {
    expect(count(value)).toBe(text);
  });

  it("shares never round to all or nothing that is not so", () => {
    expect([ratio(1), ratio(0), ratio(0.9996), ratio(0.000_41), ratio(0.000_01), ratio(0.123_4)]).toEqual([
      "100 %",
      "0 %",
      "99.96 %",
      "0.04 %",
      "<0.01 %",
      "12.3 %",
    ]);
    expect([change(0.12), change(-0.04), change(0), change(null)]).toEqual(["+12 %", "−4 %", "±0 %", "–"]);
  });

  it("bytes go in powers of 1,024, and metrics keep their unit", () => {
    expect([bytes(0), bytes(1_024), bytes(1_500_000)]).toEqual(["0 B", "1 KiB", "1.43 MiB"]);
    expect([measured(2, "s"), measured(3, "{token}"), measured(5, "1")]).toEqual(["2 s", "3 token", "5"]);
  });

  it("a moment ago", () => {
    expect([ago(1e15, 1e9), ago(1e15, 1e9 + 90_000), ago(2e15, 1e9)]).toEqual(["now", "1 min ago", "now"]);
  });
});

describe("hostile text", () => {
  it("shows what would turn a line around or act on a terminal", () => {
    expect(harmless("a\u0000b\u001b[31m\u202egnp.exe\tc\n")).toBe("a\u2400b\u241b[31m\ufffdgnp.exe\tc\n");
  });
});
