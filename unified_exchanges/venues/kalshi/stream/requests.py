"""Requests for snapshots that are out, which are answered by the snapshots."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

__all__ = ["Request", "Requests"]


@attrs.frozen(slots=True)
class Request:
    """One request: how many markets it named, and which of them are still about it."""

    size: int
    waiting: dict[str, None]


class Requests:
    """Which request each market waits for: the last that named it, until it is answered.

    What an older one leads to is not about the market any more.  So there are never more
    of them than markets, whatever never comes.

    >>> requests = Requests()
    >>> requests.add(1, ["A", "B"])
    >>> requests.add(2, ["A"])
    >>> requests.forget("B")
    >>> requests.take(1), requests.take(2)
    (None, Request(size=1, waiting={'A': None}))
    """

    __slots__ = ("_last", "_out")

    def __init__(self) -> None:
        self._out: dict[int, Request] = {}
        self._last: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._out)

    def add(self, number: int, markets: Sequence[str]) -> None:
        """These were asked for."""
        for market_id in markets:
            self.forget(market_id)
            self._last[market_id] = number
        self._out[number] = Request(len(markets), dict.fromkeys(markets))

    def forget(self, market_id: str) -> None:
        """It was answered, or nobody wants to know any more."""
        number = self._last.pop(market_id, None)
        if number is None:
            return
        waiting = self._out[number].waiting
        del waiting[market_id]
        if not waiting:
            del self._out[number]

    def take(self, number: int) -> Request | None:
        """One that was refused, unless nothing waits for it."""
        request = self._out.pop(number, None)
        if request is not None:
            for market_id in request.waiting:
                del self._last[market_id]
        return request

    def clear(self) -> None:
        """None will be answered."""
        self._out.clear()
        self._last.clear()
