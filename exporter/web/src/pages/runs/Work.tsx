/** Work of one kind that is told by spans, agent runs or tool calls: how it went, by name, and each. */

import { Stack } from "@mantine/core";
import { useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { both, equals, where } from "../../core/complete";
import { count, duration, ratio } from "../../core/format";
import { useListed } from "../../core/listed";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { FilterBar } from "../../core/ui/FilterBar";
import { Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { Stat, Stats } from "../../core/ui/Stat";
import { type Column, Table } from "../../core/ui/Table";
import { changed, useParam, useRange, withRange } from "../../core/url";
import { Failed } from "./cells";
import { Charts } from "./Charts";
import { names } from "./filter";
import { List, useAway } from "./List";
import { spanPath } from "./paths";
import { type Called, rowsOf, type SpanRow } from "./rows";
import { AGENT_COLUMNS, TOOL_COLUMNS } from "./workColumns";

interface Kind {
  what: string;
  /** The operation of its spans. */
  operation: string;
  /** The field that names it. */
  by: string;
  byTitle: string;
  subject: string;
  placeholder: string;
  path: "/api/agent-runs" | "/api/tool-calls";
  columns: readonly Column<never>[];
  snippet: string;
}

export const AGENTS: Kind = {
  what: "Agent runs",
  operation: "invoke_agent",
  by: "agent",
  byTitle: "Agent",
  subject: "agent_runs",
  placeholder: 'agent = "support" and failed',
  path: "/api/agent-runs",
  columns: AGENT_COLUMNS,
  snippet: `import otel_ax

otel_ax.configure(service_name="shop")

@otel_ax.agent("support")
def answer(question): ...`,
};

export const TOOLS: Kind = {
  what: "Tool calls",
  operation: "execute_tool",
  by: "tool",
  byTitle: "Tool",
  subject: "tool_calls",
  placeholder: 'tool = "search" and duration > 2s',
  path: "/api/tool-calls",
  columns: TOOL_COLUMNS,
  snippet: `import otel_ax

otel_ax.configure(service_name="shop")

@otel_ax.tool
def look_up(order): ...`,
};

/** Fields that these rows have, and spans in general have not. */
const NOT_OF_SPANS = ["run", "step", "type", "call"];

export function Work({ kind }: { kind: Kind }) {
  const range = useRange();
  const [filter] = useParam("filter");
  const [parameters] = useSearchParams();
  const [isAway, setAway] = useAway();
  const listed = useListed(
    kind.path,
    { query: { ...range.query, ...where(filter), limit: 100 } },
    { ...following(range, "traces"), hold: isAway },
  );
  const isOfSpans = !names(filter, NOT_OF_SPANS);
  const ofSpans = both(equals("operation", kind.operation), filter);
  const query = { ...range.query, of: "spans" as const, filter: ofSpans };
  const asking = { ...following(range, "traces"), enabled: isOfSpans };
  const all = useAsk("/api/calls", { query }, asking);
  const each = useAsk("/api/calls", { query: { ...query, by: [kind.by], limit: 100 } }, asking);
  const total = rowsOf<Called>(all.data)?.[0];
  const isLoading = all.isLoading;
  const only = (value: string | null): string =>
    `/runs?${changed(parameters, { filter: value === null ? null : equals(kind.by, value), sort: null }).toString()}`;
  const hasNone = filter === "" && listed.rows?.length === 0;
  const of = kind.what.toLowerCase();
  return (
    <Stack gap="md">
      <FilterBar subject={kind.subject} placeholder={kind.placeholder} error={listed.error} />
      {hasNone ? (
        <Panel>
          <Empty title={`No ${of} in the ${range.label}`} snippet={kind.snippet}>
            Look at a longer time, let <code>ax demo</code> send some, or tell of your own:
          </Empty>
        </Panel>
      ) : (
        <>
          {isOfSpans && listed.error?.problem.field !== "filter" && (
            <>
              <Stats>
                <Stat label={kind.what} value={count(total?.calls ?? 0)} isLoading={isLoading} />
                <Stat
                  label="Failed"
                  value={<Failed failed={total?.failed ?? 0} of={total?.calls ?? 0} />}
                  isLoading={isLoading}
                  note={total && `${count(total.failed)} of ${count(total.calls)}`}
                />
                <Stat label="p50" value={duration(total?.p50_latency_ns)} isLoading={isLoading} />
                <Stat label="p95" value={duration(total?.p95_latency_ns)} isLoading={isLoading} />
                <Stat label="Longest" value={duration(total?.max_latency_ns)} isLoading={isLoading} />
              </Stats>
              <Charts what={kind.what} filter={ofSpans} />
              <Panel title={`${kind.byTitle}s`} flush>
                {each.error !== null && <Failure error={each.error} again={each.again} />}
                <Table
                  label={`${kind.byTitle}s`}
                  columns={named(kind)}
                  rows={rowsOf<Called>(each.data) ?? (each.error === null ? undefined : [])}
                  rowKey={(row) => row.labels[kind.by] ?? ""}
                  href={(row) => only(row.labels[kind.by] ?? null)}
                  sortParam="order"
                  height="320px"
                />
              </Panel>
            </>
          )}
          <List
            title={kind.what}
            listed={listed}
            rows={rowsOf<SpanRow>(listed.rows && { items: listed.rows })}
            columns={kind.columns as readonly Column<SpanRow>[]}
            rowKey={(row) => `${row.trace_id} ${row.span_id}`}
            href={(row) => withRange(spanPath(row.trace_id, row.span_id), parameters)}
            onAway={setAway}
            empty={<Empty title={`No ${of} are like that`}>Take away the filter, or look at a longer time.</Empty>}
          />
        </>
      )}
    </Stack>
  );
}

const named = (kind: Kind): readonly Column<Called>[] => [
  {
    key: "name",
    title: kind.byTitle,
    cell: (row) => <Sent text={row.labels[kind.by] ?? null} />,
    sort: (row) => row.labels[kind.by],
  },
  {
    key: "calls",
    title: kind.what,
    align: "right",
    width: "104px",
    cell: (row) => count(row.calls),
    sort: (row) => row.calls,
  },
  {
    key: "failed",
    title: "Failed",
    align: "right",
    width: "84px",
    cell: (row) => <Failed failed={row.failed} of={row.calls} />,
    sort: (row) => 1 - (row.success_ratio ?? 1),
  },
  {
    key: "success",
    title: "Success",
    align: "right",
    width: "92px",
    from: 1200,
    cell: (row) => ratio(row.success_ratio),
    sort: (row) => row.success_ratio,
  },
  {
    key: "p50",
    title: "p50",
    align: "right",
    width: "92px",
    from: 768,
    cell: (row) => duration(row.p50_latency_ns),
    sort: (row) => row.p50_latency_ns,
  },
  {
    key: "p95",
    title: "p95",
    align: "right",
    width: "92px",
    cell: (row) => duration(row.p95_latency_ns),
    sort: (row) => row.p95_latency_ns,
  },
  {
    key: "p99",
    title: "p99",
    align: "right",
    width: "92px",
    from: 768,
    cell: (row) => duration(row.p99_latency_ns),
    sort: (row) => row.p99_latency_ns,
  },
  {
    key: "longest",
    title: "Longest",
    align: "right",
    width: "92px",
    from: 1200,
    cell: (row) => duration(row.max_latency_ns),
    sort: (row) => row.max_latency_ns,
  },
];
