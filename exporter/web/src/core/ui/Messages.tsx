/** What was said to a model and by it: text as text, calls of tools and their answers set apart. */

import {
  IconBrain,
  IconCornerDownRight,
  IconFile,
  IconRobot,
  IconSettings,
  IconTool,
  IconUser,
  type Icon,
} from "@tabler/icons-react";
import { useState } from "react";

import { harmless } from "../format";
import type { Message, Part, PartKind } from "../messages";
import classes from "./Messages.module.css";
import { ShowAll } from "./ShowAll";
import { Copy } from "./Snippet";

const ROLES: Readonly<Record<string, Icon>> = {
  system: IconSettings,
  developer: IconSettings,
  user: IconUser,
  assistant: IconRobot,
  tool: IconTool,
};
const KINDS: Readonly<Record<Exclude<PartKind, "text">, readonly [string, Icon]>> = {
  reasoning: ["reasoning", IconBrain],
  "tool call": ["calls", IconTool],
  "tool answer": ["answer", IconCornerDownRight],
  media: ["file", IconFile],
  other: ["part", IconFile],
};
const LONG = 1_600;

export function Messages({ messages, label }: { messages: readonly Message[]; label: string }) {
  return (
    <ol className={classes["messages"]} aria-label={label}>
      {messages.map((message, at) => (
        <One key={at} message={message} />
      ))}
    </ol>
  );
}

function One({ message: { role, parts } }: { message: Message }) {
  const Sign = ROLES[role] ?? IconUser;
  return (
    <li className={classes["message"]} data-role={role}>
      <span className={classes["role"]}>
        <Sign size={14} aria-hidden />
        <span className="cut">{harmless(role)}</span>
      </span>
      <div className={classes["parts"]}>
        {parts.map((part, at) => (
          <Said key={at} part={part} />
        ))}
      </div>
    </li>
  );
}

function Said({ part }: { part: Part }) {
  const { kind, name } = part;
  const [isWhole, setWhole] = useState(false);
  const text = harmless(part.text);
  const isLong = text.length > LONG || text.split("\n").length > 24;
  if (kind === "text")
    return (
      <>
        <p className={`${classes["text"] ?? ""} ${isLong && !isWhole ? (classes["cutText"] ?? "") : ""}`}>{text}</p>
        {isLong && <ShowAll text={text} isWhole={isWhole} onWhole={setWhole} />}
      </>
    );
  const [word, Sign] = KINDS[kind];
  return (
    <div className={classes["box"]}>
      <div className={classes["head"]}>
        <Sign size={13} aria-hidden />
        <span className="cut">
          {word} {name !== undefined && <span className="mono">{harmless(name)}</span>}
        </span>
        <Copy text={part.text} />
      </div>
      {text !== "" && (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and must be reached by keyboard
        <pre className={classes["code"]} tabIndex={0} role="region" aria-label={`${word} ${name ?? ""}`.trim()}>
          {text}
        </pre>
      )}
    </div>
  );
}
