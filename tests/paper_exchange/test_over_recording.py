"""Paper over a recording: the same decisions and fills as a backtest, and no socket."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from inspect import isawaitable
from pathlib import Path
from typing import Any

import attrs
import pytest
from msgspec import Raw
from msgspec.structs import replace

from unified_exchanges import (
    AlertPolicy,
    ArgumentsRequired,
    BadRequest,
    Fill,
    GuardPolicy,
    GuardTripped,
    Market,
    MarketChange,
    NotRecorded,
    Order,
    OrderBook,
    OrderNotDone,
    RateLimitExceeded,
    Trade,
    UnifiedExchangesError,
    async_exchange,
    exchange,
)
from unified_exchanges.backtesting import Report, backtest
from unified_exchanges.models import Subject
from unified_exchanges.paper import Contract, Delays, at
from unified_exchanges.recording import Frame, Recorder, Rest, Torn, read
from unified_exchanges.recording.format import encode
from unified_exchanges.registry import folder
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.strategies import (
    Desk,
    Failure,
    RunReport,
    Strategy,
    async_run,
    contract_of,
    run,
)

from ..recording.sessions import VENUES, in_force, stage

_NOWHERE = {"kalshi": "NOWHERE", "polymarket": f"0x{'0' * 64}"}
FLAVOURS = ["blocking", "async"]
MILLISECOND = 1_000_000
DELAYS = [
    Delays(),
    Delays(order=7 * MILLISECOND),
    Delays(event=3 * MILLISECOND),
    Delays(order=20 * MILLISECOND, event=11 * MILLISECOND),
]


@attrs.frozen
class Tape:
    """A recording of markets that trade, and what was traded in it."""

    venue: str
    path: Path
    names: list[str]


@pytest.fixture(scope="module", params=VENUES)
def tape(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    venue = request.param
    path = tmp_path_factory.mktemp("tapes") / f"{venue}.jsonl"
    box = folder(venue, "simulated").simulated(seed=7)
    with SimulatorServer(box.venue) as server:
        account = {
            "environment": server.url + box.path,
            "api_key": box.api_key,
            "private_key": box.private_key,
            **getattr(box, "arguments", {}),
        }
        with exchange(venue, **account) as ex, Recorder(ex, path):
            names = _busy(ex)
            markets = {name: contract_of(ex, name).market for name in names}
            books = ex.watch_order_book(names)
            kept = [ex.watch_trades(names), ex.watch_market_status(names)]
            in_force(ex)
            for _ in names:
                books.next(timeout=10)
            traded = [_trade(ex, markets[names[turn % 3]], turn) for turn in range(60)]
            # What came of them may be on its way still.
            for _ in range(sum(traded)):
                kept[0].next(timeout=30)
    return Tape(venue, path, names)


def _trade(ex: Any, market: Market, turn: int) -> bool:
    """Have somebody take, rest and cancel, so that books and trades are told; if possible."""
    name = market.market_id
    book = ex.fetch_order_book(name)
    if book.bid is None or book.ask is None:
        return False  # all of it is taken
    size = 10 + turn % 7
    at_once = {"time_in_force": "ioc"}
    bought = whole(market, book.ask.price, size)
    ex.create_order(name, book.outcome, "buy", book.ask.price, bought, **at_once)
    resting = ex.create_order(name, book.outcome, "buy", book.bid.price, size)
    if turn % 3:
        ex.create_order(name, book.outcome, "sell", book.bid.price, 8, **at_once)
    ex.cancel_order(resting.order_id)
    return True


def whole(market: Market, price: Decimal, size: int) -> Decimal:
    """At least such a size that may be bought at once."""
    lot = market.immediate_lot(price)
    return -(-size // lot) * lot


def _busy(ex: Any) -> list[str]:
    found = [
        x.market_id
        for x in ex.fetch_markets(limit=100)
        if x.ask and x.bid and x.bid > x.grid.lowest and not x.legs
    ]
    return found[:3]


class Busy(Strategy):
    """Does all that a strategy can, by counting; and writes down all that it is told."""

    subjects = (Subject.ORDER_BOOK, Subject.TRADES, Subject.MARKET_STATUS)

    def __init__(self, names: list[str]) -> None:
        self.markets = names
        self.said: list[tuple[Any, ...]] = []
        self.seen = 0
        self.keys: list[str] = []

    def note(self, desk: Desk, *what: Any) -> None:
        self.said.append((desk.moment, *what))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.note(desk, book.market_id, book.bids, book.asks)
        self.seen += 1
        if not book.bid or not book.ask or self.seen > 120:
            return
        name, first = book.market_id, desk.market(book.market_id).outcomes[0].label
        turn = self.seen % 12
        if turn == 1:
            price = book.ask.price
            size = whole(desk.market(name), price, 30)
            desk.place(name, first, "buy", price, size, time_in_force="ioc")
        elif turn == 3:
            self.keys.append(desk.place(name, first, "buy", book.bid.price, 20))
        elif turn == 5 and desk.held(name, first) >= 10:
            self.keys.append(desk.place(name, first, "sell", book.ask.price, 10))
        elif turn == 7:
            desk.place(name, first, "buy", book.ask.price, 20, post_only=True)
        elif turn == 8 and self.keys:
            key = self.keys[-1]
            order = desk.order(key)
            if order is not None and order.is_open:
                desk.amend(key, size=15)
        elif turn == 10 and desk.held(name, first) >= 10:
            desk.place(name, first, "sell", book.bid.price, 10, time_in_force="ioc")
        if turn == 11:
            desk.timer("old", timedelta(milliseconds=30))

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        self.note(desk, trade.trade_id, trade.price, trade.size)

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        self.note(desk, change.market_id, change.status)

    def on_timer(self, desk: Desk, name: str) -> None:
        self.note(desk, name)
        for order in desk.open_orders[:1]:
            desk.cancel(order.client_order_id or "")

    def on_order(self, desk: Desk, order: Order) -> None:
        self.note(
            desk, _plain(order.client_order_id), order.status, order.filled, order.price
        )

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.note(desk, *_facts(fill), desk.cash)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.note(desk, "failed", _plain(failure.command.key))


def _plain(key: str | None) -> str:
    """A key without what is drawn for each run."""
    return (key or "").rpartition("-")[2]


def _facts(fill: Fill) -> tuple[Any, ...]:
    told = (fill.market_id, fill.outcome, fill.side, fill.price, fill.size, fill.fee)
    return (*told, fill.liquidity, fill.created_at, _plain(fill.client_order_id))


def _decided(report: Report | RunReport) -> list[Any]:
    return [attrs.evolve(x, key=_plain(x.key)) for x in report.decisions]


def played(flavour: str, strategy: Strategy, path: Path, **how: Any) -> RunReport:
    if flavour == "blocking":
        with exchange("paper", source="replay", path=path, **how) as ex:
            return run(strategy, ex)

    async def go() -> RunReport:
        async with async_exchange("paper", source="replay", path=path, **how) as ex:
            return await async_run(strategy, ex)

    return asyncio.run(go())


def contracts_in(tape: Tape) -> list[Contract]:
    with exchange("replay", path=tape.path) as ex:
        return [contract_of(ex, name) for name in tape.names]


class Guarded(Busy):
    """The same, and it writes down in which words it is refused."""

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        super().on_failure(desk, failure)
        if isinstance(failure.error, GuardTripped | RateLimitExceeded):
            self.note(desk, failure.error.message)


GUARDS = {
    "max_exposure": (GuardPolicy(max_exposure=Decimal(25)), 5),
    "max_market_exposure": (GuardPolicy(max_market_exposure=Decimal(12)), 5),
    "max_orders": (GuardPolicy(max_orders=2, seconds=1), 3),
    "price_collar": (GuardPolicy(price_collar=Decimal("0.0005")), 0),
}


@pytest.mark.parametrize("delays", [DELAYS[0], DELAYS[-1]], ids=str)
@pytest.mark.parametrize("guard", GUARDS)
def test_guards_refuse_over_a_recording_what_they_refuse_in_its_backtest(
    tape: Tape, delays: Delays, guard: str
) -> None:
    policy, least = GUARDS[guard]
    mine, theirs = Guarded(tape.names), Guarded(tape.names)
    terms: dict[str, Any] = {"delays": delays, "cash": 2_000, "guards": policy}
    ran = played("blocking", mine, tape.path, **terms)
    tested = backtest(theirs, tape.path, contracts=contracts_in(tape), **terms)
    assert mine.said[: len(theirs.said)] == theirs.said
    assert _decided(ran) == _decided(tested)
    assert [_facts(x) for x in ran.fills] == [_facts(x) for x in tested.fills]
    refused = [
        x
        for x in tested.failures
        if isinstance(x.error, GuardTripped | RateLimitExceeded)
    ]
    assert len(refused) >= least


@pytest.mark.parametrize("delays", DELAYS, ids=str)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_run_over_a_recording_is_the_backtest_of_it_to_the_last_digit(
    flavour: str, tape: Tape, delays: Delays
) -> None:
    mine, theirs = Busy(tape.names), Busy(tape.names)
    ran = played(flavour, mine, tape.path, delays=delays, cash=2_000)
    tested = backtest(
        theirs, tape.path, contracts=contracts_in(tape), delays=delays, cash=2_000
    )
    assert len(tested.fills) > 10
    assert len(tested.decisions) > 30
    # What was received in the last moments comes too late to be told in a backtest.
    assert mine.said[: len(theirs.said)] == theirs.said
    assert all(len(what) in {3, 4} for what in mine.said[len(theirs.said) :])
    assert _decided(ran) == _decided(tested)
    assert [_facts(x) for x in ran.fills] == [_facts(x) for x in tested.fills]
    assert ran.cash == tested.cash


class Holder(Strategy):
    """Takes ten of one market, once."""

    def __init__(self, name: str) -> None:
        self.markets = [name]

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions and book.ask:
            desk.place(book.market_id, book.outcome, "buy", book.ask.price, 10)


@pytest.mark.parametrize("venue", VENUES)
def test_what_is_held_after_a_run_is_told_though_no_stream_tells_the_book_any_more(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "watched.jsonl"
    with stage(venue) as at, exchange(venue, **at.account) as ex, Recorder(ex, path):
        name = _busy(ex)[0]
        contract_of(ex, name)
        with ex.watch_order_book(name) as books:
            books.next(timeout=10)
            time.sleep(0.5)
        # Whoever is recorded follows it no more, and does something else.
        ex.watch_order_book(_busy(ex)[1]).next(timeout=10)
        time.sleep(0.5)
    with exchange("paper", source="replay", path=path, cash=2_000) as ex:
        report = run(Holder(name), ex)
        (held,) = ex.fetch_positions()
    assert held.mark_price is None
    assert [held.size] == [x.size for x in report.positions] == [10]


def bunched(path: Path, out: Path, size: int = 4) -> Path:
    """The same recording, as if always so many messages had been received at once."""
    lines: list[Any] = [x for x in read(path) if not isinstance(x, Torn)]
    first, run = lines[0], 0
    made: list[Any] = []
    for line in lines:
        is_heard = isinstance(line, Frame) and line.direction == "in"
        run = (run + 1) % size if is_heard else 0
        if not run:
            first = line
        made.append(replace(line, at=first.at, mono=first.mono) if run else line)
    out.write_bytes(b"".join(map(encode, made)))
    return out


class Hasty(Busy):
    """Asks for what is refused at once, and for timers that are due at once."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        super().on_book(desk, book)
        if book.ask and self.seen % 3 == 0:
            desk.place(book.market_id, book.outcome, "buy", book.ask.price, "0.001")
        if self.seen % 3 < 2:
            desk.timer("now", timedelta(0))

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        super().on_trade(desk, trade)
        desk.timer("traded", timedelta(0))
        book = desk.book(trade.market_id)
        if book is not None and book.ask:
            for size in ("0.001", "0.002"):
                desk.place(book.market_id, book.outcome, "buy", book.ask.price, size)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_comes_between_messages_of_one_moment_does_so_in_a_backtest_as_well(
    flavour: str, tape: Tape, tmp_path: Path
) -> None:
    # Where orders take no time it is not told by a moment which of two comes first.
    path, delays = bunched(tape.path, tmp_path / "bunched.jsonl"), DELAYS[1]
    mine, theirs = Hasty(tape.names), Hasty(tape.names)
    ran = played(flavour, mine, path, delays=delays, cash=2_000)
    tested = backtest(
        theirs, path, contracts=contracts_in(tape), delays=delays, cash=2_000
    )
    failed = [x for x in theirs.said if x[1] == "failed"]
    assert len(failed) > 20
    assert any(x[1] == "now" for x in theirs.said)
    assert mine.said[: len(theirs.said)] == theirs.said
    assert _decided(ran)[: len(tested.decisions)] == _decided(tested)
    assert [_facts(x) for x in ran.fills] == [_facts(x) for x in tested.fills]
    assert ran.cash == tested.cash


