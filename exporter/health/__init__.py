"""Whether the server and what it observes are well, part by part.

In: figures, the machine, provider calls, stored metrics, the time. Out: states with a sentence each, and their changes.
"""

from exporter.health.shapes import Component, Event, Health, Readiness, State, together

__all__ = ["Component", "Event", "Health", "Readiness", "State", "together"]
