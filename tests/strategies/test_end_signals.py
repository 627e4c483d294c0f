"""A signal at any line of the end of a run: it skips no step of it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from unified_exchanges import Market, Order, OrderBook, exchange
from unified_exchanges import strategies as package
from unified_exchanges.strategies import Desk, Strategy, run
from unified_exchanges.strategies.ending import Ending

from ..recording.sessions import Stage, stage

HERE = str(Path(package.__file__).parent)
TRIED = 20
"""Lines of the end that are struck, spread over all of them."""


@pytest.fixture(scope="module")
def at() -> Iterator[Stage]:
    with stage("kalshi", enforce_limits=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def market(at: Stage) -> Market:
    with exchange(at.venue, **at.account) as ex:
        return next(m for m in ex.fetch_markets() if m.bid and m.bid > m.grid.lowest)


class Resting(Strategy):
    """Rests two bids, then ends; from then on the lines are counted."""

    def __init__(self, market: Market, how: str, struck: int) -> None:
        self.markets = [market.market_id]
        self.how = how
        self.struck = struck
        self.lines: int | None = None
        self.where = ""
        self.was_stopped = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            low = desk.market(book.market_id).grid.lowest
            for _ in range(2):
                desk.place(book.market_id, "yes", "buy", low, 10)

    def on_order(self, desk: Desk, order: Order) -> None:
        if len(desk.open_orders) == 2 and self.lines is None:
            self.lines = 0
            if self.how == "interrupted":
                raise KeyboardInterrupt
            desk.stop()

    def on_stop(self, desk: Desk) -> None:
        self.was_stopped += 1

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        if event == "line" and self.lines is not None:
            self.lines += 1
            if self.lines == self.struck:
                self.where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                signal.raise_signal(signal.SIGINT)
        return self.trace


def struck_at(line: int, how: str, market: Market, at: Stage) -> Resting:
    """The strategy of a run that was struck at a line of its end, of none if it is 0."""
    strategy = Resting(market, how, line)
    notes: list[str] = []
    error: BaseException | None = None
    before, handler = sys.gettrace(), signal.getsignal(signal.SIGINT)
    with exchange(at.venue, **at.account) as ex:
        sys.settrace(strategy.trace)
        try:
            run(strategy, ex, seconds=20)
        except BaseException as raised:  # noqa: BLE001 - it is looked at
            error = raised
            notes = getattr(raised, "__notes__", [])
        finally:
            sys.settrace(before)
        if strategy.where.startswith("Interruptions.release"):
            # What was not given back when that was struck lets all through.
            signal.signal(signal.SIGINT, handler)
        assert signal.getsignal(signal.SIGINT) is handler, strategy.where
        # An answer that is just about to be told may not be heard, and its order is ended.
        notes = [x for x in notes if "nobody heard" not in x]
        assert (ex.fetch_open_orders(), notes) == ([], []), strategy.where
    is_interrupted = bool(strategy.where) or how == "interrupted"
    assert isinstance(error, KeyboardInterrupt) is is_interrupted, strategy.where
    # It may be skipped where it is just about to be called.
    assert strategy.was_stopped or "Ending.tell" in strategy.where, strategy.where
    return strategy


@pytest.mark.parametrize("how", ["stopped", "interrupted"])
def test_one_at_whichever_line_of_the_end_skips_nothing_of_it(
    at: Stage, market: Market, how: str
) -> None:
    lines = struck_at(0, how, market, at).lines
    assert lines is not None
    # Some lines run again and again while it waits: not each time as often.
    places = range(1, lines - 20, max(1, lines // TRIED))
    found = {struck_at(line, how, market, at).where for line in places}
    assert len(found) > TRIED / 2


def test_one_while_a_lock_is_entered_leaves_it_to_nobody(
    at: Stage, market: Market
) -> None:
    # Whoever enters a lock by a function may be interrupted when that has it, and before
    # the block begins that gives it back.  Here each such function of the run is struck.
    strategy = Resting(market, "stopped", 0)
    struck: list[str] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        caller = frame.f_back
        if (
            frame.f_code.co_name != "__enter__"
            or caller is None
            or not caller.f_code.co_filename.startswith(HERE)
            or isinstance(frame.f_locals.get("self"), Ending)
        ):
            return trace if frame.f_code.co_filename.startswith(HERE) else None
        if event == "return" and not struck:
            struck.append(caller.f_code.co_qualname)
            raise KeyboardInterrupt
        return trace

    def go() -> None:
        with exchange(at.venue, **at.account) as ex:
            sys.settrace(trace)
            try:
                run(strategy, ex, seconds=20)
            finally:
                sys.settrace(None)
                ended.set()

    ended = threading.Event()
    threading.Thread(target=go, daemon=True).start()
    assert ended.wait(40), struck
    assert struck == []
