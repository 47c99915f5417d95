"""The fixture that users get with the installed package, also where it is not installed."""

from otel_ax.pytest_plugin import otel_ax_recorder

__all__ = ["otel_ax_recorder"]
