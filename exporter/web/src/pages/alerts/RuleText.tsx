/** The editor of a rule, which knows the words of rules. */

import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { yaml, yamlLanguage } from "@codemirror/lang-yaml";

import Code, { type CodeProps } from "../../core/code/Code";

const KEYS: readonly (readonly [string, string])[] = [
  ["alert", "the rule's name"],
  ["description", "what should be so"],
  ["metric", "a measure or a stored metric"],
  ["of", "calls or spans"],
  ["view", "a view of SQL"],
  ["field", "a column of the view"],
  ["per", "what its sum is divided by"],
  ["sql", "a SELECT with a column value"],
  ["aggregation", "avg, sum, min, max, count, p50, p95, p99, rate, last"],
  ["filter", "in the filter language"],
  ["by", "an alert for each"],
  ["operator", '">" "<" ">=" "<=" "==" "!=" absent'],
  ["threshold", "2s, 5%, $10, 500MB"],
  ["thresholds", "by severity"],
  ["resolve_threshold", "behind which it ends"],
  ["anomaly", "against the weeks before"],
  ["window", "how far it looks back"],
  ["for", "how long it must be so"],
  ["keep_firing_for", "how long it stays"],
  ["severity", "info, warning, error, critical"],
  ["min_samples", "of fewer records it says nothing"],
  ["no_data", "no_data, ok, alerting, keep"],
  ["cooldown", "between two notices"],
  ["labels", "more labels"],
  ["annotations", "summary, hint, …"],
  ["enabled", "true or false"],
];

const VALUES: Readonly<Record<string, readonly string[]>> = {
  severity: ["info", "warning", "error", "critical"],
  aggregation: ["avg", "sum", "min", "max", "count", "p50", "p95", "p99", "rate", "last"],
  no_data: ["no_data", "ok", "alerting", "keep"],
  operator: ['">"', '"<"', '">="', '"<="', '"=="', '"!="', "absent"],
  of: ["calls", "spans"],
  metric: [
    "p95_latency",
    "p99_latency",
    "p50_latency",
    "avg_latency",
    "error_rate",
    "failures",
    "calls",
    "cost",
  ].concat(["hourly_cost", "tokens", "cache_hit_rate", "rate_limit_denial_rate"]),
};

function offered(context: CompletionContext): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const value = /^(\w+):\s*(["\w]*)$/.exec(before);
  if (value !== null) {
    const known = VALUES[value[1] ?? ""];
    if (known === undefined) return null;
    return {
      from: context.pos - (value[2]?.length ?? 0),
      options: known.map((label) => ({ label, type: "constant" })),
    };
  }
  const key = /^(\w*)$/.exec(before);
  if (key === null || (key[1] === "" && !context.explicit)) return null;
  const options = KEYS.map(([label, detail]) => ({ label, detail, apply: `${label}: `, type: "property" }));
  return { from: line.from, options, validFor: /^\w*$/ };
}

const KNOWS = [yaml(), yamlLanguage.data.of({ autocomplete: offered })];

export default function RuleText(props: Omit<CodeProps, "knows">) {
  return <Code knows={KNOWS} {...props} />;
}
