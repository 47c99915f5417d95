/** Prompts and completions, as the conventions of OpenTelemetry, OpenAI, Anthropic and others write them down. */

export type PartKind = "text" | "reasoning" | "tool call" | "tool answer" | "media" | "other";

export interface Part {
  kind: PartKind;
  text: string;
  /** Of the tool, or of the file. */
  name?: string;
}

export interface Message {
  role: string;
  parts: Part[];
}

type Known = Readonly<Record<string, unknown>>;

/** The messages of a text in JSON, or the text as one message of `role`; none where nothing was captured. */
export function messagesOf(told: unknown, role: string): Message[] {
  if (told === null || told === undefined || told === "") return [];
  const read = typeof told === "string" ? parsed(told) : told;
  const all = Array.isArray(read) ? (read as unknown[]) : [read];
  const isParts = all.length > 0 && all.every((one) => isKnown(one) && "type" in one && !("role" in one));
  const messages = isParts
    ? [{ role, parts: all.flatMap(partsOf) }]
    : all.map((one) =>
        isKnown(one) ? messageOf(one, role) : { role, parts: [{ kind: "text" as const, text: text(one) }] },
      );
  return messages.filter(({ parts }) => parts.length > 0);
}

function messageOf(one: Known, role: string): Message {
  if (!["role", "parts", "content", "tool_calls"].some((key) => key in one))
    return { role, parts: [{ kind: "text", text: text(one) }] };
  const inside = Array.isArray(one["parts"]) ? one["parts"] : one["content"];
  const parts = Array.isArray(inside) ? inside.flatMap(partsOf) : partsOf(inside);
  const calls = Array.isArray(one["tool_calls"]) ? one["tool_calls"].flatMap(calledBy) : [];
  const own = typeof one["role"] === "string" ? one["role"] : role;
  const all = [...parts, ...calls];
  // OpenAI's answer of a tool is a text whose role says what it is.
  return { role: own, parts: own === "tool" ? all.map((part) => asAnswer(part, one["name"])) : all };
}

const asAnswer = (part: Part, name: unknown): Part =>
  part.kind === "text" ? { ...part, kind: "tool answer", ...named(name) } : part;

function partsOf(one: unknown): Part[] {
  if (one === null || one === undefined || one === "") return [];
  if (!isKnown(one)) return [{ kind: "text", text: text(one) }];
  const type = typeof one["type"] === "string" ? one["type"] : "text";
  const inside = one["content"] ?? one["text"];
  switch (type) {
    case "text":
    case "input_text":
    case "output_text":
      return inside === null || inside === undefined || inside === "" ? [] : [{ kind: "text", text: text(inside) }];
    case "reasoning":
    case "thinking":
      return [{ kind: "reasoning", text: text(inside ?? one["thinking"] ?? "") }];
    case "tool_call":
    case "tool_use":
    case "function":
      return calledBy(one);
    case "tool_call_response":
    case "tool_result":
      return [
        {
          kind: "tool answer",
          text: text(one["response"] ?? one["result"] ?? inside ?? ""),
          ...named(one["name"] ?? one["id"]),
        },
      ];
    case "blob":
    case "uri":
    case "file":
    case "image":
    case "image_url":
    case "input_audio":
      return [{ kind: "media", text: text(one["mime_type"] ?? one["modality"] ?? type), ...named(one["uri"]) }];
    default:
      return [{ kind: "other", text: text(one) }];
  }
}

function calledBy(one: unknown): Part[] {
  if (!isKnown(one)) return [];
  const called = isKnown(one["function"]) ? one["function"] : one;
  const told = called["arguments"] ?? called["input"] ?? "";
  return [{ kind: "tool call", text: text(told), ...named(called["name"]) }];
}

const isKnown = (one: unknown): one is Known => typeof one === "object" && one !== null && !Array.isArray(one);
const named = (name: unknown): { name?: string } => (typeof name === "string" && name !== "" ? { name } : {});
const text = (one: unknown): string => (typeof one === "string" ? one : JSON.stringify(one, null, 2));

function parsed(told: string): unknown {
  try {
    return JSON.parse(told);
  } catch {
    return told;
  }
}

/** What makes two messages the same. */
export const sameness = ({ role, parts }: Message): string => JSON.stringify([role, parts]);

/**
 * What each call of a conversation adds to it: programs send what was said before along with each call.
 * A message is known as often as it was said: in the trace, or in all where the call tells what was answered before.
 */
export function additions(calls: readonly { trace: string; input: Message[]; output: Message[] }[]): {
  input: Message[];
  output: Message[];
}[] {
  const everywhere = new Map<string, number>();
  const within = new Map<string, Map<string, number>>();
  return calls.map(({ trace, input, output }) => {
    const here = within.get(trace) ?? new Map<string, number>();
    within.set(trace, here);
    const known = input.some(({ role }) => role === "assistant") ? everywhere : here;
    const left = new Map(known);
    const fresh = input.filter((message) => {
      const key = sameness(message);
      const times = left.get(key) ?? 0;
      left.set(key, times - 1);
      return times <= 0 && !(message.role === "system" && everywhere.has(key));
    });
    for (const message of [...fresh, ...output]) {
      const key = sameness(message);
      everywhere.set(key, (everywhere.get(key) ?? 0) + 1);
      here.set(key, (here.get(key) ?? 0) + 1);
    }
    return { input: fresh, output };
  });
}
