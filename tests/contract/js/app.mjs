// A little LLM application under the JavaScript SDK, and what it says: `expected` is written by hand beside the calls
// that make it, never read back from the bytes.
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

const START_MS = 1_795_262_400_000; // 2026-11-21T12:00:00Z
const nanos = (ms) => `${BigInt(START_MS + ms) * 1_000_000n}`;
const at = (ms) => [Math.floor((START_MS + ms) / 1000), ((START_MS + ms) % 1000) * 1_000_000];

const RESOURCE = {
  "service.name": "js-shop",
  "service.version": "1.2.3",
  "host.name": "laptop",
  "shop.floors": [1, 2],
  "shop.open": true,
};
const SCOPE = { name: "js-app", version: "0.9.0" };
const METRIC = { kind: "http" };

// Ids are made from the flavour, so that three recordings are three traces.
const traceId = (seed) => `4bf92f3577b34da6a3ce929d0e0e47${seed}`;
const spanId = (seed, n) => `00f067aa0ba9${seed}0${n}`;

/** What is stored of one run, by view: rows in the order of their time, points in that of their metric's name. */
export function expected(seed) {
  const [trace_id, root, child] = [traceId(seed), spanId(seed, 1), spanId(seed, 2)];
  const scope = { scope_name: SCOPE.name, scope_version: SCOPE.version };
  const common = { service_name: "js-shop", resource_attributes: RESOURCE, ...scope };
  return {
    spans: [
      {
        trace_id,
        span_id: root,
        parent_span_id: null,
        name: "POST /chat",
        kind: "SERVER",
        start_time_unix_nano: nanos(0),
        end_time_unix_nano: nanos(1500),
        status_code: "OK",
        status_message: "",
        attributes: { "http.request.method": "POST", "http.response.status_code": 200, "ratio": 0.25, "ok": true },
        events: [{ name: "queued", time_unix_nano: nanos(10), attributes: { depth: 3 } }],
        links: [{ trace_id: "0af7651916cd43dd8448eb211c80319c", span_id: "b7ad6b7169203331", attributes: { why: "retry" } }],
        ...common,
      },
      {
        trace_id,
        span_id: child,
        parent_span_id: root,
        name: "chat gpt-5",
        kind: "CLIENT",
        start_time_unix_nano: nanos(100),
        end_time_unix_nano: nanos(1400),
        status_code: "ERROR",
        status_message: "content filtered: ¡fünf! 漢字 😀",
        attributes: {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "openai",
          "gen_ai.request.model": "gpt-5",
          "gen_ai.response.finish_reasons": ["stop", "content_filter"],
          "gen_ai.usage.input_tokens": 1234,
          "gen_ai.usage.output_tokens": 56,
          "gen_ai.request.temperature": 0.7,
          "big": 9007199254740991,
          "negative": -7,
          "empty": "",
        },
        events: [],
        links: [],
        ...common,
      },
    ],
    logs: [
      {
        time_unix_nano: nanos(200),
        severity_number: 9,
        severity_text: "INFO",
        event_name: "",
        body: "order placed",
        trace_id: trace_id,
        span_id: root,
        attributes: { "user.id": "u-1", "items": 3, "cart": ["tea", "cake"] },
        ...common,
      },
      {
        time_unix_nano: nanos(300),
        severity_number: 17,
        severity_text: "ERROR",
        event_name: "order.failed",
        body: { code: 7, why: "out of stock" },
        trace_id: null,
        span_id: null,
        attributes: { "exception.type": "OutOfStock" },
        ...common,
      },
    ],
    metrics_sum: [
      { metric_name: "shop.orders", metric_unit: "{order}", metric_description: "orders taken", value: 7, is_monotonic: true, attributes: METRIC, ...common },
      { metric_name: "shop.waiting", metric_unit: "", metric_description: "", value: -2, is_monotonic: false, attributes: METRIC, ...common },
    ],
    metrics_gauge: [
      { metric_name: "shop.temperature", metric_unit: "Cel", metric_description: "", value: 21.5, attributes: METRIC, ...common },
    ],
    metrics_histogram: [
      { metric_name: "gen_ai.client.operation.duration", metric_unit: "s", metric_description: "", count: 3, sum: 5, min: 0.25, max: 4, bucket_counts: [1, 1, 1], explicit_bounds: [0.5, 1], attributes: METRIC, ...common },
    ],
    metrics_exp_histogram: [
      { metric_name: "shop.size", metric_unit: "By", metric_description: "", count: 3, sum: 7, min: 1, max: 4, zero_count: 0, attributes: METRIC, ...common },
    ],
  };
}

