"""A stand-in for the HTTP APIs of OpenAI and Anthropic, in the standard library alone: the same answer every time.

In: a port; a request's first user message, whose first word says the case (`cached`, `streamed`, `weather` …). Out:
answers whose tokens are written here and nowhere else, so that what a recording must show is worked out by hand.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

DATED: Final = {
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}
"""The model that answers, by the one that was asked for."""
CREATED: Final = 1_795_262_400
CHUNK_S: Final = 0.02
"""Time to the first chunk of a stream, and between two."""
HEARD: Final = "Streamed, please."
"""What any recording says when it is transcribed."""
SPOKEN: Final = bytes(24_000)
"""What any text sounds like: half a second of silence, 16 bits at 24 kHz."""
CITY: Final = '{"city": "Paris"}'


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model says and what it used: `input` without cached tokens, as Anthropic counts; OpenAI's is the sum."""

    text: str
    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    calls_tool: bool = False

    @property
    def words(self) -> list[str]:
        """The text in chunks."""
        return [f"{word} " for word in self.text.split()]


REPLIES: Final = {
    "plain": Reply("Hello there.", input=20, output=5),
    "cached": Reply("As I said before.", input=464, cache_read=1536, output=300, reasoning=192),
    "streamed": Reply("One two three.", input=40, output=12),
    "weather": Reply("", input=60, output=18, calls_tool=True),
    "answered": Reply("It rains in Paris.", input=95, output=14),
    "written": Reply("Kept for later.", input=100, cache_read=2000, cache_write=500, output=50),
    "little": Reply("A little of it was cached.", input=3000, cache_read=2000, output=50),
}
"""By case. Of `written` the cache is more than the rest of the input, of `little` it is less."""
FAILURE: Final = {
    "type": "rate_limit_error",
    "code": "rate_limit_exceeded",
    "message": "Too many requests.",
    "param": None,
}
EMBEDDED: Final = 8
"""Tokens of any text that is embedded."""


def case(messages: list[dict[str, Any]]) -> str:
    """The first word of the first user message; `answered` once a tool's result is there."""
    if any(_is_tool_result(message) for message in messages):
        return "answered"
    content = next(message["content"] for message in messages if message["role"] == "user")
    if isinstance(content, list):
        content = next(part["text"] for part in content if "text" in part)
    return content.split()[0].strip(",.:").lower()


def _is_tool_result(message: dict[str, Any]) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return message["role"] == "tool" or any(part.get("type") == "tool_result" for part in parts)


# ── OpenAI ────────────────────────────────────────────────────────────────────────────────────────────────────────


def openai_usage(reply: Reply) -> dict[str, Any]:
    """Usage as OpenAI says it: cached tokens are part of the prompt, reasoning tokens part of the completion."""
    prompt = reply.input + reply.cache_read + reply.cache_write
    return {
        "prompt_tokens": prompt,
        "completion_tokens": reply.output,
        "total_tokens": prompt + reply.output,
        "prompt_tokens_details": {"cached_tokens": reply.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning, "audio_tokens": 0},
    }


def openai_chat(asked: dict[str, Any], reply: Reply, name: str) -> dict[str, Any]:
    """A whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.calls_tool:
        function = {"name": "get_weather", "arguments": CITY}
        message["tool_calls"] = [{"id": "call_paris", "type": "function", "function": function}]
    finish = "tool_calls" if reply.calls_tool else "stop"
    return {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": CREATED,
        "model": DATED[asked["model"]],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": openai_usage(reply),
        "service_tier": "default",
        "system_fingerprint": "fp_stand_in",
    }


def openai_chunks(asked: dict[str, Any], reply: Reply, name: str) -> Iterator[str]:
    """The same as server-sent events; usage comes last, and only where it was asked for."""
    whole = openai_chat(asked, reply, name)
    head = {key: whole[key] for key in ("id", "created", "model", "service_tier", "system_fingerprint")}
    head |= {"object": "chat.completion.chunk", "usage": None}
    tools = whole["choices"][0]["message"].get("tool_calls", ())
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": ""},
        *({"content": word} for word in reply.words),
        *({"tool_calls": [{"index": 0, **tool}]} for tool in tools),
    ]
    for delta in deltas:
        yield _event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]}]})
    if asked.get("stream_options", {}).get("include_usage"):
        yield _event(head | {"choices": [], "usage": whole["usage"]})
    yield "data: [DONE]\n\n"


def openai_embeddings(asked: dict[str, Any]) -> dict[str, Any]:
    """One vector a text."""
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors = [{"object": "embedding", "index": index, "embedding": [0.25, 0.5]} for index in range(len(texts))]
    usage = {"prompt_tokens": EMBEDDED, "total_tokens": EMBEDDED}
    return {"object": "list", "data": vectors, "model": asked["model"], "usage": usage}


# ── Anthropic ─────────────────────────────────────────────────────────────────────────────────────────────────────


def anthropic_message(asked: dict[str, Any], reply: Reply, name: str) -> dict[str, Any]:
    """A whole message: `input_tokens` excludes what was read from the cache or written to it."""
    content: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    if reply.calls_tool:
        content.append({"type": "tool_use", "id": "toolu_paris", "name": "get_weather", "input": json.loads(CITY)})
    return {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "model": DATED[asked["model"]],
        "content": content,
        "stop_reason": "tool_use" if reply.calls_tool else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": reply.input,
            "cache_creation_input_tokens": reply.cache_write,
            "cache_read_input_tokens": reply.cache_read,
            "output_tokens": reply.output,
            "service_tier": "standard",
        },
    }


def anthropic_events(asked: dict[str, Any], reply: Reply, name: str) -> Iterator[str]:
    """The same as server-sent events; the input is told first, the output last."""
    whole = anthropic_message(asked, reply, name)
    begun = whole | {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in reply.words
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
            "usage": whole["usage"],
        },
        {"type": "message_stop"},
    ]
    for event in events:
        yield f"event: {event['type']}\n{_event(event)}"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


# ── The server ────────────────────────────────────────────────────────────────────────────────────────────────────


class StandIn(BaseHTTPRequestHandler):
    """Answers both APIs; a case `failing` is a 429 that says not to try again."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One request."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("/audio/transcriptions"):
            return self._json(200, {"text": HEARD})
        if self.path.endswith("/audio/speech"):
            return self._answer(200, "audio/pcm", SPOKEN)
        asked = json.loads(body)
        if self.path.endswith("/embeddings"):
            return self._json(200, openai_embeddings(asked))
        is_anthropic = self.path.endswith("/messages")
        name = case(asked["messages"])
        if name == "failing":
            return self._json(429, {"type": "error", "error": FAILURE})
        reply = REPLIES[name]
        if asked.get("stream"):
            return self._stream((anthropic_events if is_anthropic else openai_chunks)(asked, reply, name))
        return self._json(200, (anthropic_message if is_anthropic else openai_chat)(asked, reply, name))

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(body).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-should-retry", "false")
        self.send_header("request-id", "req_stand_in")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            time.sleep(CHUNK_S)
            written = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(written), written))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Nothing: a recording is quiet."""


def stand_in(port: int = 0) -> ThreadingHTTPServer:
    """The server, listening on this machine alone; call `serve_forever`."""
    return ThreadingHTTPServer(("127.0.0.1", port), StandIn)
