"""Trades that are told long after they happened, as by a slower recorder or by reading."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

import attrs
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import SELL, Trade
from unified_exchanges.backtesting import backtest, merged
from unified_exchanges.money import total
from unified_exchanges.paper import PaperEngine, PaperEvent, at
from unified_exchanges.strategies import Desk, Strategy

from .scene import SECOND, START, book, contract, engine, trade

MILLISECOND = 1_000_000

Told: TypeAlias = tuple[int, PaperEvent]


def sold(millisecond: int, size: int, *, number: int = 0) -> Trade:
    """What happened at the venue at a millisecond by its clock."""
    made = trade("0.50", str(size), SELL, moment=START + millisecond * MILLISECOND)
    return attrs.evolve(made, trade_id=f"{millisecond}-{number}")


def bought(made: PaperEngine) -> Decimal:
    return total(x.size for x in made.positions())


def rested(placed: int, told: list[tuple[int, Trade]], *, behind: int = 0) -> Decimal:
    """What an order for 200 behind 10 others fills by; by our clock, but for ``placed``."""
    made = engine()
    made.receive(START - 100 * SECOND, book("10@0.50", "50@0.55"))
    # Half a millisecond before or after all trades.
    arrives = START + placed * MILLISECOND + MILLISECOND // 2 - behind
    orders: list[tuple[int, Trade | None]] = [(arrives, None), *told]
    for moment, event in sorted(orders, key=lambda pair: pair[0]):
        if event is None:
            made.place(moment, "RAIN", "yes", "buy", "0.50", 200)
            made.advance(moment)
        else:
            made.receive(moment, event)
    return bought(made)


TRADES = st.lists(
    st.tuples(st.integers(1, 4000), st.integers(1, 20), st.integers(0, 3000)),
    max_size=12,
)


@given(TRADES, st.integers(0, 4000), st.integers(-5000, 5000), st.booleans())
def test_what_is_told_late_fills_what_it_would_have_filled_at_once(
    trades: list[tuple[int, int, int]], placed: int, behind: int, is_whole: bool
) -> None:
    prompt = [
        (START + millisecond * MILLISECOND, sold(millisecond, size, number=n))
        for n, (millisecond, size, _) in enumerate(trades)
    ]
    skew = behind * MILLISECOND
    # One is told at once: by that is known how far our clock is behind.
    late = [(START - skew, sold(0, 1))]
    for (moment, event), (millisecond, size, lag) in zip(prompt, trades, strict=True):
        second = sold(millisecond // 1000 * 1000, size)
        told = second if is_whole else event
        late.append((moment + lag * MILLISECOND - skew, told))
    wanted, got = rested(placed, prompt), rested(placed, late, behind=skew)
    if is_whole or behind < 0:
        # One of which it is not known that it happened later fills nothing.
        assert got <= wanted
    else:
        assert got == wanted


def test_a_time_that_cannot_be_is_no_clock_that_is_behind() -> None:
    told = [(START, sold(3_600_000, 1)), (START + 2 * SECOND, sold(1500, 30))]
    assert rested(1000, told) == 20


class Resting(Strategy):
    """Rests a bid behind ten others, half a millisecond after a millisecond."""

    def __init__(self, placed: int) -> None:
        self.placed = placed

    def on_start(self, desk: Desk) -> None:
        microseconds = self.placed * 1000 + 500
        desk.timer("bid", timedelta(seconds=100, microseconds=microseconds))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.place("RAIN", "yes", "buy", "0.50", 200)


@given(TRADES, st.integers(0, 4000), st.integers(0, 3000), st.sets(st.integers(0, 11)))
def test_a_slower_recorder_fills_nothing_by_trades_from_before_the_order(
    trades: list[tuple[int, int, int]], placed: int, lag: int, missed: set[int]
) -> None:
    shown = attrs.evolve(book("10@0.50", "50@0.55"), timestamp=at(START - 200 * SECOND))
    began: Told = (START - 100 * SECOND, shown)
    over: Told = (START + 100 * SECOND, shown)
    terms = [contract()]
    happened = sorted(
        (
            (START + millisecond * MILLISECOND, sold(millisecond, size, number=n))
            for n, (millisecond, size, _) in enumerate(trades)
        ),
        key=lambda pair: pair[0],
    )
    heard = [x for n, x in enumerate(happened) if n not in missed]
    late = [(moment + lag * MILLISECOND, event) for moment, event in happened]
    whole, *streams = ([began, *x, over] for x in (happened, heard, late))
    alone, *both = (
        total(x.size for x in backtest(Resting(placed), data, contracts=terms).fills)
        for data in (whole, merged(*streams), merged(*reversed(streams)))
    )
    # What happened before the order and is told after it leaves those who stood before it.
    assert max(both) <= alone
    if all(millisecond > placed for millisecond, *_ in trades):
        assert both == [alone, alone]
