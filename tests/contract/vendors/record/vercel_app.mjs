// The AI SDK 7 with @ai-sdk/otel: the GenAI conventions.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { OpenTelemetry } from "@ai-sdk/otel";
import * as ai from "ai";
import { run } from "./vercel_cases.mjs";

ai.registerTelemetry(new OpenTelemetry());
const claude = createAnthropic({ baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1` })("claude-sonnet-4-5");
await run({ ai, openai: createOpenAI(), claude, asked: (functionId) => ({ telemetry: { functionId } }) });
