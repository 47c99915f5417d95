"""Views with none but the columns that a question names."""

from pathlib import Path

import pytest

from exporter.query.pruned import pruned
from exporter.query.segments import statements
from tests.exporter.store_tables import ask, opened


@pytest.mark.parametrize("view", ["llm_calls", "agent_runs", "tool_calls"])
def test_a_view_has_the_columns_that_are_named_and_no_others(tmp_path: Path, view: str) -> None:
    store = opened(tmp_path)
    columns = {name: kind for name, kind, *_ in ask(tmp_path, f"DESCRIBE {view}")}
    assert _columns(tmp_path, pruned(view, {*columns, "unknown"})) == columns
    for name, kind in columns.items():
        assert _columns(tmp_path, pruned(view, {name})) == {name: kind}
    store.close()


@pytest.mark.parametrize("view", ["spans", "voice_turns", "evaluations", "workflow_runs"])
def test_what_is_more_than_one_select_stays_whole(view: str) -> None:
    assert pruned(view, {"trace_id"}) == statements()[view]


def _columns(data: Path, sql: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in ask(data, f"DESCRIBE {sql}")}
