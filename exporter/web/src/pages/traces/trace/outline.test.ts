import { describe, expect, test } from "vitest";

import { found, outlined, parentsOf, type Placed, rowOf, shownAt, unfolded } from "./outline";
import { criticalPath } from "./path";

/** A span of a tree drawn in text: two blanks a level, then its name, when it began and how long it took. */
function span(line: string): Placed {
  const [, blanks = "", name = "", start = "0", took = "0"] = /^( *)(\S+) (\d+)\+(\d+)$/.exec(line) ?? [];
  return {
    depth: blanks.length / 2,
    span_id: name,
    parent_span_id: null,
    name,
    kind: "INTERNAL",
    service_name: "shop",
    start_ns: Number(start),
    duration_ns: Number(took),
    self_ns: 0,
    critical_ns: 0,
    is_critical: true,
    is_running: false,
    status_code: "UNSET",
    status_message: "",
    error_type: null,
    operation: null,
    provider: null,
    model: null,
    tokens_input: null,
    tokens_output: null,
    cost_nanos: null,
    total_tokens: 0,
    total_cost_nanos: 0,
  };
}

const TREE = ["root 0+100", "  plan 10+40", "    ask 15+20", "    look 40+10", "  answer 60+30", "other 120+10"].map(
  span,
);
const names = (places: Iterable<number>): string => [...places].map((place) => TREE[place]?.name).join(" ");

describe("an outline", () => {
  const outline = outlined(TREE);

  test("knows what is above and below each", () => {
    expect([...outline.parents]).toEqual([-1, 0, 1, 1, 0, -1]);
    expect([...outline.ends]).toEqual([5, 4, 3, 4, 5, 6]);
    expect([...parentsOf(outline)]).toEqual(["root", "plan"]);
  });

  test("hides what is below what is folded", () => {
    expect(names(unfolded(outline, new Set()))).toBe("root plan ask look answer other");
    expect(names(unfolded(outline, new Set(["plan"])))).toBe("root plan answer other");
    expect(names(unfolded(outline, new Set(["root", "plan"])))).toBe("root other");
  });

  test("stands on the nearest row above where one is hidden", () => {
    const seen = unfolded(outline, new Set(["plan"]));
    expect(["root", "plan", "ask", "look", "answer", "other"].map((_, place) => rowOf(seen, place))).toEqual([
      0, 1, 1, 1, 2, 3,
    ]);
  });

  test("opens all above what is looked for", () => {
    expect([...shownAt(outline, new Set(["root", "plan", "answer"]), 2)]).toEqual(["answer"]);
  });

  test("gives two spans of one id names of their own", () => {
    expect(new Set(outlined([...TREE, ...TREE]).keys).size).toBe(2 * TREE.length);
  });

  test("finds by a part of what a span says", () => {
    expect(names(found(TREE, "AN"))).toBe("plan answer");
    expect(found(TREE, " ")).toEqual([]);
  });
});

describe("the critical path", () => {
  const told = (spans: Placed[]): string =>
    criticalPath(outlined(spans), Math.max(...spans.map((one) => one.start_ns + (one.duration_ns ?? 0))))
      .map(({ place, fromNs, toNs }) => `${spans[place]?.name ?? ""} ${fromNs}-${toNs}`)
      .sort()
      .join(", ");

  test("gives each instant to the innermost span that the end waited for", () => {
    expect(told(TREE)).toBe(
      "answer 60-90, ask 15-35, look 40-50, other 120-130, plan 10-15, plan 35-40, root 0-10, root 50-60, root 90-100",
    );
  });

  test("takes of two that ran together the one that ended last, and before it the other", () => {
    expect(told(["root 0+100", "  one 0+60", "  two 30+70"].map(span))).toBe("one 0-30, two 30-100");
  });

  test("does not leave a parent with a child that outlives it", () => {
    expect(told(["root 0+50", "  late 40+60"].map(span))).toBe("late 40-50, root 0-40");
  });
});
