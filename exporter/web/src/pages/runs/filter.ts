/** Filters of these pages, in the filter language. */

const TEXT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;
const OF_RUNS_ALONE = ["status", "run", "name"];

/** Whether a filter names one of these fields; a word within a text names none. */
export const names = (filter: string, fields: readonly string[]): boolean =>
  new RegExp(`(?:^|[\\s(])(?:${fields.join("|")})(?=$|[\\s=!~<>)])`).test(filter.replace(TEXT, '""'));

/** Whether a filter of workflow runs says the same of their spans, of which charts are made. */
export const isOfSpans = (filter: string): boolean => !names(filter, OF_RUNS_ALONE);
