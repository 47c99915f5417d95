/** The value of an alert over time, with its threshold and when it fired. */

import { useMemo } from "react";

import { useAsk } from "../../core/ask";
import { TimeChart } from "../../core/chart/TimeChart";
import { rfc3339 } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Panel } from "../../core/ui/Page";
import { useRange } from "../../core/url";
import { type Alert, type Definition, seriesOf, windowOf } from "./asked";

const MINUTE_NS = 60e9;
const POINTS = 120;

export function Value(props: { alert: Alert; definition: Definition; startNs: number; endNs: number }) {
  const { alert, definition, startNs, endNs } = props;
  const range = useRange();
  const series = seriesOf(definition, alert.labels);
  const minutes = Math.max(Math.ceil((endNs - startNs) / MINUTE_NS / POINTS), 1);
  const { data, error } = useAsk(
    "/api/metrics/{name}/series",
    series === null
      ? null
      : {
          path: { name: series.name },
          query: {
            start: rfc3339(startNs),
            end: rfc3339(endNs),
            step: `${minutes}m`,
            of: series.of,
            ...(series.filter === "" ? {} : { filter: series.filter }),
            ...(series.aggregation === null ? {} : { aggregation: series.aggregation }),
          },
        },
    alert.resolved_at === null ? { follow: ["metrics"] } : {},
  );
  const [times, values] = useMemo(
    () => [data?.items.map((one) => one.bucket_ns ?? 0) ?? [], data?.items.map((one) => one.value ?? null) ?? []],
    [data],
  );
  const marked = useMemo(
    () => [
      ...(alert.threshold === null ? [] : [{ label: "threshold", value: alert.threshold, tone: "warn" as const }]),
      ...(alert.fired_at === null ? [] : [{ label: "fired", atNs: alert.fired_at, tone: "bad" as const }]),
      ...(alert.resolved_at === null ? [] : [{ label: "resolved", atNs: alert.resolved_at, tone: "quiet" as const }]),
    ],
    [alert.threshold, alert.fired_at, alert.resolved_at],
  );
  const lines = useMemo(() => [{ label: series?.name ?? "", values }], [series?.name, values]);
  if (series === null) return null;
  const window = windowOf(definition) || "whole hours";
  return (
    <Panel
      title={`${series.name} over time`}
      actions={<span className="quiet">{`a point each ${minutes} min; the rule looks at ${window}`}</span>}
    >
      {error !== null ? (
        <Failure error={error} />
      ) : data === undefined ? (
        <Loading height={220} />
      ) : (
        <TimeChart
          label={`${series.name} over time`}
          times={times}
          lines={lines}
          unit={alert.unit}
          kind="area"
          height={220}
          span={[startNs, endNs]}
          marked={marked}
          onZoom={range.zoom}
        />
      )}
    </Panel>
  );
}
