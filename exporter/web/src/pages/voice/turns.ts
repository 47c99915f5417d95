/** Voice turns: where the silence that a caller heard went, and what many turns come to. */

export interface Turn {
  trace_id: string;
  span_id: string;
  start_time: string;
  duration_ns: number;
  service_name: string | null;
  call_id: string;
  turn_number: number | null;
  heard_silence_ns: number | null;
  stt_latency_ns: number | null;
  llm_time_to_first_token_ns: number | null;
  tts_time_to_first_byte_ns: number | null;
  interrupted: boolean | null;
  objective: string | null;
  outcome: string | null;
  failure_reason: string | null;
  failed: boolean;
  error_type: string | null;
  conversation_id: string | null;
  user_id: string | null;
  cost_usd: number | null;
}

export type PartKey = "stt" | "llm" | "tts" | "other";

export interface Part {
  key: PartKey;
  ns: number;
}

/** What each part is called, in the order in which they are stacked. */
export const PARTS: Readonly<Record<PartKey, string>> = {
  stt: "Speech to text",
  llm: "LLM, first token",
  tts: "Text to speech, first byte",
  other: "Other: tools, waiting",
};

/** The parts that are known, and what is left of the silence; they do not come to more than the silence, if that is known. */
export function partsOf(turn: Turn): Part[] {
  const known: [PartKey, number | null][] = [
    ["stt", turn.stt_latency_ns],
    ["llm", turn.llm_time_to_first_token_ns],
    ["tts", turn.tts_time_to_first_byte_ns],
  ];
  let left = turn.heard_silence_ns ?? Infinity;
  const parts: Part[] = [];
  for (const [key, value] of known) {
    const ns = Math.min(Math.max(value ?? 0, 0), left);
    left -= ns;
    if (ns > 0) parts.push({ key, ns });
  }
  if (Number.isFinite(left) && left > 0) parts.push({ key: "other", ns: left });
  return parts;
}

/** How high the stack is. */
export const heightOf = (turn: Turn): number => partsOf(turn).reduce((sum, part) => sum + part.ns, 0);

/** By nearest rank, as the server has it; null of nothing. */
export function percentile(values: readonly (number | null)[], share: number): number | null {
  const sorted = values.filter((value) => value !== null).sort((one, other) => one - other);
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? null;
}

export interface Summary {
  turns: number;
  calls: number;
  failed: number;
  interrupted: number;
  /** Null where no turn says its cost. */
  cost_nanos: number | null;
}

export function summary(turns: readonly Turn[]): Summary {
  const costs = turns.map((turn) => turn.cost_usd).filter((cost) => cost !== null);
  return {
    turns: turns.length,
    calls: new Set(turns.map((turn) => turn.call_id)).size,
    failed: turns.filter((turn) => turn.failed).length,
    interrupted: turns.filter((turn) => turn.interrupted === true).length,
    cost_nanos: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0) * 1e9,
  };
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3_600e9 };

/** Nanoseconds of a threshold as rules write it: `800ms`, `1.5s`; null for what is none. */
export function thresholdNs(text: unknown): number | null {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-zµ]+)\s*$/.exec(typeof text === "string" ? text : "") ?? [];
  const size = UNITS[unit ?? ""];
  return number === undefined || size === undefined ? null : Number(number) * size;
}
