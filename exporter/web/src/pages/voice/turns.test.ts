import { expect, test } from "vitest";

import { heightOf, partsOf, percentile, summary, thresholdNs, type Turn } from "./turns";

const turn = (over: Partial<Turn>): Turn => ({
  trace_id: "t",
  span_id: "s",
  start_time: "2026-11-22T10:00:00Z",
  duration_ns: 5e9,
  service_name: null,
  call_id: "c",
  turn_number: 1,
  heard_silence_ns: null,
  stt_latency_ns: null,
  llm_time_to_first_token_ns: null,
  tts_time_to_first_byte_ns: null,
  interrupted: null,
  objective: null,
  outcome: null,
  failure_reason: null,
  failed: false,
  error_type: null,
  conversation_id: null,
  user_id: null,
  cost_usd: null,
  ...over,
});
const SAID = { stt_latency_ns: 300, llm_time_to_first_token_ns: 400, tts_time_to_first_byte_ns: 200 };

test("what no part explains is other, and the stack is as high as the silence", () => {
  const whole = turn({ ...SAID, heard_silence_ns: 1000 });
  expect(partsOf(whole).map(({ key, ns }) => [key, ns])).toEqual([
    ["stt", 300],
    ["llm", 400],
    ["tts", 200],
    ["other", 100],
  ]);
  expect(heightOf(whole)).toBe(1000);
});

test("parts that overlap do not come to more than the silence", () => {
  expect(heightOf(turn({ ...SAID, heard_silence_ns: 600 }))).toBe(600);
});

test("where nobody says what was heard, the parts are all that is known", () => {
  expect(heightOf(turn(SAID))).toBe(900);
  expect(partsOf(turn({}))).toEqual([]);
});

test("percentiles are by nearest rank, of what is known", () => {
  expect(percentile([3, null, 1, 2, 4], 0.5)).toBe(2);
  expect(percentile([3, 1, 2, 4], 0.95)).toBe(4);
  expect(percentile([7], 0.5)).toBe(7);
  expect(percentile([null], 0.5)).toBeNull();
});

test("turns are counted, and calls once each", () => {
  const turns = [
    turn({ cost_usd: 0.01, interrupted: true }),
    turn({ failed: true }),
    turn({ call_id: "d", cost_usd: 0.02 }),
  ];
  expect(summary(turns)).toEqual({ turns: 3, calls: 2, failed: 1, interrupted: 1, cost_nanos: 0.03 * 1e9 });
  expect(summary([turn({})]).cost_nanos).toBeNull();
});

test.each([
  ["800ms", 800e6],
  ["1.5s", 1.5e9],
  ["$0.20", null],
  [5, null],
  [undefined, null],
])("a threshold: %s", (text, ns) => {
  expect(thresholdNs(text)).toBe(ns);
});
