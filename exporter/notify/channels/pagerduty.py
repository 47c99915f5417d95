"""PagerDuty: Events API v2.

In: a batch of one notice. Out: an event as https://developer.pagerduty.com/docs/send-alert-event documents it: trigger,
acknowledge and resolve on the same `dedup_key`, a summary of 1,024 characters, 512 KB in all, else without details.
"""

import json
from typing import Any, Final

from exporter.notify import words
from exporter.notify.notice import Batch, Notice
from exporter.notify.reach import PRODUCT
from exporter.notify.text import plain

MOST_BYTES: Final = 512_000
_ACTIONS: Final = {"acknowledged": "acknowledge", "resolved": "resolve"}


def dedup_key(notice: Notice) -> str:
    """One incident an episode; one of its own for there being no data."""
    kind = "" if notice.kind == "alert" else f":{notice.kind}"
    return f"ax:{notice.change.fingerprint[:32]}:{notice.change.episode}{kind}"[:255]


def body(batch: Batch, routing_key: str) -> dict[str, Any]:
    """What the Events API is posted."""
    notice = batch.notices[0]
    action = _ACTIONS.get(notice.said, "trigger")
    event: dict[str, Any] = {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key(notice)}
    if action != "trigger":
        return event
    change = notice.change
    details = {plain(name, 100): plain(value, 2_000) for name, value in words.facts(notice)}
    details["id"] = change.episode[:12]
    if description := words.description(notice):
        details["description"] = description
    event["client"] = PRODUCT
    event["payload"] = {
        "summary": plain(f"{words.title(notice)} · {words.summary(notice)}", 1_024),
        "source": plain(dict(change.labels).get("service_name") or PRODUCT, 255),
        "severity": notice.severity,
        "timestamp": words.stamp(notice.since),
        "component": plain(change.rule, 255),
        "group": plain(change.rule_id.partition("/")[0], 255),
        "class": plain(change.rule, 255),
        "custom_details": details,
    }
    if runbook := words.runbook(notice):
        event["links"] = [{"href": runbook, "text": "Runbook"}]
    if len(json.dumps(event).encode()) > MOST_BYTES:
        event["payload"]["custom_details"] = {"dropped": "too long"}
    return event
