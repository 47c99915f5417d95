/** One span whole: what it was, what was said, what it cost, all that its sender told of it. */

import { CloseButton, Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../../core/ask";
import { clock, count, duration, harmless, rfc3339, usd } from "../../../core/format";
import { Failure } from "../../../core/ui/Failure";
import { Loading } from "../../../core/ui/Loading";
import { Copy } from "../../../core/ui/Snippet";
import { Status } from "../../../core/ui/Status";
import { useParam, withRange } from "../../../core/url";
import { Attributes } from "./Attributes";
import { Bill } from "./Bill";
import { Events, Links } from "./Events";
import { Logs } from "./Logs";
import { isFailed, type Placed } from "./outline";
import classes from "./Pane.module.css";
import { CallSaid, ToolSaid } from "./Said";
import { wholeOf } from "./whole";

const CALLS = new Set(["chat", "text_completion", "generate_content", "embeddings", "stt", "tts"]);
const TOOL = "execute_tool";

export interface PaneProps {
  trace: string;
  span: Placed;
  startNs: number;
  endNs: number;
  onClose: () => void;
}

export function Pane({ trace, span, startNs, endNs, onClose }: PaneProps) {
  const id = span.span_id;
  const asked = useAsk("/api/spans/{trace}/{span}", id === null ? null : { path: { trace, span: id } });
  return (
    <>
      <header className={classes["head"]}>
        <div className={classes["title"]}>
          <h2 title={harmless(span.name)}>{harmless(span.name)}</h2>
          <CloseButton size="sm" aria-label="Close the span" title="Close (Esc)" onClick={onClose} />
        </div>
        <div className={classes["states"]}>
          {span.is_running ? (
            <Status state="running" />
          ) : (
            <Status state={isFailed(span) ? "error" : span.status_code} />
          )}
          {span.kind !== "UNSPECIFIED" && <span className="quiet">{span.kind.toLowerCase()}</span>}
          {span.is_critical && <span className="quiet">on the critical path</span>}
        </div>
        {(span.error_type !== null || (span.status_message ?? "") !== "") && (
          <p className={`bad ${classes["error"] ?? ""}`}>
            {[span.error_type, span.status_message]
              .filter(Boolean)
              .map((one) => harmless(one ?? ""))
              .join(": ")}
          </p>
        )}
        <Facts span={span} trace={trace} startNs={startNs} endNs={endNs} />
      </header>
      {asked.error !== null && <Failure error={asked.error} again={asked.again} />}
      {id === null && <p className={classes["none"]}>It was sent without an id, so nothing more can be asked of it.</p>}
      {id !== null && asked.data === undefined && asked.error === null && (
        <div className={classes["part"]}>
          <Loading height={200} />
        </div>
      )}
      {id !== null && asked.data !== undefined && !asked.isOld && (
        <Parts trace={trace} span={span} id={id} startNs={startNs} row={asked.data} />
      )}
    </>
  );
}

function Parts({
  trace,
  span,
  id,
  startNs,
  row,
}: {
  trace: string;
  span: Placed;
  id: string;
  startNs: number;
  row: Readonly<Record<string, unknown>>;
}) {
  const [tab, setTab] = useParam("tab");
  const whole = wholeOf(row);
  const isCall = CALLS.has(span.operation ?? "") && !span.is_running;
  const isTool = span.operation === TOOL;
  const parts: readonly (readonly [string, string, boolean, ReactNode])[] = [
    [
      "said",
      isTool ? "Tool" : "Messages",
      isCall || isTool,
      isTool ? <ToolSaid attributes={whole.attributes} /> : <CallSaid trace={trace} span={id} />,
    ],
    ["attributes", "Attributes", true, <Attributes key={id} title="Attributes" attributes={whole.attributes} />],
    ["cost", "Cost", isCall, <Bill key={id} trace={trace} span={id} />],
    [
      "events",
      `Events ${whole.events.length}`,
      whole.events.length > 0,
      <Events key={id} events={whole.events} startNs={span.start_ns} />,
    ],
    ["links", `Links ${whole.links.length}`, whole.links.length > 0, <Links key={id} links={whole.links} />],
    ["logs", "Logs", true, <Logs key={id} trace={trace} span={id} startNs={startNs} />],
    [
      "resource",
      "Resource",
      true,
      <div key={id}>
        <Attributes title="Resource" attributes={whole.resource} />
        <Attributes title="Scope" attributes={whole.scope} />
      </div>,
    ],
  ];
  const there = parts.filter(([, , isThere]) => isThere);
  const shown = there.find(([name]) => name === tab)?.[0] ?? there[0]?.[0] ?? "";
  return (
    <Tabs
      value={shown}
      keepMounted={false}
      onChange={(value) => {
        setTab(value === there[0]?.[0] ? "" : (value ?? ""));
      }}
    >
      <Tabs.List className={classes["tabs"] ?? ""}>
        {there.map(([name, title]) => (
          <Tabs.Tab key={name} value={name}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {there.map(([name, , , body]) => (
        <Tabs.Panel key={name} value={name}>
          {name === "attributes" && whole.dropped.length > 0 && (
            <p className={`warn ${classes["none"] ?? ""}`}>
              Its sender dropped {whole.dropped.map(([kind, many]) => `${count(many)} ${kind}`).join(", ")}.
            </p>
          )}
          {body}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function Facts({ trace, span, startNs, endNs }: Omit<PaneProps, "onClose">) {
  const [parameters] = useSearchParams();
  const isCall = CALLS.has(span.operation ?? "") && span.span_id !== null;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ["Service", harmless(span.service_name ?? "unknown")],
    [
      "Start",
      <time key="start" dateTime={rfc3339(span.start_ns)} title={rfc3339(span.start_ns)}>
        {clock(span.start_ns)} <span className="quiet">+{duration(span.start_ns - startNs)}</span>
      </time>,
    ],
    ["Duration", span.is_running ? `running, ${duration(endNs - span.start_ns)} so far` : duration(span.duration_ns)],
    ["Self", duration(span.self_ns)],
    ["On the critical path", span.is_critical ? duration(span.critical_ns) : null],
    ["Model", span.model === null ? null : harmless(`${span.provider ?? ""} ${span.model}`.trim())],
    [
      "Tokens",
      span.tokens_input === null && span.tokens_output === null
        ? null
        : `${count(span.tokens_input)} in, ${count(span.tokens_output)} out`,
    ],
    ["Cost", span.cost_nanos === null ? null : usd(span.cost_nanos)],
    ["Tokens with all below", span.total_tokens > 0 && span.tokens_input === null ? count(span.total_tokens) : null],
    ["Cost with all below", span.total_cost_nanos > 0 && span.cost_nanos === null ? usd(span.total_cost_nanos) : null],
    [
      "Span",
      span.span_id === null ? null : (
        <span key="id" className={classes["id"]}>
          <span className="mono">{span.span_id}</span> <Copy text={span.span_id} label="Copy the span's id" />
          {isCall && (
            <Link href={withRange(`/calls/${span.span_id}?trace=${trace}`, parameters)}>Open as LLM call</Link>
          )}
        </span>
      ),
    ],
  ];
  return (
    <dl className={classes["facts"]}>
      {facts.map(
        ([name, value]) =>
          value !== null && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
