"""In: decoded Arrow tables and the journal position that they reach. Out: Parquet segments, a catalog, `ax.duckdb`.

Appending writes fresh segments and one SQLite transaction that records them with the journal position, so that a
replay neither loses nor doubles; then `ax.duckdb` and `manifest.json` are renamed over. Maintaining merges small
segments, drops old ones and verifies checksums, while any process queries.
"""

from exporter.store.counts import Counts
from exporter.store.store import Stats, Store, Tables

__all__ = ["Counts", "Stats", "Store", "Tables"]
