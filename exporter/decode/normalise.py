"""What spans mean, whoever sent them: one language for operations, models, tokens and cost.

In: the attributes of spans and the columns that are known of them. Out: the promoted columns with other vendors' names
filled in, and those of `model.UNDERSTOOD`. Everything is computed from what was sent, so `normalised` computes it anew
for stored rows when `mapping.VERSION` has moved on.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporter.decode import columns as c
from exporter.decode import happened, nesting, pricing
from exporter.decode.aliases import Columns, fill, read_column
from exporter.decode.attributes import Attributes
from exporter.decode.mapping import (
    AUDIO_CACHE_READ,
    BEGAN_AT,
    CHAIN,
    COLUMNS,
    COUNTED,
    EXCLUSIVE,
    FIRST_CHUNK_EVENTS,
    INHERITED,
    OF_NAMES,
    OPERATIONS,
    OUTER,
    PROVIDERS,
    SOURCES,
    TOTALS,
    VERSION,
)
from exporter.model import INT, LOW, PROMOTED_SPAN, column_of
from otel_ax import semconv

_FIRST: Final = (semconv.OPERATION_NAME, semconv.KIND)
"""What spans are, which other sources depend on."""
_REST: Final = tuple(canonical for canonical in SOURCES if canonical not in _FIRST)
_USAGE: Final = {
    "input": semconv.INPUT_TOKENS,
    "output": semconv.OUTPUT_TOKENS,
    "cache_read": semconv.CACHE_READ_TOKENS,
    "cache_write": semconv.CACHE_WRITE_TOKENS,
    "reasoning": semconv.REASONING_TOKENS,
    "audio_input": semconv.AUDIO_INPUT_TOKENS,
    "audio_output": semconv.AUDIO_OUTPUT_TOKENS,
    "audio_cache_read": AUDIO_CACHE_READ,
    "characters": semconv.SPEECH_CHARACTERS,
}
_KIND_OF: Final = {"invoke_workflow": "workflow"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_COUNT: Final = 2**60
_MOST_USD: Final = 999_999_999.0
"""With nine digits after the point it still is a DECIMAL(18, 9)."""


@dataclass(frozen=True, slots=True)
class Spans:
    """What is known of spans beside their attributes.

    `failed` marks those whose status is an error, `pending` those that have only started; None: none has.
    """

    ids: nesting.Ids
    name: pa.DictionaryArray
    scope_name: pa.DictionaryArray
    start: c.Ints
    end: c.Ints
    events: pa.ListArray
    failed: c.Mask
    pending: c.Mask | None

    def __len__(self) -> int:
        """How many."""
        return len(self.start)


def understood(attributes: Attributes, spans: Spans, recent: nesting.Recent | None = None) -> dict[str, pa.Array]:
    """The promoted columns and those of `UNDERSTOOD`; `attributes` were read with `CANONICAL`.

    `recent` knows the calls of earlier requests, and learns these.
    """
    columns: Columns = dict(attributes.promoted)
    fill(attributes.entries, columns, _FIRST)
    _name(columns, spans)
    fill(attributes.entries, columns, _REST)
    _settle(columns, spans)
    _ask_events(attributes, columns, spans)
    counted = _counted(attributes, columns, spans, recent)
    exclusive = _exclusive(attributes, columns, spans)
    costs = _costs(columns, spans, counted, exclusive)
    _complete(columns, exclusive)
    return {
        **{column_of(name): columns[name] for name in PROMOTED_SPAN},
        **{column: columns[name] for name, column in COLUMNS.items()},
        **costs,
        "cost_reported_nanos": _nanos(columns[semconv.COST]),
        "tokens_inclusive": _inclusive(columns[semconv.INPUT_TOKENS], exclusive),
        "is_counted": pa.array(counted),
        "mapping_version": pa.array(np.full(len(spans), VERSION, dtype=np.int32)),
    }


# ── What spans are ────────────────────────────────────────────────────────────────────────────────────────────────


def _name(columns: Columns, spans: Spans) -> None:
    """Operation and kind, where only the span's name and place tell them."""
    for scope in OF_NAMES.keys() & set(spans.scope_name.dictionary.to_pylist()):
        of_scope = pa.array(among(spans.scope_name, {scope}))
        for name, said in OF_NAMES[scope].items():
            named = pc.and_(of_scope, pa.array(among(spans.name, {name})))
            for canonical, value in said.items():
                columns[canonical] = _put(columns[canonical], named, value)
    columns[semconv.OPERATION_NAME] = renamed(columns[semconv.OPERATION_NAME], lambda name: OPERATIONS.get(name, name))
    operation = columns[semconv.OPERATION_NAME]
    if CHAIN in operation.dictionary.to_pylist():
        root = pc.and_(pc.is_null(spans.ids.parent), pc.equal(operation.dictionary_decode(), CHAIN))
        plain = pc.if_else(root, "invoke_workflow", operation.dictionary_decode())
        columns[semconv.OPERATION_NAME] = plain.dictionary_encode()


