"""What waits for a run, in the order in which it came; of books a slow one gets the newest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final, TypeAlias

from ..models import Gap, OrderBook
from .session import News

__all__ = ["PATIENCE", "Item", "Waiting"]

PATIENCE: Final = 0.05
"""Seconds for which a book waits at most where a newer one of its market does."""

Item: TypeAlias = News | Callable[[], None]
"""What a stream told, or what is to be done since a command was answered."""


class Waiting:
    """News in the order in which they came.

    A book that has waited for more than `PATIENCE` is passed over if a newer one of its
    market waits: who keeps up is told each, as in a backtest, and who does not is never far
    behind.

    ``now`` is a clock that never jumps, in seconds.  Not thread-safe.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._items: dict[int, Item] = {}
        self._books: dict[tuple[str, str], deque[tuple[float, int]]] = {}
        """Of each market when its books came that wait, and their turns."""
        self._turns = count()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, news: Item) -> None:
        """Let something in."""
        turn = next(self._turns)
        if isinstance(news, OrderBook):
            books = self._books.setdefault((news.venue, news.market_id), deque())
            now = self._now()
            while books and now - books[0][0] > PATIENCE:
                del self._items[books.popleft()[1]]
            books.append((now, turn))
        elif isinstance(news, Gap) and news.is_of_books:
            # What waits may have missed a change: the next book is whole again.
            for (_, market_id), books in self._books.items():
                if not news.market_ids or market_id in news.market_ids:
                    for _, old in books:
                        del self._items[old]
                    books.clear()
        self._items[turn] = news

    def take(self) -> Item | None:
        """The oldest; None if nothing waits."""
        if not self._items:
            return None
        while True:
            item = self._items.pop(next(iter(self._items)))
            if not isinstance(item, OrderBook):
                return item
            books = self._books[item.venue, item.market_id]
            came, _ = books.popleft()
            # Of a burst none came late, yet they wait for as long as each is looked at.
            if not books or self._now() - came <= PATIENCE:
                return item
