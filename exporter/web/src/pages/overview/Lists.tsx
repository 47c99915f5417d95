/** What needs somebody: alerts, providers that are not well, runs at work, why calls fail. */

import { Link, useSearchParams } from "wouter";

import { both, equals } from "../../core/complete";
import { ago, count, duration, harmless, ratio } from "../../core/format";
import { useNow } from "../../core/now";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { Still } from "../../core/ui/Still";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import type { Alert } from "./alerts";
import type { Asking, Failed, Provider, Run } from "./asking";
import classes from "./overview.module.css";

const ALERTS = 8;
const RUNS = 6;
const SEVERITIES = ["critical", "error", "warning", "info"];

export function Alerts({ asking }: { asking: Asking }) {
  const now = useNow();
  const to = useTo();
  const all = asking.active;
  const rows = all?.toSorted(worstFirst).slice(0, ALERTS);
  const columns: Column<Alert>[] = [
    {
      key: "severity",
      title: "State",
      width: "112px",
      cell: (row) => <Status state={row.state === "firing" ? row.severity : row.state} />,
    },
    {
      key: "rule",
      title: "Rule",
      cell: (row) => (
        <div className={classes["two"]}>
          <Link href={to(`/alerts/${row.id}`)}>{harmless(row.rule)}</Link>
          <div className="cut quiet" title={harmless(summaryOf(row))}>
            {harmless(summaryOf(row))}
          </div>
        </div>
      ),
    },
    {
      key: "since",
      title: "Since",
      width: "98px",
      align: "right",
      cell: (row) => ago(row.fired_at ?? row.started_at, now),
    },
  ];
  const more = (all?.length ?? 0) - (rows?.length ?? 0);
  return (
    <Panel
      title="Active alerts"
      flush
      actions={<Link href={to("/alerts")}>{more > 0 ? `${more} more` : "Alerts"}</Link>}
    >
      <Still rows={rows} rowKey={keyOf}>
        {(shown) => (
          <Table
            label="Active alerts"
            columns={columns}
            rows={shown}
            rowKey={keyOf}
            href={(row) => to(`/alerts/${row.id}`)}
            hasKeys
            empty={<Calm text="Nothing fires." href={to("/alerts?tab=rules")} link="Rules" />}
          />
        )}
      </Still>
    </Panel>
  );
}

const keyOf = (row: Alert): string => `${row.id} ${row.episode}`;

const worstFirst = (one: Alert, other: Alert): number =>
  Number(one.state !== "firing") - Number(other.state !== "firing") ||
  SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity) ||
  other.started_at - one.started_at;

/** What its rule says of it, else whose it is. */
export const summaryOf = ({ annotations, labels }: Pick<Alert, "annotations" | "labels">): string =>
  annotations.find(([name]) => name === "summary")?.[1] ?? labels.map((pair) => pair.join(" = ")).join(", ");

export function Providers({ asking }: { asking: Asking }) {
  const to = useTo();
  const columns: Column<Provider>[] = [
    {
      key: "provider",
      title: "Provider",
      cell: (row) => (
        <Link href={to(callsOf(equals("provider", row.provider ?? "")))}>{harmless(row.provider ?? "")}</Link>
      ),
    },
    {
      key: "state",
      title: "State",
      width: "114px",
      cell: (row) => (
        <span title={row.reason}>
          <Status state={row.state ?? "idle"} />
        </span>
      ),
    },
    { key: "success", title: "Success", width: "76px", align: "right", cell: (row) => ratio(row.success_ratio) },
    { key: "p95", title: "p95", width: "78px", align: "right", cell: (row) => duration(row.p95_ns) },
  ];
  return (
    <Panel title="Providers, last 5 minutes" flush actions={<Link href={to("/health")}>Health</Link>}>
      <Still rows={asking.providers.data?.items} rowKey={(row) => row.provider ?? ""}>
        {(shown) => (
          <Table
            label="Providers"
            columns={columns}
            rows={shown}
            rowKey={(row) => row.provider ?? ""}
            href={(row) => to(callsOf(equals("provider", row.provider ?? "")))}
            empty={<Calm text="None was called within a day." />}
          />
        )}
      </Still>
    </Panel>
  );
}

