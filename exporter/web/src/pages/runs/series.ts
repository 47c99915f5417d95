/** Buckets of time without holes, as charts want them. */

/** One value for each bucket from `startNs` to `endNs`; 0 or null where nothing was. */
export function filled<Row extends { bucket_ns: number }>(
  rows: readonly Row[],
  startNs: number,
  endNs: number,
  stepNs: number,
): { times: number[]; rows: (Row | undefined)[] } {
  const known = new Map(rows.map((row) => [Math.round(row.bucket_ns / stepNs), row]));
  const first = Math.floor(startNs / stepNs);
  const last = Math.max(Math.ceil(endNs / stepNs) - 1, first);
  const places = Array.from({ length: Math.min(last - first + 1, 5_000) }, (_, at) => first + at);
  return { times: places.map((place) => place * stepNs), rows: places.map((place) => known.get(place)) };
}
