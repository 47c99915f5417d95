/** The tree of a trace and where the time went: only rows in sight are there, so many spans cost no more than few. */

import { useComputedColorScheme } from "@mantine/core";
import {
  type KeyboardEvent,
  type MouseEvent,
  type UIEvent,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";

import { Bars } from "./Bars";
import { type Drawn, ROW_PX, serviceColor } from "./draw";
import { isParent, rowOf, unfolded } from "./outline";
import { Row } from "./Row";
import classes from "./Tree.module.css";
import { useRows } from "./window";
import { type Span, ticks } from "./zoom";

const HEAD_PX = 28;
const NARROW_PX = 560;
const DOUBLE_MS = 250;

export interface TreeProps {
  label: string;
  drawn: Drawn;
  folded: ReadonlySet<string>;
  onFold: (key: string, isFolded: boolean) => void;
  /** The key of the row that keys act on. */
  active: string | null;
  onActive: (key: string) => void;
  /** The key of the span that is shown whole. */
  open: string | null;
  onOpen: (key: string) => void;
  onZoomTo: (place: number) => void;
  part: Span;
  found: ReadonlySet<number>;
  isPathShown: boolean;
}

export function Tree(props: TreeProps) {
  const { label, drawn, folded, onFold, active, onActive, open, onOpen, onZoomTo, part, found, isPathShown } = props;
  const { outline, services } = drawn;
  const scheme = useComputedColorScheme("light");
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, width: 0, whole: 0 });
  const seen = useMemo(() => unfolded(outline, folded), [outline, folded]);
  const rows = useRows(box, seen.length);

  useLayoutEffect(() => {
    const [head, whole] = [axis.current, box.current];
    if (head === null || whole === null) return undefined;
    const look = (): void => {
      setPlace({ left: head.offsetLeft, width: head.clientWidth, whole: whole.clientWidth });
    };
    const sizes = new ResizeObserver(look);
    sizes.observe(head);
    look();
    return () => {
      sizes.disconnect();
    };
  }, []);

  const at = active === null ? -1 : (outline.places.get(active) ?? -1);
  const activeRow = at < 0 ? -1 : rowOf(seen, at);
  useEffect(() => {
    if (activeRow < 0 || box.current === null) return;
    const { scrollTop, clientHeight } = box.current;
    const [top, high] = [activeRow * ROW_PX, clientHeight - HEAD_PX];
    const [above, below] = [scrollTop - top, top + ROW_PX - scrollTop - high];
    // A step shows the next row; a leap from elsewhere shows what is around it too.
    if (Math.max(above, below) > high / 2) box.current.scrollTop = top - high / 2;
    else if (above > 0) box.current.scrollTop = top;
    else if (below > 0) box.current.scrollTop = scrollTop + below;
    // oxlint-disable-next-line react/exhaustive-deps -- who reads elsewhere is not led back when spans come in
  }, [active]);

  // What comes in above does not move what is read.
  const anchor = useRef<{ key: string; offset: number } | null>(null);
  const scrolled = (event: UIEvent<HTMLElement>): void => {
    const { scrollTop } = event.currentTarget;
    const row = Math.floor(scrollTop / ROW_PX);
    const key = outline.keys[seen[row] ?? -1];
    anchor.current = key === undefined || row === 0 ? null : { key, offset: scrollTop - row * ROW_PX };
  };
  useLayoutEffect(() => {
    const place = anchor.current === null ? undefined : outline.places.get(anchor.current.key);
    if (place === undefined || anchor.current === null || box.current === null) return;
    box.current.scrollTop = rowOf(seen, place) * ROW_PX + anchor.current.offset;
    // oxlint-disable-next-line react/exhaustive-deps -- folding may move it
  }, [outline]);

  const keyAt = (row: number): string | undefined => outline.keys[seen[row] ?? -1];
  const go = (row: number): void => {
    const key = keyAt(Math.min(Math.max(row, 0), seen.length - 1));
    if (key !== undefined) onActive(key);
  };
  const leap = (pages: number): void => {
    const high = (box.current?.clientHeight ?? 0) - HEAD_PX;
    go(activeRow + pages * Math.max(Math.floor(high / ROW_PX) - 1, 1));
  };
  const inward = (): void => {
    const [key, here] = [keyAt(activeRow), seen[activeRow] ?? -1];
    if (key === undefined || !isParent(outline, here)) return;
    if (folded.has(key)) onFold(key, false);
    else go(activeRow + 1);
  };
  const outward = (): void => {
    const [key, here] = [keyAt(activeRow), seen[activeRow] ?? -1];
    if (key === undefined) return;
    if (isParent(outline, here) && !folded.has(key)) onFold(key, true);
    else if ((outline.parents[here] ?? -1) >= 0) go(rowOf(seen, outline.parents[here] ?? 0));
  };
  const acts: Record<string, () => void> = {
    ArrowDown: () => {
      go(activeRow + 1);
    },
    j: () => {
      go(activeRow + 1);
    },
    ArrowUp: () => {
      go(activeRow - 1);
    },
    k: () => {
      go(activeRow - 1);
    },
    PageDown: () => {
      leap(1);
    },
    PageUp: () => {
      leap(-1);
    },
    Home: () => {
      go(0);
    },
    End: () => {
      go(seen.length - 1);
    },
    ArrowRight: inward,
    l: inward,
    ArrowLeft: outward,
    h: outward,
    Enter: () => {
      const key = keyAt(activeRow);
      if (key !== undefined) onOpen(key);
    },
    z: () => {
      if (activeRow >= 0) onZoomTo(seen[activeRow] ?? 0);
    },
  };
  const pressed = (event: KeyboardEvent): void => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  const opening = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const clicked = (event: MouseEvent): void => {
    const row = rowIn(event.target);
    const key = row === null ? undefined : keyAt(row);
    if (row === null || key === undefined) return;
    clearTimeout(opening.current);
    if (isIn(event.target, "[data-fold]")) onFold(key, !folded.has(key));
    else if (!isIn(event.target, "[data-bar]")) onOpen(key);
    // What opens beside moves the bars: it waits until this is known to be no double click.
    else if (event.detail < 2) opening.current = setTimeout(onOpen, DOUBLE_MS, key);
  };
  const zoomed = (event: MouseEvent): void => {
    const row = rowIn(event.target);
    if (row !== null && isIn(event.target, "[data-bar]")) onZoomTo(seen[row] ?? 0);
  };

  const shown = Array.from(seen.subarray(rows.from, rows.to));
  const isActiveHere = activeRow >= rows.from && activeRow < rows.to;
  return (
    <div
      ref={box}
      className={classes["box"]}
      role="treegrid"
      aria-label={label}
      aria-rowcount={seen.length + 1}
      aria-activedescendant={isActiveHere ? `${id}-${activeRow}` : undefined}
      tabIndex={0}
      onScroll={scrolled}
      onKeyDown={pressed}
      onClick={clicked}
      onDoubleClick={zoomed}
      onFocus={() => {
        if (activeRow < 0) go(0);
      }}
    >
      <div role="row" aria-rowindex={1} className={classes["head"]}>
        <div role="columnheader" className={classes["name"]}>
          Span
        </div>
        <div role="columnheader" className={classes["number"]}>
          Duration
        </div>
        <div
          role="columnheader"
          className={classes["number"]}
          data-from="self"
          title="The time in which none of its children ran"
        >
          Self
        </div>
        <div role="columnheader" className={classes["number"]} data-from="tokens" title="Of it and all below">
          Tokens
        </div>
        <div role="columnheader" className={classes["number"]} data-from="cost" title="Of it and all below">
          Cost
        </div>
        <div role="columnheader" className={classes["axis"]} ref={axis}>
          <span className="unseen">When it ran</span>
          {ticks(part, place.width).map(({ ns, label: told }) => (
            <span
              key={ns}
              aria-hidden
              className={classes["tick"]}
              style={{ left: ((ns - part.fromNs) / (part.toNs - part.fromNs)) * place.width }}
            >
              {told}
            </span>
          ))}
        </div>
      </div>
      <div className={classes["rows"]} role="presentation" style={{ height: seen.length * ROW_PX }}>
        <Bars
          drawn={drawn}
          seen={seen}
          rows={rows}
          part={part}
          left={place.left}
          width={place.width}
          isTold={place.whole < NARROW_PX}
        />
        {shown.map((span, index) => {
          const row = rows.from + index;
          const key = outline.keys[span] ?? "";
          const one = outline.spans[span];
          if (one === undefined) return null;
          return (
            <Row
              key={key}
              id={`${id}-${row}`}
              span={one}
              row={row}
              top={row * ROW_PX}
              color={serviceColor(services, one.service_name, scheme)}
              service={services.length > 1 ? one.service_name : null}
              isFolded={isParent(outline, span) ? folded.has(key) : null}
              below={(outline.ends[span] ?? 0) - span - 1}
              isActive={row === activeRow}
              isOpen={key === open}
              isFound={found.has(span)}
              isFaint={isPathShown && !one.is_critical}
            />
          );
        })}
      </div>
    </div>
  );
}

const isIn = (target: EventTarget, what: string): boolean => target instanceof Element && target.closest(what) !== null;

function rowIn(target: EventTarget): number | null {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-row]")?.dataset["row"] : undefined;
  return row === undefined ? null : Number(row);
}
