import { count, duration } from "../../core/format";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import type { Component } from "./latency";

/** Percentiles of each part. */
export function Components({ rows, of }: { rows: readonly Component[] | undefined; of: string }) {
  return (
    <Panel title="Latency by component" flush actions={<span className="quiet">{of}</span>}>
      <Table
        label="Latency by component"
        columns={COLUMNS}
        rows={rows}
        rowKey={(row) => row.name}
        sortParam="component"
      />
    </Panel>
  );
}

const COLUMNS: readonly Column<Component>[] = [
  {
    key: "name",
    title: "Component",
    cell: (row) => <span title={row.says}>{row.name}</span>,
  },
  {
    key: "p50",
    title: "p50",
    align: "right",
    width: "84px",
    cell: (row) => duration(row.p50_ns),
    sort: (row) => row.p50_ns,
  },
  {
    key: "p95",
    title: "p95",
    align: "right",
    width: "84px",
    cell: (row) => duration(row.p95_ns),
    sort: (row) => row.p95_ns,
  },
  {
    key: "p99",
    title: "p99",
    align: "right",
    width: "84px",
    from: 480,
    cell: (row) => duration(row.p99_ns),
    sort: (row) => row.p99_ns,
  },
  {
    key: "max",
    title: "Longest",
    align: "right",
    width: "84px",
    from: 480,
    cell: (row) => duration(row.max_ns),
    sort: (row) => row.max_ns,
  },
  {
    key: "count",
    title: "Count",
    align: "right",
    width: "72px",
    from: 480,
    cell: (row) => count(row.count),
    sort: (row) => row.count,
  },
];
