/** Metrics: which there are, and any of them over time. */

import { useMemo } from "react";

import { useListed } from "../../core/listed";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Page } from "../../core/ui/Page";
import { useParam, useRange } from "../../core/url";
import { Explorer } from "./Explorer";
import { type Listed, MetricList, MetricSelect } from "./MetricList";
import classes from "./metrics.module.css";

const FIRST = "calls";
const AT_ONCE = 500;

export default function Metrics() {
  const range = useRange();
  const [name] = useParam("metric", FIRST);
  const { rows, error, hasMore, more, again } = useListed(
    "/api/metrics",
    { query: { ...range.query, limit: AT_ONCE } },
    range.isRelative ? { everyMs: 60_000 } : {},
  );
  // A metric that has no point in this time is asked for all the same, so that a link says why nothing is there.
  const metric = useMemo(
    () => rows?.find((one) => one.name === name) ?? ({ name, kind: "unknown" } satisfies Listed),
    [rows, name],
  );
  return (
    <Page title="Metrics">
      {error !== null && rows === undefined && <Failure error={error} again={again} />}
      {rows === undefined ? (
        error === null && <Loading height={420} />
      ) : (
        <div className={classes["sides"]}>
          <MetricSelect metrics={rows} selected={name} />
          <MetricList metrics={rows} selected={name} hasMore={hasMore} onMore={() => void more()} />
          <Explorer key={name} metric={metric} range={range} />
        </div>
      )}
    </Page>
  );
}
