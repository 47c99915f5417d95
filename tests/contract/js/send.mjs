// node send.mjs grpc|http|proto URL: sends app.mjs's telemetry to a server, with the exporter of that flavour.
import { expected, run } from "./app.mjs";

export const SEEDS = { grpc: "01", http: "02", proto: "03" };

/** The three exporters of one flavour, sending to the URL (of gRPC, or the base of OTLP/HTTP). */
export async function exporters(flavour, url) {
  const [traces, metrics, logs] = await Promise.all(
    ["trace", "metrics", "logs"].map((signal) => import(`@opentelemetry/exporter-${signal}-otlp-${flavour}`)),
  );
  const to = (path) => ({ url: flavour === "grpc" ? url : `${url}/v1/${path}` });
  return {
    traces: new traces.OTLPTraceExporter(to("traces")),
    metrics: new metrics.OTLPMetricExporter(to("metrics")),
    logs: new logs.OTLPLogExporter(to("logs")),
  };
}

if (import.meta.filename === process.argv[1]) {
  const [flavour, url] = process.argv.slice(2);
  await run(await exporters(flavour, url), SEEDS[flavour]);
  console.log(JSON.stringify(expected(SEEDS[flavour])));
}
