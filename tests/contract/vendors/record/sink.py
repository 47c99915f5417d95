"""An OTLP/HTTP endpoint that keeps what it is sent, and what becomes of it in a fixture.

In: exports in protobuf or JSON. Out: OTLP/JSON, one export a signal, without a trace of the machine.
"""

import base64
import gzip
import json
import re
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Json = dict[str, Any]

EXPORTS: Final = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
LEVELS: Final = {
    "traces": ("resourceSpans", "scopeSpans", "spans", "startTimeUnixNano"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords", "timeUnixNano"),
}
IDS: Final = ("traceId", "spanId", "parentSpanId")
OF_THE_MACHINE: Final = re.compile(r"(host|os|process|container|service\.instance)\.")
"""How attributes of resources begin that say where it was recorded."""
WITH_PATHS: Final = re.compile(r"(.*exception\.stacktrace|code\.(filepath|file\.path))$")
"""Attributes whose values are left out."""


class Sink(BaseHTTPRequestHandler):
    """The endpoint; other signals than traces and logs are taken and forgotten."""

    received: ClassVar[dict[str, list[Json]]] = {"traces": [], "logs": []}

    def do_POST(self) -> None:
        """One export."""
        length = self.headers["content-length"]
        body = self._chunks() if length is None else self.rfile.read(int(length))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        signal = self.path.rsplit("/", 1)[-1]
        if signal in self.received:
            self.received[signal].append(parsed(signal, body, self.headers["content-type"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return bytes(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def parsed(signal: str, body: bytes, content_type: str) -> Json:
    """The export as OTLP/JSON."""
    if "json" in content_type:
        return dict(json.loads(body))
    return dict(hex_ids(MessageToDict(EXPORTS[signal].FromString(body), use_integers_for_enums=True)))


def hex_ids(value: Any) -> Any:
    """OTLP's JSON writes ids in hex, where protobuf's own has base64."""
    if isinstance(value, list):
        return [hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(inner).hex() if key in IDS and isinstance(inner, str) else hex_ids(inner)
        for key, inner in value.items()
    }


def merged(signal: str, exports: list[Json], service: str) -> Json:
    """One export of many: each resource and scope once, records by their time."""
    resources, scopes, records, time = LEVELS[signal]
    groups: dict[str, Json] = {}
    for of_resource in (inner for export in exports for inner in export.get(resources, ())):
        resource = named(of_resource.get("resource", {}), service)
        group = groups.setdefault(json.dumps(resource), {"resource": resource, scopes: {}})
        for of_scope in of_resource[scopes]:
            about = {key: inner for key, inner in of_scope.items() if key != records}
            group[scopes].setdefault(json.dumps(about), about | {records: []})[records].extend(of_scope[records])
    for group in groups.values():
        group[scopes] = list(group[scopes].values())
        for of_scope in group[scopes]:
            of_scope[records].sort(key=lambda record: int(record.get(time, 0)))
    return {resources: list(groups.values())}


def named(resource: Json, service: str) -> Json:
    """The resource as that of `service`, without what is of the machine."""
    kept = [entry for entry in resource.get("attributes", ()) if not OF_THE_MACHINE.match(entry["key"])]
    others = [entry for entry in kept if entry["key"] != "service.name"]
    return {"attributes": [{"key": "service.name", "value": {"stringValue": service}}, *others]}


def scrubbed(value: Any, ports: tuple[int, ...]) -> Any:
    """Without paths, and with this recording's servers on port 443."""
    if isinstance(value, list):
        return [scrubbed(item, ports) for item in value]
    if isinstance(value, dict):
        if WITH_PATHS.match(str(value.get("key", ""))):
            return {"key": value["key"], "value": {"stringValue": "(left out)"}}
        return {key: scrubbed(inner, ports) for key, inner in value.items()}
    if str(value) in map(str, ports):
        return "443"
    own = rf"127\.0\.0\.1:({'|'.join(map(str, ports))})"
    return re.sub(own, "127.0.0.1:443", value) if isinstance(value, str) else value
