"""A 429 holds back what it was said to: a cancel, and a halt, still leave.

Whatever else was refused for its speed, and for however long, an order must not be kept
alive by that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.flavours import FLAVOURS
from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import RateLimitExceeded, UnifiedExchangesError
from unified_exchanges.flow import Request, Response
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Ground, Trader

Headers = Mapping[str, str]
NONE: Headers = {}
MINUTE = {"retry-after": "60"}
GROUNDS: dict[str, Callable[[], Ground]] = {
    "kalshi": lambda: KalshiGround(enforce_limits=False),
    "polymarket": PolymarketGround,
}
CREATES = {"kalshi": "/portfolio/events/orders", "polymarket": "/clob/order"}
BOOKS = {"kalshi": "/orderbook", "polymarket": "/clob/book"}
SIGNER = {"poly-ratelimit-remaining": "0", "poly-ratelimit-tier": "standard"}


class Busy:
    """A venue with an order at rest, which refuses some requests for their speed."""

    def __init__(self, venue: str, flavour: str) -> None:
        self.name = venue
        self.flavour = flavour
        self.ground = GROUNDS[venue]()
        self.trader: Trader = self.ground.trader(
            flavour, limits=LimitPolicy(discover=False)
        )
        self.market = self.trader.quoted_market()
        self.order_id = self.trader.rest(self.market).order_id
        self.refused: list[str] = []

    def refuses(
        self, method: str, part: str, count: int = 1, headers: Headers = NONE
    ) -> None:
        """Let the next such requests be refused, with a minute to wait."""
        venue = self.ground.venue
        serve = venue.handle
        told = {**MINUTE, **headers}

        def handle(request: Request) -> Response:
            asked = f"{request.method} {request.url}"
            is_met = request.method == method and part in request.url
            if is_met and len(self.refused) < count:
                self.refused.append(asked)
                return Response(429, told, b'{"error":"too many requests"}')
            return serve(request)

        venue.handle = handle  # type: ignore[method-assign]

    def tries(self, name: str, *args: Any) -> None:
        with pytest.raises(RateLimitExceeded):
            getattr(self.trader, name)(*args)

    def is_refused_a(self, what: str) -> None:
        """Make a call that is refused for a minute."""
        if what == "create":
            self.refuses("POST", CREATES[self.name])
            terms = (self.market.market_id, "yes", "buy", self.market.grid.lowest)
            self.tries("create_order", *terms, self.trader.units(1))
        elif what == "book":
            self.refuses("GET", BOOKS[self.name])
            self.tries("fetch_order_book", self.market.market_id)
        else:
            self.refuses("GET", "/events")
            self.tries("fetch_events")
        assert len(self.refused) == 1

    @property
    def is_alive(self) -> bool:
        # Who looks on is of the same account, and is not to wait with it.
        other = self.ground.trader(self.flavour, limits=LimitPolicy(enabled=False))
        return any(x.order_id == self.order_id for x in other.fetch_open_orders())


@pytest.fixture(params=GROUNDS)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def busy(venue: str, flavour: str) -> Busy:
    return Busy(venue, flavour)


WHAT = pytest.mark.parametrize("what", ["create", "book", "events"])


@WHAT
def test_fault_43_a_cancel_leaves_though_something_else_was_refused(
    busy: Busy, what: str
) -> None:
    busy.is_refused_a(what)
    before = busy.ground.clock.monotonic()
    assert not busy.trader.cancel_order(busy.order_id).is_open
    assert busy.ground.clock.monotonic() - before < 1.0
    assert not busy.is_alive


@WHAT
def test_fault_43_a_cancel_of_all_leaves_though_something_else_was_refused(
    busy: Busy, what: str
) -> None:
    busy.is_refused_a(what)
    before = busy.ground.clock.monotonic()
    report = busy.trader.cancel_all_orders()
    assert [x.order_id for x in report.canceled] == [busy.order_id]
    assert report.is_complete
    assert busy.ground.clock.monotonic() - before < 1.0


@WHAT
def test_fault_43_a_halt_cancels_though_something_else_was_refused(
    busy: Busy, what: str
) -> None:
    busy.is_refused_a(what)
    report = busy.trader.halt("because")
    assert [x.order_id for x in report.canceled] == [busy.order_id]
    assert report.remaining == ()
    # All reads of Kalshi's share a bucket: only those that cancels need pass.
    if busy.name == "kalshi" and what != "create":
        assert "what is held is not known" in str(report.errors)
    else:
        assert report.is_complete
    assert not busy.is_alive


def test_fault_43_what_was_refused_is_not_sent_again_during_its_pause(
    busy: Busy,
) -> None:
    """Only urgent calls pass, and only what was refused is held."""
    busy.is_refused_a("create")
    before = len(busy.trader.transport.requests)
    terms = (busy.market.market_id, "yes", "buy", busy.market.grid.lowest)
    busy.tries("create_order", *terms, busy.trader.units(1))
    sent = busy.trader.transport.requests[before:]
    assert not [x for x in sent if x.method == "POST"]
    assert busy.trader.fetch_order_book(busy.market.market_id).bids
    busy.ground.clock.advance(61)
    assert busy.trader.create_order(*terms, busy.trader.units(1)).is_open


def test_fault_43_a_cancel_that_was_refused_itself_waits_for_its_turn(
    busy: Busy,
) -> None:
    part = {"kalshi": "/portfolio/", "polymarket": "/clob/order"}[busy.name]
    busy.refuses("DELETE", part)
    begun = busy.ground.clock.monotonic()
    busy.tries("cancel_order", busy.order_id)
    busy.tries("cancel_order", busy.order_id)
    assert len(busy.refused) == 1
    assert len([x for x in busy.trader.writes if x.method == "DELETE"]) == 1
    busy.ground.clock.advance(begun + 61 - busy.ground.clock.monotonic())
    assert not busy.trader.cancel_order(busy.order_id).is_open


def test_fault_43_a_cancel_of_all_does_not_wait_for_the_cancel_of_one(
    flavour: str,
) -> None:
    busy = Busy("polymarket", flavour)
    busy.refuses("DELETE", "/clob/order")
    busy.tries("cancel_order", busy.order_id)
    assert busy.trader.cancel_all_orders().is_complete
    assert not busy.is_alive


@pytest.mark.parametrize("told", [NONE, SIGNER])
def test_fault_43_other_endpoints_are_held_only_where_the_signer_is_told_of(
    told: Headers, flavour: str
) -> None:
    """A batch has limits of its own by address, and shares those of the signer."""
    busy = Busy("polymarket", flavour)
    busy.refuses("POST", "/clob/order", 1, told)
    terms = (busy.market.market_id, "yes", "buy", busy.market.grid.lowest)
    busy.tries("create_order", *terms, busy.trader.units(1))
    venue, now = busy.trader.venue, busy.ground.clock.monotonic()
    held = {n for n, b in venue.buckets.items() if b.turn(now, 0.0) > now + 1}
    assert held == {"clob:place", *(["orders"] if told else [])}
    assert not busy.trader.cancel_order(busy.order_id).is_open


def test_fault_43_a_heartbeat_that_was_refused_holds_no_cancel(flavour: str) -> None:
    """It is urgent, and has no limit but that of all of the CLOB."""
    busy = Busy("polymarket", flavour)
    busy.refuses("POST", "/heartbeats", 9)
    busy.tries("cancel_all_orders_after", 10)
    assert not busy.trader.cancel_order(busy.order_id).is_open


def test_fault_25_cancels_that_were_not_sent_are_not_told_as_sent(
    flavour: str,
) -> None:
    """Everything was refused before: nothing leaves, and nothing else is said."""
    busy = Busy("polymarket", flavour)
    busy.refuses("DELETE", "", 99, SIGNER)
    assert not busy.trader.cancel_all_orders().is_complete
    assert busy.refused
    busy.refused.clear()
    busy.refuses("GET", "/clob/data/orders", 99)
    before = len(busy.trader.transport.requests)
    with pytest.raises(UnifiedExchangesError) as caught:
        busy.trader.cancel_all_orders()
    sent = busy.trader.transport.requests[before:]
    assert not [x for x in sent if x.method == "DELETE"]
    text = str(caught.value)
    assert "1 orders that were seen here 1 did not" in text
    assert "not sent, because our own limiter" in text
    assert not caught.value.maybe_executed
