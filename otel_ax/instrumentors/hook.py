"""What `opentelemetry-instrument python app.py` and `ax run -- python app.py` call when all else is set up.

In: providers and instrumentors, by whichever distribution or by OTEL_CONFIG_FILE. Out: our processors and readers
beside what is there. Entry point of the group `opentelemetry_post_instrument`: that command is the wish to be
instrumented; a plain `python app.py` calls nothing. AX_DISABLED=true leaves us out.
"""

import os

from otel_ax.guard import guarded

__all__ = ["post_instrument"]


@guarded
def post_instrument() -> None:
    """`configure(auto=True)`: adds to the providers, and sees to it that each library has one instrumentor."""
    from otel_ax import logs, settings  # noqa: PLC0415 (load the SDK)
    from otel_ax.configure import configure  # noqa: PLC0415

    if not settings.read(os.environ).disabled:
        logs.bridge()  # first, so that what the SDK logs while we take our place is not sent
        configure(auto=True)
