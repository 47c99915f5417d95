/** How the calls of each group went; a group leads to its calls alone. */

import { Link, useSearchParams } from "wouter";

import type { Schemas } from "../../core/client";
import { both, equals } from "../../core/complete";
import { count, duration, harmless, ratio, usd } from "../../core/format";
import { groupName, titled } from "../../core/grouped";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import { changed } from "../../core/url";

type Group = Schemas["Called"];

export function Groups({ by, filter, groups }: { by: string; filter: string; groups: readonly Group[] | undefined }) {
  const [parameters] = useSearchParams();
  const narrowed = (group: Group): string | null => {
    const value = group.labels?.[by];
    if (value === null || value === undefined) return null;
    const condition = equals(by, value);
    return `?${changed(parameters, { filter: filter.includes(condition) ? filter : both(filter, condition) }).toString()}`;
  };
  const name = (group: Group): React.ReactNode => {
    const href = narrowed(group);
    const text = harmless(groupName(group.labels));
    return href === null ? (
      <span className="quiet">{text}</span>
    ) : (
      <Link href={href} title={`Only ${text}`}>
        {text}
      </Link>
    );
  };
  const columns: Column<Group>[] = [
    { key: "name", title: titled(by), cell: name, sort: (one) => groupName(one.labels) },
    { ...number("calls", "Calls", (one) => one.calls, count), width: "80px" },
    { ...number("failed", "Failed", (one) => one.failed, failed), width: "74px" },
    { ...number("success", "Success", (one) => one.success_ratio, ratio), width: "86px", from: 768 },
    { ...number("p50", "p50", (one) => one.p50_latency_ns, duration), width: "92px", from: 1200 },
    { ...number("p95", "p95", (one) => one.p95_latency_ns, duration), width: "92px", from: 480 },
    { ...number("p99", "p99", (one) => one.p99_latency_ns, duration), width: "92px", from: 1200 },
    { ...number("in", "Tokens in", (one) => one.tokens_input, count), width: "98px", from: 768 },
    { ...number("out", "out", (one) => one.tokens_output, count), width: "80px", from: 768 },
    { ...number("cached", "cached", cached, ratio), width: "84px", from: 1200 },
    { ...number("cost", "Cost", (one) => one.cost_nanos, usd), width: "106px" },
    { ...number("unpriced", "Unpriced", unpriced, count), width: "96px", from: 1200 },
  ];
  return (
    <Panel title={`By ${by}`} flush>
      <Table
        label={`LLM calls by ${by}`}
        columns={columns}
        rows={groups}
        rowKey={(one) => groupName(one.labels)}
        sortParam="groups"
        height="400px"
      />
    </Panel>
  );
}

const unpriced = (one: Group): number | null => (one.unpriced === 0 ? null : (one.unpriced ?? null));

const cached = (one: Group): number | null =>
  one.tokens_input ? (one.tokens_cache_read ?? 0) / one.tokens_input : null;

const failed = (value: number | null | undefined): React.ReactNode =>
  value ? <span className="bad">{count(value)}</span> : count(value);

function number(
  key: string,
  title: string,
  value: (one: Group) => number | null | undefined,
  shown: (value: number | null | undefined) => React.ReactNode,
): Column<Group> {
  return { key, title, align: "right", sort: value, cell: (one) => shown(value(one)) };
}
