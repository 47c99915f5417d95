/** What happened in one turn, in time: of the spans of its trace those below it. */

import type { Schemas } from "../../core/client";
import type { Turn } from "./turns";

export type TraceSpan = Pick<
  Schemas["Placed"],
  "depth" | "span_id" | "name" | "start_ns" | "duration_ns" | "is_running" | "operation" | "status_code" | "error_type"
>;

export interface Lane {
  span_id: string;
  name: string;
  kind: "stt" | "llm" | "tts" | "tool" | "other";
  depth: number;
  /** Behind the beginning of the turn. */
  offset_ns: number;
  duration_ns: number;
  is_running: boolean;
  failed: boolean;
  /** When its first result was there, behind the beginning of the turn. */
  first_ns: number | null;
}

export interface Waterfall {
  lanes: readonly Lane[];
  length_ns: number;
  /** From the user's last audio to the agent's first, behind the beginning of the turn. */
  silence: { from_ns: number; to_ns: number } | null;
}

const KINDS: Readonly<Record<string, Lane["kind"]>> = {
  stt: "stt",
  tts: "tts",
  chat: "llm",
  text_completion: "llm",
  generate_content: "llm",
  execute_tool: "tool",
};

/** `spans` are each behind its parent, as /api/traces has them. */
export function waterfall(turn: Turn, spans: readonly TraceSpan[]): Waterfall {
  const at = spans.findIndex((span) => span.span_id === turn.span_id);
  const own = spans[at];
  if (own === undefined) return { lanes: [], length_ns: Math.max(turn.duration_ns, 1), silence: null };
  const rest = spans.slice(at + 1);
  const end = rest.findIndex((span) => span.depth <= own.depth);
  const inside = end === -1 ? rest : rest.slice(0, end);
  const length = Math.max(turn.duration_ns, 1);
  const lanes = inside.map((span): Lane => {
    const offset = span.start_ns - own.start_ns;
    return {
      span_id: span.span_id ?? "",
      name: span.name,
      kind: KINDS[span.operation ?? ""] ?? "other",
      depth: span.depth - own.depth - 1,
      offset_ns: offset,
      duration_ns: span.duration_ns ?? Math.max(length - offset, 0),
      is_running: span.is_running,
      failed: span.status_code === "ERROR" || span.error_type !== null,
      first_ns: null,
    };
  });
  const first = (kind: Lane["kind"], behind_ns: number | null): void => {
    const lane = lanes.find((one) => one.kind === kind);
    if (lane !== undefined && behind_ns !== null) lane.first_ns = lane.offset_ns + behind_ns;
  };
  first("llm", turn.llm_time_to_first_token_ns);
  first("tts", turn.tts_time_to_first_byte_ns);
  return { lanes, length_ns: length, silence: silenceOf(turn, lanes) };
}

/** The first audio goes out when speech has its first byte; where that is unknown, the transcript tells when the user stopped. */
function silenceOf(turn: Turn, lanes: readonly Lane[]): Waterfall["silence"] {
  const { heard_silence_ns: heard, stt_latency_ns: late } = turn;
  if (heard === null) return null;
  const spoken = lanes.find((lane) => lane.kind === "tts")?.first_ns ?? null;
  if (spoken !== null) return { from_ns: Math.max(spoken - heard, 0), to_ns: spoken };
  const transcribed = lanes.find((lane) => lane.kind === "stt");
  if (transcribed === undefined || late === null) return null;
  const stopped = Math.max(transcribed.offset_ns + transcribed.duration_ns - late, 0);
  return { from_ns: stopped, to_ns: stopped + heard };
}
