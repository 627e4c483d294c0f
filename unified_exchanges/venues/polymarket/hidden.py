"""Texts that are sent and never shown."""

from __future__ import annotations

__all__ = ["Hidden"]


class Hidden(str):
    """A text that holds a secret: it is sent, and never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<a text with a secret>"
