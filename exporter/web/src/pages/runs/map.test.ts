import { expect, test } from "vitest";

import { placedMap } from "./map";
import type { Edge } from "./rows";

const edge = (caller: string | null, callee: string, kind = "service", calls = 1, failed = 0): Edge => ({
  caller,
  callee,
  callee_kind: kind,
  calls,
  failed,
  avg_duration_ns: 1,
  p95_duration_ns: 1,
  max_duration_ns: 1,
  cost_nanos: null,
  first_ns: 0,
  last_ns: 0,
});
const columnsOf = (edges: readonly Edge[]): Record<string, number> =>
  Object.fromEntries(placedMap(edges).nodes.map((node) => [node.name, node.column]));

test("who is called stands right of all who call", () => {
  const edges = [edge("web", "shop"), edge("shop", "openai", "provider"), edge("web", "openai", "provider")];
  expect(columnsOf(edges)).toEqual({ web: 0, shop: 1, openai: 2 });
});

test("calls in a circle, of oneself and of nobody end", () => {
  const { web, shop } = columnsOf([edge("web", "shop"), edge("shop", "web"), edge("web", "web"), edge(null, "web")]);
  expect([web, shop].every((column) => Number.isInteger(column))).toBe(true);
});

test("a node sums what comes in, and a column is ordered by kind and calls", () => {
  const { nodes, rows } = placedMap([
    edge("a", "x", "tool", 2, 1),
    edge("b", "x", "tool", 3),
    edge("a", "p", "provider", 1),
    edge("a", "q", "provider", 9),
  ]);
  const found = nodes.find((node) => node.name === "x");
  expect([found?.calls, found?.failed]).toEqual([5, 1]);
  const order = nodes.filter((node) => node.column === 1).sort((one, other) => one.row - other.row);
  expect(order.map((node) => node.name)).toEqual(["q", "p", "x"]);
  expect(rows).toBe(3);
});
