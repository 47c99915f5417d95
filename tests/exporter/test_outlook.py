"""Projection, anomalies, trends, advice and capacity: on series whose answer is known, and on simulated traffic."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import AxError
from exporter.outlook.advice import advice, of_caches
from exporter.outlook.anomaly import HOUR_NS, judged
from exporter.outlook.capacity import capacity
from exporter.outlook.projection import Projection, projected
from exporter.outlook.trend import trend
from exporter.outlook.unusual import unusual
from exporter.query.period import DAY, HOUR, Period
from exporter.query.storage import Stored
from exporter.query.views import Views, reading
from exporter.query.waste import CachedShare
from tests.exporter.store_tables import NOON, StillClock, append, opened, spans
from tests.outlook_traffic import KINDS, MONTHS, WEEK_H, hourly, month, start_of

USD = 10**9

# ── Projection ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_steady_spend_goes_on() -> None:
    """Two weeks of ten dollars a day, the evening of the last; three days are to come."""

    def of(limit: int) -> Projection:
        found = projected(
            [10 * USD] * 14, [*range(7)] * 2, spent_nanos=140 * USD, to_come=[0, 1, 2, 3], limit_nanos=limit * USD
        )
        assert found is not None
        return found

    assert of(171) == Projection(170 * USD, 170 * USD, 170 * USD, None)
    assert [of(limit).gone_in_days for limit in (170, 155, 145, 140, 1)] == [3, 2, 1, 0, 0]


def test_weekends_are_known() -> None:
    weeks = [10, 10, 10, 10, 10, 2, 2] * 6
    found = projected([cost * USD for cost in weeks], [*range(7)] * 6, spent_nanos=0, to_come=range(7), left_of_today=1)
    assert found is not None
    assert found.expected_nanos == pytest.approx(54 * USD, rel=0.02)


def test_a_trend_goes_on() -> None:
    costs = [(100 + 2 * day) * USD for day in range(42)]
    found = projected(costs, [day % 7 for day in range(42)], spent_nanos=0, to_come=[0] * 10, left_of_today=1)
    assert found is not None
    assert found.expected_nanos == pytest.approx(sum(100 + 2 * day for day in range(42, 52)) * USD, rel=0.05)


def test_nothing_is_said_of_less_than_two_days() -> None:
    assert projected([USD], [0], spent_nanos=USD, to_come=[1]) is None


@given(
    st.lists(st.integers(0, 10**12), min_size=2, max_size=80),
    st.integers(0, 10**13),
    st.integers(0, 30),
    st.floats(0, 1),
    st.integers(0, 6),
)
def test_never_less_than_what_is_spent(history: list[int], spent: int, days: int, left: float, first: int) -> None:
    weekdays = [(first + day) % 7 for day in range(len(history) + days)]
    told = {"spent_nanos": spent, "to_come": weekdays[len(history) :], "left_of_today": left, "limit_nanos": 10**12}
    found = projected(history, weekdays[: len(history)], **told)  # type: ignore[arg-type]
    assert found is not None
    assert spent <= found.low_nanos <= found.high_nanos
    assert spent <= found.expected_nanos
    assert found == projected(history, weekdays[: len(history)], **told)  # type: ignore[arg-type]
    if spent >= 10**12 and days:
        assert found.gone_in_days == 0


def covered(kind: str, months: int) -> tuple[float, float]:
    """The share of months that ended within their interval, seen on any day; the mean error on the fifteenth."""
    random = np.random.default_rng(7)
    within, errors = 0, []
    for place in range(months):
        for day in ((4, 8, 12, 18, 22)[place % 5], 15):
            one = month(kind, random, day)
            found = projected(one.history, one.weekdays, spent_nanos=one.spent, to_come=one.to_come,
                              left_of_today=one.left)  # fmt: skip
            assert found is not None
            if day == 15:
                errors.append(abs(found.expected_nanos - one.total) / one.total)
            else:
                within += found.low_nanos <= one.total <= found.high_nanos
    return within / months, float(np.mean(errors))


def test_most_months_end_within_their_interval() -> None:
    coverage, error = covered("season", 100)
    assert 0.68 < coverage < 0.92  # four standard deviations of a hundred months around 0.8
    assert error < 0.1


@pytest.mark.slow
def test_five_months_out_of_every_six_hundred() -> None:
    """`pytest -m slow -s` shows the figures of each kind; ARCHITECTURE.md has them."""
    found = {kind: covered(kind, 600) for kind in MONTHS}
    print("\n".join(f"{kind:14} coverage {part:.3f} error {error:.3f}" for kind, (part, error) in found.items()))  # noqa: T201
    of_all = float(np.mean([found[kind][0] for kind in ("plain", "season", "season+trend")]))
    assert 0.75 <= of_all <= 0.85
    assert found["season"][1] <= 0.1


# ── Anomalies ─────────────────────────────────────────────────────────────────────────────────────────────────────

MONDAY = start_of("plain")


def flat(hours: int, seed: int = 1) -> list[float]:
    random = Random(seed)
    return [100 * random.lognormvariate(0, 0.2) for _ in range(hours)]


def states(values: list[float], last: int, **more: str) -> str:
    """A letter an hour: . normal, H high, L low, ? learning."""
    letters = {"normal": ".", "high": "H", "low": "L", "learning": "?"}
    return "".join(letters[hour.state] for hour in judged(values, MONDAY, last=last, **more))  # type: ignore[arg-type]


def test_two_of_three_hours_make_an_anomaly() -> None:
    base = flat(WEEK_H * 3)
    assert states([*base, 400], 1) == "."
    assert states([*base, 400, 400], 2) == ".H"
    assert states([*base, 400, 100, 400], 3) == "..H"
    assert states([*base, 400, 400, 100, 100], 4) == ".HH."


def test_nothing_at_all_is_low() -> None:
    assert states([*flat(WEEK_H * 3), 0, 0, 0], 3) == ".LL"


def test_it_learns_for_a_week() -> None:
    assert states([*flat(WEEK_H - 1), 400, 400], 2) == "?."
    assert states([*flat(WEEK_H), 400, 400], 2) == ".H"


def test_what_was_odd_teaches_nothing() -> None:
    base = flat(WEEK_H * 2)
    spikes = [1_000.0 if place % 24 in {9, 10} else value for place, value in enumerate(base)]
    spikes[:WEEK_H] = base[:WEEK_H]
    judged_hours = judged([*spikes[:-24], *base[-24:], 900, 900], MONDAY, last=2)
    assert all(hour.high is not None and hour.high < 900 for hour in judged_hours)


def test_hours_without_a_value_are_no_data() -> None:
    nan = float("nan")
    values = [nan if place % 3 else value for place, value in enumerate(flat(WEEK_H * 3))]
    assert states([*values, nan], 1) == "?"
    assert states([*values, 900, nan, 900], 3) == ".?H"


def test_a_day_is_that_of_peoples_clocks() -> None:
    """Work begins at eight in Berlin, also on the day after clocks were put back."""
    zone = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 9, 28, tzinfo=UTC)
    hours = [first + timedelta(hours=place) for place in range(WEEK_H * 4 + 18)]
    at_work = [8 <= one.astimezone(zone).hour < 18 and one.astimezone(zone).weekday() < 5 for one in hours]
    values = [100.0 if works else 1.0 for works in at_work]
    found = judged(values, int(first.timestamp()) * 10**9, last=36, zone="Europe/Berlin")
    assert {hour.state for hour in found} == {"normal"}


def accepted(kind: str, series: int) -> tuple[float, float]:
    """False alarms in a thousand hours; the share of three-hour spikes to four times as much that were told."""
    random = np.random.default_rng(5)
    alarms = hits = spikes = 0
    zone = "Europe/Berlin" if kind == "dst" else "UTC"
    for _ in range(series):
        values, active = hourly(kind, random)
        found = judged(values.tolist(), start_of(kind), last=WEEK_H, zone=zone)
        alarms += sum(hour.state in {"high", "low"} for hour in found)
        for at in (30, 90, 140):
            spike = values[: len(values) - WEEK_H + at + 4].copy()
            spike[-4:-1] = 4 * active[len(spike) - 4 : len(spike) - 1]
            told = judged(spike.tolist(), start_of(kind), last=4, zone=zone)
            hits += any(hour.state == "high" for hour in told)
            spikes += 1
    return alarms / series / WEEK_H * 1_000, hits / spikes


@pytest.mark.parametrize("kind", ["weekly", "trend", "shift", "intermittent", "dst"])
def test_alarms_are_true_and_spikes_are_told(kind: str) -> None:
    false, recall = accepted(kind, 2)
    assert false <= 6  # two of these hours
    assert recall >= 0.8


@pytest.mark.slow
def test_kinds_of_traffic() -> None:
    """`pytest -m slow -s` shows the figures of each; those of small counts and of wild spread are known to miss."""
    found = {kind: accepted(kind, 60) for kind in KINDS}
    print("\n".join(f"{kind:13} false {false:.2f} recall {recall:.3f}" for kind, (false, recall) in found.items()))  # noqa: T201
    held = [kind for kind, (false, recall) in found.items() if false <= 1 and recall >= 0.95]
    assert {"weekly", "flat", "trend", "shift", "intermittent", "zeroheavy", "dst"} <= set(held)


# ── Of what is stored ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen days of a call every ten minutes by one agent; in the last two hours of another model forty times."""
    path = tmp_path_factory.mktemp("outlook") / "data"
    store = opened(path, StillClock(NOON))
    usual = [NOON - 15 * DAY + place * 600 * 10**9 for place in range(15 * 144 - 1)]
    storm = [NOON - 2 * HOUR + place * 30 * 10**9 for place in range(239)]
    count = len(usual) + len(storm)
    append(
        store,
        spans(
            [*usual, *storm],
            is_counted=True,
            gen_ai_operation_name="chat",
            gen_ai_provider_name="openai",
            gen_ai_request_model=["small"] * len(usual) + ["large"] * len(storm),
            gen_ai_agent_name=["helper" if place % 2 else "coder" for place in range(count)],
            gen_ai_usage_input_tokens=1_000,
            gen_ai_usage_cache_read_input_tokens=[800 if place % 2 else 0 for place in range(count)],
            cost_nanos=1_000_000,
            cost_input_nanos=[400_000 if place % 2 else 1_000_000 for place in range(count)],
            cost_cache_read_nanos=[160_000 if place % 2 else 0 for place in range(count)],
            status_code=["ERROR" if place % 100 == 99 else "UNSET" for place in range(count)],
            trace_id=[f"{place // 100:032x}" for place in range(count)],
            attributes=[[("gen_ai.input.messages", f"[{place % 500}]")] for place in range(count)],
        ),
    )
    store.close()
    return path