def _settle(columns: Columns, spans: Spans) -> None:
    """What follows from more than one attribute."""
    provider = columns[semconv.PROVIDER_NAME]
    columns[semconv.PROVIDER_NAME] = renamed(provider, lambda name: PROVIDERS.get(name.lower(), name.lower()))
    operation, model = columns[semconv.OPERATION_NAME], columns[semconv.REQUEST_MODEL]
    # Only a span with a model and no operation can be a call that does not say so; that counts say there is none.
    if model.null_count < len(spans) and operation.null_count:
        uses = pc.or_(columns[semconv.INPUT_TOKENS].is_valid(), columns[semconv.OUTPUT_TOKENS].is_valid())
        said = pc.or_(columns[semconv.KIND].is_valid(), columns[semconv.AGENT_NAME].is_valid())
        columns[semconv.OPERATION_NAME] = _put(operation, pc.and_not(pc.and_(model.is_valid(), uses), said), "chat")
    operations = columns[semconv.OPERATION_NAME].dictionary.to_pylist()
    for name, kind in _KIND_OF.items():
        if name in operations:
            of_name = pc.equal(columns[semconv.OPERATION_NAME].indices, operations.index(name))
            columns[semconv.KIND] = _put(columns[semconv.KIND], of_name, kind)
    kinds = columns[semconv.KIND].dictionary.to_pylist()
    for kind, canonical in (("workflow", semconv.WORKFLOW_NAME), ("step", semconv.STEP_KEY)):
        if kind in kinds:
            of_kind = pc.equal(columns[semconv.KIND].dictionary_decode(), kind).fill_null(fill_value=False)
            own = pc.if_else(of_kind, spans.name.dictionary_decode(), pa.scalar(None, pa.string()))
            columns[canonical] = pc.coalesce(columns[canonical].dictionary_decode(), own).dictionary_encode()


def _put(column: pa.DictionaryArray, where: pa.Array, value: str) -> pa.DictionaryArray:
    """The column with `value` where it is NULL and `where` is true."""
    where = pc.and_(where.fill_null(fill_value=False), column.is_null())
    if not pc.any(where).as_py():
        return column
    return pc.if_else(where, value, column.dictionary_decode()).dictionary_encode()


def renamed(column: pa.DictionaryArray, rename: Callable[[str], str]) -> pa.DictionaryArray:
    """The column with other words for its distinct values."""
    words = column.dictionary.to_pylist()
    others = [rename(word) for word in words]
    if others == words:
        return column
    encoded = pa.array(others, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(column.indices), encoded.dictionary)


def _ask_events(attributes: Attributes, columns: Columns, spans: Spans) -> None:
    """Why spans failed and when answers began, where their attributes do not say it."""
    error = columns[semconv.ERROR_TYPE]
    unsaid = spans.failed & (codes_of(error) < 0)
    if unsaid.any() and (types := happened.exception_types(spans.events, unsaid)) is not None:
        columns[semconv.ERROR_TYPE] = pc.coalesce(error.dictionary_decode(), types).dictionary_encode()
    chunks = happened.firsts(spans.events, FIRST_CHUNK_EVENTS)
    began = attributes.strings(BEGAN_AT)
    if chunks is None and began is None:
        return
    first = columns[semconv.TIME_TO_FIRST_CHUNK]
    calls = among(columns[semconv.OPERATION_NAME], COUNTED) & ~c.valid(first)
    if chunks is not None:
        rows, at = chunks
        first = pc.coalesce(first, _since_start(spans, rows[calls[rows]], at[calls[rows]]))
        columns[semconv.TIME_TO_FIRST_CHUNK] = first
    if began is not None:
        rows = np.flatnonzero(c.valid(began) & calls & ~c.valid(first)).astype(np.int32)
        at = np.array([_unix_ns(text) for text in began.take(pa.array(rows)).to_pylist()], dtype=np.int64)
        known = at > 0
        columns[semconv.TIME_TO_FIRST_CHUNK] = pc.coalesce(first, _since_start(spans, rows[known], at[known]))


