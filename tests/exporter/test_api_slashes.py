"""What senders name may have slashes in it, as the metrics of clouds do: the API tells of it all the same."""

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from exporter.api import measured, runs
from exporter.api.shared import Shared


@pytest.mark.parametrize(
    ("path", "route", "named"),
    [
        ("/api/metrics/cloud.example/cpu/usage", "metric", "cloud.example/cpu/usage"),
        ("/api/metrics/cloud.example/cpu/usage/series", "over_time", "cloud.example/cpu/usage"),
        ("/api/metrics/cloud.example/cpu/usage/labels", "label_values", "cloud.example/cpu/usage"),
        ("/api/workflow-runs/team/7", "one_run", "team/7"),
        ("/api/workflow-runs/team/7/timeline", "timeline", "team/7"),
        ("/api/workflow-runs/javascript:alert(1)//", "one_run", "javascript:alert(1)//"),
        ("/api/conversations/shop/42", "turns", "shop/42"),
    ],
)
def test_names_are_read_whole(path: str, route: str, named: str) -> None:
    shared: Shared = None  # type: ignore[assignment] # no route is asked
    found = _found([measured.routes(shared), runs.routes(shared)], path)
    assert found == (route, [named])


def _found(routers: list[APIRouter], path: str) -> tuple[str, list[str]] | None:
    """The first route that answers it, and what it takes from the path."""
    every = [one for router in routers for one in router.routes if isinstance(one, APIRoute)]
    return next(((one.name, list(match.groups())) for one in every if (match := one.path_regex.match(path))), None)
