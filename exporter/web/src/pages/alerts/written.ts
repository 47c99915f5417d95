/** A rule as text: YAML, in the words of files of rules. */

import { type Document, isMap, isScalar, type Node, parseDocument, stringify } from "yaml";

import type { Problem } from "../../core/client";
import type { Fault } from "../../core/code/faults";
import type { Definition } from "./asked";

/** As files of rules are read: the words and numbers of YAML 1.1, without dates and without numbers like 1:30. */
const LIKE_FILES = {
  version: "1.1",
  schema: "yaml-1.1",
  merge: true,
  customTags: (tags: readonly unknown[]) =>
    tags.filter((tag) => !(isTag(tag) && (tag.tag.endsWith(":timestamp") || tag.format === "TIME"))),
} as Parameters<typeof parseDocument>[1];

const isTag = (tag: unknown): tag is { tag: string; format?: string } =>
  typeof tag === "object" && tag !== null && "tag" in tag && typeof tag.tag === "string";

export interface Mistake {
  message: string;
  fault: Fault;
}

export type Written = { definition: Definition; mistake: null } | { definition: null; mistake: Mistake };

const parsed = (text: string): Document => parseDocument(text, { ...LIKE_FILES, prettyErrors: false });

/** What a text says, or its first mistake. */
export function read(text: string): Written {
  const document = parsed(text);
  const error = document.errors[0];
  if (error !== undefined)
    return { definition: null, mistake: { message: error.message, fault: { from: error.pos[0], to: error.pos[1] } } };
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isMap(document.contents) || typeof value !== "object" || value === null)
    return {
      definition: null,
      mistake: { message: "here belong keys with values, such as alert: SlowCalls", fault: { from: 0, to: 0 } },
    };
  return { definition: value as Definition, mistake: null };
}

export const write = (definition: Definition): string => stringify(definition, { lineWidth: 100, version: "1.1" });

/** Where in the text a problem of the API is: its `field` is `rule.`, then the path within the rule. */
export function placeOf(text: string, problem: Problem): Fault {
  const path = (problem.field ?? "")
    .replace(/^rule\.?/, "")
    .split(".")
    .filter(Boolean);
  let node: unknown = parsed(text).contents;
  let found: Fault | null = null;
  for (const step of path) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
    if (pair === undefined) break;
    const [key, value] = [rangeOf(pair.key), rangeOf(pair.value)];
    found = key === null ? found : { from: key.from, to: (value ?? key).to };
    node = pair.value;
  }
  return found ?? { from: 0, to: 0 };
}

function rangeOf(node: unknown): Fault | null {
  const range = (node as Node | null)?.range;
  return range === null || range === undefined ? null : { from: range[0], to: range[1] };
}
