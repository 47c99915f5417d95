"""What an answer means: operators, rungs, few records, and every kind of nothing."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.alert import judge
from exporter.alert.rule import Rule
from exporter.alert.shapes import Instance, Sample, Severity, Verdict

NOTHING = (None, float("nan"))
LABELS = (("service", "shop"),)


def rule(**words: Any) -> Rule:
    told = {"alert": "r", "metric": "queue", "aggregation": "avg", "threshold": 5} | words
    return Rule.model_validate({name: value for name, value in told.items() if value is not None})


def instance(severity: Severity | None = None) -> Instance:
    return Instance("f", "g/r", "default", LABELS, state="firing" if severity else "inactive", severity=severity)


def meant(one: Rule, value: float | None, records: int | None = 100, fires: Severity | None = None) -> Verdict:
    return judge.verdict(one, Sample(LABELS, value, records), instance(fires))


@pytest.mark.parametrize(
    ("operator", "word", "below", "at", "above"),
    [
        (">", "gt", False, False, True),
        (">=", "gte", False, True, True),
        ("<", "lt", True, False, False),
        ("<=", "lte", True, True, False),
        ("==", "eq", False, True, False),
        ("!=", "ne", True, False, True),
    ],
)
def test_operators_are_symbols_or_words(operator: str, word: str, below: bool, at: bool, above: bool) -> None:  # noqa: FBT001 (rows of a table)
    for each in (operator, word):
        one = rule(operator=each)
        assert [meant(one, value).met for value in (4.0, 5.0, 6.0)] == [below, at, above]


def test_equality_allows_for_rounding_and_order_does_not() -> None:
    assert meant(rule(operator="==", threshold=0.3), 0.1 + 0.2).met
    assert not meant(rule(operator="!=", threshold=0.3), 0.1 + 0.2).met
    assert meant(rule(operator=">", threshold=0.3), 0.1 + 0.2).met
    assert meant(rule(operator="==", threshold=10**12), 10**12 + 1e-3).met
    assert not meant(rule(operator="==", threshold=0), 1e-9).met
    assert meant(rule(operator="==", threshold=0), 1e-13).met


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_equal_or_not_and_never_both(left: float, right: float) -> None:
    assert judge.HOLDS["=="](left, right) is not judge.HOLDS["!="](left, right)
    assert judge.HOLDS["=="](left, left)
    assert judge.HOLDS["<"](left, right) == judge.HOLDS[">"](right, left)


@pytest.mark.parametrize(("value", "severity"), [(1, None), (3, "info"), (6, "error"), (9, "error"), (99, "critical")])
def test_the_worst_rung_that_is_met_counts(value: float, severity: str | None) -> None:
    one = rule(threshold=None, thresholds={"critical": 10, "info": 2, "error": 5})
    said = meant(one, value)
    assert (said.met, said.severity) == (severity is not None, severity)
    assert said.threshold == {None: None, "info": 2, "error": 5, "critical": 10}[severity]


def test_a_rung_that_fires_holds_until_its_resolve_threshold() -> None:
    one = rule(threshold=None, thresholds={"warning": 5, "critical": 10}, resolve_threshold=4)
    assert not meant(one, 4.5).met
    assert meant(one, 4.5, fires="warning").severity == "warning"
    assert not meant(one, 4.0, fires="warning").met
    assert meant(one, 9.5, fires="warning").severity == "warning"
    assert meant(one, 9.5, fires="critical").severity == "critical"
    assert meant(one, 9.0, fires="critical").severity == "warning"
    assert meant(one, 4.5, fires="critical").severity == "warning"
    falling = rule(operator="<", threshold=5, resolve_threshold=6)
    assert [meant(falling, 5.5).met, meant(falling, 5.5, fires="warning").met] == [False, True]


@pytest.mark.parametrize("asked", ["p50", "p95", "p99"])
def test_percentiles_of_fewer_than_20_records_say_nothing(asked: str) -> None:
    one = rule(aggregation=asked)
    assert meant(one, 9.0, 20).met
    few = meant(one, 9.0, 19)
    assert (few.met, few.lapse, few.reason) == (None, "false", "too_few_records")
    assert meant(rule(aggregation=asked, min_samples=3), 9.0, 3).met


def test_ratios_need_records_and_averages_do_not() -> None:
    assert meant(rule(metric="error_rate", aggregation=None, threshold="5%"), 0.5, 19).met is None
    assert meant(rule(), 9.0, 1).met
    assert meant(rule(sql="SELECT 1 AS value", metric=None, aggregation=None), 9.0, None).met


@pytest.mark.parametrize(("value", "no_data"), list(product(NOTHING, ["no_data", "ok", "alerting", "keep"])))
def test_no_value_of_an_average_is_no_answer_and_comes_to_what_the_rule_says(value: float | None, no_data: str) -> None:
    said = meant(rule(no_data=no_data), value)
    comes_to = {"no_data": "no_data", "ok": "false", "alerting": "true", "keep": "keep"}
    assert (said.met, said.value, said.severity, said.lapse) == (None, None, "warning", comes_to[no_data])
    assert judge.no_rows(rule(no_data=no_data), instance()) == said


@pytest.mark.parametrize("asked", ["count", "sum"])
@pytest.mark.parametrize(("operator", "met"), [(">", False), (">=", False), ("<", True), ("<=", True)])
def test_no_rows_are_a_count_or_a_sum_of_zero(asked: str, operator: str, met: bool) -> None:  # noqa: FBT001 (a row)
    said = judge.no_rows(rule(aggregation=asked, operator=operator), instance())
    assert (said.met, said.value) == (met, 0.0)
    assert meant(rule(aggregation=asked, operator=operator), None) == said


def test_a_group_that_is_missing_among_others_comes_to_false() -> None:
    for asked in ("avg", "count"):
        said = judge.missing(rule(aggregation=asked, operator="<"), instance("warning"))
        assert (said.met, said.lapse, said.reason) == (None, "false", "missing_series")
    by_sql = rule(sql="SELECT 1 AS value", metric=None, aggregation=None)
    assert judge.no_rows(by_sql, instance()).reason == "missing_series"


def test_absent_is_true_of_nothing_and_false_of_anything() -> None:
    one = rule(operator="absent", threshold=None, severity="critical")
    for nothing in (judge.no_rows(one, instance()), judge.missing(one, instance()), meant(one, None, 0)):
        assert (nothing.met, nothing.severity) == (True, "critical")
    assert meant(one, 0.0, 3).met is False
    assert meant(one, 0.0, None).met is False
