"""OpenAI's chat completions and embeddings, as far as its client reads them. In: a request. Out: the answer.

Source: platform.openai.com/docs/api-reference/chat.
"""

import json
from typing import Any, Final

TEXT: Final = ("It is ", "12 °C ", "in Oslo.")
ARGUMENTS: Final = {"city": "Oslo"}
USAGE: Final = {
    "prompt_tokens": 1_200,
    "completion_tokens": 300,
    "total_tokens": 1_500,
    "prompt_tokens_details": {"cached_tokens": 200},
    "completion_tokens_details": {"reasoning_tokens": 64},
}
"""Cached tokens are among the prompt's, reasoning among the completion's."""


def answer(request: dict[str, Any]) -> dict[str, Any] | list[tuple[str | None, dict[str, Any] | str]]:
    """A completion, or the events of its stream."""
    message, reason = _message(request)
    if not request.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
        return {**_head(request, "chat.completion"), "choices": [choice], "usage": USAGE}
    pieces: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if message["content"] is None:
        pieces += [{"tool_calls": [{"index": 0, **call}]} for call in message["tool_calls"]]
    else:
        pieces += [{"content": text} for text in TEXT]
    head = _head(request, "chat.completion.chunk")
    chunks = [{**head, "choices": [{"index": 0, "delta": piece, "finish_reason": None}]} for piece in pieces]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if (request.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": USAGE})
    return [*((None, chunk) for chunk in chunks), (None, "[DONE]")]


def _message(request: dict[str, Any]) -> tuple[dict[str, Any], str]:
    answered = any(message["role"] == "tool" for message in request["messages"])
    if not request.get("tools") or answered:
        return {"role": "assistant", "content": "".join(TEXT), "refusal": None}, "stop"
    function = {"name": request["tools"][0]["function"]["name"], "arguments": json.dumps(ARGUMENTS)}
    call = {"id": "call_1", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}, "tool_calls"


def _head(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_767_225_600, "model": request["model"]}


def embed(request: dict[str, Any]) -> dict[str, Any]:
    """One vector."""
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return {"object": "list", "data": [vector], "model": request["model"], "usage": usage}


def error(status: int) -> dict[str, Any]:
    """The body of an error."""
    kind = "rate_limit_exceeded" if status == 429 else "server_error"
    return {"error": {"message": f"ordered {status}", "type": kind, "param": None, "code": kind}}
