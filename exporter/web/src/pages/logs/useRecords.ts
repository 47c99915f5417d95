/** Records that a search and a filter find: the newest, older ones when asked for, and what comes in. */

import { useCallback, useEffect, useReducer, useRef, useState } from "react";

import { ask, Refused } from "../../core/client";
import { type Told, useConnection, useLive } from "../../core/live";
import type { Range, RangeQuery } from "../../core/url";
import { justBehind, MOST_READ, type Record, type Row } from "./records";
import { oldestNs, reduce, START } from "./reduce";

const PAGE = 200;
const AT_ONCE = 500;

export interface Wanted {
  range: Range;
  search: string;
  filter: string;
  /** Somebody reads: what comes in waits. */
  isHeld: boolean;
}

export interface Records {
  /** Undefined before the first answer. */
  rows: readonly Row[] | undefined;
  error: Refused | null;
  /** The rows are of the question before. */
  isOld: boolean;
  waited: number;
  hasOlder: boolean;
  /** As many are shown as are kept. */
  isFull: boolean;
  isBusy: boolean;
  older: () => void;
  release: () => void;
  again: () => void;
}

export function useRecords({ range, search, filter, isHeld }: Wanted): Records {
  const said = { ...(search && { search }), ...(filter && { filter }) };
  const question = JSON.stringify([range.query, search, filter]);
  const [state, dispatch] = useReducer(reduce, START);
  const [error, setError] = useState<readonly [string, Refused] | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const again = useCallback(() => {
    setError(null);
    setAttempt((before) => before + 1);
  }, []);

  useEffect(() => {
    const abort = new AbortController();
    const [query, text, where] = JSON.parse(question) as [RangeQuery, string, string];
    const words = { ...(text && { search: text }), ...(where && { filter: where }) };
    ask("/api/logs", { query: { ...query, ...words, limit: PAGE } }, abort.signal).then(
      ({ items, next_cursor }) => {
        setError(null);
        dispatch({ type: "first", question, records: items, cursor: next_cursor });
      },
      (reason: unknown) => {
        if (reason instanceof Refused) setError([question, reason]);
      },
    );
    return () => {
      abort.abort();
    };
  }, [question, attempt]);

  const connection = useConnection();
  const hasFailed = error?.[1].problem.retryable === true;
  useEffect(() => {
    if (connection !== "live" || !hasFailed) return undefined;
    const timer = setTimeout(again, 0);
    return () => {
      clearTimeout(timer);
    };
  }, [connection, hasFailed, again]);

  const tell = ({ op, items, left_out }: Told<Record>): void => {
    dispatch({
      type: "told",
      question,
      records: items,
      isAnew: op === "snapshot",
      isFull: items.length >= AT_ONCE,
      leftOut: left_out,
      isHeld,
      sinceNs: Date.now() * 1e6 - range.ns,
    });
  };
  useLive<Record>(range.isRelative ? { channel: "logs", ...said, limit: AT_ONCE } : null, tell);

  useEffect(() => {
    if (!isHeld) dispatch({ type: "release" });
  }, [isHeld]);

  const asking = useRef(false);
  const older = useCallback(() => {
    const last = oldestNs(state);
    if (asking.current || !state.hasOlder || last === null || state.rows.length >= MOST_READ) return;
    const [query, text, where] = JSON.parse(state.question) as [RangeQuery, string, string];
    const words = { ...(text && { search: text }), ...(where && { filter: where }) };
    const start = "start" in query ? query.start : new Date(Date.now() - range.ns / 1e6).toISOString();
    const time = state.cursor === null ? { start, end: justBehind(last) } : { ...query, cursor: state.cursor };
    asking.current = true;
    setBusy(true);
    ask("/api/logs", { query: { ...time, ...words, limit: AT_ONCE } })
      .then(
        ({ items, next_cursor }) => {
          dispatch({ type: "older", question: state.question, records: items, cursor: next_cursor });
        },
        (reason: unknown) => {
          if (reason instanceof Refused) setError([state.question, reason]);
        },
      )
      .finally(() => {
        asking.current = false;
        setBusy(false);
      });
  }, [state, range.ns]);

  const release = useCallback(() => {
    dispatch({ type: "release" });
  }, []);
  return {
    rows: state.question === "" ? undefined : state.rows,
    error: error?.[0] === question || error?.[0] === state.question ? error[1] : null,
    isOld: state.question !== question,
    waited: state.waited,
    hasOlder: state.hasOlder,
    isFull: state.rows.length >= MOST_READ,
    isBusy,
    older,
    release,
    again,
  };
}
