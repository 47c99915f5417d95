"""What a period will have cost when it ends, and how sure that is.

In: nano-dollars of whole days before, of today so far, the weekdays to come. Out: P10, middle and P90 of the whole
period, and the day on which a budget is gone.

A day's cost is a trend times a profile of weekdays, both robust (medians), times what the days of the past were off by.
The interval is a bootstrap: each round draws such factors for the past, learns trend and profile from them again, and
draws others for the days to come.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDS: Final = 500
LEAST_DAYS: Final = 2
"""Whole days without which nothing can be said: it is shown from the third."""
LEARNED_DAYS: Final = 56
_WEEK: Final = 7
_LEAST_OF_A_DAY: Final = 0.05
_PROFILED_DAYS: Final = 14
"""Before, all weekdays are alike."""
_TRENDED_DAYS: Final = 14
_LOW, _HIGH = 10, 90
_STEEPEST: Final = 0.05
"""Of the level, a day: no trend goes on steeper."""
_SLOPE_DOUBT: Final = 0.85
"""How much of what a round would have learned of the trend it believes; with all of it intervals are too wide."""
_ALIKE_BY_CHANCE, _ALIKE_UNSEEN, _ALIKE_MOST = 0.1, 1.5, 0.6
"""A fit hides part of how much days are like the day before; a little of it is chance."""
_MOST_IDLE: Final = 0.2
"""Share of days without cost from which means are used: medians of much nothing are nothing."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Nano-dollars of the whole period: never less than what is spent.

    `gone_in_days` is the place of the day on which the middle reaches the limit, 0 for today; None where it does not
    within the period.
    """

    expected_nanos: int
    low_nanos: int
    high_nanos: int
    gone_in_days: int | None = None


def projected(
    history: Sequence[int],
    weekdays: Sequence[int],
    *,
    spent_nanos: int,
    to_come: Sequence[int],
    left_of_today: float = 0.0,
    limit_nanos: int | None = None,
    seed: int = 0,
) -> Projection | None:
    """The projection, or None while less than `LEAST_DAYS` whole days are known.

    `history` are whole days in order, `weekdays` theirs; `spent_nanos` is that of the period so far, `to_come` the
    weekdays of today and all days after, of which `left_of_today` (0 to 1) of the first is still to come.
    """
    if len(history) < LEAST_DAYS:
        return None
    costs = np.asarray(history[-LEARNED_DAYS:], dtype=np.float64)
    days = np.asarray(weekdays[-LEARNED_DAYS:], dtype=np.int64)
    ahead = np.asarray(to_come, dtype=np.int64)
    share = np.ones(len(ahead))
    share[:1] = left_of_today
    rounds = _rounds(costs, days, ahead, np.random.default_rng(seed)) * share
    sums = spent_nanos + rounds.sum(axis=1)
    low, high = np.percentile(sums, [_LOW, _HIGH])
    middle = spent_nanos + np.cumsum(np.mean(rounds, axis=0)) if len(ahead) else np.array([float(spent_nanos)])
    gone = None
    if limit_nanos is not None and middle[-1] >= limit_nanos:
        gone = 0 if spent_nanos >= limit_nanos else int(np.argmax(middle >= limit_nanos))
    return Projection(round(float(middle[-1])), round(float(low)), round(float(high)), gone)


def _rounds(costs: Reals, days: Ints, ahead: Ints, random: np.random.Generator) -> Reals:
    """What each day to come costs in each round: rounds by days."""
    count = len(costs)
    places = np.arange(count, dtype=np.float64)
    is_idle = bool((costs == 0).mean() > _MOST_IDLE)
    profile = _profile(costs, days, np.mean if is_idle else np.median)
    level = costs / profile[days]
    slope, middle = (0.0, float(level.mean())) if is_idle else _line(places, level)
    center = (count - 1) / 2
    fitted = _not_below(middle + slope * (places - center)) * profile[days]
    factors = _factors(costs, fitted)
    # The past as it might have been, and what would have been learned from it.
    past = random.choice(factors, size=(ROUNDS, count))
    trend = fitted / profile[days] * past
    levels = trend.mean(axis=1)
    slopes = np.zeros(ROUNDS)
    if count >= _TRENDED_DAYS:
        offsets = places - center
        slopes = (trend - levels[:, None]) @ offsets / (offsets @ offsets)
        slopes = slope + (slopes - slope) * _SLOPE_DOUBT
    later = np.arange(count, count + len(ahead)) - center
    seasons = _seasons(profile, past, days)
    lines = levels[:, None] + slopes[:, None] * later
    noise = random.choice(factors / factors.mean() if factors.mean() else factors, size=(ROUNDS, len(ahead)))
    rounds: Reals = np.maximum(lines, 0) * seasons[:, ahead] * noise
    return rounds


def _factors(costs: Reals, fitted: Reals) -> Reals:
    """By what days were off, spread as much as it was before the fit followed them."""
    factors = np.divide(costs, fitted, out=np.ones_like(costs), where=fitted > 0)
    count = len(factors)
    learned = 2.0 if count < _PROFILED_DAYS else 8.0
    widening = np.sqrt(count / max(count - learned, count / 4))
    mean = factors.mean()
    rest = factors - mean
    if (rest**2).sum() > 0 and count >= _PROFILED_DAYS:
        # Days that go with the day before: their sum is off by more than that of as many strangers.
        alike = float((rest[1:] * rest[:-1]).sum() / (rest**2).sum())
        alike = min(max(alike - _ALIKE_BY_CHANCE, 0) * _ALIKE_UNSEEN, _ALIKE_MOST)
        widening *= np.sqrt((1 + alike) / (1 - alike))
    spread: Reals = np.maximum(mean + rest * widening, 0)
    return spread


def _seasons(profile: Reals, past: Reals, days: Ints) -> Reals:
    """The profile that each round would have learned: rounds by weekdays."""
    seasons = np.tile(profile, (len(past), 1))
    if len(days) < _PROFILED_DAYS:
        return seasons
    means = past.mean(axis=1)
    for weekday in range(_WEEK):
        of_day = past[:, days == weekday]
        if of_day.shape[1]:
            seasons[:, weekday] *= of_day.mean(axis=1) / np.where(means > 0, means, 1)
    return seasons


def _profile(costs: Reals, days: Ints, middle: Callable[[Reals], Any]) -> Reals:
    """By weekday, what it costs of a usual day: the middle of shares of the week around, 1 while weeks are few."""
    profile = np.ones(_WEEK)
    if len(costs) < _PROFILED_DAYS:
        return profile
    window = np.convolve(costs, np.ones(_WEEK), mode="valid") / _WEEK
    around = np.concatenate([np.repeat(window[0], 3), window, np.repeat(window[-1], 3)])
    shares = np.divide(costs, around, out=np.ones_like(costs), where=around > 0)
    for weekday in range(_WEEK):
        if (days == weekday).any():
            profile[weekday] = middle(shares[days == weekday])
    return np.maximum(profile / profile.mean(), _LEAST_OF_A_DAY) if profile.mean() > 0 else np.ones(_WEEK)


def _line(places: Reals, level: Reals) -> tuple[float, float]:
    """Slope a day by the median of all pairs' (Theil and Sen), less what chance alone would give; and the middle."""
    middle = float(np.median(level))
    if len(level) < _TRENDED_DAYS or middle <= 0:
        return 0.0, middle if middle > 0 else float(level.mean())
    upper = np.triu_indices(len(level), k=1)
    slopes = (level[upper[1]] - level[upper[0]]) / (places[upper[1]] - places[upper[0]])
    slope = float(np.median(slopes))
    rest = level - slope * (places - places.mean())
    spread = float(np.median(np.abs(rest - np.median(rest)))) * 1.4826
    by_chance = spread / float(np.sqrt(((places - places.mean()) ** 2).sum()))
    kept = max(0.0, 1 - (by_chance / slope) ** 2) if slope else 0.0
    most = _STEEPEST * middle
    return min(max(slope * kept, -most), most), float(np.median(rest))


def _not_below(line: Reals) -> Reals:
    raised: Reals = np.maximum(line, np.abs(line).mean() * 0.01)
    return raised
