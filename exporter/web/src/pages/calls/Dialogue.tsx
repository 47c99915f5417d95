/** Prompt and completion of a call, or how to have them kept. */

import { harmless } from "../../core/format";
import { messagesOf } from "../../core/messages";
import { Empty } from "../../core/ui/Empty";
import { Messages } from "../../core/ui/Messages";
import { Panel } from "../../core/ui/Page";
import type { WholeCall } from "./rows";
import { CAPTURE } from "./start";

const SPOKEN = new Set(["stt", "tts"]);

export function Dialogue({ call }: { call: WholeCall }) {
  const instructions = messagesOf(call.system_instructions, "system");
  const input = [...instructions, ...messagesOf(call.input_messages, "user")];
  const output = messagesOf(call.output_messages, "assistant");
  if (input.length === 0 && output.length === 0)
    return (
      <Panel title="Prompt and completion">
        <Empty title="Not captured" snippet={CAPTURE}>
          {SPOKEN.has(call.operation ?? "") ? "Speech is not text. " : ""}
          Prompts and completions stay in the program unless it is told to send them. Secrets are masked before.
        </Empty>
      </Panel>
    );
  return (
    <>
      <Panel title="Prompt">
        {input.length === 0 ? (
          <p className="quiet">It was not captured.</p>
        ) : (
          <Messages messages={input} label="Prompt" />
        )}
      </Panel>
      <Panel title="Completion">
        {output.length === 0 ? <p className="quiet">{why(call)}</p> : <Messages messages={output} label="Completion" />}
      </Panel>
    </>
  );
}

function why(call: WholeCall): string {
  if (call.failed) return "The call failed before there was any.";
  const reasons = call.finish_reasons ?? [];
  if (reasons.length > 0) return `No text was captured; the model stopped for ${harmless(reasons.join(", "))}.`;
  return "It was not captured.";
}
