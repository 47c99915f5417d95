"""A made-up help desk: an agent that answers questions with models, tools and a knowledge base, and pays refunds.

In: a random generator and a clock. Out: what `otel_ax` and the stock tracer tell of it; that is all there is. The
functions do nothing but let time pass, and are decorated as those of a program that does something would be.
"""

import logging
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

import otel_ax
from exporter.cli.demo_clock import Passing
from exporter.cli.demo_models import EMBEDDER, MODELS, SHARES, Client, Message, Model, RateLimitError

Reply = tuple[str, str | None]
"""A text, and the tool that the model asks for."""
log: Final = logging.getLogger("helpdesk")

TENANTS: Final = ("acme", "globex", "initech")
QUESTIONS: Final = (
    "Where is my order?",
    "Can I change the address of a delivery?",
    "The lamp arrived broken, what now?",
    "Do you have the blue one in stock?",
    "My invoice shows the wrong company, and my card 4111 1111 1111 1111 was charged twice!",
)
TOOL_S: Final = {"lookup_order": 0.12, "check_stock": 0.06, "create_ticket": 0.3}
"""Each tool with its usual seconds."""
_MAX_CALLS: Final = 4
_MOST_A_MINUTE: Final = 20
_EMBEDDING_USD: Final = 0.000_000_2
_WEB: Final[Mapping[str, str | int]] = {
    "http.request.method": "POST",
    "http.route": "/chat",
    "url.path": "/chat",
    "server.port": 8443,
}
_QUERY: Final = {
    "db.system.name": "postgresql",
    "db.namespace": "helpdesk",
    "db.operation.name": "SELECT",
    "db.collection.name": "orders",
    "db.query.text": "SELECT * FROM orders WHERE id = $1",
}
_SEARCH: Final[Mapping[str, str | int]] = {
    "gen_ai.operation.name": "retrieval",
    "gen_ai.data_source.id": "handbook",
    "gen_ai.retrieval.top_k": 5,
    "gen_ai.provider.name": "openai",
}
_INDEX: Final = {"db.system.name": "duckdb", "db.operation.name": "SELECT", "db.collection.name": "handbook"}


class NoAnswer(Exception):
    """Every model refused."""


class PaymentFailed(Exception):
    """The bank did not answer."""


