"""Markets that pause, close and settle in a recording: on paper and in a backtest alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    Fill,
    MarketChange,
    MarketClosed,
    MarketStatus,
    NotRecorded,
    Order,
    OrderBook,
    OrderStatus,
    exchange,
)
from unified_exchanges.backtesting import Report, backtest
from unified_exchanges.models import Subject
from unified_exchanges.paper import Delays
from unified_exchanges.recording import Recorder
from unified_exchanges.registry import folder
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.strategies import (
    Command,
    Desk,
    Failure,
    RunReport,
    Strategy,
    contract_of,
)

from ..recording.sessions import VENUES
from .test_over_recording import DELAYS, FLAVOURS, _busy, _facts, _plain, looped, played

_TURNS = 6
"""Times that the other market moves in each part of the closing one's life."""
_SECOND = 1_000_000
_LATE = max(x.order + x.event for x in DELAYS) // 1_000 * 2
"""Microseconds after which all that was decided has come to the venue."""


@attrs.frozen
class Ending:
    """A recording of a market that ends and of one that goes on."""

    venue: str
    path: Path
    names: list[str]
    real: Order | None = None
    """What became of a real order that rested when the market ended."""
    closed_at: datetime | None = None


@attrs.frozen
class Scene:
    """A simulated venue while it is recorded."""

    ex: Any
    engine: Any
    server: SimulatorServer
    ended: str
    other: str
    books: Any
    lives: Any

    def rest(self, name: str) -> Order:
        """Place a real order that fills nothing."""
        market = self.ex.fetch_market(name)
        terms = (name, market.outcomes[0].label, "buy", market.grid.lowest, 10)
        order: Order = self.ex.create_order(*terms)
        return order

    def move(self, until: Callable[[], bool] | None = None) -> None:
        """Have the other market's book change some times, and then until that is late."""
        late_at = 0
        for turn in range(10_000):
            now = self.engine.now_us()
            if turn == _TURNS:
                late_at = now + _LATE
            if turn >= _TURNS and now >= late_at and (until is None or until()):
                return
            order = self.rest(self.other)
            self.books.next(timeout=10)
            self.ex.cancel_order(order.order_id)
            self.books.next(timeout=10)

    def act(self, what: Callable[[Any], object], *, is_told: bool = True) -> None:
        """Let the venue do something to its market."""
        with self.server.lock:
            what(self.engine)
        if is_told:
            self.lives.next(timeout=10)


@contextmanager
def scene(venue: str, path: Path, *, is_over: bool = False) -> Iterator[Scene]:
    """Record two markets, of which the first ``is_over`` before that begins."""
    box = folder(venue, "simulated").simulated(seed=7)
    with SimulatorServer(box.venue) as server:
        account = {
            "environment": server.url + box.path,
            "api_key": box.api_key,
            "private_key": box.private_key,
            **getattr(box, "arguments", {}),
        }
        with exchange(venue, **account) as looking:
            names = ended, other = _busy(looking)[:2]
        if is_over:
            with server.lock:
                box.venue.engine.determine(names[0], Decimal(1))
        with exchange(venue, **account) as ex, Recorder(ex, path):
            for name in names:
                contract_of(ex, name)
            books = ex.watch_order_book(names)
            lives = ex.watch_market_status(names)
            while books.next(timeout=10).market_id != names[1]:
                pass
            yield Scene(ex, box.venue.engine, server, ended, other, books, lives)


