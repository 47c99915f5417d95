/** Where services, and what they call, stand on a map: callers left of whom they call. */

import type { Edge } from "./rows";

export interface Node {
  key: string;
  name: string;
  kind: string;
  /** Calls that come in, and how many of them failed. */
  calls: number;
  failed: number;
  column: number;
  row: number;
}

export interface Placed {
  nodes: readonly Node[];
  columns: number;
  rows: number;
}

const UNKNOWN = "(unknown)";
const KINDS = ["service", "provider", "tool", "database"];

export const callerKey = (edge: Edge): string => `service ${edge.caller ?? UNKNOWN}`;
export const calleeKey = (edge: Edge): string => `${edge.callee_kind} ${edge.callee}`;

/** Each in the column behind the last of its callers; services that call in a circle stay where they were met first. */
export function placedMap(edges: readonly Edge[]): Placed {
  const nodes = new Map<string, Node>();
  const meet = (key: string, name: string, kind: string): Node => {
    const node = nodes.get(key) ?? { key, name, kind, calls: 0, failed: 0, column: 0, row: 0 };
    nodes.set(key, node);
    return node;
  };
  for (const edge of edges) {
    meet(callerKey(edge), edge.caller ?? UNKNOWN, "service");
    const callee = meet(calleeKey(edge), edge.callee, edge.callee_kind);
    callee.calls += edge.calls;
    callee.failed += edge.failed;
  }
  const before = new Map<string, string[]>();
  for (const edge of edges) before.set(calleeKey(edge), [...(before.get(calleeKey(edge)) ?? []), callerKey(edge)]);
  for (const node of nodes.values()) node.column = depth(node.key, before, new Set());
  const columns = Math.max(0, ...[...nodes.values()].map((node) => node.column + 1));
  let rows = 0;
  for (let column = 0; column < columns; column += 1) {
    const here = [...nodes.values()].filter((node) => node.column === column).sort(byKindThenCalls);
    here.forEach((node, row) => (node.row = row));
    rows = Math.max(rows, here.length);
  }
  return { nodes: [...nodes.values()], columns, rows };
}

function depth(key: string, before: ReadonlyMap<string, readonly string[]>, seen: ReadonlySet<string>): number {
  if (seen.has(key)) return 0;
  const callers = (before.get(key) ?? []).filter((caller) => caller !== key && !seen.has(caller));
  const met = new Set([...seen, key]);
  return Math.max(0, ...callers.map((caller) => 1 + depth(caller, before, met)));
}

const byKindThenCalls = (one: Node, other: Node): number =>
  KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind) || other.calls - one.calls || one.name.localeCompare(other.name);