def clock_set(path: Path, out: Path, seconds: int) -> Path:
    """The same recording, with the wall clock set in its middle.

    Not between messages that were received at once, as no clock is.
    """
    lines = [x for x in read(path) if not isinstance(x, Torn)]
    middle = len(lines) // 2
    while lines[middle].mono == lines[middle - 1].mono:
        middle += 1
    by = seconds * 1_000 * MILLISECOND
    later: list[Any] = [
        replace(
            x, at=x.at + by, **({"began": x.began + by} if hasattr(x, "began") else {})
        )
        for x in lines[middle:]
    ]
    out.write_bytes(b"".join(map(encode, [*lines[:middle], *later])))  # type: ignore[arg-type]
    return out


@pytest.mark.parametrize("seconds", [-60, -3_600, 3_600])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_run_over_a_recording_whose_clock_was_set_is_the_backtest_of_it(
    flavour: str, tape: Tape, seconds: int, tmp_path: Path
) -> None:
    path = clock_set(tape.path, tmp_path / "set.jsonl", seconds)
    mine, theirs = Busy(tape.names), Busy(tape.names)
    delays = Delays(order=7 * MILLISECOND)
    ran = played(flavour, mine, path, delays=delays, cash=2_000)
    tested = backtest(
        theirs, path, contracts=contracts_in(tape), delays=delays, cash=2_000
    )
    assert mine.said[: len(theirs.said)] == theirs.said
    assert _decided(ran) == _decided(tested)
    assert [_facts(x) for x in ran.fills] == [_facts(x) for x in tested.fills]
    assert len(tested.fills) > 10
    assert ran.cash == tested.cash
    notes = [x.text for x in tested.notes]
    assert [x.text for x in ran.notes] == notes
    assert len(notes) == (seconds < 0)


