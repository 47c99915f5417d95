/** Single calls that cost much more than others: each leads to its bill. */

import { useSearchParams } from "wouter";

import { type Asking, useAsk } from "../../core/ask";
import { both } from "../../core/complete";
import { clock, count, duration, harmless, usd } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import { callPath, type CallRow, startNs } from "../calls/rows";
import type { Query } from "./Totals";

const TIMES = 3;
const MOST = 200;

const COLUMNS: readonly Column<CallRow>[] = [
  {
    key: "cost",
    title: "Cost",
    align: "right",
    cell: (row) => usd(row.cost_nanos),
    sort: (row) => row.cost_nanos,
    width: "92px",
  },
  { key: "model", title: "Model", cell: (row) => harmless(row.model ?? "–") },
  { key: "time", title: "Time", cell: (row) => clock(startNs(row)), sort: startNs, width: "130px", from: 768 },
  { key: "agent", title: "Agent", cell: (row) => harmless(row.agent_name ?? "–"), width: "15%", from: 768 },
  {
    key: "in",
    title: "Tokens in",
    align: "right",
    cell: (row) => count(row.tokens_input),
    sort: (row) => row.tokens_input,
    width: "96px",
  },
  {
    key: "out",
    title: "out",
    align: "right",
    cell: (row) => count(row.tokens_output),
    sort: (row) => row.tokens_output,
    width: "72px",
  },
  {
    key: "duration",
    title: "Duration",
    align: "right",
    cell: (row) => duration(row.duration_ns),
    sort: (row) => row.duration_ns,
    width: "96px",
    from: 768,
  },
];

export function Dear({ query, filter, follow }: { query: Query; filter: string; follow: Asking }) {
  const [parameters] = useSearchParams();
  const all = useAsk("/api/costs", { query }, follow).data?.items[0];
  const priced = (all?.calls ?? 0) - (all?.unpriced ?? 0);
  const bound = priced > 0 ? rounded((TIMES * (all?.cost_nanos ?? 0)) / priced) : 0;
  const wanted = both(filter, `cost > $${(bound / 1e9).toFixed(9)}`);
  const { data, error, again } = useAsk(
    "/api/llm-calls",
    bound > 0 ? { query: { ...query, filter: wanted, limit: MOST } } : null,
    follow,
  );
  const rows = data?.items as CallRow[] | undefined;
  if (bound === 0) return null;
  const sorted = rows && [...rows].sort((one, other) => (other.cost_nanos ?? 0) - (one.cost_nanos ?? 0));
  const what = `Calls that cost more than ${usd(bound)}, some ${TIMES} times as much as the average`;
  return (
    <Panel
      title="Dear calls"
      flush
      actions={
        <span className="quiet">
          {what}
          {rows?.length === MOST ? `: the last ${MOST}` : ""}
        </span>
      }
    >
      {error !== null && <Failure error={error} again={again} />}
      <Table
        label={what}
        columns={COLUMNS}
        rows={sorted}
        rowKey={(row) => `${row.trace_id}${row.span_id}`}
        href={(row) => withRange(callPath(row), parameters)}
        height="380px"
        sortParam="dear"
        hasKeys
      />
    </Panel>
  );
}

/** To one digit, so that the question stays the same while calls come in. */
function rounded(nanos: number): number {
  if (nanos <= 0) return 0;
  const size = 10 ** Math.floor(Math.log10(nanos));
  return Math.max(Math.round(nanos / size) * size, 1);
}
