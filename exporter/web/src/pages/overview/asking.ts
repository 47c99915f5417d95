/** What the overview asks. The first view needs two questions of what is stored; the others wait for their answers. */

import { type Asked, useAsk } from "../../core/ask";
import type { Answer, Schemas } from "../../core/client";
import { following, stepOf } from "../../core/range";
import { type Range, secondsOf } from "../../core/url";

const POINTS = 90;
const CALM_MS = 10_000;
/** How often is asked what is of longer periods, or costs more than it changes. */

export type Calls = Answer<"/api/calls">;
export type Series = Answer<"/api/calls/series">;
export type Bucket = Schemas["CalledThen"];
export type Alert = Schemas["Alert"];
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

/** All of it, for a range. */
export function useOverview(range: Range): Asking {
  const step = stepOf(range, POINTS);
  const query = range.query;
  const live = following(range, "traces");
  const calls = useAsk("/api/calls", { query }, live);
  const series = useAsk("/api/calls/series", { query: { ...query, step } }, live);
  const enabled = calls.data !== undefined && series.data !== undefined;
  const later = { ...live, enabled };
  const calm = { everyMs: CALM_MS, enabled };
  const calmLive = range.isRelative ? calm : { enabled };
  return {
    range,
    step,
    stepSeconds: secondsOf(step) ?? 60,
    calls,
    series,
    alerts: useAsk(
      "/api/alerts",
      { query: { state: ["firing", "pending", "acknowledged"], limit: 100 } },
      { follow: ["alerts"], everyMs: CALM_MS },
    ),
    budgets: useAsk("/api/budgets", {}, { follow: ["alerts"], everyMs: CALM_MS }),
    running: useAsk(
      "/api/workflow-runs",
      { query: { range: "1d", filter: "status = running", limit: 50 } },
      { follow: ["workflows"], everyMs: CALM_MS, enabled },
    ),
    failures: useAsk("/api/calls/failures", { query: { ...query, limit: 8 } }, later),
    spend: useAsk("/api/costs/series", { query: { ...query, step, by: ["model"] } }, later),
    today: useAsk("/api/costs", { query: { start: midnight() } }, calm),
    providers: useAsk("/api/providers", {}, calm),
    health: useAsk("/api/health", {}, { follow: ["health"], everyMs: CALM_MS, enabled }),
    traces: useAsk("/api/traces/stats", { query }, calmLive),
    trends: useAsk("/api/trends", { query }, calmLive),
  };
}

/** When today began, where the person is. */
function midnight(): string {
  const at = new Date();
  at.setHours(0, 0, 0, 0);
  return at.toISOString();
}
