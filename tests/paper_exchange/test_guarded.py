"""Guards over a recording know what became of resting orders, as live and in a backtest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    GuardPolicy,
    GuardTripped,
    MarketStatus,
    OrderBook,
    async_exchange,
    exchange,
)
from unified_exchanges.backtesting import backtest
from unified_exchanges.models import Exposure, Subject
from unified_exchanges.paper import Delays
from unified_exchanges.recording import Recorder, Torn, read
from unified_exchanges.recording.format import encode
from unified_exchanges.strategies import (
    Desk,
    Failure,
    RunReport,
    Strategy,
    async_run,
    contract_of,
    run,
)

from ..backtesting.test_making import Among, Maker, cash_before, decided, filled, quoted
from ..backtesting.test_making import live as made
from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, in_force, stage
from ..strategies.test_replayed import Absent
from .test_over_recording import Tape, bunched, contracts_in, played, whole

LOOSE: dict[str, Any] = {
    "max_order_cost": None,
    "max_orders": None,
    "price_collar": None,
}


def _capped(venue: str) -> GuardPolicy:
    """Room for what the maker quotes at once, and not for all that it ever quotes."""
    with stage(venue) as ground, exchange(venue, **ground.account) as ex:
        price = quoted(ex).market.bid
    assert price is not None
    return GuardPolicy(max_market_exposure=40 * price, max_exposure=None, **LOOSE)


def _played(
    flavour: str, name: str, made_for: Callable[[Any], Strategy], **how: Any
) -> tuple[RunReport, Exposure]:
    """A run over a recording, and what its exchange takes to be at risk afterwards."""
    if flavour == "blocking":
        with exchange(name, **how) as ex:
            return run(made_for(ex), ex), ex.exposure()

    async def go() -> tuple[RunReport, Exposure]:
        async with async_exchange(name, **how) as ex:
            return await async_run(made_for(ex), ex), ex.exposure()

    return asyncio.run(go())


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_rested_and_filled_is_not_at_risk_twice(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path, guards = tmp_path / "maker.jsonl", _capped(venue)
    # On Polymarket what was sold may fail to settle, and live counts until it has not.
    held = {"guards": guards} if venue == "kalshi" else {}
    with stage(venue) as ground:
        real, contract = made(flavour, ground, path, **held)
    name, cash = contract.market_id, cash_before(real)
    assert [x.size for x in real.fills] == [12, 18, 30, 4]
    assert real.failures == ()

    tested = backtest(Maker(name), path, contracts=[contract], cash=cash, guards=guards)
    on_paper = {"source": "replay", "path": path, "cash": cash, "guards": guards}
    ran, at_risk = _played(flavour, "paper", lambda _: Maker(name), **on_paper)
    assert ran.failures == tested.failures == ()
    assert decided(ran) == decided(tested) == decided(real)
    assert filled(ran.fills) == filled(tested.fills) == filled(real.fills)
    # Nothing rests, and of the second bid 4 are held.
    [*_, last] = ran.fills
    assert (at_risk.orders, at_risk.positions) == (0, 4 * last.price)

    def as_then(ex: Any) -> Strategy:
        # A read of positions is sure to have what filled before an order left, or not.
        return Among(name, Absent(), lambda: ex.stream_health().state == "live")

    again, left = _played(flavour, "replay", as_then, path=path, **held)
    assert again.failures == ()
    assert decided(again) == decided(real)
    assert filled(again.fills) == filled(real.fills)
    assert left.orders == 0


class Twice(Strategy):
    """Buys in one market, and once that is settled in another."""

    subjects = (Subject.ORDER_BOOK, Subject.MARKET_STATUS)

    def __init__(self, names: list[str]) -> None:
        self.markets = names
        self.begun: set[str] = set()

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        [first, second] = self.markets
        self.buy(desk, first)
        if desk.market(first).status is MarketStatus.SETTLED:
            self.buy(desk, second)

    def buy(self, desk: Desk, name: str) -> None:
        book = desk.book(name)
        if name in self.begun or book is None or book.ask is None:
            return
        self.begun.add(name)
        desk.place(name, book.outcome, "buy", book.ask.price, 10, time_in_force="ioc")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_settled_is_at_risk_no_more(flavour: str, tmp_path: Path) -> None:
    path = tmp_path / "settled.jsonl"
    with (
        stage("kalshi") as ground,
        exchange("kalshi", **ground.account) as ex,
        Recorder(ex, path),
    ):
        made = [
            contract_of(ex, x.market_id)
            for x in ex.fetch_markets(limit=100)
            if x.bid and x.ask and x.ask < Decimal("0.8") and not x.legs
        ][:2]
        names = [x.market_id for x in made]
        books, changes = ex.watch_order_book(names), ex.watch_market_status(names)
        in_force(ex)
        for _ in names:
            books.next(timeout=10)
        with ground.server.lock:
            ground.simulated.engine.determine(names[0], Decimal(1))
            ground.simulated.engine.settle(names[0])
        while changes.next(timeout=10).status is not MarketStatus.SETTLED:
            pass
        ex.create_order(names[1], made[1].first, "buy", made[1].market.grid.lowest, 11)
        books.next(timeout=10)
        ex.cancel_all_orders()
        books.next(timeout=10)
    guards = GuardPolicy(max_exposure=Decimal(10), max_market_exposure=None, **LOOSE)
    tested = backtest(Twice(names), path, contracts=made, cash=100, guards=guards)
    assert len(tested.fills) == 2
    over = {"source": "replay", "path": path, "cash": 100, "guards": guards}
    ran, _ = _played(flavour, "paper", lambda _: Twice(names), **over)
    assert ran.failures == tested.failures == ()
    assert filled(ran.fills) == filled(tested.fills)


@pytest.fixture(scope="module", params=VENUES)
def eaten(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Of a market whose best offers are taken one after another, all told at one moment."""
    folder, venue = tmp_path_factory.mktemp("eaten"), request.param
    path = folder / "tape.jsonl"
    with (
        stage(venue) as ground,
        exchange(venue, **ground.account) as ex,
        Recorder(ex, path),
    ):
        made = quoted(ex)
        name, first = made.market_id, made.first
        books, trades = ex.watch_order_book(name), ex.watch_trades(name)
        in_force(ex)
        books.next(timeout=10)
        for level in ex.fetch_order_book(name).asks[:4]:
            size = whole(made.market, level.price, int(level.size))
            ex.create_order(name, first, "buy", level.price, size, time_in_force="ioc")
            trades.next(timeout=30)
        # The last of it is told later, as a backtest ends with it.
        time.sleep(0.1)
        later = time.time_ns()
        ex.create_order(name, first, "buy", made.market.grid.lowest, 10)
        while ex.fetch_order_book(name).bids != books.next(timeout=30).bids:
            pass
    at_once = bunched(path, folder / "bunched.jsonl", 100)
    pairs = zip(_lines(path), _lines(at_once), strict=True)
    lines = [y if x.at < later else x for x, y in pairs]
    at_once.write_bytes(b"".join(map(encode, lines)))
    return Tape(venue, at_once, [name])


