/** The records, the newest above; gone through by `j` and `k`, opened in place; only those in sight are drawn. */

import { Button, Loader } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

import { count } from "../../core/format";
import { useKeys } from "../../core/keys";
import { useParam } from "../../core/url";
import { Entry } from "./Entry";
import classes from "./logs.module.css";
import { MOST_READ, type Row, timeOf } from "./records";
import type { Records } from "./useRecords";

const ROW_PX = 30;
const OVERSCAN = 15;
const NEAR_END = 30;
const AWAY_PX = 40;
/** As long rows stand still after the pointer went over them. */
const POINTING_MS = 2_000;

export interface ListProps {
  records: Records;
  rows: readonly Row[];
  /** Told whether somebody reads, so that nothing may move. */
  onReading: (isReading: boolean) => void;
  /** Shows a time, Unix nanoseconds. */
  onTime: (startNs: number, endNs: number) => void;
}

export function List({ records, rows, onReading, onTime }: ListProps) {
  const [open, setOpen] = useParam("open");
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const [isAway, setAway] = useState(false);
  const isPointing = usePointing(scroller);
  const [isFocused, setFocused] = useState(false);
  const isReading = isAway || isPointing || isFocused || open !== "";
  useEffect(() => {
    onReading(isReading);
  }, [isReading, onReading]);

  // Sizes are kept by place: kept by record, they would grow with all that ever came.
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  const { older, hasOlder, isBusy, isFull } = records;
  const isOut = open !== "" && !rows.some(({ id }) => id === open);
  useEffect(() => {
    if (hasOlder && !isBusy && !isFull && (last >= rows.length - NEAR_END || isOut)) older();
  }, [last, rows.length, hasOlder, isBusy, isFull, isOut, older]);
  useShown(open, rows, virtual.scrollToIndex);

  const focus = (to: number): void => {
    const next = Math.min(Math.max(to, 0), rows.length - 1);
    setAt(next);
    virtual.scrollToIndex(next);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`button[data-at="${next}"]`)?.focus());
  };
  const step = (by: number): void => {
    const isInside = scroller.current?.contains(document.activeElement) ?? false;
    focus(isInside ? at + by : at);
  };
  useKeys({
    j: () => {
      step(1);
    },
    k: () => {
      step(-1);
    },
    Escape: () => {
      setOpen("");
    },
  });
  const toggle = useCallback(
    (row: Row) => {
      setOpen(row.id === open ? "" : row.id);
    },
    [open, setOpen],
  );
  const reach = useCallback((index: number) => {
    setAt(index);
    setFocused(true);
  }, []);
  const leave = useCallback(() => {
    setFocused(false);
  }, []);
  const ahead = useRef(rows);
  useEffect(() => {
    ahead.current = rows;
  });
  const showGap = useCallback(
    (row: Row) => {
      const below = ahead.current[ahead.current.indexOf(row) + 1];
      onTime(below === undefined ? timeOf(row) - 60e9 : timeOf(below) - 1e6, timeOf(row) + 1e6);
    },
    [onTime],
  );

  return (
    <div className={classes["frame"]}>
      {records.waited > 0 && (
        <Button
          size="xs"
          radius="xl"
          className={classes["pill"]}
          onClick={() => {
            if (open !== "") setOpen("");
            setFocused(false);
            records.release();
            scroller.current?.scrollTo({ top: 0 });
          }}
        >
          {count(records.waited)} new
        </Button>
      )}
      <div
        ref={scroller}
        className={classes["scroller"]}
        data-old={records.isOld || undefined}
        onScroll={(event) => {
          setAway(event.currentTarget.scrollTop > AWAY_PX);
        }}
      >
        <div role="list" aria-label="Log records" className={classes["all"]} style={{ height: virtual.getTotalSize() }}>
          {shown.map(({ index, key, start }) => {
            const row = rows[index];
            return row === undefined ? null : (
              <div
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                role="presentation"
                className={classes["slot"]}
                style={{ transform: `translateY(${start}px)` }}
              >
                <Entry
                  row={row}
                  index={index}
                  isOpen={row.id === open}
                  isReached={index === Math.min(at, rows.length - 1)}
                  onToggle={toggle}
                  onReach={reach}
                  onLeave={leave}
                  onGap={showGap}
                />
              </div>
            );
          })}
        </div>
        <div className={classes["end"]}>
          {isBusy ? (
            <Loader size="xs" aria-label="Older records come" />
          ) : (
            <End records={records} rows={rows} onTime={onTime} />
          )}
        </div>
      </div>
    </div>
  );
}

function End({ records, rows, onTime }: Pick<ListProps, "records" | "rows" | "onTime">) {
  const last = rows.at(-1);
  if (!records.hasOlder || last === undefined) return <span className="quiet">The oldest of this time</span>;
  if (!records.isFull)
    return (
      <Button size="compact-xs" variant="default" onClick={records.older}>
        Older
      </Button>
    );
  return (
    <span className="quiet">
      {MOST_READ.toLocaleString("en-US")} are shown.{" "}
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => {
          onTime(timeOf(last) - 3_600e9, timeOf(last) + 1e6);
        }}
      >
        The hour before these
      </Button>
    </span>
  );
}

/** Whether the pointer moved over it a moment ago. */
function usePointing(place: RefObject<HTMLElement | null>): boolean {
  const [isPointing, setPointing] = useState(false);
  useEffect(() => {
    const element = place.current;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const moved = (): void => {
      clearTimeout(timer);
      setPointing(true);
      timer = setTimeout(() => {
        setPointing(false);
      }, POINTING_MS);
    };
    element?.addEventListener("pointermove", moved, { passive: true });
    return () => {
      clearTimeout(timer);
      element?.removeEventListener("pointermove", moved);
    };
  }, [place]);
  return isPointing;
}

/** A record that the URL names is brought into sight once. */
function useShown(open: string, rows: readonly Row[], scrollTo: (index: number) => void): void {
  const done = useRef("");
  const [first] = useState(open);
  useEffect(() => {
    if (open === "" || open !== first || done.current === open) return;
    const index = rows.findIndex(({ id }) => id === open);
    if (index < 0) return;
    done.current = open;
    if (index > 5) scrollTo(index);
  }, [open, first, rows, scrollTo]);
}
