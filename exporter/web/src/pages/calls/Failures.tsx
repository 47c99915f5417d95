/** Why calls failed: each reason leads to its calls, and to the trace of the last one. */

import { Link, useSearchParams } from "wouter";

import { type Asking, useAsk } from "../../core/ask";
import type { Schemas } from "../../core/client";
import { both, equals, where } from "../../core/complete";
import { ago, clock, count, harmless } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import { changed, type Range, withRange } from "../../core/url";
import { shortError } from "./rows";

type Failed = Schemas["Failed"];
const UNKNOWN = "unknown";

export function Failures({ filter, range, follow }: { filter: string; range: Range; follow: Asking }) {
  const [parameters] = useSearchParams();
  const { data, error, again } = useAsk(
    "/api/calls/failures",
    { query: { ...range.query, ...where(filter), limit: 50 } },
    follow,
  );
  if (error !== null && data === undefined) return <Failure error={error} again={again} />;
  if (data === undefined || data.items.length === 0) return null;
  const narrowed = (one: Failed): string => {
    const parts = [
      one.reason && one.reason !== UNKNOWN ? equals("error", one.reason) : "failed",
      one.model ? equals("model", one.model) : "",
    ];
    const wanted = both(filter, ...parts.filter((part) => !filter.includes(part)));
    return `?${changed(parameters, { filter: wanted }).toString()}`;
  };
  const columns: Column<Failed>[] = [
    {
      key: "reason",
      title: "Reason",
      sort: (one) => one.reason,
      cell: (one) => (
        <Link href={narrowed(one)} title={harmless(one.reason ?? "")}>
          {harmless(shortError(one.reason ?? UNKNOWN))}
        </Link>
      ),
    },
    { key: "model", title: "Model", sort: (one) => one.model, cell: (one) => harmless(one.model ?? "–"), width: "30%" },
    { key: "provider", title: "Provider", cell: (one) => harmless(one.provider ?? "–"), width: "16%", from: 768 },
    {
      key: "count",
      title: "Calls",
      align: "right",
      sort: (one) => one.count,
      cell: (one) => count(one.count),
      width: "80px",
    },
    {
      key: "last",
      title: "Last",
      align: "right",
      sort: (one) => one.last_ns,
      cell: (one) =>
        one.trace_id ? (
          <Link href={withRange(`/traces/${one.trace_id}`, parameters)} title={clock(one.last_ns)}>
            {ago(one.last_ns)}
          </Link>
        ) : (
          ago(one.last_ns)
        ),
      width: "110px",
      from: 480,
    },
  ];
  return (
    <Panel title="Why calls failed" flush>
      <Table
        label="Reasons of failures"
        columns={columns}
        rows={data.items}
        rowKey={(one) => `${one.reason ?? ""} ${one.provider ?? ""} ${one.model ?? ""}`}
        sortParam="reasons"
        height="280px"
      />
    </Panel>
  );
}
