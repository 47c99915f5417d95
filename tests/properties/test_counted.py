"""Counters of a day, against whatever may become of what they count: they never fall, and nothing is lost of it."""

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.api.counted import FIRST, LAST, OTHERS, Counts, Told, told
from exporter.api.rollups import exposition
from exporter.query.day import LABELS, Total

DAY = 86_400 * 10**9
MOST = 3


def total(model: str, count: int, took: int = 30) -> Total:
    """`count` calls of a model, each of which took 2^`took` ns and cost a dollar."""
    labels = ("openai", model, *(None,) * (len(LABELS) - 2))
    return Total(
        labels, count, 0, 0, count * 2**took, count * 10**9, 10 * count, count, 0, 0, 0, ((took, count),)
    )  # fmt: skip


def named(model: str) -> tuple[str, ...]:
    return ("openai", model, *("",) * (len(LABELS) - 2))


def test_what_was_counted_is_told_by_series_with_cumulative_buckets() -> None:
    found = told(Told(), DAY, [total("a", 5, took=FIRST), total("b", 2, took=LAST + 1)], MOST).series
    assert (found[named("a")]["count"], found[named("a")].buckets) == (5, (5,) * (LAST - FIRST + 1))
    assert (found[named("b")]["count"], found[named("b")].buckets) == (2, (0,) * (LAST - FIRST + 1))
    assert OTHERS not in found


def test_the_most_frequent_of_those_that_come_together_have_series_of_their_own() -> None:
    totals = [total(model, 100 - place) for place, model in enumerate("abcdef")]
    found = told(Told(), DAY, totals, MOST)
    assert set(found.series) == {named("a"), named("b"), named("c"), OTHERS}
    assert found.series[OTHERS]["count"] == 97 + 96 + 95
    later = told(found, DAY, [total("f", 1_000), *totals[:5]], MOST)
    assert set(later.series) == set(found.series)
    assert later.series[OTHERS]["count"] == 97 + 96 + 1_000


def test_labels_that_are_equal_once_cut_and_cleaned_are_one_series() -> None:
    found = told(Told(), DAY, [total("x" * 300, 1), total("x" * 301, 2), total("a\x1bb", 3), total("a b", 4)], MOST)
    assert sorted(counts["count"] for counts in found.series.values()) == [3, 7]


def test_a_new_day_begins_anew() -> None:
    before = told(Told(), DAY, [total(model, 9) for model in "abcdef"], MOST)
    assert told(before, 2 * DAY, [total("f", 1)], MOST).series == {
        named("f"): told(Told(), 0, [total("f", 1)], 1).series[named("f")]
    }


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6, unique=True))
@settings(max_examples=40)
def test_any_labels_are_read_back_by_prometheus_own_parser(models: list[str]) -> None:
    state = told(Told(), DAY, [total(model, 10) for model in models], MOST)
    read = {
        tuple(sample.labels.get(name, "") for name in (*LABELS, "overflow")): sample.value
        for family in text_string_to_metric_families(exposition(state, is_open=True))  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name == "ax_calls_total"
    }
    others = (*("",) * len(LABELS), "true")
    assert read == {(*labels, "") if labels else others: counts["count"] for labels, counts in state.series.items()}


@given(st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 50)), max_size=6))
@settings(max_examples=60)
def test_counters_never_fall_and_hold_all_there_is(scrapes: list[dict[str, int]]) -> None:
    state, most_by_model = Told(), dict[str, int]()
    for scrape in scrapes:
        ranked = sorted(scrape.items(), key=lambda item: -item[1])
        after = told(state, DAY, [total(model, count, took=20 + count % 20) for model, count in ranked], MOST)
        for labels, counts in state.series.items():
            assert after.series[labels].at_least(counts) == after.series[labels]
        assert len(after.series) <= MOST + 1
        assert _all(after)["count"] >= sum(scrape.values())
        for model, count in scrape.items():
            most_by_model[model] = max(count, most_by_model.get(model, 0))
        assert _all(after)["count"] <= sum(most_by_model.values())
        state = after


def _all(state: Told) -> Counts:
    together = Counts()
    for counts in state.series.values():
        together = together.plus(counts)
    return together
