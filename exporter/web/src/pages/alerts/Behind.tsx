/** The slowest, or the failed, LLM calls of an alert's time; each leads to its trace. */

import { useSearchParams } from "wouter";
import { Link } from "wouter";

import { useAsk } from "../../core/ask";
import { clock, duration, harmless, rfc3339, usd } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import type { Behind as Wanted } from "./asked";

/** What of a call is shown. */
interface Call {
  trace_id: string;
  span_id: string;
  start_time: string;
  duration_ns: number;
  provider: string | null;
  model: string | null;
  failed: boolean;
  cost_nanos: number | null;
}

const FIELDS = ["trace_id", "span_id", "start_time", "duration_ns", "provider", "model", "failed", "cost_nanos"];

const MOST = 500;
const SHOWN = 10;

export function Behind(props: { wanted: Wanted; startNs: number; endNs: number; title: string }) {
  const { wanted, startNs, endNs, title } = props;
  const [parameters] = useSearchParams();
  const time = { start: rfc3339(startNs), end: rfc3339(endNs) };
  const { data, error } = useAsk("/api/llm-calls", {
    query: { ...time, limit: MOST, fields: FIELDS, ...(wanted.filter === "" ? {} : { filter: wanted.filter }) },
  });
  const rows = (data?.items as unknown as Call[] | undefined)
    ?.toSorted((one, other) => other.duration_ns - one.duration_ns)
    .slice(0, SHOWN);
  const all = new URLSearchParams({ ...time, ...(wanted.filter === "" ? {} : { filter: wanted.filter }) });
  return (
    <Panel flush title={title} actions={<Link href={`/calls?${all.toString()}`}>{wanted.title}: all</Link>}>
      {error !== null ? (
        <Failure error={error} />
      ) : (
        <Table<Call>
          label={title}
          columns={COLUMNS}
          rows={rows}
          rowKey={(one) => `${one.trace_id}${one.span_id}`}
          href={(one) => traceHref(one, parameters)}
          sortParam="calls"
          empty={<Empty title="None is stored of this time" />}
        />
      )}
    </Panel>
  );
}

const traceHref = (one: Call, parameters: URLSearchParams): string => {
  const query = new URLSearchParams({ span: one.span_id });
  const range = parameters.get("range");
  if (range !== null) query.set("range", range);
  return `/traces/${one.trace_id}?${query.toString()}`;
};

const COLUMNS: readonly Column<Call>[] = [
  {
    key: "started",
    title: "At",
    width: "130px",
    cell: (one) => clock(Date.parse(one.start_time) * 1e6).replace(/\.\d+$/, ""),
  },
  { key: "model", title: "Model", cell: (one) => harmless(one.model ?? "–") },
  { key: "provider", title: "Provider", width: "16%", from: 768, cell: (one) => harmless(one.provider ?? "–") },
  {
    key: "status",
    title: "Status",
    width: "110px",
    from: 480,
    cell: (one) => <Status state={one.failed ? "failed" : "ok"} />,
  },
  {
    key: "cost",
    title: "Cost",
    width: "100px",
    from: 768,
    align: "right",
    cell: (one) => usd(one.cost_nanos),
  },
  { key: "duration", title: "Duration", width: "100px", align: "right", cell: (one) => duration(one.duration_ns) },
];
