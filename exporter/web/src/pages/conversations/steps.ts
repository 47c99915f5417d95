/** What happened in a conversation, as one reads it: traces in order, in each what was said and done. */

import type { Schemas } from "../../core/client";
import { additions, type Message, messagesOf } from "../../core/messages";

export type Turn = Schemas["Turn"];

export type StepKind = "call" | "tool" | "frame";

export interface Step {
  turn: Turn;
  kind: StepKind;
  input: Message[];
  output: Message[];
}

export interface Exchange {
  trace: string;
  startNs: number;
  endNs: number;
  steps: Step[];
  cost: number;
  calls: number;
  failures: number;
}

const CALLS = new Set(["chat", "text_completion", "generate_content", "embeddings", "stt", "tts", "rerank"]);

/** An agent, a turn, a workflow are frames around calls of models and tools. */
export function kindOf(turn: Turn): StepKind {
  if (turn.operation === "execute_tool") return "tool";
  return CALLS.has(turn.operation ?? "") ? "call" : "frame";
}

const hasWords = ({ input, output }: { input: Message[]; output: Message[] }): boolean =>
  input.length + output.length > 0;

export function exchangesOf(turns: readonly Turn[]): Exchange[] {
  const told = turns.map((turn) => ({
    kind: kindOf(turn),
    trace: turn.trace_id ?? "",
    input: messagesOf(turn.input, "user"),
    output: messagesOf(turn.output, "assistant"),
  }));
  // An agent repeats what its calls of models tell.
  const spoken = new Set(told.filter((one) => one.kind === "call" && hasWords(one)).map(({ trace }) => trace));
  const said = additions(
    told.map((one) => (one.kind === "frame" && spoken.has(one.trace) ? { ...one, input: [], output: [] } : one)),
  );
  const found = new Map<string, Exchange>();
  turns.forEach((turn, at) => {
    const trace = turn.trace_id ?? "";
    const startNs = turn.start_ns ?? 0;
    const exchange = found.get(trace) ?? { trace, startNs, endNs: startNs, steps: [], cost: 0, calls: 0, failures: 0 };
    found.set(trace, exchange);
    const kind = told[at]?.kind ?? "frame";
    exchange.steps.push({ turn, kind, input: said[at]?.input ?? [], output: said[at]?.output ?? [] });
    exchange.endNs = Math.max(exchange.endNs, startNs + (turn.duration_ns ?? 0));
    exchange.cost += turn.cost_nanos ?? 0;
    exchange.calls += kind === "call" ? 1 : 0;
    exchange.failures += turn.error_type ? 1 : 0;
  });
  return [...found.values()];
}
