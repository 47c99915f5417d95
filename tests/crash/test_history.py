"""The judge of histories: what it calls lost, doubled, torn, made up, refused and yet stored."""

import pytest

from tests.crash.history import History, Verdict, judge

ONE = frozenset({1})
EVENTS = {"s": "send", "a": "ack", "r": "refuse", "?": "unknown", "k": "kill"}


def history(line: str) -> History:
    """What happened to batch 1, a letter an event: send, ack, refuse, ? for nobody knows, kill."""
    seen = History()
    for letter in line:
        seen.add(EVENTS[letter], "write" if letter == "k" else 1)  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize(
    ("line", "records", "verdict"),
    [
        ("sa", 2, Verdict()),
        ("sa", 0, Verdict(lost=ONE)),
        ("s?sak", 0, Verdict(lost=ONE)),
        ("sa", 1, Verdict(torn=ONE)),
        ("s?", 1, Verdict(torn=ONE)),
        ("s?", 0, Verdict()),
        ("s?", 2, Verdict()),
        ("s", 2, Verdict()),
        ("sk?", 4, Verdict(doubled=ONE)),
        ("sasa", 3, Verdict(doubled=ONE)),
        ("", 2, Verdict(made_up=ONE)),
        ("sr", 0, Verdict()),
        ("srsr", 2, Verdict(refused=ONE)),
        ("srsa", 2, Verdict()),
        ("srs?", 2, Verdict()),
        ("srs", 2, Verdict()),
    ],
)
def test_a_history_of_one_batch_of_two_records(line: str, records: int, verdict: Verdict) -> None:
    assert judge(history(line), {1: records}, 2) == verdict
    assert judge(history(line), {1: records, 2: 0}, 2) == verdict


def test_what_was_acknowledged_and_is_in_no_count_is_lost() -> None:
    assert judge(history("sa"), {}, 2) == Verdict(lost=ONE)
