"""What an exit waits out, how dearly, and what ends it: on both venues."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.execution.test_exit_holding import (
    SIZE,
    book_of,
    creates,
    flavour,
    ground,
    label,
    life_of,
    market,
    plan_for,
    trader,
    until_over,
)
from tests.execution.test_exiting import FREE, Life, Store
from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    ExchangeNotAvailable,
    InvalidOrder,
    MarketClosed,
    RateLimitExceeded,
)
from unified_exchanges.execution import ExitRecord, ExitState
from unified_exchanges.execution.exiting import Exiting
from unified_exchanges.execution.patience import Patience, Rarely
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.testing.conformance.ground import Ground

__all__ = ["flavour", "ground", "market", "trader"]


def engine_of(trader: Trader) -> Any:
    ground: Any = trader.ground
    if isinstance(ground, KalshiGround):
        return ground.kalshi.engine
    assert isinstance(ground, PolymarketGround)
    return ground.polymarket._house.engine


def modes_of(trader: Trader) -> Any:
    ground = trader.ground
    assert isinstance(ground, PolymarketGround)
    return ground.polymarket._house.modes


def paused(trader: Trader, market: Market) -> dict[str, Any]:
    """What pauses so that the book stays: at Kalshi that of one market alone does not."""
    if isinstance(trader.ground, KalshiGround):
        return {"shard": market.shard}
    return {"market_id": market.market_id}


def pause(trader: Trader, market: Market) -> None:
    engine_of(trader).pause(**paused(trader, market))


def resume(trader: Trader, market: Market) -> None:
    engine_of(trader).resume(**paused(trader, market))


def close(trader: Trader, market: Market) -> None:
    engine_of(trader).determine(market.market_id, market.grid.highest * 0 + 1)


class Answers:
    """Something between us and the venue, for requests that it is meant for."""

    def __init__(self, trader: Trader, which: Any, status: int, body: bytes) -> None:
        venue: Any = trader.ground.venue
        self._which, self._answer = which, (status, body)
        self._serving = venue.server
        self._venue = venue
        self.count = 0
        venue.server = self

    def handle(self, request: Request, **more: Any) -> Response:
        if not self._which(request):
            found: Response = self._serving.handle(request, **more)
            return found
        self.count += 1
        status, body = self._answer
        return Response(status, {"content-type": "application/json"}, body)

    def end(self) -> None:
        self._venue.server = self._serving


def frames(life: Life, seconds: float, seen: Any) -> ExitRecord:
    """A busy book: ten frames a second, which all say the same."""
    record = life.exiting.record
    for _ in range(int(seconds * 10)):
        record = life.saw(seen)
        life.trader.ground.clock.advance(0.1)
    return record


def silence(life: Life, seconds: float) -> ExitRecord:
    """A silent book: whoever runs it wakes up as often as it says."""
    clock = life.trader.ground.clock
    end = clock.monotonic() + seconds
    venue = life.trader.exchange.venue
    record = life.exiting.record
    while clock.monotonic() < end and not record.is_over:
        clock.advance(max(life.exiting.wait(venue), 0.01))
        record = life._do(life.exiting.quiet(venue))
    return record


# -- pauses ----------------------------------------------------------------------------


def test_fault_09_a_pause_is_waited_out_and_costs_little(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    life = life_of(trader, market)
    seen = book_of(trader, market)
    pause(trader, market)
    count = len(trader.transport.requests)
    assert frames(life, 120, seen).state is ExitState.ARMED
    # 1200 frames: a try every ten seconds, with what it reads around it.
    assert len(trader.transport.requests) - count < 17 * 12
    assert caplog.text.count("exit 'exit' goes on") <= 3
    resume(trader, market)
    record = until_over(life, 11)
    assert (record.state, record.filled) == (ExitState.FILLED, SIZE)


def test_fault_09_a_venue_that_only_cancels_is_waited_out(
    trader: Trader, market: Market
) -> None:
    if trader.exchange.id != "polymarket":
        pytest.skip("Kalshi has no such mode")
    life = life_of(trader, market)
    seen = book_of(trader, market)
    modes_of(trader).set("cancel_only")
    count = creates(trader)
    assert frames(life, 60, seen).state is ExitState.ARMED
    # A create tries again by itself while its own deadline lasts.
    assert creates(trader) - count < 60
    modes_of(trader).set("normal")
    assert until_over(life, 11).state is ExitState.FILLED


def test_a_pause_in_which_the_book_is_silent_is_waited_out(
    trader: Trader, market: Market
) -> None:
    life = life_of(trader, market)
    pause(trader, market)
    life.saw(book_of(trader, market))
    assert silence(life, 30).state is ExitState.ARMED
    resume(trader, market)
    assert silence(life, 15).state is ExitState.FILLED


def test_fault_09_it_waits_as_long_as_the_venue_asks(
    trader: Trader, market: Market
) -> None:
    life = life_of(trader, market)
    venue = trader.exchange.venue
    seen = book_of(trader, market)
    life.saw(attrs.evolve(seen, bids=()))

    def too_fast(order: Any) -> Any:
        yield from ()
        raise RateLimitExceeded("too fast", retry_after=40)

    life.exiting._placing = too_fast
    assert life.saw(seen).state is ExitState.ARMED
    assert life.exiting.wait(venue) > 39


# -- the end ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["busy", "silent"])
def test_a_market_that_ends_is_noticed_within_a_minute(
    trader: Trader, market: Market, how: str
) -> None:
    plan = plan_for(trader, market, stop_loss=market.grid.lowest, max_slippage=0)
    life = Life(trader, plan, store := Store())
    armed = life.begin()
    seen = book_of(trader, market)
    life.saw(seen)
    close(trader, market)
    run = silence if how == "silent" else lambda x, s: frames(x, s, seen)
    with pytest.raises(MarketClosed, match="exit 'exit' ends"):
        run(life, 60)
    assert store.record() == armed


def test_an_exit_is_not_armed_on_a_market_that_has_ended(
    trader: Trader, market: Market
) -> None:
    plan = plan_for(trader, market)
    close(trader, market)
    store = Store()
    with pytest.raises(MarketClosed, match="trades no more"):
        Life(trader, plan, store).begin()
    assert store.record() is None


def test_an_exit_may_be_armed_in_a_pause(trader: Trader, market: Market) -> None:
    plan = plan_for(trader, market)
    seen = book_of(trader, market)
    pause(trader, market)
    life = Life(trader, plan, Store())
    life.market = market  # type: ignore[attr-defined]
    assert life.begin().state is ExitState.ARMED
    frames(life, 5, seen)
    resume(trader, market)
    assert until_over(life, 11).state is ExitState.FILLED


# -- reads that fail -------------------------------------------------------------------


@pytest.mark.parametrize("status", [503, 429, 500])
def test_fault_09_what_fails_for_now_does_not_keep_it_from_being_armed(
    trader: Trader, market: Market, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_for(trader, market)
    answers = Answers(trader, lambda request: request.is_read, status, b"{}")
    life = Life(trader, plan, store := Store())
    life.begin()
    assert store.record() is None
    silence(life, 60)
    assert store.record() is None
    assert 1 <= caplog.text.count("exit 'exit' goes on") <= 4
    answers.end()
    assert silence(life, 15).is_over or store.record() is not None


def test_an_exit_that_could_not_be_armed_in_time_says_so(
    trader: Trader, market: Market
) -> None:
    plan = plan_for(trader, market)
    Answers(trader, lambda request: request.is_read, 503, b"{}")
    life = Life(trader, plan, Store())
    life.exiting = Exiting(plan, trader.exchange.placing, 1.0)
    life.begin()
    trader.ground.clock.advance(2)
    with pytest.raises(ExchangeNotAvailable, match="could not be armed in time"):
        life.exiting.is_done(trader.exchange.venue)


def test_a_market_that_cannot_be_read_for_now_is_no_end(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_for(trader, market, stop_loss=market.grid.lowest, max_slippage=0)
    life = Life(trader, plan, Store())
    life.begin()
    seen = book_of(trader, market)
    Answers(trader, lambda request: request.is_read, 503, b"{}")
    assert frames(life, 300, seen).state is ExitState.ARMED
    assert 1 <= caplog.text.count("without reading its market") <= 5


def test_a_key_that_is_refused_ends_it_with_its_error(
    trader: Trader, market: Market
) -> None:
    life = life_of(trader, market)
    seen = book_of(trader, market)
    Answers(trader, lambda request: True, 401, b"{}")
    with pytest.raises(AuthenticationError):
        life.saw(seen)


def test_reads_of_the_account_that_fail_do_not_keep_the_order_back(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    life = life_of(trader, market)
    seen = book_of(trader, market)
    Answers(trader, lambda request: request.is_read, 503, b"{}")
    record = life.saw(seen)
    # Where a sale may still fail, it is not over before its fills could be read.
    late = trader.exchange.venue.settles_late
    state = ExitState.SETTLING if late else ExitState.FILLED
    assert (record.state, record.filled) == (state, SIZE)
    assert "sells without having read its position" in caplog.text


def test_a_refusal_for_good_is_raised_soon_and_says_that_it_stays_armed(
    trader: Trader, market: Market
) -> None:
    life = life_of(trader, market)
    seen = book_of(trader, market)
    bad = {"kalshi": b'{"error": {"code": "invalid_order", "message": "x"}}'}
    other = b'{"error": "Invalid order payload"}'
    body = bad.get(trader.exchange.id, other)
    answers = Answers(trader, lambda request: not request.is_read, 400, body)
    began = trader.ground.clock.monotonic()
    with pytest.raises(InvalidOrder, match="it stays armed"):
        frames(life, 60, seen)
    assert trader.ground.clock.monotonic() - began < 4
    assert answers.count == 3


# -- arguments and rehearsals ----------------------------------------------------------


@pytest.mark.parametrize("timeout", [-1, "5", True, float("nan")])
def test_a_timeout_is_checked_before_anything_is_asked(
    trader: Trader, market: Market, timeout: Any
) -> None:
    plan = plan_for(trader, market)
    with pytest.raises(BadRequest, match="timeout must be seconds"):
        Exiting(plan, trader.exchange.placing, timeout)


def test_a_rehearsal_says_what_it_would_have_sent(
    trader: Trader, ground: Ground, market: Market, flavour: str
) -> None:
    rehearsal = ground.trader(flavour, limits=FREE, dry_run=True)
    life = Life(rehearsal, plan_for(trader, market), Store())
    life.begin()
    record = life.saw(book_of(trader, market))
    assert (record.is_rehearsed, record.asked, record.unfilled) == (True, SIZE, SIZE)
    assert f"a dry run, in which {SIZE} would have been offered" in str(record)
    assert (rehearsal.writes, label(market)) == ([], record.plan.outcome)


# -- how often -------------------------------------------------------------------------


def test_tries_come_ever_more_rarely_and_begin_anew_after_a_calm_minute() -> None:
    patience, now, waits = Patience(), 100.0, []
    for _ in range(7):
        patience.failed(now)
        waits.append(patience.left(now))
        assert patience.left(now + waits[-1] / 2) > 0
        now += waits[-1]
        assert patience.left(now) == 0
    assert waits == [0.5, 1, 2, 4, 8, 10, 10]
    patience.failed(now, at_least=40)
    assert patience.left(now) == 40
    patience.failed(now + 61)
    assert patience.left(now + 61) == 0.5


def test_what_lasts_is_told_ever_more_rarely() -> None:
    rarely = Rarely()
    told = [now for now in range(1000) if rarely.is_due("x", now)]
    assert told == [0, 30, 60, 120, 240, 480, 960]
    assert rarely.is_due("y", 1000)
    rarely.over()
    assert rarely.is_due("y", 1001)
