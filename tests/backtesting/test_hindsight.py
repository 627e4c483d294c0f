"""What a strategy may know in a backtest: nothing that was told only later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from unified_exchanges import BadRequest, Market, MarketChange, MarketStatus, OrderBook
from unified_exchanges.backtesting import Report, backtest
from unified_exchanges.paper import Contract, Delays, at
from unified_exchanges.strategies import Desk, Strategy

from ..paper.scene import SECOND, book, change, contract
from .test_loop import QUIET, D, Told, when

ENDED: dict[str, Any] = {
    "status": MarketStatus.SETTLED,
    "venue_status": "finalized",
    "result": "yes",
    "settlement_price": D(1),
    "settled_at": at(when(50)),
    "bid": D("0.98"),
    "bid_size": D(1),
    "ask": D(1),
    "ask_size": D(1),
    "last_price": D("0.99"),
    "previous_price": D("0.40"),
    "volume": D(5_000),
    "volume_24h": D(4_000),
    "open_interest": D(300),
    "raw_json": b'{"result": "yes"}',
}
DAY: list[Told] = [
    (when(0), QUIET),
    (when(10), change(MarketStatus.CLOSED)),
    (when(20), change(MarketStatus.SETTLED, "1")),
]


def ended(*, read: int | None, **how: Any) -> Contract:
    market = attrs.evolve(contract().market, **ENDED | how)
    read_at = None if read is None else at(when(read))
    return attrs.evolve(contract(), market=market, read_at=read_at)


class Cheat(Strategy):
    """Looks at all that a market tells, for the winner."""

    def __init__(self) -> None:
        self.seen: list[Market] = []

    def on_start(self, desk: Desk) -> None:
        self.seen.append(desk.market("RAIN"))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.seen.append(desk.market("RAIN"))
        market = self.seen[-1]
        hints = (market.result, market.raw.get("result"), market.settlement_price)
        if any(hint is not None for hint in hints):
            desk.place("RAIN", "yes", "buy", "0.50", 10, time_in_force="ioc")


@pytest.mark.parametrize("read", [None, 60])
@pytest.mark.parametrize("delays", [Delays(), Delays(event=SECOND // 2)])
def test_a_market_that_was_read_after_its_end_does_not_tell_how_it_ended(
    read: int | None, delays: Delays
) -> None:
    cheat = Cheat()
    report = backtest(cheat, DAY, contracts=[ended(read=read)], delays=delays)
    assert report.fills == ()
    assert len(cheat.seen) == 2
    plain = attrs.evolve(contract().market, venue_status="", status=MarketStatus.OPEN)
    for market in cheat.seen:
        assert market == plain
        assert market.raw == {}
        assert {name: getattr(market, name) for name in ENDED} == {
            name: getattr(plain, name) for name in ENDED
        }


def test_a_market_that_was_read_before_tells_what_it_told_then() -> None:
    cheat = Cheat()
    known = ended(read=0, status=MarketStatus.OPEN, result=None, settlement_price=None)
    backtest(cheat, DAY, contracts=[known])
    assert cheat.seen[0] == known.market


@pytest.mark.parametrize(
    ("status", "keeps_hours", "is_told"),
    [
        (MarketStatus.SETTLED, True, False),
        (MarketStatus.CLOSED, True, False),
        (MarketStatus.OPEN, True, True),
        # Only planned: that does not move with what comes true.
        (MarketStatus.SETTLED, False, True),
    ],
)
def test_a_close_that_may_have_come_early_is_not_told_and_still_comes(
    status: MarketStatus, keeps_hours: bool, is_told: bool
) -> None:
    class Late(Cheat):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            super().on_book(desk, book)
            if len(self.seen) == 3:
                desk.place("RAIN", "yes", "buy", "0.50", 10)

        def on_failure(self, desk: Desk, failure: Any) -> None:
            pass

    known = ended(read=60, status=status, closes_at=at(when(5)))
    late = Late()
    events: list[Told] = [(when(0), QUIET), (when(9), QUIET), (when(19), QUIET)]
    report = backtest(
        late, events, contracts=[attrs.evolve(known, keeps_hours=keeps_hours)]
    )
    assert (late.seen[0].closes_at is not None) is is_told
    assert bool(report.fills) is not keeps_hours


class Prophet(Strategy):
    """Says that it comes true, wherever it can."""

    subjects: Sequence[str] = ("order_book", "market_status")

    def __init__(self, sure: Callable[[MarketChange], bool]) -> None:
        self.sure = sure

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        desk.forecast("RAIN", "yes", "0.5")

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        if self.sure(change):
            desk.forecast("RAIN", "yes", 1)


def judged(events: list[Told], known: Contract | None = None) -> Report:
    prophet = Prophet(lambda change: change.value is not None or bool(change.result))
    return backtest(prophet, events, contracts=[known or contract()])


@pytest.mark.parametrize(
    "told",
    [change(MarketStatus.CLOSED, "1"), attrs.evolve(change(), result="yes")],
)
def test_a_forecast_of_what_was_told_does_not_count(told: MarketChange) -> None:
    paid = change(MarketStatus.SETTLED, "1")
    events: list[Told] = [(when(0), QUIET), (when(1), told), (when(2), paid)]
    report = judged(events)
    assert (report.forecasts, report.brier) == (1, D("0.25"))


def test_a_forecast_of_a_market_that_was_over_from_the_beginning_does_not_count() -> (
    None
):
    known = ended(read=0, status=MarketStatus.CLOSED)
    report = judged([(when(0), QUIET), (when(1), change(MarketStatus.SETTLED))], known)
    assert (report.forecasts, report.brier) == (0, None)


def test_a_forecast_after_the_close_counts_as_long_as_nothing_is_told() -> None:
    class Late(Prophet):
        def on_status(self, desk: Desk, change: MarketChange) -> None:
            desk.forecast("RAIN", "yes", "0.5")

    events: list[Told] = [
        (when(1), change(MarketStatus.CLOSED)),
        (when(2), change(MarketStatus.SETTLED, "1")),
    ]
    report = backtest(Late(bool), events, contracts=[contract()])
    assert (report.forecasts, report.brier) == (1, D("0.25"))


@pytest.mark.parametrize("delays", [Delays(), Delays(event=1)])
@pytest.mark.parametrize(
    "act",
    [
        lambda desk: desk.place("SNOW", "yes", "buy", "0.50", 10),
        lambda desk: desk.book("SNOW"),
        lambda desk: desk.market("SNOW"),
        lambda desk: desk.held("SNOW", "yes"),
        lambda desk: desk.forecast("SNOW", "yes", "0.5"),
    ],
)
def test_a_market_that_is_not_of_the_run_is_refused_as_it_is_live(
    act: Callable[[Desk], object], delays: Delays
) -> None:
    class Wide(Strategy):
        markets = ("RAIN",)

        def on_book(self, desk: Desk, book: OrderBook) -> None:
            act(desk)

    events: list[Told] = [
        (when(0), book("1@0.40", "1@0.50", market_id="SNOW")),
        (when(1), attrs.evolve(change(MarketStatus.CLOSED), market_id="SNOW")),
        (when(2), QUIET),
        (when(3), QUIET),
    ]
    contracts = [contract(), contract("SNOW")]
    with pytest.raises(BadRequest, match=r"'SNOW' is not followed by this run; .*RAIN"):
        backtest(Wide(), events, contracts=contracts, delays=delays)
