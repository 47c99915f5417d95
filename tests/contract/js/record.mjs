// Records the bytes of each exporter into ../fixtures/js: FLAVOUR-SIGNAL.bin, and FLAVOUR.json, which says how each was
// sent and what it means.
import { writeFileSync } from "node:fs";
import http from "node:http";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { expected, run } from "./app.mjs";
import { exporters, SEEDS } from "./send.mjs";

const OUT = new URL("../fixtures/js/", import.meta.url);
const SERVICES = { traces: "trace.v1.TraceService", metrics: "metrics.v1.MetricsService", logs: "logs.v1.LogsService" };

const captured = {};
const capture = (signal, body, headers) => (captured[signal] = { body, headers });

const web = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { "content-type": type, "content-encoding": encoding } = request.headers;
  capture(request.url.split("/").pop(), Buffer.concat(chunks), { "content-type": type, ...(encoding && { "content-encoding": encoding }) });
  response.writeHead(200, { "content-type": type }).end(type === "application/json" ? "{}" : "");
});
const rpc = new Server();
for (const [signal, service] of Object.entries(SERVICES)) {
  const path = `/opentelemetry.proto.collector.${service}/Export`;
  const raw = (bytes) => bytes;
  rpc.addService(
    { export: { path, requestStream: false, responseStream: false, requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw } },
    { export: (call, answer) => { capture(signal, call.request, {}); answer(null, Buffer.alloc(0)); } },
  );
}

await new Promise((done) => web.listen(0, "127.0.0.1", done));
const port = await new Promise((done, fail) => rpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? fail(error) : done(bound))));

for (const [flavour, seed] of Object.entries(SEEDS)) {
  await run(await exporters(flavour, `http://127.0.0.1:${flavour === "grpc" ? port : web.address().port}`), seed);
  const requests = Object.entries(captured).map(([signal, { body, headers }]) => {
    const file = `${flavour}-${signal}.bin`;
    writeFileSync(new URL(file, OUT), body);
    return { signal, file, headers };
  });
  writeFileSync(new URL(`${flavour}.json`, OUT), `${JSON.stringify({ requests, expected: expected(seed) }, null, 2)}\n`);
}
web.close();
rpc.forceShutdown();
