"""What the views say of runs, steps, turns, conversations, evaluations and of who calls whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporter.clock import SystemClock
from exporter.config import Limits, Retention
from exporter.decode import decode
from exporter.errors import AxError
from exporter.query.traces import trace
from exporter.query.views import reading
from exporter.query.workflows import timeline
from exporter.store import Store
from exporter.units import NS_PER_S
from otel_ax import semconv
from tests.exporter.store_tables import HOUR, append, ask, opened
from tests.otlp import Export, Plain, key_values, request_of

NOW = SystemClock().wall()
RUN: Mapping[str, Plain] = {
    "gen_ai.operation.name": "invoke_workflow",
    "gen_ai.workflow.name": "trip",
    semconv.WORKFLOW_RUN_ID: "run-1",
}
STEP: Mapping[str, Plain] = {
    semconv.KIND: "step",
    semconv.STEP_KEY: "plan",
    "gen_ai.workflow.name": "trip",
    semconv.WORKFLOW_RUN_ID: "run-1",
}
CHAT: Mapping[str, Plain] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}


@dataclass
class Sent:
    """A store, and spans put into it one request a time."""

    store: Store
    data: Path
    position: int = 0

    def span(
        self,
        number: int,
        attributes: Mapping[str, Plain],
        *,
        parent: int = 0,
        pending: bool = False,
        failed: bool = False,
        at: int = NOW,
        seconds: int = 1,
        service: str = "shop",
    ) -> None:
        """One span of the one trace, received when it started or ended."""
        export = ExportTraceServiceRequest()
        group = export.resource_spans.add()
        group.resource.attributes.extend(key_values({"service.name": service}))
        span = group.scope_spans.add().spans.add(
            trace_id=b"t" * 16,
            span_id=bytes([number]) * 8,
            parent_span_id=bytes([parent]) * 8 if parent else b"",
            name=f"span-{number}",
            start_time_unix_nano=at,
            end_time_unix_nano=at + (0 if pending else seconds * NS_PER_S),
            attributes=key_values({**attributes, **({semconv.SPAN_PENDING: True} if pending else {})}),
        )
        span.status.code = 2 if failed else 0
        self.send(export, at)

    def send(self, export: Export, at: int) -> None:
        """Decode and store."""
        for name, rows in decode([request_of(export, received_at=at)], Limits(), Retention()).tables.items():
            append(self.store, rows, name)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        return ask(self.data, query)


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Sent]:
    store = opened(tmp_path)
    yield Sent(store, tmp_path)
    store.close()


RUNS = "SELECT run_id, workflow_name, status, steps_total, steps_completed, steps_failed FROM workflow_runs"


def test_a_run_is_running_until_it_ends(sent: Sent) -> None:
    sent.span(1, RUN, pending=True)
    assert sent.ask(RUNS) == [("run-1", "trip", "running", 0, 0, 0)]
    sent.span(2, STEP, parent=1)
    assert sent.ask(RUNS) == [("run-1", "trip", "running", 1, 1, 0)]
    sent.span(1, {**RUN, semconv.WORKFLOW_STEPS_TOTAL: 3}, seconds=5)
    assert sent.ask(RUNS) == [("run-1", "trip", "completed", 3, 1, 0)]
    assert sent.ask("SELECT duration_ns FROM workflow_runs") == [(5 * NS_PER_S,)]


def test_a_span_that_runs_has_no_duration_and_of_runs_the_one_of_just_that_id_is_meant(sent: Sent) -> None:
    sent.span(1, RUN)
    sent.span(2, {**RUN, semconv.WORKFLOW_RUN_ID: "run-10"}, pending=True, at=NOW + NS_PER_S)
    with reading(sent.data) as views:
        assert [(one.duration_ns, one.end_ns - NOW) for one in trace(views, (b"t" * 16).hex())[1]] == [
            (NS_PER_S, NS_PER_S),
            (None, NS_PER_S),
        ]
        assert [timeline(views, run)[0].run_id for run in ("run-1", "run-10")] == ["run-1", "run-10"]
        with pytest.raises(AxError, match="several runs"):
            timeline(views, "run")


def test_a_run_of_which_nothing_is_heard_is_lost(sent: Sent) -> None:
    sent.span(1, RUN, pending=True, at=NOW - 7 * HOUR)
    sent.span(3, {**STEP, semconv.STEP_KEY: "book"}, parent=1, pending=True, at=NOW - 7 * HOUR)
    assert sent.ask(RUNS) == [("run-1", "trip", "lost", 1, 0, 0)]
    assert sent.ask("SELECT step_key, status FROM workflow_steps") == [("book", "lost")]
    sent.span(2, STEP, parent=1, pending=True)
    assert sent.ask("SELECT status FROM workflow_runs") == [("running",)]


def test_steps_are_seen_before_their_run_and_without_it(sent: Sent) -> None:
    sent.span(2, STEP, parent=1, failed=True)
    assert sent.ask(RUNS) == [("run-1", "trip", "running", 1, 0, 1)]
    sent.span(1, RUN, failed=True)
    assert sent.ask(RUNS) == [("run-1", "trip", "failed", 1, 0, 1)]


def test_a_run_may_end_before_its_steps_and_come_twice(sent: Sent) -> None:
    for _ in range(2):
        sent.span(1, {**RUN, semconv.WORKFLOW_STATUS: "cancelled"})
    sent.span(2, STEP, parent=1, at=NOW + NS_PER_S)
    assert sent.ask(RUNS) == [("run-1", "trip", "cancelled", 1, 1, 0)]


def test_runs_outlive_their_spans(sent: Sent) -> None:
    sent.span(1, RUN, at=NOW - 8 * 24 * HOUR)
    sent.store.maintain(NOW)
    assert sent.ask("SELECT count(*) FROM spans") == [(0,)]
    assert sent.ask(RUNS) == [("run-1", "trip", "completed", 0, 0, 0)]


def test_a_turn_knows_where_its_time_went(sent: Sent) -> None:
    sent.span(
        1, {semconv.KIND: "voice_turn", semconv.VOICE_TURN_NUMBER: 4, semconv.VOICE_HEARD_SILENCE: 0.5}, seconds=9
    )
    for number, operation in ((2, "stt"), (3, "chat"), (4, "tts")):
        told = {**CHAT, "gen_ai.operation.name": operation, "gen_ai.response.time_to_first_chunk": number / 100}
        sent.span(number, told, parent=1, at=NOW + number)
    columns = "turn_number, heard_silence_ns, stt_latency_ns, llm_time_to_first_token_ns, tts_time_to_first_byte_ns"
    assert sent.ask(f"SELECT {columns}, failed FROM voice_turns") == [
        (4, 500_000_000, 20_000_000, 30_000_000, 40_000_000, False)
    ]


def test_a_conversation_adds_up_its_calls(sent: Sent) -> None:
    of_one = {"gen_ai.conversation.id": "c"}
    sent.span(1, {**of_one, "gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 2000})
    sent.span(2, {**of_one, **CHAT}, parent=1)
    sent.span(3, {**of_one, **CHAT, "gen_ai.request.model": "nobody-knows"}, parent=1, failed=True)
    sent.span(4, {**of_one, "gen_ai.operation.name": "execute_tool"}, parent=1)
    columns = "llm_calls, tool_calls, failed, tokens_input, cost_usd::VARCHAR, unpriced_calls"
    assert sent.ask(f"SELECT {columns} FROM conversations") == [(2, 1, 1, 2000, "0.000210000", 1)]


def test_evaluations_come_as_logs_and_on_spans(sent: Sent) -> None:
    scored: Mapping[str, Plain] = {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.5}
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=NOW)
    record.event_name = "gen_ai.evaluation.result"
    record.attributes.extend(key_values(scored))
    sent.send(logs, NOW)
    sent.span(1, {**scored, "gen_ai.evaluation.score.label": "good"})
    assert sent.ask("SELECT name, score, label FROM evaluations ORDER BY ALL") == [
        ("tone", 0.5, "good"),
        ("tone", 0.5, None),
    ]


def test_the_map_shows_who_calls_whom(sent: Sent) -> None:
    sent.span(1, {}, service="front")
    sent.span(2, {}, parent=1)
    sent.span(3, CHAT, parent=2, failed=True)
    sent.span(4, {"db.system.name": "postgresql"}, parent=2)
    assert sent.ask("SELECT caller, callee, callee_kind, calls, failed FROM service_map ORDER BY ALL") == [
        ("front", "shop", "service", 1, 0),
        ("shop", "openai", "provider", 1, 1),
    ]


@pytest.mark.parametrize(
    ("attributes", "asked", "said"),
    [
        ({"gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'}, "hi", None),
        ({"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]}, "hi", None),
        ({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi"}, "hi", None),
        ({"llm.output_messages.0.message.content": "there"}, None, "there"),
        ({"ai.prompt": '{"messages":[{"role":"user","content":"hi"}]}', "ai.response.text": "there"}, "hi", "there"),
        ({"input.value": "hi", "output.value": '{"choices":[{"message":{"content":"there"}}]}'}, "hi", "there"),
        ({}, None, None),
    ],
)
def test_messages_are_read_from_text_and_from_values(
    sent: Sent, attributes: Mapping[str, Plain], asked: str | None, said: str | None
) -> None:
    sent.span(1, {**CHAT, **attributes})
    columns = ("input_messages", "output_messages")
    texts = ", ".join(f"json_extract_string({column}, '$[0].parts[0].content')" for column in columns)
    assert sent.ask(f"SELECT {texts} FROM llm_messages") == [(asked, said)]
