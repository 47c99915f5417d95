/** Rows as these pages read them: whole, since they ask for no `fields`. */

import type { Schemas } from "../../core/client";

export type Run = Required<Schemas["Run"]>;
export type Step = Required<Schemas["Step"]>;
export type Bar = Schemas["Bar"];
export type Workflow = Required<Schemas["Workflow"]>;
export type Called = Required<Schemas["Called"]>;
export type CalledThen = Required<Schemas["CalledThen"]>;
export type Edge = Required<Schemas["Edge"]>;

/** What rows of spans have in common. */
export interface SpanRow {
  trace_id: string;
  span_id: string;
  start_time: string;
  duration_ns: number;
  service_name: string | null;
  failed: boolean;
  error_type: string | null;
  conversation_id: string | null;
  user_id: string | null;
  workflow_name: string | null;
  workflow_run_id: string | null;
  step_key: string | null;
}

export interface AgentRun extends SpanRow {
  agent_name: string;
  model: string | null;
  provider: string | null;
}

export interface ToolCall extends SpanRow {
  tool_name: string;
  tool_type: string | null;
  agent_name: string | null;
}

export interface Call extends SpanRow {
  provider: string | null;
  model: string | null;
  tokens_input: number | null;
  tokens_output: number | null;
  cost_nanos: number | null;
}

/** The items of an answer: the types of the API make all columns optional, or do not know them. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a cast with a name
export function rowsOf<Row>(answer: { items: readonly object[] } | undefined): readonly Row[] | undefined {
  return answer?.items as readonly Row[] | undefined;
}

/** Unix nanoseconds of RFC 3339. */
export const nanos = (time: string): number => Date.parse(time) * 1e6;
