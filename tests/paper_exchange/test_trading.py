"""Orders on paper over the simulated venues: what they meet, and what is never sent."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from unified_exchanges import (
    BadRequest,
    GuardPolicy,
    GuardTripped,
    Halted,
    InsufficientFunds,
    InvalidOrder,
    JournalError,
    OrderRejected,
    ReadOnly,
)
from unified_exchanges.money import EXACT, total
from unified_exchanges.paper import Delays
from unified_exchanges.testing.conformance import Trader

GROUNDS = [KalshiPaper, PolymarketPaper]
FLAVOURS = ["blocking", "async"]
SECOND = 1_000_000_000


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def trader(flavour: str, ground: Any) -> Trader:
    made: Trader = ground.trader(flavour)
    return made


def _cash_is_conserved(trader: Trader, begun: str = "10000") -> None:
    paid = total(EXACT.subtract(x.proceeds, x.fee) for x in trader.fetch_fills())
    assert trader.fetch_balance().total == EXACT.add(Decimal(begun), paid)


class TestPreviews:
    def test_a_preview_says_what_the_order_then_takes(self, trader: Trader) -> None:
        market = trader.quoted_market()
        terms = (market.market_id, market.outcomes[0].label)
        asked = (*terms, "buy", market.ask, trader.units(1))
        preview = trader.preview_order(*asked)
        made = trader.create_order(*asked, time_in_force="ioc")
        assert made.filled == trader.units(1)
        taken = EXACT.subtract(Decimal(10000), trader.fetch_balance().total)
        assert made.fee is not None
        assert taken == EXACT.add(preview.cost, made.fee)
        assert preview.fee >= made.fee
        assert preview.headers == {}

    def test_what_only_closes_costs_nothing(self, trader: Trader) -> None:
        market = trader.quoted_market()
        bought = trader.lift(market)
        lowest = market.grid.lowest
        sale = trader.preview_order(
            market.market_id, bought.outcome, "sell", lowest, bought.filled
        )
        assert sale.cost == 0

    def test_a_guard_refuses_a_preview_as_it_would_the_order(self, ground: Any) -> None:
        guards = GuardPolicy(max_order_cost=Decimal("0.01"))
        trader = ground.trader("blocking", guards=guards)
        market = trader.quoted_market()
        label = market.outcomes[0].label
        with pytest.raises(GuardTripped):
            trader.preview_order(
                market.market_id, label, "buy", market.ask, trader.units(4)
            )


class TestNothingIsSent:
    def test_no_write_of_a_whole_life_reaches_the_source(self, trader: Trader) -> None:
        market = trader.quoted_market()
        resting = trader.rest(market)
        trader.lift(market)
        trader.edit_order(resting.order_id, size=trader.units(6))
        trader.cancel_order(resting.order_id)
        trader.rest(market)
        trader.cancel_orders([trader.rest(market).order_id])
        trader.cancel_all_orders()
        trader.close_position(market.market_id, price=market.grid.lowest)
        assert trader.fetch_positions() == []
        assert trader.transport.requests
        assert trader.writes == []

    def test_a_raw_write_is_refused_and_not_sent(self, trader: Trader) -> None:
        with pytest.raises(ReadOnly, match="nothing is written"):
            trader.request("POST", trader.ground.raw_path, body={"a": 1})
        assert trader.writes == []

    def test_a_write_that_a_flow_would_make_meets_the_fence(
        self, trader: Trader
    ) -> None:
        source = trader.exchange.venue.source
        call = source.write("POST", trader.ground.raw_path, {}, about="a slip", items=1)
        with pytest.raises(ReadOnly, match="was not sent"):
            trader.do(lambda: trader.exchange._driver.run(source.send(call)))
        assert trader.writes == []

    def test_the_source_shows_no_order_of_ours(self, trader: Trader) -> None:
        market = trader.quoted_market()
        before = trader.book(market)
        trader.rest(market, outcome=market.outcomes[0].label)
        assert trader.book(market).bids == before.bids

    @pytest.mark.parametrize("source", ["kalshi", "polymarket"])
    def test_no_key_is_needed(self, source: str) -> None:
        ground = KalshiPaper() if source == "kalshi" else PolymarketPaper()
        keyless = Trader("blocking", ground, {"environment": "local"})
        market = keyless.quoted_market()
        assert keyless.lift(market).filled == keyless.units(2)
        assert keyless.fetch_positions()[0].size == keyless.units(2)


class TestChanges:
    def test_a_change_that_finds_an_order_ended_lets_the_tracker_know(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        resting = trader.rest(market)
        # As if a fill, or the end, had been told to nobody.
        trader.exchange.venue.broker.cancel(resting.order_id)
        with pytest.raises(InvalidOrder, match="could not be changed"):
            trader.edit_order(resting.order_id, size=trader.units(6))
        found = trader.exchange.orders.find(order_id=resting.order_id)
        assert (found.state, found.at_risk) == ("canceled", 0)

    def test_a_change_beyond_the_cash_is_refused_and_the_order_stays(
        self, ground: Any, flavour: str
    ) -> None:
        trader = ground.trader(flavour, cash=5)
        market = trader.quoted_market()
        resting = trader.rest(market)
        with pytest.raises(InsufficientFunds, match="not enough cash"):
            trader.edit_order(resting.order_id, size=100_000)
        found = trader.fetch_order(resting.order_id)
        assert found.is_open
        assert (found.size, found.price) == (resting.size, resting.price)
        assert [x.order_id for x in trader.fetch_open_orders()] == [resting.order_id]

    def test_a_change_that_post_only_forbids_is_refused_and_the_order_stays(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        label, lowest = market.outcomes[0].label, market.grid.lowest
        resting = trader.create_order(
            market.market_id, label, "buy", lowest, trader.units(4), post_only=True
        )
        with pytest.raises(OrderRejected, match="post_only"):
            trader.edit_order(resting.order_id, outcome=label, price=market.ask)
        found = trader.fetch_order(resting.order_id)
        assert (found.is_open, found.price) == (True, lowest)
        assert trader.edit_order(resting.order_id, size=trader.units(2)).is_open


class TestMoney:
    def test_cash_moves_by_prices_and_fees_exactly(self, trader: Trader) -> None:
        market = trader.quoted_market()
        trader.lift(market, trader.units(4))
        best = trader.book(market).bid
        assert best is not None
        trader.create_order(
            market.market_id,
            market.outcomes[0].label,
            "sell",
            best.price,
            trader.units(2),
            time_in_force="ioc",
        )
        assert len(trader.fetch_fills()) == 2
        _cash_is_conserved(trader)

    def test_a_fee_is_that_of_the_source(self, trader: Trader) -> None:
        market = trader.quoted_market()
        trader.lift(market)
        [fill] = trader.fetch_fills()
        asked = trader.estimate_fee(
            market.market_id, fill.outcome, fill.side, fill.price, fill.size
        )
        assert fill.fee == asked > 0

    def test_what_rests_is_held_back(self, trader: Trader) -> None:
        market = trader.quoted_market()
        price, size = market.grid.lowest, trader.units(5)
        trader.rest(market)
        balance = trader.fetch_balance()
        assert balance.total == Decimal(10000)
        assert balance.available == EXACT.subtract(
            balance.total, EXACT.multiply(price, size)
        )

    def test_an_order_above_the_cash_is_refused_and_leaves_no_trace(
        self, ground: Any
    ) -> None:
        poor = ground.trader("blocking", cash="1")
        market = poor.quoted_market()
        with pytest.raises(InsufficientFunds):
            poor.lift(market, poor.units(9), client_order_id="mine")
        assert poor.fetch_orders() == []
        assert poor.rest(market, client_order_id="mine").is_open


class TestQueue:
    def test_what_was_taken_is_not_there_a_second_time(self, trader: Trader) -> None:
        market = trader.quoted_market()
        best = trader.book(market).ask
        assert best is not None
        size = best.size // trader.ground.unit * trader.ground.unit
        first = trader.lift(market, size)
        second = trader.lift(market, size)
        assert first.filled == size
        assert second.filled <= best.size - size

    def test_a_halt_cancels_what_is_on_paper_and_lets_nothing_more_through(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        order = trader.rest(market)
        report = trader.halt("enough")
        assert [x.order_id for x in report.canceled] == [order.order_id]
        with pytest.raises(Halted):
            trader.rest(market)


class TestSettlement:
    def test_fault_29_a_market_that_settles_pays_what_is_held(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.lift(market)
        resting = trader.rest(market)
        engine = trader.ground.venue.server.engine
        before = trader.fetch_balance().total
        engine.determine(market.market_id, Decimal(1))
        if trader.ground.source == "kalshi":
            engine.settle(market.market_id)
        trader.ground.clock.advance(120)
        assert trader.fetch_positions() == []
        [paid] = trader.fetch_settlements()
        assert (paid.value, paid.payout) == (1, trader.units(2))
        assert trader.fetch_balance().total == before + trader.units(2)
        assert not trader.fetch_order(resting.order_id).is_open


class TestDelays:
    def test_an_order_takes_its_time_and_meets_the_book_of_then(
        self, ground: Any
    ) -> None:
        slow = ground.trader("blocking", delays=Delays(order=2 * SECOND))
        before = ground.clock.now()
        order = slow.lift(slow.quoted_market())
        assert ground.clock.now() - before == pytest.approx(2)
        assert order.filled == slow.units(2)

    def test_a_cancel_takes_its_time(self, ground: Any) -> None:
        slow = ground.trader("blocking", delays=Delays(order=2 * SECOND))
        order = slow.rest(slow.quoted_market())
        before = ground.clock.now()
        assert not slow.cancel_order(order.order_id).is_open
        assert ground.clock.now() - before == pytest.approx(2)

    @pytest.mark.parametrize("flavour", ["blocking", "async"])
    def test_an_answer_has_the_way_back_and_market_data_has_not(
        self, ground: Any, flavour: str
    ) -> None:
        way = Delays(order=2 * SECOND, event=3 * SECOND)
        slow = ground.trader(flavour, delays=way)
        before = ground.clock.now()
        market = slow.quoted_market()
        assert slow.book(market).ask is not None
        assert ground.clock.now() == pytest.approx(before)
        slow.lift(market)
        assert ground.clock.now() - before == pytest.approx(5)
        [fill] = slow.fetch_fills(market_id=market.market_id)
        assert fill.created_at.timestamp() - before == pytest.approx(2)


class TestState:
    def test_a_restart_goes_on_to_the_last_digit(
        self, ground: Any, tmp_path: Path
    ) -> None:
        path = tmp_path / "paper.db"
        first = ground.trader("blocking", path=path)
        market = first.quoted_market()
        first.lift(market)
        resting = first.rest(market, client_order_id="mine")
        seen = _account(first)
        first.close()
        ground._broker = None
        second = ground.trader("blocking", path=path)
        assert _account(second) == seen
        found = second.fetch_order(client_order_id="mine")
        assert (found.order_id, found.is_open) == (resting.order_id, True)
        assert not second.cancel_order(found.order_id).is_open
        another = second.lift(market)
        assert another.order_id not in {x for x, *_ in seen[0]}

    def test_a_file_that_is_no_state_is_named_and_left_as_it_is(
        self, ground: Any, tmp_path: Path
    ) -> None:
        path = tmp_path / "paper.db"
        path.write_text('{"version": 99}')
        trader = ground.trader("blocking", path=path)
        with pytest.raises(
            BadRequest, match=r"paper\.db is no state .* not a database"
        ):
            trader.fetch_balance()
        trader.close()
        assert path.read_text() == '{"version": 99}'

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ("DELETE FROM kept WHERE kind = 'account'", "no account in it"),
            ("DELETE FROM kept WHERE kind = 'news'", "its fills come to"),
            ("UPDATE kept SET told = '[]' WHERE kind = 'order'", "TypeError"),
            ("UPDATE kept SET told = '{' WHERE kind = 'account'", "line 1"),
            ("DROP TABLE kept", "no such table"),
        ],
    )
    def test_a_state_that_was_tampered_with_is_refused(
        self, ground: Any, tmp_path: Path, change: str, said: str
    ) -> None:
        path = tmp_path / "paper.db"
        trader = ground.trader("blocking", path=path)
        trader.lift(trader.quoted_market())
        trader.close()
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(change)
        ground._broker = None
        again = ground.trader("blocking", path=path)
        with pytest.raises((BadRequest, JournalError), match=rf"paper\.db .*{said}"):
            again.fetch_balance()
        again.close()

    def test_an_exchange_that_did_nothing_writes_nothing(
        self, ground: Any, tmp_path: Path
    ) -> None:
        path = tmp_path / "paper.db"
        trader = ground.trader("blocking", path=path)
        trader.fetch_balance()
        trader.close()
        assert not path.exists()


def _account(trader: Trader) -> tuple[Any, ...]:
    """All that an account is, as texts."""
    orders = [
        (x.order_id, x.client_order_id, str(x.status), x.filled, x.remaining, x.fee)
        for x in trader.fetch_orders()
    ]
    fills = [x.to_dict() for x in trader.fetch_fills()]
    balance = trader.fetch_balance()
    held = [(x.outcome, x.size, x.cost, x.fees_paid) for x in trader.fetch_positions()]
    return orders, fills, balance.available, balance.total, held


def test_the_journal_of_a_real_account_is_not_that_of_paper(ground: Any) -> None:
    account = ground.trader("blocking").exchange.venue.account
    assert account.venue == "paper"
