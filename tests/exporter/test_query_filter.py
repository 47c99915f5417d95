"""The filter language and the language of log search."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.query import search
from exporter.query.fields import CALLS, CELLS, LOGS, SPANS, Field, Kind, Subject
from exporter.query.filter import BadFilter, Condition, parse

THINGS = Subject(
    "things",
    {
        "name": Field("name"),
        "size": Field("size", Kind.NUMBER),
        "took": Field("took_ns", Kind.DURATION),
        "cost": Field("cost_nanos", Kind.MONEY),
        "ok": Field("ok", Kind.FLAG),
    },
    attributes="attributes",
)
Thing = dict[str, Any]


DUCK = duckdb.connect()
"""One for all: a new one takes longer than a question."""


def found(things: list[Thing], condition: Condition) -> list[int]:
    """Which of the things DuckDB finds."""
    DUCK.execute(
        "CREATE OR REPLACE TABLE things (id INT, name TEXT, size DOUBLE, took_ns BIGINT, cost_nanos BIGINT, ok BOOL,"
        " attributes MAP(TEXT, TEXT))"
    )
    for place, thing in enumerate(things):
        row = [place, *(thing.get(name) for name in ("name", "size", "took_ns", "cost_nanos", "ok"))]
        DUCK.execute("INSERT INTO things VALUES (?, ?, ?, ?, ?, ?, ?)", [*row, thing.get("attributes", {})])
    query = f"SELECT id FROM things WHERE {condition.sql} ORDER BY id"
    return [place for (place,) in DUCK.execute(query, dict(condition.parameters)).fetchall()]


def finds(text: str, *things: Thing) -> list[int]:
    return found(list(things), parse(text, THINGS))


BIG = {"name": "gpt-5-mini", "size": 5, "took_ns": 3 * 10**9, "cost_nanos": 20_000_000, "ok": True}
SMALL = {"name": 'it"s', "size": 0.5, "took_ns": 10**6, "cost_nanos": 0, "ok": False, "attributes": {"a.b": "500"}}
EMPTY: Thing = {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2]),
        ('name = "gpt-5-mini"', [0]),
        ("name = gpt-5-mini", [0]),
        ("name == 'it\"s'", [1]),
        (r'name = "it\"s"', [1]),
        ("name != gpt-5-mini", [1, 2]),
        ('name ~ "gpt-*"', [0]),
        ("name !~ gpt-*", [1, 2]),
        ('name in (gpt-5-mini, "x")', [0]),
        ("name not in (gpt-5-mini)", [1, 2]),
        ("name exists", [0, 1]),
        ("not name exists", [2]),
        ("took > 2s", [0]),
        ("took >= 1ms and took < 2.5s", [1]),
        ("not took > 2s", [1, 2]),
        ("cost > $0.01", [0]),
        ("cost >= 0", [0, 1]),
        ("size = 0.5 or size > 4", [0, 1]),
        ("ok", [0]),
        ("not ok", [1, 2]),
        ("ok = false", [1, 2]),
        ("ok != true and name exists", [1]),
        ("a.b = 500", [1]),
        ("a.b >= 400", [1]),
        ("not a.b >= 400", [0, 2]),
        ("not (ok or size < 1)", [2]),
        ("NOT ok AND (size < 1 OR took > 2s)", [1]),
        ("ok or ok and not ok", [0]),
    ],
)
def test_a_filter_finds(text: str, expected: list[int]) -> None:
    assert finds(text, BIG, SMALL, EMPTY) == expected


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("nme = x", 1, "things have no field 'nme'; did you mean name?"),
        ("ok and zzz = 1", 8, "things have no field 'zzz'; fields are name, size"),
        ("took > 2", 8, "cannot read '2' as a duration; write a number and a unit"),
        ("took > $2", 8, "cannot read '$2' as a duration"),
        ("cost > 2s", 8, "cannot read '2s' as an amount in US dollars"),
        ("size > big", 8, "cannot read 'big' as a number"),
        ("size ~ 5", 6, "~ compares text, and this is a number"),
        ("name > b", 6, "> compares numbers, and this is text"),
        ("name", 5, "an operator is missing"),
        ("name =", 7, "a value is missing"),
        ("name = (", 8, "a value is missing"),
        ("(ok", 4, "a ) is missing; it closes the ( at column 1"),
        ("ok)", 3, "cannot read ')' here; join conditions with and, or"),
        ("ok size = 1", 4, "cannot read 'size' here"),
        ('name = "x', 8, "this text has no end"),
        ("name in x", 9, "a list is missing"),
        ("name in (x", 11, "the list has no end"),
        ("ok = maybe", 6, "'maybe' is not true or false"),
        ("and", 1, "'and' is no field"),
        ("ok and", 7, "a condition is missing"),
        ("= 1", 1, "'=' is no field"),
        ("not " * 50 + "ok", 161, "more than 40 levels"),
    ],
)
def test_an_error_points_at_the_column(text: str, column: int, said: str) -> None:
    with pytest.raises(BadFilter) as failed:
        parse(text, THINGS)
    assert str(failed.value).startswith(f"column {column}: {said}")
    picture = failed.value.picture.splitlines()
    assert picture[1].index("^") - 2 == column - 1


def test_values_are_bound_and_never_become_sql() -> None:
    condition = parse('name = "\'; DROP TABLE things; --"', THINGS)
    assert "DROP" not in condition.sql
    assert list(condition.parameters.values()) == ["'; DROP TABLE things; --"]


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (lambda: parse(text, SPANS), lambda: search.parse(text)):
        column = 1
        condition = Condition()
        try:
            condition = read()
        except BadFilter as failed:
            column = failed.column
        assert 1 <= column <= len(text) + 1
        assert all(f"${name}" in condition.sql for name in condition.parameters)


Made = tuple[str, Callable[[Thing], bool]]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _leaves() -> st.SearchStrategy[Made]:
    numbers = st.builds(
        lambda sign, value: (
            f"size {sign} {value}",
            lambda thing: thing["size"] is not None and _COMPARISONS[sign](thing["size"], value),
        ),
        st.sampled_from(list(_COMPARISONS)),
        st.integers(-2, 2),
    )
    patterns = st.builds(
        lambda text: (
            f'name ~ "{text}"',
            lambda thing: thing["name"] is not None and fnmatchcase(thing["name"], text),
        ),
        st.text("ab*?", min_size=1, max_size=3),
    )
    unequal = st.builds(
        lambda text: (f"name != {text}", lambda thing: thing["name"] != text), st.text("ab", min_size=1, max_size=2)
    )
    flags = st.just(("ok", lambda thing: thing["ok"] is True))
    exists = st.just(("size exists", lambda thing: thing["size"] is not None))
    return st.one_of(numbers, patterns, unequal, flags, exists)


def _grown(inner: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    both = st.tuples(inner, inner)
    return st.one_of(
        st.builds(lambda one: (f"not ({one[0]})", lambda thing: not one[1](thing)), inner),
        st.builds(lambda two: (f"({two[0][0]} and {two[1][0]})", lambda t: two[0][1](t) and two[1][1](t)), both),
        st.builds(lambda two: (f"({two[0][0]} or {two[1][0]})", lambda t: two[0][1](t) or two[1][1](t)), both),
    )


_THINGS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.none() | st.text("ab", max_size=2),
            "size": st.none() | st.integers(-2, 2),
            "ok": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


@given(st.recursive(_leaves(), _grown, max_leaves=6), _THINGS)
@settings(max_examples=60)
def test_a_filter_is_two_valued_logic(made: Made, things: list[Thing]) -> None:
    text, holds = made
    assert found(things, parse(text, THINGS)) == [place for place, thing in enumerate(things) if holds(thing)]


@pytest.mark.parametrize("value", ["1e40", "1e999"])
@pytest.mark.parametrize("name", ["took", "cost", "size", "a.b"])
def test_numbers_beyond_all_that_is_stored_are_compared_too(name: str, value: str) -> None:
    unit = "s" if name == "took" else ""
    thing = SMALL | {"cost_nanos": 5}
    assert finds(f"{name} < {value}{unit} and {name} > -{value}{unit}", thing) == [0]
    assert finds(f"{name} > {value}{unit} or {name} < -{value}{unit}", thing) == []


@pytest.mark.parametrize("subject", [CALLS, SPANS, LOGS, CELLS])
def test_every_subject_knows_service_and_tenant(subject: Subject) -> None:
    assert {"service", "tenant"} <= subject.fields.keys()


# ── Log search ────────────────────────────────────────────────────────────────────────────────────────────────────

LINES: list[tuple[str, str, int, str, dict[str, str]]] = [
    ("Connection refused by host", "", 17, "shop", {"http.route": "/chat/1"}),
    ("request timeout after 100%", "", 13, "shop", {}),
    ("health check passed", "ax.health", 9, "probe", {"http.route": "/health"}),
    ("", "session.timeout", 9, "shop", {}),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3]),
        ("TIMEOUT", [1, 3]),
        ('timeout OR "connection refused"', [0, 1, 3]),
        ('"refused connection"', []),
        ("timeout -request", [3]),
        ("-timeout -health", [0]),
        ("level:warn", [0, 1]),
        ("level:error", [0]),
        ("-level:warn", [2, 3]),
        ("service:shop timeout OR refused", [0, 1, 3]),
        ("http.route:/chat*", [0]),
        ('http.route:"/chat*"', []),
        ("event:ax.health", [2]),
        ("100%", [1]),
        ("10%%", []),
        ("r_quest", []),
        ("r.quest", []),
        ("refuse[d]", []),
        ('"(refused"', []),
        ('"by.*host"', []),
    ],
)
def test_a_search_finds(text: str, expected: list[int]) -> None:
    condition = search.parse(text)
    DUCK.execute(
        "CREATE OR REPLACE TABLE logs (id INT, body TEXT, event_name TEXT, severity_number INT, service_name TEXT,"
        " attributes MAP(TEXT, TEXT))"
    )
    for place, line in enumerate(LINES):
        DUCK.execute("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)", [place, *line])
    query = f"SELECT id FROM logs WHERE {condition.sql} ORDER BY id"
    assert [place for (place,) in DUCK.execute(query, dict(condition.parameters)).fetchall()] == expected


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("a OR", 5, "a term after OR is missing"),
        ("OR a", 1, "OR joins two terms"),
        ("a OR OR b", 6, "OR joins two terms"),
        ('x "abc', 3, "this phrase has no end"),
        ("level:loud", 1, "there is no level 'loud'; levels are trace, debug"),
        ("servicee:shop", 1, "log records have no field 'servicee'; did you mean service?"),
    ],
)
def test_a_search_that_cannot_be_read_points_at_the_column(text: str, column: int, said: str) -> None:
    with pytest.raises(BadFilter) as failed:
        search.parse(text)
    assert str(failed.value).startswith(f"column {column}: {said}")
