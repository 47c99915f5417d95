/** A list of rows: sorted by a click, gone through by `j` and `k`, opened by Enter; of many only those in sight are drawn. */

import { UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";

import { useKeys } from "../keys";
import { useParam } from "../url";
import { Empty } from "./Empty";
import { Loading } from "./Loading";
import classes from "./Table.module.css";

export interface Column<Row> {
  key: string;
  title: string;
  /** Shown in place of the title, as a scale. */
  head?: ReactNode;
  cell: (row: Row) => ReactNode;
  /** What it is sorted by; without, it is not. */
  sort?: (row: Row) => number | string | null | undefined;
  align?: "right";
  /** A CSS width; the column without takes what is left. */
  width?: string;
  /** Gone where the window is narrower than this, in pixels. */
  from?: 480 | 768 | 1200;
}

export interface TableProps<Row> {
  /** What the rows are, for those who hear the page. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  /** Where Enter or a click leads. */
  href?: (row: Row) => string;
  onOpen?: (row: Row) => void;
  selected?: string | null;
  empty?: ReactNode;
  /** Its height at most, as CSS; then it scrolls itself. */
  height?: string;
  /** The search parameter that its order is kept in. */
  sortParam?: string;
  /** `j` and `k` are its keys: of the tables of a page, one's at most. */
  hasKeys?: boolean;
  /** Told when it is scrolled away from its top, and when it is back. */
  onAway?: (isAway: boolean) => void;
}

const ROW_PX = 34;
const OVERSCAN = 12;

export function Table<Row>(props: TableProps<Row>) {
  const {
    label,
    columns,
    rows,
    rowKey,
    href,
    onOpen,
    selected,
    empty,
    height,
    sortParam = "sort",
    hasKeys = false,
    onAway,
  } = props;
  const [sort, setSort] = useParam(sortParam);
  const [, go] = useLocation();
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const isAway = useRef(false);

  const name = sort.replace(/^-/, "");
  const sorted = useMemo(
    () => ordered(rows ?? [], columns.find((one) => one.key === name)?.sort, sort.startsWith("-")),
    [rows, columns, name, sort],
  );
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    enabled: height !== undefined,
  });

  const focus = (to: number): void => {
    const next = Math.min(Math.max(to, 0), sorted.length - 1);
    setAt(next);
    if (height !== undefined) virtual.scrollToIndex(next);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-at="${next}"]`)?.focus());
  };
  const open = (row: Row): void => {
    if (onOpen !== undefined) onOpen(row);
    else if (href !== undefined) go(href(row));
  };
  const isFocused = (): boolean => scroller.current?.contains(document.activeElement) ?? false;
  useKeys(
    {
      j: () => {
        focus(isFocused() ? at + 1 : at);
      },
      k: () => {
        focus(isFocused() ? at - 1 : at);
      },
    },
    hasKeys,
  );
  const pressed = (event: KeyboardEvent, row: Row, index: number): void => {
    if (event.target !== event.currentTarget) return;
    const steps: Record<string, number> = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: sorted.length - 1 };
    const to = steps[event.key];
    if (event.key === "Enter") open(row);
    else if (to !== undefined) focus(to);
    else return;
    event.preventDefault();
  };

  if (rows === undefined) return <Loading height={ROW_PX * 6} />;
  if (rows.length === 0) return <>{empty ?? <Empty title="Nothing in this time" />}</>;
  const shown = height === undefined ? sorted.map((_, index) => ({ index })) : virtual.getVirtualItems();
  const above = height === undefined ? 0 : (virtual.getVirtualItems()[0]?.start ?? 0);
  const below = height === undefined ? 0 : virtual.getTotalSize() - (virtual.getVirtualItems().at(-1)?.end ?? 0);
  const canOpen = href !== undefined || onOpen !== undefined;

  return (
    <div
      ref={scroller}
      className={classes["scroller"]}
      style={{ maxHeight: height }}
      role="region"
      aria-label={label}
      // A region that scrolls must be reached by keyboard; where rows can be opened, they are what is reached.
      tabIndex={canOpen ? undefined : 0}
      onScroll={(event) => {
        const away = event.currentTarget.scrollTop > ROW_PX;
        if (away !== isAway.current) {
          isAway.current = away;
          onAway?.(away);
        }
      }}
    >
      <table className={classes["table"]} aria-rowcount={sorted.length + 1}>
        <caption className="unseen">{label}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.key} column={column} sort={sort} onSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr aria-hidden style={{ height: above }} />}
          {shown.map(({ index }) => {
            const row = sorted[index] as Row;
            const key = rowKey(row);
            return (
              <tr
                key={key}
                data-at={index}
                aria-rowindex={index + 2}
                className={canOpen ? classes["opens"] : undefined}
                data-selected={selected === key || undefined}
                tabIndex={canOpen ? (index === at ? 0 : -1) : undefined}
                onFocus={() => {
                  setAt(index);
                }}
                onKeyDown={(event) => {
                  pressed(event, row, index);
                }}
                onClick={(event) => {
                  if (canOpen && !isLink(event.target) && getSelection()?.isCollapsed !== false) open(row);
                }}
              >
                {columns.map((column) => (
                  <td key={column.key} data-align={column.align} data-from={column.from}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 && <tr aria-hidden style={{ height: below }} />}
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>({ column, sort, onSort }: { column: Column<Row>; sort: string; onSort: (sort: string) => void }) {
  const { key, title, head = title, align, width, from } = column;
  const direction = sort === key ? "ascending" : sort === `-${key}` ? "descending" : undefined;
  const next = direction === "descending" ? key : direction === "ascending" ? "" : `-${key}`;
  return (
    <th scope="col" data-align={align} data-from={from} style={{ width }} aria-sort={direction}>
      {column.sort === undefined ? (
        head
      ) : (
        <UnstyledButton
          className={classes["sorter"]}
          onClick={() => {
            onSort(next);
          }}
        >
          {title}
          {direction === "ascending" && <IconArrowUp size={12} aria-hidden />}
          {direction === "descending" && <IconArrowDown size={12} aria-hidden />}
        </UnstyledButton>
      )}
    </th>
  );
}

const isLink = (target: EventTarget): boolean =>
  target instanceof Element && target.closest("a, button, input, label") !== null;

function ordered<Row>(rows: readonly Row[], sort: Column<Row>["sort"], isDown: boolean): readonly Row[] {
  if (sort === undefined) return rows;
  const sign = isDown ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [sort(one), sort(other)];
    if (a === b) return 0;
    if (a === null || a === undefined) return 1;
    if (b === null || b === undefined) return -1;
    return a < b ? -sign : sign;
  });
}
