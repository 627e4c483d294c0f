"""Reads against the simulated Polymarket, which was written by other eyes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges import (
    AuthenticationError,
    ExchangeNotAvailable,
    FillState,
    MarketStatus,
    OnMaintenance,
    exchange,
)
from unified_exchanges.flow import Request
from unified_exchanges.money import ZERO, complement, total
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.testing.scripted import Server
from unified_exchanges.venues.polymarket.simulated import simulated

D = Decimal


@pytest.fixture
def ground() -> PolymarketGround:
    return PolymarketGround(history=True)


@pytest.fixture
def trader(flavour: str, ground: PolymarketGround) -> Any:
    return ground.trader(flavour)


def test_every_market_is_read_open_or_not(
    trader: Any, ground: PolymarketGround
) -> None:
    found = {x.market_id: x for x in trader.fetch_markets(status="all")}
    listed = {
        name: market
        for name, market in ground.polymarket.catalog.markets.items()
        if name in found or not market.is_other
    }
    assert found.keys() == listed.keys()
    for name, market in listed.items():
        told = found[name]
        assert [x.outcome_id for x in told.outcomes] == list(market.tokens)
        assert told.grid.lowest == market.tick
        assert told.event_id == market.event_id


def test_settled_markets_tell_what_they_paid(trader: Any) -> None:
    settled = trader.fetch_markets(status="settled")
    assert {x.status for x in settled} == {MarketStatus.SETTLED}
    assert {x.settlement_price for x in settled} == {D(0), D(1), D("0.5")}


def test_the_books_of_a_market_mirror_each_other(trader: Any) -> None:
    market = trader.quoted_market()
    first, second = (
        trader.fetch_order_book(market.market_id, outcome=x.outcome_id)
        for x in market.outcomes
    )
    assert [(x.price, x.size) for x in second.bids] == [
        (complement(x.price), x.size) for x in first.asks
    ]


def test_candles_are_what_trades_make_of_them(trader: Any) -> None:
    market = trader.quoted_market()
    label = market.outcomes[0].label
    trades = trader.fetch_trades(market.market_id, outcome=label)
    candles = trader.fetch_ohlcv(market.market_id, "1d", outcome=label)
    last = candles[-1].end
    assert total(x.volume for x in candles) == total(
        x.size for x in trades if x.created_at <= last
    )
    assert all(x.price.low <= x.mean <= x.price.high for x in candles)


def test_the_account_s_own_parts_agree(trader: Any) -> None:
    fills = trader.fetch_fills()
    orders = {x.order_id: x for x in trader.fetch_orders()}
    positions = trader.fetch_positions()
    assert {x.order_id for x in fills} <= orders.keys()
    for name, order in orders.items():
        mine = [x for x in fills if x.order_id == name]
        assert total(x.size for x in mine) == order.filled
        told = trader.fetch_order(name)
        assert told.fee == total(x.fee for x in mine)
    for held in positions:
        mine = [
            x
            for x in fills
            if (x.market_id, x.outcome) == (held.market_id, held.outcome)
        ]
        signed = total(x.size if x.side == "buy" else -x.size for x in mine)
        assert signed == held.size
    both = [x.market_id for x in positions]
    assert len(set(both)) < len(both)


def test_fills_are_newest_first_and_final(trader: Any) -> None:
    fills = trader.fetch_fills()
    times = [x.created_at for x in fills]
    assert times == sorted(times, reverse=True)
    assert {x.state for x in fills} == {FillState.FINAL}
    assert any(x.fee > ZERO for x in fills)


def test_redemptions_are_settlements_of_their_market(trader: Any) -> None:
    for settled in trader.fetch_settlements():
        market = trader.fetch_market(settled.market_id)
        assert (settled.result, settled.value) == (
            market.result,
            market.settlement_price,
        )
        (held,) = settled.holdings
        pays = dict(
            zip(
                (x.label for x in market.outcomes),
                (settled.value, complement(settled.value)),
                strict=True,
            )
        )
        assert settled.payout == held.size * pays[held.outcome]


def test_cash_and_what_may_be_taken_of_it(trader: Any) -> None:
    found = trader.fetch_balance()
    assert found.total == found.available
    assert {x.amount for x in found.allowances} == {None}


def test_an_api_key_is_derived_once_from_the_private_key(
    ground: PolymarketGround, flavour: str
) -> None:
    bare = ground.trader(flavour, api_key=None, secret=None, password=None)
    assert bare.fetch_balance().total > 0
    bare.fetch_fills()
    paths = [x.url.rpartition("/")[2] for x in bare.transport.requests]
    assert paths.count("derive-api-key") == 1


def test_short_pages_lose_nothing(ground: PolymarketGround, flavour: str) -> None:
    whole = ground.trader(flavour)
    asked: list[Callable[[Any], Any]] = [
        lambda x: x.fetch_markets(status="all"),
        lambda x: x.fetch_events(status="all"),
        lambda x: x.fetch_trades(),
        lambda x: x.fetch_positions(),
        lambda x: x.fetch_settlements(),
    ]
    expected = [ask(whole) for ask in asked]
    server: Server | None = ground.short_pages(2)
    assert server is not None
    ground.venue.server = server
    found = [ask(whole) for ask in asked]
    assert found == expected


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("disabled", OnMaintenance), ("restarting", ExchangeNotAvailable)],
)
def test_a_mode_is_known_once_a_write_met_it(
    mode: Any, kind: type[Exception], trader: Any, ground: PolymarketGround
) -> None:
    ground.polymarket.set_mode(mode)
    with pytest.raises(kind):
        trader.request("DELETE", "/clob/cancel-all")
    status = trader.fetch_status()
    assert (status.is_active, status.is_trading) == (True, False)


def test_a_wrong_secret_is_refused_in_words(
    ground: PolymarketGround, flavour: str
) -> None:
    wrong = ground.trader(flavour, secret="d3Jvbmcgc2VjcmV0IHdyb25nIHNlY3JldA==")
    with pytest.raises(AuthenticationError, match="secret and passphrase"):
        wrong.fetch_balance()


def test_our_clock_is_set_right_by_the_venue_s(
    ground: PolymarketGround, flavour: str
) -> None:
    ground.clock.step(-7_200)

    class Dated:
        """The venue, whose answers bear its own date."""

        def handle(self, request: Request, *, lag: float = 0.0) -> Any:
            answer = ground.polymarket.handle(request, lag=lag)
            dated = {**answer.headers, "date": "Fri, 20 Nov 2026 18:40:00 GMT"}
            return attrs.evolve(answer, headers=dated)

    trader = ground.trader(flavour)
    ground.venue.server = Dated()
    trader.fetch_status()
    assert trader.health().clock_offset_ms == pytest.approx(7_200_000, abs=1_000)


def test_a_real_socket_serves_the_three_services() -> None:
    box = simulated(seed=7)
    with (
        SimulatorServer(box.venue) as server,
        exchange("polymarket", environment=server.url) as polymarket,
    ):
        market = polymarket.fetch_markets(limit=1)[0]
        assert polymarket.fetch_order_book(market.market_id).bids
        assert polymarket.fetch_trades(market.market_id, limit=1)
        assert polymarket.fetch_status().is_trading
        with pytest.raises(AuthenticationError):
            polymarket.fetch_balance()


def test_a_search_of_several_pages_ends_and_tells_each_event_once(
    trader: Any, ground: PolymarketGround
) -> None:
    """Five events are on a page."""
    catalog = ground.polymarket.catalog

    def words(event: Any) -> str:
        own = catalog.markets_of(event.event_id)
        return " ".join([event.title, *(x.question for x in own)]).lower()

    wanted = [e.event_id for e in catalog.events.values() if "in" in words(e)]
    found = trader.fetch_events(status="all", query="in")
    assert [x.event_id for x in found] == wanted
    assert len(wanted) > 5
