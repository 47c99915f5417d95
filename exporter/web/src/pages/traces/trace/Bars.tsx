/** The bars of the rows in sight, on one canvas that scrolls with them. */

import { useComputedColorScheme } from "@mantine/core";
import { useLayoutEffect, useRef } from "react";

import { type Drawn, drawRows, prepared, ROW_PX } from "./draw";
import classes from "./Tree.module.css";
import type { Rows } from "./window";
import { type Span, ticks } from "./zoom";

export function Bars({
  drawn,
  seen,
  rows,
  part,
  left,
  width,
  isTold,
}: {
  drawn: Drawn;
  seen: Int32Array;
  rows: Rows;
  part: Span;
  left: number;
  width: number;
  isTold: boolean;
}) {
  const scheme = useComputedColorScheme("light");
  const canvas = useRef<HTMLCanvasElement>(null);
  const height = (rows.to - rows.from) * ROW_PX;
  useLayoutEffect(() => {
    if (canvas.current === null || width <= 0) return;
    const context = prepared(canvas.current, width, height);
    if (context === null) return;
    const lines = ticks(part, width).map(({ ns }) => ns);
    drawRows(context, drawn, { seen, ...rows }, { part, width, ticks: lines, scheme, isTold });
  }, [drawn, seen, rows, part, width, height, scheme, isTold]);
  return (
    <canvas
      ref={canvas}
      aria-hidden
      className={classes["canvas"]}
      style={{ left, width, height, top: rows.from * ROW_PX }}
    />
  );
}
