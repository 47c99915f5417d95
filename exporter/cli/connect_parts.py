"""In: nothing. Out: the one thing that `ax connect` prints, over and over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to do: its heading, and text in `language`."""

    title: str
    language: str
    text: str
