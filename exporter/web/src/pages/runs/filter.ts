/** Filters of these pages, in the filter language. */

/** All of them at once; empty ones say nothing. */
export function both(...filters: readonly (string | null | undefined)[]): string | null {
  const said = filters.filter((one): one is string => one !== null && one !== undefined && one.trim() !== "");
  return said.length === 0 ? null : said.length === 1 ? (said[0] ?? null) : said.map((one) => `(${one})`).join(" and ");
}

const TEXT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;
const OF_RUNS_ALONE = /(?:^|[\s(])(?:status|run|name)(?=$|[\s=!~<>)])/;

/** Whether a filter of workflow runs says the same of their spans, of which charts are made. */
export const isOfSpans = (filter: string): boolean => !OF_RUNS_ALONE.test(filter.replace(TEXT, '""'));