@pytest.fixture(scope="module", params=VENUES)
def ending(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Ending:
    """The first market pauses, trades again, closes and settles; no trades are recorded."""
    venue = request.param
    path = tmp_path_factory.mktemp("endings") / f"{venue}.jsonl"
    tells_pauses = venue == "kalshi"
    with scene(venue, path) as at:
        ended = at.ended
        at.move()
        at.act(lambda engine: engine.deactivate(ended), is_told=tells_pauses)
        at.move()
        at.act(lambda engine: engine.activate(ended), is_told=tells_pauses)
        real = at.rest(ended)
        at.books.next(timeout=10)
        at.move()
        at.act(lambda engine: engine.determine(ended, Decimal(1)))
        at.move()
        if at.engine.market(ended).status != "finalized":
            at.act(lambda engine: engine.settle(ended))
        at.move()
        [real] = [
            x for x in at.ex.fetch_orders(market_id=ended) if x.price == real.price
        ]
        return Ending(venue, path, [ended, at.other], real)


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Ending:
    """A market of Kalshi closes by the clock, which is not told."""
    path = tmp_path_factory.mktemp("clocked") / "kalshi.jsonl"
    with scene("kalshi", path) as at:
        # First, as it may take until then where much else is done.
        real = at.rest(at.ended)
        at.books.next(timeout=10)
        closes = (at.engine.now_us() // _SECOND + 2) * _SECOND
        at.act(lambda engine: engine.change_close(at.ended, closes))
        at.move(until=lambda: at.engine.market(at.ended).status == "closed")
        at.move()
        [real] = at.ex.fetch_orders(market_id=at.ended)
        closed_at = datetime.fromtimestamp(closes // _SECOND, UTC)
        return Ending("kalshi", path, [at.ended, at.other], real, closed_at)


class Stubborn(Strategy):
    """Wants the first market whatever becomes of it, and whenever the other one moves."""

    subjects = (Subject.ORDER_BOOK, Subject.MARKET_STATUS)

    def __init__(self, names: list[str]) -> None:
        self.markets = names
        self.ended, self.other = names
        self.said: list[tuple[Any, ...]] = []
        self.failed: Counter[tuple[type[Command], type[Exception], Any]] = Counter()
        self.ended_at: dict[str, tuple[OrderStatus, int]] = {}
        self.seen = 0
        self.resting: list[str] = []

    def note(self, desk: Desk, *what: Any) -> None:
        self.said.append((desk.moment, *what))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.note(desk, book.market_id, book.bids, book.asks)
        self.seen += 1
        market = desk.market(self.ended)
        first = market.outcomes[0].label
        known = desk.book(self.ended)
        if self.seen % 3 == 1:
            price = known.ask.price if known and known.ask else market.grid.highest
            desk.place(self.ended, first, "buy", price, 20, time_in_force="ioc")
        elif self.seen % 3 == 2:
            key = desk.place(self.ended, first, "buy", market.grid.lowest, 10)
            self.resting.append(key)
        elif self.resting:
            order = desk.order(self.resting[-1])
            if order is not None and order.is_open:
                desk.amend(self.resting[-1], size=order.size - 1)

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        self.note(desk, change.market_id, change.status)

    def on_order(self, desk: Desk, order: Order) -> None:
        key = _plain(order.client_order_id)
        self.note(desk, key, order.status, order.filled, order.size)
        if not order.is_open and key in map(_plain, self.resting):
            self.ended_at[key] = order.status, desk.moment

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.note(desk, *_facts(fill), desk.cash)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        status = desk.market(self.ended).status
        self.failed[type(failure.command), type(failure.error), status] += 1
        if not isinstance(failure.error, NotRecorded):  # the recording was over
            self.note(desk, "failed", _plain(failure.command.key), type(failure.error))


def compared(
    flavour: str, ending: Ending, delays: Delays
) -> tuple[RunReport, Stubborn, Report, Stubborn]:
    mine, theirs = Stubborn(ending.names), Stubborn(ending.names)
    ran = played(flavour, mine, ending.path, delays=delays, cash=2_000)
    with exchange("replay", path=ending.path) as ex:
        contracts = [contract_of(ex, name) for name in ending.names]
    tested = backtest(
        theirs, ending.path, contracts=contracts, delays=delays, cash=2_000
    )
    return ran, mine, tested, theirs


def statuses(failed: Counter[Any], error: type[Exception]) -> set[Any]:
    return {status for _, kind, status in failed if kind is error}


@pytest.mark.parametrize("delays", DELAYS, ids=str)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_market_that_does_not_trade_refuses_on_paper_as_in_a_backtest(
    flavour: str, ending: Ending, delays: Delays
) -> None:
    ran, mine, tested, theirs = compared(flavour, ending, delays)
    told = {MarketStatus.SETTLED}
    if ending.venue == "kalshi":
        told |= {MarketStatus.PAUSED, MarketStatus.CLOSED}
    assert statuses(theirs.failed, MarketClosed) == told
    assert statuses(mine.failed, MarketClosed) == told
    if delays == Delays():
        assert mine.said == theirs.said
        assert mine.failed == theirs.failed
    assert [_facts(x) for x in ran.fills] == [_facts(x) for x in tested.fills]
    assert len(tested.fills) > 2
    assert len(tested.settlements) == 1
    assert ran.cash == tested.cash


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_rests_when_a_market_ends_ends_as_at_the_venue(
    flavour: str, ending: Ending
) -> None:
    _, mine, _, theirs = compared(flavour, ending, Delays())
    assert ending.real is not None
    assert ending.real.status is OrderStatus.CANCELED
    assert mine.ended_at == theirs.ended_at
    assert {status for status, _ in mine.ended_at.values()} == {OrderStatus.CANCELED}
    assert len(mine.ended_at) > 2


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_close_by_the_clock_that_nobody_tells_ends_and_refuses_all_the_same(
    flavour: str, clocked: Ending
) -> None:
    _, mine, tested, theirs = compared(flavour, clocked, Delays())
    assert clocked.real is not None
    assert clocked.real.status is OrderStatus.CANCELED
    closed_at = clocked.closed_at
    assert closed_at is not None
    assert mine.said == theirs.said
    moments = {moment for _, moment in theirs.ended_at.values()}
    assert moments == {int(closed_at.timestamp()) * 10**9}
    refused = [x for x in tested.failures if isinstance(x.error, MarketClosed)]
    assert len(refused) > 2
    assert all(x.command.at >= max(moments) for x in refused)


class Patient(Stubborn):
    """Rests one bid in the first market, and then only hears."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.note(desk, book.market_id, book.bids, book.asks)
        if not self.resting and desk.book(self.ended):
            market = desk.market(self.ended)
            terms = (market.outcomes[0].label, "buy", market.grid.lowest, 10)
            self.resting.append(desk.place(self.ended, *terms))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_close_that_is_told_too_late_is_heard_before_what_comes_after_it(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "late.jsonl"
    with scene("kalshi", path) as at:
        at.move()
        now = at.engine.now_us() // _SECOND * _SECOND
        at.act(lambda engine: engine.change_close(at.ended, now - _SECOND))
        at.move()
    names = [at.ended, at.other]
    mine, theirs = Patient(names), Patient(names)
    late = Delays(event=30 * 10**6)  # longer than until the next message
    played(flavour, mine, path, delays=late)
    with exchange("replay", path=path) as ex:
        contracts = [contract_of(ex, name) for name in names]
    backtest(theirs, path, contracts=contracts, delays=late)
    assert len(theirs.ended_at) == 1
    # What is on its way when the recording ends is told on paper alone.
    assert theirs.said == mine.said[: len(theirs.said)]


class Changing(Stubborn):
    """Asks to change what rests in the first market, and then to place more in it."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.note(desk, book.market_id, book.bids, book.asks)
        market = desk.market(self.ended)
        terms = (market.outcomes[0].label, "buy", market.grid.lowest, 10)
        if not self.resting:
            self.resting.append(desk.place(self.ended, *terms))
        elif market.status is MarketStatus.PAUSED and self.seen < 3:
            self.seen += 1
            desk.amend(self.resting[0], size=9)
            desk.place(self.other, *terms)


@pytest.mark.parametrize("delays", DELAYS, ids=str)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_change_in_a_market_that_pauses_is_refused_as_late_as_in_a_backtest(
    flavour: str, ending: Ending, delays: Delays
) -> None:
    if ending.venue != "kalshi":
        pytest.skip("Polymarket does not tell of pauses")
    mine, theirs = Changing(ending.names), Changing(ending.names)
    played(flavour, mine, ending.path, delays=delays)
    with exchange("replay", path=ending.path) as ex:
        contracts = [contract_of(ex, name) for name in ending.names]
    backtest(theirs, ending.path, contracts=contracts, delays=delays)
    [(*_, status)] = theirs.failed
    assert (status, theirs.failed.total()) == (MarketStatus.PAUSED, 3)
    assert mine.said[: len(theirs.said)] == theirs.said


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_market_that_was_over_when_it_was_recorded_takes_no_order(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "over.jsonl"
    with scene(venue, path, is_over=True) as at:
        at.move()
    _, mine, tested, theirs = compared(
        flavour, Ending(venue, path, [at.ended, at.other]), Delays()
    )
    assert mine.said == theirs.said
    assert mine.failed == theirs.failed
    assert {kind for _, kind, _ in theirs.failed} == {MarketClosed}
    assert len(tested.failures) > 2


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_while_a_market_pauses_its_orders_are_canceled_and_not_changed(
    flavour: str, ending: Ending
) -> None:
    if ending.venue != "kalshi":
        pytest.skip("Polymarket does not tell of pauses")

    def script(ex: Any) -> Any:
        name = ending.names[0]
        # Before time goes on: it was read again later, which would be waited for.
        market = yield ex.fetch_market(name)
        yield ex.fetch_fee_rule(name)
        books, lives = ex.watch_order_book(ending.names), ex.watch_market_status(name)
        yield books.next(timeout=10)
        first = market.outcomes[0].label
        order = yield ex.create_order(name, first, "buy", market.grid.lowest, 10)
        change = yield lives.next(timeout=10)
        assert change.status is MarketStatus.PAUSED
        with pytest.raises(
            MarketClosed, match="refused on paper: the market is paused"
        ):
            yield ex.edit_order(order.order_id, size=5)
        unchanged = yield ex.fetch_order(order.order_id)
        assert (unchanged.size, unchanged.is_open) == (10, True)
        return (yield ex.cancel_order(order.order_id))

    assert looped(flavour, ending.path, script).status is OrderStatus.CANCELED
