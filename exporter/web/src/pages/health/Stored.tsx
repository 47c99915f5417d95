/** What is stored: by table how much, since when, and how it grows. */

import { ago, bytes, clock, count, day, whole } from "../../core/format";
import { useNow } from "../../core/now";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import type { Asking } from "./asking";
import { type StoredTable, tables } from "./stored";

const NONE = "–";

export function Stored({ asking }: { asking: Asking }) {
  const { stored, capacity } = asking;
  const now = useNow();
  const rows = stored.data && tables(stored.data, capacity.data);
  const columns: Column<StoredTable>[] = [
    {
      key: "table",
      title: "Table",
      cell: (row) => <span className="mono">{row.table}</span>,
      sort: (row) => row.table,
    },
    {
      key: "rows",
      title: "Rows",
      width: "110px",
      align: "right",
      cell: (row) => whole(row.rows),
      sort: (row) => row.rows,
    },
    {
      key: "size",
      title: "Size",
      width: "96px",
      align: "right",
      cell: (row) => bytes(row.bytes),
      sort: (row) => row.bytes,
    },
    {
      key: "each",
      title: "A row",
      width: "84px",
      align: "right",
      from: 1200,
      cell: (row) => bytes(row.bytesPerRow),
      sort: (row) => row.bytesPerRow,
    },
    {
      key: "segments",
      title: "Segments",
      width: "92px",
      align: "right",
      from: 1200,
      cell: (row) => whole(row.segments),
    },
    {
      key: "oldest",
      title: "Oldest",
      width: "100px",
      align: "right",
      from: 768,
      cell: (row) => (row.oldestNs === null ? NONE : <span title={clock(row.oldestNs)}>{day(row.oldestNs)}</span>),
    },
    {
      key: "newest",
      title: "Newest",
      width: "100px",
      align: "right",
      from: 768,
      cell: (row) => <span title={clock(row.newestNs)}>{ago(row.newestNs, now)}</span>,
    },
    {
      key: "grows",
      title: "Rows a day",
      width: "104px",
      align: "right",
      from: 1200,
      cell: (row) => count(row.rowsPerDay === null ? null : Math.round(row.rowsPerDay)),
    },
    {
      key: "adds",
      title: "Size a day",
      width: "104px",
      align: "right",
      from: 1200,
      cell: (row) => bytes(row.bytesPerDay),
    },
    { key: "kept", title: "Kept", width: "84px", align: "right", from: 480, cell: (row) => kept(row.keptDays) },
    {
      key: "comes",
      title: "Comes to",
      width: "104px",
      align: "right",
      from: 1200,
      cell: (row) => bytes(row.settledBytes),
    },
  ];
  return (
    <Panel title="What is stored" flush>
      {stored.error !== null && stored.data === undefined ? (
        <Failure error={stored.error} again={stored.again} />
      ) : (
        <Table
          label="Stored tables"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.table}
          sortParam="tables"
          empty={<Empty title="Nothing is stored yet" snippet="ax demo" />}
        />
      )}
    </Panel>
  );
}

const kept = (days: number | null): string => (days === null ? NONE : `${count(days)} ${days === 1 ? "day" : "days"}`);
