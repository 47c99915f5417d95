"""A made-up help desk: an agent that calls models, tools and a knowledge base, and tells OpenTelemetry about it.

In: tracers, a logger, a meter and a random generator. Out: spans, log records and measurements, on a clock of its own.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.metrics import Meter
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from exporter.units import NS_PER_S
from otel_ax.semconv import TENANT_ID

Value = str | int | float | bool | list[str]
Attributes = Mapping[str, Value]

_MAX_CALLS: Final = 4

_DURATION_BOUNDS: Final = [0.01 * 2**n for n in range(14)]
_TOKEN_BOUNDS: Final = [4.0**n for n in range(14)]


@dataclass(frozen=True, slots=True)
class Model:
    """A model: how soon it begins to answer, and how many tokens it writes a second."""

    provider: str
    name: str
    answers_as: str
    first_chunk_s: float
    tokens_per_s: float
    server: str


MODELS: Final = (
    Model("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", 0.45, 140, "api.openai.com"),
    Model("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 0.8, 75, "api.anthropic.com"),
    Model("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash", 0.35, 190, "generativelanguage.googleapis.com"),
    Model("mistral_ai", "mistral-medium-latest", "mistral-medium-2508", 0.5, 90, "api.mistral.ai"),
)
SHARES: Final = (5, 4, 3, 1)
TOOLS: Final = {"lookup_order": 0.12, "check_stock": 0.06, "create_ticket": 0.3}
"""Each tool with its usual seconds."""
TENANTS: Final = ("acme", "globex", "initech")
_QUERY: Final[Attributes] = {
    "db.system.name": "postgresql",
    "db.namespace": "helpdesk",
    "db.operation.name": "SELECT",
    "db.collection.name": "orders",
    "db.query.text": "SELECT * FROM orders WHERE id = $1",
}
_INDEX: Final[Attributes] = {
    "db.system.name": "duckdb",
    "db.operation.name": "SELECT",
    "db.collection.name": "handbook",
}


class Desk:
    """The help desk: what happens in a conversation, on a clock of its own (`now`, Unix nanoseconds)."""

    def __init__(self, tracer: Tracer, knowledge: Tracer, logger: Logger, meter: Meter, rng: Random) -> None:
        self.rng = rng
        self.now = 0
        self.conversations = 0
        self.records = 0
        self.tracer = tracer
        self.knowledge = knowledge
        self.logger = logger
        self.durations = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_DURATION_BOUNDS,
        )
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKEN_BOUNDS,
        )
        self.turns = meter.create_counter("helpdesk.turns", unit="{turn}", description="Questions answered.")

    def converse(self, start: int) -> None:
        """One to three questions of one user, each a trace that links to the one before."""
        self.now = start
        self.conversations += 1
        rng = self.rng
        who: Attributes = {
            "gen_ai.conversation.id": f"conv_{rng.getrandbits(48):012x}",
            "session.id": f"s-{rng.getrandbits(32):08x}",
            "user.id": f"u-{rng.randrange(40)}",
            TENANT_ID: rng.choice(TENANTS),
        }
        before: Span | None = None
        for _ in range(rng.randint(1, 3)):
            before = self._turn(who, before)
            self._pass(rng.uniform(1, 5))

    def _turn(self, who: Attributes, before: Span | None) -> Span:
        web: Attributes = {
            "http.request.method": "POST",
            "http.route": "/chat",
            "url.path": "/chat",
            "server.port": 8443,
        }
        links = [Link(before.get_span_context(), {"helpdesk.link": "previous turn"})] if before else []
        with self._span("POST /chat", SpanKind.SERVER, {**web, **who}, links=links) as span:
            self._pass(0.004)
            answered = self._agent(who)
            self._pass(0.002)
            span.set_attribute("http.response.status_code", 200 if answered else 502)
            if not answered:
                span.set_status(Status(StatusCode.ERROR))
            self.turns.add(1, {"answered": answered})
        return span

    def _agent(self, who: Attributes) -> bool:
        """Calls the model until it needs no more tools; says whether the user got an answer."""
        agent: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "support-agent",
            "gen_ai.agent.id": "a-1",
        }
        with self._span("invoke_agent support-agent", SpanKind.INTERNAL, {**agent, **who}) as span:
            if self.rng.random() < 2 / 3:
                self._retrieve()
            for call in range(1, _MAX_CALLS + 1):
                model = self.rng.choices(MODELS, SHARES)[0]
                wants_tool = call < _MAX_CALLS and self.rng.random() < 1 / 2
                if not self._chat(model, who, wants_tool=wants_tool):
                    self._log(
                        SeverityNumber.WARN, "model refused, trying another", {"gen_ai.request.model": model.name}
                    )
                    continue
                if not wants_tool:
                    self._log(SeverityNumber.INFO, "question answered", {**who, "helpdesk.calls": call})
                    return True
                self._tool(self.rng.choice(list(TOOLS)), who)
            span.set_attribute("error.type", "no_answer")
            span.set_status(Status(StatusCode.ERROR, "gave up"))
            self._log(SeverityNumber.ERROR, "no model answered", {**who, "helpdesk.calls": _MAX_CALLS})
            return False

    def _chat(self, model: Model, who: Attributes, *, wants_tool: bool) -> bool:
        rng = self.rng
        request: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": model.name,
            "server.address": model.server,
            "server.port": 443,
        }
        labels = dict(request)
        streamed = rng.random() < 3 / 4
        more: Attributes = {
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 2048,
            "gen_ai.request.stream": streamed,
        }
        began = self.now
        with self._span(f"chat {model.name}", SpanKind.CLIENT, {**request, **more, **who}) as span:
            if rng.random() < 1 / 25:
                self._pass(0.05)
                _fail(span, "RateLimitError", "429: too many requests", self.now)
                self.durations.record((self.now - began) / NS_PER_S, {**labels, "error.type": "RateLimitError"})
                return False
            first_chunk_s = model.first_chunk_s * rng.lognormvariate(0, 0.35)
            tokens_in, tokens_out = round(rng.lognormvariate(7, 0.6)), round(rng.lognormvariate(4.6, 0.7))
            self._pass(first_chunk_s)
            if streamed:
                span.set_attribute("gen_ai.response.time_to_first_chunk", round(first_chunk_s, 6))
            self._pass(tokens_out / model.tokens_per_s)
            cached = tokens_in // 2 if rng.random() < 1 / 3 else 0
            span.set_attributes(
                {
                    "gen_ai.response.model": model.answers_as,
                    "gen_ai.response.id": f"resp_{rng.getrandbits(64):016x}",
                    "gen_ai.response.finish_reasons": ["tool_calls" if wants_tool else "stop"],
                    "gen_ai.usage.input_tokens": tokens_in,
                    "gen_ai.usage.output_tokens": tokens_out,
                    "gen_ai.usage.cache_read.input_tokens": cached,
                }
            )
            labels["gen_ai.response.model"] = model.answers_as
            self.durations.record((self.now - began) / NS_PER_S, labels)
            self.tokens.record(tokens_in, {**labels, "gen_ai.token.type": "input"})
            self.tokens.record(tokens_out, {**labels, "gen_ai.token.type": "output"})
        return True

    def _tool(self, name: str, who: Attributes) -> None:
        call: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": f"call_{self.rng.getrandbits(48):012x}",
            "gen_ai.tool.call.arguments": json.dumps({"order": self.rng.randrange(10_000)}),
        }
        with self._span(f"execute_tool {name}", SpanKind.INTERNAL, {**call, **who}) as span:
            if self.rng.random() < 1 / 15:
                self._pass(3)
                _fail(span, "TimeoutError", f"{name} did not answer within 3 s", self.now)
                self._log(SeverityNumber.ERROR, f"{name} timed out", {"exception.type": "TimeoutError", **who})
                return
            with self._span("SELECT orders", SpanKind.CLIENT, _QUERY):
                self._pass(TOOLS[name] * self.rng.lognormvariate(0, 0.4))
            span.set_attribute("gen_ai.tool.call.result", json.dumps({"status": "shipped", "name": name}))

    def _retrieve(self) -> None:
        search: Attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "handbook",
            "gen_ai.retrieval.top_k": 5,
            "gen_ai.provider.name": "openai",
        }
        with self._span("retrieval handbook", SpanKind.CLIENT, search):
            self._pass(0.003)
            with self._span("search handbook", SpanKind.SERVER, _INDEX, tracer=self.knowledge):
                self._pass(self.rng.lognormvariate(-3.5, 0.4))

    def _pass(self, seconds: float) -> None:
        self.now += round(seconds * NS_PER_S)

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        *,
        links: list[Link] | None = None,
        tracer: Tracer | None = None,
    ) -> Iterator[Span]:
        begin = (tracer or self.tracer).start_as_current_span
        with begin(name, None, kind, attributes, links or [], self.now, end_on_exit=False) as span:
            yield span
        span.end(self.now)

    def _log(self, severity: SeverityNumber, body: str, attributes: Attributes) -> None:
        """One record, of the trace and span that are current."""
        self.records += 1
        self.logger.emit(
            timestamp=self.now,
            observed_timestamp=self.now,
            severity_number=severity,
            severity_text=severity.name,
            body=body,
            attributes=attributes,
        )


def _fail(span: Span, kind: str, message: str, now: int) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, message))
    span.add_event("exception", {"exception.type": kind, "exception.message": message}, timestamp=now)
