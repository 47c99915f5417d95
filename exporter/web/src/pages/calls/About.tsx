/** Where a call belongs, how it was asked for, and all that was told of it. */

import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";

import { equals } from "../../core/complete";
import { harmless } from "../../core/format";
import { Panel } from "../../core/ui/Page";
import { withRange } from "../../core/url";
import classes from "./calls.module.css";
import { parametersOf } from "./parameters";
import type { WholeCall } from "./rows";

type Fact = readonly [string, string | null | undefined, string?];

export function About({ call }: { call: WholeCall }) {
  const [url] = useSearchParams();
  const alone = (field: string, value: string | null): string | undefined =>
    value === null ? undefined : withRange(`/calls?filter=${encodeURIComponent(equals(field, value))}`, url);
  const facts: Fact[] = [
    ["Provider", call.provider, alone("provider", call.provider)],
    ["Model", call.model, alone("model", call.model)],
    ["Answered by", call.response_model === call.model ? null : call.response_model],
    ["Service", call.service_name, alone("service", call.service_name)],
    ["Agent", call.agent_name, alone("agent", call.agent_name)],
    ["Workflow", call.workflow_name, alone("workflow", call.workflow_name)],
    ["Run", call.workflow_run_id, withRange(`/runs/${encodeURIComponent(call.workflow_run_id ?? "")}`, url)],
    ["Step", call.step_key],
    [
      "Conversation",
      call.conversation_id,
      withRange(`/conversations/${encodeURIComponent(call.conversation_id ?? "")}`, url),
    ],
    ["User", call.user_id, alone("user", call.user_id)],
    ["Tenant", call.tenant_id, alone("tenant", call.tenant_id)],
    ["Finished for", call.finish_reasons?.join(", ")],
    ["Answer's id", call.response_id],
    ["Instrumented by", call.scope_name],
  ];
  const parameters = parametersOf(call.attributes ?? {});
  return (
    <>
      {parameters.length > 0 && (
        <Panel title="Parameters">
          <Facts facts={parameters} isMono />
        </Panel>
      )}
      <Panel title="Where it belongs">
        <Facts facts={facts} />
      </Panel>
    </>
  );
}

export function Attributes({ call }: { call: WholeCall }) {
  const attributes = Object.entries(call.attributes ?? {}).sort(([one], [other]) => one.localeCompare(other));
  return (
    <Panel title={`All attributes, ${attributes.length}`}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and must be reached by keyboard */}
      <div className={classes["attributes"]} tabIndex={0} role="region" aria-label="All attributes">
        <Facts facts={attributes} isMono />
      </div>
    </Panel>
  );
}

function Facts({ facts, isMono = false }: { facts: readonly Fact[]; isMono?: boolean }) {
  const told = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl className={classes["facts"]} data-mono={isMono || undefined}>
      {told.map(([name, value, href]) => (
        <div key={name} className={classes["fact"]}>
          <dt className={isMono ? "mono" : undefined}>{harmless(name)}</dt>
          <dd className={isMono ? "mono" : undefined}>{linked(harmless(value ?? ""), href)}</dd>
        </div>
      ))}
    </dl>
  );
}

const linked = (text: string, href: string | undefined): ReactNode =>
  href === undefined ? text : <Link href={href}>{text}</Link>;
