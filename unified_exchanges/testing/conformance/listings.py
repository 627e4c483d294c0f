"""Lists of many pages: whole or an error, each item once, and an end in every case."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ...errors import UnifiedExchangesError
from ...flow import Request, Response
from ...simulator.faults import Fault, unavailable
from ..scripted import Server
from .ground import Conformance, Trader

__all__ = ["Listings"]

LISTS = ("fetch_markets", "fetch_orders", "fetch_fills")
_MANY = 7
_BROKEN = {
    "lost": Fault("drop"),
    "never comes": Fault("stall"),
    "503": unavailable(503),
    "cut off": Fault("truncate"),
    "a page": unavailable(200),
}
_BOUND = 500
"""Requests after which a listing has no end."""


class Stutter:
    """A venue that answers some requests with what it answered the one before."""

    def __init__(self, server: Server, *, nth: int, always: bool = False) -> None:
        self.asked = 0
        self._server = server
        self._nth = nth
        self._always = always
        self._last: Response | None = None

    def handle(self, request: Request) -> Response:
        """Answer, or repeat oneself."""
        self.asked += 1
        if self.asked > _BOUND:
            raise AssertionError(f"{self.asked} requests and no end of the list")
        again = self.asked >= self._nth if self._always else self.asked == self._nth
        if self._last is None or not again:
            self._last = self._server.handle(request)
        return self._last


class Listings(Conformance):
    """What a list comes to when its pages do not come as they should."""

    unpaged: dict[str, list[Any]]

    @pytest.fixture
    def many(self, trader: Trader) -> Trader:
        """An account with several of everything, of which two fit on a page."""
        market = trader.quoted_market()
        for _ in range(_MANY):
            trader.lift(market, trader.units(1))
            trader.rest(market, trader.units(1))
        self.unpaged = {name: getattr(trader, name)() for name in LISTS}
        short = trader.ground.short_pages(2)
        if short is None:
            pytest.skip(f"{trader.ground.exchange_id} has no short pages")
        trader.ground.venue.server = short
        return trader

    @staticmethod
    def whole(trader: Trader, name: str) -> list[Any]:
        """All there is, which is more than two pages."""
        found: list[Any] = getattr(trader, name)()
        assert len(found) > 2 * 2
        return found

    @pytest.mark.parametrize("name", LISTS)
    def test_fault_26_f08_pages_are_read_to_the_last(
        self, many: Trader, name: str
    ) -> None:
        assert self.whole(many, name) == self.unpaged[name]

    @pytest.mark.parametrize("kind", _BROKEN)
    @pytest.mark.parametrize("name", LISTS)
    def test_fault_26_a_list_of_which_a_page_fails_is_an_error(
        self, many: Trader, name: str, kind: str
    ) -> None:
        self.whole(many, name)
        broken = attrs.evolve(_BROKEN[kind], nth=2, count=None)
        many.meet(broken, reads=True)
        with pytest.raises(UnifiedExchangesError):
            getattr(many, name)()

    @pytest.mark.parametrize("name", LISTS)
    def test_fault_26_a_page_that_fails_once_is_asked_for_again(
        self, many: Trader, name: str
    ) -> None:
        whole = self.whole(many, name)
        many.meet(Fault("drop", nth=2), reads=True)
        assert getattr(many, name)() == whole

    @pytest.mark.parametrize("always", [False, True])
    @pytest.mark.parametrize("name", LISTS)
    def test_fault_26_a_page_that_comes_again_is_no_second_one(
        self, many: Trader, name: str, *, always: bool
    ) -> None:
        whole = self.whole(many, name)
        venue = many.ground.venue
        venue.server = Stutter(venue.server, nth=2, always=always)
        try:
            found = getattr(many, name)()
        except UnifiedExchangesError:
            return
        assert not always
        assert found == whole
