/** Each trace as a point: when it began and how long it took. A drag across looks at that time; a click opens one. */

import { useComputedColorScheme } from "@mantine/core";
import { useResizeObserver } from "@mantine/hooks";
import { type PointerEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";

import type { Schemas } from "../../core/client";
import { clock, count, duration, harmless } from "../../core/format";
import classes from "./List.module.css";
import { laid, nearest, type Point, pointsOf } from "./points";
import { drawPoints, HEIGHT_PX } from "./scattered";
import { prepared } from "./trace/draw";

type Row = Schemas["Trace"];
const DRAG_PX = 6;
const REACH_PX = 14;

export function Scatter({
  rows,
  href,
  onZoom,
}: {
  rows: readonly Row[];
  href: (row: Row) => string;
  onZoom: (startNs: number, endNs: number) => void;
}) {
  const scheme = useComputedColorScheme("light");
  const [, go] = useLocation();
  const [box, { width }] = useResizeObserver<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hovered, setHovered] = useState<Point | null>(null);
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  const points = useMemo(() => pointsOf(rows), [rows]);
  const plot = useMemo(() => laid(points, width, HEIGHT_PX), [points, width]);

  useLayoutEffect(() => {
    if (canvas.current === null || width <= 0) return;
    const context = prepared(canvas.current, width, HEIGHT_PX);
    if (context !== null) drawPoints(context, points, plot, { scheme, hovered, drag });
  }, [points, plot, width, scheme, hovered, drag]);

  const at = (event: PointerEvent<HTMLElement>): readonly [number, number] => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const released = (event: PointerEvent<HTMLElement>): void => {
    const [x, y] = at(event);
    const near = nearest(points, plot, x, y, REACH_PX);
    if (drag !== null && Math.abs(drag[1] - drag[0]) >= DRAG_PX)
      onZoom(plot.timeAt(Math.min(...drag)), plot.timeAt(Math.max(...drag)));
    else if (near !== null) go(href(near.row));
    setDrag(null);
  };
  const failed = points.filter((point) => point.isFailed).length;
  return (
    <div
      ref={box}
      className={classes["scatter"]}
      role="img"
      aria-label={`${count(points.length)} traces by start and duration, ${count(failed)} of them with failures; the table below lists them`}
      style={{ cursor: hovered === null ? "crosshair" : "pointer", touchAction: "pan-y" }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([at(event)[0], at(event)[0]]);
      }}
      onPointerMove={(event) => {
        const [x, y] = at(event);
        if (drag !== null) setDrag([drag[0], x]);
        setHovered(nearest(points, plot, x, y, REACH_PX));
      }}
      onPointerUp={released}
      onPointerCancel={() => {
        setDrag(null);
      }}
      onPointerLeave={() => {
        setHovered(null);
      }}
    >
      <canvas ref={canvas} aria-hidden className={classes["canvas"]} style={{ height: HEIGHT_PX }} />
      {hovered !== null && (
        <div
          className={classes["point"]}
          style={{
            left: Math.max(Math.min(plot.x(hovered) + 12, width - 310), 0),
            top: Math.min(plot.y(hovered) + 8, HEIGHT_PX - 56),
          }}
        >
          <div className="cut">{harmless(hovered.row.root_name ?? "")}</div>
          <div className="quiet">
            {duration(hovered.durationNs)} · {clock(hovered.startNs)}
            {hovered.isFailed && <span className="bad"> · {count(hovered.row.errors)} failed</span>}
          </div>
        </div>
      )}
    </div>
  );
}
