"""`ax rules test` files: series in, expected alerts out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.alert import timeline, trial
from exporter.alert.series import Series, named, written
from exporter.errors import BadConfig
from exporter.rules import BadRules

TRIALS = Path(__file__).parents[1] / "trials"
RULES = """
groups:
  - name: g
    rules: [{alert: Slow, metric: p95_latency, by: [model], threshold: 2s, for: 1m}]
"""


def report(tmp_path: Path, tests: str, rules: str = RULES) -> trial.Report:
    path = tmp_path / "test.yaml"
    path.write_text(rules + tests)
    return trial.run(path)


@pytest.mark.parametrize("path", sorted(TRIALS.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_the_files_of_tests_expect_comes_true(path: Path) -> None:
    found = trial.run(path)
    assert found.passed, str(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2", [1, 2]),
        ("1+2x3", [1, 3, 5, 7]),
        ("10-5x2 -1", [10, 5, 0, -1]),
        ("4x2 _ 5", [4, 4, 4, None, 5]),
        ("_x2 1 stale", [None, None, 1, None]),
        ("NaN null NaNx2", ["NULL"] * 4),
        ("1.5", [1.5]),
        ("", []),
    ],
)
def test_series_are_written_as_promtool_writes_them(text: str, expected: list[object]) -> None:
    points = Series(text).points("number")
    assert [None if point is None else "NULL" if point[0] is None else point[0] for point in points] == expected


def test_values_have_the_units_of_the_rule() -> None:
    assert Series("1s+500msx2 2m").points("ns") == [(1e9,), (1.5e9,), (2e9,), (120e9,)]
    assert Series("5% 0.5").points("ratio") == [(0.05,), (0.5,)]
    assert Series("$0.50-$0.25x1").points("usd_nanos") == [(5e8,), (2.5e8,)]
    with pytest.raises(BadConfig, match="not a duration"):
        Series("3%").points("ns")


@pytest.mark.parametrize("text", ["1+2", "x3", "1x", "1,2;3", "1+x3", "_+1x2", "5 potatoes", "1x99999999"])
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(BadConfig, match=r"write|quantity"):
        _ = Series(text).runs


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,9}", fullmatch=True), st.text(max_size=20), max_size=4))
def test_names_with_any_labels_are_read_back(labels: dict[str, str]) -> None:
    pairs = tuple(sorted(labels.items()))
    assert named(written("calls", pairs)) == ("calls", pairs)


@given(st.text("PFA.N-", max_size=30))
def test_timelines_are_read_with_and_without_abbreviations(line: str) -> None:
    assert timeline.read(line) == line
    assert timeline.read(" ".join(f"{each}x3" for each in line)) == "".join(each * 3 for each in line)


def test_a_difference_is_shown_below_the_two_lines(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        """
tests:
  - name: too hasty
    input_series: [{series: 'Slow{model="a"}', values: 1s 3sx3}]
    timelines: {'Slow{model="a"}': .FFFF}
""",
    )
    assert not found.passed
    assert str(found).splitlines()[1:] == [
        '     Slow{model="a"}',
        "       expected .FFFF",
        "       got      .PFFF",
        "                 ^ at 1m: pending, not firing",
    ]


def test_an_instance_that_nobody_expects_is_a_failure(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        """
tests:
  - input_series:
      - {series: 'p95_latency{model="a"}', values: 3sx2}
      - {series: 'p95_latency{model="b"}', values: 3sx2}
    timelines: {'Slow{model="a"}': PFF}
    alert_rule_test: [{eval_time: 2m, alertname: Slow, exp_alerts: [{exp_labels: {model: b}}]}]
""",
    )
    assert 'Slow{model="b"}\n       expected ...\n       got      PFF' in str(found)
    assert 'got      firing warning {model="a"}' in str(found)
    assert "expected firing" not in str(found)


def test_an_alert_that_is_missing_is_shown_with_what_there_was(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        """
tests:
  - input_series: [{series: 'p95_latency{model="a"}', values: 1s 3sx2 1s}]
    alert_rule_test: [{eval_time: 1m, alertname: Slow, exp_alerts: [{exp_labels: {model: a}, severity: warning}]}]
""",
    )
    assert str(found).splitlines()[1:] == [
        "     Slow at 1m",
        '       expected firing warning {model="a"}',
        '       .PFF.  Slow{model="a"}',
        "        ^",
    ]


def test_rules_may_be_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES + "budgets:\n  - {name: all, usd: 500, per: month}\n")
    tests = """
tests:
  - rules: rules.yaml
    input_series: [{series: 'Slow{model="a"}', values: 3s 3s}]
    timelines: {'Slow{model="a"}': PF}
"""
    assert report(tmp_path, tests, rules="").passed


@pytest.mark.parametrize(
    ("tests", "what"),
    [
        ("- input_series: [{series: 'Slow{model=a}', values: 1s}]", "4:|cannot read the labels"),
        ("- input_series: [{series: 'Slow{model=\"a\"}', values: 1s 2s+}]", "cannot read '2s\\+' as values"),
        ("- input_series: [{series: 'Slow{model=\"a\"}', values: 5%}]", "not a duration"),
        ("- input_series: [{series: Fast, values: 1s}]", "no rule asks for Fast"),
        ("- timelines: {Fast: PF}", "there is no rule Fast"),
        ("- timelines: {Slow: PQ}", "cannot read the timeline"),
        ("- events: [{at: 1m, restart: 1m, fail: 1m}]", "an event is one thing"),
        ("- rules: nowhere.yaml", "nowhere.yaml"),
        ("- input_serie: []", "did you mean input_series"),
        (
            "- input_series: [{series: Slow, values: 1s}, {series: p95_latency, values: 1s}]\n  length: 1",
            "length|whole",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path: Path, tests: str, what: str) -> None:
    with pytest.raises(BadRules, match=what):
        report(tmp_path, "tests:\n" + "\n".join("  " + line for line in tests.splitlines()))


def test_a_file_without_tests_passes_nothing(tmp_path: Path) -> None:
    assert not report(tmp_path, "").passed


def test_a_year_of_ten_minutes_is_played_in_seconds(tmp_path: Path) -> None:
    slots = 365 * 24 * 6
    found = report(
        tmp_path,
        f"""
tests:
  - interval: 10m
    input_series: [{{series: 'Slow{{model="a"}}', values: 1sx{slots - 21} 3sx9 1sx9}}]
    timelines: {{'Slow{{model="a"}}': .x{slots - 20}PFx9}}
""",
        rules=RULES,
    )
    assert found.passed, str(found)
    assert found.tried[0].evaluations == slots
