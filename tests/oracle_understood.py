"""The oracle's half about meaning: what a span is, whoever sent it, which calls count and what they cost.

In: rows of `spans` and `spans_pending` with what was sent of each (`Told`). Out: the same rows with the columns that
are computed, and rows of `runs` and `steps`. Shares the page of names (`decode.mapping`) and `otel_ax.prices` with
decode, and no code.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from exporter.decode import mapping
from exporter.decode.mapping import Source
from exporter.model import INT, LOW, PROMOTED_SPAN, REAL, RUNS, STEPS, column_of
from otel_ax import prices, semconv
from tests.oracle_values import Attributes, Entry, Row

Found = list[tuple[str, Row]]

STATUSES: Final = {
    "runs": {
        "status": (semconv.WORKFLOW_STATUS, LOW),
        "steps_total": (semconv.WORKFLOW_STEPS_TOTAL, INT),
        "steps_completed": (semconv.WORKFLOW_STEPS_COMPLETED, INT),
        "steps_failed": (semconv.WORKFLOW_STEPS_FAILED, INT),
    },
    "steps": {
        "status": (semconv.STEP_STATUS, LOW),
        "step_name": (semconv.STEP_NAME, LOW),
        "retry_count": (semconv.STEP_RETRY_COUNT, INT),
        "input_bytes": (semconv.STEP_INPUT_SIZE, INT),
        "output_bytes": (semconv.STEP_OUTPUT_SIZE, INT),
    },
}
PARTS: Final = {
    "input": ("input",),
    "cache_read": ("cache_read",),
    "cache_write": ("cache_write",),
    "output": ("output", "reasoning"),
    "other": ("audio_input", "audio_output", "speech"),
}


@dataclass(slots=True)
class Told:
    """A span as it was sent, and its canonical values."""

    attributes: Attributes
    start_ns: int
    end_ns: int
    is_pending: bool
    of: dict[str, Any]
    is_exclusive: bool = False


def understand(found: Found) -> Found:
    """Fill in the rows of spans, and give those of runs and steps."""
    spans = [(row, row.pop("told")) for _, row in found if "told" in row]
    for row, told in spans:
        say(row, told)
    is_call = [told.of[semconv.OPERATION_NAME] in mapping.COUNTED and not told.is_pending for _, told in spans]
    for place, (_, told) in enumerate(spans):
        entry = told.attributes.get(semconv.COST_UNPRICED)
        if entry and entry.value.HasField("string_value") and entry.text == semconv.NESTED:
            is_call[place] = False
    outer = wrappers(spans, is_call)
    is_call = [call and all(place != at for _, at in outer) for place, call in enumerate(is_call)]
    again = repeated(spans, is_call)
    inherit(spans, [*outer, *again])
    for place, (row, told) in enumerate(spans):
        fill(row, told, is_counted=is_call[place] and all(place != at for _, at in again))
    return [made for row, told in spans for made in runs(row, told)]


# ── One span ──────────────────────────────────────────────────────────────────────────────────────────────────────


def say(row: Row, told: Told) -> None:
    """The canonical values of a span, as far as it tells them alone."""
    of = told.of
    for canonical in (semconv.OPERATION_NAME, semconv.KIND):
        of[canonical] = ask(told, canonical)
    for canonical, value in mapping.OF_NAMES.get(row["scope_name"], {}).get(row["name"], {}).items():
        of[canonical] = value if of[canonical] is None else of[canonical]
    operation = of[semconv.OPERATION_NAME]
    operation = mapping.OPERATIONS.get(operation, operation)
    if operation == mapping.CHAIN and row["parent_span_id"] is None:
        operation = "invoke_workflow"
    of[semconv.OPERATION_NAME] = operation
    say_rest(row, told)
    from_events(row, told)


def say_rest(row: Row, told: Told) -> None:
    """The values that depend on the operation, and what follows from all together."""
    of, operation = told.of, told.of[semconv.OPERATION_NAME]
    for canonical in mapping.CANONICAL:
        if canonical not in {semconv.OPERATION_NAME, semconv.KIND}:
            of[canonical] = ask(told, canonical)
    provider = of[semconv.PROVIDER_NAME]
    if provider is not None:
        of[semconv.PROVIDER_NAME] = mapping.PROVIDERS.get(provider.lower(), provider.lower())
    has_usage = of[semconv.INPUT_TOKENS] is not None or of[semconv.OUTPUT_TOKENS] is not None
    is_other = of[semconv.KIND] is not None or of[semconv.AGENT_NAME] is not None
    if operation is None and of[semconv.REQUEST_MODEL] is not None and has_usage and not is_other:
        of[semconv.OPERATION_NAME] = "chat"
    if of[semconv.OPERATION_NAME] == "invoke_workflow" and of[semconv.KIND] is None:
        of[semconv.KIND] = "workflow"
    for kind, canonical in (("workflow", semconv.WORKFLOW_NAME), ("step", semconv.STEP_KEY)):
        if of[semconv.KIND] == kind and of[canonical] is None:
            of[canonical] = row["name"]


def ask(told: Told, canonical: str) -> Any:
    """The first value that a source has."""
    kind = mapping.CANONICAL[canonical]
    own = told.attributes.get(canonical)
    sources = mapping.SOURCES.get(canonical, ())
    if all(source.attribute != canonical for source in sources):
        sources = (Source(canonical), *sources)
    for source in sources:
        if source.attribute == canonical and own and own.value.WhichOneof("value") == exact(kind):
            return own.text if exact(kind) == "string_value" else getattr(own.value, exact(kind))
        if canonical not in mapping.SOURCES:
            return None
        entry = told.attributes.get(source.attribute)
        if entry is None:
            continue
        said = {told.of.get(semconv.OPERATION_NAME), told.of.get(semconv.KIND)}
        value = read(entry, source, kind) if source.when is None or source.when in said else None
        if value is not None:
            return value
    return None


def exact(kind: Any) -> str:
    """The member of AnyValue that a column of this type holds as it is."""
    return {INT: "int_value", REAL: "double_value"}.get(kind, "string_value")


def read(entry: Entry, source: Source, kind: Any) -> Any:
    """What an attribute says in a source's way, None where that is nothing."""
    value: Any
    match entry.value.WhichOneof("value"):
        case "string_value":
            value = entry.text
        case "bool_value":
            value = "true" if entry.value.bool_value else "false"
        case "int_value":
            value = entry.value.int_value
        case "double_value":
            value = entry.value.double_value
        case _:
            value = None
    if source.path:
        value = within(entry.text, source.path)
    if value is None:
        return None
    if source.names:
        return source.names.get(str(value).lower())
    if source.stem:
        return stem(str(value))
    if kind in {INT, REAL}:
        number = number_of(value, whole=kind == INT)
        return number if number is None or source.scale == 1 else number * source.scale
    return str(value) or None


