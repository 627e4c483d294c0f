"""The last quotes, for who comes to follow a market that others follow already.

A quote is good as long as its market was subscribed without a break since it was told:
later it may have moved unseen, and none is better than one that is out of date.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from ..models import Gap, Subject, Ticker
from ..streams.protocol import StreamProtocol
from .follower import Circle

__all__ = ["Quotes"]

_MOST: Final = 50_000
"""How many are kept where all markets are followed; the newest ones."""


class Quotes:
    """The last quote of each market that somebody follows."""

    def __init__(self, protocol: StreamProtocol, circle: Circle) -> None:
        self._protocol = protocol
        self._circle = circle
        self._last: dict[str, dict[str, Ticker]] = {}
        """By market, and by outcome where each has its own."""
        self._has_everything = False
        self._is_renewed = False

    @property
    def names(self) -> list[str]:
        """The markets of which one is known."""
        return list(self._last)

    def note(self, ticker: Ticker) -> None:
        """Keep a quote, unless it was on its way when the last follower left."""
        last, market_id = self._last, ticker.market_id
        known = last.pop(market_id, None)
        if not self._circle.of(market_id) or not self._is_continuous():
            return
        if known is None:
            known = {}
        known[ticker.outcome] = ticker
        last[market_id] = known
        if len(last) > _MOST:
            del last[next(iter(last))]

    def _is_continuous(self) -> bool:
        """Whether what comes now is followed by all that comes later.

        All markets are another subscription than some, so in between nobody listens.
        """
        if self._is_renewed and self._protocol.is_acknowledged(Subject.TICKER):
            self._is_renewed = False
        return not self._is_renewed

    def find(self, market_ids: Iterable[str] | None) -> list[Ticker]:
        """The quotes of these markets, or all, as far as they hold."""
        last = self._last
        names = last if market_ids is None else market_ids
        return [x for name in names if name in last for x in last[name].values()]

    def followed(self) -> None:
        """Somebody has come, and was told what holds until now."""
        self._check_kind()

    def unfollowed(self, market_ids: Collection[str] | None) -> None:
        """Somebody follows these markets, or all, no more."""
        self._check_kind()
        if not self._circle:
            self._last.clear()
        elif not self._circle.everywhere:
            for market_id in market_ids or ():
                if market_id not in self._circle.by_market:
                    self._last.pop(market_id, None)

    def _check_kind(self) -> None:
        has_everything = bool(self._circle.everywhere)
        if has_everything is not self._has_everything:
            self._has_everything = has_everything
            self._is_renewed = True
            self._last.clear()

    def lost(self, gap: Gap) -> None:
        """Something was lost, maybe newer quotes."""
        if gap.subject not in {None, Subject.TICKER}:
            return
        if not gap.market_ids:
            self._last.clear()
        for market_id in gap.market_ids:
            self._last.pop(market_id, None)

    def clear(self) -> None:
        """There is no connection: the next one tells them anew."""
        self._last.clear()
