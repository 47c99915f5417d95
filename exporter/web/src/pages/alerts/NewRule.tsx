/** A rule that is still being written. */

import { useMemo } from "react";
import { useLocation, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { api, taken } from "../../core/client";
import { Loading } from "../../core/ui/Loading";
import { Page, Trail } from "../../core/ui/Page";
import { useName } from "./acts";
import { type Definition, partsOf, ruleHref } from "./asked";
import { RuleForm } from "./RuleForm";
import { write } from "./written";

const START: Definition = {
  alert: "SlowChat",
  description: "95 % of calls should be answered within 2 s",
  metric: "p95_latency",
  by: ["model"],
  operator: ">",
  threshold: "2s",
  window: "5m",
  severity: "warning",
  annotations: { summary: "5 % of {{ labels.model }}'s calls take longer than {{ value }}" },
};

/** A rule that is not there yet: like another, or one to begin with. */
export function NewRule() {
  const [parameters] = useSearchParams();
  const [group, name] = partsOf(parameters.get("from") ?? "");
  const isLike = name !== "";
  const like = useAsk("/api/rules/{group}/{name}", isLike ? { path: { group, name } } : null);
  const [by] = useName();
  const [, go] = useLocation();
  const definition = JSON.stringify(isLike ? { ...like.data?.definition, alert: `${name}2` } : START);
  const text = useMemo(() => write(JSON.parse(definition) as Definition), [definition]);
  return (
    <Page
      title={
        <Trail href="/alerts?tab=rules" name="Rules">
          New rule
        </Trail>
      }
    >
      {isLike && like.isLoading ? (
        <Loading />
      ) : (
        <RuleForm
          text={text}
          hasGroup
          onSave={async (rule, into) => {
            const made = taken(await api.POST("/api/rules", { body: { rule: { ...rule }, group: into, by } }));
            go(ruleHref(made.id));
          }}
        />
      )}
    </Page>
  );
}
