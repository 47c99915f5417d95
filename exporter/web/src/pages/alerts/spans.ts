/** When alerts fired, as bars on a line of time. */

import type { Alert } from "./asked";

export interface Bar {
  id: string;
  /** Of the width, 0 to 1. */
  left: number;
  width: number;
  severity: string;
  startNs: number;
  /** Null while it goes on. */
  endNs: number | null;
  /** Where a click leads; nowhere without. */
  href?: string;
}

export interface Lane {
  key: string;
  label: string;
  href?: string;
  bars: Bar[];
  /** How long something fired within the time, in nanoseconds; what overlaps counts once. */
  firedNs: number;
}

/** An episode that fired. */
export interface Fired {
  id: string;
  lane: string;
  severity: string;
  startNs: number;
  endNs: number | null;
  href?: string;
}

const LEAST_WIDTH = 0.004;

/** The alerts that fired, each in the lane of its rule. */
export const firedOf = (alerts: readonly Alert[]): Fired[] =>
  alerts.flatMap((one) =>
    one.fired_at === null
      ? []
      : [
          {
            id: one.id,
            lane: one.rule_id,
            severity: one.severity,
            startNs: one.fired_at,
            endNs: one.resolved_at,
            href: `/alerts/${one.id}`,
          },
        ],
  );

/** Lanes of what fired between two times, the longest first. */
export function lanes(fired: readonly Fired[], startNs: number, endNs: number): Lane[] {
  const length = Math.max(endNs - startNs, 1);
  const found = new Map<string, Lane>();
  for (const { id, lane, severity, startNs: began, endNs: ended, href } of fired) {
    const [from, to] = [Math.max(began, startNs), Math.min(ended ?? endNs, endNs)];
    if (to < startNs || from > endNs || to < from) continue;
    const into = found.get(lane) ?? { key: lane, label: lane, bars: [], firedNs: 0 };
    const width = Math.max((to - from) / length, LEAST_WIDTH);
    const left = Math.min((from - startNs) / length, 1 - LEAST_WIDTH);
    into.bars.push({
      id,
      left,
      width: Math.min(width, 1 - left),
      severity,
      startNs: began,
      endNs: ended,
      ...(href === undefined ? {} : { href }),
    });
    found.set(lane, into);
  }
  for (const lane of found.values()) lane.firedNs = covered(lane.bars, startNs, endNs);
  return [...found.values()].sort((one, other) => other.firedNs - one.firedNs || one.key.localeCompare(other.key));
}

function covered(bars: readonly Bar[], startNs: number, endNs: number): number {
  let until = startNs;
  let sum = 0;
  for (const bar of [...bars].sort((one, other) => one.startNs - other.startNs)) {
    const from = Math.max(bar.startNs, until);
    const to = Math.min(bar.endNs ?? endNs, endNs);
    if (to > from) sum += to - from;
    until = Math.max(until, to);
  }
  return sum;
}

const STEPS_S = [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/** What the words of the last tick need, of the width. */
const ROOM = 0.05;

/** Round moments of the person's day within a time, about `most` of them; Unix nanoseconds. */
export function ticks(startNs: number, endNs: number, most = 6): number[] {
  const wanted = (endNs - startNs) / 1e9 / most;
  const step = (STEPS_S.find((one) => one >= wanted) ?? 604_800) * 1e9;
  const offset = new Date(startNs / 1e6).getTimezoneOffset() * 60e9;
  const first = Math.ceil((startNs - offset) / step) * step + offset;
  const found: number[] = [];
  for (let at = first; at <= endNs - (endNs - startNs) * ROOM; at += step) found.push(at);
  return found;
}
