/** A budget as the API tells it, as a person edits it, and as it is sent back. */

import { both, equals } from "../../core/complete";

export const SCOPES = ["tenant", "user", "provider", "model", "agent", "workflow", "session"] as const;
export const PERIODS = ["day", "week", "month", "quarter", "custom"] as const;
export type Scope = Partial<Record<(typeof SCOPES)[number], string[]>>;

export interface Projection {
  expected_nanos: number;
  low_nanos: number;
  high_nanos: number;
  gone_on: string | null;
}

export interface Budget {
  name: string;
  state: "ok" | "warning" | "exceeded" | "incomplete";
  per: string;
  zone: string;
  scope: Scope;
  limit_nanos: number;
  spent_nanos: number;
  used_ratio: number;
  late_nanos: number;
  calls: number;
  unpriced: number;
  period_start_unix_nano: number;
  period_end_unix_nano: number;
  alert_at: number[];
  crossed: number[];
  projection: Projection | null;
  origin: string;
  enabled: boolean;
  definition: Record<string, unknown>;
}

export interface BudgetEvent {
  number: number;
  budget: string;
  at: number;
  threshold: number;
  basis: string;
  spent_nanos: number;
  limit_nanos: number;
  late: number | boolean;
}

/** What a person fills in; all of it text, as the fields of a form are. */
export interface Form {
  name: string;
  usd: string;
  per: string;
  zone: string;
  start: string;
  end: string;
  anchor: string;
  alertAt: string;
  description: string;
  scope: Record<(typeof SCOPES)[number], string>;
}

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? `${value}` : "");

/** The fields of a budget, or those of a new one. */
export function formOf(budget: Budget | null): Form {
  const told = budget?.definition ?? {};
  const scope = Object.fromEntries(SCOPES.map((name) => [name, (budget?.scope[name] ?? []).join(", ")]));
  return {
    name: budget?.name ?? "",
    usd: text(told["usd"]).replace(/^\$/, ""),
    per: budget?.per ?? "month",
    zone: budget?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    start: text(told["start"]),
    end: text(told["end"]),
    anchor: text(told["anchor"]),
    alertAt: (budget?.alert_at ?? [50, 80, 95, 100]).join(", "),
    description: text(told["description"]),
    scope: scope as Form["scope"],
  };
}

const listed = (told: string): string[] =>
  told
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

/** The definition that a form stands for, on top of what the form does not show, such as labels. */
export function definitionOf(form: Form, before: Record<string, unknown> = {}): Record<string, unknown> {
  const scope = Object.fromEntries(
    SCOPES.map((name) => [name, listed(form.scope[name])] as const).filter(([, values]) => values.length > 0),
  );
  const isCustom = form.per === "custom";
  const hasAnchor = (form.per === "month" || form.per === "quarter") && form.anchor !== "";
  const kept = Object.fromEntries(
    Object.entries(before).filter(([name]) => !["start", "end", "anchor", "scope", "description"].includes(name)),
  );
  return {
    ...kept,
    name: form.name.trim(),
    usd: form.usd.trim(),
    per: form.per,
    zone: form.zone.trim(),
    alert_at: listed(form.alertAt).map((one) => (/^\d+%?$/.test(one) ? Number.parseInt(one, 10) : one)),
    ...(isCustom ? { start: form.start, end: form.end } : {}),
    ...(hasAnchor ? { anchor: Number(form.anchor) } : {}),
    ...(form.description.trim() === "" ? {} : { description: form.description.trim() }),
    ...(Object.keys(scope).length > 0 ? { scope } : {}),
  };
}

/** Which calls count, in the filter language; null where it has no word for it. */
export function filterOf(scope: Scope): string | null {
  const parts = SCOPES.map((name) => [name, scope[name] ?? []] as const).filter(([, values]) => values.length > 0);
  if (parts.some(([name]) => name === "session")) return null;
  return both(...parts.map(([name, values]) => values.map((value) => equals(name, value)).join(" or ")));
}

/** `tenant acme, model a or b`; everything where nothing narrows it. */
export const scopeOf = (scope: Scope): string =>
  SCOPES.filter((name) => (scope[name] ?? []).length > 0)
    .map((name) => `${name} ${(scope[name] ?? []).join(" or ")}`)
    .join(", ") || "all calls";

/** The field of the form that the server's complaint is about. */
export const fieldOf = (field: string | null | undefined): string =>
  /^budget\.(\w+)/.exec(field ?? "")?.[1]?.replace("alert_at", "alertAt") ?? "";
