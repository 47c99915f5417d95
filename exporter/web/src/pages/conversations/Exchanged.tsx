/** One trace of a conversation: a question and all that was said and done to answer it. */

import {
  IconChevronRight,
  IconMicrophone,
  IconRobot,
  IconRoute,
  IconSparkles,
  IconTool,
  IconVolume,
  type Icon,
} from "@tabler/icons-react";
import { Link, useSearchParams } from "wouter";

import { clock, count, duration, harmless, usd } from "../../core/format";
import { Messages } from "../../core/ui/Messages";
import { Status } from "../../core/ui/Status";
import { withRange } from "../../core/url";
import { shortError } from "../calls/rows";
import classes from "./conversations.module.css";
import type { Exchange, Step, Turn } from "./steps";

const SIGNS: Readonly<Record<string, Icon>> = {
  execute_tool: IconTool,
  stt: IconMicrophone,
  tts: IconVolume,
  invoke_agent: IconRobot,
};

export function Exchanged({ exchange, number }: { exchange: Exchange; number: number }) {
  const [parameters] = useSearchParams();
  const { trace, startNs, endNs, steps, cost, calls, failures } = exchange;
  return (
    <li className={`panel ${classes["exchange"] ?? ""}`}>
      <header className={classes["head"]}>
        <h2 className={classes["number"]}>{number}</h2>
        <span>{clock(startNs)}</span>
        <span className="quiet">
          {duration(endNs - startNs)} · {count(calls)} calls · {usd(cost)}
        </span>
        {failures > 0 && <Status state="failed" label={`${count(failures)} failed`} />}
        <Link href={withRange(`/traces/${trace}`, parameters)} className={classes["trace"]}>
          <IconRoute size={14} aria-hidden /> Trace
        </Link>
      </header>
      <ol className={classes["steps"]}>
        {steps.map((step) => (
          <One key={step.turn.span_id} step={step} startNs={startNs} />
        ))}
      </ol>
    </li>
  );
}

function One({ step: { turn, kind, input, output }, startNs }: { step: Step; startNs: number }) {
  const [parameters] = useSearchParams();
  const Sign = SIGNS[turn.operation ?? ""] ?? (kind === "call" ? IconSparkles : IconChevronRight);
  const span = encodeURIComponent(turn.span_id ?? "");
  const trace = turn.trace_id ?? "";
  const href = kind === "call" ? `/calls/${span}?trace=${trace}` : `/traces/${trace}?span=${span}`;
  const spoken = [...input, ...output];
  return (
    <li className={classes["step"]} data-kind={kind}>
      <span className={`quiet ${classes["offset"] ?? ""}`}>+{duration((turn.start_ns ?? 0) - startNs)}</span>
      <div className={classes["body"]}>
        <div className={classes["what"]}>
          <Sign size={14} aria-hidden />
          <Link href={withRange(href, parameters)} className="cut" title={harmless(turn.name ?? "")}>
            {harmless(nameOf(turn))}
          </Link>
          <span className={`quiet ${classes["figures"] ?? ""}`}>{figuresOf(turn)}</span>
        </div>
        {turn.error_type && (
          <p className={`bad ${classes["error"] ?? ""}`} title={harmless(turn.error_type)}>
            Failed: {harmless(shortError(turn.error_type))}
          </p>
        )}
        {spoken.length > 0 && <Messages messages={spoken} label={`What was said in ${harmless(turn.name ?? "")}`} />}
      </div>
    </li>
  );
}

function nameOf(turn: Turn): string {
  if (turn.tool) return turn.tool;
  if (turn.model) return `${turn.operation ?? "call"} ${turn.model}`;
  if (turn.agent && turn.operation === "invoke_agent") return turn.agent;
  return turn.name ?? "";
}

function figuresOf(turn: Turn): string {
  const tokens =
    turn.tokens_input === null && turn.tokens_output === null
      ? ""
      : `${count(turn.tokens_input ?? 0)} → ${count(turn.tokens_output ?? 0)} tokens`;
  const cost = turn.cost_nanos === null ? "" : usd(turn.cost_nanos);
  return [duration(turn.duration_ns), tokens, cost].filter((one) => one !== "").join(" · ");
}
