"""One figure of the rows of a published view: an average, a percentile, a count, of a period and by group.

In: a view, SQL of a figure that the caller has looked up, a period, a filter. Out: a value per group, and of how many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exporter.errors import AxError
from exporter.query.answer import Answer
from exporter.query.fields import Subject
from exporter.query.filter import parse
from exporter.query.period import DAY, Period
from exporter.query.views import Views
from exporter.units import NS_PER_US

_ANY: Final = "true"
_BEGAN: Final = "start_time >= make_timestamptz($start_us::BIGINT - $margin_us::BIGINT)"


@dataclass(frozen=True, slots=True)
class ViewFigure:
    """The figure of one group; None where there is nothing to measure."""

    bucket_ns: int
    labels: tuple[str | None, ...]
    value: float | None
    records: int

    def __post_init__(self) -> None:
        """Lists become tuples."""
        object.__setattr__(self, "labels", tuple(self.labels or ()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A figure of a view's rows: `view`, `value` and `time`, when a row counts, are SQL that the caller has looked up.

    What began more than a day before the period is looked for only where rows `may_be_long`.
    """

    view: str
    value: str
    time: str
    subject: Subject
    may_be_long: bool = False


def view_figures(
    views: Views,
    wanted: Wanted,
    period: Period,
    *,
    by: Sequence[str] = (),
    where: str | None = None,
    step_ns: int = 0,
    origin_ns: int = 0,
) -> Answer[ViewFigure]:
    """The figure, a row per bucket of `step_ns` (0: one), one of which begins at `origin_ns`, and per group.

    `by` are fields of its subject, or attributes. Raises `AxError`.
    """
    subject = wanted.subject
    condition = parse(where, subject)
    named: dict[str, object] = {}
    labels = ", ".join(f"({_field(name, subject, named)})::VARCHAR" for name in by)
    parameters = {**period.us(step_ns, origin_ns), "margin_us": DAY // NS_PER_US, **condition.parameters, **named}
    places = {
        "view": wanted.view,
        "value": wanted.value,
        "time": wanted.time,
        "began": _ANY if wanted.may_be_long or wanted.time in {"time", "start_time"} else _BEGAN,
        "where": condition.sql,
        "labels": f"[{labels}]::VARCHAR[]",
    }
    return Answer(views.rows("view_figure", ViewFigure, parameters, places), period=period, source=wanted.view)


def _field(name: str, subject: Subject, named: dict[str, object]) -> str:
    if name in subject.fields:
        return subject.fields[name].sql
    if "." in name and subject.attributes:
        named[f"by_{len(named) + 1}"] = name
        return f"{subject.attributes}[$by_{len(named)}]"
    mend = f"fields are {', '.join(subject.fields)}"
    raise AxError(f"by: {subject.name} cannot be told apart by {name}", mend=mend)
