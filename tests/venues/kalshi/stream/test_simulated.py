"""The protocol object on the simulated Kalshi, in one process: both sides' real dialect."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.venues.kalshi.simulated.stream.listener import upgrade
from tests.venues.kalshi.simulated.trader import Trader, trader
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import MarketNotFound
from unified_exchanges.flow import Response
from unified_exchanges.models import (
    Fill,
    MarketChange,
    MarketStatus,
    Order,
    OrderStatus,
    Position,
    Side,
    Subject,
    Ticker,
    Trade,
)
from unified_exchanges.money import complement
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.streams.protocol import Refused
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, StreamSettings
from unified_exchanges.venues.kalshi.stream import BookDelta, KalshiStream

from .desk import levels

FAST = FlowSettings(actions_per_second=3, levels=4)


class Pair:
    """A trader's stream and the venue it is connected to."""

    def __init__(self, who: Trader, **settings: Any) -> None:
        self.who = who
        self.stream = KalshiStream(clock=who.clock, **settings)
        self.events: list[Any] = []
        self.connect()

    def connect(self) -> None:
        session = self.who.kalshi.connect(upgrade(self.who))
        assert not isinstance(session, Response)
        self.session = session
        self.events += self.stream.connection_made()

    def run(self) -> list[Any]:
        """Carry frames in both directions until there are none."""
        events: list[Any] = []
        while True:
            commands = self.stream.data_to_send()
            for command in commands:
                self.session.receive(command)
            frames = self.session.data_to_send()
            for frame in frames:
                events += self.stream.receive(frame)
            if not commands and not frames:
                self.events += events
                return events

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.who.clock.advance(1)
            self.stream.heard()
            self.events += self.stream.poll()
            self.run()


def over_rest(who: Trader, ticker: str) -> dict[str, dict[Decimal, Decimal]]:
    book = who.get(f"/markets/{ticker}/orderbook")["orderbook_fp"]
    yes, no = (
        {Decimal(p): Decimal(n) for p, n in book[f"{side}_dollars"]}
        for side in ("yes", "no")
    )
    return {"yes": yes, "no": {complement(price): n for price, n in no.items()}}


