/** What the list knows: rows, those that wait while somebody reads, and where older ones begin. */

import { fitted, merged, MOST_FOLLOWED, MOST_READ, type Record, type Row, rowsOf, timeOf, toldRows } from "./records";

export interface State {
  /** The question that it answers. */
  question: string;
  rows: readonly Row[];
  waiting: readonly Row[];
  /** How many came while somebody read, also those that are not kept. */
  waited: number;
  /** What came before the first answer, and of which question. */
  early: { question: string; rows: readonly Row[] };
  /** Where the next older page begins; null behind what was let go. */
  cursor: string | null;
  hasOlder: boolean;
}

export type Event =
  | { type: "first"; question: string; records: readonly Record[]; cursor: string | null }
  | { type: "older"; question: string; records: readonly Record[]; cursor: string | null }
  | {
      type: "told";
      question: string;
      records: readonly Record[];
      isAnew: boolean;
      isFull: boolean;
      leftOut: number;
      isHeld: boolean;
      sinceNs: number;
    }
  | { type: "release" };

const NOTHING = { question: "", rows: [] };
export const START: State = {
  question: "",
  rows: [],
  waiting: [],
  waited: 0,
  early: NOTHING,
  cursor: null,
  hasOlder: false,
};

export function reduce(state: State, event: Event): State {
  switch (event.type) {
    case "first": {
      const early = state.early.question === event.question ? state.early.rows : [];
      const rows = merged(rowsOf(event.records), early);
      return { ...START, question: event.question, rows, cursor: event.cursor, hasOlder: event.cursor !== null };
    }
    case "older": {
      if (event.question !== state.question) return state;
      const rows = fitted(merged(state.rows, rowsOf(event.records)), MOST_READ);
      return { ...state, rows, cursor: event.cursor, hasOlder: event.cursor !== null };
    }
    case "told":
      return toldOf(state, event);
    case "release":
      return released(state);
  }
}

function toldOf(state: State, event: Event & { type: "told" }): State {
  if (event.question !== state.question) {
    const before = state.early.question === event.question ? state.early.rows : [];
    const rows = fitted(merged(before, toldRows(event.records, event, before)), MOST_FOLLOWED);
    return { ...state, early: { question: event.question, rows } };
  }
  const top = state.waiting.length > 0 ? state.waiting : state.rows;
  const known = new Set([...state.rows, ...state.waiting].map(({ id }) => id));
  const fresh = toldRows(event.records, event, top).filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return state;
  if (event.isHeld) {
    const all = merged(state.waiting, fresh);
    const waiting = fitted(all, MOST_FOLLOWED);
    const last = waiting.at(-1);
    if (waiting !== all && last !== undefined) last.leftOut = null;
    return { ...state, waiting, waited: state.waited + fresh.length + event.leftOut };
  }
  return followed(state, merged(state.rows, fresh), event.sinceNs);
}

const released = (state: State): State =>
  state.waiting.length === 0
    ? state
    : { ...followed(state, merged(state.rows, state.waiting), 0), waiting: [], waited: 0 };

/** Rows at whose end some are let go: older ones are asked for by their time then. */
function followed(state: State, all: readonly Row[], sinceNs: number): State {
  const rows = fitted(all, MOST_FOLLOWED, sinceNs);
  if (rows === all) return { ...state, rows };
  const isTooMany = all.length > MOST_FOLLOWED || state.hasOlder;
  return { ...state, rows, cursor: null, hasOlder: isTooMany };
}

/** The oldest that is shown. */
export const oldestNs = (state: State): number | null => {
  const last = state.rows.at(-1);
  return last === undefined ? null : timeOf(last);
};
