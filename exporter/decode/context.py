"""What rows of one scope share: resource, scope, tenant and time of arrival.

In: each request's nested messages down to `ScopeSpans` (or `ScopeLogs`, `ScopeMetrics`). Out: columns for its rows.
A resource or scope is decoded once per distinct bytes, and remembered: a process sends the same one every few seconds.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import EntityRef, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from exporter.config import Limits
from exporter.decode.columns import Codes, Ints, field, low_taken, parents_of
from exporter.decode.values import cut_text, map_literal, text_of
from exporter.model import DEFAULT_TENANT, PROMOTED_RESOURCE, Request, column_of
from otel_ax import semconv

_CACHED_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Bag:
    """The attributes of a resource, a scope or a metric: a map literal, its type letters, how many were dropped.

    `texts` has the value of each attribute, `strings` of those that were sent as strings.
    """

    literal: str
    types: str
    dropped: int
    texts: dict[str, str | None]
    strings: dict[str, str | None]


def bag_of(attributes: Iterable[KeyValue], limits: Limits) -> Bag:
    """Attributes that come once a request, within the same limits as a record's."""
    kept: dict[str, KeyValue] = {}
    count = 0
    for pair in attributes:
        count += 1
        kept.pop(pair.key, None)  # the last of equal keys stays, at its own place
        if len(pair.key.encode()) <= limits.key_bytes:
            kept[pair.key] = pair
    pairs: list[tuple[str, str | None]] = []
    letters: list[str] = []
    for key, pair in list(kept.items())[: limits.attributes]:
        letter, text = text_of(pair.value)
        limit = limits.prompt_bytes if key in semconv.PROMPT_KEYS else limits.value_bytes
        if letter == "y":
            _, text = text_of(type(pair.value)(bytes_value=pair.value.bytes_value[:limit]))
        elif letter in "sakAK" and text is not None and len(text.encode()) > limit:
            letter, text = "s", cut_text(text, limit)
        letters.append(letter)
        pairs.append((key, text))
    strings = {key: text for key, text in pairs if kept[key].value.HasField("string_value")}
    return Bag(map_literal(pairs), "".join(letters), count - len(pairs), dict(pairs), strings)


_ResourceColumns = tuple[tuple[str | None, ...], str | None, str, str, int, str]
_ScopeColumns = tuple[str, str, str, str, int]


def _resource(payload: bytes, limits: Limits) -> _ResourceColumns:
    resource = Resource.FromString(payload)
    bag = bag_of(resource.attributes, limits)
    return (
        tuple(bag.texts.get(name) for name in PROMOTED_RESOURCE),
        bag.strings.get(semconv.TENANT_ID),
        bag.literal,
        bag.types,
        resource.dropped_attributes_count + bag.dropped,
        _entity_refs(resource.entity_refs),
    )


