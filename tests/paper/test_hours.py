"""Markets that open and close by the clock, which nobody tells."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest

from unified_exchanges import MarketStatus, Order
from unified_exchanges.errors import InsufficientFunds, MarketClosed, OrderRejected
from unified_exchanges.paper import PaperEngine, at
from unified_exchanges.paper.kept import changed, restored
from unified_exchanges.paper.refusals import (
    NOT_ENOUGH,
    WOULD_CROSS,
    error_of,
    not_trading,
)

from .scene import SECOND, START, D, book, change, contract, trade

CLOSE = START + 100 * SECOND


def hours(*, keeps: bool = True, **how: Any) -> Any:
    market = attrs.evolve(contract().market, **{"closes_at": at(CLOSE), **how})
    return attrs.evolve(contract(), market=market, keeps_hours=keeps)


def resting(given: Any) -> tuple[PaperEngine, str]:
    engine = PaperEngine([given], cash="1000")
    engine.receive(START, book("100@0.40", "100@0.50"))
    key = engine.place(START, "RAIN", "yes", "buy", "0.30", 10)
    engine.advance(START)
    engine.notices()
    return engine, key


def told(engine: PaperEngine) -> list[tuple[int, str]]:
    return [(m, str(x.status)) for m, x in engine.notices() if isinstance(x, Order)]


def test_what_rests_ends_when_the_market_closes() -> None:
    engine, _ = resting(hours())
    assert engine.due == CLOSE
    engine.advance(CLOSE - 1)
    assert engine.open_orders()
    engine.advance(CLOSE + SECOND)
    assert told(engine) == [(CLOSE, "canceled")]
    assert engine.due is None


def test_an_order_that_arrives_as_the_market_closes_is_refused() -> None:
    engine, _ = resting(hours())
    early = engine.place(CLOSE - 1, "RAIN", "yes", "buy", "0.30", 10)
    late = engine.place(CLOSE, "RAIN", "yes", "buy", "0.30", 10)
    engine.advance(CLOSE)
    assert engine.order(early).status == "canceled"
    assert engine.find(late).reason == "the market is closed"
    assert engine.order(late).status == "rejected"


def test_where_times_are_only_planned_nothing_closes() -> None:
    engine, _ = resting(hours(keeps=False))
    engine.advance(CLOSE + SECOND)
    assert len(engine.open_orders()) == 1


def test_a_market_opens_by_the_clock() -> None:
    opens: dict[str, Any] = {
        "status": MarketStatus.UNOPENED,
        "opens_at": at(START + SECOND),
    }
    engine = PaperEngine([hours(**opens)], cash="1000")
    for moment in (START, START + SECOND):
        engine.place(moment, "RAIN", "yes", "buy", "0.30", 10)
        engine.advance(moment)
    assert [x for _, x in told(engine)] == ["rejected", "open"]


@pytest.mark.parametrize(
    "status", [MarketStatus.OPEN, MarketStatus.UNOPENED, MarketStatus.PAUSED]
)
def test_what_a_trade_took_before_the_first_order_is_gone_whatever_was_told_before(
    status: MarketStatus,
) -> None:
    given = hours(status=status, opens_at=at(START))
    engine = PaperEngine([given], cash="1000")
    shown = attrs.evolve(book("10@0.40", "10@0.50"), timestamp=at(START))
    engine.receive(START, shown)
    taken = START + SECOND
    # Told before it happened: by as much the clock is behind.
    engine.receive(taken - 2 * SECOND // 1000, trade("0.50", "7", moment=taken))
    if status is MarketStatus.PAUSED:
        engine.receive(taken, change(MarketStatus.OPEN))
    key = engine.place(taken, "RAIN", "yes", "buy", "0.50", 10, time_in_force="ioc")
    engine.advance(taken)
    assert engine.order(key).filled == D(3)
    assert engine.pits["RAIN"].behind == 2 * SECOND // 1000


@pytest.mark.parametrize(
    ("moved", "ends"), [(-50, CLOSE - 50 * SECOND), (50, CLOSE + 50 * SECOND)]
)
def test_a_close_that_is_moved_counts(moved: int, ends: int) -> None:
    engine, _ = resting(hours())
    to = at(CLOSE + moved * SECOND)
    engine.receive(START + SECOND, attrs.evolve(change(), closes_at=to))
    engine.advance(CLOSE + 60 * SECOND)
    assert told(engine) == [(ends, "canceled")]


def test_a_close_that_is_moved_to_a_moment_that_has_passed_comes_at_once() -> None:
    """Who closes a market now tells whole seconds: that is before."""
    engine, _ = resting(hours())
    to = at(START + SECOND // 2)
    engine.receive(START + SECOND, attrs.evolve(change(), closes_at=to))
    loaded = restored(changed(engine, ()), lambda _: hours(), engine.delays).engine
    for each in (engine, loaded):
        assert each.due == START + SECOND
        late = each.place(START + 2 * SECOND, "RAIN", "yes", "buy", "0.30", 10)
        each.advance(START + 3 * SECOND)
        assert told(each)[0] == (START + SECOND, "canceled")
        assert each.order(late).status == "rejected"


def test_a_market_that_is_told_to_trade_after_its_close_trades() -> None:
    engine, _ = resting(hours())
    engine.receive(CLOSE + SECOND, change(MarketStatus.OPEN))
    key = engine.place(CLOSE + SECOND, "RAIN", "yes", "buy", "0.30", 10)
    engine.advance(CLOSE + 9 * SECOND)
    assert engine.order(key).is_open


def test_a_state_knows_when_its_markets_close() -> None:
    engine, _ = resting(hours())
    to: datetime = at(CLOSE - 50 * SECOND)
    engine.receive(START + SECOND, attrs.evolve(change(), closes_at=to))
    loaded = restored(changed(engine, ()), lambda _: hours(), engine.delays).engine
    loaded.advance(CLOSE)
    assert told(loaded) == [(CLOSE - 50 * SECOND, "canceled")]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (not_trading(MarketStatus.SETTLED), MarketClosed),
        (NOT_ENOUGH, InsufficientFunds),
        (WOULD_CROSS, OrderRejected),
    ],
)
def test_a_refusal_is_the_error_of_a_venue(reason: str, error: type[Exception]) -> None:
    assert error_of(reason) is error
