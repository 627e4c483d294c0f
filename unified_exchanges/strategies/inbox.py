"""What waits for a run: the newest book of each market, and all else, in order."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from typing import TypeAlias

from ..models import Gap, OrderBook
from .session import News

__all__ = ["Item", "Waiting"]

Item: TypeAlias = News | Callable[[], None]
"""What a watch told, or what is to be done since a command was answered or a stream broke."""


class Waiting:
    """News in the order in which they came; a newer book takes the place of an older one.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._items: dict[Hashable, Item] = {}
        self._turns = count()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, news: Item) -> None:
        """Let something in."""
        if isinstance(news, OrderBook):
            self._items[news.venue, news.market_id] = news
            return
        if isinstance(news, Gap):
            # What waits may have missed a change: the next book is whole again.
            ids = news.market_ids
            for key, item in list(self._items.items()):
                if isinstance(item, OrderBook) and (not ids or item.market_id in ids):
                    del self._items[key]
        self._items[next(self._turns)] = news

    def take(self) -> Item | None:
        """The oldest; None if nothing waits."""
        if not self._items:
            return None
        return self._items.pop(next(iter(self._items)))
