"""Who may send: tokens and TLS on the OTLP ports, with the stock exporters of Python."""

import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.cli import probe
from exporter.cli.server import CERTIFICATE
from exporter.decode import decode
from exporter.errors import BadConfig
from exporter.model import Signal
from tests.certified import Certified, certified, revoke, token
from tests.exporter.receiving import EXPORT, JSON, PROTOBUF, URLS, Receiver, empty_spans, receiving, refusal
from tests.otlp import Export, key_values

SPANS = empty_spans(3)
WAYS = ["grpc", "http"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """A certificate."""
    return certified(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the receiver."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def receiver(data: Path, files: Certified) -> Iterator[Receiver]:
    """One that needs tokens, with TLS."""
    with receiving(data, auth="required", tls={"cert": files.cert, "key": files.key}) as running:
        yield running


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, files: Certified) -> None:
    """Exporters trust the authority of the certificate."""
    monkeypatch.setenv(CERTIFICATE, str(files.authority))


def bearer(text: str) -> dict[str, str]:
    """As exporters are told it."""
    return {"authorization": f"Bearer {text}"}


def given(receiver: Receiver, name: str, *scopes: str, tenant: str | None = None) -> dict[str, str]:
    """The headers of a new token that the receiver knows."""
    text = token(receiver.config.data, name, *scopes, tenant=tenant)
    receiver.doors.refresh()
    return bearer(text)


def export(receiver: Receiver, way: str, headers: Mapping[str, str], *, is_tls: bool = True) -> dict[str, str]:
    """What the stock exporters of each signal say; nothing where it was taken."""
    endpoint = getattr(receiver.listening, way)[0]
    return {one.signal: one.error for one in probe.send(probe.Target(way, endpoint, headers, is_tls=is_tls), "m", 10)}


def post(receiver: Receiver, files: Certified, content: bytes, **headers: str) -> httpx.Response:
    """An answer over HTTP."""
    url = f"https://{receiver.listening.http[0]}{URLS[Signal.TRACES]}"
    trust = ssl.create_default_context(cafile=str(files.authority))
    return httpx.post(url, content=content, headers={**PROTOBUF, **headers}, verify=trust, trust_env=False)


def call(receiver: Receiver, files: Certified, **metadata: str) -> Any:
    """The refusal of a call over gRPC."""
    credentials = grpc.ssl_channel_credentials(files.authority.read_bytes())
    with grpc.secure_channel(receiver.grpc, credentials) as channel:
        method = channel.unary_unary(EXPORT[Signal.TRACES])
        return refusal(lambda: method(SPANS, timeout=20, metadata=list(metadata.items())))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("way", WAYS)
def test_the_stock_exporters_of_all_signals_send_with_a_token_and_a_certificate(receiver: Receiver, way: str) -> None:
    headers = given(receiver, f"stock-{way}", "ingest")
    before = len(receiver.stored())
    assert export(receiver, way, headers) == {"span": "", "log": "", "metric": ""}
    assert [one.tenant for one in receiver.stored()[before:]] == ["default"] * 3


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("way", WAYS)
def test_without_a_token_nothing_is_taken_and_all_of_it_is_counted_as_refused(receiver: Receiver, way: str) -> None:
    refused = receiver.counted("refused_items", reason="unauthenticated")
    stored = len(receiver.stored())
    assert all(export(receiver, way, {}).values())
    assert all(export(receiver, way, bearer("ax_unknown")).values())
    assert receiver.counted("refused_items", reason="unauthenticated") == refused + 6
    assert receiver.counted(
        "requests", protocol="grpc" if way == "grpc" else "http/protobuf", outcome="unauthenticated"
    )
    assert len(receiver.stored()) == stored
    received = receiver.counted("received_items")
    assert received == receiver.counted("accepted_items") + receiver.counted("refused_items")


def test_a_refusal_over_http_says_what_to_do(receiver: Receiver, files: Certified) -> None:
    absent, unknown = post(receiver, files, SPANS), post(receiver, files, b"{}", **JSON, **bearer("ax_x"))
    assert (absent.status_code, absent.headers["www-authenticate"]) == (401, "Bearer")
    assert b"a token is needed here; make one with `ax token create NAME`" in absent.content
    assert (unknown.status_code, json.loads(unknown.content)["code"]) == (401, 16)
    assert "the token is unknown, was revoked or has expired" in json.loads(unknown.content)["message"]
    forbidden = post(receiver, files, SPANS, **given(receiver, "reader-http", "read", "sql"))
    assert forbidden.status_code == 403
    assert b"the token reader-http may not send data; use one with the scope ingest" in forbidden.content


def test_a_refusal_over_grpc_says_what_to_do_and_does_not_wait_for_the_message(
    receiver: Receiver, files: Certified
) -> None:
    absent = call(receiver, files)
    assert absent.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "a token is needed here; make one with `ax token create NAME`" in absent.details()
    unknown = call(receiver, files, authorization="Bearer ax_x")
    assert unknown.code() is grpc.StatusCode.UNAUTHENTICATED
    forbidden = call(receiver, files, **given(receiver, "reader-grpc", "read"))
    assert forbidden.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "the token reader-grpc may not send data" in forbidden.details()
    credentials = grpc.ssl_channel_credentials(files.authority.read_bytes())
    with grpc.secure_channel(receiver.grpc, credentials) as channel:
        answered = Event()
        message = iter(answered.wait, True)  # noqa: FBT003 - which does not come before the answer
        call_of = channel.stream_unary(EXPORT[Signal.TRACES])
        assert refusal(lambda: call_of(message, timeout=10)).code() is grpc.StatusCode.UNAUTHENTICATED
        answered.set()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("way", WAYS)
def test_a_token_that_is_revoked_is_refused_after_the_next_look(receiver: Receiver, way: str) -> None:
    headers = given(receiver, f"short-{way}", "ingest")
    assert not any(export(receiver, way, headers).values())
    revoke(receiver.config.data, f"short-{way}")
    receiver.doors.refresh()
    assert all(export(receiver, way, headers).values())


# ── Whose data it is ──────────────────────────────────────────────────────────────────────────────────────────────


def claims(tenant: str) -> dict[Signal, Export]:
    """A request of each signal that says everywhere whose it is."""
    traces, logs, metrics = ExportTraceServiceRequest(), ExportLogsServiceRequest(), ExportMetricsServiceRequest()
    told = key_values({"ax.tenant.id": tenant, "service.name": "s", "gen_ai.operation.name": "chat"})
    resources = traces.resource_spans.add(), logs.resource_logs.add(), metrics.resource_metrics.add()
    for one in resources:
        one.resource.attributes.extend(told)
    of_spans, of_logs, of_metrics = resources
    span = of_spans.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="chat", end_time_unix_nano=9)
    record = of_logs.scope_logs.add().log_records.add(time_unix_nano=9)
    metric = of_metrics.scope_metrics.add().metrics.add(name="m")
    point = metric.sum.data_points.add(as_int=1, time_unix_nano=9)
    gauge = of_metrics.scope_metrics.add().metrics.add(name="g").gauge.data_points.add(as_int=1, time_unix_nano=9)
    for each in (span, record, point, gauge):
        each.attributes.extend(told)
    return {Signal.TRACES: traces, Signal.LOGS: logs, Signal.METRICS: metrics}