@pytest.fixture
def views(data: Path) -> Iterator[Views]:
    with reading(data) as found:
        yield found


def test_a_measure_is_unusual_where_its_group_is(views: Views) -> None:
    (of_all,) = unusual(views, "cost", NOON, last=3)
    assert [hour.state for hour in of_all.hours] == ["normal", "normal", "high"]
    assert of_all.now.start_ns == NOON - HOUR_NS
    assert of_all.unit == "usd_nanos"
    assert of_all.now.deviation is not None
    assert of_all.now.deviation > 1
    groups = {one.labels: one.now.state for one in unusual(views, "cost", NOON, by=["model"])}
    assert groups == {("small",): "normal", ("large",): "learning"}
    assert unusual(views, "calls", NOON, where='model = "none"') == []
    with pytest.raises(AxError, match="write one such as UTC"):
        unusual(views, "calls", NOON, zone="Mars/Olympus")
    assert [one.now.state for one in unusual(views, "latency", NOON)] == ["normal"]


def test_advice_says_what_it_would_have_saved(views: Views) -> None:
    found = advice(views, Period(NOON - 10 * DAY, NOON)).rows
    kinds = {one.kind for one in found}
    assert kinds == {"cache", "repeats", "failures"}
    assert [one.saves_nanos or 0 for one in found] == sorted((one.saves_nanos or 0 for one in found), reverse=True)
    (cache,) = [one for one in found if (one.kind, one.model) == ("cache", "small")]
    # coder reads nothing from the cache, helper 80 %; a token costs what it cost: 1,000 (read: 200) nano-dollars.
    assert cache.asker == "coder"
    assert "0 % of" in cache.finding
    tokens = int(cache.finding.split()[3].replace(",", ""))
    assert cache.saves_nanos == pytest.approx(0.8 * tokens * (1_400_000 / 1_200 - 200), rel=0.05)


