"""What a start of an account asks for, and markets that their source knows no more."""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from tests.paper_exchange.left import left
from unified_exchanges import MarketNotFound, OrderStatus
from unified_exchanges.models import Market
from unified_exchanges.paper import Delays

MINUTE = 61


@pytest.fixture(params=[KalshiPaper, PolymarketPaper])
def ground(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "paper.db"


def quoted(trader: Any) -> list[Market]:
    """Markets in which there is something to take."""
    found = trader.fetch_markets()
    return [x for x in found if x.bid and x.ask and not x.legs]


def forget(ground: Any, market: Market) -> None:
    """Let the source know nothing of a market any more."""
    catalog = ground.venue.server.catalog
    listed = catalog.markets.pop(market.market_id)
    if ground.source == "polymarket":
        catalog._of_event[listed.event_id].remove(market.market_id)
        for token in listed.tokens:
            del catalog._of_token[token]


def spoil(ground: Any, market: Market) -> None:
    """Let the source tell of a market what cannot be read."""
    markets = ground.venue.server.catalog.markets
    title = "title" if ground.source == "kalshi" else "question"
    markets[market.market_id] = attrs.evolve(
        markets[market.market_id], **{title: ["no", "text"]}
    )


def end(trader: Any) -> None:
    trader.aclose() if trader.is_async else trader.close()


def opened(ground: Any, flavour: str, path: Path) -> Any:
    """The account in the file, as another process finds it."""
    ground._broker = None
    return ground.trader(flavour, path=path)


def facts(trader: Any) -> tuple[Any, ...]:
    """What the account is, as texts; a mark is the market's."""
    held = [(x.market_id, x.outcome, x.size, x.cost) for x in trader.fetch_positions()]
    fills = [x.to_dict() for x in trader.fetch_fills()]
    return sorted(held), fills, trader.fetch_balance().total


def asked(trader: Any, market: Market) -> int:
    """How many requests have named a market."""
    names = (market.market_id, *(x.outcome_id for x in market.outcomes[:1]))
    wanted = [x for x in names if len(x) > len("yes")]
    told = [f"{x.url} {x.query}" for x in trader.transport.requests]
    return sum(any(name in text for name in wanted) for text in told)


# -- markets that are gone --------------------------------------------------------------


def test_a_market_that_is_gone_leaves_the_account_and_the_others_as_they_are(
    ground: Any, flavour: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = ground.trader(flavour, path=path)
    gone, other = quoted(first)[:2]
    first.lift(gone)
    first.lift(other)
    resting = first.rest(gone), first.rest(other)
    before = facts(first)
    end(first)
    forget(ground, gone)
    again = opened(ground, flavour, path)
    with caplog.at_level(logging.WARNING):
        assert facts(again) == before
    [told] = [x for x in caplog.messages if gone.market_id in x and "no more" in x]
    assert "its orders are canceled" in told
    ended, still = (again.fetch_order(x.order_id) for x in resting)
    assert (ended.status, still.is_open) == (OrderStatus.CANCELED, True)
    assert again.fetch_order(resting[0].order_id).filled == 0
    # Nothing is traded there, and everything elsewhere.
    with pytest.raises(MarketNotFound):
        again.rest(gone)
    assert again.lift(other).filled > 0
    assert not again.cancel_order(still.order_id).is_open
    balance = again.fetch_balance()
    assert balance.available == balance.total
    end(again)
    assert facts(opened(ground, flavour, path))[2] == balance.total


def test_a_market_that_is_gone_while_the_account_is_used_closes_nothing(
    ground: Any, flavour: str
) -> None:
    trader = ground.trader(flavour)
    gone, other = quoted(trader)[:2]
    trader.lift(gone)
    resting = trader.rest(gone)
    before = facts(trader)
    forget(ground, gone)
    ground.clock.advance(MINUTE)
    assert facts(trader) == before
    assert trader.fetch_order(resting.order_id).status is OrderStatus.CANCELED
    assert trader.lift(other).filled > 0


def test_a_market_that_comes_back_is_traded_again_and_pays(
    ground: Any, flavour: str, path: Path
) -> None:
    first = ground.trader(flavour, path=path)
    market = quoted(first)[0]
    first.lift(market)
    end(first)
    catalog = ground.venue.server.catalog
    listed = catalog.markets[market.market_id]
    forget(ground, market)
    again = opened(ground, flavour, path)
    assert len(again.fetch_positions()) == 1
    if ground.source == "kalshi":
        catalog.markets[market.market_id] = listed
    else:
        catalog.add_market(listed)
    assert again.lift(market).filled > 0
    engine = ground.venue.server.engine
    engine.determine(market.market_id, Decimal(1))
    if ground.source == "kalshi":
        engine.settle(market.market_id)
    ground.clock.advance(2 * MINUTE)
    assert again.fetch_positions() == []
    assert len(again.fetch_settlements()) == 1


# -- what a start asks for --------------------------------------------------------------


def test_a_start_asks_nothing_of_markets_in_which_nothing_is_held_or_open(
    ground: Any, flavour: str, path: Path
) -> None:
    first = ground.trader(flavour, path=path)
    markets = quoted(first)[:4]
    for market in markets:
        first.cancel_order(first.rest(market).order_id)
    cash = first.fetch_balance().total
    end(first)
    again = opened(ground, flavour, path)
    assert again.fetch_balance().total == cash
    assert len(again.fetch_orders()) == len(markets)
    assert again.fetch_positions() == []
    assert again.transport.requests == []
    # They are as they are now once they are traded again.
    assert again.lift(markets[0]).filled > 0


def test_a_start_asks_once_for_what_is_held_and_for_fees_of_what_rests(
    ground: Any, flavour: str, path: Path
) -> None:
    first = ground.trader(flavour, path=path)
    held, resting, idle = quoted(first)[:3]
    first.lift(held)
    first.rest(resting)
    first.cancel_order(first.rest(idle).order_id)
    end(first)
    again = opened(ground, flavour, path)
    again.fetch_balance()
    assert asked(again, held) == 1
    assert asked(again, resting) > 1
    assert asked(again, idle) == 0


def test_all_that_is_held_is_read_in_few_requests_and_the_same_of_what_is_gone(
    ground: Any, flavour: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = ground.trader(flavour, path=path)
    markets = quoted(first)[:7]
    for market in markets:
        first.lift(market)
    gone = markets[3]
    before = facts(first)
    end(first)
    again = opened(ground, flavour, path)
    again.fetch_balance()
    assert len(again.transport.requests) == 1
    assert facts(again) == before
    forget(ground, gone)
    for _ in range(2):
        ground.clock.advance(MINUTE)
        count = len(again.transport.requests)
        again.fetch_balance()
        # All are listed, the rest among what has ended; and both again for the one alone.
        assert len(again.transport.requests) - count == 4
    assert facts(again) == before
    assert sum("is traded no more" in x for x in caplog.messages) == 1
    with pytest.raises(MarketNotFound):
        again.rest(gone)
    end(again)


def test_one_held_market_that_cannot_be_read_leaves_the_others_as_they_are(
    ground: Any, flavour: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = ground.trader(flavour, path=path)
    markets = quoted(first)[:4]
    for market in markets:
        first.lift(market)
    before = facts(first)
    end(first)
    odd = markets[1]
    spoil(ground, odd)
    again = opened(ground, flavour, path)
    assert facts(again) == before
    [told] = [x for x in caplog.messages if "is traded no more" in x]
    assert odd.market_id in told
    assert again.lift(markets[0]).filled > 0
    end(again)


def test_what_is_kept_of_a_market_is_enough_for_lists_of_what_was_done(
    ground: Any, flavour: str, path: Path
) -> None:
    first = ground.trader(flavour, path=path)
    market = quoted(first)[0]
    first.cancel_order(first.rest(market).order_id)
    end(first)
    again = opened(ground, flavour, path)
    label = market.outcomes[0].label
    [found] = again.fetch_orders(market_id=market.market_id, outcome=label)
    assert (found.price, found.outcome) == (market.grid.lowest, label)
    assert again.transport.requests == []
    assert len(again.fetch_orders(event_id=market.event_id)) == 1
    kept = again.exchange.venue.broker.market(market.market_id)
    for name in ("event_id", "outcomes", "lot", "minimum_size", "cost_step", "grid"):
        assert getattr(kept, name) == getattr(market, name)


def test_an_order_on_its_way_to_a_market_that_is_gone_does_not_arrive(
    ground: Any, flavour: str, path: Path
) -> None:
    slow = Delays(order=2_000_000_000)
    first = ground.trader(flavour, path=path, delays=slow)
    gone, other = quoted(first)[:2]
    resting = first.rest(gone), first.rest(other)
    broker = first.exchange.venue.broker
    sent = [
        broker.place(x.market_id, x.outcomes[0].label, "buy", x.grid.lowest, size)
        for size in [first.units(5)]
        for x in (other, gone, other)
    ]
    broker.keep()
    end(first)
    assert sum(kind == "command" for kind, _ in left(path, path.parent)) == len(sent)
    forget(ground, gone)
    ground.clock.advance(MINUTE)
    again = opened(ground, flavour, path)
    still = [x.order_id for x in again.fetch_open_orders()]
    assert still == [sent[2], sent[0], resting[1].order_id]
    assert again.fetch_order(resting[0].order_id).status is OrderStatus.CANCELED
