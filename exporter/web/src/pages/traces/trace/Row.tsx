/** One span of the tree: its name with what it is, and its numbers. Where it ran is drawn behind by `Bars`. */

import {
  IconChevronDown,
  IconChevronRight,
  IconExclamationCircle,
  IconLoader2,
  IconMicrophone,
  IconPointFilled,
  IconRobot,
  IconRoute,
  IconSearch,
  IconSparkles,
  IconTool,
  IconVolume,
  type Icon,
} from "@tabler/icons-react";
import { memo } from "react";

import { count, duration, harmless, usd } from "../../../core/format";
import { isFailed, type Placed } from "./outline";
import classes from "./Tree.module.css";

const SIGNS: Readonly<Record<string, readonly [Icon, string]>> = {
  chat: [IconSparkles, "LLM call"],
  text_completion: [IconSparkles, "LLM call"],
  generate_content: [IconSparkles, "LLM call"],
  embeddings: [IconSparkles, "Embeddings"],
  invoke_agent: [IconRobot, "Agent run"],
  create_agent: [IconRobot, "Agent"],
  execute_tool: [IconTool, "Tool call"],
  retrieval: [IconSearch, "Retrieval"],
  invoke_workflow: [IconRoute, "Workflow run"],
  stt: [IconMicrophone, "Speech to text"],
  tts: [IconVolume, "Text to speech"],
};
const INDENT_PX = 14;
const DEEPEST = 18;

export interface RowProps {
  id: string;
  span: Placed;
  row: number;
  top: number;
  color: string;
  /** Told where a trace has several. */
  service: string | null;
  /** Null where nothing is below. */
  isFolded: boolean | null;
  below: number;
  isActive: boolean;
  isOpen: boolean;
  isFound: boolean;
  isFaint: boolean;
}

export const Row = memo(function Row(props: RowProps) {
  const { id, span, row, top, color, service, isFolded, below, isActive, isOpen, isFound, isFaint } = props;
  const [Sign, kind] = SIGNS[span.operation ?? ""] ?? [IconPointFilled, span.kind.toLowerCase()];
  const name = harmless(span.name === "" ? "(no name)" : span.name);
  return (
    <div
      id={id}
      role="row"
      aria-level={span.depth + 1}
      aria-rowindex={row + 2}
      aria-expanded={isFolded === null ? undefined : !isFolded}
      aria-selected={isOpen}
      data-row={row}
      data-active={isActive || undefined}
      data-open={isOpen || undefined}
      data-found={isFound || undefined}
      data-faint={isFaint || undefined}
      className={classes["row"]}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div
        role="gridcell"
        className={classes["name"]}
        style={{ paddingLeft: 8 + Math.min(span.depth, DEEPEST) * INDENT_PX }}
      >
        <span className={classes["fold"]} data-fold={isFolded === null ? undefined : row}>
          {isFolded === true && <IconChevronRight size={14} aria-hidden />}
          {isFolded === false && <IconChevronDown size={14} aria-hidden />}
        </span>
        <span className={classes["edge"]} style={{ background: color }} />
        <Sign size={14} stroke={1.7} className={classes["sign"]} aria-hidden />
        <span className="unseen">{kind}</span>
        {isFailed(span) && (
          <>
            <IconExclamationCircle size={14} className="bad" aria-hidden />
            <span className="unseen">failed</span>
          </>
        )}
        {span.is_running && (
          <>
            <IconLoader2 size={14} className={classes["running"]} aria-hidden />
            <span className="unseen">running</span>
          </>
        )}
        <span className={`cut ${classes["text"] ?? ""}`} title={name}>
          {name}
        </span>
        {isFolded === true && <span className={classes["below"]}>+{count(below)}</span>}
        {service !== null && <span className={`cut ${classes["service"] ?? ""}`}>{harmless(service)}</span>}
      </div>
      <div role="gridcell" className={classes["number"]}>
        {span.is_running ? "running" : duration(span.duration_ns)}
      </div>
      <div role="gridcell" className={classes["number"]} data-from="self">
        {duration(span.self_ns)}
      </div>
      <div role="gridcell" className={classes["number"]} data-from="tokens">
        {span.total_tokens > 0 ? count(span.total_tokens) : ""}
      </div>
      <div role="gridcell" className={classes["number"]} data-from="cost">
        {span.total_cost_nanos > 0 ? usd(span.total_cost_nanos) : ""}
      </div>
      <div role="gridcell" className={classes["bar"]} data-bar />
    </div>
  );
});
