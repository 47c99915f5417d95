/** One record: a line, and all of it when it is open. */

import { IconRoute } from "@tabler/icons-react";
import { memo } from "react";
import { Link, useSearch } from "wouter";

import { clock, harmless, whole } from "../../core/format";
import { withRange } from "../../core/url";
import { Detail } from "./Detail";
import { levelOf } from "./severity";
import classes from "./logs.module.css";
import { type Record, type Row, timeOf } from "./records";

export interface EntryProps {
  row: Row;
  index: number;
  isOpen: boolean;
  /** It is the one that Tab reaches. */
  isReached: boolean;
  onToggle: (row: Row) => void;
  onReach: (index: number) => void;
  onLeave: () => void;
  /** Shows the time between it and the row below. */
  onGap: (row: Row) => void;
}

export const Entry = memo(function Entry({
  row,
  index,
  isOpen,
  isReached,
  onToggle,
  onReach,
  onLeave,
  onGap,
}: EntryProps) {
  const search = useSearch();
  const { record } = row;
  const level = levelOf(record.severity_number ?? 0);
  return (
    <div role="listitem" className={classes["entry"]} data-open={isOpen || undefined}>
      <div className={classes["line"]} data-tone={level.tone}>
        <button
          type="button"
          className={classes["head"]}
          aria-expanded={isOpen}
          data-at={index}
          tabIndex={isReached ? 0 : -1}
          onFocus={() => {
            onReach(index);
          }}
          onBlur={onLeave}
          onClick={() => {
            if (getSelection()?.isCollapsed !== false) onToggle(row);
          }}
        >
          <time className={classes["time"]}>{clock(timeOf(row))}</time>
          <span className={classes["word"]}>{level.name}</span>
          <span className={classes["service"]}>{harmless(record.service_name ?? "")}</span>
          <span className={classes["body"]}>
            {harmless(record.body ?? record.event_name ?? "").slice(0, LONGEST)}
            <Hints record={record} />
          </span>
        </button>
        {record.trace_id && (
          <Link href={traceOf(record, search)} className={classes["trace"]} aria-label="Open its trace" tabIndex={-1}>
            <IconRoute size={15} aria-hidden />
          </Link>
        )}
      </div>
      {isOpen && <Detail row={row} />}
      {row.leftOut !== 0 && (
        <button
          type="button"
          className={classes["gap"]}
          onClick={() => {
            onGap(row);
          }}
        >
          {row.leftOut === null ? "More records came here than are shown" : `${whole(row.leftOut)} more came here`}:
          look at this time
        </button>
      )}
    </div>
  );
});

const LONGEST = 1_000;
const MOST_HINTS = 6;
const LONGEST_HINT = 40;

/** Some short attributes behind the body: what it is about is often in these. */
function Hints({ record }: { record: Record }) {
  const hints = Object.entries(record.attributes ?? {})
    .filter(([, value]) => value !== null && value !== "" && value.length <= LONGEST_HINT)
    .slice(0, MOST_HINTS);
  return hints.map(([name, value]) => (
    <span key={name} className={classes["hint"]}>
      {harmless(name)}=<b>{harmless(value ?? "")}</b>
    </span>
  ));
}

/** Where the trace of a record is, at its span. */
export function traceOf(record: Record, search: string): string {
  const at = record.span_id ? `?span=${encodeURIComponent(record.span_id)}` : "";
  return withRange(`/traces/${encodeURIComponent(record.trace_id ?? "")}${at}`, new URLSearchParams(search));
}
