/** The numbers at the top: how all is now, and what the time came to against as much time before. */

import type { ReactNode } from "react";
import { useSearchParams } from "wouter";

import { count, duration, ratio, usd } from "../../core/format";
import { Fives, Stat, type StatProps } from "../../core/ui/Stat";
import { withRange } from "../../core/url";
import type { Alert } from "./alerts";
import type { Asking, Bucket } from "./asking";
import classes from "./overview.module.css";
import { bucketsOf, rate, spread } from "./series";
import { type Budget, budgetsOf } from "./spending";

const PER: Readonly<Record<string, string>> = { s: "a second", min: "a minute", h: "an hour", day: "a day" };

export function Tiles({ asking }: { asking: Asking }) {
  const [parameters] = useSearchParams();
  const to = (path: string): string => withRange(path, parameters);
  return (
    <>
      <Fives>
        <Alerting asking={asking} href={to("/alerts")} />
        <Well asking={asking} href={to("/health")} />
        <Running asking={asking} href={to("/runs?filter=status+%3D+running")} />
        <Traced asking={asking} href={to("/traces")} />
        <Today asking={asking} href={to("/costs")} />
      </Fives>
      <Called asking={asking} to={to} />
    </>
  );
}

function Alerting({ asking, href }: { asking: Asking; href: string }) {
  const { active, alerts } = asking;
  const firing = active?.filter((one) => one.state === "firing") ?? [];
  const isMore = alerts.data?.next_cursor ? "+" : "";
  const bad = firing.some((one) => one.severity === "critical" || one.severity === "error");
  const tone = bad ? "bad" : firing.length > 0 ? "warn" : "";
  return (
    <Stat
      label="Alerts"
      isLoading={active === undefined}
      href={href}
      value={
        <span className={tone} data-testid="firing">
          {firing.length === 0 ? "none" : `${firing.length}${isMore} firing`}
        </span>
      }
      note={active === undefined ? "" : severities(active)}
    />
  );
}

/** Such as `1 critical · 2 acknowledged`. */
function severities(alerts: readonly Alert[]): string {
  const told = ["critical", "error", "warning", "info"].map((name) => [
    name,
    alerts.filter((one) => one.state === "firing" && one.severity === name).length,
  ]);
  const states = ["acknowledged", "pending"].map((name) => [name, alerts.filter((one) => one.state === name).length]);
  const shown = [...told, ...states]
    .filter(([, many]) => many !== 0)
    .map(([name, many]) => `${many ?? ""} ${name ?? ""}`);
  return shown.length === 0 ? "nothing fires" : shown.join(" · ");
}

function Well({ asking, href }: { asking: Asking; href: string }) {
  const { health, providers } = asking;
  // A token of one tenant may not ask how the server is; it sees its providers.
  if (health.error !== null && health.data === undefined) {
    const rows = providers.data?.items ?? [];
    const well = rows.filter((one) => one.state === "healthy" || one.state === "idle").length;
    return <Stat label="Providers" value={rows.length === 0 ? "–" : `${well} of ${rows.length} well`} />;
  }
  const state = health.data?.state;
  const ill = Object.entries(health.data?.components ?? {}).filter(([, one]) => one.state !== "healthy");
  const tone = state === "unhealthy" ? "bad" : state === "degraded" ? "warn" : "";
  return (
    <Stat
      label="Health"
      isLoading={state === undefined}
      href={href}
      value={<span className={tone}>{state}</span>}
      note={
        <span className="cut" title={ill.map(([name, one]) => `${name}: ${one.detail}`).join("\n")}>
          {state === "healthy" ? "all components are well" : ill.map(([name]) => name).join(", ")}
        </span>
      }
    />
  );
}

function Running({ asking, href }: { asking: Asking; href: string }) {
  const { data } = asking.running;
  const names = new Set(data?.items.map((one) => one.workflow_name ?? one.run_id));
  return (
    <Stat
      label="Running now"
      isLoading={data === undefined}
      href={href}
      value={runs(data?.items.length ?? 0, data?.next_cursor)}
      note={<span className="cut">{data?.items.length === 0 ? "no workflow is at work" : [...names].join(", ")}</span>}
    />
  );
}

const runs = (many: number, next: string | null | undefined): string =>
  `${count(many)}${next ? "+" : ""} ${many === 1 ? "run" : "runs"}`;

function Traced({ asking, href }: { asking: Asking; href: string }) {
  const { data } = asking.traces;
  const one = data?.items[0];
  const note = one === undefined ? "" : `${count(one.failed)} failed, p95 ${duration(one.p95_duration_ns)}`;
  return <Stat label="Traces" isLoading={data === undefined} href={href} value={count(one?.traces)} note={note} />;
}

