import { expect, test } from "vitest";

import type { Turn } from "./turns";
import { type TraceSpan, waterfall } from "./waterfall";

const span = (
  span_id: string,
  depth: number,
  operation: string | null,
  start_ns: number,
  duration_ns: number,
): TraceSpan => ({
  span_id,
  depth,
  operation,
  start_ns,
  duration_ns,
  name: span_id,
  status_code: "UNSET",
  is_running: false,
  error_type: null,
});
const TURN = {
  span_id: "turn",
  duration_ns: 1000,
  heard_silence_ns: 300,
  stt_latency_ns: 50,
  llm_time_to_first_token_ns: 100,
  tts_time_to_first_byte_ns: 60,
} as Turn;
const SPANS = [
  span("call", 0, null, 0, 5000),
  span("turn", 1, null, 2000, 1000),
  span("hear", 2, "stt", 2000, 300),
  span("think", 2, "chat", 2310, 150),
  span("look", 3, "execute_tool", 2320, 10),
  span("say", 2, "tts", 2490, 500),
  span("next", 1, null, 3000, 1000),
  span("hear again", 2, "stt", 3000, 100),
];

test("a turn's lanes are the spans below it, behind its beginning", () => {
  const { lanes } = waterfall(TURN, SPANS);
  expect(lanes.map((lane) => [lane.name, lane.kind, lane.depth, lane.offset_ns])).toEqual([
    ["hear", "stt", 0, 0],
    ["think", "llm", 0, 310],
    ["look", "tool", 1, 320],
    ["say", "tts", 0, 490],
  ]);
  expect(lanes.map((lane) => lane.first_ns)).toEqual([null, 410, null, 550]);
});

test("silence ends with the first audio", () => {
  expect(waterfall(TURN, SPANS).silence).toEqual({ from_ns: 250, to_ns: 550 });
});

test("where speech is unknown, the transcript says when the user stopped", () => {
  expect(waterfall(TURN, SPANS.slice(0, 3)).silence).toEqual({ from_ns: 250, to_ns: 550 });
  expect(waterfall({ ...TURN, heard_silence_ns: null }, SPANS).silence).toBeNull();
});

test("what still runs ends with the turn", () => {
  const running = { ...span("say", 2, "tts", 2490, 0), duration_ns: null, is_running: true };
  expect(waterfall(TURN, [...SPANS.slice(0, 2), running]).lanes[0]?.duration_ns).toBe(510);
});

test("a turn that is not in the trace has none", () => {
  expect(waterfall(TURN, []).lanes).toEqual([]);
});
