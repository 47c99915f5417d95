/** Where in a statement an error of DuckDB is: it names a word, which is looked for. */

import type { Fault } from "../../core/code/faults";

const NAMED = [
  /at or near "([^"]+)"/,
  /Referenced (?:column|table) "([^"]+)"/,
  /(?:column|table) named "([^"]+)"/,
  /(?:Table|View|Macro|Scalar Function|Aggregate Function|Type|Function) with name "?([^\s"!(]+)"?/,
  /function '?([a-z_0-9]+)\(/i,
];

export function placeOf(message: string, query: string): Fault | null {
  for (const pattern of NAMED) {
    const word = pattern.exec(message)?.[1];
    if (word === undefined) continue;
    const at = query.search(new RegExp(`(?<![\\w.])${escaped(word)}(?!\\w)`, "i"));
    const from = at >= 0 ? at : query.toLowerCase().indexOf(word.toLowerCase());
    if (from >= 0) return { from, to: from + word.length };
  }
  return null;
}

/** `3:12` of an offset. */
export function lineAndColumn(text: string, at: number): string {
  const before = text.slice(0, at).split("\n");
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
