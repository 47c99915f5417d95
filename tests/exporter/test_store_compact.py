"""Planning: which segments to merge, as a function of the catalog's rows and the time."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.store.catalog import Segment
from exporter.store.compact import DAY as DAY_LEVEL
from exporter.store.compact import FILE_ROWS, MERGE_ROWS, MERGED, TIER, Merge, plan
from exporter.store.compact import HOUR as HOUR_LEVEL
from exporter.store.partition import day_of, start_of
from tests.exporter.store_tables import DAY, HOUR, NOON

MINUTE = HOUR // 60
LATENESS = 10 * MINUTE
LONG = 24 * LATENESS


def _segment(
    number: int, time: int, rows: int = 100, level: int = 0, created: int | None = None, **fields: object
) -> Segment:
    values = {
        "table": "spans",
        "tenant": "default",
        "day": day_of(time),
        "hour": None if level == DAY_LEVEL else time % DAY // HOUR,
        "position": number,
        "columns": 68,
        "bytes": rows * 50,
        "checksum": "",
        "min_time": time,
        "max_time": time,
        "verified": 0,
    } | fields
    return Segment(
        number=number,
        name=str(number),
        rows=rows,
        level=level,
        created=time if created is None else created,
        **values,  # type: ignore[arg-type]
    )


def _shape(merges: list[Merge]) -> list[tuple[int, int | None, list[int]]]:
    return [(merge.level, merge.hour, [one.number for one in merge.inputs]) for merge in merges]


def test_eight_segments_of_one_size_make_one_of_the_next() -> None:
    fresh = [_segment(number, NOON) for number in range(8)]
    assert _shape(plan(fresh, NOON, LATENESS)) == [(MERGED, 12, list(range(8)))]
    assert plan(fresh[:7], NOON, LATENESS) == []
    assert plan([*fresh[:7], _segment(8, NOON, rows=5_000)], NOON, LATENESS) == []


def test_tables_tenants_and_hours_stay_apart() -> None:
    fresh = [_segment(number, NOON) for number in range(4)]
    others = [_segment(4 + number, NOON, tenant="b") for number in range(4)]
    assert plan([*fresh, *others], NOON, LATENESS) == []
    assert plan([*fresh, *(_segment(4 + number, NOON - HOUR) for number in range(4))], NOON, LATENESS) == []
    assert plan([*fresh, *(_segment(4 + number, NOON, table="logs") for number in range(4))], NOON, LATENESS) == []


def test_an_hour_closes_when_late_rows_have_had_their_time() -> None:
    fresh = [_segment(1, NOON), _segment(2, NOON + MINUTE)]
    assert plan(fresh, NOON + HOUR + LATENESS - 1, LATENESS) == []
    assert _shape(plan(fresh, NOON + HOUR + LATENESS, LATENESS)) == [(HOUR_LEVEL, 12, [1, 2])]


def test_late_rows_of_a_closed_hour_wait_for_others_before_it_is_written_again() -> None:
    closed = _segment(1, NOON, rows=10_000, level=HOUR_LEVEL)
    late = _segment(2, NOON, rows=10, created=NOON + 2 * HOUR)
    assert plan([closed], NOON + 2 * HOUR, LATENESS) == []
    assert plan([closed, late], NOON + 2 * HOUR, LATENESS) == []
    assert _shape(plan([closed, late], NOON + 2 * HOUR + LATENESS, LATENESS)) == [(HOUR_LEVEL, 12, [1, 2])]
    many = _segment(3, NOON, rows=2_000, created=NOON + 2 * HOUR)
    assert _shape(plan([closed, many], NOON + 2 * HOUR, LATENESS)) == [(HOUR_LEVEL, 12, [1, 3])]


def test_a_day_closes_once_it_has_been_over_for_long() -> None:
    rows = FILE_ROWS // TIER + 1  # too many to be merged with those of other hours before
    hours = [_segment(hour, NOON - 12 * HOUR + hour * HOUR, rows, level=HOUR_LEVEL) for hour in range(24)]
    over = start_of(day_of(NOON)) + DAY
    assert plan(hours, over + LONG - 1, LATENESS) == []
    assert _shape(plan(hours, over + LONG, LATENESS)) == [(DAY_LEVEL, None, list(range(24)))]
    assert plan([_segment(1, NOON, level=DAY_LEVEL)], over + 9 * DAY, LATENESS) == []


def test_eight_small_hours_that_have_been_over_for_long_are_one_segment_until_their_day_closes() -> None:
    hours = [_segment(8 - hour, NOON - 12 * HOUR + hour * HOUR, level=HOUR_LEVEL) for hour in range(9)]
    end = start_of(day_of(NOON)) + 8 * HOUR
    assert plan(hours, end + LONG - 1, LATENESS) == []
    assert _shape(plan(hours, end + LONG, LATENESS)) == [(HOUR_LEVEL, None, [8, 7, 6, 5, 4, 3, 2, 1])]
    eight = _segment(9, hours[0].min_time, level=HOUR_LEVEL, hour=None)
    assert plan([eight, hours[8]], end + LONG, LATENESS) == []
    late = _segment(10, hours[0].min_time, rows=5, created=end + 2 * HOUR)
    assert _shape(plan([eight, late], end + LONG, LATENESS)) == [(HOUR_LEVEL, 0, [10])]
    closing = plan([eight, late, hours[8]], start_of(day_of(NOON)) + DAY + LONG, LATENESS)
    assert _shape(closing) == [(DAY_LEVEL, None, [9, 10, 0])]


def test_hours_with_late_rows_or_many_are_not_merged_with_others() -> None:
    hours = [_segment(hour, NOON - 12 * HOUR + hour * HOUR, level=HOUR_LEVEL) for hour in range(8)]
    later = start_of(day_of(NOON)) + 8 * HOUR + LONG
    large = _segment(7, hours[7].min_time, FILE_ROWS // TIER + 1, level=HOUR_LEVEL)
    assert plan([*hours[:7], large], later, LATENESS) == []
    late = _segment(9, hours[7].min_time, rows=2, created=later)
    assert plan([*hours, late], later, LATENESS) == []


def test_a_partition_too_large_for_one_merge_closes_in_several_and_then_rests() -> None:
    large = [_segment(number, NOON + number, rows=MERGE_ROWS // 3) for number in range(6)]
    merges = plan(large, NOON + 2 * HOUR, LATENESS)
    assert _shape(merges) == [(HOUR_LEVEL, 12, [0, 1, 2]), (HOUR_LEVEL, 12, [3, 4, 5])]
    done = [_segment(number, NOON + number, rows=MERGE_ROWS // 3, level=HOUR_LEVEL) for number in range(6)]
    assert plan(done, NOON + 2 * HOUR, LATENESS) == []


@given(
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 10**7), st.integers(0, 3)), max_size=60),
    st.integers(0, 100),
)
def test_planning_puts_no_segment_in_two_merges_and_comes_to_rest(
    given_segments: list[tuple[int, int, int]], now: int
) -> None:
    live = [_segment(number, NOON + at * HOUR, rows, level) for number, (at, rows, level) in enumerate(given_segments)]
    moment = NOON + now * HOUR
    for _ in range(12):
        merges = plan(live, moment, LATENESS)
        inputs = [one.number for merge in merges for one in merge.inputs]
        assert len(inputs) == len(set(inputs))
        if not merges:
            return
        for merge in merges:
            live = [one for one in live if one not in merge.inputs]
            live += _outputs(merge, len(live) + 1_000)
    raise AssertionError(_shape(merges))


def _outputs(merge: Merge, number: int) -> list[Segment]:
    """What a merge of these sizes writes."""
    rows = sum(one.rows for one in merge.inputs)
    files = max(1, rows // FILE_ROWS)
    first = merge.inputs[0]
    return [
        _segment(number + place, first.min_time, rows // files, merge.level, hour=merge.hour, day=first.day)
        for place in range(files)
    ]
