// The AI SDK 5, whose telemetry is under ai.*, with metadata of the application.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import * as ai from "ai";
import { run, tracer } from "./vercel_cases.mjs";

const claude = createAnthropic({ baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1` })("claude-sonnet-4-5");
const asked = (functionId, metadata) => ({ experimental_telemetry: { isEnabled: true, functionId, metadata, tracer } });
await run({ ai, openai: createOpenAI(), claude, asked });
