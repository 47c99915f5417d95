"""The part of the demo that watches: an alert that fires, its notice, and a budget.

In: a data directory with traffic in it. Out: `rules/demo.yaml` there; then what its rules found, as words and a bar.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from exporter import query
from exporter.cli import budgets
from exporter.clock import Clock
from exporter.query.views import reading
from exporter.units import NS_PER_S

RULES: Final = Path(__file__).with_name("demo_rules.yaml")
"""An alert rule and a budget, as a user would write them."""

_WITHIN_NS: Final = 10 * NS_PER_S
_POLL_S: Final = 0.1
_FIRED: Final = """
SELECT rule, severity, id, coalesce(annotations['summary'], rule) AS summary
FROM alerts WHERE state = 'firing' AND rule_id LIKE 'demo/%' ORDER BY started_at, labels LIMIT 1
"""


def declare(data: Path) -> None:
    """Puts the demo's rules where the server looks for them, unless there are some of that name."""
    target = data / "rules" / "demo.yaml"
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not target.exists():
        target.write_bytes(RULES.read_bytes())


def show(data: Path, console: Console, clock: Clock, wait: Callable[[float], bool]) -> None:
    """Prints an alert as soon as there is one, and the budget; `wait` is told seconds, and says whether all is over."""
    deadline = clock.monotonic() + _WITHIN_NS
    while not (fired := query.sql(data, _FIRED).to_pylist()):
        if clock.monotonic() > deadline or wait(_POLL_S):
            return
    for alert in fired:
        line = Text("\nalert   ").append(f"{alert['rule']} ({alert['severity']})", style="bold red")
        console.print(line.append(f": {alert['summary']}; its notice is in the log above"))
        console.print(f"        ax monitor alerts ack {alert['id'][:6]} --user you --data {data}", markup=False)
    console.print(Text("budget"))
    with reading(data) as views:
        budgets.draw_bars(console, budgets.budgets(data, views, clock.wall()), projection=False)
