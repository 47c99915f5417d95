/** Traces as points of a plot: their start across, their duration up, on a scale of powers of ten. */

import type { Schemas } from "../../core/client";

type Row = Schemas["Trace"];

export interface Point {
  row: Row;
  startNs: number;
  durationNs: number;
  isFailed: boolean;
}

export interface Plot {
  x: (point: Point) => number;
  y: (point: Point) => number;
  yOf: (ns: number) => number;
  timeAt: (x: number) => number;
  left: number;
  width: number;
  height: number;
  firstNs: number;
  lastNs: number;
  /** Powers of ten of nanoseconds that are drawn across. */
  levels: readonly number[];
}

const LEFT_PX = 58;
const RIGHT_PX = 10;
const BELOW_PX = 22;
const ABOVE_PX = 8;

export const pointsOf = (rows: readonly Row[]): Point[] =>
  rows.map((row) => ({
    row,
    startNs: row.start_ns ?? 0,
    durationNs: Math.max(row.duration_ns ?? 0, 0),
    isFailed: (row.errors ?? 0) > 0,
  }));

/** Where the points are in a box of so many pixels. */
export function laid(points: readonly Point[], width: number, height: number): Plot {
  const starts = points.map(({ startNs }) => startNs);
  const [firstNs, lastNs] = [Math.min(...starts), Math.max(...starts)];
  const logs = points.map(({ durationNs }) => Math.log10(Math.max(durationNs, 1_000)));
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
  const inner = Math.max(width - LEFT_PX - RIGHT_PX, 1);
  const tall = height - BELOW_PX - ABOVE_PX;
  const spanNs = Math.max(lastNs - firstNs, 1);
  const yOf = (ns: number): number => ABOVE_PX + (1 - (Math.log10(Math.max(ns, 1_000)) - low) / (high - low)) * tall;
  return {
    x: ({ startNs }) => LEFT_PX + ((startNs - firstNs) / spanNs) * inner,
    y: ({ durationNs }) => yOf(durationNs),
    yOf,
    timeAt: (x) => firstNs + (Math.min(Math.max(x - LEFT_PX, 0), inner) / inner) * spanNs,
    left: LEFT_PX,
    width,
    height,
    firstNs,
    lastNs,
    levels: Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at)),
  };
}

/** The point that is next to a place, if one is within reach. */
export function nearest(points: readonly Point[], plot: Plot, x: number, y: number, reach: number): Point | null {
  let [found, least]: [Point | null, number] = [null, reach];
  for (const point of points) {
    const far = Math.hypot(plot.x(point) - x, plot.y(point) - y);
    if (far < least) [found, least] = [point, far];
  }
  return found;
}