def test_of_very_many_calls_the_newest_are_looked_at(views: Views) -> None:
    period = Period(NOON - 10 * DAY, NOON)
    (failures,) = [one for one in advice(views, period).rows if (one.kind, one.model) == ("failures", "small")]
    answer = advice(views, period, most=500)
    (fewer,) = [one for one in answer.rows if (one.kind, one.model) == ("failures", "small")]
    assert answer.period is not None
    assert period.start_ns < answer.period.start_ns < answer.period.end_ns == period.end_ns
    assert 0 < (fewer.saves_nanos or 0) < (failures.saves_nanos or 0)


def test_without_a_price_nothing_is_guessed() -> None:
    rows = [
        CachedShare("p", "m", "a", 10, 10_000, 0, 5.0, None),
        CachedShare("p", "m", "b", 10, 10_000, 9_000, 5.0, None),
    ]
    (one,) = of_caches(rows)
    assert (one.asker, one.saves_nanos) == ("a", None)


# ── Trends and capacity ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_trend_is_told_from_chance() -> None:
    random = Random(3)
    rising = trend([10.0 * place + random.random() for place in range(20)])
    assert rising is not None
    assert rising.slope == pytest.approx(10, rel=0.1)
    assert rising.is_clear
    noise = trend([random.random() for _ in range(20)])
    assert noise is not None
    assert not noise.is_clear
    assert trend([1, None, 2, None]) is None


