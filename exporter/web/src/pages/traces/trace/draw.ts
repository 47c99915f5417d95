/** Draws bars of spans: where each ran, which of it is on the critical path, which failed, which still run. */

import { SERIES } from "../../../theme";
import { duration } from "../../../core/format";
import { endOf, isFailed, type Outline } from "./outline";
import type { Stretch } from "./path";
import type { Span } from "./zoom";

export type Scheme = "light" | "dark";

export const ROW_PX = 28;
const BAR_PX = 12;
const LEAST_PX = 2;
const SHORTEST_PX = 0.3;
const FONT = "11px 'Inter Variable', system-ui, sans-serif";
const BAD = { light: "#b42318", dark: "#ff8577" } as const;
const QUIET = { light: "#667085", dark: "#aeb4c2" } as const;
const GRID = { light: "#eef0f4", dark: "#212632" } as const;

/** All that the bars of a trace are drawn of. */
export interface Drawn {
  outline: Outline;
  startNs: number;
  lastNs: number;
  /** Of each span, by its place; empty where the path is not shown. */
  path: ReadonlyMap<number, readonly Stretch[]>;
  services: readonly (string | null)[];
}

export const serviceColor = (services: readonly (string | null)[], service: string | null, scheme: Scheme): string =>
  SERIES[scheme][Math.max(services.indexOf(service), 0) % SERIES[scheme].length] ?? "gray";

/** The canvas at the size of its box in the pixels of the screen, emptied. */
export function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Bars of the rows `from`..`to` of what is seen, the first at the top. */
export function drawRows(
  context: CanvasRenderingContext2D,
  drawn: Drawn,
  rows: { seen: Int32Array; from: number; to: number },
  look: { part: Span; width: number; ticks: readonly number[]; scheme: Scheme; isTold: boolean },
): void {
  const { outline, startNs, lastNs, path, services } = drawn;
  const { part, width, scheme } = look;
  const x = (ns: number): number => ((ns - startNs - part.fromNs) / (part.toNs - part.fromNs)) * width;
  const height = (rows.to - rows.from) * ROW_PX;
  context.fillStyle = GRID[scheme];
  for (const ns of look.ticks) context.fillRect(Math.round(x(startNs + ns)), 0, 1, height);
  context.font = FONT;
  context.textBaseline = "middle";
  for (let row = rows.from; row < rows.to; row += 1) {
    const place = rows.seen[row] ?? 0;
    const span = outline.spans[place];
    if (span === undefined) continue;
    const endNs = endOf(span, lastNs);
    const [left, right] = [x(span.start_ns), x(endNs)];
    const top = (row - rows.from) * ROW_PX + (ROW_PX - BAR_PX) / 2;
    const color = serviceColor(services, span.service_name, scheme);
    if (right < 0 || left > width) {
      elsewhere(context, right < 0, width, top, QUIET[scheme]);
      continue;
    }
    const [begin, end] = [Math.max(left, -4), Math.min(right, width + 4)];
    const wide = Math.max(end - begin, LEAST_PX);
    context.globalAlpha = path.size > 0 ? 0.38 : 1;
    context.fillStyle = color;
    rounded(context, begin, top, wide, BAR_PX);
    if (span.is_running) striped(context, begin, top, wide, BAR_PX);
    context.globalAlpha = 1;
    for (const stretch of path.get(place) ?? []) {
      const [a, b] = [Math.max(x(stretch.fromNs), begin), Math.min(x(stretch.toNs), begin + wide)];
      // What is too short to be seen is drawn only of a bar that is itself no longer.
      if (b - a >= SHORTEST_PX || wide <= LEAST_PX) rounded(context, a, top, Math.max(b - a, LEAST_PX), BAR_PX);
    }
    if (isFailed(span)) failed(context, begin, top, wide, BAD[scheme]);
    if (look.isTold)
      told(context, span.is_running ? "running" : duration(endNs - span.start_ns), begin, wide, top, look);
  }
}

function rounded(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(3, width / 2));
  context.fill();
}

/** Its end is not known: stripes, so that it is seen without the colour too. */
function striped(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.globalAlpha = 0.55;
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.beginPath();
  for (let at = x - height; at < x + width; at += 8) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

/** A frame and a notch in the colour of failures; the row has a sign too. */
function failed(context: CanvasRenderingContext2D, x: number, y: number, width: number, color: string): void {
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = 1.5;
  context.beginPath();
  context.roundRect(x - 1, y - 1, width + 2, BAR_PX + 2, 3);
  context.stroke();
  context.fillRect(x - 2, y - 3, 3, BAR_PX + 6);
}

/** An arrow at the edge where a span is that is not in what is looked at. */
function elsewhere(
  context: CanvasRenderingContext2D,
  isBefore: boolean,
  width: number,
  top: number,
  color: string,
): void {
  const [tip, base] = isBefore ? [2, 7] : [width - 2, width - 7];
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(tip, top + BAR_PX / 2);
  context.lineTo(base, top + 2);
  context.lineTo(base, top + BAR_PX - 2);
  context.fill();
}

function told(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  bar: number,
  top: number,
  { width, scheme }: { width: number; scheme: Scheme },
): void {
  const own = context.measureText(text).width;
  context.fillStyle = QUIET[scheme];
  if (x + bar + 6 + own < width) context.fillText(text, x + bar + 6, top + BAR_PX / 2);
  else if (x - own - 6 > 0) context.fillText(text, x - own - 6, top + BAR_PX / 2);
}

/** The whole trace, small: a line for each span. */
export function drawWhole(
  context: CanvasRenderingContext2D,
  { outline, startNs, lastNs, services }: Drawn,
  { width, height, totalNs, scheme }: { width: number; height: number; totalNs: number; scheme: Scheme },
): void {
  const { spans } = outline;
  const step = (height - 4) / Math.max(spans.length, 1);
  const thick = Math.min(Math.max(step - 0.5, 1), 5);
  const x = (ns: number): number => ((ns - startNs) / totalNs) * width;
  let before = "";
  for (const isBad of [false, true]) {
    spans.forEach((span, at) => {
      if (isFailed(span) !== isBad) return;
      const color = isBad ? BAD[scheme] : serviceColor(services, span.service_name, scheme);
      if (color !== before) context.fillStyle = before = color;
      const left = x(span.start_ns);
      context.fillRect(left, 2 + at * step, Math.max(x(endOf(span, lastNs)) - left, 1), thick);
    });
  }
}
