"""The exporter that is wrapped around another: price ▸ redact ▸ span metrics ▸ the other one.

In: ended spans, in the export thread, sampled and (`RECORD_ONLY`) not. Out: copies with their cost, without secrets,
without prompts unless they were asked for; those that are sampled go to the wrapped exporter.

An ended span is frozen and its processors are siblings, so that this protects our own pipeline only: an exporter that
somebody else added beside it sees the spans as they were made.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link
from opentelemetry.trace.status import Status

from otel_ax import prices, semconv
from otel_ax.calls import Nesting, is_call, model_of, plain, provider_of
from otel_ax.export.redact import redact_attributes, redact_text
from otel_ax.export.span_metrics import SpanMetrics
from otel_ax.guard import guarding, report

__all__ = ["Copied", "PricedExporter", "cost_attributes", "is_own"]

_MOST_RESOURCES: Final = 64
_NESTED: Final = {semconv.COST_UNPRICED: semconv.NESTED}


class Copied(ReadableSpan):
    """A span with other attributes, events or links than the one it was made from; its counts of dropped ones stay."""

    def __init__(self, span: ReadableSpan, attributes: Mapping[str, Any]) -> None:
        super().__init__(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=attributes,
            events=span.events,
            links=span.links,
            kind=span.kind,
            status=span.status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )
        self._dropped = span.dropped_attributes, span.dropped_events, span.dropped_links

    @property
    def dropped_attributes(self) -> int:
        """As counted while the span was recorded."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """As counted while the span was recorded."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """As counted while the span was recorded."""
        return self._dropped[2]


class _CopiedEvent(Event):
    def __init__(self, event: Event, name: str, attributes: Mapping[str, Any]) -> None:
        super().__init__(name, attributes, event.timestamp)
        self._dropped = event.dropped_attributes

    @property
    def dropped_attributes(self) -> int:
        return self._dropped


class _CopiedLink(Link):
    def __init__(self, link: Link, attributes: Mapping[str, Any]) -> None:
        super().__init__(link.context, attributes)
        self._dropped = link.dropped_attributes

    @property
    def dropped_attributes(self) -> int:
        return self._dropped


class PricedExporter(SpanExporter):
    """Prices, redacts and counts spans, and hands those that are sampled to `inner`. Nothing of it raises.

    Args:
        inner: The exporter that sends them; None: they are only counted.
        redact: Mask secrets.
        metrics: Counts them, nested inference once; None: nobody does.
        content: Let prompts and completions through. Say True only if the user asked for them.
    """

    def __init__(
        self,
        inner: SpanExporter | None,
        *,
        redact: bool,
        metrics: SpanMetrics | None,
        content: bool = False,
    ) -> None:
        self._inner, self._redact, self._metrics, self._content = inner, redact, metrics, content
        self._resources: dict[int, tuple[Resource, Resource]] = {}
        self._nesting = Nesting()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Priced and redacted, they go to `inner`; a span that cannot be made safe is left out and reported."""
        ready = []
        for span in spans:
            with guarding("pricing or redacting a span"):
                ready.append(self._made_ready(span))
        if self._metrics is not None:
            with guarding("counting spans"):
                self._metrics.record(ready)
        sampled = [span for span in ready if _is_sampled(span)]
        if self._inner is None or not sampled:
            return SpanExportResult.SUCCESS
        try:
            return self._inner.export(sampled)
        except Exception as error:  # noqa: BLE001 (an exporter of anybody's)
            report(f"otel_ax: spans could not be sent: {type(error).__name__}: {error}")
            return SpanExportResult.FAILURE

    def _made_ready(self, span: ReadableSpan) -> ReadableSpan:
        attributes = plain(span.attributes)
        if semconv.SPAN_PENDING not in attributes:
            is_counted = is_own(span, attributes, self._nesting)
            if is_call(attributes):
                attributes.update(cost_attributes(attributes, span.start_time or 0) if is_counted else _NESTED)
        made = Copied(span, attributes)
        if not self._redact and self._content:
            return made
        return self._redacted(span, made)

    def _redacted(self, span: ReadableSpan, made: Copied) -> ReadableSpan:
        redact, content = self._redact, self._content
        made._attributes = redact_attributes(made._attributes or {}, redact=redact, content=content)  # noqa: SLF001 (ours)
        made._events = [self._event(event) for event in span.events]  # noqa: SLF001
        made._links = [self._link(link) for link in span.links]  # noqa: SLF001
        if redact:
            made._name = redact_text(span.name)  # noqa: SLF001
            made._resource = self._resource(span.resource)  # noqa: SLF001
            if span.status.description:
                made._status = Status(span.status.status_code, redact_text(span.status.description))  # noqa: SLF001
        return made

    def _event(self, event: Event) -> Event:
        attributes = event.attributes or {}
        made = redact_attributes(attributes, redact=self._redact, content=self._content, event=event.name)
        name = redact_text(event.name) if self._redact else event.name
        return event if made is attributes and name is event.name else _CopiedEvent(event, name, made)

    def _link(self, link: Link) -> Link:
        attributes = link.attributes or {}
        made = redact_attributes(attributes, redact=self._redact, content=self._content)
        return link if made is attributes else _CopiedLink(link, made)

    def _resource(self, resource: Resource) -> Resource:
        """One object for each resource, as the encoder groups spans by it."""
        kept = self._resources.get(id(resource))
        if kept is None or kept[0] is not resource:
            if len(self._resources) >= _MOST_RESOURCES:
                self._resources.clear()
            masked = redact_attributes(resource.attributes)
            made = resource if masked is resource.attributes else Resource(masked, resource.schema_url)
            kept = self._resources[id(resource)] = resource, made
        return kept[1]

    def shutdown(self) -> None:
        """Shuts `inner` down."""
        if self._inner is not None:
            with guarding("shutting the exporter down"):
                self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether `inner` sent all within the time."""
        if self._inner is None:
            return True
        try:
            return self._inner.force_flush(timeout_millis)
        except Exception as error:  # noqa: BLE001 (an exporter of anybody's)
            report(f"otel_ax: spans could not be flushed: {type(error).__name__}: {error}")
            return False


def _is_sampled(span: ReadableSpan) -> bool:
    context = span.get_span_context()
    return context is not None and context.trace_flags.sampled


def is_own(span: ReadableSpan, attributes: Mapping[str, Any], nesting: Nesting) -> bool:
    """Whether an ended span is a call whose usage no span within it tells; to be asked of every span, once."""
    context, parent = span.get_span_context(), span.parent
    if context is None:
        return False
    around = None if parent is None else (parent.trace_id, parent.span_id)
    return nesting.is_counted((context.trace_id, context.span_id), around, attributes)


def cost_attributes(attributes: Mapping[str, Any], at_ns: int) -> dict[str, str | float]:
    """What a call's attributes gain: its cost in dollars by bucket with the price's version and day, or why none.

    A cost that is there already (a user's own, or ours of an earlier pass) stays as it is.
    """
    if semconv.COST in attributes:
        return {}
    usage = prices.usage_of(attributes)
    if usage is None:
        return {}
    price = prices.price(provider_of(attributes), model_of(attributes), usage, at_ns)
    if isinstance(price, prices.Unpriced):
        return {semconv.COST_UNPRICED: price.reason}
    told: dict[str, str | float] = {semconv.COST: price.nanos / 1e9}
    told.update({prices.BUCKETS[bucket]: nanos / 1e9 for bucket, nanos in price.buckets.items()})
    told[semconv.PRICE_VERSION], told[semconv.PRICE_DATE] = price.version, price.date
    return told
