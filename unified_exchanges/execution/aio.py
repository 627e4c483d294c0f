"""The async face: what runs a hedge or an exit on an `AsyncExchange`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import RequestTimeout
from ..models import Leg
from ..money import Number
from .exiting import Exiting
from .exits import ExitPlan, ExitRecord
from .hedges import Begun
from .hedging import Hedging
from .legs import HedgeLeg
from .report import HedgeReport, OnFailure

if TYPE_CHECKING:
    from ..shells.aio import AsyncExchange

__all__ = ["async_hedge", "async_hedge_report", "async_run_exit"]


async def async_hedge(
    exchange: AsyncExchange,
    legs: Sequence[HedgeLeg | Leg],
    budget: Number,
    *,
    max_slippage: Number = "0.02",
    dry_run: bool = True,
    on_failure: OnFailure = "stop",
    unwind_slippage: Number = "0.05",
    name: str | None = None,
) -> HedgeReport:
    """Buy the same number of contracts of each leg; see `hedge`."""
    hedging = Hedging.read(
        legs,
        budget,
        max_slippage=max_slippage,
        unwind_slippage=unwind_slippage,
        dry_run=dry_run,
        on_failure=on_failure,
        name=name,
    )
    return await exchange.run(hedging.flow(exchange))


async def async_hedge_report(
    exchange: AsyncExchange, name: str | None = None
) -> HedgeReport:
    """Get what became of a hedge that was begun on this journal; see `hedge_report`."""
    return await exchange.run(Begun(name).flow(exchange))


async def async_run_exit(
    exchange: AsyncExchange,
    plan: ExitPlan,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - the record is the answer, as in run_exit
) -> ExitRecord:
    """Watch the book and send one bounded order; see `run_exit`."""
    exiting = Exiting(plan, exchange.placing)
    venue = exchange.venue
    record = await exchange.run(exiting.begin(venue))
    if record.is_over:
        return record
    clock = venue.clock
    end = None if timeout is None else clock.monotonic() + timeout
    outcome = plan.outcome
    async with exchange.watch_order_book(plan.market_id, outcome=outcome) as watch:
        while True:
            left = None if end is None else max(end - clock.monotonic(), 0.0)
            wait = exiting.wait(left)
            try:
                book = await watch.next(wait)
            except RequestTimeout:
                if wait == left:
                    return record
                record = await exchange.run(exiting.quiet(venue))
            else:
                record = await exchange.run(exiting.saw(venue, book))
            if record.is_over:
                return record