export function Runs({ asking }: { asking: Asking }) {
  const now = useNow();
  const to = useTo();
  const all = asking.running.data?.items;
  const rows = all?.slice(0, RUNS);
  const href = (row: Run): string => to(`/runs/${encodeURIComponent(row.run_id ?? "")}`);
  const columns: Column<Run>[] = [
    {
      key: "workflow",
      title: "Workflow",
      cell: (row) => <Link href={href(row)}>{harmless(row.workflow_name ?? row.run_id ?? "")}</Link>,
    },
    { key: "service", title: "Service", width: "104px", cell: (row) => harmless(row.service_name ?? "") },
    { key: "steps", title: "Steps", width: "68px", align: "right", cell: steps },
    {
      key: "for",
      title: "For",
      width: "92px",
      align: "right",
      cell: (row) => duration(Math.max(Math.round(now / 1e3 - (row.start_ns ?? 0) / 1e9), 0) * 1e9),
    },
  ];
  const more = (all?.length ?? 0) - (rows?.length ?? 0);
  return (
    <Panel title="Running now" flush actions={<Link href={to("/runs")}>{more > 0 ? `${more} more` : "Runs"}</Link>}>
      <Still rows={rows} rowKey={(row) => row.run_id ?? ""}>
        {(shown) => (
          <Table
            label="Running workflow runs"
            columns={columns}
            rows={shown}
            rowKey={(row) => row.run_id ?? ""}
            href={href}
            empty={<Calm text="No workflow is at work." />}
          />
        )}
      </Still>
    </Panel>
  );
}

const steps = ({ steps_completed: done, steps_total: all }: Run): string =>
  all === null || all === undefined ? "–" : `${count(done ?? 0)} of ${count(all)}`;

export function Failures({ asking }: { asking: Asking }) {
  const now = useNow();
  const to = useTo();
  const href = (row: Failed): string => to(callsOf(failuresLike(row)));
  const columns: Column<Failed>[] = [
    { key: "count", title: "Calls", width: "66px", align: "right", cell: (row) => count(row.count) },
    {
      key: "reason",
      title: "Reason",
      cell: (row) => (
        <Link href={href(row)} title={harmless(row.reason ?? "")}>
          {harmless(lastWord(row.reason ?? ""))}
        </Link>
      ),
    },
    { key: "provider", title: "Provider", width: "15%", from: 768, cell: (row) => harmless(row.provider ?? "–") },
    { key: "model", title: "Model", width: "26%", from: 480, cell: (row) => harmless(row.model ?? "–") },
    { key: "last", title: "Last", width: "98px", align: "right", cell: (row) => ago(row.last_ns, now) },
    {
      key: "trace",
      title: "Example",
      width: "78px",
      align: "right",
      cell: (row) =>
        row.trace_id === null || row.trace_id === undefined ? (
          "–"
        ) : (
          <Link href={to(`/traces/${row.trace_id}`)}>trace</Link>
        ),
    },
  ];
  return (
    <Panel title="Why calls fail" flush actions={<Link href={to("/calls?filter=failed+%3D+true")}>Failed calls</Link>}>
      <Still
        rows={asking.failures.data?.items}
        rowKey={reasonKey}
        question={asking.range.label}
        isOld={asking.failures.isOld}
      >
        {(shown) => (
          <Table
            label="Why LLM calls fail"
            columns={columns}
            rows={shown}
            rowKey={reasonKey}
            href={href}
            empty={<Calm text="No LLM call failed in this time." />}
          />
        )}
      </Still>
    </Panel>
  );
}

const reasonKey = (row: Failed): string => JSON.stringify([row.reason, row.provider, row.model]);

/** A filter that finds the calls of a row. */
export function failuresLike({ reason, provider, model }: Failed): string {
  return both(
    "failed = true",
    provider && equals("provider", provider),
    model && equals("model", model),
    reason && equals("error", reason),
  );
}

/** The class of an exception without its module. */
const lastWord = (reason: string): string =>
  /^[\w.]+\.[A-Z]\w*$/.test(reason) ? reason.slice(reason.lastIndexOf(".") + 1) : reason;

const callsOf = (filter: string): string => `/calls?${new URLSearchParams({ filter }).toString()}`;

function useTo(): (path: string) => string {
  const [parameters] = useSearchParams();
  return (path) => withRange(path, parameters);
}

function Calm({ text, href, link }: { text: string; href?: string; link?: string }) {
  return (
    <div className={classes["calm"]}>
      <span className="quiet">{text}</span>
      {href !== undefined && <Link href={href}>{link}</Link>}
    </div>
  );
}
