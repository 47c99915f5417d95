"""Prompts and completions as messages: read only where the user has switched their recording on.

In: what a decorated function was given, or what `prompt(...)` and `completion(...)` were told. Out: messages of the
conventions: a text, a list of texts or of `{"role": ..., "content": ...}`, as the popular clients take them.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from otel_ax.adapter import InputMessage, OutputMessage, TextPart

__all__ = ["arguments_of", "inputs", "outputs", "prompt_among"]

_NAMES: Final = ("messages", "input", "prompt", "contents", "question", "query", "text")
"""What parameters that hold a prompt are called, the surest first."""


def inputs(prompt: Any) -> list[InputMessage]:
    """The messages of a prompt."""
    return [InputMessage(role=role, parts=[TextPart(text)]) for role, text in _messages(prompt, "user")]


def outputs(completion: Any) -> list[OutputMessage]:
    """The messages of a completion."""
    return [OutputMessage(role=role, parts=[TextPart(text)]) for role, text in _messages(completion, "assistant")]


def prompt_among(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What of a call's arguments is the prompt, or None: by its name, else the first text or list of messages."""
    for name in _NAMES:
        if name in kwargs:
            return kwargs[name]
    for value in args:
        if isinstance(value, str) or (isinstance(value, list) and value and isinstance(value[0], Mapping)):
            return value
    return None


def arguments_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """A call's arguments by name, without `self` and `cls`."""
    bound = inspect.signature(function).bind_partial(*args, **kwargs).arguments
    return {name: value for name, value in bound.items() if name not in {"self", "cls"}}


def _messages(told: Any, role: str) -> Iterator[tuple[str, str]]:
    for message in told if isinstance(told, list | tuple) else (told,):
        if isinstance(message, Mapping):
            yield str(message.get("role", role)), "".join(_texts(message.get("content")))
        elif message is not None:
            yield role, str(message)


def _texts(content: Any) -> Iterator[str]:
    for part in content if isinstance(content, list | tuple) else (content,):
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            text = part.get("text") or part.get("content")
            if isinstance(text, str):
                yield text
