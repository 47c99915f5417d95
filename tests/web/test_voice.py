"""Voice: silence and its parts are those of the store, a turn opens into its time line, and new ones are seen."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.running import ENVIRON, Server, until
from tests.web.browsing import Faults
from tests.web.test_runs import items, plain_ns, stat, table

LATE_MS: Final = 10_000
"""The page asks again by itself after 30 s: what is seen sooner was told."""
_PROGRAM: Final = """
import sys, time
import otel_ax
otel_ax.configure(service_name="hotline", endpoint=sys.argv[1], schedule_delay_s=0.05)
with otel_ax.voice_call(), otel_ax.voice_turn() as turn:
    with turn.stt("deepgram", "nova-3"):
        turn.user_stopped(ago_s=0.1)
    with turn.tts("cartesia", "sonic-3") as said:
        time.sleep(0.1)
        said.first_byte()
        turn.first_audio()
    turn.interrupted()
"""
_WATCH: Final = """
() => {
    const first = () => document.querySelector("[aria-label=Turns] tbody time")?.dateTime;
    const before = first();
    new MutationObserver(() => {
        if (!window.seenMs && first() !== before) window.seenMs = Date.now();
    }).observe(document.body, {childList: true, subtree: true, characterData: true, attributes: true});
}
"""


def test_figures_are_those_of_the_store(page: Page, server: Server) -> None:
    page.goto("/voice?range=1d")
    ((turns, p50, p95, interrupted, stt),) = server.sql("""
        SELECT count(*), quantile_disc(heard_silence_ns, 0.5), quantile_disc(heard_silence_ns, 0.95),
            count(*) FILTER (interrupted), quantile_disc(stt_latency_ns, 0.95)
        FROM voice_turns""")
    assert stat(page, "Voice turns") == str(turns)
    assert plain_ns(stat(page, "Heard silence, p50")) == pytest.approx(p50, rel=0.01)
    assert plain_ns(stat(page, "Heard silence, p95")) == pytest.approx(p95, rel=0.01)
    assert float(stat(page, "Interrupted").removesuffix(" %")) == pytest.approx(100 * interrupted / turns, rel=0.01)
    cells = table(page, "Latency by component").filter(has_text="Speech to text").get_by_role("cell")
    assert plain_ns(cells.nth(2).inner_text()) == pytest.approx(stt, rel=0.01)


def test_with_a_filter_all_figures_are_of_those_turns(page: Page, server: Server) -> None:
    page.goto("/voice?range=1d&filter=silence%20%3E%201s")
    ((turns, p95),) = server.sql(
        "SELECT count(*), quantile_disc(heard_silence_ns, 0.95) FROM voice_turns WHERE heard_silence_ns > 1e9"
    )
    assert stat(page, "Voice turns") == str(turns)
    assert plain_ns(stat(page, "Heard silence, p95")) == pytest.approx(p95, rel=0.01)


def test_bars_are_as_high_as_the_silence(page: Page, server: Server) -> None:
    page.goto("/voice?range=1d")
    turns = {one["span_id"]: one for one in items(server, "/api/voice-turns", limit=200)}
    expect(page.locator("[data-turn]").first).to_be_visible()
    heights = page.locator("[data-turn]").evaluate_all("""
        bars => bars.map(bar => [bar.dataset.turn, [...bar.children].reduce((sum, part) => sum + part.offsetHeight, 0)])
    """)
    known = [(height, silence) for span, height in heights if (silence := turns[span]["heard_silence_ns"])]
    scale = max(height for height, _ in known) / max(silence for _, silence in known)
    assert [height for height, _ in known] == pytest.approx([silence * scale for _, silence in known], abs=4)


def test_a_turn_opens_by_keys_and_tells_where_its_silence_went(page: Page, server: Server) -> None:
    turn = items(server, "/api/voice-turns", filter="silence > 0s", limit=1)[0]
    page.goto("/voice?range=1d&filter=silence%20%3E%200s")
    expect(table(page, "Turns").first).to_be_visible()
    page.keyboard.press("j")
    expect(table(page, "Turns").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"turn={turn['span_id']}"))
    opened = page.get_by_role("dialog")
    for part, column in (("Speech to text", "stt_latency_ns"), ("LLM, first token", "llm_time_to_first_token_ns")):
        shown = opened.locator("span").filter(has_text=re.compile(f"^{part}")).first
        if turn[column] is None:  # it was interrupted before
            expect(shown).to_contain_text("–")
        else:
            assert plain_ns(shown.inner_text()) == pytest.approx(turn[column], rel=0.01)
    spans = server.sql(
        "SELECT name, duration_ns FROM spans WHERE parent_span_id = ? ORDER BY start_time", turn["span_id"]
    )
    for name, duration_ns in spans:
        lane = opened.get_by_role("listitem").filter(has_text=name).first
        assert plain_ns(lane.locator("> span").last.inner_text().split(",")[0]) == pytest.approx(duration_ns, rel=0.01)
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(page).not_to_have_url(re.compile("turn="))


def test_a_link_to_a_turn_opens_it_whatever_the_time(page: Page, server: Server) -> None:
    turn = items(server, "/api/voice-turns", limit=1)[0]
    page.goto(f"/voice?turn={turn['span_id']}&start=2001-01-01T00:00:00Z&end=2001-01-02T00:00:00Z")
    expect(page.get_by_role("dialog")).to_contain_text(turn["call_id"])


def test_a_turn_is_seen_as_soon_as_it_is_over(page: Page, server: Server) -> None:
    page.goto("/voice")
    expect(page.get_by_role("region", name="Turns").or_(page.get_by_text("No voice turn"))).to_be_visible()
    page.evaluate(_WATCH)
    subprocess.run([sys.executable, "-c", _PROGRAM, server.http], env=ENVIRON, check=True, timeout=60)
    stored = "SELECT epoch_ms(ingest_time) FROM voice_turns WHERE service_name = 'hotline'"
    until(lambda: bool(server.sql(stored)), "the turn is stored")
    expect(table(page, "Turns").first).to_contain_text("interrupted")
    late_ms = page.evaluate("window.seenMs") - server.sql(stored)[0][0]
    assert late_ms < LATE_MS, "it was seen late, as if the page had asked by itself"


def test_the_threshold_is_that_of_the_rule(page: Page) -> None:
    page.goto("/voice?range=1d")
    expect(page.get_by_text("threshold 800 ms").first).to_be_visible()
    expect(table(page, "Thresholds").filter(has_text="800ms")).to_have_count(1)


def test_a_filter_that_cannot_be_read_says_how_to_mend_it(page: Page, faults: Faults) -> None:
    faults.forgive("400")
    page.goto("/voice?filter=bogus%20%3D%201")
    expect(page.get_by_text("voice turns have no field 'bogus'")).to_be_visible()


def test_an_empty_time_tells_how_to_begin(page: Page) -> None:
    page.goto("/voice?start=2001-01-01T00:00:00Z&end=2001-01-02T00:00:00Z")
    expect(page.get_by_text("ax connect pipecat")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_visible()


def test_it_fits_and_axe_finds_nothing(page: Page, server: Server, examine: Callable[[Page, str], None]) -> None:
    page.goto("/voice?range=1d")
    expect(table(page, "Turns").first).to_be_visible()
    expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
    examine(page, "voice")
    turn = items(server, "/api/voice-turns", filter="silence > 0s", limit=1)[0]
    page.goto(f"/voice?range=1d&turn={turn['span_id']}")
    expect(page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()
    examine(page, "voice-turn")