def span(report: Report | RunReport) -> timedelta:
    assert report.started_at is not None
    assert report.ended_at is not None
    return report.ended_at - report.started_at


@pytest.mark.parametrize("seconds", [-2, -60])
def test_time_passes_as_it_did_where_the_clock_was_set_back(
    tape: Tape, seconds: int, tmp_path: Path
) -> None:
    path = clock_set(tape.path, tmp_path / "set.jsonl", seconds)
    as_it_was, report = (
        backtest(Busy(tape.names), each, contracts=contracts_in(tape), cash=2_000)
        for each in (tape.path, path)
    )
    assert abs(span(report) - span(as_it_was)) < timedelta(milliseconds=50)
    assert len(report.decisions) == len(as_it_was.decisions)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_replay_tells_the_time_that_passed_where_the_clock_was_set_back(
    tape: Tape, flavour: str, tmp_path: Path
) -> None:
    def moments(ex: Any) -> Any:
        watch = ex.watch_order_book(tape.names, policy="every")
        found = []
        with suppress(StopIteration, StopAsyncIteration):
            while True:
                yield anext(watch) if flavour == "async" else next(watch)
                found.append(ex.venue.clock.now())
        return found

    def replayed(path: Path) -> Any:
        if flavour == "blocking":
            with exchange("replay", path=path) as ex:
                return _stepped(moments(ex))

        async def go() -> Any:
            async with async_exchange("replay", path=path) as ex:
                return await _stepped_async(moments(ex))

        return asyncio.run(go())

    as_it_was = replayed(tape.path)
    told = replayed(clock_set(tape.path, tmp_path / "set.jsonl", -60))
    assert len(told) == len(as_it_was) > 10
    assert told == pytest.approx(as_it_was, abs=0.05, rel=0)


