/** What the overview asks. The first view needs two questions of what is stored; the others wait for their answers. */

import { useState } from "react";

import { askAhead, type Asked, useAsk } from "../../core/ask";
import type { Answer, Params, Schemas } from "../../core/client";
import { useConnection, useLive } from "../../core/live";
import { following, stepOf } from "../../core/range";
import { type Range, secondsOf, type Span, spanOf } from "../../core/url";
import { after, type Alert, type Item } from "./alerts";

const POINTS = 90;
const MOST_ALERTS = 100;
const CALM_MS = 10_000;
/** How often is asked what is of longer periods, or costs more than it changes. */

export type Calls = Answer<"/api/calls">;
export type Series = Answer<"/api/calls/series">;
export type Bucket = Schemas["CalledThen"];
export type Run = Schemas["Run"];
export type Provider = Schemas["Provider"];
export type Failed = Schemas["Failed"];

export interface Asking {
  range: Range;
  step: string;
  stepSeconds: number;
  calls: Asked<Calls>;
  series: Asked<Series>;
  alerts: Asked<Answer<"/api/alerts">>;
  /** Those that are not over. */
  active: readonly Alert[] | undefined;
  budgets: Asked<Answer<"/api/budgets">>;
  trends: Asked<Answer<"/api/trends">>;
  today: Asked<Answer<"/api/costs">>;
  running: Asked<Answer<"/api/workflow-runs">>;
  traces: Asked<Answer<"/api/traces/stats">>;
  health: Asked<Answer<"/api/health">>;
  providers: Asked<Answer<"/api/providers">>;
  failures: Asked<Answer<"/api/calls/failures">>;
  spend: Asked<Answer<"/api/costs/series">>;
}

/** What is asked about a time. */
function about(span: Span) {
  const { query } = span;
  const step = stepOf(span, POINTS);
  return {
    calls: { query },
    series: { query: { ...query, step } },
    spend: { query: { ...query, step, by: ["model"] } },
    running: { query: { range: "1d", filter: "status = running", limit: 50 } },
    failures: { query: { ...query, limit: 8 } },
    today: { query: { start: midnight() } },
    traces: { query },
    trends: { query },
  };
}

const ALERTS = {
  query: { state: ["firing", "pending", "acknowledged"], limit: MOST_ALERTS },
} satisfies Params<"/api/alerts">;

/** Asks all of it for the address. The browser sends them in this order, six at a time. */
export async function ahead(): Promise<unknown> {
  const of = about(spanOf(new URLSearchParams(location.search)));
  return Promise.allSettled([
    askAhead("/api/calls", of.calls),
    askAhead("/api/calls/series", of.series),
    askAhead("/api/alerts", ALERTS),
    askAhead("/api/budgets", {}),
    askAhead("/api/costs/series", of.spend),
    askAhead("/api/calls/failures", of.failures),
    askAhead("/api/workflow-runs", of.running),
    askAhead("/api/health", {}),
    askAhead("/api/costs", of.today),
    askAhead("/api/trends", of.trends),
    askAhead("/api/traces/stats", of.traces),
    askAhead("/api/providers", {}),
  ]);
}

/** All of it, for a range. */
export function useOverview(range: Range): Asking {
  const of = about(range);
  const live = following(range, "traces");
  const calls = useAsk("/api/calls", of.calls, live);
  const series = useAsk("/api/calls/series", of.series, live);
  const enabled = calls.data !== undefined && series.data !== undefined;
  const later = { ...live, enabled };
  const spend = useAsk("/api/costs/series", of.spend, later);
  // A browser has six connections to a server: what can wait leaves them to the rest.
  const isLast = enabled && (spend.data !== undefined || spend.error !== null);
  const calm = { everyMs: CALM_MS, enabled: isLast };
  const calmRange = range.isRelative ? calm : { enabled: isLast };
  const { alerts, active } = useAlerts();
  const { step } = of.series.query;
  return {
    range,
    step,
    stepSeconds: secondsOf(step) ?? 60,
    calls,
    series,
    alerts,
    active,
    spend,
    budgets: useAsk("/api/budgets", {}, { follow: ["alerts"], everyMs: CALM_MS }),
    running: useAsk("/api/workflow-runs", of.running, { follow: ["workflows"], everyMs: CALM_MS, enabled }),
    failures: useAsk("/api/calls/failures", of.failures, later),
    today: useAsk("/api/costs", of.today, calm),
    providers: useAsk("/api/providers", {}, calm),
    health: useAsk("/api/health", {}, { follow: ["health"], everyMs: CALM_MS, enabled }),
    traces: useAsk("/api/traces/stats", of.traces, calmRange),
    trends: useAsk("/api/trends", of.trends, calmRange),
  };
}

/** Alerts are told by the channel; they are asked for until it tells them, and where it is gone. */
function useAlerts(): Pick<Asking, "alerts" | "active"> {
  const connection = useConnection();
  const [told, setTold] = useState<readonly Alert[] | null>(null);
  useLive<Item>({ channel: "alerts", limit: MOST_ALERTS }, (news) => {
    setTold((before) => after(before, news));
  });
  const alerts = useAsk("/api/alerts", ALERTS, { follow: ["alerts"], everyMs: CALM_MS });
  const isGone = connection === "lost" || connection === "refused";
  return { alerts, active: isGone || told === null ? alerts.data?.items : told };
}

/** When today began, where the person is. */
function midnight(): string {
  const at = new Date();
  at.setHours(0, 0, 0, 0);
  return at.toISOString();
}