@pytest.mark.parametrize("claimed", ["rival", "default", "", "acme\x00", "../rival", "ACME"])
@pytest.mark.parametrize("way", WAYS)
def test_rows_are_of_the_tokens_tenant_whatever_the_data_say(
    receiver: Receiver, files: Certified, way: str, claimed: str
) -> None:
    name = f"of-{way}-{len(receiver.stored())}"
    headers = given(receiver, name, "ingest", tenant="acme")
    before = len(receiver.stored())
    credentials = grpc.ssl_channel_credentials(files.authority.read_bytes())
    trust = ssl.create_default_context(cafile=str(files.authority))
    with grpc.secure_channel(receiver.grpc, credentials) as channel:
        for signal, request in claims(claimed + name).items():
            payload = request.SerializeToString()
            if way == "grpc":
                channel.unary_unary(EXPORT[signal])(payload, timeout=20, metadata=list(headers.items()))
            else:
                url = f"https://{receiver.listening.http[0]}{URLS[signal]}"
                answer = httpx.post(url, content=payload, headers=PROTOBUF | headers, verify=trust, trust_env=False)
                assert answer.status_code == 200
    requests = receiver.stored()[before:]
    assert [one.tenant for one in requests] == ["acme"] * 3
    config = receiver.config
    tables = decode(requests, config.limits, config.store.retention).tables
    seen = {
        name: set(table["tenant_id"].to_pylist()) for name, table in tables.items() if "tenant_id" in table.schema.names
    }
    assert {"spans", "logs", "metrics_sum", "metrics_gauge"} <= seen.keys()
    assert set.union(*seen.values()) == {"acme"}, seen


