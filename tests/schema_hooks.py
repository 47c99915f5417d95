"""What schemathesis is told of our API beyond its OpenAPI: `SCHEMATHESIS_HOOKS=tests.schema_hooks`.

In: a failure of a check. Out: whether it is one.
"""

from typing import Any, Final

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

LANGUAGES: Final = frozenset(
    {
        *("range", "start", "end", "step"),  # times, of which some exclude others
        *("filter", "fields", "by", "measure", "cursor"),  # names that depend on what is asked, and marks of ours
        *("aggregation", "zone"),  # of stored metrics alone; names of places
        *("rule", "budget", "matchers", "for"),  # what files in rules/ hold too
        *("trace", "span", "run"),  # the beginning of an id, which several have
        *("statement", "failed", "timeout", "memory"),  # SQL
    }
)
"""Fields and reasons where no schema can say what is wrong: a grammar of their own, or one depends on another."""
_REFUSED: Final = frozenset({400, 422})
_WEBSOCKET: Final = 426


@schemathesis.hook
def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """Drops what no schema can say, where the answer names the field and the mend."""
    del context, case
    if not isinstance(failure, RejectedPositiveData) or response.status_code == _WEBSOCKET:
        return not isinstance(failure, RejectedPositiveData)
    if response.status_code not in _REFUSED:
        return True
    problem = response.json()
    return not (problem.get("mend") and _named(problem) in LANGUAGES)


def _named(problem: dict[str, Any]) -> str:
    return str(problem.get("field") or problem.get("reason")).partition(".")[0]
