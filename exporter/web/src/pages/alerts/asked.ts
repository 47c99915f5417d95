/** What a rule asks, in words, as a series, and as the records behind an alert of it. */

import type { Schemas } from "../../core/client";
import { both, equals } from "../../core/complete";
import { secondsOf } from "../../core/url";

export type Alert = Schemas["Alert"];
export type Rule = Schemas["Ruled"];
export type Definition = Readonly<Record<string, unknown>>;
export type Labels = readonly (readonly string[])[];

const OPPOSITE_SIDE: Readonly<Record<string, string>> = { "<": "<", "<=": "<=" };
const OUTCOMES = new Set(["cache_hit_rate", "rate_limit_denial_rate"]);
const FAILURES = new Set(["error_rate", "failures", "success_rate"]);

export const wordOf = (definition: Definition, key: string): string => {
  const value = definition[key];
  return typeof value === "string" ? value : typeof value === "number" ? `${value}` : "";
};

const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];

/** `p95_latency > 2s over 5m by model`. */
export function questionOf(definition: Definition): string {
  const subject =
    wordOf(definition, "metric") ||
    [wordOf(definition, "view"), wordOf(definition, "field")].filter(Boolean).join(".") ||
    "SQL";
  const aggregation = wordOf(definition, "aggregation");
  const asked = aggregation === "" ? subject : `${aggregation}(${subject})`;
  const per = wordOf(definition, "per");
  const by = listOf(definition["by"]);
  return [
    per === "" ? asked : `${asked} per ${per}`,
    levelOf(definition),
    windowOf(definition) && `over ${windowOf(definition)}`,
    wordOf(definition, "for") && `for ${wordOf(definition, "for")}`,
    by.length > 0 && `by ${by.join(", ")}`,
  ]
    .filter(Boolean)
    .join(" ");
}

/** How far it looks back; nothing where its measure says that itself. */
export const windowOf = (definition: Definition): string =>
  definition["anomaly"] !== undefined || definition["metric"] === "hourly_cost"
    ? ""
    : wordOf(definition, "window") || "5m";

function levelOf(definition: Definition): string {
  if (definition["anomaly"] !== undefined) return "is unusual";
  const operator = wordOf(definition, "operator") || ">";
  if (operator === "absent") return "is absent";
  const several = definition["thresholds"];
  const threshold =
    typeof several === "object" && several !== null
      ? Object.values(several as Record<string, unknown>)
          .map(String)
          .join(" / ")
      : wordOf(definition, "threshold");
  return `${operator} ${threshold}`;
}

/** Group and name of a rule's id. */
export function partsOf(ruleId: string): [string, string] {
  const at = ruleId.indexOf("/");
  return at < 0 ? [ruleId, ""] : [ruleId.slice(0, at), ruleId.slice(at + 1)];
}

/** Whether it is a rule that can be looked at: what the server tells of itself and of budgets has none. */
export const isRule = (ruleId: string): boolean => !ruleId.startsWith("ax/");

/** The rule, or what else decides that an alert fires. */
export function ruleHref(ruleId: string): string {
  if (ruleId.startsWith("ax/budget/")) return "/costs";
  if (ruleId === "ax/AxRuleError") return "/alerts?tab=rules";
  if (!isRule(ruleId)) return "/health";
  return `/alerts/rules/${partsOf(ruleId).map(encodeURIComponent).join("/")}`;
}

const SIZES = [
  ["h", 3_600e9],
  ["m", 60e9],
  ["s", 1e9],
  ["ms", 1e6],
  ["us", 1e3],
] as const;

/** Nanoseconds as a filter has them: `2s`, `800ms`. */
export function quantity(ns: number): string {
  const [unit, size] = SIZES.find(([, one]) => ns >= one && ns % one === 0) ?? ["ns", 1];
  return `${Math.round(ns / size)}${unit}`;
}

const ofLabels = (labels: Labels): string =>
  both(...labels.filter(([name]) => name !== "tenant").map(([name = "", value = ""]) => equals(name, value)));

const AGGREGATIONS = ["avg", "sum", "min", "max", "count", "p50", "p95", "p99", "rate", "last"] as const;
type Aggregation = (typeof AGGREGATIONS)[number];

export interface Series {
  name: string;
  filter: string;
  aggregation: Aggregation | null;
  of: "calls" | "spans";
}

/** The measure, or the stored metric, that a rule asks for, of one alert's labels; null where it is no such rule. */
export function seriesOf(definition: Definition, labels: Labels): Series | null {
  const name = wordOf(definition, "metric");
  if (name === "") return null;
  const said = listOf(definition["by"]);
  const own = labels.filter(([label = ""]) => said.includes(label));
  return {
    name,
    filter: both(wordOf(definition, "filter"), ofLabels(own)),
    aggregation: AGGREGATIONS.find((one) => one === wordOf(definition, "aggregation")) ?? null,
    of: wordOf(definition, "of") === "spans" ? "spans" : "calls",
  };
}

export interface Behind {
  page: "calls" | "voice" | "traces";
  title: string;
  filter: string;
}

/** The records that made it fire: those that took too long, or failed. Null where no list shows them. */
export function behind(definition: Definition, alert: Pick<Alert, "labels" | "threshold" | "unit">): Behind | null {
  const common = seriesOf(definition, alert.labels);
  const limit = alert.threshold === null ? null : quantity(alert.threshold);
  if (common !== null) {
    if (OUTCOMES.has(common.name) || common.name.includes(".")) return null;
    const page = common.of === "spans" ? "traces" : "calls";
    const what = page === "calls" ? "LLM calls" : "Spans";
    if (page === "traces")
      return { page, title: "Traces of its time", filter: isLong(alert) ? `duration > ${limit ?? "0s"}` : "failed" };
    if (isLong(alert))
      return { page, title: `${what} over ${limit ?? ""}`, filter: both(common.filter, `duration > ${limit ?? "0s"}`) };
    if (FAILURES.has(common.name)) return { page, title: `${what} that failed`, filter: both(common.filter, "failed") };
    return { page, title: `${what} behind it`, filter: common.filter };
  }
  const own = both(wordOf(definition, "filter"), ofLabels(alert.labels));
  if (wordOf(definition, "view") === "voice_turns") {
    const isSilence = wordOf(definition, "field") === "heard_silence_ns";
    const slow = isSilence && limit !== null ? `silence > ${limit}` : "";
    return {
      page: "voice",
      title: slow === "" ? "Voice turns behind it" : `Voice turns with ${slow}`,
      filter: both(own, slow),
    };
  }
  return null;
}

const isLong = ({ unit, threshold }: Pick<Alert, "unit" | "threshold">): boolean => unit === "ns" && threshold !== null;

export const isBelow = (definition: Definition): boolean => OPPOSITE_SIDE[wordOf(definition, "operator")] !== undefined;

/**
 * From before an alert began to after it ended, in Unix nanoseconds: half as long again on each side, 10 minutes at
 * least; before it the rule's window too, of which its first value was.
 */
export function around(
  alert: Pick<Alert, "started_at" | "resolved_at">,
  definition: Definition,
  nowNs: number,
): [number, number] {
  const end = alert.resolved_at ?? nowNs;
  const margin = Math.min(Math.max((end - alert.started_at) / 2, 600e9), 6 * 3_600e9);
  const windowNs = (secondsOf(windowOf(definition)) ?? 0) * 1e9;
  return [alert.started_at - Math.max(margin, windowNs), Math.min(end + margin, nowNs)];
}
