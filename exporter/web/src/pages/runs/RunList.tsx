/** Runs of workflows, newest first. */

import { SegmentedControl } from "@mantine/core";
import { useSearchParams } from "wouter";

import { both, equals, where } from "../../core/complete";
import { useListed } from "../../core/listed";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Sent } from "../../core/ui/Sent";
import { Status } from "../../core/ui/Status";
import type { Column } from "../../core/ui/Table";
import { useParam, useRange, withRange } from "../../core/url";
import { Share, When, WHEN_WIDTH } from "./cells";
import { List, useAway } from "./List";
import { pathOf } from "./paths";
import type { Run } from "./rows";
import { DURATION, ERROR, SERVICE, USER } from "./workColumns";

const STATES = ["", "failed", "running", "completed", "cancelled", "lost"];

export function RunList({ filter }: { filter: string }) {
  const range = useRange();
  const [status, setStatus] = useParam("status");
  const [parameters] = useSearchParams();
  const [isAway, setAway] = useAway();
  const asked = both(filter, status === "" ? null : equals("status", status));
  const listed = useListed(
    "/api/workflow-runs",
    { query: { ...range.query, ...where(asked), limit: 100 } },
    { ...following(range, "workflows"), hold: isAway },
  );
  return (
    <List
      title="Runs"
      listed={listed}
      rows={listed.rows as readonly Run[] | undefined}
      columns={COLUMNS}
      rowKey={(row) => `${row.run_id} ${row.trace_id ?? ""} ${row.start_ns}`}
      href={(row) => withRange(pathOf(row), parameters)}
      onAway={setAway}
      empty={<Empty title="No run is like that">Take away the filter or the status, or look at a longer time.</Empty>}
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Status"
          value={STATES.includes(status) ? status : ""}
          onChange={setStatus}
          data={STATES.map((value) => ({ value, label: value === "" ? "all" : value }))}
        />
      }
    />
  );
}

const COLUMNS: readonly Column<Run>[] = [
  {
    key: "began",
    title: "Began",
    width: WHEN_WIDTH,
    cell: (row) => <When ns={row.start_ns} />,
    sort: (row) => row.start_ns,
  },
  {
    key: "workflow",
    title: "Workflow",
    cell: (row) => <Sent text={row.workflow_name ?? row.run_id} />,
    sort: (row) => row.workflow_name,
  },
  {
    key: "status",
    title: "Status",
    width: "clamp(108px, 96px + 3vw, 132px)",
    cell: (row) => <Status state={row.status} />,
    sort: (row) => row.status,
  },
  {
    key: "steps",
    title: "Steps completed",
    align: "right",
    width: "140px",
    from: 768,
    cell: (row) => (
      <Share
        part={row.steps_completed ?? 0}
        of={row.steps_total ?? 0}
        tone={row.status === "running" ? "busy" : row.steps_failed ? "bad" : "good"}
      />
    ),
    sort: (row) => row.steps_completed,
  },
  DURATION,
  ERROR,
  SERVICE,
  USER,
];