class KnowledgeBase:
    """Another service, under the stock SDK: the trace comes with the request's headers."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def search(self, headers: Mapping[str, str], take_time: Callable[[], None]) -> list[str]:
        """Pages of the handbook."""
        around = propagate.extract(headers)
        with self._tracer.start_as_current_span("search handbook", around, SpanKind.SERVER, _INDEX):
            take_time()
        return ["Parcels that are late", "How to return things"]


class Desk:
    """One conversation at the help desk. `vectors` is a cache that all conversations share."""

    def __init__(self, rng: Random, clock: Passing, knowledge: KnowledgeBase, vectors: set[str]) -> None:
        self.rng, self.clock = rng, clock
        self.client = Client(rng, clock)
        self._knowledge, self._vectors = knowledge, vectors
        self._tracer = trace.get_tracer("helpdesk", "1.0")

    def chat(self) -> None:
        """One to three questions of one user, each a trace that links to the one before."""
        rng = self.rng
        user, conversation = f"u-{rng.randrange(40)}", f"conv_{rng.getrandbits(48):012x}"
        with otel_ax.using(
            tenant=rng.choice(TENANTS), user=user, conversation=conversation, metadata={"channel": "web"}
        ):
            before: Span | None = None
            for _ in range(rng.randint(1, 3)):
                about = f" It is about order {rng.randrange(10_000)}." if rng.random() < 1 / 2 else ""
                before = self._request(user, rng.choice(QUESTIONS) + about, before)
                self.clock.passes(rng.uniform(1, 5))

    def _request(self, user: str, question: str, before: Span | None) -> Span:
        """As the instrumentor of a web framework would tell it."""
        links = [Link(before.get_span_context(), {"helpdesk.link": "previous question"})] if before else []
        with self._tracer.start_as_current_span("POST /chat", None, SpanKind.SERVER, _WEB, links) as span:
            self.clock.passes(0.004)
            span.set_attribute("http.response.status_code", status := self._served(user, question))
            if status >= 500:  # noqa: PLR2004
                span.set_status(Status(StatusCode.ERROR))
            self.clock.passes(0.002)
        return span

    def _served(self, user: str, question: str) -> int:
        left = self.rng.randrange(-1, _MOST_A_MINUTE)
        otel_ax.rate_limit_event("requests per minute", allowed=left >= 0, key=user, remaining=max(left, 0))
        if left < 0:
            log.warning("too many questions")
            return 429
        try:
            self.answer(question)
        except NoAnswer:
            log.exception("no model answered")
            return 502
        return 200

    @otel_ax.agent("support-agent", version="7")
    def answer(self, question: str) -> str:
        """Calls models until one needs no more tools."""
        rng = self.rng
        notes = "; ".join(self._look_up(question)) if rng.random() < 2 / 3 else "nothing"
        system = f"You answer for a shop. From its handbook: {notes}"
        messages: list[Message] = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        for call in range(1, _MAX_CALLS + 1):
            model = rng.choices(MODELS, SHARES)[0]
            wish = rng.choice(list(TOOL_S)) if call < _MAX_CALLS and rng.random() < 1 / 2 else None
            try:
                text, asked = self.ask(model, messages, wish, streamed=rng.random() < 3 / 4)
            except RateLimitError:
                otel_ax.circuit_breaker(model.provider, "open")
                log.warning("model refused, trying another", extra={"gen_ai.request.model": model.name})
                continue
            otel_ax.circuit_breaker(model.provider, "closed")
            if asked is None:
                log.info("question answered", extra={"helpdesk.calls": call})
                return text
            messages.append({"role": "tool", "content": self._used(asked)})
        raise NoAnswer(f"{_MAX_CALLS} calls were not enough")

    def ask(self, model: Model, messages: list[Message], wish: str | None, *, streamed: bool) -> Reply:
        """Calls a model. What the decorated function gives back has tokens, model and reason for the span."""
        call = otel_ax.llm(model.provider, model.name)
        if not streamed:
            message = call(self.client.complete)(model=model, messages=messages, tool=wish)["choices"][0]["message"]
            return message["content"], message["tool"]
        text, asked = "", None
        for chunk in call(self.client.stream)(model=model, messages=messages, tool=wish):
            for choice in chunk["choices"]:
                text += choice["delta"].get("content", "")
                asked = choice["delta"].get("tool", asked)
        return text, asked

    def _used(self, name: str) -> str:
        """What a tool says, or that it failed: the agent goes on."""
        use = {"lookup_order": self.lookup_order, "check_stock": self.check_stock, "create_ticket": self.create_ticket}
        try:
            return use[name](self.rng.randrange(10_000))
        except TimeoutError:
            log.exception("%s timed out", name)
            return "no answer"

    @otel_ax.tool
    def lookup_order(self, order: int) -> str:
        """Where an order is."""
        return self._queried("lookup_order", f"order {order} is on its way")

    @otel_ax.tool
    def check_stock(self, article: int) -> str:
        """Whether there are any left."""
        return self._queried("check_stock", f"article {article}: 3 left")

    @otel_ax.tool
    def create_ticket(self, order: int) -> str:
        """Lets people see to it."""
        return self._queried("create_ticket", f"ticket for order {order}")

    def _queried(self, name: str, answer: str) -> str:
        if self.rng.random() < 1 / 15:
            self.clock.passes(3)
            raise TimeoutError("no answer within 3 s")
        with self._tracer.start_as_current_span("SELECT orders", None, SpanKind.CLIENT, _QUERY):
            self.clock.passes(TOOL_S[name] * self.rng.lognormvariate(0, 0.4))
        return answer

    def _look_up(self, question: str) -> list[str]:
        if question in self._vectors:
            otel_ax.cache_event("embeddings", "hit", key=question, saved_usd=_EMBEDDING_USD, saved_tokens=10)
        else:
            otel_ax.cache_event("embeddings", "miss", key=question)
            otel_ax.llm(EMBEDDER.provider, EMBEDDER.name, operation="embeddings")(self.client.embed)(question)
            self._vectors.add(question)
            otel_ax.cache_size("embeddings", len(self._vectors))
        with self._tracer.start_as_current_span("retrieval handbook", None, SpanKind.CLIENT, _SEARCH):
            self.clock.passes(0.003)
            headers: dict[str, str] = {}
            propagate.inject(headers)
            return self._knowledge.search(headers, lambda: self.clock.passes(self.rng.lognormvariate(-3.5, 0.4)))

    def refund(self) -> None:
        """A refund that somebody asked for, once it is its turn."""
        waited_s = self.rng.expovariate(1 / 4)
        with otel_ax.using(tenant=self.rng.choice(TENANTS), user=f"u-{self.rng.randrange(40)}"):
            otel_ax.queue_wait("refunds", waited_s)
            self.clock.passes(waited_s)
            try:
                self.refunded(self.rng.randrange(10_000))
            except (PaymentFailed, RateLimitError, TimeoutError):
                log.exception("refund failed")

    @otel_ax.workflow("refund", steps=4)
    def refunded(self, order: int) -> str:
        """All of it."""
        facts = self.gather(order)
        reason = self.decide(facts)
        self.pay(order)
        return self.tell(reason)

    @otel_ax.step
    def gather(self, order: int) -> str:
        """What is known of the order."""
        return self.lookup_order(order)

    @otel_ax.step(retries=1)
    def decide(self, facts: str) -> str:
        """Whether it is due."""
        return self.ask(MODELS[1], [{"role": "user", "content": f"Is a refund due? {facts}"}], None, streamed=False)[0]

    @otel_ax.step(retries=2)
    def pay(self, order: int) -> str:
        """The bank often needs to be asked again."""
        self.clock.passes(self.rng.uniform(0.2, 0.9))
        if self.rng.random() < 1 / 2:
            raise PaymentFailed("502: the bank did not answer")
        return f"paid {order}"

    @otel_ax.step(name="tell the customer")
    def tell(self, reason: str) -> str:
        """A letter."""
        return self.ask(MODELS[0], [{"role": "user", "content": f"Write a letter: {reason}"}], None, streamed=True)[0]
