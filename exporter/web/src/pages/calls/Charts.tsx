/** Calls, latency and cost over time, by group; the same group has the same colour in each. */

import { useMemo } from "react";

import { type Asking, useAsk } from "../../core/ask";
import { TimeChart } from "../../core/chart/TimeChart";
import type { Schemas } from "../../core/client";
import { where } from "../../core/complete";
import { groupName, linesOf } from "../../core/grouped";
import { stepOf } from "../../core/range";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Columns, Panel } from "../../core/ui/Page";
import { type Range, secondsOf } from "../../core/url";

type Then = Schemas["CalledThen"];

const CHARTS = [
  { title: "Calls", unit: "count", value: (row: Then) => row.calls, isSum: true },
  { title: "p95 latency", unit: "ns", value: (row: Then) => row.p95_latency_ns, isSum: false },
  { title: "Cost", unit: "usd_nanos", value: (row: Then) => row.cost_nanos, isSum: true },
] as const;
const POINTS = 60;
const HEIGHT = 190;

export interface ChartsProps {
  by: string;
  filter: string;
  range: Range;
  follow: Asking;
  groups: readonly Schemas["Called"][] | undefined;
}

export function Charts({ by, filter, range, follow, groups }: ChartsProps) {
  const step = stepOf(range, POINTS);
  const series = useAsk("/api/calls/series", { query: { ...range.query, ...where(filter), by: [by], step } }, follow);
  const order = (groups ?? []).map((one) => groupName(one.labels)).join("\n");
  const answer = series.data;
  const charts = useMemo(() => {
    if (answer === undefined) return null;
    const span: [number, number] = [answer.start_ns ?? 0, answer.end_ns ?? 0];
    const common = { order: order === "" ? [] : order.split("\n"), span, stepNs: (secondsOf(step) ?? 60) * 1e9 };
    return CHARTS.map((chart) => ({
      ...chart,
      span,
      ...linesOf(answer.items, {
        ...common,
        value: chart.value,
        hasRest: chart.isSum,
        nothing: chart.isSum ? 0 : null,
      }),
    }));
  }, [answer, order, step]);
  if (series.error !== null && charts === null) return <Failure error={series.error} again={series.again} />;
  return (
    <Columns min={330}>
      {CHARTS.map(({ title }, at) => {
        const chart = charts?.[at];
        return (
          <Panel key={title} title={`${title} by ${by}`}>
            {chart === undefined ? (
              <Loading height={HEIGHT} />
            ) : (
              <TimeChart
                label={`${title} by ${by}`}
                times={chart.times}
                lines={chart.lines}
                unit={chart.unit}
                kind={chart.isSum ? "bars" : "line"}
                isStacked={chart.isSum}
                height={HEIGHT}
                span={chart.span}
                onZoom={range.zoom}
              />
            )}
          </Panel>
        );
      })}
    </Columns>
  );
}