# ── On loopback ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver as it comes."""
    with receiving(tmp_path_factory.mktemp("plain")) as running:
        yield running


@pytest.mark.parametrize("way", WAYS)
def test_on_loopback_nobody_is_asked_but_who_presents_a_token_is_taken_at_it(plain: Receiver, way: str) -> None:
    assert not any(export(plain, way, {}, is_tls=False).values())
    assert not any(export(plain, way, {"authorization": "Basic dTpw"}, is_tls=False).values())
    assert all(export(plain, way, bearer("ax_unknown"), is_tls=False).values())
    before = len(plain.stored())
    assert not any(export(plain, way, given(plain, f"a-{way}", "ingest", tenant="acme"), is_tls=False).values())
    assert {one.tenant for one in plain.stored()[before:]} == {"acme"}


def test_a_web_page_that_reaches_us_by_dns_rebinding_may_not_send(plain: Receiver) -> None:
    page = {"origin": "http://evil.example:4318", "host": "evil.example:4318"}
    answer = httpx.post(f"{plain.http}/v1/traces", content=b"{}", headers=JSON | page, trust_env=False)
    assert (answer.status_code, answer.json()["message"].partition(";")[0]) == (403, "web pages may not send data")


# ── Certificates ──────────────────────────────────────────────────────────────────────────────────────────────────


def serial(endpoint: str, authority: Path) -> bytes:
    """The certificate that a new connection is shown."""
    host, _, port = endpoint.rpartition(":")
    return ssl.get_server_certificate((host, int(port)), ca_certs=str(authority)).encode()


def test_a_renewed_certificate_is_shown_to_new_connections_without_a_restart(tmp_path: Path) -> None:
    files = certified(tmp_path / "tls")
    with receiving(tmp_path / "data", tls={"cert": files.cert, "key": files.key}) as receiver:
        for _ in range(3):
            certified(tmp_path / "tls")
            receiver.doors.refresh()
            for endpoint in (*receiver.listening.http[:1], *receiver.listening.grpc[:1]):
                assert serial(endpoint, files.authority) in files.cert.read_bytes()
        assert not export_ok(receiver, files)


def export_ok(receiver: Receiver, files: Certified) -> str:
    """What is wrong with sending a request over both; nothing where nothing is."""
    credentials = grpc.ssl_channel_credentials(files.authority.read_bytes())
    with grpc.secure_channel(receiver.grpc, credentials) as channel:
        channel.unary_unary(EXPORT[Signal.TRACES])(SPANS, timeout=20)
    answer = post(receiver, files, SPANS)
    return "" if answer.status_code == 200 else answer.text


def test_tls_is_1_2_at_least(receiver: Receiver) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    for endpoint in (receiver.listening.http[0], receiver.grpc):
        with pytest.raises((httpx.ConnectError, httpx.ReadError)):
            httpx.get(f"https://{endpoint}/", verify=old, trust_env=False)


def test_a_certificate_that_cannot_be_used_is_an_error_that_names_it(tmp_path: Path) -> None:
    with (
        pytest.raises(BadConfig, match=r"tls.cert: cannot read .*/no.pem"),
        receiving(tmp_path, tls={"cert": tmp_path / "no.pem", "key": tmp_path / "no.key"}),
    ):
        pass
