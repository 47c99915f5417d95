/** How calls went over time: how many and how many failed, how long, what they cost by model, tokens. */

import { Skeleton, useComputedColorScheme } from "@mantine/core";
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";

import { TimeChart, type TimeChartProps } from "../../core/chart/TimeChart";
import { Columns, Panel } from "../../core/ui/Page";
import { withRange } from "../../core/url";
import type { Asking, Bucket } from "./asking";
import classes from "./overview.module.css";
import { bucketsOf, parts, spread } from "./series";

const HEIGHT = 176;
const LEGEND_PX = 28;
const MODELS = 7;
/** Failures have the colour of what is bad, beside the series' own. */
const FAILED = { light: "#b42318", dark: "#ff8577" } as const;

export function Charts({ asking }: { asking: Asking }) {
  const { series, spend, range, stepSeconds } = asking;
  const scheme = useComputedColorScheme("light");
  const [parameters] = useSearchParams();
  const made = useMemo(() => {
    const { start_ns: start, end_ns: end, items } = series.data ?? {};
    if (items === undefined) return undefined;
    const times = bucketsOf(start ?? 0, end ?? 0, stepSeconds);
    const line = (label: string, value: (row: Bucket) => number | null | undefined, missing = 0) => ({
      label,
      values: spread(items, times, value, missing),
    });
    const time = (label: string, value: (row: Bucket) => number | null | undefined) => ({
      label,
      values: spread(items, times, value, null),
    });
    return {
      times,
      isEmpty: items.length === 0,
      calls: [
        line("Succeeded", (row) => (row.calls ?? 0) - (row.failed ?? 0)),
        { ...line("Failed", (row) => row.failed), color: FAILED[scheme] },
      ],
      latency: [
        time("p50", (row) => row.p50_latency_ns),
        time("p95", (row) => row.p95_latency_ns),
        time("p99", (row) => row.p99_latency_ns),
      ],
      tokens: [line("Input", (row) => row.tokens_input), line("Output", (row) => row.tokens_output)],
    };
  }, [series.data, stepSeconds, scheme]);
  const models = useMemo(() => {
    const { start_ns: start, end_ns: end, items } = spend.data ?? {};
    if (items === undefined) return undefined;
    const times = bucketsOf(start ?? 0, end ?? 0, stepSeconds);
    const name = (row: (typeof items)[number]): string => row.labels?.["model"] ?? "unknown";
    return {
      times,
      isEmpty: items.length === 0,
      lines: parts(items, times, name, (row) => row.cost_nanos ?? 0, MODELS),
    };
  }, [spend.data, stepSeconds]);

  const common = { height: HEIGHT, onZoom: range.zoom };
  const of = (times: readonly number[]) => ({ times, span: spanOf(times, stepSeconds) });
  const link = (path: string, text: string) => (
    <Link href={withRange(path, parameters)} className={classes["more"]}>
      {text}
    </Link>
  );
  return (
    <Columns min={360}>
      <Panel title="LLM calls" actions={link("/calls?filter=failed+%3D+true", "Failed calls")}>
        <Chart
          {...common}
          {...(made && { ...of(made.times), lines: made.calls, isEmpty: made.isEmpty })}
          label="LLM calls over time, succeeded and failed"
          unit="count"
          kind="bars"
          isStacked
        />
      </Panel>
      <Panel title="Latency of LLM calls" actions={link("/calls", "LLM calls")}>
        <Chart
          {...common}
          {...(made && { ...of(made.times), lines: made.latency, isEmpty: made.isEmpty })}
          label="Latency of LLM calls over time"
          unit="ns"
        />
      </Panel>
      <Panel title="Spend by model" actions={link("/costs?by=model", "Costs")}>
        <Chart
          {...common}
          {...(models && { ...of(models.times), lines: models.lines, isEmpty: models.isEmpty })}
          label="Spend over time by model"
          unit="usd_nanos"
          kind="bars"
          isStacked
        />
      </Panel>
      <Panel title="Tokens" actions={link("/calls", "LLM calls")}>
        <Chart
          {...common}
          {...(made && { ...of(made.times), lines: made.tokens, isEmpty: made.isEmpty })}
          label="Tokens over time, input and output"
          unit="count"
          kind="bars"
          isStacked
        />
      </Panel>
    </Columns>
  );
}

/** Its place while nothing is known, and what to say where there is nothing. */
function Chart({
  times,
  lines,
  isEmpty = false,
  ...rest
}: Omit<TimeChartProps, "times" | "lines"> & Partial<Pick<TimeChartProps, "times" | "lines">> & { isEmpty?: boolean }) {
  const height = HEIGHT + LEGEND_PX;
  if (times === undefined || lines === undefined) return <Skeleton height={height} />;
  if (isEmpty)
    return (
      <div className={`${classes["nothing"] ?? ""} quiet`} style={{ height }}>
        No LLM calls in this time
      </div>
    );
  return <TimeChart times={times} lines={lines} {...rest} />;
}

const spanOf = (times: readonly number[], stepSeconds: number): readonly [number, number] => [
  times[0] ?? 0,
  (times.at(-1) ?? 0) + stepSeconds * 1e9,
];
