/** A metric over time: by group, as three percentiles, and as it was in as much time before. */

import { useMemo } from "react";

import { useAsk } from "../../core/ask";
import type { Line } from "../../core/chart/TimeChart";
import type { Refused, Schemas } from "../../core/client";
import { rfc3339 } from "../../core/format";
import { groupName, linesOf } from "../../core/grouped";
import { following, stepOf } from "../../core/range";
import { type Range, secondsOf } from "../../core/url";
import { addsUp, type Aggregation, bridged, moved, PERCENTILES, THREE, withGaps } from "./shape";

export interface Question {
  name: string;
  kind: string;
  unit: string;
  aggregation: string | null;
  by: readonly string[];
  of: "calls" | "spans";
  filter: string;
  range: Range;
  /** Whether the time before is shown too. */
  isCompared: boolean;
}

type Measured = Schemas["Measured"];
type Then = Schemas["Then"];

export interface Series {
  totals: readonly Measured[] | undefined;
  times: readonly number[];
  lines: readonly Line[];
  span: readonly [number, number] | undefined;
  /** Groups that have no line of their own. */
  beyond: number;
  precision: { kind: string; errorRatio: number | null } | null;
  source: string;
  error: Refused | null;
  isLoading: boolean;
  again: () => void;
}

const MOST_LINES = 8;
const BEFORE = "before";

export function useSeries(question: Question): Series {
  const { name, kind, unit, aggregation, by, of, filter, range, isCompared } = question;
  const isThree = aggregation === PERCENTILES;
  const isSum = addsUp(kind, unit, aggregation);
  const step = stepOf(range);
  const stepNs = (secondsOf(step) ?? 60) * 1e9;
  const path = { name };
  const common = {
    ...(filter && { filter }),
    ...(kind === "measure" ? { of } : {}),
    ...(by.length ? { by: [...by] } : {}),
  };
  const asked = (one: string | null) => ({
    path,
    query: { ...range.query, ...common, ...(one === null ? {} : { aggregation: one as Aggregation }) },
  });
  const stepped = (one: string | null) => {
    const { query } = asked(one);
    return { path, query: { ...query, step } };
  };
  const follow = following(range, kind === "measure" ? "traces" : "metrics");
  const totals = useAsk("/api/metrics/{name}", asked(isThree ? "p95" : aggregation), follow);
  const main = useAsk("/api/metrics/{name}/series", stepped(isThree ? THREE[0] : aggregation), follow);
  const second = useAsk("/api/metrics/{name}/series", isThree ? stepped(THREE[1]) : null, follow);
  const third = useAsk("/api/metrics/{name}/series", isThree ? stepped(THREE[2]) : null, follow);

  const { start_ns: start, end_ns: end } = main.data ?? {};
  const lengthNs = start != null && end != null ? end - start : 0;
  const earlier = useAsk(
    "/api/metrics/{name}/series",
    isCompared && !isThree && by.length === 0 && start != null && lengthNs > 0
      ? {
          path,
          query: {
            ...common,
            ...(aggregation === null ? {} : { aggregation: aggregation as Aggregation }),
            start: rfc3339(start - lengthNs),
            end: rfc3339(start),
            step,
          },
        }
      : null,
    {},
  );

  const span = useMemo(() => (start != null && end != null ? ([start, end] as const) : undefined), [start, end]);
  const parts = useMemo(
    () => (isThree ? [main.data, second.data, third.data] : [main.data]).map((one) => one?.items ?? []),
    [isThree, main.data, second.data, third.data],
  );
  const before = isCompared && !isThree && by.length === 0 ? earlier.data?.items : undefined;
  const drawn = useMemo(() => {
    const order = (totals.data?.items ?? []).map(({ labels }) => groupName(labels));
    const made = isThree
      ? threeOf(parts, span ?? [0, 0], stepNs)
      : linesOf(parts[0] ?? [], {
          value: (row: Then) => row.value,
          order: order.length > 0 ? order : [...new Set((parts[0] ?? []).map(({ labels }) => groupName(labels)))],
          most: MOST_LINES - 1,
          hasRest: isSum,
          nothing: isSum && kind === "measure" ? 0 : null,
          span: span ?? [0, 0],
          stepNs,
        });
    const times = isSum && kind === "measure" ? made.times : withGaps(made.times, stepNs);
    const lines = made.lines.map((line) => bridged(placed(line, made.times, times), times, stepNs));
    if (before !== undefined) {
      lines.push({ label: BEFORE, values: moved(before, times, lengthNs, stepNs), color: "#8b93a5", dash: [5, 4] });
    }
    const beyond = Math.max(order.length - (MOST_LINES - 1), 0);
    return { times, lines, beyond };
  }, [parts, totals.data, isThree, isSum, kind, span, stepNs, before, lengthNs]);

  const about = totals.data;
  return {
    ...drawn,
    totals: about?.items,
    span,
    precision: about === undefined ? null : { kind: about.precision, errorRatio: about.error_ratio },
    source: about?.source ?? "",
    error: main.error ?? totals.error ?? second.error ?? third.error,
    isLoading: main.isLoading,
    again: () => {
      main.again();
      totals.again();
    },
  };
}

function threeOf(parts: readonly (readonly Then[])[], span: readonly [number, number], stepNs: number) {
  const rows = parts.flatMap((part, at) => part.map((row) => ({ ...row, labels: { percentile: THREE[at] ?? "" } })));
  return linesOf(rows, { value: (row) => row.value, order: [...THREE], nothing: null, span, stepNs });
}

/** A line at other times, of which those that it has not are empty. */
function placed(line: Line, from: readonly number[], to: readonly number[]): Line {
  if (from === to || from.length === to.length) return line;
  const values = new Map(from.map((time, at) => [time, line.values[at]]));
  return { ...line, values: to.map((time) => values.get(time) ?? null) };
}
