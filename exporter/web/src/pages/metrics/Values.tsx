/** What the metric comes to over the whole time, by group. */

import { useMemo } from "react";
import { useSearch } from "wouter";

import type { Schemas } from "../../core/client";
import { both, equals } from "../../core/complete";
import { change, count, harmless, measured, ratio } from "../../core/format";
import { type Labels, titled } from "../../core/grouped";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";

type Measured = Schemas["Measured"];
const OF_POINTS = ["count", "mean", "min", "max", "p50", "p95", "p99", "last"] as const;

export interface ValuesProps {
  rows: readonly Measured[] | undefined;
  by: readonly string[];
  /** Of what is asked for. */
  unit: string;
  /** Of the metric itself. */
  ownUnit: string;
  title: string;
  filter: string;
  /** Whether its records are LLM calls, to which rows lead. */
  isOfCalls: boolean;
}

export function Values({ rows, by, unit, ownUnit, title, filter, isOfCalls }: ValuesProps) {
  const search = useSearch();
  const columns = useMemo(() => columnsOf(rows ?? [], by, unit, ownUnit, title), [rows, by, unit, ownUnit, title]);
  return (
    <Table
      label="Values by group"
      columns={columns}
      rows={rows}
      rowKey={({ labels }) => JSON.stringify(labels)}
      hasKeys
      height="460px"
      {...(isOfCalls
        ? { href: ({ labels }: Measured) => callsOf(labels ?? {}, filter, new URLSearchParams(search)) }
        : {})}
    />
  );
}

function columnsOf(
  rows: readonly Measured[],
  by: readonly string[],
  unit: string,
  ownUnit: string,
  title: string,
): Column<Measured>[] {
  const right = { align: "right" } as const;
  const groups: Column<Measured>[] = (by.length > 0 ? by : ["all"]).map((name) => ({
    key: `by.${name}`,
    title: by.length > 0 ? titled(name) : "",
    cell: ({ labels }) => (by.length > 0 ? nameOf(labels?.[name]) : "all"),
    ...(by.length > 0 ? { sort: ({ labels }: Measured) => labels?.[name] } : {}),
  }));
  const has = (name: keyof Measured): boolean => rows.some((row) => typeof row[name] === "number");
  return [
    ...groups,
    {
      key: "value",
      title,
      cell: ({ value }) => <b>{measured(value, unit)}</b>,
      sort: ({ value }) => value,
      width: "130px",
      ...right,
    },
    {
      key: "before",
      title: "Before",
      cell: ({ before }) => measured(before, unit),
      sort: ({ before }) => before,
      width: "110px",
      from: 768,
      ...right,
    },
    {
      key: "change",
      title: "Change",
      cell: ({ change_ratio: by_ }) => change(by_),
      sort: ({ change_ratio: by_ }) => by_,
      width: "100px",
      from: 480,
      ...right,
    },
    ...(has("share_ratio") && by.length > 0
      ? [
          {
            key: "share",
            title: "Share",
            cell: ({ share_ratio: share }: Measured) => ratio(share),
            sort: ({ share_ratio: share }: Measured) => share,
            width: "90px",
            from: 768,
            ...right,
          } as const,
        ]
      : []),
    ...OF_POINTS.filter(has).map(
      (name) =>
        ({
          key: name,
          title:
            name === "count"
              ? "Points"
              : name.startsWith("p")
                ? name
                : `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
          cell: (row: Measured) => (name === "count" ? count(row[name]) : measured(row[name], ownUnit)),
          sort: (row: Measured) => row[name],
          width: "100px",
          from: 1200,
          ...right,
        }) as const,
    ),
  ];
}

const nameOf = (value: string | null | undefined) =>
  value === null || value === undefined || value === "" ? (
    <span className="quiet">(none)</span>
  ) : (
    <span title={harmless(value)}>{harmless(value)}</span>
  );

/** The LLM calls of a group. */
function callsOf(labels: Labels, filter: string, parameters: URLSearchParams): string {
  const own = Object.entries(labels).map(([name, value]) =>
    value === null ? `not ${name} exists` : equals(name, value),
  );
  const wanted = both(filter, ...own);
  return withRange(wanted === "" ? "/calls" : `/calls?filter=${encodeURIComponent(wanted)}`, parameters);
}
