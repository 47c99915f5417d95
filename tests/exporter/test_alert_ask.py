"""What a rule's question gets: the right records of the right window, once for all rules that ask the same."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exporter.alert import ask
from exporter.alert.declared import defaults
from exporter.alert.evaluate import Failure
from exporter.alert.rule import Group, Rule, Watched
from exporter.alert.shapes import Sample
from exporter.cli.rules_show import condition
from exporter.query.compare import compared
from exporter.query.measures import MEASURES
from exporter.query.period import Period
from exporter.query.views import Views, reading
from exporter.sandbox import Column, Rows, Sandbox, SqlRefused
from tests.exporter.store_tables import NOON, append, opened, spans, table

S = 10**9
MS = 10**6
MINUTE = 60 * S
AT = NOON
"""The slot; the delay is 15 s unless told, so a window of 5 minutes ends at 11:59:45."""
DELAY = 15 * S
END = AT - DELAY


def calls(ends: list[int], took_ns: int = MS, **more: Any) -> Any:
    """Calls of a model that end at these times."""
    given = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "openai",
        "gen_ai_request_model": "gpt",
        "is_counted": True,
        "status_code": "UNSET",
        "cost_nanos": 10_000_000,
        "gen_ai_usage_input_tokens": 100,
        "gen_ai_usage_output_tokens": 10,
    }
    return spans([end - took_ns for end in ends], duration_ns=took_ns, **(given | more))


def counted(times: list[int], value: float, name: str, attribute: str, outcome: str) -> Any:
    """Increments of a counter."""
    return table(
        "metrics_sum",
        times,
        metric_name=name,
        value=value,
        aggregation_temporality="DELTA",
        is_monotonic=True,
        attributes=[[(attribute, outcome)]] * len(times),
        attribute_types="s",
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asked") / "data"
    store = opened(path)
    append(store, calls([END - n * S for n in range(1, 61)], 100 * MS))
    append(store, calls([END - n * S for n in range(1, 5)], 3_000 * MS, gen_ai_request_model="claude", error_type="T"))
    append(store, calls([END], 60 * S))  # ends when the window does, so it is the next one's
    append(store, calls([END - 300 * S], 9_000 * MS, gen_ai_request_model="first"))  # began before, ends at its start
    append(store, calls([END - 301 * S], 9_000 * MS, gen_ai_request_model="before"))
    append(store, spans([END - 2 * S], name="GET /", duration_ns=S))
    append(store, counted([END - 9 * S], 30, "ax.cache.requests", "ax.cache.outcome", "hit"), "metrics_sum")
    append(store, counted([END - 9 * S], 70, "ax.cache.requests", "ax.cache.outcome", "miss"), "metrics_sum")
    append(store, counted([END - 9 * S], 1, "ax.rate_limit.requests", "ax.rate_limit.outcome", "denied"), "metrics_sum")
    append(
        store, counted([END - 9 * S], 3, "ax.rate_limit.requests", "ax.rate_limit.outcome", "allowed"), "metrics_sum"
    )
    gauge = {"metric_name": "queue.depth", "metric_unit": "{item}", "value": [4.0, 6.0, 11.0]}
    append(store, table("metrics_gauge", [END - 40 * S, END - 30 * S, END - 20 * S], **gauge), "metrics_gauge")
    slow = {"metric_name": "lag", "metric_unit": "ms", "value": 1_500.0}
    append(store, table("metrics_gauge", [END - 20 * S], **slow), "metrics_gauge")
    states = {"metric_name": "ax.circuit_breaker.state", "value": [0.0, 2.0, 2.0]}
    named = [[("ax.circuit_breaker.name", name)] for name in ("a", "a", "b")]
    times = [END - 50 * S, END - 10 * S, END - 10 * S]
    append(store, table("metrics_gauge", times, **states, attributes=named, attribute_types="s"), "metrics_gauge")
    turn = {"ax_kind": "voice_turn", "duration_ns": 30 * S, "attribute_types": "ss"}
    for number in (1, 2):
        heard = [[("ax.voice.heard_silence", str(number)), ("ax.voice.call.id", f"call-{number}")]]
        start = END - (100 * number) * S
        append(store, spans([start], trace_id=[f"{number:032x}"], attributes=heard, **turn))
        append(store, calls([start + 2 * S], S, trace_id=[f"{number:032x}"], gen_ai_request_model="voice"))
    store.close()
    return path


@pytest.fixture
def views(data: Path) -> Iterator[Views]:
    with reading(data) as found:
        yield found


def rule(**given: Any) -> Rule:
    return Rule.model_validate({"alert": "A", "threshold": 1} | given)


def watched(*rules: Rule) -> list[Watched]:
    group = Group(name="g", rules=())
    return [Watched(f"g/{number}", one, group, "test") for number, one in enumerate(rules)]


def asked(views: Views, delay_ns: int = DELAY, **given: Any) -> dict[str, float | None] | Failure:
    """What a rule gets: label values, joined by a comma, to its value."""
    (found,) = ask.samples(views, watched(rule(**given)), AT, delay_ns).values()
    if isinstance(found, Failure):
        return found
    return {",".join(text for _, text in sample.labels): sample.value for sample in found}


# ── The window ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_window_is_half_open_and_ends_the_delay_before_the_slot(views: Views) -> None:
    found = asked(views, metric="calls", by="model", window="5m")
    assert found == {"claude": 4, "first": 1, "gpt": 60, "voice": 2}
    later = asked(views, delay_ns=0, metric="calls", by="model", window="5m")
    assert later == {"claude": 4, "gpt": 61, "voice": 2}


def test_hourly_cost_is_of_sixty_minutes_whatever_the_window(views: Views) -> None:
    assert asked(views, metric="hourly_cost", threshold="$1", window="1m") == {"": 68 * 10_000_000}


def test_points_are_of_the_whole_minutes_that_the_window_touches(views: Views) -> None:
    assert asked(views, metric="queue.depth", aggregation="sum", window="1s") == {"": 21.0}
    assert asked(views, metric="queue.depth", aggregation="rate", window="1m") == {"": 21.0 / 105}


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"metric": "p95_latency", "threshold": "2s"}, 3_000 * MS),
        ({"metric": "latency", "aggregation": "p50", "threshold": "2s"}, 100 * MS),
        ({"metric": "latency", "aggregation": "max", "threshold": "2s"}, 3_000 * MS),
        ({"metric": "error_rate", "threshold": "5%"}, 4 / 64),
        ({"metric": "success_rate", "threshold": "5%"}, 60 / 64),
        ({"metric": "cost", "threshold": "$1"}, 64 * 10_000_000),
        ({"metric": "cost", "aggregation": "rate", "threshold": "$1"}, 64 * 10_000_000 / 90),
        ({"metric": "tokens"}, 64 * 110),
        ({"metric": "cache_hit_rate", "threshold": "40%"}, 0.3),
        ({"metric": "cache.hit_rate", "threshold": "40%"}, 0.3),
        ({"metric": "rate_limit_denial_rate", "threshold": "10%"}, 0.25),
        ({"metric": "calls", "of": "spans"}, 66),
        ({"metric": "calls", "filter": 'model = "claude"'}, 4),
        ({"metric": "lag", "aggregation": "last", "threshold": "1s"}, 1_500 * MS),
        ({"metric": "lag", "aggregation": "last"}, 1_500),
        ({"metric": "queue.depth", "aggregation": "avg"}, 7),
        ({"metric": "queue.depth", "aggregation": "max"}, 11),
        ({"metric": "queue.depth", "aggregation": "min"}, 4),
        ({"metric": "queue.depth", "aggregation": "count"}, 3),
        ({"metric": "queue.depth", "aggregation": "p95"}, None),
        ({"view": "llm_calls", "field": "duration_ns", "aggregation": "p95", "threshold": "2s"}, 3_000 * MS),
        ({"view": "llm_calls", "field": "cost_usd", "aggregation": "sum", "threshold": "$1"}, 64 * 10_000_000),
        ({"view": "llm_calls", "field": "failed", "aggregation": "avg", "threshold": "5%"}, 4 / 64),
        ({"view": "llm_calls", "field": "tokens_input", "aggregation": "rate"}, 6_400 / 90),
        ({"view": "llm_calls", "field": "model", "aggregation": "count"}, 64),
        ({"view": "llm_calls", "filter": 'model = "claude" and duration_ns > 1s'}, 4),
    ],
    ids=str,
)
def test_a_figure_in_the_unit_of_its_threshold(views: Views, given: dict[str, Any], value: float | None) -> None:
    found = asked(views, **({"window": "90s"} | given))
    assert found == {"": None if value is None else pytest.approx(value)}


def test_voice_figures_are_of_turns_calls_and_minutes(views: Views) -> None:
    def voice(**given: Any) -> object:
        return asked(views, view="voice_turns", window="5m", **given)

    assert voice(field="heard_silence_ns", aggregation="p95", threshold="800ms") == {"": 2 * S}
    cost = {"field": "cost_usd", "aggregation": "sum", "threshold": "$0.20"}
    assert voice(**cost, per="call_id") == {"": 10_000_000}
    assert voice(**cost, per="duration_ns") == {"": 20_000_000}
    assert voice(**cost, by="call_id") == {"call-1": 10_000_000, "call-2": 10_000_000}


def test_an_attribute_can_tell_groups_apart(views: Views) -> None:
    state = {"view": "metrics_gauge", "field": "value", "aggregation": "last", "by": ["ax.circuit_breaker.name"]}
    assert asked(views, **state, filter='metric_name = "ax.circuit_breaker.state"', window="2m") == {"a": 2, "b": 2}


# ── Nothing there ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"metric": "error_rate", "threshold": "5%"}, None),
        ({"metric": "p95_latency", "threshold": "2s"}, None),
        ({"metric": "calls"}, 0),
        ({"metric": "cost", "threshold": "$1"}, 0),
        ({"metric": "cache_hit_rate", "threshold": "5%"}, None),
        ({"metric": "queue.depth", "aggregation": "avg"}, None),
        ({"metric": "queue.depth", "aggregation": "sum"}, 0),
        ({"view": "tool_calls"}, 0),
        ({"view": "tool_calls", "field": "duration_ns", "aggregation": "avg", "threshold": "1s"}, None),
    ],
    ids=str,
)
def test_a_rule_without_groups_has_a_sample_even_of_nothing(
    views: Views, given: dict[str, Any], value: float | None
) -> None:
    quiet = rule(**given)
    (found,) = ask.samples(views, watched(quiet), AT - 86_400 * S, DELAY).values()
    assert found == (Sample((), value, 0),)


def test_a_rule_with_groups_has_none_where_there_is_nothing(views: Views) -> None:
    assert asked(views, metric="error_rate", threshold="5%", by="model", filter='model = "nobody\'s"') == {}


def test_a_ratio_of_nothing_is_none(views: Views) -> None:
    only = rule(metric="cache_hit_rate", threshold="5%", by="service", filter='service = "other"')
    assert ask.samples(views, watched(only), AT, DELAY) == {"g/0": ()}


def test_records_behind_a_value_are_counted(views: Views) -> None:
    def records(**given: Any) -> list[int | None]:
        (found,) = ask.samples(views, watched(rule(window="90s", **given)), AT, DELAY).values()
        assert not isinstance(found, Failure)
        return [sample.records for sample in found]

    assert records(metric="error_rate", threshold="5%", by="model") == [4, 60]
    assert records(metric="cache_hit_rate", threshold="5%") == [100]
    assert records(metric="queue.depth", aggregation="avg") == [3]
    assert records(view="llm_calls") == [64]


# ── Sharing, failing ──────────────────────────────────────────────────────────────────────────────────────────────


def test_people_who_ask_for_an_outcome_get_what_rules_get(views: Views) -> None:
    period = Period(END - 5 * MINUTE, END)
    (hits,) = compared(views, period, MEASURES["cache_hit_rate"]).rows
    (denials,) = compared(views, period, MEASURES["rate_limit_denial_rate"], where='service = "shop"').rows
    assert (hits.value, denials.value) == (0.3, 0.25)


def test_rules_that_ask_the_same_share_one_question(views: Views) -> None:
    same = [
        rule(metric="p95_latency", threshold="2s", by="model"),
        rule(metric="error_rate", threshold="5%", by="model", severity="critical"),
        rule(metric="cost", threshold="$5", by="model"),
    ]
    assert len({ask.question(one) for one in same}) == 1
    other = [rule(metric="p95_latency", threshold="2s", by="model", window="1m"), rule(metric="calls", of="spans")]
    assert len({ask.question(one) for one in [*same, *other]}) == 3
    answers = ask.samples(views, watched(*same, *other), AT, DELAY)
    assert all(not isinstance(one, Failure) for one in answers.values())


def test_a_question_that_fails_is_its_rules_alone(views: Views) -> None:
    mixed = [
        rule(metric="queue.depth", aggregation="avg", threshold="2s"),
        rule(metric="calls"),
        rule(sql="select 1 as value"),
    ]

    def refuses(data: Path, sql: str) -> Rows:
        raise SqlRefused("timeout", f"{sql} of {data.name} took too long")

    wrong, right, slow = ask.samples(views, watched(*mixed), AT, DELAY, run_sql=refuses).values()
    assert isinstance(wrong, Failure)
    assert "queue.depth is measured in {item}, and the threshold is not" in wrong.message
    assert right == (Sample((), 67, 67),)
    assert slow == Failure("select 1 as value of data took too long")


# ── SQL ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def answering(columns: list[str], *rows: tuple[Any, ...]) -> ask.RunSql:
    return lambda *_: Rows(tuple(Column(name, "") for name in columns), rows, truncated=False, elapsed_ns=0)


def test_rows_of_sql_are_instances_labelled_by_their_other_columns(views: Views) -> None:
    def run(given: Rule, sql: ask.RunSql) -> object:
        (found,) = ask.samples(views, watched(given), AT, DELAY, run_sql=sql).values()
        return found.message if isinstance(found, Failure) else [(one.labels, one.value) for one in found]

    two = answering(["user", "value", "n"], ("u1", 1.5, 3), (None, None, 4))
    any_rule = rule(sql="select …")
    assert run(any_rule, two) == [((("n", "3"), ("user", "u1")), 1.5), ((("n", "4"), ("user", "")), None)]
    assert run(rule(sql="select …", by=["user"]), two) == [((("user", "u1"),), 1.5), ((("user", ""),), None)]
    assert "no column `value`" in str(run(any_rule, answering(["v"], (1,))))
    assert "no column team" in str(run(rule(sql="select …", by=["team"]), two))
    assert "'much' is no number" in str(run(any_rule, answering(["value"], ("much",))))


def test_sql_is_told_its_window(views: Views) -> None:
    said: list[str] = []

    def run(data: Path, sql: str) -> Rows:
        said.append(sql)
        return answering(["value"], (1,))(data, sql)

    text = "select count(*) as value from spans where end_time >= $window_start and end_time < $window_end"
    ask.samples(views, watched(rule(sql=text, window="5m")), AT, DELAY, run_sql=run)
    start, end = "TIMESTAMPTZ '2026-11-10T11:54:45+00:00'", "TIMESTAMPTZ '2026-11-10T11:59:45+00:00'"
    assert said == [f"select count(*) as value from spans where end_time >= {start} and end_time < {end}"]


def test_sql_runs_in_the_sandbox(views: Views) -> None:
    text = """
        select model, count(*) as value from llm_calls
        where end_time >= $window_start and end_time < $window_end and model in ('gpt', 'claude') group by model
    """
    rules = watched(rule(sql=text, window="5m"), rule(sql="select 1 as value; drop view spans"))
    with closing(Sandbox()) as sandbox:
        found, refused = ask.samples(views, rules, AT, DELAY, run_sql=sandbox.run).values()
    assert not isinstance(found, Failure)
    assert sorted(found, key=lambda one: one.labels) == [
        Sample((("model", "claude"),), 4.0),
        Sample((("model", "gpt"),), 60.0),
    ]
    assert isinstance(refused, Failure)


# ── The rules that come with us ───────────────────────────────────────────────────────────────────────────────────


def test_the_default_rules_are_those_that_were_promised(views: Views) -> None:
    asks = {one.id: (condition(one.rule).partition(" by ")[0], one.rule.worst) for one in defaults()}
    assert asks == {
        "defaults/SlowCalls": ("p95_latency > 2 s over 5 min", "warning"),
        "defaults-critical/FailingCalls": ("error_rate > 5 % over 1 min", "critical"),
        "defaults/ColdCache": ("cache_hit_rate < 40 % over 10 min", "warning"),
        "defaults/CostlyHour": ("hourly_cost > $10.00 over 1 h", "warning"),
        "defaults/RateLimited": ("rate_limit_denial_rate > 10 % over 5 min", "warning"),
        "voice/SlowTurns": ("p95(voice_turns.heard_silence_ns) > 800 ms over 5 min", "warning"),
        "voice/CostlyCalls": ("sum(voice_turns.cost_usd) per call_id > $0.20 over 15 min", "warning"),
        "voice/CostlyMinutes": ("sum(voice_turns.cost_usd) per minute of duration_ns > $0.20 over 15 min", "warning"),
        "voice/BreakerOpen": ("last(metrics_gauge.value) >= 2 over 2 min", "error"),
        "voice/WorkerMemory": ("last(metrics_gauge.value) > 80 % over 2 min", "warning"),
        "voice/ProviderDown": ("last(metrics_gauge.value) == 0 over 2 min", "critical"),
    }
    waits = {one.rule.alert: one.rule.hold for one in defaults() if one.rule.hold}
    assert waits == {"BreakerOpen": 5 * MINUTE, "ProviderDown": 2 * MINUTE}
    answers = ask.samples(views, defaults(), AT, DELAY)
    assert {name for name, one in answers.items() if isinstance(one, Failure)} == set()


def test_the_voice_pack_waits_for_voice(views: Views) -> None:
    (voice,) = {one.group.once_seen for one in defaults() if one.group.name == "voice"}
    assert voice == "voice_turns"
    assert ask.seen(views, voice, AT)
    assert not ask.seen(views, voice, AT - 2 * 86_400 * S)
