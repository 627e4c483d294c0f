"""``python -m unified_exchanges``, for when the command is not on the path."""

from __future__ import annotations

from .cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
