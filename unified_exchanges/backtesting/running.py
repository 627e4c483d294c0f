"""`backtest`: one run of a strategy over what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final, TypeAlias

from ..guards import GuardPolicy
from ..money import Number
from ..paper import Contract, Delays, PaperEvent
from ..strategies import Strategy
from ..strategies.given import check_limits, check_some, check_strategy
from .contracts import contracts_told
from .loop import Loop
from .reading import Reading
from .report import BacktestProgress, Report
from .sources import Data

__all__ = ["backtest"]

_BEAT: Final = 50_000
"""Events between two words on progress."""

Progress: TypeAlias = Callable[[BacktestProgress], object]


def backtest(
    strategy: Strategy,
    data: Data,
    *,
    contracts: Iterable[Contract] | None = None,
    cash: Number = "10000",
    delays: Delays | None = None,
    sample: timedelta | None = None,
    guards: GuardPolicy | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run a strategy over what was recorded; gives what would have become of it.

    ``data`` are events with the nanoseconds of their receipt, such as ``[(ns, book)]``, the
    path of a recording or of its Parquet files, or several paths, which are put together
    as by `merged`: what overlaps counts once.  ``contracts`` are the markets with their
    fees, from `contract_of`; None reads those of the strategy out of the paths, else all
    that they tell of, as `contracts_in` does.

    Time is that of the events.  The strategy is told an event ``delays.event`` nanoseconds
    after its receipt, and never before; an order takes effect ``delays.order`` after it
    was decided, after everything received by then.  Orders fill by the rules of
    `PaperEngine`: never at a price that was not offered, behind all that was displayed.
    Nothing depends on a clock, on chance or on the machine.  Between trades equity is looked
    at every ``sample``; by default at the shortest of 10 ms, 20 ms, 40 ms, … 40.96 s of
    which a thousand cover the events.

    ``guards`` are held against what the strategy asks for as an exchange holds them: None is
    what is on by default.  What they refuse is a failure, and never arrives.

    What the strategy raises is raised.  Raises `BadRequest`, before anything runs, for what
    was given wrongly, an empty list too, and for markets that have no contract, and
    ValueError where the events go back in time.

    >>> backtest(Strategy(), iter([]), contracts=[]).pnl
    Decimal('0')
    """
    check_limits(progress=progress)
    if contracts is None:
        check_strategy(strategy)
        check_some(data)
        contracts = contracts_told(data, strategy.markets)
    loop = Loop(
        strategy,
        contracts=contracts,
        cash=cash,
        delays=delays,
        sample=sample,
        guards=guards,
    )
    check_some(data)
    reading = Reading(data)
    events = iter(reading.events)
    loop.play(events if progress is None else _shown(events, loop, progress))
    return loop.end(reading.provenance())


def _shown(
    events: Iterable[tuple[int, PaperEvent]], loop: Loop, progress: Progress
) -> Iterator[tuple[int, PaperEvent]]:
    """The same events, and now and then a word on how far it is."""
    for count, event in enumerate(events, 1):
        yield event
        if not count % _BEAT:
            progress(loop.progress(count))
