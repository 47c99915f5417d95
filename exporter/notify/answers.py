"""What a service answered, what follows from it, and when to try again.

In: status codes and headers of strangers. Out: taken, again or refused, and a delay.
"""

import math
import random
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from exporter.units import NS_PER_S

FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 300.0
LONGEST_ASKED_S: Final = 3_600.0
"""A service that asks for a longer rest is asked again after this."""
GIVE_UP_NS: Final = 86_400 * NS_PER_S
_AGAIN: Final = {408, 425, 429}

Outcome = Literal["taken", "again", "refused"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is shown to people, and holds nothing that the service wrote, nor a secret.

    `is_maybe`: the service may have taken it all the same. `rest_s`: it asks everybody to wait so long.
    """

    outcome: Outcome
    status: str
    is_maybe: bool = False
    rest_s: float | None = None


def of_http(status: int, retry_after: str | None, now: int) -> Answer:
    """What an HTTP status means for us; a redirect is refused, since it is not followed."""
    shown = f"HTTP {status}"
    if 200 <= status < 300:  # noqa: PLR2004
        return Answer("taken", shown)
    if status in _AGAIN or status >= 500:  # noqa: PLR2004
        rest_s = seconds(retry_after, now)
        return Answer("again", shown, is_maybe=status >= 500 or status == 408, rest_s=rest_s)  # noqa: PLR2004
    if 300 <= status < 400:  # noqa: PLR2004
        return Answer("refused", f"{shown}, a redirect, which is not followed")
    return Answer("refused", shown)


def seconds(retry_after: str | None, now: int) -> float | None:
    """The delay of a `Retry-After`, which is seconds or a date; None for what is neither."""
    if not retry_after or len(retry_after) > 64:  # noqa: PLR2004
        return None
    try:
        delay_s = float(retry_after)
    except ValueError:
        try:
            delay_s = parsedate_to_datetime(retry_after).timestamp() - now / NS_PER_S
        except (ValueError, OverflowError, TypeError):
            return None
    return min(max(delay_s, 0.0), LONGEST_ASKED_S) if math.isfinite(delay_s) else None


def delay_s(attempts: int, answer: Answer, chance: random.Random) -> float:
    """How long to wait after so many attempts: twice as long each time, full jitter, what the service asks at least."""
    longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(attempts - 1, 30))
    return max(chance.uniform(0.0, longest_s), answer.rest_s or 0.0)
