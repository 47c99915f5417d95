"""A backtest asks a few long questions: they have to say what each slot's own question says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.alert import ask, backtest
from exporter.alert.backtest import Fired
from exporter.alert.evaluate import Failure
from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.shapes import Labels
from exporter.errors import AxError
from exporter.query.period import HOUR, MINUTE, Period
from exporter.query.views import Views, reading
from exporter.sandbox import Column, Rows
from tests.exporter.store_tables import NOON, append, opened, spans, table

S = 10**9
MS = 10**6
DELAY = 15 * S
BEGIN = NOON - 2 * HOUR
SLOW = range(60, 75)
"""The minutes, from BEGIN, in which calls of one model take 5 s."""


def took(minute: int, model: str) -> int:
    return 5_000 * MS if model == "b" and minute in SLOW else 200 * MS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours: every 2 s a call of each of two models, every 20 s points of a gauge and a counter."""
    path = tmp_path_factory.mktemp("backtested") / "data"
    store = opened(path)
    ends = [BEGIN + n * 2 * S for n in range(3_600)]
    for model in ("a", "b"):
        durations = [took((end - BEGIN) // MINUTE, model) for end in ends]
        starts = [end - duration for end, duration in zip(ends, durations, strict=True)]
        named = {"gen_ai_operation_name": "chat", "gen_ai_request_model": model, "is_counted": True}
        append(store, spans(starts, duration_ns=durations, cost_nanos=10**6, **named))
    times = [BEGIN + n * 20 * S for n in range(360)]
    append(
        store, table("metrics_gauge", times, metric_name="depth", value=[float(n) for n in range(360)]), "metrics_gauge"
    )
    looked_up: dict[str, Any] = {
        "metric_name": "ax.cache.requests",
        "aggregation_temporality": "DELTA",
        "is_monotonic": True,
        "attribute_types": "s",
    }
    for outcome, value in (("hit", 3.0), ("miss", 1.0)):
        rows = table("metrics_sum", times, value=value, attributes=[[("ax.cache.outcome", outcome)]] * 360, **looked_up)
        append(store, rows, "metrics_sum")
    store.close()
    return path


@pytest.fixture
def views(data: Path) -> Iterator[Views]:
    with reading(data) as found:
        yield found


def watched(**given: Any) -> Watched:
    rule = Rule.model_validate({"alert": "A"} | given)
    return Watched("g/A", rule, Group(name="g", rules=(rule,)), "test")


def run(views: Views, one: Watched, interval_ns: int = MINUTE, begin: int = BEGIN, **more: Any) -> backtest.Backtest:
    period = Period(begin, NOON)
    return backtest.backtest(views, one, period, interval_ns=interval_ns, delay_ns=DELAY, **more)


def test_a_slow_quarter_of_an_hour_would_have_fired_once(views: Views) -> None:
    slow = watched(
        metric="p95_latency",
        by="model",
        threshold="2s",
        window="5m",
        annotations={"summary": "{{ labels.model }} {{ value }}"},
    )
    found = run(views, slow)
    (fired,) = found.fired
    assert isinstance(fired, Fired)
    assert (fired.labels, fired.summary, fired.reason) == ((("model", "b"),), "b 5 s", "false")
    begun, ended = BEGIN + SLOW.start * MINUTE, BEGIN + SLOW.stop * MINUTE
    assert begun < fired.fired_at < begun + 2 * MINUTE + DELAY  # 5 % of five minutes are 15 s
    assert fired.resolved_at is not None
    assert ended + 4 * MINUTE < fired.resolved_at < ended + 6 * MINUTE + DELAY
    assert found.firing_ns == fired.resolved_at - fired.fired_at
    assert (found.slots, found.every_ns, found.failures) == (120, MINUTE, 0)
    assert found.series[0][0] == (("model", "b"),)


@pytest.mark.parametrize(
    ("given", "interval_ns", "one_by_one"),
    [
        ({"metric": "p95_latency", "by": "model", "threshold": "2s"}, MINUTE, False),
        ({"metric": "calls", "filter": 'model = "a"', "threshold": 1, "window": "1m"}, 15 * S, False),
        ({"metric": "hourly_cost", "threshold": "$1"}, 5 * MINUTE, False),
        ({"metric": "depth", "aggregation": "max", "threshold": 1}, MINUTE, False),
        ({"metric": "depth", "aggregation": "rate", "threshold": 1}, MINUTE, False),
        ({"metric": "cache_hit_rate", "threshold": "5%"}, MINUTE, False),
        ({"view": "llm_calls", "field": "duration_ns", "aggregation": "avg", "threshold": "1s"}, MINUTE, False),
        ({"metric": "calls", "threshold": 1, "window": "90s"}, MINUTE, True),
        ({"metric": "depth", "aggregation": "last", "threshold": 1}, 30 * S, True),
    ],
    ids=str,
)
def test_it_sees_at_each_slot_what_the_server_would_have_seen(
    views: Views, given: dict[str, Any], interval_ns: int, *, one_by_one: bool
) -> None:
    one = watched(**given)
    assert (backtest.tiles(ask.question(one.rule), interval_ns) is None) == one_by_one
    found = run(views, one, interval_ns, NOON - 20 * MINUTE if one_by_one else BEGIN)
    values: dict[Labels, dict[int, float | None]] = {labels: dict(points) for labels, points in found.series}
    slots = sorted({at for points in values.values() for at in points})
    assert len(slots) >= 20
    for at in slots[3::17]:
        (live,) = ask.samples(views, [one], at, DELAY).values()
        assert not isinstance(live, Failure)
        assert {sample.labels: sample.value for sample in live} == {
            labels: pytest.approx(points[at]) for labels, points in values.items() if at in points
        }


def test_sql_is_asked_at_few_slots(views: Views) -> None:
    asked: list[str] = []

    def run_sql(data: Path, sql: str) -> Rows:
        del data
        asked.append(sql)
        return Rows((Column("value", "BIGINT"),), ((7,),), truncated=False, elapsed_ns=0)

    found = run(views, watched(sql="select 7 as value", threshold=5), S, run_sql=run_sql)
    assert found.slots == len(asked) <= backtest.MOST_SQL
    assert (found.every_ns, len(found.fired), found.fired[0].resolved_at) == (36 * S, 1, None)


def test_a_question_that_fails_is_counted(views: Views) -> None:
    found = run(views, watched(metric="depth", aggregation="last", threshold="2s"))
    assert (found.fired, found.failures > 50) == ((), True)
    assert "depth is measured in no unit" in found.failure


def test_a_range_beyond_bearing_is_refused(views: Views) -> None:
    one = watched(metric="calls", threshold=1)
    with pytest.raises(AxError, match="more than a backtest looks at; give a range of at most"):
        backtest.backtest(views, one, Period(0, NOON), interval_ns=S, delay_ns=0)
