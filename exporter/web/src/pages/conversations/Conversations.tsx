/** The conversations of a period, those first in which something happened last. */

import { useState } from "react";
import { useSearchParams } from "wouter";

import type { Schemas } from "../../core/client";
import { where } from "../../core/complete";
import { ago, clock, count, duration, harmless, usd } from "../../core/format";
import { useListed } from "../../core/listed";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { FilterBar } from "../../core/ui/FilterBar";
import { More, NewRows } from "../../core/ui/Listed";
import { Page, Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { type Column, Table } from "../../core/ui/Table";
import { useParam, useRange, withRange } from "../../core/url";

type Row = Schemas["Conversation"];

const START = `import otel_ax

with otel_ax.using(conversation="order-4711", user="ann", tenant="acme"):
    answer("Where is my order?")  # calls of models in here belong to it`;

const number = (
  key: string,
  title: string,
  value: (row: Row) => number | null | undefined,
  shown: (value: number | null | undefined) => React.ReactNode,
  width: string,
  from?: 480 | 768 | 1200,
): Column<Row> => ({ key, title, align: "right", cell: (row) => shown(value(row)), width, ...(from ? { from } : {}) });

const COLUMNS: readonly Column<Row>[] = [
  {
    key: "last",
    title: "Last",
    cell: (row) => <span title={clock(row.last_ns)}>{ago(row.last_ns)}</span>,
    width: "104px",
  },
  {
    key: "conversation",
    title: "Conversation",
    cell: (row) => <span className="mono">{harmless(row.conversation_id ?? "")}</span>,
  },
  { key: "user", title: "User", cell: (row) => <Sent text={row.user_id} />, width: "110px", from: 480 },
  { key: "tenant", title: "Tenant", cell: (row) => <Sent text={row.tenant_id} />, width: "110px", from: 1200 },
  { key: "service", title: "Service", cell: (row) => <Sent text={row.service_name} />, width: "120px", from: 1200 },
  number("duration", "Duration", (row) => row.duration_ns, duration, "88px", 768),
  number("traces", "Traces", (row) => row.traces, count, "66px", 1200),
  number("calls", "LLM calls", (row) => row.llm_calls, count, "82px"),
  number("tools", "Tools", (row) => row.tool_calls, count, "60px", 768),
  number("failures", "Failures", (row) => row.failures, failures, "74px", 768),
  number("in", "Tokens in", (row) => row.tokens_input, count, "88px", 1200),
  number("out", "out", (row) => row.tokens_output, count, "64px", 1200),
  number("cost", "Cost", (row) => row.cost_nanos, usd, "108px"),
];

export function Conversations() {
  const range = useRange();
  const [filter] = useParam("filter");
  const [isAway, setAway] = useState(false);
  const list = useListed(
    "/api/conversations",
    { query: { ...range.query, ...where(filter) } },
    { ...following(range, "traces"), hold: isAway },
  );
  const [parameters] = useSearchParams();
  const isBadFilter = list.error?.problem.field === "filter";
  return (
    <Page
      title="Conversations"
      filters={<FilterBar subject="conversations" placeholder="cost > $0.01 or failed" error={list.error} />}
    >
      {list.error !== null && !isBadFilter && <Failure error={list.error} again={list.again} />}
      <Panel title="Latest first" flush actions={<NewRows list={list} />}>
        <Table
          label="Conversations, latest first"
          columns={COLUMNS}
          rows={list.rows}
          rowKey={(row) => row.conversation_id ?? ""}
          href={(row) => withRange(`/conversations/${encodeURIComponent(row.conversation_id ?? "")}`, parameters)}
          height="calc(100vh - 250px)"
          onAway={setAway}
          hasKeys
          empty={<Nothing isFiltered={filter !== ""} />}
        />
        <More list={list} />
      </Panel>
    </Page>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return <Empty title="No conversation is as the filter says">Take a longer time, or a wider filter.</Empty>;
  return (
    <Empty title="No conversations in this time" snippet={START}>
      Calls that tell their <code>gen_ai.conversation.id</code>, or a <code>session.id</code>, are shown together.
    </Empty>
  );
}

function failures(value: number | null | undefined): React.ReactNode {
  return value ? <span className="bad">{count(value)}</span> : count(value);
}
