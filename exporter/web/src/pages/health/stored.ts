/** What is stored of each table, and how it grows: two answers of the API in one row. */

import type { Answer, Schemas } from "../../core/client";

export interface StoredTable {
  table: string;
  rows: number;
  bytes: number;
  bytesPerRow: number | null;
  segments: number;
  oldestNs: number | null;
  newestNs: number | null;
  rowsPerDay: number | null;
  bytesPerDay: number | null;
  keptDays: number | null;
  settledBytes: number | null;
}

/** A row for each table, the largest first. */
export function tables(stored: Answer<"/api/stats">, growth: Schemas["Capacity"] | undefined): StoredTable[] {
  const grows = new Map(growth?.tables.map((one) => [one.table, one]));
  return stored.tables
    .map((one) => {
      const own = grows.get(one.table);
      return {
        table: one.table,
        rows: one.rows,
        bytes: one.bytes,
        bytesPerRow: one.bytes_per_row,
        segments: one.segments,
        oldestNs: one.oldest_ns,
        newestNs: one.newest_ns,
        rowsPerDay: own?.rows_per_day ?? null,
        bytesPerDay: own?.bytes_per_day ?? null,
        keptDays: own?.kept_days ?? null,
        settledBytes: own?.settled_bytes ?? null,
      };
    })
    .sort((one, other) => other.bytes - one.bytes);
}

/** When the disk is full, in words. */
export function fullIn({ full_in_days: days, bytes_per_day: perDay }: Schemas["Capacity"]): string {
  if (days !== null) return days < 1 ? "full within a day" : `full in ${Math.floor(days)} ${days < 2 ? "day" : "days"}`;
  return perDay === null ? "growth is known after some hours" : "retention keeps it from filling";
}
