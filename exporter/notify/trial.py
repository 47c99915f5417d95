"""A notice that says that it is a try.

In: a channel. Out: a batch that is like any other, but for what it says.
"""

import hashlib

from exporter.alert.shapes import Change
from exporter.notify.declared import Channel
from exporter.notify.notice import Batch, Notice, Said, key_of, key_of_batch


def trial(channel: Channel, said: Said, now: int, started_at: int) -> Batch:
    """A test notice; its end is one of the same episode where `started_at` is the same."""
    fingerprint = hashlib.sha256(f"ax/test {channel.name}".encode()).hexdigest()
    episode = hashlib.sha256(f"{fingerprint} {started_at}".encode()).hexdigest()[:32]
    is_over = said == "resolved"
    change = Change(
        rule_id="ax/test",
        rule="Test",
        fingerprint=fingerprint,
        episode=episode,
        tenant_id="default",
        transition="resolved" if is_over else "firing",
        at=now,
        from_state="firing" if is_over else "inactive",
        to_state="inactive" if is_over else "firing",
        severity=channel.severity,
        value=None,
        threshold=None,
        labels=(("channel", channel.name),),
        annotations=(("summary", "This is a test by `ax notify test`; nothing is wrong."),),
        reason="by_hand" if is_over else "",
    )
    notice = Notice(key_of(fingerprint, episode, said, channel.name), said, "alert", started_at, change)
    return Batch(0, key_of_batch((notice,)), channel.name, (), (notice,), now, 1)
