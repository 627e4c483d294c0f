"""The async face: what runs a hedge or an exit on an `AsyncExchange`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import RequestTimeout
from ..models import Leg
from ..money import Number
from .exit_record import ExitRecord
from .exiting import Exiting
from .exits import ExitPlan
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
    exiting = Exiting(plan, exchange.placing, timeout)
    venue = exchange.venue
    await exchange.run(exiting.begin(venue))
    if exiting.is_done(venue):
        return exiting.record
    outcome = plan.outcome
    async with exchange.watch_order_book(plan.market_id, outcome=outcome) as watch:
        while not exiting.is_done(venue):
            try:
                book = await watch.next(exiting.wait(venue))
            except RequestTimeout:
                await exchange.run(exiting.quiet(venue))
            else:
                await exchange.run(exiting.saw(venue, book))
    return exiting.record
