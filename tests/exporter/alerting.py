"""Rules and answers for tests of alerting."""

from collections.abc import Mapping
from typing import Any

from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.shapes import Sample
from exporter.units import NS_PER_S

MINUTE = 60 * NS_PER_S
START = 29_000_000 * MINUTE


def rule(**words: Any) -> Watched:
    """A rule that is met by more than 5 on average of each service; None takes a word out."""
    told = {"alert": "Slow", "metric": "queue", "aggregation": "avg", "by": ["service"], "threshold": 5} | words
    one = Rule.model_validate({name: value for name, value in told.items() if value is not None})
    return Watched(f"g/{one.alert}", one, Group(name="g", rules=(one,)), "here")


def samples(values: Mapping[str, float | None]) -> list[Sample]:
    """An answer by service; without one for an empty name."""
    return [Sample((("service", each),) if each else (), value, 100) for each, value in values.items()]
