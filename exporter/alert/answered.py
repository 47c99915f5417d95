"""What the answer to a rule's question says of the rule: a sample per group, in the unit of its threshold.

In: a rule, the rows of its question. Out: samples with how many records are behind each, or why there are none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from exporter import sandbox
from exporter.alert import anomalous
from exporter.alert.evaluate import Failure
from exporter.alert.quantity import Unit
from exporter.alert.rule import Rule
from exporter.alert.shapes import Labels, Sample
from exporter.errors import AxError
from exporter.outlook.unusual import Unusual
from exporter.query.figures import Figures
from exporter.query.measures import MEASURES
from exporter.query.points import Points
from exporter.query.view_figures import ViewFigure
from exporter.units import NS_PER_S

Answered = tuple[Sample, ...] | Failure
"""What a rule's question got: a sample per group (one, if it does not group, also where there is nothing)."""

_SCALES: Final[Mapping[Unit, Mapping[str, float]]] = {
    "ns": {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3_600e9, "d": 86_400e9},
    "bytes": {"By": 1, "kBy": 1e3, "MBy": 1e6, "GBy": 1e9, "KiBy": 2**10, "MiBy": 2**20, "GiBy": 2**30},
    "ratio": {"1": 1, "": 1, "%": 0.01},
    "usd_nanos": {"{USD}": 1e9, "USD": 1e9, "{usd}": 1e9, "usd": 1e9, "$": 1e9},
}
"""What one of a sender's unit (UCUM) is in ours."""


@dataclass(frozen=True, slots=True)
class Point:
    """What the points of a group come to, and how long its window is."""

    points: Points
    length_ns: int

    @property
    def bucket_ns(self) -> int:
        """When its window begins."""
        return self.points.bucket_ns


Figure = Figures | Point | ViewFigure
Rows = tuple[Figure, ...] | tuple[Unusual, ...] | sandbox.Rows
"""What a question got."""


def read(rule: Rule, rows: Rows) -> Answered:
    """The samples of a rule in the answer to its question."""
    try:
        found = tuple(_of_sql(rule, rows) if isinstance(rows, sandbox.Rows) else _of_rows(rule, rows))
    except AxError as error:
        return Failure(str(error))
    if not found and not rule.by and rule.sql is None:
        if rule.anomaly is not None:
            return (Sample((), None),)
        return (Sample((), 0.0 if rule.adds else None, 0),)
    return found


def _of_rows(rule: Rule, rows: Iterable[Figure | Unusual]) -> Iterable[Sample]:
    told = rule.asked
    for row in rows:
        if isinstance(row, Unusual):
            if rule.anomaly is not None:
                yield anomalous.sample(rule.anomaly, _labels(rule.by, row.labels), row)
        elif isinstance(row, Figures):
            value = MEASURES[told.name].read(row)
            if told.aggregation == "rate" and value is not None:
                value /= (told.window_ns or rule.window) / NS_PER_S
            yield Sample(_labels(rule.by, row.labels), value, _records(told.name, row))
        elif isinstance(row, Point):
            yield Sample(_labels(rule.by, row.points.labels), _of_points(rule, row), row.points.count)
        else:
            yield Sample(_labels(rule.by, row.labels), _number(row.value), row.records)


def _records(measure: str, row: Figures) -> int:
    if measure == "cache_hit_rate":
        return row.cache_hits + row.cache_misses
    if measure == "rate_limit_denial_rate":
        return row.rate_limit_allowed + row.rate_limit_denied
    return row.count


def _of_points(rule: Rule, row: Point) -> float | None:
    told, found = rule.asked, row.points
    if told.aggregation == "count":
        return found.count
    value = found.read(told.aggregation, row.length_ns)
    return None if value is None else _number(value * _scale(told.unit, found.unit or "", told.name))


def _scale(unit: Unit, stored: str, name: str) -> float:
    """What one of the sender's unit is in that of the threshold. Raises `AxError` where it is something else."""
    scales = _SCALES.get(unit)
    if scales is None:
        return 1.0
    if stored not in scales:
        mend = f"write the threshold as a number of {stored}" if stored else "write the threshold as a number"
        raise AxError(f"{name} is measured in {stored or 'no unit'}, and the threshold is not", mend=mend)
    return scales[stored]


def check_columns(rule: Rule, names: Sequence[str]) -> None:
    """Raises `AxError` where the columns of a rule's SQL are not what it compares and groups by."""
    if "value" not in names:
        raise AxError(f"the rows of {rule.alert} have no column `value`", mend="name what is compared: … AS value")
    if missing := [name for name in rule.by if name not in names]:
        raise AxError(f"the rows of {rule.alert} have no column {missing[0]}", mend="select what it groups by")


def _of_sql(rule: Rule, rows: sandbox.Rows) -> Iterable[Sample]:
    names = [column.name for column in rows.columns]
    check_columns(rule, names)
    if rows.truncated:
        raise AxError(f"{rule.alert} has more rows than are read", mend="add a LIMIT, or group by less")
    place = names.index("value")
    kept = [(n, name) for n, name in enumerate(names) if n != place and (not rule.by or name in rule.by)]
    for row in rows.rows:
        yield Sample(tuple(sorted((name, _text(row[n])) for n, name in kept)), _number(row[place]))


def _labels(names: Sequence[str], values: Sequence[str | None]) -> Labels:
    return tuple(sorted((name, value or "") for name, value in zip(names, values, strict=True)))


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _number(value: object) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type] # what is no number is told
    except (TypeError, ValueError):
        raise AxError(f"{str(value)[:50]!r} is no number", mend="compare numbers") from None
    return number if isfinite(number) else None
