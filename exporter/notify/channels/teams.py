"""Microsoft Teams: a workflow that posts an Adaptive Card when its webhook is called.

In: a batch. Out: a message with one card of version 1.4, of less than 28 KB. Strangers' text stands in `TextRun`s,
which know no Markdown (https://learn.microsoft.com/adaptive-cards/schema-explorer/text-run); without `entities` there
are no mentions. `{{DATE(…)}}` is the one thing that is read in any text: it is broken up.
"""

import json
from typing import Any, Final

from exporter.notify import words
from exporter.notify.notice import Batch, Notice
from exporter.notify.text import fit

MOST_BYTES: Final = 27 * 2**10
_NOTICES: Final = 10
_ZERO_WIDTH: Final = "\u200b"
_COLOURS: Final = {"info": "Accent", "warning": "Warning", "error": "Attention", "critical": "Attention"}


def escape(text: str) -> str:
    """Pairs of braces begin a function."""
    return text.replace("{", "{" + _ZERO_WIDTH)


def body(batch: Batch) -> dict[str, Any]:
    """What the workflow is posted; with fewer notices where they would be too long."""
    for shown in range(min(_NOTICES, len(batch.notices)), 0, -1):
        message = _message(batch, shown)
        if len(json.dumps(message).encode()) <= MOST_BYTES:
            return message
    return _message(batch, 0)


def _message(batch: Batch, shown: int) -> dict[str, Any]:
    over = batch.worst.said == "resolved"
    colour = "Good" if over else _COLOURS[batch.worst.severity]
    elements = [_text(words.headline(batch), 200, weight="Bolder", size="Medium", color=colour)]
    actions: list[dict[str, Any]] = []
    for notice in batch.notices[:shown]:
        elements += _elements(notice, alone=len(batch.notices) == 1)
        if (runbook := words.runbook(notice)) and len(actions) < 3:  # noqa: PLR2004
            actions.append({"type": "Action.OpenUrl", "title": "Runbook", "url": runbook})
    if len(batch.notices) > shown:
        elements.append(_text(f"and {len(batch.notices) - shown} more", 100, isSubtle=True))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": fit(words.headline(batch), 200, escape),
        "body": elements,
    }
    if actions:
        card["actions"] = actions
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _elements(notice: Notice, *, alone: bool) -> list[dict[str, Any]]:
    elements = [] if alone else [_text(words.title(notice), 300, weight="Bolder")]
    elements.append(_text(words.summary(notice), 1_500))
    if description := words.description(notice):
        elements.append(_text(description, 1_000, isSubtle=True))
    elements += [_text(f"{name}: {value}", 300, size="Small") for name, value in words.facts(notice)[:20]]
    return elements


def _text(text: str, longest: int, **looks: object) -> dict[str, Any]:
    return {
        "type": "RichTextBlock",
        "inlines": [{"type": "TextRun", "text": fit(text, longest, escape) or "-", **looks}],
    }
