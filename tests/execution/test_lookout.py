"""The book that an exit reads itself: how often, how long, and what it says of that."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.execution.test_exiting import (
    FREE,
    Life,
    Store,
    flavour,
    ground,
    intercept,
    market,
    plan_for,
    trader,
)
from unified_exchanges.errors import BadRequest
from unified_exchanges.execution import ExitRecord, ExitState
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market
from unified_exchanges.testing.conformance import Trader

__all__ = ["FREE", "flavour", "ground", "market", "trader"]


def quiet(life: Life) -> ExitRecord:
    """Nothing came of the stream."""
    return life._do(life.exiting.quiet(life.trader.exchange.venue))


def reads(trader: Trader) -> int:
    asked = trader.transport.requests
    return len([x for x in asked if x.url.endswith("/orderbook")])


def waiting(trader: Trader, market: Market) -> Life:
    """An exit that no book sets off yet."""
    plan = plan_for(trader, market, stop_loss=market.grid.lowest)
    life = Life(trader, plan, Store())
    life.begin()
    return life


def unread(trader: Trader, status: int, body: bytes = b"{}") -> None:
    """Let no book be read."""
    venue: Any = trader.ground.venue
    serve = venue.server.handle

    class Between:
        def handle(self, request: Request) -> Response:
            if request.url.endswith("/orderbook"):
                return Response(status, {"content-type": "application/json"}, body)
            answer: Response = serve(request)
            return answer

    venue.server = Between()


def test_a_book_is_read_every_two_seconds_while_no_stream_tells_it(
    trader: Trader, market: Market
) -> None:
    life = waiting(trader, market)
    before = reads(trader)
    for _ in range(5):
        assert quiet(life).state is ExitState.ARMED
        trader.ground.clock.advance(1)
    assert reads(trader) - before == 3


def test_a_quiet_book_of_a_live_stream_is_not_read(
    trader: Trader, market: Market
) -> None:
    life = waiting(trader, market)
    life.saw(trader.book(market))
    before = reads(trader)
    assert quiet(life).state is ExitState.ARMED
    assert reads(trader) == before


def test_what_was_refused_for_now_is_sent_again_by_the_book_in_hand(
    trader: Trader, market: Market
) -> None:
    life = Life(trader, plan_for(trader, market), Store())
    life.begin()
    book = trader.book(market)
    intercept(trader, lambda _request, _serve: Response(429))
    life.saw(book)
    assert life.exiting.wait(life.trader.exchange.venue) == 0.5
    trader.ground.clock.advance(5)
    intercept(trader, lambda request, _serve: trader.ground.kalshi.handle(request))  # type: ignore[attr-defined]
    assert quiet(life).state is ExitState.FILLED


def test_what_is_said_of_a_missing_stream_is_said_ever_more_rarely(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    life = waiting(trader, market)
    began = trader.ground.clock.monotonic()
    told = []
    for _ in range(1000):
        caplog.clear()
        quiet(life)
        if "no stream tells" in caplog.text:
            told.append(round(trader.ground.clock.monotonic() - began))
        trader.ground.clock.advance(2)
    assert told == [0, 30, 60, 120, 240, 480, 960, 1920]
    caplog.clear()
    life.saw(trader.book(market))
    assert "exit 'exit': the stream tells its book again" in caplog.messages


def test_a_book_that_cannot_be_read_is_told_and_tried_again(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_for(trader, market, max_slippage=Decimal("0.1"))
    life = Life(trader, plan, Store())
    life.begin()
    serving = trader.ground.venue.server  # type: ignore[attr-defined]
    unread(trader, 503)
    began = trader.ground.clock.monotonic()
    assert quiet(life).state is ExitState.ARMED
    assert trader.ground.clock.monotonic() - began <= 3
    assert "it sells nothing until then" in caplog.text
    trader.ground.venue.server = serving  # type: ignore[attr-defined]
    trader.ground.clock.advance(2)
    assert quiet(life).state is ExitState.FILLED
    assert "it is read over REST every 2 s instead" in caplog.text


def test_a_read_that_waiting_cannot_help_is_raised(
    trader: Trader, market: Market
) -> None:
    life = waiting(trader, market)
    unread(trader, 400, b'{"error": {"code": "invalid_parameters", "message": "x"}}')
    with pytest.raises(BadRequest):
        quiet(life)
