/** What runs now, and for how long it has. */

import { Skeleton, Text } from "@mantine/core";
import { useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { both } from "../../core/complete";
import { count, duration } from "../../core/format";
import { useServerNow } from "../../core/now";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { type Column, Table } from "../../core/ui/Table";
import { useRange, withRange } from "../../core/url";
import { Share } from "./cells";
import { type Run, rowsOf } from "./rows";
import { pathOf } from "./paths";
import classes from "./runs.module.css";

/** What began longer ago is still asked about: a run may take days. */
const BACK = "7d";
const MOST = 50;
const EVERY_MS = 5_000;

export function Running({ filter }: { filter: string }) {
  const range = useRange();
  const [parameters] = useSearchParams();
  const asked = useAsk(
    "/api/workflow-runs",
    range.isRelative ? { query: { range: BACK, filter: both(filter, 'status = "running"'), limit: MOST } } : null,
    { follow: ["workflows"], everyMs: EVERY_MS },
  );
  const rows = rowsOf<Run>(asked.data);
  const now = useServerNow(rows?.length ? asked.data?.end_ns : null);
  if (!range.isRelative) return null;
  const columns: readonly Column<Run>[] = [
    { key: "workflow", title: "Workflow", cell: (row) => <Sent text={row.workflow_name} /> },
    {
      key: "run",
      title: "Run",
      from: 768,
      cell: (row) => (
        <span className="mono">
          <Sent text={row.run_id} isQuiet />
        </span>
      ),
    },
    { key: "service", title: "Service", from: 1200, cell: (row) => <Sent text={row.service_name} isQuiet /> },
    {
      key: "steps",
      title: "Steps ended",
      align: "right",
      width: "130px",
      cell: (row) => (
        <Share part={(row.steps_completed ?? 0) + (row.steps_failed ?? 0)} of={row.steps_total ?? 0} tone="busy" />
      ),
    },
    {
      key: "elapsed",
      title: "For",
      align: "right",
      width: "100px",
      cell: (row) => duration(Math.max(Math.floor((now - row.start_ns) / 1e9), 0) * 1e9),
    },
  ];
  return (
    <Panel
      title="Running now"
      flush
      actions={
        rows !== undefined &&
        rows.length > 0 && (
          <Text span size="sm" className="quiet">
            {asked.data?.next_cursor ? `${count(rows.length)} and more` : count(rows.length)}
          </Text>
        )
      }
    >
      {asked.error !== null && asked.error.problem.field !== "filter" && (
        <Failure error={asked.error} again={asked.again} />
      )}
      {rows === undefined || rows.length === 0 ? (
        <div className={`quiet ${classes["quietLine"] ?? ""}`}>
          {rows === undefined ? <Skeleton height={20} width={160} /> : "No run is under way."}
        </div>
      ) : (
        <Table
          label="Running now"
          columns={columns}
          rows={rows}
          rowKey={(row) => `${row.run_id} ${row.trace_id ?? ""} ${row.start_ns}`}
          href={(row) => withRange(pathOf(row), parameters)}
          sortParam="running"
          height="240px"
        />
      )}
    </Panel>
  );
}
