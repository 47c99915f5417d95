/** What was spent over time, by group. */

import { useMemo } from "react";

import { type Asking, useAsk } from "../../core/ask";
import { TimeChart } from "../../core/chart/TimeChart";
import type { Schemas } from "../../core/client";
import { groupName, linesOf, titled } from "../../core/grouped";
import { stepOf } from "../../core/range";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Panel } from "../../core/ui/Page";
import { type Range, secondsOf } from "../../core/url";
import type { Query } from "./Totals";

const HEIGHT = 260;
const POINTS = 90;

export function Spent(props: {
  by: string;
  query: Query;
  range: Range;
  follow: Asking;
  groups: readonly Schemas["Cost"][] | undefined;
}) {
  const { by, query, range, follow, groups } = props;
  const step = stepOf(range, POINTS);
  const { data, error, again } = useAsk("/api/costs/series", { query: { ...query, by: [by], step } }, follow);
  const order = (groups ?? []).map((one) => groupName(one.labels)).join("\n");
  const chart = useMemo(() => {
    if (data === undefined) return null;
    const span: [number, number] = [data.start_ns ?? 0, data.end_ns ?? 0];
    const drawn = linesOf(data.items, {
      value: (row) => row.cost_nanos,
      order: order === "" ? [] : order.split("\n"),
      hasRest: true,
      nothing: 0,
      span,
      stepNs: (secondsOf(step) ?? 60) * 1e9,
    });
    return { span, ...drawn };
  }, [data, order, step]);
  const title = `Spent by ${titled(by).toLowerCase()}, each ${step}`;
  return (
    <Panel title={title}>
      {error !== null && <Failure error={error} again={again} />}
      {chart === null ? (
        <Loading height={HEIGHT} />
      ) : (
        <TimeChart
          label={title}
          {...chart}
          unit="usd_nanos"
          kind="bars"
          isStacked
          height={HEIGHT}
          onZoom={range.zoom}
        />
      )}
    </Panel>
  );
}
