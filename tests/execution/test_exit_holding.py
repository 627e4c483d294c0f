"""An exit sells what is held and free, on both venues, and says what it could not."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.execution.test_exiting import FREE, Life, Store
from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import DuplicateOrderId
from unified_exchanges.execution import ExitPlan, ExitRecord, ExitState
from unified_exchanges.execution.exiting import Exiting
from unified_exchanges.execution.holding import read_holding
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market, OrderBook
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.testing.conformance.ground import Ground

D = Decimal
SIZE = 10


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["kalshi", "polymarket"])
def ground(request: pytest.FixtureRequest) -> Ground:
    made: Ground
    if request.param == "kalshi":
        made = KalshiGround(enforce_limits=False)
    else:
        made = PolymarketGround()
        # What it sells is final at once: how it waits for that is told elsewhere.
        times = made.polymarket.settings
        times.mined = times.confirmed = 0.0
    made.clock.advance(60)
    return made


@pytest.fixture
def trader(ground: Ground, flavour: str) -> Trader:
    return ground.trader(flavour, limits=FREE)


@pytest.fixture
def market(trader: Trader) -> Market:
    """A market of which 10 contracts are held."""
    found = trader.quoted_market()
    assert buy(trader, found, SIZE) == SIZE
    return found


def label(market: Market) -> str:
    return market.outcomes[0].label


def buy(trader: Trader, market: Market, size: int) -> Decimal:
    ask = trader.fetch_order_book(market.market_id, outcome=label(market)).ask
    order = trader.create_order(
        market.market_id, label(market), "buy", ask.price, size, time_in_force="ioc"
    )
    filled: Decimal = order.filled
    return filled


def book_of(trader: Trader, market: Market) -> OrderBook:
    found: OrderBook = trader.fetch_order_book(market.market_id, outcome=label(market))
    return found


def plan_for(trader: Trader, market: Market, **fields: Any) -> ExitPlan:
    """An exit that the book as it is sets off, at any price."""
    bid = book_of(trader, market).bid
    assert bid is not None
    made: dict[str, Any] = {
        "name": "exit",
        "market_id": market.market_id,
        "outcome": label(market),
        "size": SIZE,
        "stop_loss": bid.price,
        "max_slippage": bid.price - market.grid.lowest,
        **fields,
    }
    return ExitPlan(**made)


def sell(trader: Trader, market: Market, size: int, price: Any) -> Any:
    return trader.create_order(market.market_id, label(market), "sell", price, size)


def sell_by_hand(trader: Trader, market: Market, size: int) -> None:
    bid = book_of(trader, market).bid
    assert bid is not None
    sold = trader.create_order(
        market.market_id,
        label(market),
        "sell",
        bid.price,
        size,
        time_in_force="ioc",
        reduce_only=True,
    )
    assert sold.filled == size


def held(trader: Trader, market: Market) -> Decimal:
    venue = trader.exchange.venue
    found = trader.exchange.run(venue.held_now(market.market_id, {}))
    if trader.is_async:
        found = asyncio.run(found)
    return sum((size for _, size in found), D(0))


def creates(trader: Trader) -> int:
    return len([x for x in trader.writes if x.method == "POST"])


def until_over(life: Life, seconds: int = 60) -> ExitRecord:
    """A busy book: ten frames a second."""
    record = life.exiting.record
    for _ in range(seconds * 10):
        record = life.saw(book_of(life.trader, life.market))  # type: ignore[attr-defined]
        if record.is_over:
            return record
        life.trader.ground.clock.advance(0.1)
    return record


def life_of(trader: Trader, market: Market, **fields: Any) -> Life:
    life = Life(trader, plan_for(trader, market, **fields), Store())
    life.market = market  # type: ignore[attr-defined]
    life.begin()
    return life


# -- what is held ----------------------------------------------------------------------


def test_what_was_sold_by_hand_is_not_sold_again(
    trader: Trader, market: Market
) -> None:
    life = life_of(trader, market)
    sell_by_hand(trader, market, 4)
    record = until_over(life)
    assert (record.state, record.size, record.filled) == (ExitState.GONE, 6, 6)
    assert (record.remaining, record.unfilled) == (4, 0)
    assert "6 sold, which is all that was held and free" in str(record)
    assert held(trader, market) == 0


def test_a_position_that_is_gone_ends_it_without_an_order(
    trader: Trader, market: Market
) -> None:
    life = life_of(trader, market)
    sell_by_hand(trader, market, SIZE)
    assert held(trader, market) == 0
    count = creates(trader)
    record = until_over(life)
    assert (record.state, record.size, record.order_id) == (ExitState.GONE, None, None)
    assert "nothing of it is held any more" in str(record)
    assert creates(trader) == count
    assert Life(trader, life.exiting.record.plan, Store()).begin().state is not None
    assert held(trader, market) == 0


def test_shares_that_are_shown_late_do_not_end_it(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    if trader.exchange.id != "polymarket":
        pytest.skip("reads of Kalshi tell how late they are")
    life = life_of(trader, market)
    venue: Any = trader.ground.venue
    serving = venue.server

    class Late:
        """The venue as before the purchase was settled."""

        def handle(self, request: Request, **more: Any) -> Response:
            answer: Response = serving.handle(request, **more)
            if not request.url.endswith(("/balance-allowance", "/positions")):
                return answer
            none = rb'"\1":"0"'
            body = re.sub(rb'"(balance|current_size)": ?"?[\d.]+"?', none, answer.body)
            return attrs.evolve(answer, body=body)

    venue.server = Late()
    for _ in range(5):
        assert life.saw(book_of(trader, market)).state is ExitState.ARMED
        trader.ground.clock.advance(1)
    venue.server = serving
    record = until_over(life)
    assert (record.state, record.filled) == (ExitState.FILLED, SIZE)


# -- what is free ----------------------------------------------------------------------


def test_what_rests_is_told_and_waited_for_and_then_all_of_it_is_sold(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    resting = sell(trader, market, SIZE, market.grid.highest)
    life = life_of(trader, market)
    count = creates(trader)
    if trader.exchange.id == "kalshi":
        # A resting order locks nothing there.
        assert until_over(life).filled == SIZE
        return
    record = until_over(life, 30)
    assert (record.state, record.locked) == (ExitState.ARMED, SIZE)
    assert "10 could not be sold, since other orders of yours" in str(record)
    assert creates(trader) == count
    assert caplog.text.count("it sells nothing: orders of yours to sell 10 rest") == 1
    trader.cancel_order(resting.order_id)
    record = until_over(life)
    assert (record.state, record.size, record.filled) == (ExitState.FILLED, SIZE, SIZE)
    assert record.locked == 0


@pytest.mark.parametrize("known_by", ["order_id", "client_order_id"])
def test_the_exit_s_own_order_locks_nothing_against_itself(
    trader: Trader, market: Market, known_by: str
) -> None:
    record = ExitRecord(plan=plan_for(trader, market))
    top = market.grid.highest
    terms = market.market_id, label(market), "sell", top
    key = record.client_order_id if known_by == "client_order_id" else None
    own = trader.create_order(*terms, 5, client_order_id=key)
    if known_by == "order_id":
        record = attrs.evolve(record, order_id=own.order_id)
    other = trader.create_order(*terms, 5)
    found = trader.exchange.run(read_holding(trader.exchange.venue, record))
    holding = asyncio.run(found) if trader.is_async else found
    locks = trader.exchange.venue.first_outcome is None
    assert (holding.held, holding.locked) == (SIZE, other.size if locks else 0)


def test_what_is_free_is_sold_and_the_rest_is_told(
    trader: Trader, market: Market
) -> None:
    sell(trader, market, 5, market.grid.highest)
    record = until_over(life_of(trader, market))
    if trader.exchange.id == "kalshi":
        assert (record.state, record.filled) == (ExitState.FILLED, SIZE)
        return
    assert (record.state, record.filled, record.locked) == (ExitState.PARTIAL, 5, 5)
    assert "5 sold, 5 left; 5 could not be sold" in str(record)


# -- our own bid -----------------------------------------------------------------------


def own_bid(trader: Trader, market: Market) -> Any:
    book = book_of(trader, market)
    assert book.bid is not None
    price = book.bid.price + market.grid.step_at(book.bid.price)
    assert book.ask is not None
    assert price < book.ask.price
    return trader.create_order(market.market_id, label(market), "buy", price, SIZE)


@pytest.fixture
def wide(trader: Trader, market: Market) -> Market:
    """The same market with room between its best prices."""
    while True:
        book = book_of(trader, market)
        assert book.bid is not None
        assert book.ask is not None
        step = market.grid.step_at(book.bid.price)
        if book.ask.price - book.bid.price > step:
            return market
        trader.create_order(
            market.market_id,
            label(market),
            "buy",
            book.ask.price,
            book.ask.size,
        )


def test_it_does_not_sell_to_ourselves(
    trader: Trader, wide: Market, caplog: pytest.LogCaptureFixture
) -> None:
    bid = own_bid(trader, wide)
    plan = plan_for(trader, wide, stop_loss=None, take_profit=bid.price, max_slippage=0)
    life = Life(trader, plan, Store())
    life.begin()
    count = creates(trader)
    asked = len(trader.transport.requests)
    for _ in range(300):
        book = book_of(trader, wide)
        assert life.saw(book).state is ExitState.ARMED
        trader.ground.clock.advance(0.1)
    assert creates(trader) == count
    # Thirty seconds of a busy book cost a few reads, not one of each frame.
    assert len(trader.transport.requests) - asked - 300 < 40
    assert caplog.text.count("your own bid at") == 1


def test_it_sells_to_the_others_above_our_own_bid(trader: Trader, wide: Market) -> None:
    best = book_of(trader, wide).bid
    assert best is not None
    low = best.price - 3 * wide.grid.step_at(best.price)
    trader.create_order(wide.market_id, label(wide), "buy", low, SIZE)
    count = creates(trader)
    life = Life(trader, plan_for(trader, wide), Store())
    life.begin()
    record = life.saw(book_of(trader, wide))
    assert record.price is not None
    assert record.price > low
    assert (creates(trader), record.is_over, record.filled > 0) == (
        count + 1,
        True,
        True,
    )


# -- the key ---------------------------------------------------------------------------


def test_a_key_that_was_used_before_sells_nothing_more(
    trader: Trader, ground: Ground, market: Market
) -> None:
    """The journal of the exit is lost, that of its order is not."""
    life = life_of(trader, market)
    record = until_over(life)
    assert record.state is ExitState.FILLED
    buy(trader, market, SIZE)
    count = creates(trader)
    again = Life(trader, life.exiting.record.plan, Store())
    found = again.begin()
    if ground.exchange_id == "kalshi" or found.is_over:
        assert (found.state, found.order_id) == (ExitState.FILLED, record.order_id)
    assert creates(trader) == count
    assert again.saw(book_of(trader, market)).order_id == record.order_id
    assert held(trader, market) == SIZE


def test_a_key_of_another_order_is_refused_when_it_is_armed(
    trader: Trader, market: Market
) -> None:
    plan = plan_for(trader, market).check(market)
    key = ExitRecord(plan=plan).client_order_id
    ask = book_of(trader, market).ask
    assert ask is not None
    trader.create_order(
        market.market_id,
        label(market),
        "buy",
        ask.price,
        SIZE,
        time_in_force="ioc",
        client_order_id=key,
    )
    with pytest.raises(DuplicateOrderId, match="A new exit needs a new name"):
        Life(trader, plan, Store()).begin()


def test_a_lost_answer_is_looked_up_while_it_runs(
    trader: Trader, ground: Ground, market: Market
) -> None:
    life = life_of(trader, market)
    trader.suffer("lost after")
    trader.suffer("lost before", 99, reads=True, writes=False)
    record = life.saw(book_of_quietly(trader, market))
    trader.relieve()
    record = until_over(life)
    assert (record.state, record.filled) == (ExitState.FILLED, SIZE)
    assert held(trader, market) == 0


def book_of_quietly(trader: Trader, market: Market) -> OrderBook:
    trouble = list(trader.ground.venue.troubles)  # type: ignore[attr-defined]
    trader.relieve()
    book = book_of(trader, market)
    trader.ground.venue.troubles.extend(trouble)  # type: ignore[attr-defined]
    return book


def test_an_order_that_never_came_gives_way_to_other_terms_once_that_is_proven(
    trader: Trader, market: Market
) -> None:
    """Of one with other terms under its key nobody could tell which of them arrived."""
    life = life_of(trader, market)
    seen = book_of(trader, market)
    trader.suffer("lost before", 99)
    trader.suffer("lost before", 99, reads=True, writes=False)
    assert life.saw(seen).state is ExitState.SENDING
    trader.relieve()
    sell_by_hand(trader, market, 4)
    record = until_over(life, 120)
    assert (record.state, record.filled) == (ExitState.GONE, 6)
    assert held(trader, market) == 0


def test_of_two_who_run_one_exit_one_sells(
    trader: Trader, ground: Ground, market: Market, flavour: str, tmp_path: Path
) -> None:
    """Two objects on one file, one after the other at every book."""
    plan = plan_for(trader, market)
    store = Store()
    lives = []
    for _ in range(2):
        another = ground.trader(flavour, limits=FREE, journal=tmp_path / "orders.db")
        lives.append(Life(another, plan, store))
    for life in lives:
        life.begin()
    seen = book_of(trader, market)
    records = [life.saw(seen) for life in lives]
    assert records[0] == records[1]
    assert [creates(life.trader) for life in lives] == [1, 0]
    assert held(trader, market) == 0


def test_a_key_is_kept_by_the_file_for_whoever_comes_later(
    trader: Trader, ground: Ground, market: Market, flavour: str, tmp_path: Path
) -> None:
    """Its order was sent by another object, and nobody knows the exit any more."""
    plan = plan_for(trader, market)
    first = ground.trader(flavour, limits=FREE, journal=tmp_path / "orders.db")
    seen = book_of(trader, market)
    kept = Exiting(plan, first.exchange.placing)
    for step in (kept.begin, lambda venue: kept.saw(venue, seen)):
        done = first.exchange.run(step(first.exchange.venue))
        if first.is_async:
            asyncio.run(done)
    assert kept.record.state is ExitState.FILLED
    buy(trader, market, SIZE)
    later = ground.trader(flavour, limits=FREE, journal=tmp_path / "orders.db")
    with closing(sqlite3.connect(tmp_path / "orders.db")) as opened, opened:
        opened.execute("DELETE FROM texts")
    again = Exiting(plan, later.exchange.placing)
    done = later.exchange.run(again.begin(later.exchange.venue))
    if later.is_async:
        asyncio.run(done)
    assert (again.record.state, again.record.order_id) == (
        ExitState.FILLED,
        kept.record.order_id,
    )
    assert later.writes == []
    assert held(trader, market) == SIZE


def test_an_order_that_a_venue_holds_back_is_looked_up_until_it_has_ended(
    trader: Trader, ground: Ground, flavour: str
) -> None:
    """Polymarket delays what takes in some games: shown as open, then found."""
    if not isinstance(ground, PolymarketGround):
        pytest.skip("Kalshi delays nothing")
    listed = ground.polymarket.catalog.markets
    name = next(name for name, x in listed.items() if x.seconds_delay)
    market: Market = trader.fetch_market(name)
    buy(trader, market, SIZE)

    def pass_time() -> None:
        ground.clock.advance(0.5)
        ground.polymarket.advance()

    for _ in range(20):
        pass_time()
    life = life_of(trader, market)
    seen, count = book_of(trader, market), creates(trader)
    assert life.saw(seen).state is ExitState.SENDING
    record = life.exiting.record
    while not record.is_over:
        pass_time()
        record = life.saw(seen)
    assert (record.state, record.filled) == (ExitState.FILLED, SIZE)
    assert creates(trader) == count + 1
