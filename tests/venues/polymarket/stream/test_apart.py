"""A busy market whose books are read from a machine with another clock than the stream's."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import attrs
import pytest

from tests.venues.polymarket.simulated.trader import trader
from tests.watching.wire import Wire
from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import OrderBook, Subject
from unified_exchanges.policy import LimitPolicy, StreamPolicy
from unified_exchanges.settings import Settings
from unified_exchanges.simulator.faults import FaultPlan, FaultyVenue, StreamPlan
from unified_exchanges.venues.polymarket.simulated import (
    PolymarketSettings,
    SimulatedPolymarket,
)
from unified_exchanges.venues.polymarket.venue import PolymarketVenue

FOUND = 33.5
"""Seconds until a comparison with REST finds what is wrong, with one book; and a look."""
STEP = 0.1


class Apart(FaultyVenue):
    """Tells books over REST by a clock that is so many seconds ahead.

    While an answer is on its way ``meanwhile`` happens.
    """

    ahead = 0.0
    meanwhile: Callable[[], None]

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        if not request.url.endswith("/clob/book"):
            return response
        self.meanwhile()
        told = re.sub(
            rb'("timestamp": ?")(\d+)',
            lambda x: x[1] + str(int(x[2]) + round(self.ahead * 1000)).encode(),
            response.body,
        )
        assert told != response.body or not self.ahead
        return attrs.evolve(response, body=told)


class Stage(Wire):
    """The market channel of a simulated Polymarket that sends no first books."""

    def __init__(self, ahead: float, *, seed: int, trades: bool) -> None:
        clock, self.rng = VirtualClock(), Random(seed)
        self.trades = trades
        polymarket = SimulatedPolymarket(
            seed=7,
            clock=clock,
            enforce_limits=False,
            settings=PolymarketSettings(most_assets=0),
        )
        self.us = trader(polymarket, clock, 0xA11CE)
        self.them = trader(polymarket, clock, 0xB0B)
        self.listed = self.us.market()
        self.resting: list[str] = []
        plans = FaultPlan(rng=self.rng), StreamPlan(rng=self.rng)
        server = Apart(polymarket, plans[0], clock, streams=plans[1])
        server.ahead, server.meanwhile = ahead, self.change
        settings = Settings(
            environment="local",
            clock=clock,
            rng=self.rng,
            limits=LimitPolicy(enabled=False, discover=False),
            stream=StreamPolicy(),
            environ={},
        )
        super().__init__(
            polymarket, server, PolymarketVenue(settings), clock, rng=self.rng
        )
        self.feed.join(
            Subject.ORDER_BOOK,
            [self.listed.condition_id],
            policy="latest",
            wake=lambda: None,
        )
        self.wrong = self.worst = self.stale = 0.0

    # -- what happens -----------------------------------------------------------------

    def change(self) -> None:
        """Somebody changes a level, or trades."""
        # No two things in one millisecond.
        self.clock.advance(0.002)
        drawn = self.rng.random()
        if self.trades and drawn < 0.05:
            price = self.us.best(self.listed, "ask")
            self.us.place(self.listed, "BUY", price, "5")
        elif self.resting and drawn < 0.5:
            name = self.resting.pop(self.rng.randrange(len(self.resting)))
            self.them.ask("DELETE", "/order", {"orderID": name})
        else:
            # Few levels, so that each changes often; away from the best.
            price, size = f"0.{self.rng.randint(1, 9):02}", self.rng.randint(5, 40)
            told = self.them.place(self.listed, "BUY", price, str(size))
            self.resting.append(told.body["orderID"])

    def go_on(self, seconds: float, pace: float) -> None:
        """Let so many changes happen in a second, and look at the book all the time."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            if self.rng.random() < pace * STEP:
                self.change()
            before = self.clock.monotonic()
            self.pass_time(STEP)
            self.look(self.clock.monotonic() - before)

    def look(self, passed: float) -> None:
        if self.is_stale:
            self.stale += passed
        if self.is_stale or self.is_right:
            self.wrong = 0.0
            return
        self.wrong += passed
        self.worst = max(self.worst, self.wrong)

    @property
    def book(self) -> OrderBook | None:
        return self.protocol.order_book(self.listed.condition_id)

    @property
    def is_stale(self) -> bool:
        book = self.book
        return book is None or book.stale

    @property
    def is_right(self) -> bool:
        book, truth = self.book, self.us.read("/clob/book", token_id=self.token)
        assert book is not None
        mine: list[Any] = [
            [(x.price, x.size) for x in y] for y in (book.bids, book.asks)
        ]
        theirs = [
            [(Decimal(x["price"]), Decimal(x["size"])) for x in reversed(truth[side])]
            for side in ("bids", "asks")
        ]
        return mine == theirs

    @property
    def token(self) -> str:
        return self.listed.tokens[0]


@pytest.mark.parametrize(
    ("ahead", "pace", "trades"),
    [
        (0.0, 5.0, False),
        (3.0, 5.0, False),
        (3.0, 0.3, False),
        (3.0, 3.0, True),
        (-3.0, 5.0, False),
        (-3.0, 0.3, False),
        (-3.0, 3.0, True),
    ],
)
def test_a_book_of_rest_by_another_clock_is_right_or_says_that_it_is_stale(
    ahead: float, pace: float, trades: bool
) -> None:
    stage = Stage(ahead, seed=1, trades=trades)
    stage.go_on(60, pace)
    assert stage.worst < FOUND
    # Five seconds until it is read, and where it looks too old once more.
    assert stage.stale < 16
    # What is told last, well after the book that was read, settles it.
    stage.pass_time(abs(ahead) + 1)
    stage.change()
    stage.pass_time(1)
    assert not stage.is_stale
    assert stage.is_right


def test_a_busy_market_is_not_stale_while_clocks_agree() -> None:
    stage = Stage(0.0, seed=2, trades=False)
    stage.go_on(30, 9.0)
    assert (stage.worst, stage.is_stale) == (0.0, False)
