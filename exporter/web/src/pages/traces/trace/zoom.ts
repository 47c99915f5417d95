/** Which part of a trace's time is looked at. In: nanoseconds since it began. */

import { duration } from "../../../core/format";

export interface Span {
  fromNs: number;
  toNs: number;
}

const LEAST_NS = 1_000;
const NS_PER_MS = 1e6;

/** A part that is not shorter than a microsecond and lies within the whole. */
export function within({ fromNs, toNs }: Span, totalNs: number): Span {
  const length = Math.min(Math.max(toNs - fromNs, LEAST_NS), Math.max(totalNs, LEAST_NS));
  const from = Math.min(Math.max(fromNs, 0), Math.max(totalNs - length, 0));
  return { fromNs: from, toNs: from + length };
}

/** Closer by `factor` (below 1) or further away, around `at`: 0 the left edge, 1 the right one. */
export function scaled({ fromNs, toNs }: Span, factor: number, totalNs: number, at = 0.5): Span {
  const length = toNs - fromNs;
  const middle = fromNs + length * at;
  return within({ fromNs: middle - length * factor * at, toNs: middle + length * factor * (1 - at) }, totalNs);
}

/** Further on by a share of what is seen. */
export function moved({ fromNs, toNs }: Span, share: number, totalNs: number): Span {
  const by = (toNs - fromNs) * share;
  return within({ fromNs: fromNs + by, toNs: toNs + by }, totalNs);
}

export const isWhole = ({ fromNs, toNs }: Span, totalNs: number): boolean => fromNs <= 0 && toNs >= totalNs;

/** As in the URL: milliseconds, `12.5..340`; empty of the whole. */
export function written(part: Span, totalNs: number): string {
  if (isWhole(part, totalNs)) return "";
  const ms = (ns: number): string => `${Number((ns / NS_PER_MS).toFixed(3))}`;
  return `${ms(part.fromNs)}..${ms(part.toNs)}`;
}

/** Of what is in the URL; the whole where it says nothing. */
export function read(text: string, totalNs: number): Span {
  const [, from, to] = /^(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const whole = { fromNs: 0, toNs: Math.max(totalNs, LEAST_NS) };
  if (from === undefined || to === undefined || Number(from) >= Number(to)) return whole;
  return within({ fromNs: Number(from) * NS_PER_MS, toNs: Number(to) * NS_PER_MS }, totalNs);
}

const APART_PX = 84;

/** Round moments for an axis of so many pixels, and their words. */
export function ticks({ fromNs, toNs }: Span, width: number): { ns: number; label: string }[] {
  const wanted = (toNs - fromNs) / Math.max(Math.floor(width / APART_PX), 1);
  if (!(wanted > 0)) return [];
  const base = 10 ** Math.floor(Math.log10(wanted));
  const step = ([1, 2, 5, 10].find((one) => one * base >= wanted) ?? 10) * base;
  const made: { ns: number; label: string }[] = [];
  for (let at = Math.ceil(fromNs / step); at * step <= toNs; at += 1)
    made.push({ ns: at * step, label: at === 0 ? "0" : duration(at * step) });
  return made;
}
