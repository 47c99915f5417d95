/** Percentiles of the parts of turns: of all turns of the time as the server knows them, or of those that are at hand. */

import type { Schemas } from "../../core/client";
import { PARTS as PARTS_OF_SILENCE, percentile, type Turn } from "./turns";

export type Latency = Required<Schemas["Latency"]>;

export interface Component {
  name: string;
  /** What it measures. */
  says: string;
  count: number;
  p50_ns: number | null;
  p95_ns: number | null;
  p99_ns: number | null;
  max_ns: number | null;
}

const PARTS: readonly (readonly [component: string, name: string, says: string, of: (turn: Turn) => number | null])[] =
  [
    [
      "voice heard silence",
      "Heard silence",
      "from the caller's last word to the first audio",
      (turn) => turn.heard_silence_ns,
    ],
    ["voice stt latency", PARTS_OF_SILENCE.stt, "from the last word to the transcript", (turn) => turn.stt_latency_ns],
    [
      "voice llm time to first token",
      PARTS_OF_SILENCE.llm,
      "from the request to the first token",
      (turn) => turn.llm_time_to_first_token_ns,
    ],
    [
      "voice tts time to first byte",
      PARTS_OF_SILENCE.tts,
      "from the request to the first byte of audio",
      (turn) => turn.tts_time_to_first_byte_ns,
    ],
  ];
const WHOLE: readonly (readonly [component: string, name: string, says: string])[] = [
  ["voice_turn", "Whole turn", "both speak"],
  ["voice_call", "Whole call", "from ringing to the end"],
];

/** As /api/latency has them. */
export function ofServer(rows: readonly Latency[]): Component[] {
  const all = [...PARTS.map(([component, name, says]) => [component, name, says] as const), ...WHOLE];
  return all.flatMap(([component, name, says]) => {
    const row = rows.find((one) => one.component === component);
    return row === undefined ? [] : [{ ...row, name, says }];
  });
}

/** The same of some turns. */
export const ofTurns = (turns: readonly Turn[]): Component[] =>
  PARTS.flatMap(([, name, says, of]) => {
    const values = turns.map(of).filter((value) => value !== null);
    if (values.length === 0) return [];
    return [
      {
        name,
        says,
        count: values.length,
        p50_ns: percentile(values, 0.5),
        p95_ns: percentile(values, 0.95),
        p99_ns: percentile(values, 0.99),
        max_ns: Math.max(...values),
      },
    ];
  });
