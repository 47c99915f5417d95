"""Anthropic's messages, as far as its client reads them. In: a request. Out: the answer.

Source: docs.anthropic.com/en/api/messages and /messages-streaming.
"""

import json
from typing import Any, Final

from tests.sdk.standin.openai_api import ARGUMENTS, TEXT

USAGE: Final = {
    "input_tokens": 900,
    "cache_read_input_tokens": 200,
    "cache_creation_input_tokens": 100,
    "output_tokens": 300,
}
"""Cached tokens are beside the others: 1,200 went in."""


def answer(request: dict[str, Any]) -> dict[str, Any] | list[tuple[str | None, dict[str, Any] | str]]:
    """A message, or the events of its stream."""
    block, reason = _block(request)
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "stop_sequence": None}
    if not request.get("stream"):
        return {**head, "content": [block], "stop_reason": reason, "usage": USAGE}
    begun = {**head, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}
    if block["type"] == "text":
        opened, pieces = {"type": "text", "text": ""}, [{"type": "text_delta", "text": text} for text in TEXT]
    else:
        opened = {**block, "input": {}}
        pieces = [{"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}]
    return [
        ("message_start", {"type": "message_start", "message": begun}),
        ("content_block_start", {"type": "content_block_start", "index": 0, "content_block": opened}),
        *(("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": piece}) for piece in pieces),
        ("content_block_stop", {"type": "content_block_stop", "index": 0}),
        (
            "message_delta",
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": USAGE["output_tokens"]},
            },
        ),
        ("message_stop", {"type": "message_stop"}),
    ]


def _block(request: dict[str, Any]) -> tuple[dict[str, Any], str]:
    said = [
        part for message in request["messages"] if isinstance(message["content"], list) for part in message["content"]
    ]
    answered = any(part.get("type") == "tool_result" for part in said)
    if not request.get("tools") or answered:
        return {"type": "text", "text": "".join(TEXT)}, "end_turn"
    name = request["tools"][0]["name"]
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": ARGUMENTS}, "tool_use"


def error(status: int) -> dict[str, Any]:
    """The body of an error."""
    kind = "rate_limit_error" if status == 429 else "api_error"
    return {"type": "error", "error": {"type": kind, "message": f"ordered {status}"}}
