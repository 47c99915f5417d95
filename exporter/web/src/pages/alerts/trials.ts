/** A rule that is tried: what it says now, and what it would have done. */

import { api, taken } from "../../core/client";
import type { Definition } from "./asked";
import type { Fired } from "./spans";

/** One there is, by its id, or one that is still being written. */
export type Tried = { id: string } | { rule: Definition };

interface Sample {
  labels: Record<string, string>;
  value: number | null;
  records: number | null;
}

interface Change {
  labels: Record<string, string>;
  transition: string;
  severity: string;
  value: number | null;
}

/** As POST /api/rules/test answers. */
export interface Tested {
  error: string | null;
  unit?: string;
  samples: Sample[];
  changes: Change[];
}

interface Firing {
  labels: Record<string, string>;
  severity: string;
  fired_at: number;
  resolved_at: number | null;
  value: number | null;
  threshold: number | null;
}

/** As POST /api/rules/backtest answers. */
export interface Backtested {
  start_ns: number;
  end_ns: number;
  every_ns: number;
  slots: number;
  failures: number;
  failure: string;
  fired: Firing[];
  fired_count: number;
}

const bodyOf = (tried: Tried): { id: string } | { rule: Record<string, unknown> } =>
  "id" in tried ? tried : { rule: { ...tried.rule } };

export const test = async (tried: Tried): Promise<Tested> =>
  taken(await api.POST("/api/rules/test", { body: bodyOf(tried) })) as unknown as Tested;

export const backtest = async (tried: Tried, range: string): Promise<Backtested> =>
  taken(await api.POST("/api/rules/backtest", { body: { ...bodyOf(tried), range } })) as unknown as Backtested;

export const labelsText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ") || "all together";

export const wouldHave = (found: Backtested): Fired[] =>
  found.fired.map((one, at) => ({
    id: `${at}`,
    lane: labelsText(one.labels),
    severity: one.severity,
    startNs: one.fired_at,
    endNs: one.resolved_at,
  }));