function Today({ asking, href }: { asking: Asking; href: string }) {
  const { data } = asking.today;
  const budgets = budgetsOf(asking.budgets.data);
  const [worst] = budgets;
  return (
    <Stat
      label="Spend today"
      isLoading={data === undefined}
      href={href}
      value={usd(data?.items[0]?.cost_nanos ?? 0)}
      note={
        asking.budgets.data === undefined ? (
          ""
        ) : worst === undefined ? (
          "no budget"
        ) : (
          <Used budget={worst} others={budgets.length - 1} />
        )
      }
    />
  );
}

function Used({ budget, others }: { budget: Budget; others: number }): ReactNode {
  const { name, per, limitNanos, usedRatio, expectedNanos } = budget;
  const tone = usedRatio >= 1 ? "bad" : usedRatio >= 0.8 ? "warn" : "good";
  const expected = expectedNanos === null ? "" : `, expected ${usd(expectedNanos)}`;
  return (
    <>
      <span title={`${usd(budget.spentNanos)} of ${usd(limitNanos)} a ${per}${expected}`}>
        {ratio(usedRatio)} of {usd(limitNanos)} a {per}, {name}
        {others > 0 ? ` and ${others} more` : ""}
      </span>
      <span className={`${classes["meter"] ?? ""} ${tone}`}>
        <span className={classes["used"]} style={{ width: `${Math.min(usedRatio, 1) * 100}%` }} />
      </span>
    </>
  );
}

function Called({ asking, to }: { asking: Asking; to: (path: string) => string }) {
  const { calls, series, trends, range, stepSeconds } = asking;
  const one = calls.data?.items[0];
  const isLoading = calls.data === undefined;
  const { start_ns: start, end_ns: end, items = [] } = series.data ?? {};
  // The bucket that is not over yet would look like a fall.
  const times = bucketsOf(start ?? 0, end ?? 0, stepSeconds).slice(0, range.isRelative ? -1 : undefined);
  const line = (value: (row: Bucket) => number | null | undefined, missing: number | null) =>
    spread(items, times, value, missing);
  const change = (measure: string): number | null | undefined =>
    trends.isOld ? null : trends.data?.items.find((row) => row.measure === measure)?.change_ratio;
  const [often, unit] = rate(one?.calls ?? 0, range.ns);
  const tokens = (one?.tokens_input ?? 0) + (one?.tokens_output ?? 0);
  const tiles: StatProps[] = [
    {
      label: "LLM calls",
      value: count(one?.calls ?? 0),
      change: change("calls"),
      note: one === undefined ? "none in this time" : `${count(Number(often.toPrecision(3)))} ${PER[unit] ?? ""}`,
      values: line((row) => row.calls, 0),
      href: to("/calls"),
    },
    {
      label: "Error rate",
      value: one === undefined ? "–" : ratio((one.failed ?? 0) / Math.max(one.calls ?? 0, 1)),
      change: change("error_rate"),
      better: "less",
      note: `${count(one?.failed ?? 0)} failed`,
      values: line((row) => (row.failed ?? 0) / Math.max(row.calls ?? 0, 1), null),
      href: to("/calls?filter=failed+%3D+true"),
    },
    {
      label: "Latency p95",
      value: duration(one?.p95_latency_ns),
      change: change("p95_latency"),
      better: "less",
      note: `p50 ${duration(one?.p50_latency_ns)}, p99 ${duration(one?.p99_latency_ns)}`,
      values: line((row) => row.p95_latency_ns, null),
      href: to("/calls?sort=-duration"),
    },
    {
      label: "Tokens",
      value: count(tokens),
      change: change("tokens"),
      note: `${count(one?.tokens_input ?? 0)} in, ${count(one?.tokens_output ?? 0)} out`,
      values: line((row) => (row.tokens_input ?? 0) + (row.tokens_output ?? 0), 0),
      href: to("/calls"),
    },
    {
      label: "Spend",
      value: usd(one?.cost_nanos ?? 0),
      change: change("cost"),
      better: "less",
      note: (one?.unpriced ?? 0) > 0 ? `${count(one?.unpriced)} calls have no price` : "",
      values: line((row) => row.cost_nanos, 0),
      href: to("/costs"),
    },
  ];
  return (
    <Fives>
      {tiles.map((tile) => (
        <Stat key={tile.label} {...tile} isLoading={isLoading} />
      ))}
    </Fives>
  );
}