def _entity_refs(refs: Sequence[EntityRef]) -> str:
    if not refs:
        return ""
    return json.dumps(
        [
            {
                "schema_url": ref.schema_url,
                "type": ref.type,
                "id_keys": list(ref.id_keys),
                "description_keys": list(ref.description_keys),
            }
            for ref in refs
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _scope(payload: bytes, limits: Limits) -> _ScopeColumns:
    scope = InstrumentationScope.FromString(payload)
    bag = bag_of(scope.attributes, limits)
    return scope.name, scope.version, bag.literal, bag.types, scope.dropped_attributes_count + bag.dropped


_remembered_resource = lru_cache(maxsize=2048)(_resource)
_remembered_scope = lru_cache(maxsize=2048)(_scope)


@dataclass(frozen=True, slots=True)
class Scopes:
    """The scopes of some requests, in order, and the messages (spans, records, metrics) inside each, flattened.

    `columns` holds one Python value a scope for every column of `model.RESOURCE` but `ingest_time`, `received` the
    time of arrival (ns), `sender` the tenant of the sender's token or None; `messages` are the flattened children,
    `parents` the scope of each.
    """

    columns: dict[str, list[Any]]
    received: Ints
    sender: list[str | None]
    messages: pa.StructArray
    parents: Codes


def read_scopes(
    batch: pa.RecordBatch, requests: Sequence[Request], children: tuple[str, str], limits: Limits
) -> Scopes:
    """Flatten requests (one row of `batch` each) through resources and scopes to `children`.

    `children` names the list in a resource and the list in a scope: `("scope_spans", "spans")`.
    """
    in_resource, in_scope = children
    resource_lists = batch.column(0)
    resources = resource_lists.flatten()
    scope_lists = field(resources, in_resource)
    scopes = scope_lists.flatten()
    message_lists = field(scopes, in_scope)
    of_resource = parents_of(scope_lists)
    of_request = parents_of(resource_lists)[of_resource]

    decoded = _decoded(_remembered_resource, _resource, field(resources, "resource"), limits)
    urls = field(resources, "schema_url").to_pylist()
    scoped = _decoded(_remembered_scope, _scope, field(scopes, "scope"), limits)
    senders = [request.tenant if request.tenant != DEFAULT_TENANT else None for request in requests]
    received = np.fromiter((request.received_at for request in requests), dtype=np.int64, count=len(requests))

    of = [decoded[i] for i in of_resource.tolist()]
    sender = [senders[i] for i in of_request.tolist()]
    columns: dict[str, list[Any]] = {
        column_of(name): [promoted[i] for promoted, *_ in of] for i, name in enumerate(PROMOTED_RESOURCE)
    }
    columns["tenant_id"] = [
        token or (DEFAULT_TENANT if tenant is None else tenant)
        for token, (_, tenant, *_) in zip(sender, of, strict=True)
    ]
    columns["resource_attributes"] = [literal for _, _, literal, *_ in of]
    columns["resource_attribute_types"] = [types for _, _, _, types, *_ in of]
    columns["resource_dropped_attributes_count"] = [dropped for *_, dropped, _ in of]
    columns["resource_schema_url"] = [urls[i] for i in of_resource.tolist()]
    columns["resource_entity_refs"] = [refs for *_, refs in of]
    columns["scope_name"] = [name for name, *_ in scoped]
    columns["scope_version"] = [version for _, version, *_ in scoped]
    columns["scope_attributes"] = [literal for _, _, literal, *_ in scoped]
    columns["scope_attribute_types"] = [types for *_, types, _ in scoped]
    columns["scope_dropped_attributes_count"] = [dropped for *_, dropped in scoped]
    columns["scope_schema_url"] = field(scopes, "schema_url").to_pylist()
    return Scopes(columns, received[of_request], sender, message_lists.flatten(), parents_of(message_lists))


def _decoded(remembered: Any, decode: Any, payloads: pa.BinaryArray, limits: Limits) -> list[Any]:
    return [
        remembered(payload, limits) if len(payload) <= _CACHED_BYTES else decode(payload, limits)
        for payload in payloads.to_pylist()
    ]


def scope_columns(scopes: Scopes, index: Codes, tenants: pa.Array | None) -> dict[str, pa.Array]:
    """The columns of `model.RESOURCE` for rows of the scopes `index`.

    `tenants` are the rows' own `ax.tenant.id`, NULL where they have none; a token's tenant goes before them.
    """
    columns: dict[str, pa.Array] = {}
    for name, values in scopes.columns.items():
        if name.endswith("_count"):
            columns[name] = pa.array(np.asarray(values, dtype=np.int64)[index])
        else:
            columns[name] = low_taken(values, index)
    columns["ingest_time"] = pa.array((scopes.received // 1000)[index]).view(pa.timestamp("us", tz="UTC"))
    if tenants is not None:
        free = np.array([token is None for token in scopes.sender], dtype=np.bool_)  # no token that settles it
        own = pc.if_else(pa.array(free[index]), tenants, pa.scalar(None, pa.string()))
        columns["tenant_id"] = pc.coalesce(own, columns["tenant_id"].dictionary_decode()).dictionary_encode()
    return columns
