import { describe, expect, it } from "vitest";

import { exchangesOf, type Turn } from "./steps";

const turn = (trace: string, at: number, known: Partial<Turn>): Turn => ({
  trace_id: trace,
  span_id: `${trace}${at}`,
  start_ns: at,
  duration_ns: 5,
  name: "x",
  ...known,
});
const said = (role: string, content: string): object => ({ role, parts: [{ type: "text", content }] });

describe("exchangesOf", () => {
  it("puts the steps of a trace together, each with what it added", () => {
    const question = said("user", "?");
    const [first, second] = exchangesOf([
      turn("a", 0, { operation: "invoke_agent", input: JSON.stringify([question]) }),
      turn("a", 1, { operation: "chat", input: JSON.stringify([question]), cost_nanos: 3 }),
      turn("a", 2, { operation: "execute_tool", tool: "look", error_type: "Gone" }),
      turn("a", 3, {
        operation: "chat",
        input: JSON.stringify([question]),
        output: JSON.stringify([said("assistant", "!")]),
        cost_nanos: 4,
      }),
      turn("b", 10, { operation: "stt" }),
    ]);
    expect(first?.steps.map(({ kind, input, output }) => [kind, input.length, output.length])).toEqual([
      ["frame", 0, 0],
      ["call", 1, 0],
      ["tool", 0, 0],
      ["call", 0, 1],
    ]);
    expect([first?.cost, first?.calls, first?.failures, first?.startNs, first?.endNs]).toEqual([7, 2, 1, 0, 8]);
    expect(second?.calls).toBe(1);
  });

  it("shows what an agent tells where its calls of models tell nothing", () => {
    const [exchange] = exchangesOf([
      turn("a", 0, { operation: "invoke_agent", input: JSON.stringify([said("user", "?")]) }),
      turn("a", 1, { operation: "chat" }),
    ]);
    expect(exchange?.steps.map(({ input }) => input.length)).toEqual([1, 0]);
  });
});
