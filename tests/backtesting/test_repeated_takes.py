"""Who takes several times from one level: live and recorded, backtested, and on paper again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Fill, OrderBook, async_exchange, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.backtesting.sweeping import sweep
from unified_exchanges.models import Subject
from unified_exchanges.paper import Contract, OwnTake
from unified_exchanges.recording import Recorder
from unified_exchanges.research import convert
from unified_exchanges.simulator.orders import Owner, Side, Ticket
from unified_exchanges.strategies import (
    Desk,
    Place,
    Strategy,
    async_run,
    contract_of,
    run,
    waiting,
)

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_proof import decided, filled

_BEAT = timedelta(milliseconds=150)


class Others:
    """Others at the venue itself: one takes of the level that is nibbled at, one joins it."""

    def __init__(self, at: Stage, name: str, outcome: int, price: Decimal) -> None:
        self._at, self._name = at, name
        self._engine = at.simulated.engine
        # For the second outcome what is offered is a bid for the first.
        self._price = 1 - price if outcome else price
        self._sides: tuple[Side, Side] = ("ask", "bid") if outcome else ("bid", "ask")
        with at.server.lock:
            shard = self._engine.market(name).shard
            for each in ("joiner", "taker"):
                self._engine.open_account(each)
                self._engine.deposit(Owner(each), Decimal(100_000), shard=shard)
        self._steps = iter([self._take, self._join])

    def step(self) -> None:
        with self._at.server.lock:
            next(self._steps)()

    def _take(self) -> None:
        assert self._send("taker", self._sides[0], 10, "ioc") == 10

    def _join(self) -> None:
        self.join(20)

    def join(self, size: int) -> None:
        assert self._send("joiner", self._sides[1], size, "gtc") == 0

    def _send(self, who: str, side: Side, size: int, how: Any) -> Decimal:
        ticket = Ticket(
            market_id=self._name,
            owner=Owner(who),
            side=side,
            price=self._price,
            size=Decimal(size),
            time_in_force=how,
        )
        return Decimal(self._engine.place(ticket).filled)


class Nibbler(Strategy):
    """Takes three tenths of the best offer, once more, and then all that is left of it."""

    subjects = (Subject.ORDER_BOOK, Subject.TRADES)

    def __init__(self, name: str, outcome: int) -> None:
        self.markets = [name]
        self.outcome = outcome
        self.first: OrderBook | None = None
        self.turns = 0
        self.meet: Callable[[OrderBook], Any] | None = None
        self.others: Any = None

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.first is not None:
            return
        outcome = desk.market(book.market_id).outcomes[self.outcome].label
        is_first = book.outcome == outcome
        self.first = book if is_first else book.complement(outcome)
        if self.meet is not None:
            self.others = self.meet(self.first)
        desk.timer("take", 2 * _BEAT)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "end":
            desk.stop()
        elif name == "others":
            if self.others is not None:
                self.others.step()
            desk.timer("take", _BEAT)
        else:
            self.take(desk)
            desk.timer("end" if self.turns == 3 else "others", _BEAT)

    def take(self, desk: Desk) -> None:
        assert self.first is not None
        assert self.first.ask is not None
        self.turns += 1
        price, size = self.first.ask.price, self.first.ask.size
        lot = desk.market(self.first.market_id).immediate_lot(price)
        part = size if self.turns == 3 else size * 3 / 10
        desk.place(
            self.first.market_id,
            self.first.outcome,
            "buy",
            price,
            part // lot * lot,
            time_in_force="ioc",
        )


class Eager(Nibbler):
    """The same at once, by the book that shows what it took before."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.first is None:
            super().on_book(desk, book)
            return
        mine = book
        if book.outcome != self.first.outcome:
            mine = book.complement(self.first.outcome)
        ask = mine.ask
        if ask is not None and self.turns < 3 and ask != self.first.ask:
            assert ask.size < self.first.ask.size  # type: ignore[union-attr]
            self.take(desk)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "end":
            desk.stop()
        else:
            self.take(desk)

    def take(self, desk: Desk) -> None:
        super().take(desk)
        if self.turns == 3:
            desk.timer("end", 4 * _BEAT)


