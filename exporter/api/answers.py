"""Answers of routes that are about the server itself, as OpenAPI shows them.

In: nothing. Out: one example for each; those of telemetry are in `examples`.
"""

from collections.abc import Mapping
from typing import Any, Final

_ALERT: Final[dict[str, Any]] = {
    "id": "73f52240116a",
    "rule": "Always",
    "state": "firing",
    "severity": "warning",
    "labels": [["team", "a"]],
    "annotations": [],
    "value": 7.0,
    "threshold": 5.0,
    "started_at": 1795314233451210882,
    "fired_at": 1795314233451210882,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "note": "",
    "resolved_at": None,
    "resolved_by": None,
    "reason": "",
    "rule_id": "quick/Always",
    "tenant_id": "default",
    "fingerprint": "3652bac6acadcc7a6ef7068134e8379563b1924d7a515889ba2369c5e1e4997d",
    "episode": "73f52240116a8480ffd2e5c78f3ae80d",
    "unit": "number",
}
_RULE: Final[dict[str, Any]] = {
    "id": "api/Kept",
    "name": "Kept",
    "group": "api",
    "origin": "api",
    "enabled": True,
    "severity": "warning",
    "interval_ns": 60000000000,
    "definition": {"alert": "Kept", "metric": "p95_latency", "threshold": "2s"},
    "health": "ok",
    "error": "",
    "missed": 0,
    "evaluated_at": 1795314180000000000,
}
_BUDGET: Final[dict[str, Any]] = {
    "name": "kept",
    "state": "ok",
    "per": "day",
    "zone": "UTC",
    "scope": {},
    "limit_nanos": 5000000000,
    "limit_usd": 5.0,
    "spent_nanos": 465408157,
    "spent_usd": 0.465408157,
    "used_ratio": 0.0930816314,
    "late_nanos": 0,
    "calls": 268,
    "unpriced": 0,
    "period_start": "2026-11-22T00:00:00Z",
    "period_end": "2026-11-23T00:00:00Z",
    "period_start_unix_nano": 1795305600000000000,
    "period_end_unix_nano": 1795392000000000000,
    "alert_at": [50, 80, 95, 100],
    "crossed": [],
    "projection": None,
    "origin": "api",
    "enabled": True,
    "definition": {"name": "kept", "usd": "$5", "per": "day"},
}
_COMPONENTS: Final[dict[str, Any]] = {
    "receive": {"state": "healthy", "detail": "requests are taken in", "part": "server"},
    "write": {
        "state": "healthy",
        "detail": "the oldest record that is not yet queryable is 0.0 s old",
        "part": "server",
    },
    "provider openai": {"state": "healthy", "detail": "no call within the window", "part": "observed"},
}
_METRICS: Final = '# TYPE ax_accepted_items_total counter\nax_accepted_items_total{signal="traces"} 691\n'

