/** A list that stands still while somebody points at it or is in it by keyboard, and says that there is something new. */

import { Button, Skeleton } from "@mantine/core";
import { useFocusWithin, useHover, useMergedRef } from "@mantine/hooks";
import { type ReactNode, useState } from "react";

import classes from "./Still.module.css";

const LOADING_PX = 140;

export function Still<Row>({
  rows,
  rowKey,
  question = "",
  isOld = false,
  children,
}: {
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  /** What the rows answer: those of another question are shown at once. */
  question?: string;
  /** The rows are still of the question before. */
  isOld?: boolean;
  children: (rows: readonly Row[]) => ReactNode;
}) {
  const { hovered, ref: hover } = useHover<HTMLDivElement>();
  const { focused, ref: focus } = useFocusWithin<HTMLDivElement>();
  const ref = useMergedRef(hover, focus);
  const [kept, setKept] = useState(rows);
  const [keptOf, setKeptOf] = useState(question);
  const isSame = keysOf(kept, rowKey) === keysOf(rows, rowKey);
  const isHeld = (hovered || focused) && keptOf === question && kept !== undefined && kept.length > 0 && !isSame;
  if (!isHeld && kept !== rows) setKept(rows);
  if (keptOf !== question && !isOld) setKeptOf(question);
  const shown = isHeld ? kept : rows;
  return (
    <div ref={ref} className={classes["still"]}>
      {isHeld && (
        <div className={classes["new"]}>
          <Button
            size="compact-xs"
            variant="filled"
            onClick={() => {
              setKept(rows);
            }}
          >
            It has changed: show
          </Button>
        </div>
      )}
      {shown === undefined ? (
        <div className={classes["coming"]}>
          <Skeleton height={LOADING_PX} />
        </div>
      ) : (
        children(shown)
      )}
    </div>
  );
}

const keysOf = <Row,>(rows: readonly Row[] | undefined, rowKey: (row: Row) => string): string =>
  rows === undefined ? "" : JSON.stringify(rows.map(rowKey));
