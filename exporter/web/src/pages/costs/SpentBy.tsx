/** What was spent on each group: its share, and how it changed; a group leads to its calls. */

import { Link, useSearchParams } from "wouter";

import type { Schemas } from "../../core/client";
import { both, equals } from "../../core/complete";
import { change, count, harmless, ratio, usd } from "../../core/format";
import { groupName, titled } from "../../core/grouped";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import classes from "./costs.module.css";

type Group = Schemas["Cost"];

export function SpentBy({ by, filter, groups }: { by: string; filter: string; groups: readonly Group[] | undefined }) {
  const [parameters] = useSearchParams();
  const name = (group: Group): React.ReactNode => {
    const value = group.labels?.[by];
    const text = harmless(groupName(group.labels));
    if (value === null || value === undefined) return <span className="quiet">{text}</span>;
    const wanted = encodeURIComponent(both(filter, equals(by, value)));
    return (
      <Link href={withRange(`/calls?filter=${wanted}`, parameters)} title={`The calls of ${text}`}>
        {text}
      </Link>
    );
  };
  const columns: Column<Group>[] = [
    { key: "name", title: titled(by), cell: name, sort: (one) => groupName(one.labels) },
    {
      key: "cost",
      title: "Spent",
      align: "right",
      cell: (one) => usd(one.cost_nanos),
      sort: (one) => one.cost_nanos,
      width: "96px",
    },
    { key: "share", title: "Share", cell: (one) => <Share value={one.share_ratio} />, width: "112px", from: 480 },
    {
      key: "change",
      title: "Change",
      align: "right",
      cell: (one) => <span title={`before ${usd(one.before_nanos)}`}>{change(one.change_ratio)}</span>,
      sort: (one) => one.change_ratio,
      width: "78px",
    },
    {
      key: "calls",
      title: "Calls",
      align: "right",
      cell: (one) => count(one.calls),
      sort: (one) => one.calls,
      width: "74px",
      from: 480,
    },
  ];
  return (
    <Panel title={`By ${titled(by).toLowerCase()}`} flush>
      <Table
        label={`Spent by ${titled(by).toLowerCase()}`}
        columns={columns}
        rows={groups}
        rowKey={(one) => groupName(one.labels)}
        height="330px"
      />
    </Panel>
  );
}

function Share({ value }: { value: number | null | undefined }) {
  return (
    <span className={classes["share"]}>
      <span className={classes["shareBar"]}>
        <span style={{ width: `${(value ?? 0) * 100}%` }} />
      </span>
      <span>{ratio(value)}</span>
    </span>
  );
}
