/** The slowest, or the dearest, LLM calls behind an alert; each leads to its trace. */

import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import type { Schemas } from "../../core/client";
import { where } from "../../core/complete";
import { clock, duration, harmless, rfc3339, usd } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import type { Behind as Wanted } from "./asked";

type Call = Schemas["TopCall"];

const SHOWN = 10;

export function Behind(props: { wanted: Wanted; isOfMoney: boolean; startNs: number; endNs: number }) {
  const { wanted, isOfMoney, startNs, endNs } = props;
  const [parameters] = useSearchParams();
  const time = { start: rfc3339(startNs), end: rfc3339(endNs) };
  const measure = isOfMoney ? "cost" : "duration";
  const { data, error } = useAsk("/api/calls/top", {
    query: { ...time, measure, limit: SHOWN, ...where(wanted.filter) },
  });
  const rows = data?.items as readonly Call[] | undefined;
  const title = `The ${isOfMoney ? "dearest" : "slowest"} ${wanted.title}`;
  const all = new URLSearchParams({ ...time, ...where(wanted.filter) });
  return (
    <Panel flush title={title} actions={<Link href={`/calls?${all.toString()}`}>{wanted.title}: all</Link>}>
      {error !== null ? (
        <Failure error={error} />
      ) : (
        <Table<Call>
          label={title}
          columns={COLUMNS}
          rows={rows}
          rowKey={(one) => `${one.trace_id ?? ""}${one.span_id ?? ""}`}
          href={(one) => traceHref(one, parameters)}
          sortParam="calls"
          empty={<Empty title="None is stored of this time" />}
        />
      )}
    </Panel>
  );
}

const traceHref = (one: Call, parameters: URLSearchParams): string => {
  const query = new URLSearchParams({ span: one.span_id ?? "" });
  const range = parameters.get("range");
  if (range !== null) query.set("range", range);
  return `/traces/${one.trace_id ?? ""}?${query.toString()}`;
};

const COLUMNS: readonly Column<Call>[] = [
  {
    key: "started",
    title: "At",
    width: "130px",
    cell: (one) => clock(one.start_ns).replace(/\.\d+$/, ""),
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