def stored(days: float, megabytes: float, table: str = "spans") -> Stored:
    return Stored(table, 1, 1_000, round(megabytes * 10**6), round(NOON - days * DAY), NOON)


def test_a_disk_is_full_before_old_records_go_or_never() -> None:
    kept = {"spans": 7 * DAY, "logs": 30 * DAY}
    tight = capacity([stored(2, 200)], kept, free_bytes=400 * 10**6, kept_free_bytes=100 * 10**6, now_ns=NOON)
    assert tight.full_in_days == pytest.approx(3)
    roomy = capacity([stored(2, 200)], kept, free_bytes=700 * 10**6, kept_free_bytes=100 * 10**6, now_ns=NOON)
    assert roomy.full_in_days is None
    assert roomy.settled_bytes == 700 * 10**6
    both = capacity(
        [stored(2, 200), stored(2, 20, "logs")], kept, free_bytes=660 * 10**6, kept_free_bytes=0, now_ns=NOON
    )
    # 5 days of both are 550 MB, then logs alone fill what is left.
    assert both.full_in_days == pytest.approx(5 + 11)


def test_of_less_than_an_hour_nothing_is_made_out() -> None:
    found = capacity([stored(0.01, 5)], {"spans": 7 * DAY}, free_bytes=10**9, kept_free_bytes=0, now_ns=NOON)
    assert (found.full_in_days, found.bytes_per_day, found.settled_bytes) == (None, None, None)
