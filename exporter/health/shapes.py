"""The words of health.

In: nothing. Out: models that the API shows as they are; times are Unix nanoseconds.
"""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel

State = Literal["healthy", "degraded", "unhealthy"]
Part = Literal["server", "observed"]
WORST_FIRST: Final[tuple[State, ...]] = ("unhealthy", "degraded", "healthy")


class Component(BaseModel):
    """One part: its state, and why. `part` says whether it is ours or what telemetry tells of others."""

    state: State
    detail: str
    part: Part = "server"


class Health(BaseModel):
    """The whole; what is only observed makes it degraded at most: the server itself still does its work."""

    state: State
    version: str
    uptime_s: int
    components: dict[str, Component]
    checked_at: int | None = None
    """When what is observed was last looked at; None before the first time."""


class Readiness(BaseModel):
    """Whether requests are taken in and stored; `waiting_for` names what is missing."""

    ready: bool
    waiting_for: list[str]


class Event(BaseModel):
    """A component went from one state to another; None is that it was not there."""

    number: int
    at: int
    component: str
    from_state: State | None
    to_state: State | None
    detail: str


def together(components: Mapping[str, Component]) -> State:
    """The state of the whole."""
    states = {"degraded" if one.part == "observed" and one.state != "healthy" else one.state
              for one in components.values()}  # fmt: skip
    return next((state for state in WORST_FIRST if state in states), "healthy")


def level(value: float, levels: tuple[float, float], detail: str, part: Part = "server") -> Component:
    """Degraded above the first level, unhealthy above the second."""
    degraded, unhealthy = levels
    state: State = "unhealthy" if value > unhealthy else "degraded" if value > degraded else "healthy"
    return Component(state=state, detail=detail, part=part)
