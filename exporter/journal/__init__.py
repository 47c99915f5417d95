"""The journal: what a request is written to, and synced, before it is acknowledged.

In: requests, from the receiver. Out: the same requests, once and in order, to the writer, which is another process.
The two share nothing but the files in `DATA/journal/`.
"""

from exporter.journal.group import Journal
from exporter.journal.tail import Entry, Tail

__all__ = ["Entry", "Journal", "Tail"]