def _since_start(spans: Spans, rows: c.Codes, at: c.Ints) -> pa.Array:
    """Seconds since the spans' starts, NULL where that is before them."""
    later = at >= spans.start[rows]
    return c.scattered((at[later] - spans.start[rows][later]) / 1e9, rows[later], len(spans))


def _unix_ns(text: str) -> int:
    """Unix nanoseconds of an ISO 8601 time, 0 where it is none."""
    try:
        at = datetime.fromisoformat(text.strip('"'))
    except ValueError:
        return 0
    return (at.replace(tzinfo=at.tzinfo or UTC) - _EPOCH) // timedelta(microseconds=1) * 1000


# ── Which calls count, and what their tokens mean ─────────────────────────────────────────────────────────────────


def _counted(attributes: Attributes, columns: Columns, spans: Spans, recent: nesting.Recent | None) -> c.Mask:
    """The calls that have no other call inside, as far as the sender or the spans at hand tell."""
    operation = columns[semconv.OPERATION_NAME]
    calls = among(operation, COUNTED)
    if spans.pending is not None:
        calls &= ~spans.pending
    if not calls.any() and recent is None:
        return calls
    told = attributes.strings(semconv.COST_UNPRICED)
    if told is not None:
        calls &= ~c.to_numpy(pc.equal(told, semconv.NESTED).fill_null(fill_value=False))
    plain = ~calls & ~among(operation, OUTER)
    pairs = nesting.nested(spans.ids, calls, plain)
    inmost = calls.copy()
    inmost[[outer for _, outer in pairs]] = False
    if recent is not None:
        inmost &= ~recent.wrappers(spans.ids, calls, plain)
    again = nesting.repeated(columns["gen_ai.response.id"], codes_of(spans.scope_name), spans.start, spans.end, inmost)
    inmost[[outer for _, outer in again]] = False
    if pairs or again:
        for canonical in INHERITED:
            columns[canonical] = nesting.inherited(columns[canonical], [*pairs, *again])
    return inmost


def among(column: pa.DictionaryArray, words: AbstractSet[str]) -> c.Mask:
    """Where a dictionary column has one of some words."""
    found = np.array([word in words for word in column.dictionary.to_pylist()] + [False], dtype=np.bool_)
    if not found.any():
        return np.zeros(len(column), dtype=np.bool_)
    mask: c.Mask = found[codes_of(column)]
    return mask


def codes_of(column: pa.DictionaryArray) -> c.Codes:
    """The codes of a dictionary column, -1 for NULL."""
    return c.to_numpy(column.indices.fill_null(-1) if column.null_count else column.indices)


def _exclusive(attributes: Attributes, columns: Columns, spans: Spans) -> c.Mask:
    """The spans whose input tokens leave the cached ones out."""
    cached_columns = columns[semconv.CACHE_READ_TOKENS], columns[semconv.CACHE_WRITE_TOKENS]
    if all(column.null_count == len(spans) for column in cached_columns):
        return np.zeros(len(spans), dtype=np.bool_)
    read, written = (_counts(column) for column in cached_columns)
    given, cached = _counts(columns[semconv.INPUT_TOKENS]), read + written
    exclusive: c.Mask = cached > given
    for scope, provider in EXCLUSIVE:
        by_scope = among(spans.scope_name, {scope})
        if by_scope.any():
            exclusive |= by_scope & among(columns[semconv.PROVIDER_NAME], {provider})
    both = given + _counts(columns[semconv.OUTPUT_TOKENS])
    for source in TOTALS:
        total = read_column(attributes.entries, source, INT)
        if total is not None:
            exclusive |= _counts(total) == both + cached
    return exclusive & (cached > 0)


