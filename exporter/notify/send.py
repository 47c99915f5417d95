"""One batch to one channel, whatever its type.

In: a channel, a batch, what is needed from outside. Out: an answer; an error of ours is one too.
"""

import json
import logging
from collections.abc import Callable
from typing import Any, Final

from exporter.errors import BadConfig
from exporter.notify.answers import Answer
from exporter.notify.channels import console, discord, email, pagerduty, slack, teams, webhook
from exporter.notify.declared import PAGERDUTY, Channel
from exporter.notify.guard import Hold
from exporter.notify.mail import mail
from exporter.notify.notice import Batch
from exporter.notify.post import Request, post
from exporter.notify.reach import Reach

_log: Final = logging.getLogger(__name__)
_BODIES: Final[dict[str, Callable[[Batch], dict[str, Any]]]] = {
    "slack": slack.body,
    "teams": teams.body,
    "discord": discord.body,
    "webhook": webhook.body,
}


def send(channel: Channel, batch: Batch, reach: Reach, hold: Hold) -> Answer:
    """Sends it once; `hold` lets another thread cut it off. Never raises."""
    try:
        if channel.type == "console":
            reach.say(console.line(batch))
            return Answer("taken", "written")
        if channel.type == "email":
            return mail(channel, email.message(batch, channel), reach, hold)
        return post(request(channel, batch, reach), reach, hold)
    except BadConfig as error:  # a secret that is not there; people may yet set it
        return Answer("again", f"not sent: {error}")
    except Exception as error:  # noqa: BLE001 (logged; the channel's thread must not end by it)
        _log.exception("channel %s: a notice could not be made", channel.name)
        return Answer("refused", f"not sent: {type(error).__name__} of ours")


def request(channel: Channel, batch: Batch, reach: Reach) -> Request:
    """What a service is posted. Raises `BadConfig` where a secret is not there."""
    url = channel.url.reveal(reach.environ).strip() if channel.url is not None else PAGERDUTY
    if channel.type == "pagerduty":
        routing_key = channel.routing_key.reveal(reach.environ) if channel.routing_key is not None else ""
        content = _json(pagerduty.body(batch, routing_key))
    else:
        content = _json(_BODIES[channel.type](batch))
    headers = {}
    if channel.type == "webhook":
        secret = channel.secret.reveal(reach.environ) if channel.secret is not None else None
        headers = webhook.headers(batch, content, secret, reach.clock.wall())
    return Request(url, content, headers)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