def _lines(path: Path) -> list[Any]:
    return [x for x in read(path) if not isinstance(x, Torn)]


LATE = Delays(order=20_000_000, event=11_000_000)


class Rash(Strategy):
    """Bids as high as can be at each book, and notes by how much that was too high."""

    subjects = (Subject.ORDER_BOOK, Subject.TRADES)

    def __init__(self, names: list[str]) -> None:
        self.markets = names
        self.best: dict[str, Decimal] = {}
        self.said: list[tuple[int, Decimal | None]] = []
        self.wrong = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.ask is None:
            return
        name, highest = book.market_id, desk.market(book.market_id).grid.highest
        key = desk.place(name, book.outcome, "buy", highest, 10, time_in_force="ioc")
        self.best[key] = highest - book.ask.price

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        if isinstance(failure.error, GuardTripped):
            self.said.append((desk.moment, failure.error.value))
            self.wrong += failure.error.value != self.best[failure.command.key]


@pytest.mark.parametrize(
    "delays", [Delays(), Delays(order=20_000_000, event=11_000_000)], ids=str
)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_collar_goes_by_the_book_that_was_told_last_and_by_none_that_is_newer(
    flavour: str, eaten: Tape, delays: Delays
) -> None:
    guards = GuardPolicy(**{**LOOSE, "price_collar": Decimal("0.0001")})
    mine, theirs = Rash(eaten.names), Rash(eaten.names)
    terms: dict[str, Any] = {"delays": delays, "cash": 2_000, "guards": guards}
    played(flavour, mine, eaten.path, **terms)
    backtest(theirs, eaten.path, contracts=contracts_in(eaten), **terms)
    assert len(theirs.said) > 3
    assert mine.said[: len(theirs.said)] == theirs.said
    assert mine.wrong == theirs.wrong == 0
