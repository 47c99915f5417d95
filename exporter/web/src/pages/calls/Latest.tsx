/** The calls themselves, newest first; as many as somebody scrolls for. */

import { useState } from "react";
import { useSearchParams } from "wouter";

import type { Asking } from "../../core/ask";
import { where } from "../../core/complete";
import { clock, count, duration, harmless, usd } from "../../core/format";
import { useListed } from "../../core/listed";
import { Failure } from "../../core/ui/Failure";
import { More, NewRows } from "../../core/ui/Listed";
import { Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { type Range, withRange } from "../../core/url";
import { callPath, type CallRow, startNs } from "./rows";

const COLUMNS: readonly Column<CallRow>[] = [
  { key: "time", title: "Time", cell: (row) => clock(startNs(row)), width: "116px" },
  { key: "model", title: "Model", cell: (row) => <Sent text={row.model} /> },
  { key: "operation", title: "Operation", cell: (row) => <Sent text={row.operation} />, width: "104px", from: 768 },
  { key: "service", title: "Service", cell: (row) => <Sent text={row.service_name} />, width: "9%", from: 1200 },
  { key: "agent", title: "Agent", cell: (row) => <Sent text={row.agent_name} />, width: "10%", from: 1200 },
  { key: "status", title: "Status", cell: (row) => <Outcome row={row} />, width: "92px", from: 768 },
  {
    key: "ttfc",
    title: "First chunk",
    align: "right",
    cell: (row) => duration(row.time_to_first_chunk_ns),
    width: "100px",
    from: 1200,
  },
  { key: "duration", title: "Duration", align: "right", cell: (row) => duration(row.duration_ns), width: "92px" },
  {
    key: "in",
    title: "Tokens in",
    align: "right",
    cell: (row) => count(row.tokens_input),
    width: "92px",
    from: 768,
  },
  { key: "out", title: "out", align: "right", cell: (row) => count(row.tokens_output), width: "70px", from: 768 },
  {
    key: "cost",
    title: "Cost",
    align: "right",
    cell: (row) =>
      row.unpriced === null ? usd(row.cost_nanos) : <span className="warn">{harmless(row.unpriced)}</span>,
    width: "106px",
    from: 480,
  },
];

export function Latest({ filter, range, follow }: { filter: string; range: Range; follow: Asking }) {
  const [parameters] = useSearchParams();
  const [isAway, setAway] = useState(false);
  const list = useListed(
    "/api/llm-calls",
    { query: { ...range.query, ...where(filter) } },
    { ...follow, hold: isAway },
  );
  const rows = list.rows as readonly CallRow[] | undefined;
  return (
    <Panel title="Calls" flush actions={<NewRows list={list} />}>
      {list.error !== null && <Failure error={list.error} again={list.again} />}
      <Table
        label="LLM calls, newest first"
        columns={COLUMNS}
        rows={rows}
        rowKey={(row) => `${row.trace_id}${row.span_id}`}
        href={(row) => withRange(callPath(row), parameters)}
        height="560px"
        onAway={setAway}
        hasKeys
      />
      <More list={list} />
    </Panel>
  );
}

function Outcome({ row }: { row: CallRow }) {
  if (!row.failed) return <Status state="ok" />;
  return (
    <span title={harmless(row.error_type ?? "")}>
      <Status state="failed" />
    </span>
  );
}
