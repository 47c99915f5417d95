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
    if (figures := words.figures(change)) and notice.said != "resolved":
        parts.append(f"[{', '.join(f'{name} {figure}' for name, figure in figures)}]")
    parts.append(f"id {change.episode[:12]}")
    return plain(" · ".join(parts[:2]) + " " + " ".join(parts[2:]), 1_000)
