"""The blocking face: what runs a hedge or an exit on an `Exchange`."""

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
    from ..shells.blocking import Exchange

__all__ = ["hedge", "hedge_report", "run_exit"]


def hedge(
    exchange: Exchange,
    legs: Sequence[HedgeLeg | Leg],
    budget: Number,
    *,
    max_slippage: Number = "0.02",
    dry_run: bool = True,
    on_failure: OnFailure = "stop",
    unwind_slippage: Number = "0.05",
    name: str | None = None,
) -> HedgeReport:
    """Buy the same number of contracts of each leg, as many as ``budget`` dollars pay.

    Without ``dry_run=False`` nothing is sent: the report has what would be, and in
    ``refusal`` why it would not be let leave.  The legs are checked first, and held against
    the guards all of them together, then placed one by one in the order given, each at once and
    whole where the venue can do that.  A limit is at most ``max_slippage`` dollars above
    the best ask, or the leg's own bound, and the budget holds even if every leg fills at
    its limit, lot by lot, each with a fee that is rounded up.

    Once a leg has failed (refused, unfilled, or filled in part), ``on_failure`` says what
    follows.  ``"stop"``: no more legs, what has filled is kept.  ``"hold"``: the others
    all the same.  ``"unwind"``: no more legs, and what has filled is sold back at once, at
    most ``unwind_slippage`` dollars below the best bid; a sale that is refused for now is
    sent again, up to a minute.  A leg of which nobody knows whether it is at the venue
    always ends the placing; it is in ``unresolved``.  Under ``"unwind"`` it is looked for
    first, up to a minute, and while it is unknown nothing is sold back.  A halt ends the
    placing too: the leg that met it has `Halted` as its ``error``.  Reading what all of it
    cost waits up to 10 seconds for fills that do not show.

    The hedge is written down in the exchange's journal before its first order, under its
    ``name``, which is drawn unless it is given and is good for one hedge.  With
    ``journal="orders.db"`` `hedge_report` tells after a crash which legs were placed.

    Raises `CombinationMarket` for a leg that is no plain market, `InvalidOrder` where the
    budget buys no hedge or where a leg would close a position, which ``"unwind"`` could not
    restore, what `preview_order` raises, and `ReadOnly` where this exchange may not write:
    all before anything is sent.
    """
    hedging = Hedging.read(
        legs,
        budget,
        max_slippage=max_slippage,
        unwind_slippage=unwind_slippage,
        dry_run=dry_run,
        on_failure=on_failure,
        name=name,
    )
    return exchange.run(hedging.flow(exchange))


def hedge_report(exchange: Exchange, name: str | None = None) -> HedgeReport:
    """Get what became of a hedge that was begun on this journal, as it stands now.

    For after a crash: ``name`` is what the hedge was given, None the one that began last.
    Nothing is sent: each leg and each sale back is looked up once, by the client order id
    that follows from the name.  A leg that was never sent is ``skipped``.  One that may be
    at the venue is ``unknown`` and in ``unresolved``: call ``reconcile()``, then this again.

    Raises `BadRequest` if the journal knows no such hedge.
    """
    return exchange.run(Begun(name).flow(exchange))


def run_exit(
    exchange: Exchange,
    plan: ExitPlan,
    *,
    timeout: float | None = None,
) -> ExitRecord:
    """Watch the book, send one bounded order when the plan says so, and get its record.

    The order is immediate and only reduces.  The exit is written down in the exchange's
    journal: with ``journal="orders.db"`` it outlives the process.  Run again with the same
    plan after a crash, or by several processes at once, it looks its order up before it
    watches on, and sells once.

    While no stream tells the book, since it was never reached or broke, the log says so, and
    the book is read over REST every 2 seconds.

    One order is all, for what is held and free at most: what it does not fill stays held,
    and ``state``, ``unfilled`` and ``locked`` say so.  What fails for now, as in a pause of
    the market, is tried again, ever more rarely; an order of which nobody knows is looked up
    until that is known.  After ``timeout`` seconds the record comes back as it is.

    Raises `MarketClosed` once the market has ended, `CombinationMarket` for what is no plain
    market, and `Halted` if it should sell while everything is halted: it stays armed.
    Raises `DuplicateOrderId` where its key belongs to an order that is not its own,
    `BadRequest` for a timeout that is no number of seconds, and other errors that waiting
    cannot help, which say that it stays armed.
    """
    exiting = Exiting(plan, exchange.placing, timeout)
    venue = exchange.venue
    exchange.run(exiting.begin(venue))
    if exiting.is_done(venue):
        return exiting.record
    outcome = plan.outcome
    with exchange.watch_order_book(plan.market_id, outcome=outcome) as watch:
        while not exiting.is_done(venue):
            try:
                book = watch.next(exiting.wait(venue))
            except RequestTimeout:
                exchange.run(exiting.quiet(venue))
            else:
                exchange.run(exiting.saw(venue, book))
    return exiting.record
