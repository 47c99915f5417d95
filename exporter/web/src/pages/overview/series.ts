/** Rows of a series, put on one time line: the API tells only of buckets in which there was anything. */

const NS_PER_S = 1e9;

/** A row of a series; a column may be left out of an answer. */
export interface Bucketed {
  bucket_ns?: number;
  labels?: Record<string, string | null>;
}

/** Where the buckets of a period begin, Unix nanoseconds; the first may begin before it. */
export function bucketsOf(startNs: number, endNs: number, stepSeconds: number): number[] {
  const found: number[] = [];
  const last = Math.ceil(endNs / NS_PER_S / stepSeconds);
  for (let at = Math.floor(startNs / NS_PER_S / stepSeconds); at < last; at += 1)
    found.push(at * stepSeconds * NS_PER_S);
  return found;
}

/** A value for each bucket; `missing` where there is no row. */
export function spread<Row extends Bucketed>(
  rows: readonly Row[],
  times: readonly number[],
  value: (row: Row) => number | null | undefined,
  missing: number | null,
): (number | null)[] {
  const known = new Map(rows.map((row) => [row.bucket_ns, row]));
  return times.map((at) => {
    const row = known.get(at);
    return row === undefined ? missing : (value(row) ?? missing);
  });
}

export interface Part {
  label: string;
  values: (number | null)[];
}

const OTHERS = "others";

/** A line for each group, those with most in all first; what comes after the first `most` is one line. */
export function parts<Row extends Bucketed>(
  rows: readonly Row[],
  times: readonly number[],
  name: (row: Row) => string,
  value: (row: Row) => number,
  most: number,
): Part[] {
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(name(row), (sums.get(name(row)) ?? 0) + value(row));
  const ranked = [...sums.keys()].sort((one, other) => (sums.get(other) ?? 0) - (sums.get(one) ?? 0));
  const own = new Set(ranked.length > most ? ranked.slice(0, most - 1) : ranked);
  const labels = ranked.length > most ? [...own, OTHERS] : [...own];
  return labels.map((label) => {
    const added = new Map<number | undefined, number>();
    for (const row of rows) {
      const mine = own.has(name(row)) ? name(row) === label : label === OTHERS;
      if (mine) added.set(row.bucket_ns, (added.get(row.bucket_ns) ?? 0) + value(row));
    }
    return { label, values: times.map((at) => added.get(at) ?? 0) };
  });
}

/** How often, over so many nanoseconds, with the unit of time in which it is a number that one can picture. */
export function rate(count: number, ns: number): readonly [number, "s" | "min" | "h" | "day"] {
  const perSecond = count / (ns / NS_PER_S);
  if (perSecond >= 1) return [perSecond, "s"];
  if (perSecond * 60 >= 1) return [perSecond * 60, "min"];
  if (perSecond * 3_600 >= 1) return [perSecond * 3_600, "h"];
  return [perSecond * 86_400, "day"];
}