@pytest.mark.parametrize("shuffles", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_every_book_equals_that_of_rest(seed: int, *, shuffles: bool) -> None:
    clock, rng = VirtualClock(), Random(seed)
    kalshi = SimulatedKalshi(
        seed=seed,
        clock=clock,
        enforce_limits=False,
        lively=True,
        flow=FAST,
        stream=StreamSettings(shuffles=shuffles),
    )
    ada = trader(kalshi, clock)
    markets = ada.get("/markets", status="open", limit=1000)["markets"][:12]
    tickers = [market["ticker"] for market in markets]
    pair = Pair(ada)
    followed: set[str] = set()
    for _ in range(40):
        ticker = rng.choice(tickers)
        if ticker in followed and rng.random() < 0.4:
            pair.stream.unfollow(Subject.ORDER_BOOK, [ticker])
            followed.remove(ticker)
        elif ticker not in followed:
            pair.stream.follow(Subject.ORDER_BOOK, [ticker])
            followed.add(ticker)
        clock.advance(rng.random() * 2)
        pair.run()
    kalshi.advance()
    pair.run()
    found = {x: pair.stream.order_book(x) for x in tickers}
    assert {x for x, book in found.items() if book} == followed
    assert {x: levels(book) for x, book in found.items() if book} == {
        x: over_rest(ada, x) for x in followed
    }
    health = pair.stream.health()
    assert (health.gaps, health.malformed_messages, health.unknown_messages) == (
        0,
        0,
        0,
    )
    assert health.unknown_fields == ()
    assert pair.stream.is_settled


@pytest.fixture
def ada() -> Trader:
    clock = VirtualClock()
    kalshi = SimulatedKalshi(seed=7, clock=clock, enforce_limits=False)
    return trader(kalshi, clock)


def test_the_life_of_an_order_is_told_by_every_channel_that_it_concerns(
    ada: Trader,
) -> None:
    market = ada.market()
    pair = Pair(ada)
    for subject in Subject:
        pair.stream.follow(subject, [market["ticker"]])
    pair.run()
    assert pair.stream.is_settled
    ada.take(market, count="2", client_order_id="mine")
    events = pair.run()
    kinds = {type(event) for event in events}
    assert kinds >= {BookDelta, Ticker, Trade, Order, Fill, Position}
    [fill] = [x for x in events if isinstance(x, Fill)]
    assert (fill.client_order_id, fill.side, fill.size) == ("mine", Side.BUY, 2)
    order = [x for x in events if isinstance(x, Order)][-1]
    assert (order.status, order.filled) == (OrderStatus.CLOSED, 2)
    held = [x for x in events if isinstance(x, Position)][-1]
    assert (held.outcome, held.size) == ("yes", 2)
    health = pair.stream.health()
    assert (health.malformed_messages, health.unknown_messages) == (0, 0)
    assert health.unknown_fields == ()


def test_a_change_that_we_caused_says_so(ada: Trader) -> None:
    market = ada.market()
    pair = Pair(ada)
    pair.stream.follow(Subject.ORDER_BOOK, [market["ticker"]])
    pair.run()
    ada.rest(market, client_order_id="mine")
    [delta] = [x for x in pair.run() if isinstance(x, BookDelta)]
    assert delta.client_order_id == "mine"


def test_p11_after_a_reconnect_all_is_followed_again(ada: Trader) -> None:
    market = ada.market()
    pair = Pair(ada)
    pair.stream.follow(Subject.ORDER_BOOK, [market["ticker"]])
    pair.stream.follow(Subject.FILLS, None)
    pair.run()
    pair.stream.connection_lost("cut")
    ada.take(market)
    pair.connect()
    pair.run()
    book = pair.stream.order_book(market["ticker"])
    assert book is not None
    assert (book.stale, levels(book)) == (False, over_rest(ada, market["ticker"]))
    ada.take(market)
    assert any(isinstance(x, Fill) for x in pair.run())


@pytest.mark.parametrize("code", [10, 25])
def test_a_subscription_that_dies_comes_back(ada: Trader, code: int) -> None:
    market = ada.market()
    pair = Pair(ada)
    pair.stream.follow(Subject.ORDER_BOOK, [market["ticker"]])
    pair.run()
    pair.session.fail(1, code)
    pair.run()
    ada.take(market)
    pair.wait(2)
    book = pair.stream.order_book(market["ticker"])
    assert book is not None
    assert (book.stale, levels(book)) == (False, over_rest(ada, market["ticker"]))


def test_fault_36_an_unknown_market_is_refused_and_takes_no_other_with_it(
    ada: Trader,
) -> None:
    market = ada.market()
    pair = Pair(ada)
    pair.stream.follow(Subject.ORDER_BOOK, ["KXNOBODY-26", market["ticker"]])
    pair.wait(15)
    [refused] = [x for x in pair.events if isinstance(x, Refused)]
    assert refused.market_ids == {"KXNOBODY-26"}
    assert pair.stream.broken == ""
    book = pair.stream.order_book(market["ticker"])
    assert book is not None
    assert book.stale is False


def test_beyond_the_venues_limit_of_markets_what_fits_is_followed() -> None:
    clock = VirtualClock()
    kalshi = SimulatedKalshi(
        seed=7,
        clock=clock,
        enforce_limits=False,
        stream=StreamSettings(market_limit=5),
    )
    ada = trader(kalshi, clock)
    markets = ada.get("/markets", status="open", limit=1000)["markets"][:9]
    tickers = [market["ticker"] for market in markets]
    pair = Pair(ada)
    pair.stream.follow(Subject.ORDER_BOOK, tickers)
    pair.run()
    given_up = set[str]().union(
        *(x.market_ids or () for x in pair.events if isinstance(x, Refused))
    )
    assert len(given_up) == 4
    assert sum(pair.stream.order_book(x) is not None for x in tickers) == 5


def test_index_values_and_prices_are_told_exactly(ada: Trader) -> None:
    pair = Pair(ada)
    pair.stream.subscribe("cfbenchmarks_value", None, {"index_ids": ["BRTI"]})
    pair.stream.subscribe("pyth_value", None, {"underlying_tickers": ["all"]})
    pair.run()
    ada.kalshi.tell_index("BRTI", "68000.125")
    ada.clock.advance(1)
    ada.kalshi.tell_index("BRTI", "68000.375")
    ada.kalshi.tell_price("Metal.XAU/USD", "2365.12345")
    first, second, price = pair.run()
    assert (first.value, first.average.value) == (Decimal("68000.125"),) * 2
    assert (second.value, second.average.ticks) == (Decimal("68000.375"), 1)
    assert second.timestamp - first.timestamp == timedelta(seconds=1)
    assert (price.underlying, price.value) == ("Metal.XAU/USD", Decimal("2365.12345"))
    health = pair.stream.health()
    assert (health.gaps, health.malformed_messages, health.unknown_messages) == (
        0,
        0,
        0,
    )
    assert health.unknown_fields == ()


def test_fault_36_an_unknown_market_alone_is_refused_on_its_first_connection(
    ada: Trader,
) -> None:
    pair = Pair(ada)
    pair.stream.follow(Subject.ORDER_BOOK, ["KXNOBODY-26"])
    pair.wait(15)
    [refused] = [x for x in pair.events if isinstance(x, Refused)]
    assert type(refused.error) is MarketNotFound
    assert (pair.stream.broken, pair.stream.health().connections) == ("", 1)


def test_the_lives_of_markets_are_told(ada: Trader) -> None:
    pair = Pair(ada)
    pair.stream.follow(Subject.MARKET_STATUS, None)
    pair.run()
    market = ada.market()
    ada.kalshi.engine.deactivate(market["ticker"])
    changes = [x for x in pair.run() if isinstance(x, MarketChange)]
    assert [(x.market_id, x.status) for x in changes] == [
        (market["ticker"], MarketStatus.PAUSED)
    ]
