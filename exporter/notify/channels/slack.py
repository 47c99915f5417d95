"""Slack: an incoming webhook that takes Block Kit.

In: a batch. Out: JSON within the limits of https://docs.slack.dev/reference/block-kit/blocks (50 blocks, a header of
150 characters, ten fields of 2,000). Strangers' text stands in `plain_text` objects, which know no markup and no
mentions, and is escaped besides; links come from rules alone.
"""

from typing import Any, Final

from exporter.notify import words
from exporter.notify.notice import Batch, Notice
from exporter.notify.text import fit

_NOTICES: Final = 10
_FIELDS: Final = 10
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escape(text: str) -> str:
    """The three characters that begin something in Slack."""
    return text.translate(_ESCAPES)


def body(batch: Batch) -> dict[str, Any]:
    """What the webhook is posted."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(words.headline(batch), 150)}]
    for notice in batch.notices[:_NOTICES]:
        blocks += _blocks(notice, alone=len(batch.notices) == 1)
    if len(batch.notices) > _NOTICES:
        more = f"and {len(batch.notices) - _NOTICES} more"
        blocks.append({"type": "context", "elements": [_plain(more, 100)]})
    return {
        "text": fit(f"{words.headline(batch)} · {words.summary(batch.worst)}", 1_000, escape),
        "blocks": blocks,
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _blocks(notice: Notice, *, alone: bool) -> list[dict[str, Any]]:
    text = words.summary(notice) if alone else f"{words.title(notice)} · {words.summary(notice)}"
    fields = [_plain(f"{name}: {value}", 300) for name, value in words.facts(notice)]
    blocks: list[dict[str, Any]] = [{"type": "section", "text": _plain(text, 2_900), "fields": fields[:_FIELDS]}]
    if description := words.description(notice):
        blocks.append({"type": "context", "elements": [_plain(description, 1_500)]})
    if runbook := words.runbook(notice):
        # Not a button: those of incoming webhooks need an app that answers. <URL|text> is mrkdwn's link.
        shown = escape(runbook).replace("|", "%7C")
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{shown}|Runbook>"}]})
    return blocks


def _plain(text: str, longest: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": fit(text, longest, escape) or "-", "emoji": False}