/** Sends the same traces, logs and metrics through the three exporters given, and waits until each has answered. */
export async function run(exporters, seed) {
  const resource = resourceFromAttributes(RESOURCE);
  await spansAndLogs(resource, exporters, expected(seed), seed);
  await metrics(resource, exporters.metrics);
}

async function spansAndLogs(resource, exporters, { spans: [root, child], logs: [placed, failed] }, seed) {
  const ids = [root.span_id, child.span_id];
  const idGenerator = { generateTraceId: () => traceId(seed), generateSpanId: () => ids.shift() };
  const spans = new Batch(exporters.traces);
  const tracerProvider = new BasicTracerProvider({ resource, idGenerator, spanProcessors: [new SimpleSpanProcessor(spans)] });
  const records = new Batch(exporters.logs);
  const loggerProvider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter: records })] });

  const tracer = tracerProvider.getTracer(SCOPE.name, SCOPE.version);
  const [link] = root.links;
  const server = tracer.startSpan(root.name, {
    kind: SpanKind.SERVER,
    startTime: at(0),
    attributes: root.attributes,
    links: [{ context: { traceId: link.trace_id, spanId: link.span_id, traceFlags: 1 }, attributes: link.attributes }],
  });
  const inside = trace.setSpan(ROOT_CONTEXT, server);
  server.addEvent("queued", root.events[0].attributes, at(10));
  const call = tracer.startSpan(child.name, { kind: SpanKind.CLIENT, startTime: at(100), attributes: child.attributes }, inside);
  call.setStatus({ code: SpanStatusCode.ERROR, message: child.status_message });
  call.end(at(1400));
  server.setStatus({ code: SpanStatusCode.OK });
  server.end(at(1500));

  const logger = loggerProvider.getLogger(SCOPE.name, SCOPE.version);
  const { INFO, ERROR } = SeverityNumber;
  logger.emit({ timestamp: at(200), severityNumber: INFO, severityText: "INFO", body: placed.body, attributes: placed.attributes, context: inside });
  logger.emit({ timestamp: at(300), severityNumber: ERROR, severityText: "ERROR", eventName: failed.event_name, body: failed.body, attributes: failed.attributes, context: ROOT_CONTEXT });

  await spans.send();
  await records.send();
}

/** Holds what the simple processors hand on, and sends it as one request: no timers, the same bytes every time. */
class Batch {
  constructor(exporter) {
    this.exporter = exporter;
    this.held = [];
  }
  export(items, done) {
    this.held.push(...items);
    done({ code: 0 });
  }
  send() {
    return new Promise((resolve, reject) => {
      this.exporter.export(this.held, ({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error(`export answered ${code}`))));
    });
  }
  async forceFlush() {}
  async shutdown() {}
}

async function metrics(resource, exporter) {
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const views = [
    { instrumentName: "gen_ai.client.operation.duration", aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [0.5, 1] } } },
    { instrumentName: "shop.size", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
  ];
  const meter = new MeterProvider({ resource, readers: [reader], views }).getMeter(SCOPE.name, SCOPE.version);
  const orders = meter.createCounter("shop.orders", { unit: "{order}", description: "orders taken" });
  orders.add(3, METRIC);
  orders.add(4, METRIC);
  meter.createUpDownCounter("shop.waiting").add(-2, METRIC);
  meter.createObservableGauge("shop.temperature", { unit: "Cel" }).addCallback((result) => result.observe(21.5, METRIC));
  const duration = meter.createHistogram("gen_ai.client.operation.duration", { unit: "s" });
  for (const seconds of [0.25, 0.75, 4]) duration.record(seconds, METRIC);
  const size = meter.createHistogram("shop.size", { unit: "By" });
  for (const bytes of [1, 2, 4]) size.record(bytes, METRIC);
  await reader.shutdown();
}
