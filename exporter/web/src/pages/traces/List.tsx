/** The traces of a time: what they come to, how long each took, and each in a row. */

import { Button, Group } from "@mantine/core";
import { useMemo, useState } from "react";
import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import type { Schemas } from "../../core/client";
import { where } from "../../core/complete";
import { clock, count, duration, harmless, ratio, rfc3339, usd, whole } from "../../core/format";
import { useListed } from "../../core/listed";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { FilterBar } from "../../core/ui/FilterBar";
import { NewRows } from "../../core/ui/Listed";
import { Page, Panel } from "../../core/ui/Page";
import { Stat, Stats } from "../../core/ui/Stat";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { useParam, useRange, withRange } from "../../core/url";
import { START } from "../calls/start";
import classes from "./List.module.css";
import { Scatter } from "./Scatter";

type Row = Schemas["Trace"];

const LIMIT = 200;

export function List() {
  const range = useRange();
  const [filter] = useParam("filter");
  const [parameters] = useSearchParams();
  const [isAway, setAway] = useState(false);
  const list = useListed(
    "/api/traces",
    { query: { ...range.query, ...where(filter), limit: LIMIT } },
    { ...following(range, "traces"), hold: isAway },
  );
  const { rows, error, hasMore, isAsking, more, again } = list;
  const href = (row: Row): string => withRange(`/traces/${row.trace_id ?? ""}`, parameters);
  const longestNs = useMemo(() => usualNs(rows ?? []), [rows]);
  const columns = useMemo(() => columnsOf(longestNs), [longestNs]);
  const isRefused = error?.problem.field === "filter";

  return (
    <Page
      title="Traces"
      filters={<FilterBar subject="traces" placeholder='duration > 2s and name ~ "*chat*"' error={error} />}
    >
      <Head hasFilter={filter !== ""} />
      {error !== null && !isRefused && <Failure error={error} again={again} />}
      {rows !== undefined && rows.length > 1 && !isRefused && (
        <Panel title={`Duration of the ${hasMore ? "newest " : ""}${count(rows.length)}`}>
          <Scatter rows={rows} href={href} onZoom={range.zoom} />
        </Panel>
      )}
      <Panel
        flush
        title="Traces"
        actions={
          <>
            <NewRows list={list} what="traces" />
            {rows !== undefined && (
              <span className="quiet" role="status">
                {whole(rows.length)}
                {hasMore ? "+" : ""} {filter === "" ? "" : "that match"}
              </span>
            )}
          </>
        }
      >
        {!isRefused && (
          <Table
            label="Traces"
            columns={columns}
            rows={rows}
            rowKey={(row) => row.trace_id ?? ""}
            href={href}
            hasKeys
            height="max(420px, calc(100dvh - 230px))"
            onAway={setAway}
            empty={<None hasFilter={filter !== ""} />}
          />
        )}
        {hasMore && (
          <Group justify="center" p="xs" className={classes["more"] ?? ""}>
            <Button size="xs" variant="default" loading={isAsking} onClick={() => void more()}>
              Older traces
            </Button>
          </Group>
        )}
      </Panel>
    </Page>
  );
}

function Head({ hasFilter }: { hasFilter: boolean }) {
  const range = useRange();
  const { data, isLoading } = useAsk("/api/traces/stats", { query: range.query }, following(range, "traces"));
  const found = data?.items[0];
  const note = hasFilter ? { note: "without the filter" } : {};
  return (
    <Stats>
      <Stat label="Traces" value={count(found?.traces)} isLoading={isLoading} {...note} />
      <Stat label="Spans" value={count(found?.spans)} isLoading={isLoading} {...note} />
      <Stat
        label="Failed traces"
        value={count(found?.failed)}
        isLoading={isLoading}
        note={found === undefined || found.traces === 0 ? undefined : `${ratio(found.failed / found.traces)} of all`}
      />
      <Stat label="p95 duration" value={duration(found?.p95_duration_ns)} isLoading={isLoading} {...note} />
    </Stats>
  );
}

/** The 95th percentile: one trace of an hour does not make all others too short to be seen. */
function usualNs(rows: readonly Row[]): number {
  const all = rows.map((row) => row.duration_ns ?? 0).sort((one, other) => one - other);
  return Math.max(all[Math.ceil(all.length * 0.95) - 1] ?? 1, 1);
}

const columnsOf = (longestNs: number): readonly Column<Row>[] => [
  {
    key: "name",
    title: "Trace",
    sort: (row) => row.root_name,
    cell: (row) => (
      <span className={classes["name"]}>
        <span className="cut" title={harmless(row.root_name ?? "")}>
          {harmless(row.root_name ?? "")}
        </span>
        {(row.errors ?? 0) > 0 && <Status state="error" label={`${count(row.errors)} failed`} />}
        {row.has_root === false && (
          <span className="quiet" title="Its first span is not there: it still runs, or was not sent">
            no root yet
          </span>
        )}
      </span>
    ),
  },
  {
    key: "service",
    title: "Service",
    width: "15%",
    from: 768,
    sort: (row) => row.service_name,
    cell: (row) => harmless(row.service_name ?? "–"),
  },
  {
    key: "start",
    title: "Start",
    width: "132px",
    from: 768,
    sort: (row) => row.start_ns,
    cell: (row) => <time dateTime={rfc3339(row.start_ns ?? 0)}>{clock(row.start_ns)}</time>,
  },
  {
    key: "duration",
    title: "Duration",
    width: "clamp(96px, 24%, 420px)",
    sort: (row) => row.duration_ns,
    cell: (row) => (
      <span className={classes["duration"]}>
        <span className={classes["number"]}>{duration(row.duration_ns)}</span>
        <span className={classes["track"]}>
          <span
            className={classes["bar"]}
            data-longer={(row.duration_ns ?? 0) > longestNs || undefined}
            title={`Bars end at ${duration(longestNs)}, the 95th percentile`}
            data-failed={(row.errors ?? 0) > 0 || undefined}
            style={{ width: `${Math.min((row.duration_ns ?? 0) / longestNs, 1) * 100}%` }}
          />
        </span>
      </span>
    ),
  },
  {
    key: "spans",
    title: "Spans",
    width: "80px",
    align: "right",
    from: 480,
    sort: (row) => row.spans,
    cell: (row) => count(row.spans),
  },
  {
    key: "cost",
    title: "Cost",
    width: "96px",
    align: "right",
    from: 768,
    sort: (row) => row.cost_nanos,
    cell: (row) => ((row.cost_nanos ?? 0) > 0 ? usd(row.cost_nanos) : ""),
  },
];

function None({ hasFilter }: { hasFilter: boolean }) {
  const [, setFilter] = useParam("filter");
  if (hasFilter)
    return (
      <Empty title="No trace matches">
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            setFilter("");
          }}
        >
          Clear the filter
        </Button>
      </Empty>
    );
  return (
    <Empty title="No traces in this time" snippet={START}>
      Send some with two lines of Python, or look at a longer time. <Link href="/traces?range=24h">The last day</Link>
    </Empty>
  );
}
