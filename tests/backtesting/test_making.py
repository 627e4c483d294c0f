"""A maker in a queue of a simulated venue: live and recorded, replayed, and backtested."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    Fill,
    Liquidity,
    Order,
    OrderBook,
    RequestTimeout,
    async_exchange,
    exchange,
)
from unified_exchanges.backtesting import Report, backtest
from unified_exchanges.models import Subject
from unified_exchanges.paper import Contract
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.orders import Owner, Side, Ticket
from unified_exchanges.strategies import (
    Desk,
    Place,
    RunReport,
    Strategy,
    async_contract_of,
    async_run,
    contract_of,
    run,
)

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, in_force, stage
from ..replaying.streaming import drained, replayed, venues_own

_BEAT = timedelta(milliseconds=10)


class Crowd:
    """Others, who trade at the venue itself, a step at a time.

    They join the queues behind our orders, and trade through them: our first bid fills in two
    parts, our offer whole, our second bid in part.
    """

    def __init__(self, at: Stage, market_id: str) -> None:
        self._at, self._market_id = at, market_id
        self._engine = at.simulated.engine
        with at.server.lock:
            shard = self._engine.market(market_id).shard
            for name in ("joiner", "taker"):
                self._engine.open_account(name)
                self._engine.deposit(Owner(name), Decimal(100_000), shard=shard)
            self._bid = self._engine.best(market_id, "bid")
            self._ask = self._engine.best(market_id, "ask")
        self.traded = Decimal(0)
        """Contracts that were traded in what they did."""
        self._steps = iter([self.first, self.second, self.third, self.fourth])

    def step(self) -> bool:
        """Do what comes next; False if there is nothing more."""
        act = next(self._steps, None)
        if act is None:
            return False
        with self._at.server.lock:
            act()
        return True

    def first(self) -> None:
        self._send("joiner", "bid", self._bid.price, Decimal(40))
        self._send("taker", "ask", self._bid.price, self._bid.size + 12)

    def second(self) -> None:
        self._send("taker", "ask", self._bid.price, Decimal(18))

    def third(self) -> None:
        self._send("joiner", "ask", self._ask.price, Decimal(40))
        self._send("taker", "bid", self._ask.price, self._ask.size + 30)

    def fourth(self) -> None:
        self._send("taker", "ask", self._bid.price, Decimal(44))

    def _send(self, who: str, side: Side, price: Decimal, size: Decimal) -> None:
        ticket = Ticket(
            market_id=self._market_id,
            owner=Owner(who),
            side=side,
            price=price,
            size=size,
            time_in_force="ioc" if who == "taker" else "gtc",
        )
        self.traded += self._engine.place(ticket).filled


class Maker(Strategy):
    """Bids 30 behind the best bid, offers what it got, bids again, and cancels."""

    subjects = (Subject.ORDER_BOOK, Subject.TRADES)

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.first: OrderBook | None = None
        self.keys: list[str] = []
        self.filled: defaultdict[str, Decimal] = defaultdict(Decimal)

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.first is None:
            self.first = book
            self.quote(desk, "buy", 30)

    def quote(self, desk: Desk, side: str, size: int) -> None:
        assert self.first is not None
        level = self.first.bid if side == "buy" else self.first.ask
        assert level is not None
        terms = (self.first.market_id, self.first.outcome, side, level.price, size)
        self.keys.append(desk.place(*terms, post_only=True))

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        key = fill.client_order_id or ""
        self.filled[key] += fill.size
        if len(self.keys) == 3:
            desk.cancel(key)
        elif self.filled[key] == 30:
            self.quote(desk, *(("sell", 30) if len(self.keys) == 1 else ("buy", 25)))


class Among(Maker):
    """The same among others, who act once each order of ours rests, or was filled in part.

    It begins once the account was read: a read tells of a fill in other words than the
    stream, and which of the two came first to the run is in no recording.
    """

    def __init__(self, name: str, crowd: Crowd, is_live: Callable[[], bool]) -> None:
        super().__init__(name)
        self.crowd = crowd
        self.is_live = is_live
        self.begun: set[str] = set()

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.first is None:
            self.first = book
            desk.timer("begin", _BEAT)

    def on_order(self, desk: Desk, order: Order) -> None:
        key = order.client_order_id or ""
        if order.is_open and key not in self.begun:
            self.begun.add(key)
            self.crowd.step()
        elif order.status == "canceled":
            # A beat, so that all that was told is recorded.
            desk.timer("enough", 20 * _BEAT)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        super().on_fill(desk, fill)
        if len(self.keys) == 1:
            self.crowd.step()

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
        elif self.is_live():
            self.quote(desk, "buy", 30)
        else:
            desk.timer("begin", _BEAT)


def live(flavour: str, at: Stage, path: Path, **how: Any) -> tuple[RunReport, Contract]:
    """The maker among others, recorded by itself."""
    if flavour == "blocking":
        with exchange(at.venue, **at.account, **how) as ex, Recorder(ex, path):
            contract = quoted(ex)
            name = contract.market_id
            among = Among(
                name, Crowd(at, name), lambda: ex.stream_health().state == "live"
            )
            return run(among, ex, seconds=30), contract

    async def go() -> tuple[RunReport, Contract]:
        with exchange(at.venue, **at.account) as ex:
            name = quoted(ex).market_id
        async with (
            async_exchange(at.venue, **at.account, **how) as ex,
            Recorder(ex, path),
        ):
            contract = await async_contract_of(ex, name)
            among = Among(
                name, Crowd(at, name), lambda: ex.stream_health().state == "live"
            )
            return await async_run(among, ex, seconds=30), contract

    return asyncio.run(go())


def quoted(ex: Any) -> Contract:
    """A market with room on both sides; on Kalshi one that charges makers."""
    for market in ex.fetch_markets(limit=100):
        if market.bid and market.ask and market.bid > market.grid.lowest:
            contract = contract_of(ex, market.market_id)
            label = market.outcomes[0].label
            fee = contract.fees.fee(label, "buy", market.bid, Decimal(30), maker=True)
            if fee or market.venue == "polymarket":
                return contract
    raise AssertionError


def watched(at: Stage, name: str, path: Path) -> None:
    """The same others where the maker is not there, recorded by one who only looks."""
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        contract_of(ex, name)
        books, trades = ex.watch_order_book(name), ex.watch_trades(name)
        in_force(ex)
        books.next(timeout=30)
        crowd, told = Crowd(at, name), Decimal(0)
        while True:
            # Of a trade of the millisecond in which an order of a backtest arrives, by what
            # was told before, nobody knows that it came later.
            with suppress(RequestTimeout):
                while True:
                    books.next(timeout=0.1)
            if not crowd.step():
                return
            while told < crowd.traded:
                told += trades.next(timeout=30).size


def decided(report: Report | RunReport) -> list[tuple[Any, ...]]:
    """What was decided, without when and under which key."""
    return [
        (x.outcome, x.side, x.price, x.size) if isinstance(x, Place) else (type(x),)
        for x in report.decisions
    ]


def filled(fills: tuple[Fill, ...]) -> list[tuple[Any, ...]]:
    return [
        (x.outcome, x.side, x.price, x.size, x.fee, x.liquidity, x.client_order_id)
        for x in map(_plain, fills)
    ]


def _plain(fill: Fill) -> Fill:
    key = (fill.client_order_id or "").rpartition("-")[2]
    return attrs.evolve(fill, client_order_id=key)


def cash_before(report: RunReport) -> Decimal:
    return report.cash - sum(x.proceeds - x.fee for x in report.fills)


def all_fills(ex: Any) -> Any:
    """What of our orders is told to have filled, to the end of the recording."""
    return (yield drained(ex.watch_fills()))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_filled_in_a_queue_fills_the_same_replayed_and_backtested(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "maker.jsonl"
    with stage(venue) as at:
        real, contract = live(flavour, at, path)
    name = contract.market_id
    assert [x.size for x in real.fills] == [12, 18, 30, 4]
    assert {x.liquidity for x in real.fills} == {Liquidity.MAKER}
    tested = backtest(Maker(name), path, contracts=[contract], cash=cash_before(real))
    assert tested.failures == real.failures == ()
    assert decided(tested) == decided(real)
    assert filled(tested.fills) == filled(real.fills)
    assert tested.cash == real.cash
    for other in FLAVOURS:
        told = replayed(other, all_fills, path)
        assert venues_own(told) == venues_own(list(real.fills))


@pytest.mark.parametrize("venue", VENUES)
def test_what_others_recorded_fills_the_same_until_an_order_follows_a_fill(
    venue: str, tmp_path: Path
) -> None:
    with stage(venue) as at:
        real, contract = live("blocking", at, tmp_path / "maker.jsonl")
    path = tmp_path / "others.jsonl"
    with stage(venue) as at:
        watched(at, contract.market_id, path)
    tested = backtest(
        Maker(contract.market_id), path, contracts=[contract], cash=cash_before(real)
    )
    # Whom our first bid left standing is before the second, live and not in the recording;
    # its queue is not passed here, as what takers do not find they are not told to want.
    assert [x.size for x in tested.fills] == [12, 18, 30]
    assert filled(tested.fills) == filled(real.fills)[:3]
    assert decided(tested) == decided(real)[:3]
