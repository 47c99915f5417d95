/** The critical path as stretches of time, each of one span: as the server's `is_critical` and `critical_ns` have it. */

import type { Outline } from "./outline";
import { endOf } from "./outline";

export interface Stretch {
  place: number;
  fromNs: number;
  toNs: number;
}

/** Back from the end: the time belongs to the child that ran, of several to the one that ended first, and there to its
 * children in turn; where none ran it is the span's own. */
export function criticalPath({ spans, parents }: Outline, lastNs: number): Stretch[] {
  const children: number[][] = spans.map(() => []);
  const roots: number[] = [];
  spans.forEach((span, at) => {
    if (span.is_critical) (children[parents[at] ?? -1] ?? roots).push(at);
  });
  const startOf = (at: number): number => spans[at]?.start_ns ?? 0;
  const stop = (at: number): number => {
    const span = spans[at];
    return span === undefined ? 0 : endOf(span, lastNs);
  };
  const first = Math.min(...roots.map(startOf));
  const last = Math.max(...roots.map(stop));
  const path: Stretch[] = [];
  const left: { among: readonly number[]; own: number; fromNs: number; toNs: number }[] = [
    { among: roots, own: -1, fromNs: first, toNs: last },
  ];
  for (let step = left.pop(); step !== undefined; step = left.pop()) {
    for (const { place, fromNs, toNs } of stretches(step.among, step.fromNs, step.toNs, startOf, stop)) {
      if (place >= 0) left.push({ among: children[place] ?? [], own: place, fromNs, toNs });
      else if (step.own >= 0) path.push({ place: step.own, fromNs, toNs });
    }
  }
  return path.sort((one, other) => one.place - other.place);
}

/** From the end back to the start: whose each stretch is, -1 where none of them ran. */
function stretches(
  among: readonly number[],
  fromNs: number,
  toNs: number,
  startOf: (at: number) => number,
  stop: (at: number) => number,
): Stretch[] {
  const ahead = among.filter((at) => startOf(at) < toNs).sort((one, other) => stop(one) - stop(other));
  const running: number[] = []; // of those that ended at or after where we are, the first to end is the last here
  const made: Stretch[] = [];
  const endsAt = (list: number[]): number => {
    const last = list.at(-1);
    return last === undefined ? -Infinity : stop(last);
  };
  for (let at = toNs; at > fromNs;) {
    while (endsAt(ahead) >= at) running.push(ahead.pop() ?? -1);
    while (running.length > 0 && startOf(running.at(-1) ?? -1) >= at) running.pop();
    const place = running.pop() ?? -1;
    const begin = Math.max(place >= 0 ? startOf(place) : endsAt(ahead), fromNs);
    made.push({ place, fromNs: begin, toNs: at });
    at = begin;
  }
  return made;
}
