/** Filters of these pages, in the filter language. */

const TEXT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;
const OF_RUNS_ALONE = /(?:^|[\s(])(?:status|run|name)(?=$|[\s=!~<>)])/;

/** Whether a filter of workflow runs says the same of their spans, of which charts are made. */
export const isOfSpans = (filter: string): boolean => !OF_RUNS_ALONE.test(filter.replace(TEXT, '""'));