def live(
    flavour: str,
    at: Stage,
    path: Path,
    kind: type[Nibbler],
    outcome: int,
    *,
    among: bool,
) -> tuple[Any, Contract]:
    with exchange(at.venue, **at.account) as ex:
        name = _quoted(ex)
        contract = contract_of(ex, name)
    strategy = kind(name, outcome)
    if among:
        strategy.meet = lambda book: Others(at, name, outcome, book.ask.price)  # type: ignore[union-attr]
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            contract_of(ex, name)
            return run(strategy, ex, seconds=30), contract

    async def go() -> Any:
        async with async_exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            await ex.fetch_market(name)
            return await async_run(strategy, ex, seconds=30)

    return asyncio.run(go()), contract


def _quoted(ex: Any) -> str:
    """A market of two outcomes with enough to take on both sides."""
    for market in ex.fetch_markets(limit=100):
        if market.bid and market.ask and not market.legs:
            book = ex.fetch_order_book(market.market_id)
            if min(book.bid.size, book.ask.size) >= 100:
                return str(market.market_id)
    raise AssertionError


def on_paper(flavour: str, path: Path, strategy: Nibbler, cash: Decimal) -> Any:
    how: dict[str, Any] = {"source": "replay", "path": path, "cash": cash}
    if flavour == "blocking":
        with exchange("paper", **how) as ex:
            return run(strategy, ex)

    async def go() -> Any:
        async with async_exchange("paper", **how) as ex:
            return await async_run(strategy, ex)

    return asyncio.run(go())


