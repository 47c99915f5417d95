/** Workflows: what runs now, what their runs come to, and the runs. */

import { Stack } from "@mantine/core";
import { useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { both, equals, where } from "../../core/complete";
import { ago, count, duration, ratio } from "../../core/format";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { FilterBar } from "../../core/ui/FilterBar";
import { Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { Stat, Stats } from "../../core/ui/Stat";
import { type Column, Table } from "../../core/ui/Table";
import { changed, useParam, useRange } from "../../core/url";
import { Failed } from "./cells";
import { Charts } from "./Charts";
import { isOfSpans } from "./filter";
import { type Workflow, rowsOf } from "./rows";
import { RunList } from "./RunList";
import { Running } from "./Running";
import { totals } from "./totals";

const SNIPPET = `import otel_ax

otel_ax.configure(service_name="shop")

@otel_ax.workflow("refund", steps=2)
def refund(order): ...

@otel_ax.step
def pay(order): ...`;

export function Workflows() {
  const range = useRange();
  const [filter] = useParam("filter");
  const [parameters] = useSearchParams();
  const asked = useAsk(
    "/api/workflows",
    { query: { ...range.query, ...where(filter), limit: 500 } },
    following(range, "workflows"),
  );
  const rows = rowsOf<Workflow>(asked.data);
  const all = rows && totals(rows);
  const isLoading = rows === undefined;
  const only = (more: Record<string, string | null>): string => `/runs?${changed(parameters, more).toString()}`;
  const hasNone = rows?.length === 0 && filter === "";
  return (
    <Stack gap="md">
      <FilterBar subject="runs" placeholder='workflow = "refund" and duration > 10s' error={asked.error} />
      {asked.error !== null && asked.error.problem.field !== "filter" && (
        <Failure error={asked.error} again={asked.again} />
      )}
      {hasNone ? (
        <Panel>
          <Empty title={`No workflow ran in the ${range.label}`} snippet={SNIPPET}>
            Look at a longer time, let <code>ax demo</code> send some, or tell of your own:
          </Empty>
        </Panel>
      ) : (
        <>
          <Stats>
            <Stat label="Workflow runs" value={count(all?.runs)} isLoading={isLoading} />
            <Stat
              label="Success"
              value={ratio(all?.success_ratio)}
              isLoading={isLoading}
              note={all && `${count(all.completed)} of ${count(all.ended)} ended`}
            />
            <Stat
              label="Failed"
              value={<span className={all && all.failed > 0 ? "bad" : undefined}>{count(all?.failed)}</span>}
              isLoading={isLoading}
              href={only({ status: "failed" })}
            />
            <Stat
              label="Running"
              value={count(all?.running)}
              isLoading={isLoading}
              href={only({ status: "running" })}
            />
            <Stat
              label="Lost"
              value={count(all?.lost)}
              isLoading={isLoading}
              note="not heard of for 6 h"
              href={only({ status: "lost" })}
            />
          </Stats>
          {isOfSpans(filter) && <Charts what="Runs" filter={both('operation = "invoke_workflow"', filter)} />}
          <Running filter={filter} />
          <Panel title="Workflows" flush>
            <Table
              label="Workflows"
              columns={COLUMNS}
              rows={rows}
              rowKey={(row) => row.workflow ?? ""}
              sortParam="order"
              height="320px"
              href={(row) =>
                only({ filter: row.workflow === null ? null : equals("workflow", row.workflow), sort: null })
              }
            />
          </Panel>
          <RunList filter={filter} />
        </>
      )}
    </Stack>
  );
}

const COLUMNS: readonly Column<Workflow>[] = [
  { key: "workflow", title: "Workflow", cell: (row) => <Sent text={row.workflow} />, sort: (row) => row.workflow },
  {
    key: "runs",
    title: "Runs",
    align: "right",
    width: "72px",
    cell: (row) => count(row.runs),
    sort: (row) => row.runs,
  },
  {
    key: "failed",
    title: "Failed",
    align: "right",
    width: "84px",
    cell: (row) => <Failed failed={row.failed} of={row.runs - row.running} />,
    sort: (row) => row.failed / Math.max(row.runs - row.running, 1),
  },
  {
    key: "completed",
    title: "Completed",
    align: "right",
    width: "100px",
    from: 768,
    cell: (row) => count(row.completed),
    sort: (row) => row.completed,
  },
  {
    key: "cancelled",
    title: "Cancelled",
    align: "right",
    width: "96px",
    from: 1200,
    cell: (row) => count(row.cancelled),
    sort: (row) => row.cancelled,
  },
  {
    key: "running",
    title: "Running",
    align: "right",
    width: "88px",
    from: 768,
    cell: (row) => count(row.running),
    sort: (row) => row.running,
  },
  {
    key: "lost",
    title: "Lost",
    align: "right",
    width: "70px",
    from: 1200,
    cell: (row) => count(row.lost),
    sort: (row) => row.lost,
  },
  {
    key: "average",
    title: "Average",
    align: "right",
    width: "100px",
    from: 768,
    cell: (row) => duration(row.avg_duration_ns),
    sort: (row) => row.avg_duration_ns,
  },
  {
    key: "p95",
    title: "p95",
    align: "right",
    width: "92px",
    cell: (row) => duration(row.p95_duration_ns),
    sort: (row) => row.p95_duration_ns,
  },
  {
    key: "last",
    title: "Last began",
    align: "right",
    width: "110px",
    from: 768,
    cell: (row) => ago(row.last_ns),
    sort: (row) => row.last_ns,
  },
];
