import { describe, expect, it } from "vitest";

import { groupName, linesOf, REST } from "./grouped";

const MIN = 60e9;
const T = 1_795_322_820_000_000_000;
const row = (minute: number, model: string | null, calls: number) => ({
  bucket_ns: T + minute * MIN,
  labels: { model },
  calls,
});
const drawn = {
  value: (one: { calls: number }) => one.calls,
  span: [T, T + 4 * MIN] as const,
  stepNs: MIN,
};

describe("linesOf", () => {
  it("fills sums with zeros through the span", () => {
    const { times, lines } = linesOf([row(1, "a", 3), row(3, "b", 2)], { ...drawn, order: ["a", "b"], nothing: 0 });
    expect(times).toEqual([0, 1, 2, 3].map((minute) => T + minute * MIN));
    expect(lines.map(({ label, values }) => [label, values])).toEqual([
      ["a", [0, 3, 0, 0]],
      ["b", [0, 0, 0, 2]],
    ]);
  });

  it("adds up what has no line of its own, and keeps the sum", () => {
    const rows = [row(0, "a", 3), row(0, "b", 2), row(0, null, 4)];
    const { lines } = linesOf(rows, { ...drawn, order: ["a", "b", "(none)"], most: 1, hasRest: true, nothing: 0 });
    expect(lines.map(({ label, values }) => [label, values[0]])).toEqual([
      ["a", 3],
      [REST, 6],
    ]);
  });

  it("orders groups by their sums where no order is told", () => {
    const { lines } = linesOf([row(0, "a", 3), row(0, "b", 5)], { ...drawn, order: [], nothing: 0 });
    expect(lines.map(({ label }) => label)).toEqual(["b", "a"]);
  });

  it("leaves gaps in what is measured", () => {
    const rows = [row(0, "a", 3), row(2, "b", 2)];
    const { times, lines } = linesOf(rows, { ...drawn, order: ["a", "b"], nothing: null });
    expect(times).toHaveLength(2);
    expect(lines.map(({ values }) => values)).toEqual([
      [3, null],
      [null, 2],
    ]);
  });
});

describe("groupName", () => {
  it("says which value is missing", () => {
    expect(groupName({ provider: "openai", model: null })).toBe("openai · (none)");
    expect(groupName({})).toBe("all");
  });
});
