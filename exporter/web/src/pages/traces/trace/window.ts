/** Of many rows of one height, those in sight and some around: counted in blocks, so that few scrolls draw anew. */

import { type RefObject, useEffect, useMemo, useState } from "react";

import { ROW_PX } from "./draw";

const BLOCK = 16;
const BLOCK_PX = BLOCK * ROW_PX;
const AT_FIRST = 3;

export interface Rows {
  from: number;
  to: number;
}

/** The rows in sight of `scroller`, in which `count` rows follow each other from its top. */
export function useRows(scroller: RefObject<HTMLElement | null>, count: number): Rows {
  const [[first, last], setBlocks] = useState<readonly [number, number]>([0, AT_FIRST]);
  useEffect(() => {
    const box = scroller.current;
    if (box === null) return undefined;
    const look = (): void => {
      const from = Math.floor(box.scrollTop / BLOCK_PX) - 1;
      const to = Math.ceil((box.scrollTop + box.clientHeight) / BLOCK_PX) + 1;
      setBlocks((before) => (before[0] === from && before[1] === to ? before : [from, to]));
    };
    const sizes = new ResizeObserver(look);
    sizes.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, [scroller]);
  return useMemo(() => {
    const to = Math.min(Math.max(last, 1) * BLOCK, count);
    return { from: Math.min(Math.max(first, 0) * BLOCK, Math.max(to - BLOCK, 0)), to };
  }, [first, last, count]);
}
