import { describe, expect, it } from "vitest";

import { additions, type Message, messagesOf } from "./messages";

const said = (role: string, text: string): Message => ({ role, parts: [{ kind: "text", text }] });

describe("messagesOf", () => {
  it("reads OpenTelemetry's parts", () => {
    const told = JSON.stringify([
      { role: "user", parts: [{ type: "text", content: "hi" }] },
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "hm" },
          { type: "tool_call", id: "1", name: "look", arguments: { id: 7 } },
        ],
      },
      { role: "tool", parts: [{ type: "tool_call_response", id: "1", response: "found" }] },
    ]);
    expect(messagesOf(told, "user")).toEqual([
      said("user", "hi"),
      {
        role: "assistant",
        parts: [
          { kind: "reasoning", text: "hm" },
          { kind: "tool call", text: '{\n  "id": 7\n}', name: "look" },
        ],
      },
      { role: "tool", parts: [{ kind: "tool answer", text: "found", name: "1" }] },
    ]);
  });

  it("reads OpenAI's contents and calls of tools", () => {
    const told = [
      { role: "user", content: [{ type: "text", text: "hi" }] },
      { role: "assistant", content: null, tool_calls: [{ function: { name: "look", arguments: "{}" } }] },
      { role: "tool", content: "found" },
    ];
    expect(messagesOf(told, "user")).toEqual([
      said("user", "hi"),
      { role: "assistant", parts: [{ kind: "tool call", text: "{}", name: "look" }] },
      { role: "tool", parts: [{ kind: "tool answer", text: "found" }] },
    ]);
  });

  it("takes what is no JSON as it is", () => {
    expect(messagesOf("[half", "user")).toEqual([said("user", "[half")]);
    expect(messagesOf("17", "user")).toEqual([said("user", "17")]);
  });

  it("finds nothing where nothing was captured", () => {
    expect(messagesOf('[{"role":"user","parts":[{"type":"text","content":null}]}]', "user")).toEqual([]);
    expect(messagesOf(null, "user")).toEqual([]);
    expect(messagesOf("[]", "user")).toEqual([]);
  });

  it("reads instructions, which are parts without a role", () => {
    expect(messagesOf('[{"type":"text","content":"be kind"}]', "system")).toEqual([said("system", "be kind")]);
  });
});

describe("additions", () => {
  const [ask, answer, again] = [said("user", "?"), said("assistant", "!"), said("user", "and?")];

  it("leaves out what was said before", () => {
    const found = additions([
      { trace: "a", input: [ask], output: [answer] },
      { trace: "b", input: [ask, answer, again], output: [answer] },
    ]);
    expect(found.map(({ input }) => input)).toEqual([[ask], [again]]);
  });

  it("keeps what is said once more", () => {
    const found = additions([
      { trace: "a", input: [ask], output: [answer] },
      { trace: "b", input: [ask], output: [answer] },
      { trace: "c", input: [ask, answer, ask, answer, ask], output: [answer] },
    ]);
    expect(found.map(({ input }) => input)).toEqual([[ask], [ask], [ask]]);
  });

  it("tells of the same instructions once", () => {
    const system = said("system", "be kind");
    const found = additions([
      { trace: "a", input: [system, ask], output: [] },
      { trace: "b", input: [system, again], output: [] },
    ]);
    expect(found.map(({ input }) => input)).toEqual([[system, ask], [again]]);
  });
});
