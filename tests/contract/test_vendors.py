"""Everybody's spans, one language: what each vendor's package sends becomes the same calls, tools, agents and turns.

`vendors/NAME.json` is what was recorded from the packages (or written after their conventions: `recorded` says which),
`vendors/NAME.expected.json` what must be seen of it, worked out by hand (`vendors/README.md` shows the sums). The rows
of a view are in the order of their start, and there are no more of them than are said.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.readback import Row, rows
from tests.running import Server, running, until

VENDORS: Final = Path(__file__).parent / "vendors"
NAMES: Final = sorted(path.name.removesuffix(".expected.json") for path in VENDORS.glob("*.expected.json"))
KEPT: Final = {f"AX_STORE_RETENTION_{table}": "36500d" for table in ("SPANS", "LOGS", "RUNS")}
"""Long: the recordings keep their times, by which their calls are priced."""
FIRST_CHUNK_NS: Final = 20_000_000
"""What the stand-in waits before its first chunk."""
EMPTY: Final = {
    view: [] for view in ("tool_calls", "agent_runs", "workflow_runs", "workflow_steps", "voice_turns", "evaluations")
}
"""Views that have no row of a vendor of whom nothing is said there."""
WITH: Final = {
    "llm_calls": "llm_calls JOIN (SELECT trace_id, span_id, input_messages, output_messages FROM llm_messages) "
    "USING (trace_id, span_id)"
}
"""What a view's rows are read with."""
USUAL: Final = ("service_name", "start_time_unix_nano")
COLUMNS: Final = {"evaluations": ("service_name", "time"), "service_map": ("caller", "callee")}
"""Whose a view's rows are, and what orders them, where it is not as usual."""
COUNTS: Final = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has stored all recordings."""
    with running(tmp_path_factory.mktemp("vendors") / "data", environ=KEPT) as started:
        sent = {"traces": 0, "logs": 0}
        for name in NAMES:
            recorded = read(name)
            for signal in sent.keys() & recorded.keys():
                answer = httpx.post(f"{started.http}/v1/{signal}", json=of_tenant(name, recorded[signal]))
                assert answer.status_code == 200, answer.text
                assert answer.json() == {}
                sent[signal] += count(signal, recorded[signal])
        for signal, view in (("traces", "spans"), ("logs", "logs")):
            query = f"SELECT count(*) FROM {view} WHERE service_name <> 'otel-ax'"
            until(lambda q=query, n=sent[signal]: started.sql(q)[0][0] == n, f"{sent[signal]} {view}")
        yield started


def read(name: str) -> dict[str, Any]:
    return dict(json.loads((VENDORS / f"{name}.json").read_text()))


def of_tenant(name: str, export: dict[str, Any]) -> dict[str, Any]:
    """The export of a tenant of its own: all recordings tell of one conversation by the same id."""
    for group in export.get("resourceSpans", export.get("resourceLogs", [])):
        tenant = {"key": "ax.tenant.id", "value": {"stringValue": name}}
        group["resource"]["attributes"] = [*group["resource"].get("attributes", []), tenant]
    return export


def count(signal: str, export: dict[str, Any]) -> int:
    resources, scopes, records = COUNTS[signal]
    return sum(len(scope[records]) for resource in export[resources] for scope in resource[scopes])


@pytest.mark.parametrize("name", NAMES)
def test_a_vendors_spans_become_the_same_rows(server: Server, name: str) -> None:
    expected = EMPTY | json.loads((VENDORS / f"{name}.expected.json").read_text())
    wrong = {view: found for view, said in expected.items() if (found := mismatches(server, view, name, said))}
    assert not wrong, "\n".join(f"{view}: {row}" for view, found in wrong.items() for row in found)


def mismatches(server: Server, view: str, name: str, said: list[Row]) -> list[object]:
    """What differs, row by row; one line about all where their number does."""
    owner, order = COLUMNS.get(view, USUAL)
    found = rows(server.data, f"FROM {WITH.get(view, view)} WHERE {owner} = ? ORDER BY {order}", name)
    if len(found) != len(said):
        return [f"{len(found)} rows, not {len(said)}", *(brief(row, said) for row in found)]
    return [(row.get("case", at), wrong) for at, row in enumerate(said) if (wrong := unlike(found[at], row))]


def unlike(row: Row, said: Row) -> dict[str, tuple[object, object]]:
    """Columns that are not as said: what is there, and what should be."""
    row = {"case": said.get("case"), **row}
    if said.keys() & {"asked", "says", "calls_tool", "streams"}:
        row |= talk(row) | {"streams": FIRST_CHUNK_NS <= (row["time_to_first_chunk_ns"] or 0) <= row["duration_ns"]}
    found = {column: row.get(column, "no such column") for column in said}
    return {column: (found[column], value) for column, value in said.items() if plain(found[column]) != plain(value)}


def talk(row: Row) -> Row:
    """Of a call's messages: what the user `asked` first, what the model `says`, and `calls_tool`, the tool it calls."""
    heard, told = (json.loads(row[column] or "[]") for column in ("input_messages", "output_messages"))
    of_user = [message for message in heard if message["role"] == "user"]
    return {
        "asked": part(of_user, "text", "content"),
        "says": part(told, "text", "content"),
        "calls_tool": part(told, "tool_call", "name"),
    }


def part(messages: list[Any], kind: str, field: str) -> str | None:
    """The field of the first part of that kind, without spaces around it."""
    parts = (part for message in messages for part in message["parts"] if part.get("type") == kind)
    return next((str(part.get(field)).strip() for part in parts), None)


def plain(value: object) -> object:
    """Money by its value, however many zeros it ends with."""
    if isinstance(value, str) and value.startswith("0."):
        return Decimal(value)
    return value


def brief(row: Row, said: list[Row]) -> Row:
    """What a row has of the columns of which something is said, else its beginning."""
    columns = said[0] if said else list(row)[:10]
    return {column: row[column] for column in columns if column in row}


def test_a_recording_holds_nothing_of_the_machine_that_made_it() -> None:
    for name in NAMES:
        written = (VENDORS / f"{name}.json").read_text()
        for sign in ("/root/", "/home/", "/Users/", "/site-packages/", "host.name", "process.pid"):
            assert sign not in written, (name, sign)


def test_every_recording_says_what_it_is() -> None:
    assert {path.stem for path in VENDORS.glob("*.json") if ".expected" not in path.name} == set(NAMES)
    for name in NAMES:
        recorded = read(name)
        assert recorded["vendor"] == name
        assert recorded["shows"]
        assert recorded["packages"] if recorded["recorded"] else recorded["source"]
