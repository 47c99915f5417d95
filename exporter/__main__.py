"""The command `ax`, also `python -m exporter`."""

import sys
from typing import NoReturn

_OURS = frozenset({"exporter", "otel_ax"})


def main() -> NoReturn:
    """Runs `ax`; without the extra `collector` it says how to install it."""
    try:
        from exporter.cli import run  # noqa: PLC0415 (its packages may be missing)

        code = run(sys.argv[1:])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _OURS:
            raise
        sys.stderr.write(f"ax: the package {error.name} is missing; pip install 'otel-ax[collector]'\n")
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