def looped(flavour: str, path: Path, script: Any, **how: Any) -> Any:
    """What a plain loop over the public API says, written once for both flavours."""
    if flavour == "blocking":
        with exchange("paper", source="replay", path=path, **how) as ex:
            return _stepped(script(ex))

    async def go() -> Any:
        async with async_exchange("paper", source="replay", path=path, **how) as ex:
            return await _stepped_async(script(ex))

    return asyncio.run(go())


def _stepped(steps: Any) -> Any:
    told = None
    while True:
        try:
            told = steps.send(told)
        except StopIteration as end:
            return end.value


async def _stepped_async(steps: Any) -> Any:
    told: Any = None
    failed: Exception | None = None
    while True:
        try:
            step = steps.send(told) if failed is None else steps.throw(failed)
        except StopIteration as end:
            return end.value
        failed = None
        try:
            told = await step if isawaitable(step) else step
        except Exception as error:  # noqa: BLE001 - raised where the script asked
            failed = error


@pytest.mark.parametrize("flavour", FLAVOURS)
class TestLoops:
    def test_an_order_takes_its_time_of_the_recording(
        self, tape: Tape, flavour: str
    ) -> None:
        way = Delays(order=40 * MILLISECOND, event=25 * MILLISECOND)

        def script(ex: Any) -> Any:
            [name, *_] = tape.names
            books, fills = ex.watch_order_book(name), ex.watch_fills()
            orders = ex.watch_orders()
            book = yield books.next(timeout=30)
            market = yield ex.fetch_market(name)
            clock = ex.venue.clock
            sent = clock.moment
            size = whole(market, book.ask.price, 10)
            terms = (name, book.outcome, "buy", book.ask.price, size)
            order = yield ex.create_order(*terms, time_in_force="ioc")
            answered = clock.moment
            told = [(yield fills.next(timeout=30)), (yield orders.next(timeout=30))]
            heard = clock.moment
            for watch in (books, fills, orders):
                yield watch.aclose() if flavour == "async" else watch.close()
            return order, told, answered - sent, heard - answered, sent

        order, [fill, told], way_back, later, sent = looped(
            flavour, tape.path, script, delays=way
        )
        assert way_back == 65 * MILLISECOND
        assert later == 0
        assert order.status == told.status
        assert fill.order_id == order.order_id == told.order_id
        arrived = sent + 40 * MILLISECOND
        assert fill.created_at == at(arrived)

    def test_an_order_is_waited_for_in_the_time_of_the_recording(
        self, tape: Tape, flavour: str
    ) -> None:
        def script(ex: Any) -> Any:
            [name, *_] = tape.names
            book = yield ex.watch_order_book(name).next(timeout=30)
            market = yield ex.fetch_market(name)
            terms = (name, book.outcome, "buy", market.grid.lowest, 10)
            order = yield ex.create_order(*terms)
            waited = []
            for seconds in (0.4, 0.1, 0.07, 0.003, 0.111111111):
                sent = ex.venue.clock.moment
                with pytest.raises(OrderNotDone):
                    yield ex.wait_done(order, timeout=seconds)
                waited.append(ex.venue.clock.moment - sent)
            yield ex.cancel_order(order.order_id)
            ended = yield ex.wait_done(order, timeout=30)
            return ended.status, waited

        told = looped(flavour, tape.path, script, delays=Delays())
        waited = [400_000_000, 100_000_000, 70_000_000, 3_000_000, 111_111_111]
        assert told == ("canceled", waited)

    def test_a_stream_that_was_not_recorded_is_not_made_up(
        self, tape: Tape, flavour: str
    ) -> None:
        def script(ex: Any) -> Any:
            yield from ()
            with pytest.raises(NotRecorded):
                yield ex.watch_order_book(_NOWHERE[tape.venue]).next(timeout=1)

        looped(flavour, tape.path, script)

    def test_an_order_on_its_way_when_the_recording_ends_did_not_arrive(
        self, tape: Tape, flavour: str
    ) -> None:
        def script(ex: Any) -> Any:
            [name, *_] = tape.names
            book = yield ex.watch_order_book(name).next(timeout=30)
            market = yield ex.fetch_market(name)
            yield ex.create_order(name, book.outcome, "buy", market.grid.lowest, 10)

        way = Delays(order=3_600 * 1_000 * MILLISECOND)
        with pytest.raises(NotRecorded, match="came to its end before"):
            looped(flavour, tape.path, script, delays=way)


