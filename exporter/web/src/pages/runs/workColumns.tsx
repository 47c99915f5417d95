/** Columns of lists of spans: agent runs, tool calls, LLM calls; and what runs of workflows have like them. */

import { count, duration, usd } from "../../core/format";
import { Sent } from "../../core/ui/Sent";
import { Status } from "../../core/ui/Status";
import type { Column } from "../../core/ui/Table";
import { ErrorName, When, WHEN_WIDTH } from "./cells";
import { type AgentRun, type Call, nanos, type SpanRow, type ToolCall } from "./rows";

const BEGAN: Column<SpanRow> = {
  key: "began",
  title: "Began",
  width: WHEN_WIDTH,
  cell: (row) => <When ns={nanos(row.start_time)} />,
  sort: (row) => row.start_time,
};
const STATUS: Column<SpanRow> = {
  key: "status",
  title: "Status",
  width: "96px",
  cell: (row) => <Status state={row.failed ? "failed" : "ok"} />,
  sort: (row) => Number(row.failed),
};
export const DURATION: Column<{ duration_ns: number | null }> = {
  key: "duration",
  title: "Duration",
  align: "right",
  width: "clamp(76px, 68px + 2vw, 96px)",
  cell: (row) => duration(row.duration_ns),
  sort: (row) => row.duration_ns,
};
export const ERROR: Column<{ error_type: string | null }> = {
  key: "error",
  title: "Error",
  from: 768,
  cell: (row) => <ErrorName type={row.error_type} />,
  sort: (row) => row.error_type,
};
const WORKFLOW: Column<SpanRow> = {
  key: "workflow",
  title: "Workflow",
  from: 1200,
  cell: (row) => <Sent text={row.workflow_name} isQuiet />,
  sort: (row) => row.workflow_name,
};
export const SERVICE: Column<{ service_name: string | null }> = {
  key: "service",
  title: "Service",
  width: "130px",
  from: 1200,
  cell: (row) => <Sent text={row.service_name} isQuiet />,
  sort: (row) => row.service_name,
};
export const USER: Column<{ user_id: string | null }> = {
  key: "user",
  title: "User",
  width: "110px",
  from: 1200,
  cell: (row) => <Sent text={row.user_id} isQuiet />,
  sort: (row) => row.user_id,
};

export const AGENT_COLUMNS: readonly Column<AgentRun>[] = [
  BEGAN,
  { key: "agent", title: "Agent", cell: (row) => <Sent text={row.agent_name} />, sort: (row) => row.agent_name },
  STATUS,
  DURATION,
  ERROR,
  WORKFLOW,
  SERVICE,
  USER,
];

export const TOOL_COLUMNS: readonly Column<ToolCall>[] = [
  BEGAN,
  { key: "tool", title: "Tool", cell: (row) => <Sent text={row.tool_name} />, sort: (row) => row.tool_name },
  STATUS,
  DURATION,
  ERROR,
  {
    key: "agent",
    title: "Agent",
    from: 768,
    cell: (row) => <Sent text={row.agent_name} isQuiet />,
    sort: (row) => row.agent_name,
  },
  WORKFLOW,
  SERVICE,
];

const STEP: Column<SpanRow> = {
  key: "step",
  title: "Step",
  from: 768,
  cell: (row) => <Sent text={row.step_key} isQuiet />,
  sort: (row) => row.step_key,
};

/** In a run's own page: what its workflow is goes without saying. */
export const CALLS_OF_RUN: readonly Column<Call>[] = [
  { key: "model", title: "Model", cell: (row) => <Sent text={row.model} />, sort: (row) => row.model },
  STEP,
  { ...STATUS, width: "92px" },
  {
    key: "tokens",
    title: "Tokens",
    align: "right",
    width: "80px",
    from: 768,
    cell: (row) => count((row.tokens_input ?? 0) + (row.tokens_output ?? 0)),
    sort: (row) => (row.tokens_input ?? 0) + (row.tokens_output ?? 0),
  },
  {
    key: "cost",
    title: "Cost",
    align: "right",
    width: "88px",
    cell: (row) => usd(row.cost_nanos),
    sort: (row) => row.cost_nanos,
  },
  DURATION,
];

export const TOOLS_OF_RUN: readonly Column<ToolCall>[] = [
  { key: "tool", title: "Tool", cell: (row) => <Sent text={row.tool_name} />, sort: (row) => row.tool_name },
  STEP,
  { ...STATUS, width: "92px" },
  ERROR,
  DURATION,
];
