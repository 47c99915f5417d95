"""What an instance was over time, as a line of text with one character an evaluation.

In: states, or such a line. Out: the line, or what differs between two.

`.` inactive, `P` pending, `F` firing, `A` firing and acknowledged, `N` no data, `-` the server was down. `Fx20` is
twenty of them; spaces count for nothing.
"""

import re
from typing import Final

from exporter.alert.shapes import Instance
from exporter.errors import BadConfig
from exporter.units import format_duration

INACTIVE: Final = "."
DOWN: Final = "-"
LETTERS: Final = {"inactive": INACTIVE, "pending": "P", "firing": "F", "no_data": "N"}
ACKNOWLEDGED: Final = "A"
MEANINGS: Final = {letter: state.replace("_", " ") for state, letter in LETTERS.items()} | {
    ACKNOWLEDGED: "acknowledged"
}
MOST: Final = 2_000_000
_AROUND: Final = 30
_SHORT: Final = 90
_RUN: Final = re.compile(r"([.PFAN-])(?:x(\d{1,7}))?")


def letter(instance: Instance) -> str:
    """What an instance is, in one character."""
    if instance.state == "firing" and instance.acknowledged_by is not None:
        return ACKNOWLEDGED
    return LETTERS[instance.state]


def read(text: str) -> str:
    """A line without abbreviations. Raises `BadConfig`."""
    tight = "".join(text.split())
    if _RUN.sub("", tight):
        raise BadConfig(f"cannot read the timeline {text!r}", mend="write . P F A N -, and Fx20 for twenty of one")
    runs = [(match[1], int(match[2] or 1)) for match in _RUN.finditer(tight)]
    if sum(times for _, times in runs) > MOST:
        raise BadConfig(f"a timeline of more than {MOST:,}", mend="take a longer interval")
    return "".join(each * times for each, times in runs)


def differences(expected: str, got: str, interval_ns: int) -> list[str]:
    """Lines that show where two timelines differ first; none where they are the same."""
    length = max(len(expected), len(got))
    left, right = expected.ljust(length), got.ljust(length)
    wrong = [place for place in range(length) if left[place] != right[place]]
    if not wrong:
        return []
    first = wrong[0]
    begin = 0 if length <= _SHORT else max(0, first - _AROUND)
    end = length if length <= _SHORT else min(length, first + _AROUND)
    before, after = "…" if begin else "", "…" if end < length else ""
    marks = "".join("^" if left[place] != right[place] else " " for place in range(begin, end)).rstrip()
    when = format_duration(first * interval_ns)
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return [
        f"expected {before}{left[begin:end].rstrip()}{after}",
        f"got      {before}{right[begin:end].rstrip()}{after}",
        f"         {' ' * len(before)}{marks} at {when}: {_meant(right[first])}, not {_meant(left[first])}{more}",
    ]


def _meant(each: str) -> str:
    return MEANINGS.get(each, "over")
