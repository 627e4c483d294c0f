"""The `unified-exchanges` command; it needs the extra ``[cli]``."""

from __future__ import annotations

import sys

__all__ = ["main"]

_EXTRA = {"typer", "click", "rich"}


def main() -> None:
    """Run the command with the arguments of this process, and exit."""
    try:
        from .app import app  # noqa: PLC0415 - a missing extra gets a message
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(
            f"The command line needs {error.name}, which is not installed. Install "
            'it with:\n\n    python -m pip install "unified_exchanges[cli]"\n'
        )
        raise SystemExit(2) from None
    app()