ANSWERS: Final[Mapping[tuple[str, str], Any]] = {
    ("get", "/readyz"): {"ready": True, "waiting_for": []},
    ("get", "/api/health"): {
        "state": "healthy",
        "version": "0.1.0",
        "uptime_s": 3600,
        "components": _COMPONENTS,
        "checked_at": 1795314224394357963,
    },
    ("get", "/api/health/components"): _COMPONENTS,
    ("get", "/api/health/events"): {
        "items": [
            {
                "number": 1,
                "at": 1795312233360462387,
                "component": "database",
                "from_state": None,
                "to_state": "degraded",
                "detail": "a small question takes 398.5 ms",
            }
        ],
        "next_cursor": None,
    },
    ("get", "/api/alerts"): {"items": [_ALERT], "next_cursor": None},
    ("get", "/api/alerts/stats"): {
        "from_ns": 1795227845376054307,
        "to_ns": 1795314245376054307,
        "counts": [
            {"state": "firing", "severity": "error", "alerts": 1},
            {"state": "firing", "severity": "warning", "alerts": 2},
            {"state": "resolved", "severity": "warning", "alerts": 1},
        ],
        "fired": 4,
        "resolved": 1,
        "mean_resolve_ns": 1943180312743,
    },
    ("get", "/api/alerts/history"): {
        "items": [
            {
                "number": 5,
                "alert_id": "73f52240116a",
                "rule": "Always",
                "at": 1795314233451210882,
                "from_state": "inactive",
                "to_state": "firing",
                "value": 7.0,
                "by": None,
                "reason": "",
                "transition": "firing",
                "severity": "warning",
                "threshold": 5.0,
                "rule_id": "quick/Always",
                "unit": "number",
            }
        ],
        "next_cursor": None,
    },
    ("get", "/api/alerts/{alert}"): _ALERT,
    ("get", "/api/silences"): [
        {
            "id": "635254dc6589",
            "matchers": ["alert=Kept"],
            "starts_at": 1795314237962423185,
            "ends_at": 1795321437962423185,
            "by": "ada",
            "note": "",
        }
    ],
    ("delete", "/api/silences/{silence}"): {
        "id": "635254dc6589",
        "matchers": ["alert=Kept"],
        "starts_at": 1795314237962423185,
        "ends_at": 1795321437962423185,
        "by": "ada",
        "note": "",
    },
    ("get", "/api/rules"): {"items": [_RULE], "next_cursor": None},
    ("get", "/api/rules/problems"): ["rules/own.yaml:7:9: there is no metric p95_latncy; did you mean p95_latency?"],
    ("get", "/api/rules/{group}/{name}"): _RULE,
    ("get", "/api/budgets"): {"items": [_BUDGET], "next_cursor": None},
    ("get", "/api/budgets/events"): {
        "items": [
            {
                "number": 1,
                "budget": "help desk",
                "at": 1795312281337882816,
                "threshold": 50,
                "basis": "spent",
                "spent_nanos": 379959643,
                "limit_nanos": 600000000,
                "period_start": 1793491200000000000,
                "period_end": 1796083200000000000,
                "late": 0,
            }
        ],
        "next_cursor": None,
    },
    ("get", "/api/budgets/{name}"): _BUDGET,
    ("get", "/api/projections"): [
        {
            "name": "kept",
            "limit_nanos": 5000000000,
            "spent_nanos": 465408157,
            "period_start": "2026-11-22T00:00:00Z",
            "period_end": "2026-11-23T00:00:00Z",
            "projection": None,
        }
    ],
    ("get", "/api/anomalies"): [
        {
            "labels": {"model": "claude-sonnet-4-5"},
            "unit": "ratio",
            "state": "learning",
            "hours": [
                {
                    "start_ns": 1795309200000000000,
                    "value": 0.047619047619047616,
                    "expected": None,
                    "low": None,
                    "high": None,
                    "odd": None,
                    "state": "learning",
                }
            ],
        }
    ],
    ("get", "/api/notifications/channels"): [
        {
            "name": "log",
            "type": "console",
            "severity": "info",
            "waiting": 0,
            "waiting_since": None,
            "dead": 0,
            "last_answer": "written",
            "last_answer_at": 1795314237162794486,
            "failing": False,
        }
    ],
    ("get", "/api/notifications/dead"): [
        {
            "number": 1,
            "channel": "pager",
            "made_at": 1795314180000000000,
            "ended_at": 1795318180000000000,
            "attempts": 12,
            "status": "503",
            "notices": [{"said": "firing", "rule": "quick/Always"}],
        }
    ],
    ("post", "/api/notifications/dead/retry"): {"again": 1, "over": 0},
    ("post", "/api/notifications/channels/{name}/test"): [
        {"said": "firing", "taken": True, "status": "written"},
        {"said": "resolved", "taken": True, "status": "written"},
    ],
    ("get", "/metrics"): _METRICS,
    ("get", "/metrics/rollups"): _METRICS,
}
