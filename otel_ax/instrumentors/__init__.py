"""`instrument("openai", …)`: the published instrumentors, one for each library.

In: names of libraries, or `auto=True` for those that are installed. Out: their instrumentors are on, budgets are asked
before their calls, and one line of log tells what is missing, with the pip command.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any, Final

from otel_ax.guard import guarded, guarding
from otel_ax.instrumentors import gates
from otel_ax.instrumentors.table import LIBRARIES, Library

__all__ = ["instrument"]

_GROUP: Final = "opentelemetry_instrumentor"
_DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_log: Final = logging.getLogger("otel_ax")
_told: Final[set[str]] = set()


def instrument(*libraries: str, auto: bool = False) -> tuple[str, ...]:
    """Makes libraries tell of themselves; the names of those that do now. Never raises, and once is as good as twice.

    Two instrumentors on one library would count its tokens twice: where one is on that is not the table's, it stays and
    ours is left off; where both are on (`opentelemetry-instrument` switches on all there are), the other goes off.

    Args:
        libraries: `"openai"`, `"anthropic"`, `"langchain"` and others of `table.LIBRARIES`, or any name that an
            installed instrumentor of OpenTelemetry has: `"httpx"`, `"fastapi"`.
        auto: Also those of the table whose library and instrumentor are installed, but for those in
            OTEL_PYTHON_DISABLED_INSTRUMENTATIONS.
    """
    wanted = list(dict.fromkeys([*libraries, *(_installed() if auto else ())]))
    on = tuple(name for name in wanted if _switched_on(name))
    missing = [name for name in wanted if name not in on]
    if missing:
        _tell_missing(missing)
    return on


def _installed() -> Iterator[str]:
    """Libraries of the table that are there and not to be left alone."""
    left_alone = {_plain(name) for name in os.environ.get(_DISABLED, "").split(",")}
    if "*" in os.environ.get(_DISABLED, ""):
        return
    for name, library in LIBRARIES.items():
        if _is_installed(library.package) and not left_alone.intersection(library.names):
            yield name


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


@guarded
def _switched_on(name: str) -> bool:
    library = LIBRARIES.get(name)
    candidates = _candidates(name, library)
    on = [candidate for candidate in candidates if _is_on(candidate)]
    if not on:
        keep = next((candidate for candidate in candidates if _switch_on(candidate)), None)
    elif len(on) == 1:
        keep = on[0]
        if library and keep.value != library.instrumentor and candidates[0].value == library.instrumentor:
            _tell_once(f"{name} is instrumented by {keep.value}; {library.instrumentor} is left off: tokens count once")
    else:
        keep = _only_first(name, on, library.calls if library else ())
    if keep is not None and library is not None:
        _see_to(library, keep)
    return keep is not None


def _only_first(name: str, on: Sequence[EntryPoint], calls: Sequence[tuple[str, str]]) -> EntryPoint | None:
    """All go off, since each takes off the outermost wrapper, which may be another's; then one goes on again."""
    for candidate in on:
        with guarding(f"switching off {candidate.value}"):
            _instrumentor(candidate).uninstrument()
    gates.peel(calls, [candidate.module for candidate in on])
    for other in on[1:]:
        _tell_once(f"{name} had two instrumentors; {other.value} is off now: tokens count once")
    return on[0] if _switch_on(on[0]) else None


def _see_to(library: Library, keep: EntryPoint) -> None:
    """Budgets are asked before its calls, by wrappers that go off before the instrumentor; the library itself rests."""
    if library.calls:
        gates.wrap(library.calls, library.provider)
        instrumentor = _instrumentor(keep)
        if "uninstrument" not in vars(instrumentor):
            instrumentor.uninstrument = partial(_uninstrument, library, instrumentor.uninstrument)
    if library.own:
        os.environ.setdefault(*library.own)


def _uninstrument(library: Library, uninstrument: Callable[..., Any], **options: Any) -> Any:
    gates.unwrap(library.calls)
    return uninstrument(**options)


def _candidates(name: str, library: Library | None) -> list[EntryPoint]:
    """Installed instrumentors of a library, the table's first."""
    names = library.names if library else (_plain(name),)
    ours = library.instrumentor if library else None
    found = {point.value: point for point in entry_points(group=_GROUP) if _plain(point.name) in names}
    return sorted(found.values(), key=lambda point: point.value != ours)


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def _is_on(candidate: EntryPoint) -> bool:
    """Whether an instrumentor is on. What was not imported is not; and none is made by asking."""
    kind = getattr(sys.modules.get(candidate.module), candidate.attr, None)
    return bool(getattr(getattr(kind, "_instance", None), "_is_instrumented_by_opentelemetry", False))


def _switch_on(candidate: EntryPoint) -> bool:
    """Whether it could be switched on. It logs itself if the library's version is not one of its."""
    with guarding(f"switching on {candidate.value}"):
        _instrumentor(candidate).instrument()
    return _is_on(candidate)


def _instrumentor(candidate: EntryPoint) -> Any:
    kind = candidate.load()
    return getattr(kind, "_instance", None) or kind()


def _tell_missing(names: Iterable[str]) -> None:
    known = [name for name in names if name in LIBRARIES]
    packages = [
        LIBRARIES[name].distribution
        if _is_installed(LIBRARIES[name].package)
        else f"{LIBRARIES[name].package} {LIBRARIES[name].distribution}"
        for name in known
    ]
    if packages:
        _tell_once(f"not instrumented: {', '.join(known)}; pip install {' '.join(packages)}")
    for name in names:
        if name not in LIBRARIES:
            _tell_once(
                f"nothing that is installed instruments {name!r}; "
                f"pip install opentelemetry-instrumentation-{name}, or write one of: {', '.join(LIBRARIES)}"
            )


def _tell_once(what: str) -> None:
    if what not in _told:
        _told.add(what)
        _log.warning("otel_ax: %s", what)
