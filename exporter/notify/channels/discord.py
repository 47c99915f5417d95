"""Discord: an incoming webhook that takes embeds.

In: a batch. Out: JSON within the limits of https://discord.com/developers/docs/resources/message#embed-object (ten
embeds, 25 fields, 6,000 characters in all). Strangers' text has a backslash before all that Discord reads as markup or
as a mention, and nobody may be mentioned by it.
"""

import re
from typing import Any, Final

from exporter.notify import words
from exporter.notify.notice import Batch, Notice
from exporter.notify.text import fit

_MOST: Final = 6_000
_EMBEDS: Final = 10
_FIELDS: Final = 25
_READ: Final = re.compile(r"([\\*_~`|<>\[\]()#@:\-.!+=/&])")


def escape(text: str) -> str:
    """Backslashes before punctuation, which Discord takes away again."""
    return _READ.sub(r"\\\1", text)


def body(batch: Batch) -> dict[str, Any]:
    """What the webhook is posted."""
    left = _MOST - 100
    embeds: list[dict[str, Any]] = []
    for notice in batch.notices[:_EMBEDS]:
        embed, used = _embed(notice, left)
        if used > left:
            break
        left -= used
        embeds.append(embed)
    if len(batch.notices) > len(embeds):
        embeds[-1]["footer"] = {"text": f"and {len(batch.notices) - len(embeds)} more"}
    return {
        "content": fit(words.headline(batch), 500, escape),
        "embeds": embeds,
        "allowed_mentions": {"parse": []},
    }


def _embed(notice: Notice, left: int) -> tuple[dict[str, Any], int]:
    over = notice.said == "resolved"
    title = fit(words.title(notice), 256, escape)
    description = fit(words.summary(notice), min(2_000, left // 3), escape) or "-"
    embed: dict[str, Any] = {
        "title": title,
        "description": description,
        "color": words.RESOLVED_COLOUR if over else words.COLOURS[notice.severity],
        "timestamp": words.stamp(notice.change.at),
    }
    if runbook := words.runbook(notice):
        embed["url"] = runbook
    used = len(title) + len(description)
    fields: list[dict[str, Any]] = []
    for name, value in words.facts(notice)[:_FIELDS]:
        field = {"name": fit(name, 256, escape) or "-", "value": fit(value, 500, escape) or "-", "inline": True}
        size = len(str(field["name"])) + len(str(field["value"]))
        if used + size > min(left, 2_500):
            break
        used += size
        fields.append(field)
    return embed | {"fields": fields}, used
