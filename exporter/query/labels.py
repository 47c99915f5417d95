"""By what measures and stored metrics are told apart, and the values that there are: for completion.

In: a metric's name, or the sources of a measure's cells; a period, a filter. Out: values by label, the most frequent
first.
"""

from dataclasses import dataclass
from typing import Final

from exporter.query.answer import Answer
from exporter.query.fields import CELLS
from exporter.query.figures import Of, cells_for
from exporter.query.filter import parse
from exporter.query.named import Named, both
from exporter.query.period import MINUTE, Period
from exporter.query.views import Views

MOST: Final = 100
"""Values of one label."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label and its values, at most `MOST` of `distinct` ones."""

    label: str
    values: tuple[str, ...]
    distinct: int

    def __post_init__(self) -> None:
        """Lists become tuples."""
        object.__setattr__(self, "values", tuple(self.values or ()))


def labels(views: Views, one: Named, period: Period, *, where: str | None = None, of: Of = Of.CALLS) -> Answer[Label]:
    """The labels that have values in a period, from rollups: what `by` and filters take. Raises `AxError`."""
    is_measured = one.measure is not None and not one.measure.metric
    metric = one.measure.metric if one.measure is not None else one.name
    condition = parse(both(one.only, where), CELLS)
    cells, width = cells_for(period, MINUTE if period.length_ns < 12 * 60 * MINUTE else 60 * MINUTE)
    whole = period.widened(width)
    parameters = {
        **whole.us(),
        "sources": list(of.value[1]) if is_measured else ["point"],
        "name": None if is_measured else metric,
        "most": MOST,
        **condition.parameters,
    }
    columns = ", ".join(f"{field.sql}::VARCHAR AS {name}" for name, field in CELLS.fields.items() if name != "metric")
    names = ", ".join(name for name in CELLS.fields if name != "metric")
    places = {"cells": cells, "where": condition.sql, "columns": columns, "names": names}
    return Answer(views.rows("label_values", Label, parameters, places), period=whole, source=cells)
