"""Beside an SDK that somebody has configured already: what would send the same to the same place once more.

In: a provider of the program's, and the address of ours. Out: the provider without the stock exporters that send there,
which ours stands in for. Exporters to other places stay.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["stand_in_for_logs", "stand_in_for_metrics", "stand_in_for_traces"]

_OTLP_PORTS: Final = frozenset({4317, 4318, None})
"""One server, in its two protocols."""


def stand_in_for_traces(provider: Any, endpoint: str) -> int:
    """How many of its span processors ours replaces."""
    return _replaced(getattr(provider, "_active_span_processor", None), "_span_processors", endpoint)


def stand_in_for_logs(provider: Any, endpoint: str) -> int:
    """How many of its log record processors ours replaces."""
    return _replaced(getattr(provider, "_multi_log_record_processor", None), "_log_record_processors", endpoint)


def stand_in_for_metrics(provider: Any, endpoint: str) -> int:
    """How many of its readers ours replaces."""
    found = [
        reader
        for reader in getattr(provider, "_metric_readers", ())
        if _is_ours(getattr(reader, "_exporter", None), endpoint)
    ]
    for reader in found:
        _aside(partial(_removed, provider, reader))
    return len(found)


def _removed(provider: Any, reader: Any) -> None:
    """The reader sends its last and goes. The SDK would end it twice more, and warn of that (1.45)."""
    reader.shutdown()
    reader.shutdown = lambda *_, **__: None
    provider.remove_metric_reader(reader)


def _replaced(multiple: Any, name: str, endpoint: str) -> int:
    processors = getattr(multiple, name, ())
    twins = [one for one in processors if any(_is_ours(exporter, endpoint) for exporter in _exporters(one))]
    if twins:
        setattr(multiple, name, tuple(one for one in processors if one not in twins))
        for twin in twins:
            _aside(twin.shutdown)
    return len(twins)


def _exporters(processor: Any) -> Iterator[Any]:
    """Of a stock batch or simple processor."""
    inner = getattr(processor, "_batch_processor", processor)
    yield from (getattr(inner, name, None) for name in ("_exporter", "span_exporter"))


def _is_ours(exporter: Any, endpoint: str) -> bool:
    module = type(exporter).__module__
    return module.startswith("opentelemetry.exporter.otlp.") and _same(
        str(getattr(exporter, "_endpoint", "")), endpoint
    )


def _same(one: str, other: str) -> bool:
    parts, others = (urlsplit(url if "://" in url else f"//{url}") for url in (one, other))
    ports = {parts.port, others.port}
    return parts.hostname == others.hostname and (len(ports) == 1 or ports <= _OTLP_PORTS)


def _aside(end: Callable[[], Any]) -> None:
    """What it still holds it may send, which may take its time."""
    threading.Thread(target=end, name="otel-ax stand-in", daemon=True).start()
