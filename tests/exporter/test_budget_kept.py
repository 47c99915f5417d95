"""Budgets made over the API: kept, put in the place of others, and less than what a file says."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.budget import kept
from exporter.budget.budget import Budget
from exporter.config import Alert
from exporter.control import Control
from exporter.errors import BadConfig
from exporter.watch.declared import load

OWN = {"name": "own", "usd": "$12.50", "per": "day", "scope": {"tenant": ["acme"]}, "labels": {"team": "chat"}}


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with closing(Control.open(tmp_path)) as opened:
        yield opened


def test_a_budget_is_read_back_as_it_was_made(control: Control) -> None:
    made = kept.budget_of(OWN)
    with control.writing() as connection:
        before = kept.mark(connection)
        kept.keep(connection, made, 1)
        assert kept.mark(connection) != before
        assert kept.kept(connection) == [made]
        assert kept.has(connection, "own")
        edited = kept.budget_of({**OWN, "usd": 0.000_000_001})
        kept.keep(connection, edited, 2)
        assert kept.kept(connection) == [edited]
        assert (kept.remove(connection, "own"), kept.remove(connection, "own")) == (True, False)
        assert kept.kept(connection) == []


def test_what_this_version_cannot_read_harms_no_other(control: Control, caplog: pytest.LogCaptureFixture) -> None:
    with control.writing() as connection:
        kept.keep(connection, kept.budget_of(OWN), 1)
        connection.execute('INSERT INTO kept_budgets VALUES (\'odd\', \'{"name": "odd", "euro": 5}\', 1, 1, NULL)')
        assert [one.name for one in kept.kept(connection)] == ["own"]
    assert "the budget odd cannot be used" in caplog.text


def test_there_is_a_most(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 1)
    with control.writing() as connection:
        kept.keep(connection, kept.budget_of(OWN), 1)
        kept.keep(connection, kept.budget_of(OWN), 2)
        with pytest.raises(BadConfig, match="1 budgets already"):
            kept.keep(connection, kept.budget_of({**OWN, "name": "other"}), 3)


@pytest.mark.parametrize("name", ["events", "a/b", "", ".", "ä", "a\nb", "x" * 101, "\ud800"])
def test_a_name_that_is_no_part_of_a_path_is_refused(name: str) -> None:
    with pytest.raises(BadConfig):
        kept.budget_of({**OWN, "name": name})
    with pytest.raises(BadConfig, match="too much"):
        kept.budget_of({**OWN, "scope": {"user": ["x" * 1_000] * 100}})


def test_a_file_counts_more_and_the_first_that_is_made_takes_the_place_of_ours(tmp_path: Path) -> None:
    made = [Budget.model_validate(OWN), Budget.model_validate({**OWN, "name": "filed"})]
    assert [one.name for one in load(tmp_path, Alert()).budgets] == ["default"]
    declared = load(tmp_path, Alert(), budgets=made)
    assert {one.name: declared.origin_of(one.name) for one in declared.budgets} == {"own": "api", "filed": "api"}
    (tmp_path / "rules").mkdir()
    path = tmp_path / "rules" / "b.yaml"
    path.write_text("budgets:\n  - {name: filed, usd: 7}\n")
    declared = load(tmp_path, Alert(), budgets=made)
    assert {one.name: one.usd for one in declared.budgets} == {"filed": 7 * 10**9, "own": 12_500_000_000}
    assert declared.origin_of("filed") == "b.yaml:2"
