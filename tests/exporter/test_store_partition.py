"""Partitions: every row in one, by its effective time, and few of them whatever the senders' clocks say."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import model
from exporter.store.partition import day_of, first_split_day, pieces, start_of, time_range
from tests.exporter.store_tables import DAY, HOUR, NOON, spans

SPANS = model.TABLES["spans"]
ROW = st.tuples(st.integers(-3 * DAY, HOUR).map(lambda apart: (NOON + apart) // 1000 * 1000), st.booleans())


@given(st.lists(ROW, min_size=1, max_size=50))
@settings(max_examples=50)
def test_every_row_is_in_the_one_piece_of_its_effective_time(given_rows: list[tuple[int, bool]]) -> None:
    times = [time for time, _ in given_rows]
    skewed = [skew for _, skew in given_rows]
    rows = spans(times, clock_skew=skewed, ingest_time=[NOON // 1000] * len(times), name=[str(time) for time in times])
    found = pieces(SPANS, rows, NOON)
    effective = {
        span_id: NOON if skew else time
        for span_id, time, skew in zip(rows["span_id"].to_pylist(), times, skewed, strict=True)
    }
    assert len({(piece.day, piece.hour) for piece in found}) == len(found)
    for piece in found:
        of_piece = [effective[span_id] for span_id in piece.rows["span_id"].to_pylist()]
        assert {day_of(time) for time in of_piece} == {piece.day}
        hours = {time % DAY // HOUR for time in of_piece}
        assert hours == {piece.hour} if piece.day >= first_split_day(NOON) else piece.hour is None
        assert (min(of_piece), max(of_piece)) == (piece.min_time, piece.max_time) == time_range(SPANS, piece.rows)
    together = pa.concat_tables([piece.rows for piece in found])
    assert sorted(map(str, together.to_pylist())) == sorted(map(str, rows.to_pylist()))


def test_no_rows_are_in_no_piece() -> None:
    assert pieces(SPANS, spans([]), NOON) == []


def test_a_piece_has_no_dictionary_entry_of_rows_elsewhere() -> None:
    rows = spans([NOON, NOON - HOUR], name=["one", "other"], ingest_time=[NOON // 1000] * 2)
    earlier, later = pieces(SPANS, rows, NOON)
    assert earlier.rows["name"].chunk(0).dictionary.to_pylist() == ["other"]
    assert later.rows["name"].chunk(0).dictionary.to_pylist() == ["one"]


def test_a_day_begins_when_it_is_said_to() -> None:
    assert day_of(NOON) == "2026-11-10"
    assert start_of("2026-11-10") == NOON - 12 * HOUR
    assert first_split_day(NOON) == "2026-11-09"
