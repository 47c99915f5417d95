/** Draws traces as points: failed ones as crosses, so that they are told apart without colour. */

import { count, duration } from "../../core/format";
import type { Plot, Point } from "./points";

export const HEIGHT_PX = 148;
const FONT = "11px 'Inter Variable', system-ui, sans-serif";
const COLORS = {
  light: { text: "#667085", grid: "#e3e6ec", good: "#2f60c9", bad: "#b42318", drag: "#2f60c922" },
  dark: { text: "#aeb4c2", grid: "#272d3a", good: "#6f9bf5", bad: "#ff8577", drag: "#6f9bf533" },
} as const;
const TIMES = 6;
/** From here on, a power of ten of seconds is no round number of minutes. */
const MINUTES_NS = 1e11;

export function drawPoints(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  plot: Plot,
  look: { scheme: "light" | "dark"; hovered: Point | null; drag: readonly [number, number] | null },
): void {
  const colors = COLORS[look.scheme];
  const bottom = plot.height - 22;
  context.font = FONT;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const level of plot.levels) {
    const y = Math.round(plot.yOf(level)) + 0.5;
    context.fillStyle = colors.grid;
    context.fillRect(plot.left, y, plot.width - plot.left, 1);
    context.fillStyle = colors.text;
    context.fillText(level < MINUTES_NS ? duration(level) : `${count(level / 1e9)} s`, plot.left - 8, y);
  }
  times(context, plot, bottom, colors.text);
  if (look.drag !== null) {
    context.fillStyle = colors.drag;
    context.fillRect(Math.min(...look.drag), 4, Math.abs(look.drag[1] - look.drag[0]), bottom - 4);
  }
  for (const point of points) {
    const [x, y] = [plot.x(point), plot.y(point)];
    const size = point === look.hovered ? 5.5 : 3;
    context.globalAlpha = point === look.hovered ? 1 : 0.75;
    context.fillStyle = context.strokeStyle = point.isFailed ? colors.bad : colors.good;
    context.beginPath();
    if (point.isFailed) {
      context.lineWidth = 2;
      context.moveTo(x - size, y - size);
      context.lineTo(x + size, y + size);
      context.moveTo(x + size, y - size);
      context.lineTo(x - size, y + size);
      context.stroke();
    } else {
      context.arc(x, y, size, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.globalAlpha = 1;
}

function times(context: CanvasRenderingContext2D, plot: Plot, bottom: number, color: string): void {
  const inner = plot.width - plot.left - 10;
  const many = Math.max(Math.min(TIMES, Math.floor(inner / 110)), 1);
  context.fillStyle = color;
  for (let at = 0; at <= many; at += 1) {
    const share = at / many;
    context.textAlign = at === 0 ? "left" : at === many ? "right" : "center";
    const told = new Date((plot.firstNs + (plot.lastNs - plot.firstNs) * share) / 1e6).toLocaleTimeString("en-GB");
    context.fillText(told, plot.left + inner * share, bottom + 13);
  }
}