@pytest.mark.parametrize("make", [exchange, async_exchange])
class TestMaking:
    def test_a_recording_is_needed(self, make: Any) -> None:
        with pytest.raises(ArgumentsRequired, match="path="):
            make("paper", source="replay")

    @pytest.mark.parametrize("name", ["clock", "journal", "transport"])
    def test_it_has_a_time_and_a_transport_of_its_own(
        self, make: Any, tape: Tape, name: str
    ) -> None:
        with pytest.raises(BadRequest, match=f"{name}="):
            make("paper", source="replay", path=tape.path, **{name: object()})

    def test_it_says_what_it_is(self, make: Any, tape: Tape) -> None:
        made = make("paper", source="replay", path=tape.path)
        assert made.id == "paper"
        assert "(replay)" in repr(made)
        assert made.venue.broker.cash == 10_000


LIMITED = Raw(b'{"error":{"code":"too_many_requests"}}')


@pytest.mark.parametrize("how", [{}, {"alerts": AlertPolicy(calm_ms=1)}])
def test_no_alert_tells_of_requests_where_none_is_sent(
    tape: Tape, how: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # All that was read then was refused, as there was too much of it.
    path = tmp_path / "limited.jsonl"
    lines = [x for x in read(tape.path) if not isinstance(x, Torn)]
    limited = [
        replace(x, status=429, body=LIMITED)
        if isinstance(x, Rest) and x.method == "GET"
        else x
        for x in lines
    ]
    path.write_bytes(b"".join(map(encode, limited)))  # type: ignore[arg-type]
    for made in (
        exchange("replay", path=path, **how),
        exchange("paper", source="replay", path=path, **how),
    ):
        with made as ex:
            for name in tape.names:
                with pytest.raises(UnifiedExchangesError):
                    ex.fetch_market(name)
                with pytest.raises(UnifiedExchangesError):
                    ex.fetch_order_book(name)
            health = ex.health()
        assert health.errors >= 3
        assert health.alerts == ()
        assert [x for x in health.reasons if "request" in x] == []
    assert [x for x in caplog.records if x.name == "unified_exchanges.alerts"] == []


def test_several_recordings_have_no_common_time(tape: Tape) -> None:
    with (
        exchange("paper", source="replay", path=tape.path) as one,
        exchange("paper", source="replay", path=tape.path) as other,
        pytest.raises(BadRequest, match="a time of its own"),
    ):
        run(Busy(tape.names), one, other)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_paper_needs_beside_what_a_bot_asked_for_is_said(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "bot.jsonl"
    with (
        stage("kalshi") as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        name = next(m for m in ex.fetch_markets() if m.bid and m.ask).market_id
        ex.watch_order_book(name).next(timeout=10)

    def script(ex: Any) -> Any:
        book = yield ex.watch_order_book(name).next(timeout=30)
        yield ex.create_order(name, book.outcome, "buy", book.ask.price, 10)

    with pytest.raises(NotRecorded, match=r"not in it.*contract_of\(exchange"):
        looped(flavour, path, script, delays=Delays())
