/** The records of the list: each once, the newest first, never more than so many. */

import type { Schemas } from "../../core/client";

export type Record = Schemas["Record"];

export interface Row {
  /** Of what it says, so that the same record has the same wherever it comes from. */
  id: string;
  record: Record;
  /** So many that came between it and the row below are not here; null where nobody counted. */
  leftOut: number | null;
}

/** While it follows, and while somebody reads. */
export const MOST_FOLLOWED = 2_000;
export const MOST_READ = 5_000;

export const timeOf = (row: Row | undefined): number => row?.record.time_ns ?? 0;

/** FNV-1a, 32 bits. */
function hash(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return (sum >>> 0).toString(36);
}

const HASHED = 400;

function idOf(one: Record): string {
  const about = [one.span_id, one.severity_number, one.service_name, one.event_name, one.body?.slice(0, HASHED)];
  const attributes = Object.entries(one.attributes ?? {})
    .join("\u0001")
    .slice(0, HASHED);
  return `${(one.time_ns ?? 0).toString(36)}-${hash([one.ingest_us, ...about, attributes].join("\u0000"))}`;
}

/** Records of one answer; those that are alike are told apart by their number. */
export function rowsOf(records: readonly Record[]): Row[] {
  const seen = new Map<string, number>();
  return records.map((record) => {
    const id = idOf(record);
    const number = seen.get(id) ?? 0;
    seen.set(id, number + 1);
    return { id: number === 0 ? id : `${id}-${number}`, record, leftOut: 0 };
  });
}

/** Both, each record once, the newest first. */
export function merged(rows: readonly Row[], others: readonly Row[]): readonly Row[] {
  if (rows.length === 0) return others;
  const known = new Set(rows.map(({ id }) => id));
  const fresh = others.filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return rows;
  const isNewer = timeOf(fresh.at(-1)) >= timeOf(rows[0]);
  return isNewer ? [...fresh, ...rows] : [...rows, ...fresh].sort((one, other) => timeOf(other) - timeOf(one));
}

/** The newest `most` of those since a time. */
export function fitted(rows: readonly Row[], most: number, sinceNs = 0): readonly Row[] {
  let length = Math.min(rows.length, most);
  while (length > 0 && timeOf(rows[length - 1]) < sinceNs) length -= 1;
  return length === rows.length ? rows : rows.slice(0, length);
}

/** What a channel told: a snapshot that is full and has nothing in common with what was there leaves a gap. */
export function toldRows(
  records: readonly Record[],
  told: { isAnew: boolean; leftOut: number; isFull: boolean },
  before: readonly Row[],
): Row[] {
  const rows = rowsOf(records);
  const last = rows.at(-1);
  if (last === undefined) return rows;
  if (!told.isAnew) last.leftOut = told.leftOut;
  else if (told.isFull && before[0] !== undefined && timeOf(last) > timeOf(before[0])) last.leftOut = null;
  return rows;
}

/** RFC 3339 of what is just behind a record, to the microsecond that the server compares by. */
export function justBehind(ns: number): string {
  const us = Math.floor(ns / 1e3) + 1;
  const seconds = new Date(Math.floor(us / 1e6) * 1e3).toISOString().slice(0, 19);
  return `${seconds}.${String(us % 1e6).padStart(6, "0")}Z`;
}
