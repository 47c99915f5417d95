"""Any program that takes JSON.

In: a batch. Out: all that there is to know of it, and headers: `Idempotency-Key` and `X-Ax-Delivery` are the same for
the same batch whenever it is sent again; with a secret, `X-Ax-Signature` is `sha256=` and the HMAC of
`X-Ax-Timestamp` (Unix seconds, of this attempt), a dot, and the body.
"""

import hashlib
import hmac
import math
from typing import Any, Final

from exporter.notify import words
from exporter.notify.notice import Batch, Notice
from exporter.units import NS_PER_S

VERSION: Final = 1


def body(batch: Batch) -> dict[str, Any]:
    """What the address is posted."""
    return {
        "version": VERSION,
        "key": batch.key,
        "channel": batch.channel,
        "sent_for": words.stamp(batch.made_at),
        "group": dict(batch.group),
        "notices": [_notice(one) for one in batch.notices],
    }


def headers(batch: Batch, content: bytes, secret: str | None, now: int) -> dict[str, str]:
    """What goes with it."""
    stamp = str(now // NS_PER_S)
    said = {"X-Ax-Delivery": batch.key, "Idempotency-Key": batch.key, "X-Ax-Timestamp": stamp}
    if secret is not None:
        said["X-Ax-Signature"] = "sha256=" + sign(secret, stamp, content)
    return said


def sign(secret: str, timestamp: str, content: bytes) -> str:
    """HMAC-SHA256 of `timestamp.body`, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256).hexdigest()


def _notice(notice: Notice) -> dict[str, Any]:
    change = notice.change
    return {
        "key": notice.key,
        "id": change.episode[:12],
        "notice": notice.said,
        "kind": notice.kind,
        "status": "resolved" if notice.said == "resolved" else "firing",
        "rule": change.rule,
        "rule_id": change.rule_id,
        "severity": change.severity,
        "value": _figure(change.value),
        "threshold": _figure(change.threshold),
        "unit": change.unit,
        "figures": dict(words.figures(change)),
        "labels": dict(change.labels),
        "annotations": dict(change.annotations),
        "tenant_id": change.tenant_id,
        "fingerprint": change.fingerprint,
        "episode": change.episode,
        "started_at": words.stamp(notice.since),
        "at": words.stamp(change.at),
        "by": change.by,
        "reason": change.reason,
    }


def _figure(value: float | None) -> float | None:
    """JSON knows neither infinity nor NaN."""
    return value if value is not None and math.isfinite(value) else None
