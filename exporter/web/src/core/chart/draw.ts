/** Axes and marks of a chart, in the colours of the page. */

import type uPlot from "uplot";

import { measured, wholeUsd } from "../format";

/** A moment (`atNs`) or a level (`value`) that is drawn across a chart. */
export interface Mark {
  label: string;
  atNs?: number;
  value?: number;
  tone: "quiet" | "warn" | "bad";
}

type Scheme = "light" | "dark";

const TEXT = { light: "#667085", dark: "#aeb4c2" } as const;
const GRID = { light: "#e3e6ec", dark: "#272d3a" } as const;
const TONES = {
  light: { quiet: "#667085", warn: "#92500a", bad: "#b42318" },
  dark: { quiet: "#aeb4c2", warn: "#f2b544", bad: "#ff8577" },
} as const;
const FONT = "11px 'Inter Variable', system-ui, sans-serif";

/** Units that are short enough for an axis; words stand in the legend. */
const SIGNS = new Set(["ns", "ms", "s", "usd_nanos", "ratio", "bytes", "By"]);

/** Time below, values with their unit at the left. */
export function axes(unit: string, scheme: Scheme): uPlot.Axis[] {
  const common = { stroke: TEXT[scheme], font: FONT, ticks: { show: false } };
  return [
    { ...common, grid: { show: false }, size: 38, gap: 4, values: TIMES, space: 70 },
    {
      ...common,
      grid: { stroke: GRID[scheme], width: 1 },
      size: 66,
      splits: (_, __, low, high) => levels(low, high, unit),
      values: (_, splits) =>
        splits.map((value) =>
          unit === "usd_nanos" ? wholeUsd(value) : measured(value, SIGNS.has(unit) ? unit : "count"),
        ),
      space: 34,
    },
  ];
}

/** Words by the distance of ticks, in seconds: 24 hours, the day before the month. */
const TIMES: uPlot.Axis.Values = [
  [86_400 * 365, "{YYYY}", null, null, null, null, null, null, 1],
  [86_400 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86_400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [3_600, "{HH}:{mm}", null, null, "\n{D} {MMM}", null, null, null, 1],
  [60, "{HH}:{mm}", null, null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, "\n{D} {MMM}", null, null, null, 1],
  [0.001, "{HH}:{mm}:{ss}.{fff}", null, null, "\n{D} {MMM}", null, null, null, 1],
];

const LEVELS = 5;
const BINARY = new Set(["bytes", "By"]);

/** Round levels from `low` to `high`; of bytes, round in powers of two. */
export function levels(low: number, high: number, unit: string): number[] {
  const size = (high - low) / LEVELS;
  if (!(size > 0)) return [low];
  const base = BINARY.has(unit) ? 1024 ** Math.floor(Math.log2(size) / 10) : 10 ** Math.floor(Math.log10(size));
  const steps = BINARY.has(unit) ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 5, 10];
  const step = base * (steps.find((one) => one * base >= size) ?? 10);
  const found: number[] = [];
  for (let at = Math.ceil(low / step); at * step <= high; at += 1) found.push(at * step);
  return found;
}

/** Draws them over the lines. */
export function marks(chart: uPlot, all: readonly Mark[], scheme: Scheme): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.textBaseline = "alphabetic";
  for (const mark of all) {
    ctx.textAlign = "left";
    ctx.strokeStyle = ctx.fillStyle = TONES[scheme][mark.tone];
    ctx.setLineDash([4, 4]);
    ctx.font = `${11 * devicePixelRatio}px 'Inter Variable', system-ui, sans-serif`;
    ctx.beginPath();
    if (mark.value !== undefined) {
      const y = chart.valToPos(mark.value, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.fillText(mark.label, bbox.left + 6, y - 4);
    } else if (mark.atNs !== undefined) {
      const x = chart.valToPos(mark.atNs / 1e9, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      const isNearEnd = x + ctx.measureText(mark.label).width + 8 > bbox.left + bbox.width;
      if (isNearEnd) ctx.textAlign = "right";
      ctx.fillText(mark.label, isNearEnd ? x - 4 : x + 4, bbox.top + 12 * devicePixelRatio);
    }
    ctx.stroke();
  }
  ctx.restore();
}
