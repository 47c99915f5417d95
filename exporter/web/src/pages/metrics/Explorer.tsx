/** One metric: over time, and what it comes to by group. */

import { Skeleton } from "@mantine/core";
import { useMemo } from "react";

import { useAsk } from "../../core/ask";
import { TimeChart } from "../../core/chart/TimeChart";
import { ratio, whole } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { type Range, useParams } from "../../core/url";
import { Controls } from "./Controls";
import type { Listed } from "./MetricList";
import classes from "./metrics.module.css";
import { addsUp, aggregationOf, oddHours, PERCENTILES, unitName, unitOf, WORDS } from "./shape";
import { useSeries } from "./useSeries";
import { Values } from "./Values";

const HEIGHT = 320;
const HOUR_NS = 3_600e9;
const MOST_HOURS = 168;

export function Explorer({ metric, range }: { metric: Listed; range: Range }) {
  const [parameters] = useParams();
  const name = metric.name ?? "";
  const kind = metric.kind ?? "";
  const ownUnit = metric.unit ?? "";
  const asked = parameters.get("by") ?? "";
  const by = useMemo(() => asked.split(",").filter(Boolean), [asked]);
  const of = parameters.get("of") === "spans" ? "spans" : "calls";
  const filter = parameters.get("filter") ?? "";
  const aggregation = aggregationOf(kind, by.length > 0, parameters.get("aggregation") ?? "");
  const unit = unitOf(ownUnit, aggregation);
  const isStackable = addsUp(kind, ownUnit, aggregation);
  const isCompared = parameters.get("compare") === "1";
  const series = useSeries({ name, kind, unit: ownUnit, aggregation, by, of, filter, range, isCompared });
  const marked = useOdd(name, kind, filter, range);
  const isStacked = isStackable && by.length > 0 && parameters.get("stacked") === "1";
  const title =
    aggregation === null ? "Value" : aggregation === PERCENTILES ? "p95" : (WORDS[aggregation] ?? aggregation);
  const isFilterBad = series.error?.problem.field === "filter";

  return (
    <div className={classes["explorer"]}>
      <Panel title={<span className={classes["title"]}>{name}</span>} actions={<About metric={metric} />}>
        {metric.description && <p className={classes["description"]}>{metric.description}</p>}
        <Controls {...{ name, kind, aggregation, by, of, isStackable, range, error: series.error }} />
        {series.error !== null && !isFilterBad && <Failure error={series.error} again={series.again} />}
        {series.isLoading ? (
          <Skeleton height={HEIGHT + 34} />
        ) : series.times.length > 0 ? (
          <TimeChart
            label={`${name} over time`}
            times={series.times}
            lines={series.lines}
            unit={unit}
            kind={isStacked || (series.lines.length === 1 && isStackable) ? "area" : "line"}
            isStacked={isStacked}
            height={HEIGHT}
            span={series.span}
            marked={marked}
            onZoom={range.zoom}
          />
        ) : (
          series.error === null && (
            <Empty title="Nothing was measured in this time">
              A longer time may have something, or another filter.
            </Empty>
          )
        )}
        <p className={classes["foot"]}>{footOf(series.precision, series.beyond, isStackable)}</p>
      </Panel>
      <Panel title={by.length > 0 ? `By ${by.join(", ")}` : "Over the whole time"} flush>
        <Values
          rows={series.totals}
          by={by}
          unit={unit}
          ownUnit={ownUnit}
          title={title.charAt(0).toUpperCase() + title.slice(1)}
          filter={filter}
          isOfCalls={kind === "measure" && of === "calls"}
        />
      </Panel>
    </div>
  );
}

function About({ metric: { kind, unit, services, points } }: { metric: Listed }) {
  const words = [kind, unitName(unit ?? ""), ...(points == null ? [] : [`${whole(points)} points`])];
  const from = services == null ? [] : [`of ${whole(services)} ${services === 1 ? "service" : "services"}`];
  return <span className={classes["about"]}>{[...words, ...from].filter(Boolean).join(" · ")}</span>;
}

function footOf(precision: { kind: string; errorRatio: number | null } | null, beyond: number, isSum: boolean): string {
  const parts: string[] = [];
  if (precision?.kind === "sketch") parts.push(`Percentiles are right to ${ratio(precision.errorRatio)}.`);
  if (precision?.kind === "buckets") parts.push("Percentiles are the upper bounds of the sender's buckets.");
  if (beyond > 0)
    parts.push(`${whole(beyond)} more groups are ${isSum ? "added up in one line" : "in the table only"}.`);
  return parts.join(" ");
}

/** Hours that were out of what is usual, of measures: they have been learned from. */
function useOdd(name: string, kind: string, filter: string, range: Range) {
  const hours = Math.min(Math.ceil(range.ns / HOUR_NS), MOST_HOURS);
  const isAsked = kind === "measure" && range.isRelative && filter === "";
  const { data } = useAsk("/api/anomalies", isAsked ? { query: { metric: name, hours } } : null, {});
  return useMemo(() => oddHours(data ?? []).map((one) => ({ ...one, tone: "warn" as const })), [data]);
}
