/** The rows of a trace: its spans in the order of their tree, of which some are folded away. */

import type { Schemas } from "../../../core/client";

export type Trace = Schemas["exporter__query__detail__Detail"];
export type Placed = Schemas["Placed"];

export interface Outline {
  spans: readonly Placed[];
  /** What each is called here: its id, made unique. */
  keys: readonly string[];
  /** Where each key is. */
  places: ReadonlyMap<string, number>;
  /** The place of the one above each; -1 of a root. */
  parents: Int32Array;
  /** The place behind all that is below each. */
  ends: Int32Array;
}

/** The outline of spans, each behind its parent. */
export function outlined(spans: readonly Placed[]): Outline {
  const places = new Map<string, number>();
  const keys = spans.map(({ span_id }, at) => {
    const key = span_id !== null && !places.has(span_id) ? span_id : `row-${at}`;
    places.set(key, at);
    return key;
  });
  const parents = new Int32Array(spans.length).fill(-1);
  const ends = new Int32Array(spans.length).fill(spans.length);
  const above: number[] = [];
  spans.forEach(({ depth }, at) => {
    let last = above.at(-1);
    while (last !== undefined && (spans[last]?.depth ?? 0) >= depth) {
      ends[last] = at;
      above.pop();
      last = above.at(-1);
    }
    parents[at] = last ?? -1;
    above.push(at);
  });
  return { spans, keys, places, parents, ends };
}

/** Whether there is something below it. */
export const isParent = ({ ends }: Outline, at: number): boolean => (ends[at] ?? 0) > at + 1;

/** The places of what is seen while some are folded, in order. */
export function unfolded(outline: Outline, folded: ReadonlySet<string>): Int32Array {
  const { keys, ends } = outline;
  const seen = new Int32Array(keys.length);
  let count = 0;
  for (let at = 0; at < keys.length;) {
    seen[count++] = at;
    at = folded.size > 0 && folded.has(keys[at] ?? "") ? (ends[at] ?? keys.length) : at + 1;
  }
  return seen.subarray(0, count);
}

/** The row of a place in what is seen, or of the nearest seen one above it. */
export function rowOf(seen: Int32Array, at: number): number {
  let [low, high] = [0, seen.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((seen[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** `folded` without those that hide the place. */
export function shownAt(outline: Outline, folded: ReadonlySet<string>, at: number): ReadonlySet<string> {
  const after = new Set(folded);
  for (let above = outline.parents[at] ?? -1; above >= 0; above = outline.parents[above] ?? -1)
    after.delete(outline.keys[above] ?? "");
  return after.size === folded.size ? folded : after;
}

/** All that can be folded. */
export const parentsOf = (outline: Outline): ReadonlySet<string> =>
  new Set(outline.keys.filter((_, at) => isParent(outline, at)));

/** The places of spans that have the text in their name, service, operation, model, error or id. */
export function found(spans: readonly Placed[], text: string): number[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const places: number[] = [];
  spans.forEach((span, at) => {
    const { name, service_name, operation, provider, model, error_type, status_message, span_id } = span;
    const texts = [name, service_name, operation, provider, model, error_type, status_message, span_id];
    if (texts.some((one) => one?.toLowerCase().includes(wanted))) places.push(at);
  });
  return places;
}

export const isFailed = ({ status_code, error_type }: Placed): boolean =>
  status_code === "ERROR" || error_type !== null;

/** When it ended, Unix nanoseconds; of one that runs, the latest instant that is known of the trace. */
export const endOf = (span: Placed, lastNs: number): number =>
  span.is_running ? Math.max(lastNs, span.start_ns) : span.start_ns + Math.max(span.duration_ns ?? 0, 0);
