// The calls of both generations of the AI SDK, in this order. In: its functions, models and how telemetry is asked for.
import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
provider.register();
export const tracer = trace.getTracer("ai");

export async function run({ ai, openai, claude, asked }) {
  const { embed, generateText, isStepCount, jsonSchema, stepCountIs, streamText, tool } = ai;
  const call = { maxRetries: 0 };
  const small = openai.chat("gpt-4o-mini");

  await generateText({ ...call, ...asked("cached", { sessionId: `${process.env.OTEL_SERVICE_NAME}-1`, userId: "user-1" }), model: openai.chat("gpt-5-mini"), prompt: "Cached, please." });
  const streamed = streamText({ ...call, ...asked("streamed"), model: small, prompt: "Streamed, please." });
  await streamed.text;
  const get_weather = tool({
    description: "The weather in a city.",
    inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] }),
    execute: async ({ city }) => `Rain in ${city}, 18 °C.`,
  });
  await generateText({ ...call, ...asked("planner"), model: small, prompt: "Weather in Paris?", tools: { get_weather }, stopWhen: (isStepCount ?? stepCountIs)(3) });
  await generateText({ ...call, ...asked("unlucky"), model: small, prompt: "Failing, please." }).catch(() => {});
  await embed({ ...call, ...asked("embedded"), model: openai.textEmbeddingModel?.("text-embedding-3-small") ?? openai.embedding("text-embedding-3-small"), value: "Rain" });
  await generateText({ ...call, ...asked("claude"), model: claude, prompt: "Written, please." });
  await streamText({ ...call, ...asked("claude"), model: claude, prompt: "Little, please." }).text;
  await provider.shutdown();
}
