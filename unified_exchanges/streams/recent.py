"""What was told lately, so that it is told once."""

from __future__ import annotations

__all__ = ["Recent"]


class Recent:
    """Remembers between ``size`` and twice as many keys, the last ones."""

    __slots__ = ("_new", "_old", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._new: set[str] = set()
        self._old: set[str] = set()

    def is_new(self, key: str) -> bool:
        """Whether a key was not told lately; from now on it was."""
        if key in self._new or key in self._old:
            return False
        self._new.add(key)
        if len(self._new) >= self._size:
            self._old, self._new = self._new, set()
        return True