def sizes(report: Any, fills: tuple[Fill, ...]) -> list[Decimal]:
    """How much of each order filled, one after another."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        found[(fill.client_order_id or "").rpartition("-")[2]] += fill.size
    keys = [x.key for x in report.decisions if isinstance(x, Place)]
    return [found[key.rpartition("-")[2]] for key in keys]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine every strategy is slow for a moment.
    monkeypatch.setattr(waiting, "PATIENCE", 60.0)


@pytest.mark.parametrize("outcome", [0, 1])
@pytest.mark.parametrize("kind", [Nibbler, Eager])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_who_takes_several_times_from_a_level_alone_fills_the_same_again(
    venue: str, flavour: str, kind: type[Nibbler], outcome: int, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    with stage(venue) as at:
        real, contract = live(flavour, at, path, kind, outcome, among=False)
    name = contract.market_id
    cash = real.cash - sum(x.proceeds - x.fee for x in real.fills)
    assert real.failures == ()
    assert len(sizes(real, real.fills)) == 3
    assert min(sizes(real, real.fills)) > 0
    tested = backtest(kind(name, outcome), path, contracts=[contract], cash=cash)
    again = on_paper(flavour, path, kind(name, outcome), cash)
    for told, fills in ((tested, tested.fills), (again, again.fills)):
        assert decided(told.decisions) == decided(real.decisions)
        assert filled(fills) == filled(real.fills)
        assert told.cash == real.cash


@pytest.mark.parametrize("outcome", [0, 1])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_who_takes_several_times_from_a_level_among_others_fills_the_same_again(
    venue: str, flavour: str, outcome: int, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    with stage(venue) as at:
        real, contract = live(flavour, at, path, Nibbler, outcome, among=True)
    name = contract.market_id
    cash = real.cash - sum(x.proceeds - x.fee for x in real.fills)
    got = sizes(real, real.fills)
    # Others took ten and twenty have come.
    assert real.failures == ()
    assert got[2] > 20
    convert(path, tmp_path / "tables")
    again = on_paper(flavour, path, Nibbler(name, outcome), cash)
    assert sizes(again, again.fills) == got
    for source in (path, tmp_path / "tables"):
        strategy = Nibbler(name, outcome)
        tested = backtest(strategy, source, contracts=[contract], cash=cash)
        assert decided(tested.decisions) == decided(real.decisions)
        assert sizes(tested, tested.fills) == got
        [row] = sweep(
            Nibbler,
            {"name": [name], "outcome": [outcome]},
            source,
            contracts=[contract],
            cash=cash,
            workers=1,
        ).rows
        assert (row.fills, row.pnl) == (len(tested.fills), tested.pnl)
    told, stored = ([*events_of(x)] for x in (path, tmp_path / "tables"))
    assert [x for x in stored if not isinstance(x[1], OwnTake)] == [
        x for x in told if not isinstance(x[1], OwnTake)
    ]
    # It is told sooner from where the account is known to be followed.
    own = [[x for _, x in each if isinstance(x, OwnTake)] for each in (told, stored)]
    assert own[0] == own[1] != []


@pytest.mark.parametrize("venue", VENUES)
def test_what_a_strategy_did_not_take_itself_is_anothers(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    with stage(venue) as at:
        real, contract = live("blocking", at, path, Nibbler, 0, among=False)
    got = sizes(real, real.fills)

    class Late(Nibbler):
        """Passes over the first two."""

        def take(self, desk: Desk) -> None:
            if self.turns < 2:
                self.turns += 1
            else:
                super().take(desk)

    tested = backtest(Late(contract.market_id, 0), path, contracts=[contract])
    assert sum(isinstance(x, OwnTake) for _, x in events_of(path)) >= 3
    [found] = sizes(tested, tested.fills)
    # Where the trade is told after the book of its moment, it may still be to be shown.
    assert found == got[2] if venue == "kalshi" else 0 < found <= got[2]


class Most(Strategy):
    """Takes all but 25 of the best offer, and these by the very book that shows them."""

    subjects = (Subject.ORDER_BOOK, Subject.TRADES)

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.first: OrderBook | None = None
        self.turns = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        outcome = desk.market(book.market_id).outcomes[0].label
        mine = book if book.outcome == outcome else book.complement(outcome)
        if self.first is None:
            self.first = mine
            desk.timer("take", 2 * _BEAT)
        elif self.turns == 1 and mine.ask and self.first.ask:
            level = mine.ask
            if (level.price, level.size) == (self.first.ask.price, 25):
                self.take(desk, level.size)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "end":
            desk.stop()
            return
        assert self.first is not None
        assert self.first.ask is not None
        self.take(desk, self.first.ask.size - 25)
        desk.timer("end", 6 * _BEAT)

    def take(self, desk: Desk, size: Decimal) -> None:
        assert self.first is not None
        assert self.first.ask is not None
        self.turns += 1
        name, outcome = self.first.market_id, self.first.outcome
        price = self.first.ask.price
        desk.place(name, outcome, "buy", price, size, time_in_force="ioc")


def _of_two_makers(at: Stage, ex: Any) -> str:
    """A market at whose best offer another maker has joined with 50."""
    for market in ex.fetch_markets(limit=100):
        if market.bid and market.ask and not market.legs:
            ask = ex.fetch_order_book(market.market_id).ask
            lot = market.immediate_lot(ask.price)
            if ask.size >= 100 and not 25 % lot and not (ask.size + 25) % lot:
                Others(at, market.market_id, 0, ask.price).join(50)
                return str(market.market_id)
    raise AssertionError


@pytest.mark.parametrize("venue", VENUES)
def test_who_takes_of_two_makers_at_once_fills_the_same_again(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    with stage(venue) as at:
        with exchange(at.venue, **at.account) as ex:
            name = _of_two_makers(at, ex)
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            contract = contract_of(ex, name)
            real = run(Most(name), ex, seconds=30)
    got = sizes(real, real.fills)
    assert got[1:] == [25]
    convert(path, tmp_path / "tables")
    for source in (path, tmp_path / "tables"):
        tested = backtest(Most(name), source, contracts=[contract], cash=10_000)
        assert sizes(tested, tested.fills) == got
    again = on_paper("blocking", path, Most(name), Decimal(10_000))
    assert sizes(again, again.fills) == got
