"""Another house's instrumentor of `openai`, as Traceloop's and OpenInference's are: it makes spans of its own.

In: `installed(folder)`, a folder for the import path. Out: a distribution in it that registers under the name `openai`.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from wrapt import wrap_function_wrapper

VALUE: Final = "tests.sdk.rivals:RivalInstrumentor"


class RivalInstrumentor(BaseInstrumentor):
    """Tells chat completions in the words of OpenLLMetry."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("openai >= 1",)

    def _instrument(self, **_: Any) -> None:
        wrap_function_wrapper("openai.resources.chat.completions", "Completions.create", _told)

    def _uninstrument(self, **_: Any) -> None:
        unwrap("openai.resources.chat.completions.Completions", "create")


class StayingInstrumentor(BaseInstrumentor):
    """Leaves its wrappers where they are when it goes off, as Traceloop's does."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("openai >= 1",)

    def _instrument(self, **_: Any) -> None:
        wrap_function_wrapper("openai.resources.chat.completions", "Completions.create", _told)

    def _uninstrument(self, **_: Any) -> None:
        unwrap("openai.resources.chat.completions", "Completions.create")


def _told(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
    with trace.get_tracer("rival").start_as_current_span("openai.chat") as span:
        answer = wrapped(*args, **kwargs)
        span.set_attributes(
            {
                "llm.request.type": "chat",
                "gen_ai.system": "OpenAI",
                "gen_ai.request.model": kwargs["model"],
                "gen_ai.usage.prompt_tokens": answer.usage.prompt_tokens,
                "gen_ai.usage.completion_tokens": answer.usage.completion_tokens,
            }
        )
    return answer


class BrokenInstrumentor(BaseInstrumentor):
    """Raises when it is switched on."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def _instrument(self, **_: Any) -> None:
        raise RuntimeError("cannot patch")

    def _uninstrument(self, **_: Any) -> None:
        pass


def installed(folder: Path, distribution: str, entry_points: dict[str, dict[str, str]]) -> Path:
    """A distribution of that name and with these entry points, by group, in `folder`; the folder."""
    info = folder / f"{distribution.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1.0\n")
    groups = [
        [f"[{group}]", *(f"{name} = {value}" for name, value in named.items())] for group, named in entry_points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(line for group in groups for line in [*group, ""]))
    return folder
