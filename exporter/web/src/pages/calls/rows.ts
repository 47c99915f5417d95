/** A row of /api/llm-calls, as far as the pages show it; the API describes it as an object of columns. */

export interface CallRow {
  trace_id: string;
  span_id: string;
  start_time: string;
  duration_ns: number;
  service_name: string | null;
  provider: string | null;
  operation: string | null;
  model: string | null;
  tokens_input: number | null;
  tokens_output: number | null;
  tokens_cache_read: number | null;
  time_to_first_chunk_ns: number | null;
  cost_nanos: number | null;
  unpriced: string | null;
  failed: boolean;
  error_type: string | null;
  agent_name: string | null;
  workflow_name: string | null;
  workflow_run_id: string | null;
  conversation_id: string | null;
  user_id: string | null;
}

/** One call, with what only /api/llm-calls/{span} has. */
export interface WholeCall extends CallRow {
  tenant_id: string | null;
  response_model: string | null;
  response_id: string | null;
  session_id: string | null;
  step_key: string | null;
  finish_reasons: string[] | null;
  status_message: string | null;
  scope_name: string | null;
  tokens_cache_write: number | null;
  tokens_reasoning: number | null;
  speech_seconds: number | null;
  speech_characters: number | null;
  input_messages: string | null;
  output_messages: string | null;
  system_instructions: string | null;
  attributes: Record<string, string> | null;
}

export const startNs = (row: { start_time: string }): number => Date.parse(row.start_time) * 1e6;

/** Where a call is shown. */
export const callPath = (row: { span_id: string; trace_id: string }): string =>
  `/calls/${encodeURIComponent(row.span_id)}?trace=${encodeURIComponent(row.trace_id)}`;

/** Where a span is shown, in its trace. */
export const spanPath = (row: { span_id: string; trace_id: string }): string =>
  `/traces/${encodeURIComponent(row.trace_id)}?span=${encodeURIComponent(row.span_id)}`;

/** The name of an error without the module that it is from. */
export const shortError = (name: string): string => name.replace(/^(?:[\w$]+\.)+(?=\w)/, "");
