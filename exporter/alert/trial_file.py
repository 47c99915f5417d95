"""What a file for `ax rules test` is made of.

In: entries of its `tests:`. Out: frozen models; what cannot be read is told where it stands.
"""

from collections.abc import Callable
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from exporter.alert import timeline
from exporter.alert.series import Series, named
from exporter.alert.shapes import Severity, State
from exporter.errors import AxError
from exporter.rules import Declared, Duration, Texts
from exporter.rules.words import mistake
from exporter.units import NS_PER_S

MINUTE: Final = 60 * NS_PER_S


def _series_name(raw: object) -> object:
    return _checked(raw, named)


def _values(raw: object) -> object:
    return _checked(str(raw) if isinstance(raw, int | float) else raw, lambda text: Series(text).runs)


def _line(raw: object) -> object:
    return _checked(raw, timeline.read)


def _checked(raw: object, read: Callable[[str], object]) -> object:
    if isinstance(raw, str):
        try:
            read(raw)
        except AxError as error:
            raise mistake(error.message, error.mend) from None
    return raw


Named = Annotated[str, BeforeValidator(_series_name)]
Values = Annotated[str, BeforeValidator(_values)]
Line = Annotated[str, BeforeValidator(_line)]


class Input(Declared):
    """A series, and of how many records each value is."""

    series: Named
    values: Values
    records: Values | None = None


class Event(Declared):
    """What happens beside the series: one thing."""

    at: Duration = Field(ge=0)
    restart: Duration | None = None
    fail: Duration | None = None
    gap: Duration | None = None
    acknowledge: Named | None = None
    resolve: Named | None = None
    by: str = "somebody"

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        said = self.model_fields_set - {"at", "by"}
        if len(said) != 1:
            raise mistake("an event is one thing", "write one of restart, fail, gap, acknowledge and resolve")
        return self


class Expected(Declared):
    """An alert that there is to be."""

    exp_labels: Texts = Field(default_factory=dict)
    exp_annotations: Texts | None = None
    severity: Severity | None = None
    state: State = "firing"


class Moment(Declared):
    """All alerts of a rule at a time; those that only wait count where one of them is expected."""

    eval_time: Duration = Field(ge=0)
    alertname: str
    exp_alerts: tuple[Expected, ...] = ()


class Trial(Declared):
    """One test."""

    name: str = "test"
    rules: str | None = None
    interval: Duration = Field(MINUTE, ge=1)
    length: Duration | None = None
    input_series: tuple[Input, ...] = ()
    events: tuple[Event, ...] = ()
    timelines: dict[Named, Line] = Field(default_factory=dict)
    alert_rule_test: tuple[Moment, ...] = ()
