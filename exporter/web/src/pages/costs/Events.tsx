/** Thresholds that were crossed, the latest first. */

import { useAsk } from "../../core/ask";
import { ago, clock, harmless, usd } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import type { BudgetEvent } from "./budget";

const COLUMNS: readonly Column<BudgetEvent>[] = [
  { key: "at", title: "When", cell: (one) => <span title={clock(one.at)}>{ago(one.at)}</span>, width: "108px" },
  { key: "budget", title: "Budget", cell: (one) => harmless(one.budget) },
  {
    key: "threshold",
    title: "Crossed",
    align: "right",
    cell: (one) => (
      <span className={one.threshold >= 100 ? "bad" : "warn"}>
        {one.threshold} %{one.late ? ", late" : ""}
      </span>
    ),
    width: "92px",
  },
  {
    key: "spent",
    title: "Spent",
    align: "right",
    cell: (one) => `${usd(one.spent_nanos)} of ${usd(one.limit_nanos)}`,
    width: "140px",
    from: 480,
  },
];

export function Events() {
  const { data } = useAsk("/api/budgets/events", { query: { limit: 100 } }, { follow: ["traces"], everyMs: 30_000 });
  return (
    <Panel title="Thresholds crossed" flush>
      <Table
        label="Thresholds of budgets that were crossed, the latest first"
        columns={COLUMNS}
        rows={data?.["items"] as BudgetEvent[] | undefined}
        rowKey={(one) => `${one.number}`}
        height="280px"
        sortParam="crossed"
        empty={<Empty title="None was crossed" />}
      />
    </Panel>
  );
}
