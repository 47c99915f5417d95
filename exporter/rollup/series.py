"""Which series points belong to, as one number each that stays the same across batches and restarts.

In: rows of the tables `metrics_*`. Out: 64-bit keys. Attributes in another order make the same series. Distinct words
are hashed once; what is left per row is arithmetic.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from exporter import model
from exporter.rollup import columns as c

Keys = npt.NDArray[np.uint64]

_NOT_HASHED: Final = {"attributes", "attribute_types", "start_time_unix_nano", "time_unix_nano"}
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_NULL: Final = "\x00null"


def keys_of(table: str, rows: pa.Table) -> Keys:
    """The series of each row."""
    keys = _of_attributes(rows["attributes"])
    for name in needed(table):
        if name != "attributes":
            keys = _mixed(keys) + _hashed(c.one_dictionary(rows[name]))
    return keys


def of_streams(series: Keys, start: c.Ints) -> Keys:
    """A key for each series and start: processes that say to be the same one count each on its own."""
    return _mixed(series) + _mixed(start.astype(np.uint64) * _ODD)


def needed(table: str) -> list[str]:
    """The columns that tell a series."""
    identity = model.TABLES[table].identity
    texts = [name for name in identity if model.TABLES[table].columns[name] == model.LOW]
    return ["attributes", *(name for name in texts if name not in _NOT_HASHED)]


def _of_attributes(maps: pa.ChunkedArray) -> Keys:
    """The sum of the pairs of each row, whatever their order."""
    return np.concatenate([np.zeros(0, np.uint64), *(_of_maps(chunk) for chunk in maps.chunks)])


def _of_maps(maps: pa.MapArray) -> Keys:
    offsets = maps.offsets.to_numpy()
    keys = maps.keys.slice(offsets[0], offsets[-1] - offsets[0])
    items = maps.items.slice(offsets[0], offsets[-1] - offsets[0]).dictionary_encode()
    pairs = _mixed(_hashed(keys) * _ODD + _hashed(items))
    upto = np.concatenate([np.zeros(1, np.uint64), np.cumsum(pairs, dtype=np.uint64)])
    places = offsets - offsets[0]
    sums: Keys = upto[places[1:]] - upto[places[:-1]]
    return sums


def _hashed(column: pa.DictionaryArray) -> Keys:
    distinct = [_hash(word) for word in (*column.dictionary.to_pylist(), _NULL)]
    return np.array(distinct, dtype=np.uint64)[c.codes(column)]  # NULL has code -1, the last one


def _hash(word: str | None) -> int:
    return xxhash.xxh3_64_intdigest((_NULL if word is None else word).encode())


def _mixed(keys: Keys) -> Keys:
    keys = (keys ^ (keys >> np.uint64(32))) * _ODD
    return keys ^ (keys >> np.uint64(29))
