"""Which segments a question reads, what is remembered of them, and that no answer is another one for it."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from exporter.query import kept as kept_module
from exporter.query import traces
from exporter.query.current import Current
from exporter.query.figures import Of, figures
from exporter.query.kept import Kept
from exporter.query.keys import may_have
from exporter.query.listed import LISTS, page
from exporter.query.period import MINUTE, NEVER, Period
from exporter.query.segments import Lists, expanded
from exporter.store import Store
from tests.exporter.store_tables import DAY, HOUR, NOON, StillClock, append, opened, seconds, segment_files, spans

HOURS = 6


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Ten spans of each of some hours; in the last one also one of a clock that is a day behind."""
    one = opened(tmp_path)
    for hour in range(HOURS):
        append(one, spans(seconds(NOON - hour * HOUR, 10), name=f"hour {hour}"))
    append(one, spans([NOON - DAY], name="skewed", ingest_time=[NOON // 1000], clock_skew=True), tenant="acme")
    yield one
    one.close()


@pytest.fixture
def current(store: Store, tmp_path: Path) -> Iterator[Current]:
    del store
    one = Current(tmp_path)
    yield one
    one.close()


def read(tmp_path: Path, tenant: str | None = None) -> Lists:
    found = Lists.read(tmp_path, tenant)
    assert found is not None
    return found


def files_of(lists: Lists, within: Period) -> int:
    return lists.narrowed("FROM stored.spans", within).count("/segments/")


def test_only_segments_with_rows_of_the_time_are_read(store: Store, tmp_path: Path) -> None:
    del store
    lists = read(tmp_path)
    assert files_of(lists, Period(NOON, NOON + MINUTE)) == 1
    assert files_of(lists, Period(NOON - HOUR, NOON + MINUTE)) == 2
    assert files_of(lists, Period(NOON - 10 * DAY, NOON + DAY)) == HOURS + 1
    assert files_of(lists, NEVER) == 0
    assert files_of(lists, Period(NOON - DAY, NOON - DAY + MINUTE)) == 1, "by its rows' own times, not by when it came"


def test_a_tenant_has_its_own_alone(store: Store, tmp_path: Path) -> None:
    del store
    ever = Period(NOON - 10 * DAY, NOON + DAY)
    assert files_of(read(tmp_path, "acme"), ever) == 1
    assert files_of(read(tmp_path, "acm"), ever) == files_of(read(tmp_path, "*"), ever) == 0


def test_views_stand_for_their_statements() -> None:
    assert "FROM stored.spans" in expanded("SELECT model FROM llm_calls")
    assert "stored.cells_1min_open" in expanded("FROM rollup_1hour")
    assert expanded("FROM alerts") == "FROM alerts", "a view over something else than segments is left"


def test_the_end_of_a_period_that_has_so_many_rows(store: Store, tmp_path: Path) -> None:
    del store
    lists = read(tmp_path, "default")
    day = Period(NOON - DAY, NOON + HOUR)
    assert lists.rows("FROM spans", day) == 10 * HOURS
    assert lists.last("FROM spans", day, 1_000) == day
    few = lists.last("FROM spans", day, 5)
    assert few.end_ns == day.end_ns
    assert NOON < few.start_ns < NOON + 10 * 10**9


def test_a_page_goes_back_over_what_is_thin(current: Current) -> None:
    day = Period(NOON - DAY, NOON + HOUR)
    with current.views(None, longest_s=60) as views:
        found = page(views, LISTS["spans"], day, where='name = "skewed"', limit=5)
        assert found.table["name"].to_pylist() == ["skewed"]
        assert page(views, LISTS["spans"], day, limit=100).table.num_rows == 10 * HOURS + 1
        assert len(traces.traces(views, day, limit=100).rows) == 10 * HOURS + 1


def test_a_trace_is_found_wherever_its_spans_are(current: Current, store: Store) -> None:
    trace_id = "a" * 32
    with current.views(None, longest_s=60) as views:
        assert views.when(trace_id, "spans", "spans_pending") == NEVER
    append(store, spans([NOON - 3 * HOUR], trace_id=trace_id))
    with current.views(None, longest_s=60) as views:
        assert len(traces.trace(views, trace_id)[1]) == 1
    append(store, spans([NOON], trace_id=trace_id))
    with current.views(None, longest_s=60) as views:
        assert len(traces.trace(views, trace_id)[1]) == 2, "what came in since is looked through too"
        assert views.when(trace_id, "spans") == Period(NOON - 3 * HOUR, NOON + 1_000)


def test_what_came_in_since_is_no_answer_of_before(current: Current, store: Store) -> None:
    around = Period(NOON - MINUTE, NOON + MINUTE)
    for more in range(3):
        with current.views(None, longest_s=60) as views:
            (row,) = traces.statistics(views, around).rows
            assert row.spans == 10 + more
        append(store, spans([NOON + 30 * 10**9], name="more"))


def test_of_many_spans_figures_are_of_whole_minutes(current: Current, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Period(NOON - 10 * MINUTE + 1_000, NOON + 5_000_000_000)
    with current.views(None, longest_s=60) as views:
        few = figures(views, odd, of=Of.SPANS, is_quick=True)
        monkeypatch.setattr("exporter.query.views._MANY", 3)
        many = figures(views, odd, of=Of.SPANS, is_quick=True)
        exact = figures(views, odd, of=Of.SPANS)
    assert (few.source, exact.source, many.source) == ("spans", "spans", "cells_1min")
    assert few.rows[0].count == exact.rows[0].count == 5
    assert many.period == odd.widened(MINUTE)


def test_at_a_glance_all_are_answered_of_one_period_for_a_moment() -> None:
    clock = StillClock(0)
    kept = Kept(clock=clock)
    hour = Period(NOON - HOUR, NOON)
    first = kept.glance(None, hour)
    assert first[0] == hour
    later = Period(hour.start_ns + 10**9, hour.end_ns + 10**9)
    assert kept.glance(None, later) == first
    assert kept.glance("acme", later) != first, "one for each tenant"
    clock.now += HOUR // 256
    again = kept.glance(None, hour)
    assert again[0] == hour
    assert again[1] != first[1], "the same period is asked about anew"


def test_a_period_of_the_past_is_never_taken_for_another(current: Current, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.query.views._MANY", 3)
    with current.views(None, longest_s=60) as views:
        past = Period(NOON - 3 * HOUR, NOON - HOUR)
        assert views.glance(past) == (past, "")
        now = Period(NOON - HOUR, NOON + MINUTE)
        assert views.glance(now)[1] != ""


def test_a_sender_whose_clock_is_ahead_makes_no_past_of_now(current: Current, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.query.views._MANY", 3)
    current.kept = Kept(clock=StillClock(NOON - HOUR))
    with current.views(None, longest_s=60) as views:
        now = Period(NOON - 3 * HOUR, NOON - HOUR)
        assert views.glance(now)[1] != ""
        before = Period(NOON - 4 * HOUR, NOON - 2 * HOUR)
        assert views.glance(before) == (before, "")


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "_LARGE_BYTES", 1_000)
    kept = Kept(most_bytes=2_000)
    rows = pa.table({"one": list(range(100))})
    for number in range(5):
        kept.keep(f"SELECT {number}", {"limit": 1}, rows)
    assert [kept.of(f"SELECT {number}", {"limit": 1}) is not None for number in range(5)] == [False] * 3 + [True] * 2
    assert kept.of("SELECT 4", {"limit": 2}) is None
    kept.keep("large", {}, pa.table({"one": list(range(1_000))}))
    assert kept.of("large", {}) is None


def test_dictionaries_tell_which_attributes_a_segment_has(tmp_path: Path) -> None:
    store = opened(tmp_path)
    append(store, spans(seconds(NOON, 3), attributes=[[("shop.size", "7")], [], [("é", "1")]]))
    (path,) = (str(one) for one in segment_files(tmp_path) if "/spans/" in str(one))
    assert may_have(path, "shop.size")
    assert may_have(path, "é")
    assert not may_have(path, "gen_ai.evaluation.name")
    store.close()
