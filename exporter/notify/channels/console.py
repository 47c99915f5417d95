"""The server's log.

In: a batch of one notice. Out: one line for people.
"""

from exporter.notify import words
from exporter.notify.notice import Batch
from exporter.notify.text import plain


def line(batch: Batch) -> str:
    """All that matters of it, without line ends and control characters."""
    notice = batch.notices[0]
    change = notice.change
    parts = [words.title(notice), words.summary(notice)]
    if (labels := words.labels_line(notice)) and labels not in parts[1]:
        parts.append(f"({labels})")
    if change.value is not None and notice.said != "resolved":
        against = f", threshold {words.number(change.threshold)}" if change.threshold is not None else ""
        parts.append(f"[value {words.number(change.value)}{against}]")
    parts.append(f"id {change.episode[:12]}")
    return plain(" · ".join(parts[:2]) + " " + " ".join(parts[2:]), 1_000)
