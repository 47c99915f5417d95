"""E-mail: text and HTML of the same.

In: a batch and a channel. Out: a message whose `Message-ID` is the batch's key, so that one that is sent twice is seen
as one. Headers are made by `EmailMessage`, which refuses line ends; HTML by templates that escape everything.
"""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exporter.notify import words
from exporter.notify.declared import Channel
from exporter.notify.notice import Batch
from exporter.notify.text import plain
from exporter.units import NS_PER_S

_NOTICES: Final = 50
_TEMPLATES: Final = Path(__file__).parent.parent / "templates"
_FOLDER: Final = FileSystemLoader(_TEMPLATES)
_HTML: Final = Environment(loader=_FOLDER, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_TEXT: Final = Environment(  # nothing escapes in plain text; lines are kept to one by `words`
    loader=_FOLDER,
    autoescape=False,  # noqa: S701
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def message(batch: Batch, channel: Channel) -> EmailMessage:
    """The mail, the same each time that it is made of the same batch."""
    sender = Address(addr_spec=channel.sender or "")
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = plain(words.headline(batch), 200)
    mail["From"] = Address("otel-ax", addr_spec=sender.addr_spec)
    mail["To"] = ", ".join(channel.to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(batch.made_at // NS_PER_S, UTC))
    mail["Message-ID"] = f"<{batch.key}@{sender.domain}>"
    mail["X-Ax-Delivery"] = batch.key
    mail["Auto-Submitted"] = "auto-generated"
    shown = _shown(batch)
    mail.set_content(_TEXT.get_template("email.txt.j2").render(shown))
    mail.add_alternative(_HTML.get_template("email.html.j2").render(shown), subtype="html")
    return mail


def _shown(batch: Batch) -> dict[str, Any]:
    notices = [
        {
            "title": words.title(one),
            "summary": words.summary(one),
            "description": words.description(one),
            "facts": words.facts(one),
            "runbook": words.runbook(one),
            "colour": f"#{words.RESOLVED_COLOUR if one.said == 'resolved' else words.COLOURS[one.severity]:06x}",
            "id": one.change.episode[:12],
        }
        for one in batch.notices[:_NOTICES]
    ]
    more = len(batch.notices) - len(notices)
    return {"headline": words.headline(batch), "notices": notices, "more": more, "key": batch.key}
