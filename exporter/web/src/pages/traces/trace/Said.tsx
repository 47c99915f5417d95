/** What a call of a model or a tool was given, and what it answered, where that was captured. */

import { useAsk } from "../../../core/ask";
import { messagesOf } from "../../../core/messages";
import { Failure } from "../../../core/ui/Failure";
import { Loading } from "../../../core/ui/Loading";
import { Messages } from "../../../core/ui/Messages";
import { Snippet } from "../../../core/ui/Snippet";
import { CAPTURE } from "../../calls/start";
import classes from "./Pane.module.css";
import type { Attributes } from "./whole";

export function CallSaid({ trace, span }: { trace: string; span: string }) {
  const { data, error, again } = useAsk("/api/llm-calls/{span}", { path: { span }, query: { trace } });
  if (error !== null) return <Failure error={error} again={again} />;
  if (data === undefined) return <Loading height={160} />;
  const input = [...messagesOf(data["system_instructions"], "system"), ...messagesOf(data["input_messages"], "user")];
  const output = messagesOf(data["output_messages"], "assistant");
  if (input.length + output.length === 0)
    return (
      <div className={classes["part"]}>
        <p className={classes["none"]}>
          Prompt and completion were not captured. They stay in the program unless it is told to send them; secrets are
          masked before.
        </p>
        <Snippet text={CAPTURE} />
      </div>
    );
  return (
    <>
      <Said title="Prompt" messages={input} />
      <Said title="Completion" messages={output} />
    </>
  );
}

export function ToolSaid({ attributes }: { attributes: Attributes }) {
  const name = attributes["gen_ai.tool.name"] ?? "";
  const given = attributes["gen_ai.tool.call.arguments"] ?? attributes["tool.parameters"] ?? "";
  const answered = attributes["gen_ai.tool.call.result"] ?? "";
  if (given === "" && answered === "")
    return <p className={classes["none"]}>Arguments and result of the tool were not captured.</p>;
  const parts = [
    { kind: "tool call" as const, text: given, name },
    { kind: "tool answer" as const, text: answered, name },
  ].filter(({ text }) => text !== "");
  return <Said title="Arguments and result" messages={[{ role: "tool", parts }]} />;
}

function Said({ title, messages }: { title: string; messages: ReturnType<typeof messagesOf> }) {
  return (
    <section className={classes["part"]} aria-label={title}>
      <div className={classes["partHead"]}>
        <h3>{title}</h3>
      </div>
      {messages.length === 0 ? (
        <p className={classes["none"]}>Not captured.</p>
      ) : (
        <Messages messages={messages} label={title} />
      )}
    </section>
  );
}
