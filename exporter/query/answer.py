"""What a question is answered with: rows, and how far they may be off.

In: nothing. Out: types.
"""

from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from exporter.errors import AxError
from exporter.query.period import Period

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Precision:
    """How exact figures are: percentiles of a sketch are at most `error_ratio` off the nearest-rank percentile.

    Counts, sums, least and greatest are exact in either. The percentiles of a stored histogram are `buckets`: they are
    upper bounds of its buckets, so off by as much as those are wide, which nobody can tell as one number.
    """

    kind: Literal["exact", "sketch", "buckets"]
    error_ratio: float | None = 0.0

    def __str__(self) -> str:
        """In words."""
        match self.kind:
            case "exact":
                return "exact"
            case "sketch":
                return f"percentiles from sketches, at most {self.error_ratio or 0:.1%} off; all else exact"
        return "percentiles are upper bounds of the sender's buckets; all else exact"


EXACT: Final = Precision("exact")
SKETCH: Final = Precision("sketch", 0.011)
BUCKETS: Final = Precision("buckets", None)


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """Rows; how exact they are; the time that they are about; the view that they were read from."""

    rows: tuple[Row, ...]
    precision: Precision = EXACT
    period: Period | None = None
    source: str = ""


class NotStored(AxError):
    """There is nothing of that id."""


class TooMany(AxError):
    """An answer would have more rows than are given."""


def bounded(answer: Answer[Row], most: int | None) -> Answer[Row]:
    """The same answer. Raises `TooMany` where it has more than `most` rows."""
    if most is not None and len(answer.rows) > most:
        mend = "narrow it by a filter, tell apart by less, or ask for a shorter time or longer steps"
        raise TooMany(f"that makes more than {most:,} rows", mend=mend)
    return answer
