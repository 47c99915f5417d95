"""The life of an instance: a line of text in, a line of text out, one character a second.

`!` is true, `.` false, `?` no answer, `1` to `4` true at that severity, `h` false while the answer may lack what we
failed to take. What comes out is as in `exporter.alert.timeline`, or the severity where it fires.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.alert.machine import Times, acknowledged, closed, episode, fingerprint, looked, resumed, step
from exporter.alert.shapes import SEVERITIES, Change, Instance, Verdict
from exporter.alert.timeline import letter
from exporter.units import NS_PER_S

HOUR = 3_600
TRUE = Verdict(met=True, value=9.0, severity="warning", threshold=5.0)
FALSE = Verdict(met=False, value=1.0)
LAPSES = {"ok": "false", "alerting": "true", "keep": "keep", "no_data": "no_data"}


def fresh() -> Instance:
    return Instance(fingerprint("default", "g/r", ()), "g/r", "default", ())


def said(what: str, lapse: str = "no_data") -> Verdict:
    if what in "1234":
        return Verdict(met=True, value=float(what), severity=SEVERITIES[int(what) - 1], threshold=0.0)
    if what == "?":
        return Verdict(None, None, "warning", reason="no_data", lapse=LAPSES[lapse])
    return TRUE if what == "!" else FALSE


def played(
    seen: str, *, hold: int = 0, keep: int = 0, no_data: str = "no_data", start: Instance | None = None, at: int = 1_000
) -> tuple[str, Instance, list[Change]]:
    instance, line, told = start or fresh(), "", []
    for second, what in enumerate(seen, at):
        times = Times(hold * NS_PER_S, keep * NS_PER_S)
        instance, changes = step(instance, said(what, no_data), times, second * NS_PER_S, held=what == "h")
        told += changes
        line += letter(instance)
    return line, instance, told


def timeline(seen: str, *, hold: int = 0, keep: int = 0, no_data: str = "no_data") -> str:
    return played(seen, hold=hold, keep=keep, no_data=no_data)[0]


def severities(seen: str, *, keep: int = 0) -> str:
    instance, line = fresh(), ""
    for second, what in enumerate(seen, 1_000):
        instance, _ = step(instance, said(what), Times(0, keep * NS_PER_S), second * NS_PER_S)
        line += "." if instance.severity is None else str(SEVERITIES.index(instance.severity) + 1)
    return line


def transitions(seen: str, *, hold: int = 0, keep: int = 0) -> list[str]:
    return [change.transition for change in played(seen, hold=hold, keep=keep)[2]]


@pytest.mark.parametrize(
    ("seen", "hold", "keep", "expected"),
    [
        (".!!.", 0, 0, ".FF."),
        ("!!!!.", 2, 0, "PPFF."),
        ("!.!!!", 2, 0, "P.PPF"),
        ("!.!...", 0, 2, "FFFF.."),
        ("!.....", 0, 3, "FFF..."),
        ("!!!..!..", 1, 1, "PFF..P.."),
        ("!...!", 0, 9, "FFFFF"),
    ],
)
def test_true_for_long_enough_fires_and_false_for_long_enough_ends_it(
    seen: str, hold: int, keep: int, expected: str
) -> None:
    assert timeline(seen, hold=hold, keep=keep) == expected


@pytest.mark.parametrize(
    ("seen", "no_data", "expected"),
    [
        ("!??!", "no_data", "FFFF"),
        ("!???!", "no_data", "FFFNF"),
        (".???.", "no_data", "...N."),
        ("!??.", "no_data", "FFF."),
        ("!???", "ok", "FFF."),
        (".???", "alerting", "...F"),
        ("!?????", "keep", "FFFFFF"),
        ("!??!??!??", "no_data", "F" * 9),
    ],
)
def test_two_evaluations_without_an_answer_change_nothing_and_the_third_what_the_rule_says(
    seen: str, no_data: str, expected: str
) -> None:
    assert timeline(seen, no_data=no_data) == expected


@pytest.mark.parametrize(
    ("seen", "keep", "expected"),
    [
        ("24", 0, "24"),
        ("42", 0, "42"),
        ("4222", 2, "4422"),
        ("42422", 2, "44442"),
        ("4.22", 3, "4442"),
        ("2422.", 0, "2422."),
    ],
)
def test_worse_at_once_and_milder_only_when_it_lasts(seen: str, keep: int, expected: str) -> None:
    assert severities(seen, keep=keep) == expected


def test_each_change_is_told_once() -> None:
    assert transitions("!!!!..", hold=1) == ["pending", "firing", "resolved"]
    assert transitions("!.", hold=1) == ["pending", "dropped"]
    assert transitions("!.!.....", keep=2) == ["firing", "recovering", "recovering", "resolved"]
    assert transitions("2442") == ["firing", "escalated", "deescalated"]
    assert transitions("!?????.") == ["firing", "resolved", "no_data", "resolved"]


def test_no_data_is_an_alert_of_its_own() -> None:
    _, _, told = played("!???!")
    fired, ended, silent, _, again = told
    assert (ended.episode, ended.reason) == (fired.episode, "no_data")
    assert len({fired.episode, silent.episode, again.episode}) == 3
    assert {change.fingerprint for change in told} == {fresh().fingerprint}


def test_what_we_failed_to_take_ends_nothing_and_its_time_does_not_count() -> None:
    assert timeline("!hhhh!.") == "FFFFFF."
    assert timeline("!hhhh!!", hold=2) == "PPPPPPF"
    assert timeline("!.hhhh.", keep=2) == "FFFFFF."
    assert timeline("hh!", hold=0) == "..F"


def test_an_acknowledgement_lasts_until_the_end_or_until_it_gets_worse() -> None:
    _, firing, _ = played("2")
    known, told = acknowledged(firing, "ana", 1_001 * NS_PER_S)
    assert [(change.transition, change.by) for change in told] == [("acknowledged", "ana")]
    assert acknowledged(known, "ana", 1_002 * NS_PER_S) == (known, ())
    assert played("22", start=known, at=1_002)[0] == "AA"
    assert played("24", start=known, at=1_002)[0] == "AF"
    assert played("2.2", start=known, at=1_002)[0] == "A.F"
    assert acknowledged(fresh(), "ana", 1) == (fresh(), ())


def test_an_alert_that_is_closed_by_hand_begins_anew_where_it_goes_on() -> None:
    _, firing, (fired,) = played("!")
    after, (ended,) = closed(firing, "by_hand", 1_001 * NS_PER_S, by="ana")
    assert (ended.transition, ended.by, ended.reason, ended.episode) == ("resolved", "ana", "by_hand", fired.episode)
    line, _, (again,) = played("!", start=after, at=1_002)
    assert line == "F"
    assert again.episode != fired.episode
    assert after.resolved_at == 1_001 * NS_PER_S


@pytest.mark.parametrize("away", [0, 1, 30, HOUR])
def test_time_away_does_not_count_for_what_waits(away: int) -> None:
    _, waiting, _ = played("!!", hold=4)
    back = 1_002 + away
    after = resumed(waiting, NS_PER_S, back * NS_PER_S)
    assert played("!!!!", hold=4, start=after, at=back)[0] == "PPFF"


def test_after_more_than_an_hour_away_what_waits_begins_anew() -> None:
    _, waiting, _ = played("!!!!", hold=4)
    back = 1_004 + HOUR + 1
    after = resumed(waiting, NS_PER_S, back * NS_PER_S)
    assert played("!!!!!", hold=4, start=after, at=back)[0] == "PPPPF"


def test_what_fires_stays_through_any_time_away_without_a_word() -> None:
    _, firing, _ = played("!.", keep=5)
    back = 1_002 + 90_000
    after = resumed(firing, NS_PER_S, back * NS_PER_S)
    assert played("....", keep=5, start=after, at=back)[0] == "FFF."
    assert played("!", keep=5, start=after, at=back)[2] == []


def test_a_clock_that_was_set_back_takes_the_times_with_it() -> None:
    _, waiting, _ = played("!!!", hold=4)
    after = resumed(waiting, NS_PER_S, 500 * NS_PER_S)
    assert played("!!!", hold=4, start=after, at=500)[0] == "PPF"


def test_a_failed_question_leaves_everything_as_it_was() -> None:
    _, firing, _ = played("!")
    assert looked(firing, 2_000 * NS_PER_S).state == "firing"
    assert played(".", keep=2, start=looked(firing, 1_005 * NS_PER_S), at=1_006)[0] == "F"


def test_fingerprints_tell_labels_apart_and_not_their_order() -> None:
    one = fingerprint("t", "g/r", (("a", "1"), ("b", "2")))
    assert one == fingerprint("t", "g/r", (("b", "2"), ("a", "1")))
    others = [("t", "g/r", (("a", "1b2"),)), ("t", "g/r", (("a", "1:1:b"),)), ("u", "g/r", ()), ("t", "g/s", ())]
    assert len({one, *(fingerprint(*each) for each in others)}) == 5
    assert fingerprint("t", "r", (("a", "\ud800"),))


@given(st.text("!.?24h", max_size=40), st.integers(0, 5), st.integers(0, 5))
def test_equal_histories_give_equal_lives_and_each_episode_begins_and_ends_once(
    seen: str, hold: int, keep: int
) -> None:
    line, instance, told = played(seen, hold=hold, keep=keep)
    assert (line, instance, told) == played(seen, hold=hold, keep=keep)
    begun = [each.episode for each in told if each.from_state == "inactive"]
    ended = [each.episode for each in told if each.to_state == "inactive"]
    assert len(set(begun)) == len(begun)
    assert begun[: len(ended)] == ended
    assert len(begun) - len(ended) == (instance.state != "inactive")
    assert all(each.episode == episode(fresh().fingerprint, each.at) for each in told if each.from_state == "inactive")
