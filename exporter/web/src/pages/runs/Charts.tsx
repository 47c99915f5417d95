/** How many there were over time, and how long they took: of ended spans of one kind. */

import { useComputedColorScheme } from "@mantine/core";
import { useMemo } from "react";

import { useAsk } from "../../core/ask";
import { TimeChart } from "../../core/chart/TimeChart";
import { following, stepOf } from "../../core/range";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Columns, Panel } from "../../core/ui/Page";
import { secondsOf, useRange } from "../../core/url";
import { type CalledThen, rowsOf } from "./rows";
import { filled } from "./series";

const GOOD = { light: "#2b8a70", dark: "#35c2a6" } as const;
const BAD = { light: "#b42318", dark: "#ff8577" } as const;
const HEIGHT = 150;

export function Charts({ what, filter }: { what: string; filter: string }) {
  const range = useRange();
  const scheme = useComputedColorScheme("light");
  const step = stepOf(range, 60);
  const asked = useAsk(
    "/api/calls/series",
    { query: { ...range.query, of: "spans", filter, step } },
    following(range, "traces"),
  );
  const { data } = asked;
  const chart = useMemo(() => {
    const rows = rowsOf<CalledThen>(data) ?? [];
    const stepNs = (secondsOf(step) ?? 60) * 1e9;
    const { times, rows: found } = filled(rows, data?.start_ns ?? 0, data?.end_ns ?? 0, stepNs);
    return {
      times,
      counts: [
        { label: "not failed", values: found.map((row) => (row ? row.calls - row.failed : 0)), color: GOOD[scheme] },
        { label: "failed", values: found.map((row) => row?.failed ?? 0), color: BAD[scheme] },
      ],
      durations: [
        { label: "p50", values: found.map((row) => row?.p50_latency_ns ?? null) },
        { label: "p95", values: found.map((row) => row?.p95_latency_ns ?? null) },
      ],
    };
  }, [data, step, scheme]);

  if (asked.error !== null && data === undefined) return <Failure error={asked.error} again={asked.again} />;
  return (
    <Columns min={320}>
      <Panel title={`${what} over time`}>
        {data === undefined ? (
          <Loading height={HEIGHT} />
        ) : (
          <TimeChart
            label={`${what} over time`}
            times={chart.times}
            lines={chart.counts}
            unit="count"
            kind="bars"
            isStacked
            height={HEIGHT}
            onZoom={range.zoom}
          />
        )}
      </Panel>
      <Panel title="Duration">
        {data === undefined ? (
          <Loading height={HEIGHT} />
        ) : (
          <TimeChart
            label={`Duration of ${what.toLowerCase()} over time`}
            times={chart.times}
            lines={chart.durations}
            unit="ns"
            height={HEIGHT}
            onZoom={range.zoom}
          />
        )}
      </Panel>
    </Columns>
  );
}