def _complete(columns: Columns, exclusive: c.Mask) -> None:
    """Make the input include cached tokens, and the output reasoning ones, where the sender left them out."""
    if exclusive.any():
        given = columns[semconv.INPUT_TOKENS]
        parts = (given, columns[semconv.CACHE_READ_TOKENS], columns[semconv.CACHE_WRITE_TOKENS])
        columns[semconv.INPUT_TOKENS] = pc.if_else(pa.array(exclusive), _sum(*parts), given)
    thought = columns[semconv.REASONING_TOKENS]
    if thought.null_count < len(thought):
        given = columns[semconv.OUTPUT_TOKENS]
        spoken = _counts(columns[semconv.AUDIO_OUTPUT_TOKENS])
        beside = pa.array(c.valid(thought) & (_counts(thought) + spoken > _counts(given)))
        columns[semconv.OUTPUT_TOKENS] = pc.if_else(beside, _sum(given, thought), given)


def _sum(*columns: pa.Array) -> pa.Array:
    return pa.array(np.sum([np.minimum(_counts(column), _MOST_COUNT) for column in columns], axis=0))


def _inclusive(given: pa.Array, exclusive: c.Mask) -> pa.Array:
    """Whether input tokens include cached ones; NULL where there are none."""
    if given.null_count == len(given):
        return pa.nulls(len(given), pa.bool_())
    return pc.if_else(given.is_valid(), pa.array(~exclusive), pa.scalar(None, pa.bool_()))


def _counts(column: pa.Array) -> c.Ints:
    """A column of counts without NULLs and without negative ones."""
    counts: c.Ints = np.maximum(c.to_numpy(column.fill_null(0)), 0)
    return counts


# ── Cost ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _costs(columns: Columns, spans: Spans, counted: c.Mask, exclusive: c.Mask) -> dict[str, pa.Array]:
    rows = np.flatnonzero(counted).astype(np.int32)
    if not len(rows):
        rows_of = len(spans)
        money = {
            name: c.nulls(INT, rows_of) for name in ("cost_nanos", *(f"cost_{part}_nanos" for part in pricing.PARTS))
        }
        return money | {name: c.nulls(LOW, rows_of) for name in ("price_version", "price_date", "unpriced")}
    provider, response, request = (
        columns[name] for name in (semconv.PROVIDER_NAME, semconv.RESPONSE_MODEL, semconv.REQUEST_MODEL)
    )
    answered, asked = codes_of(response)[rows], codes_of(request)[rows]
    models = [*response.dictionary.to_pylist(), *request.dictionary.to_pylist()]
    model = np.where(answered >= 0, answered, np.where(asked >= 0, asked + len(response.dictionary), -1))
    spoken = columns[semconv.SPEECH_SECONDS]
    seconds = np.zeros(len(rows))
    if spoken.null_count < len(spoken):
        seconds = c.to_numpy(c.taken(spoken, rows).fill_null(0.0))
    calls = pricing.Calls(
        providers=provider.dictionary.to_pylist(),
        models=models,
        provider=codes_of(provider)[rows],
        model=model.astype(np.int32),
        start=spans.start[rows],
        counts={kind: _counts_at(columns[name], rows) for kind, name in _USAGE.items()},
        seconds=np.where(np.isfinite(seconds) & (seconds > 0), seconds, 0.0),
        exclusive=exclusive[rows],
    )
    failed = spans.failed | (codes_of(columns[semconv.ERROR_TYPE]) >= 0)
    return pricing.columns_of(pricing.cost(calls), rows, failed[rows], len(spans))


def _counts_at(column: pa.Array, rows: c.Codes) -> c.Ints:
    if column.null_count == len(column):
        return np.zeros(len(rows), dtype=np.int64)
    counts: c.Ints = np.maximum(c.to_numpy(c.taken(column, rows).fill_null(0)), 0)
    return counts


def _nanos(dollars: pa.Array) -> pa.Array:
    """Nano-dollars of dollars; NULL where they are no amount of money."""
    if dollars.null_count == len(dollars):
        return c.nulls(INT, len(dollars))
    amount = c.to_numpy(dollars.fill_null(float("nan")))
    rows = np.flatnonzero(np.abs(amount) < _MOST_USD)
    return c.scattered(np.rint(amount[rows] * 1e9).astype(np.int64), rows, len(dollars))
