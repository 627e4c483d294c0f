"""Whether a connection is frozen: it answers pings, and tells nothing any more.

Reported of the market channel (github.com/Polymarket/py-clob-client/issues/292, 2026-03).
Silence alone proves nothing, as a market may be quiet.  What proves it is that REST has
shown a book to be another one and that nothing came although it was asked for since; or
that books which were asked for twice did not come, nor anything else.
"""

from __future__ import annotations

from math import inf
from typing import Final

__all__ = ["Frost"]

_LEAST: Final = 60.0
"""Seconds between two connections that are given up as frozen, if they told something."""
_MOST: Final = 3600.0
"""The same at most, of those that never told anything."""


class Frost:
    """The evidence against one connection after another, and when to give one up.

    ``told`` is how many messages came so far, pongs not counted.
    """

    def __init__(self) -> None:
        self.reason = ""
        """Why the connection is held to be frozen; empty while it is not."""
        self.token = ""
        """The token that was not told of, empty where nothing was told of any."""
        self._told_when_made = self._told_when_found = 0
        self._asked: dict[str, int] = {}
        """How much was told when the book of each token was asked for first in a row."""
        self._may_at = -inf
        """From when on the next one may be given up."""
        self._in_row = 0
        """How many were given up in a row that never told anything."""

    def made(self, told: int) -> None:
        """A new connection."""
        self.reason = ""
        self._told_when_made = told
        self._asked.clear()

    def asked(self, token: str, told: int) -> None:
        """The book of a token was asked for, perhaps once more."""
        self._asked.setdefault(token, told)

    def settled(self, token: str) -> None:
        """Nobody waits for the book of a token any more."""
        self._asked.pop(token, None)

    def is_deaf(self, token: str, told: int) -> bool:
        """Whether nothing at all came since the book of a token was asked for."""
        return self._asked.get(token) == told

    def accuse(self, reason: str, told: int, token: str = "") -> None:
        """Hold the connection to be frozen; of one ``token`` only, where others are told."""
        self.reason, self.token, self._told_when_found = reason, token, told

    def acquit(self) -> None:
        """It has told something after all."""
        self.reason = ""

    def verdict(self, now: float, told: int) -> str:
        """Why the connection is to be given up now; empty if it is not, or not yet.

        One that told something since it was found frozen is not, but for the one token.
        """
        if not self.token and told != self._told_when_found:
            self.acquit()
        if not self.reason or now < self._may_at:
            return ""
        is_mute = self._told_when_found == self._told_when_made
        self._in_row = self._in_row + 1 if is_mute else 0
        self._may_at = now + min(_MOST, _LEAST * 2 ** min(self._in_row, 10))
        return self.reason

    def next_due(self) -> float:
        """When the connection may be given up; infinite if it is good."""
        return self._may_at if self.reason else inf
