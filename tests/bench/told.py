"""How long after it was acknowledged `/api/live` tells of something, by channel, while spans come in.

In: a `Plan`. Out: `Figures`. Server and the client that sends beside are processes of their own.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

import httpx

from exporter.clock import SystemClock
from exporter.units import NS_PER_MS
from otel_ax import semconv
from tests import listening
from tests.bench.load import Load, send
from tests.bench.payloads import write_templates
from tests.bench.rounds import Say, percentile
from tests.listening import Ear
from tests.otlp import Plain
from tests.running import Server, running

_SERVICE: Final = "told"
_FILTER: Final = f'service = "{_SERVICE}"'
_FILTERS: Final = {"traces": _FILTER, "logs": _FILTER, "workflows": _FILTER}
_IN_FLIGHT: Final = 4
_WARM_S: Final = 2.0
_APART_S: Final = 0.13
"""Not in step with publications, which are some 0.4 s apart."""
_RULES: Final = f"""
groups:
  - name: told
    interval: 1s
    delay: 0s
    rules:
      - {{alert: Told, metric: calls, of: spans, filter: 'service ~ "{_SERVICE}-*"', by: [service], operator: ">=",
         threshold: 1, window: 1h}}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """So often something of each channel is sent, while so many spans come in each second.

    Of alerts it is an acknowledgement by a person of one that fires.
    """

    times: int = 25
    spans_per_s: float = 1_000.0
    templates: int = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds from the answer that something was taken until it was told: the median and the most, by channel."""

    told_ms: dict[str, tuple[float, float]]
    times: int
    errors: list[str]


def measure(plan: Plan, say: Say) -> Figures:
    """Runs the plan; `say` is told what goes on."""
    took: dict[str, list[float]] = {}
    with TemporaryDirectory(prefix="ax-bench-") as place:
        room = Path(place)
        (room / "data" / "rules").mkdir(parents=True)
        (room / "data" / "rules" / "told.yaml").write_text(_RULES)
        templates = room / "templates.bin"
        write_templates(templates, plan.templates)
        with running(room / "data", environ={"AX_ALERT_DEFAULTS": "false"}) as server, ThreadPoolExecutor(1) as beside:
            load = Load(server.grpc, str(templates), _lasts_s(plan), _IN_FLIGHT, items_per_s=plan.spans_per_s)
            sent = beside.submit(send, load)
            time.sleep(_WARM_S)
            with listening.listening(server) as ear:
                for channel in (*_FILTERS, "alerts"):
                    asked = {"filter": _FILTERS[channel]} if channel in _FILTERS else {}
                    ear.subscribe(channel, **asked)
                for channel, do in _DONE.items():
                    took[channel] = [_once(ear, channel, partial(do, server, ear)) for _ in range(plan.times)]
                    half, most = percentile(took[channel], 50), max(took[channel])
                    say(f"{channel}: told after {half:.0f} ms, at most {most:.0f}")
            errors = sent.result().errors
    return Figures({name: (percentile(times, 50), max(times)) for name, times in took.items()}, plan.times, errors)


def _lasts_s(plan: Plan) -> float:
    """About as long as all of it takes: half a second each, alerts up to three."""
    return _WARM_S + plan.times * (len(_FILTERS) * 0.7 + 3)


def _once(ear: Ear, channel: str, do: Callable[[], str]) -> float:
    """Milliseconds from when something was done until a change names it."""
    time.sleep(_APART_S)
    name = do()
    clock = SystemClock()
    done = clock.monotonic()
    while name not in str(ear.hear("change", channel)["items"]):
        pass
    return (clock.monotonic() - done) / NS_PER_MS


def _trace(server: Server, _: Ear) -> str:
    trace = uuid4().int
    listening.send(server, listening.span_of(trace, 1, service=_SERVICE))
    return f"{trace:032x}"


def _log(server: Server, _: Ear) -> str:
    body = uuid4().hex
    listening.send(server, listening.log_of(body, service=_SERVICE))
    return body


def _run(server: Server, _: Ear) -> str:
    """A run that has begun: of its first step."""
    run = uuid4().hex
    step: dict[str, Plain] = {
        "gen_ai.workflow.name": "trip",
        semconv.WORKFLOW_RUN_ID: run,
        semconv.KIND: "step",
        semconv.STEP_KEY: "plan",
    }
    listening.send(server, listening.span_of(uuid4().int, 2, parent=1, service=_SERVICE, attributes=step))
    return run


def _acknowledged(server: Server, ear: Ear) -> str:
    """An alert that somebody looks after from now on."""
    name = f"{_SERVICE}-{uuid4().hex}"
    listening.send(server, listening.span_of(uuid4().int, 1, service=name))
    alert = None
    while alert is None:
        items = ear.hear("change", "alerts")["items"]
        alert = next((one["alert_id"] for one in items if name in str(one) and one["to_state"] == "firing"), None)
    httpx.post(f"{server.ui}/api/alerts/{alert}/acknowledge", json={"by": name}).raise_for_status()
    return f"'by': '{name}'"


_DONE: Final[Mapping[str, Callable[[Server, Ear], str]]] = {
    "traces": _trace,
    "logs": _log,
    "workflows": _run,
    "alerts": _acknowledged,
}
