"""What a venue makes of a recording: models, by the parsers that read its live stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeAlias

from ..models import Gap, Order, OrderBook, Ticker, Trade
from ..tap import Direction

__all__ = ["Heard", "Overheard"]

Heard: TypeAlias = OrderBook | Trade | Ticker | Order | Gap
"""A whole book after each of its changes, what was told besides, or that a book may have
missed a change."""


class Overheard(Protocol):
    """Listens to connections that somebody else had; ``OVERHEARD`` of a venue's folder.

    It is made with a clock that shows the time of the line at hand, and is given the lines
    in their order.
    """

    def answered(self, path: str, body: bytes) -> None:
        """A request was answered: it may name outcomes."""
        ...

    def opened(self, connection: int, url: str) -> None:
        """A WebSocket was opened."""
        ...

    def told(
        self, connection: int, direction: Direction, frame: bytes
    ) -> Iterable[Heard]:
        """A message came or went."""
        ...

    def missed(self, connection: int, reason: str) -> Iterable[Heard]:
        """A message that came is not in the recording: nobody knows what it changed."""
        ...

    def closed(self, connection: int, reason: str) -> Iterable[Heard]:
        """A WebSocket has ended, or what follows on it was not recorded."""
        ...
