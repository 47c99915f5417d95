/** The whole trace, small, and which part of its time is looked at; a drag across looks at another. */

import { useComputedColorScheme } from "@mantine/core";
import { useResizeObserver } from "@mantine/hooks";
import { type PointerEvent, useLayoutEffect, useRef, useState } from "react";

import { duration } from "../../../core/format";
import { type Drawn, drawWhole, prepared } from "./draw";
import classes from "./Overview.module.css";
import { isWhole, type Span } from "./zoom";

const HEIGHT_PX = 52;
const DRAG_PX = 4;
const DOUBLE_MS = 400;

export function Overview({
  drawn,
  part,
  totalNs,
  onZoom,
}: {
  drawn: Drawn;
  part: Span;
  totalNs: number;
  onZoom: (part: Span) => void;
}) {
  const scheme = useComputedColorScheme("light");
  const [box, { width }] = useResizeObserver<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  const clickedMs = useRef(-Infinity);
  useLayoutEffect(() => {
    if (canvas.current === null || width <= 0) return;
    const context = prepared(canvas.current, width, HEIGHT_PX);
    if (context !== null) drawWhole(context, drawn, { width, height: HEIGHT_PX, totalNs, scheme });
  }, [drawn, width, totalNs, scheme]);

  const x = (event: PointerEvent<HTMLElement>): number => {
    const { left } = event.currentTarget.getBoundingClientRect();
    return Math.min(Math.max(event.clientX - left, 0), width);
  };
  const ended = (event: PointerEvent<HTMLElement>): void => {
    const isDouble = event.timeStamp - clickedMs.current < DOUBLE_MS;
    clickedMs.current = event.timeStamp;
    if (isDouble) onZoom({ fromNs: 0, toNs: totalNs });
    else if (drag !== null) {
      const [low, high] = [Math.min(...drag), Math.max(...drag)];
      if (high - low >= DRAG_PX) onZoom({ fromNs: (low / width) * totalNs, toNs: (high / width) * totalNs });
    }
    setDrag(null);
  };
  const [from, to] = drag ?? [(part.fromNs / totalNs) * width, (part.toNs / totalNs) * width];
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const isMarked = drag !== null || !isWhole(part, totalNs);
  return (
    <div
      ref={box}
      className={classes["box"]}
      title="Drag to look at a part; double click for the whole"
      role="img"
      aria-label={`Looked at: ${duration(part.fromNs)} to ${duration(part.toNs)} of ${duration(totalNs)}`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([x(event), x(event)]);
      }}
      onPointerMove={(event) => {
        if (drag !== null) setDrag([drag[0], x(event)]);
      }}
      onPointerUp={ended}
      onPointerCancel={() => {
        setDrag(null);
      }}
    >
      <canvas ref={canvas} aria-hidden style={{ width: "100%", height: HEIGHT_PX, display: "block" }} />
      {isMarked && (
        <>
          <span className={classes["out"]} style={{ left: 0, width: low }} />
          <span className={classes["in"]} style={{ left: low, width: Math.max(high - low, 2) }} />
          <span className={classes["out"]} style={{ left: high, right: 0 }} />
        </>
      )}
    </div>
  );
}