def within(text: str | None, path: Sequence[str]) -> Any:
    """The first value of a JSON object that a path leads to."""
    for written in (text or "", (text or "").replace("'", '"')):
        try:
            whole = json.loads(written)
            break
        except (ValueError, RecursionError):
            whole = None
    for places in path:
        value = whole
        if places == "*":
            inner = whole.values() if isinstance(whole, dict) else ()
            numbers = [number for number in inner if type(number) in {int, float}]
            value = sum(numbers) if numbers else None
        else:
            for place in places.split("."):
                value = value.get(place) if isinstance(value, dict) else None
        if type(value) in {str, int, float}:
            return value
    return None


def number_of(value: Any, *, whole: bool) -> Any:
    """A number that is finite, and whole and within 64 bits where that is asked."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    if not whole:
        return number
    exactly = value if isinstance(value, int) else int(number)
    is_whole = number == int(number) and -(2**63) <= number < 2**63 and -(2**63) <= exactly < 2**63
    return exactly if is_whole else None


def stem(name: str) -> str | None:
    """The longest beginning, by dots, that is a known provider; else the whole name."""
    low = name.lower()
    ends = [len(low), *(at for at in range(len(low) - 1, -1, -1) if low[at] == ".")]
    return next((low[:end] for end in ends if low[:end] in mapping.KNOWN_PROVIDERS), name or None)


def from_events(row: Row, told: Told) -> None:
    """Why it failed and when its answer began, where only events say it."""
    of = told.of
    if of[semconv.ERROR_TYPE] is None and row["status_code"] == "ERROR":
        types = [text for event in row["events"] for key, text in event["attributes"] if key == "exception.type"]
        of[semconv.ERROR_TYPE] = types[-1] if types else None
    if of[semconv.OPERATION_NAME] in mapping.COUNTED and of[semconv.TIME_TO_FIRST_CHUNK] is None:
        times = [event["time_unix_nano"] for event in row["events"] if event["name"] in mapping.FIRST_CHUNK_EVENTS]
        if times and min(times) >= told.start_ns:
            of[semconv.TIME_TO_FIRST_CHUNK] = (min(times) - told.start_ns) / 1e9
            return
        began = told.attributes.get(mapping.BEGAN_AT)
        if began and began.value.HasField("string_value"):
            try:
                at = datetime.fromisoformat((began.text or "").strip('"'))
            except ValueError:
                return
            at = at.replace(tzinfo=at.tzinfo or UTC)
            at_ns = round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6) * 1000
            if at_ns > 0 and at_ns >= told.start_ns:
                of[semconv.TIME_TO_FIRST_CHUNK] = (at_ns - told.start_ns) / 1e9


# ── Which calls count ─────────────────────────────────────────────────────────────────────────────────────────────


def wrappers(spans: Sequence[tuple[Row, Told]], is_call: Sequence[bool]) -> list[tuple[int, int]]:
    """The places of calls and of those next around them."""
    found: list[tuple[int, int]] = []
    passing = [told.of[semconv.OPERATION_NAME] not in mapping.OUTER for _, told in spans]
    for inner in range(len(spans)):
        if not is_call[inner]:
            continue
        row = spans[inner][0]
        here, above = (row["trace_id"], row["span_id"]), (row["trace_id"], row["parent_span_id"])
        for _ in range(9):
            if None in above or above == here:
                break
            named = [at for at, (one, _) in enumerate(spans) if (one["trace_id"], one["span_id"]) == above]
            named = [at for at in named if is_call[at] or passing[at]]
            calls = [(inner, at) for at in named if is_call[at]]
            found += [(one, outer) for one, outer in calls if one != outer]
            if calls or not named:
                break
            here, above = above, (above[0], spans[named[0]][0]["parent_span_id"])
    return found


def repeated(spans: Sequence[tuple[Row, Told]], is_call: Sequence[bool]) -> list[tuple[int, int]]:
    """The places of calls and of those that tell their response too, from another scope and around their time."""
    found: list[tuple[int, int]] = []
    for outer, (row, told) in enumerate(spans):
        for inner, (other, its) in enumerate(spans):
            response = told.of["gen_ai.response.id"]
            is_same = response is not None and its.of["gen_ai.response.id"] == response
            if not (is_call[outer] and is_call[inner] and is_same) or row["scope_name"] == other["scope_name"]:
                continue
            is_within = told.start_ns <= its.start_ns and its.end_ns <= told.end_ns
            is_equal = (told.start_ns, told.end_ns) == (its.start_ns, its.end_ns)
            if is_within and (not is_equal or inner > outer):
                found.append((inner, outer))
    return found


def inherit(spans: Sequence[tuple[Row, Told]], around: Sequence[tuple[int, int]]) -> None:
    """Give calls what those around them say and they do not: from the nearest that says it."""
    said = [dict(told.of) for _, told in spans]
    for place in {inner for inner, _ in around}:
        for canonical in mapping.INHERITED:
            ring, seen = [place], {place}
            while spans[place][1].of[canonical] is None and ring:
                ring = [outer for one in ring for inner, outer in around if inner == one and outer not in seen]
                seen |= set(ring)
                values = [said[outer][canonical] for outer in ring if said[outer][canonical] is not None]
                spans[place][1].of[canonical] = values[0] if values else None


# ── Columns ───────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(row: Row, told: Told, *, is_counted: bool) -> None:
    """All columns that are computed."""
    of = told.of
    given, produced = of[semconv.INPUT_TOKENS], of[semconv.OUTPUT_TOKENS]
    read_, written = count(of[semconv.CACHE_READ_TOKENS]), count(of[semconv.CACHE_WRITE_TOKENS])
    producer = row["scope_name"], of[semconv.PROVIDER_NAME]
    totals = [read(entry, source, INT) for source in mapping.TOTALS if (entry := told.attributes.get(source.attribute))]
    with_cached = count(given) + count(produced) + read_ + written
    told.is_exclusive = (read_ + written) > 0 and (
        read_ + written > count(given)
        or producer in mapping.EXCLUSIVE
        or with_cached in [count(t) for t in totals if t]
    )
    usd = of[semconv.COST]
    is_failed = row["status_code"] == "ERROR"
    row.update(costs(told, is_failed=is_failed) if is_counted else dict.fromkeys(cost_columns()))
    if told.is_exclusive:
        of[semconv.INPUT_TOKENS] = sum(min(2**60, each) for each in (count(given), read_, written))
    thought, spoken = of[semconv.REASONING_TOKENS], count(of[semconv.AUDIO_OUTPUT_TOKENS])
    if count(thought) + spoken > count(produced) and has_reasoning(told):
        of[semconv.OUTPUT_TOKENS] = min(2**60, count(produced)) + min(2**60, count(thought))
    row.update({column_of(canonical): of[canonical] for canonical in PROMOTED_SPAN})
    row.update({column: of[canonical] for canonical, column in mapping.COLUMNS.items()})
    row.update(
        {
            "cost_reported_nanos": round(usd * 1e9) if usd is not None and abs(usd) < 999_999_999.0 else None,
            "tokens_inclusive": None if of[semconv.INPUT_TOKENS] is None else not told.is_exclusive,
            "is_counted": is_counted,
            "mapping_version": mapping.VERSION,
        }
    )


def has_reasoning(told: Told) -> bool:
    """Whether anything is told of reasoning."""
    return told.of[semconv.REASONING_TOKENS] is not None


def count(value: int | None) -> int:
    """A count that is none where it was not told or is negative."""
    return max(value or 0, 0)


def cost_columns() -> list[str]:
    """The columns of money of ours, and what is beside them."""
    return ["cost_nanos", *(f"cost_{part}_nanos" for part in PARTS), "price_version", "price_date", "unpriced"]


def costs(told: Told, *, is_failed: bool) -> Row:
    """What a call cost, or why that is not known."""
    of = told.of
    seconds = of[semconv.SPEECH_SECONDS]
    usage = prices.Usage(
        input=count(of[semconv.INPUT_TOKENS]),
        output=count(of[semconv.OUTPUT_TOKENS]),
        cache_read=count(of[semconv.CACHE_READ_TOKENS]),
        cache_write=count(of[semconv.CACHE_WRITE_TOKENS]),
        reasoning=count(of[semconv.REASONING_TOKENS]),
        audio_input=count(of[semconv.AUDIO_INPUT_TOKENS]),
        audio_output=count(of[semconv.AUDIO_OUTPUT_TOKENS]),
        seconds=seconds if seconds is not None and 0 < seconds < math.inf else 0.0,
        characters=count(of[semconv.SPEECH_CHARACTERS]),
        audio_cache_read=count(of[mapping.AUDIO_CACHE_READ]),
        inclusive=False if told.is_exclusive else None,
    )
    model = of[semconv.RESPONSE_MODEL]
    model = of[semconv.REQUEST_MODEL] if model is None else model
    price = prices.price(of[semconv.PROVIDER_NAME], model, usage, told.start_ns)
    found = dict.fromkeys(cost_columns())
    if isinstance(price, prices.Unpriced):
        failed = is_failed or of[semconv.ERROR_TYPE] is not None
        return found | {"unpriced": None if failed and price.reason == "no usage" else price.reason}
    if price.nanos >= 2**63:
        return found | {"unpriced": "beyond"}
    parts = {part: sum(price.buckets.get(bucket, 0) for bucket in buckets) for part, buckets in PARTS.items()}
    return found | {
        "cost_nanos": price.nanos,
        **{f"cost_{part}_nanos": nanos for part, nanos in parts.items()},
        "price_version": price.version,
        "price_date": price.date,
    }


def runs(row: Row, told: Told) -> Iterator[tuple[str, Row]]:
    """The rows of runs and steps that a span tells."""
    is_run = row["ax_kind"] == "workflow" or row["gen_ai_operation_name"] == "invoke_workflow"
    for name, columns, tells in (("runs", RUNS, is_run), ("steps", STEPS, row["ax_kind"] == "step")):
        if tells:
            made = {column: row[column] for column in columns if column in row}
            for column, (attribute, kind) in STATUSES[name].items():
                entry = told.attributes.get(attribute)
                made[column] = read(entry, Source(attribute), kind) if entry else None
            yield name, made | {"is_pending": told.is_pending}
