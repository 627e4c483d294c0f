"""The report of a backtest, made of what there was when it ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import attrs

from ..guards import GuardPolicy
from ..models import Fill, MarketStatus, OrderStatus, Settlement
from ..money import EXACT, div, total
from ..paper import PaperEngine, at
from ..strategies import Desk, Note
from .assumptions import assumed
from .course import course_of
from .feed import Feed
from .measures import Measures
from .reading import Provenance
from .report import MarketReport, Report
from .telling import Teller

__all__ = ["Tally", "report_of"]

_NAMELESS: Final = (
    "{} books were not told, as they bear the venue's id of their outcome and not its label: "
    "the recording does not say what that is; have the market listed while it is recorded, "
    "as by contract_of(exchange, market_id)"
)

_OVER: Final = (MarketStatus.CLOSED, MarketStatus.SETTLED)
_UNPAID: Final = (
    "{} is {}, and what it pays was not told: what is held of it counts at its last bids, "
    "as nothing where there was none"
)


@attrs.define
class Tally:
    """What is counted and kept while events are played.

    ``began`` and ``last`` are the moments of the first event and of the last that was told;
    ``told`` are the markets of which anything was that the strategy follows.
    ``nameless`` are books that were ignored as they bear an id in place of a label.
    """

    began: int | None = None
    last: int | None = None
    events: int = 0
    ignored: int = 0
    nameless: int = 0
    told: set[str] = attrs.field(factory=set)
    fills: list[Fill] = attrs.field(factory=list)
    settlements: list[Settlement] = attrs.field(factory=list)


def report_of(
    tally: Tally,
    teller: Teller,
    engine: PaperEngine,
    measures: Measures,
    every: int,
    provenance: Provenance,
    guards: GuardPolicy,
) -> Report:
    """Make it; ``every`` are the nanoseconds between points of equity."""
    desk = teller.desk
    fills: defaultdict[str, list[Fill]] = defaultdict(list)
    for fill in tally.fills:
        fills[fill.market_id].append(fill)
    markets = tuple(
        measures.market(pit, fills[market_id]) for market_id, pit in engine.pits.items()
    )
    taken = [
        order
        for order in engine.orders.values()
        if order.arrived is not None and order.status is not OrderStatus.REJECTED
    ]
    ordered = total(order.size for order in taken)
    filled = total(order.filled for order in taken)
    for market in markets:
        if market.is_settled and market.value is not None:
            # Also where the strategy would have been told so only after the end.
            desk.forecasts.settle(market.market_id, market.value)
    equity = measures.equity()
    course = course_of(measures.points, engine.starting_cash)
    feeds = list(provenance.feeds)
    if len(feeds) == 1 and tally.began is not None:
        # One alone is timed here: to note each of its events takes time.
        feeds = [attrs.evolve(feeds[0], began=tally.began, ended=tally.last)]
    return Report(
        strategy=type(teller.strategy).__name__,
        started_at=None if tally.began is None else at(tally.began),
        ended_at=None if tally.began is None else at(desk.moment),
        events=tally.events,
        ignored=tally.ignored,
        repeated=provenance.repeated,
        starting_cash=engine.starting_cash,
        cash=engine.cash,
        equity=equity,
        pnl=EXACT.subtract(equity, engine.starting_cash),
        fees=engine.account.fees,
        max_drawdown=course.max_drawdown,
        max_drawdown_ratio=course.max_drawdown_ratio,
        peak_exposure=course.peak_exposure,
        average_exposure=course.average_exposure,
        turnover=total(market.turnover for market in markets),
        order_count=len(taken),
        fill_ratio=div(filled, ordered) if ordered else None,
        forecasts=desk.forecasts.count,
        brier=desk.forecasts.brier,
        calibration=desk.forecasts.calibration(),
        markets=markets,
        equity_curve=tuple(measures.points),
        fills=tuple(tally.fills),
        settlements=tuple(tally.settlements),
        assumptions=assumed(engine, every, feeds, guards),
        decisions=tuple(desk.decisions),
        failures=tuple(teller.failures),
        notes=_notes(
            desk,
            feeds,
            tally,
            teller.untold(tally.told),
            _unpaid(engine, markets, desk.moment),
        ),
    )


def _unpaid(
    engine: PaperEngine, markets: Iterable[MarketReport], moment: int
) -> list[str]:
    """What is to be known of markets that are over and have paid nothing for what is held."""
    unpaid = {x.market_id for x in markets if x.held and x.value is None}
    found = ((x, engine.pits[x].status_at(moment)) for x in unpaid)
    return [_UNPAID.format(*each) for each in sorted(found) if each[1] in _OVER]


def _notes(
    desk: Desk,
    feeds: list[Feed],
    tally: Tally,
    untold: list[str],
    unpaid: list[str],
) -> tuple[Note, ...]:
    """What the strategy wrote, and what is to be known of the data."""
    of_data = [
        Note(at=moment, text=text, is_of_data=True)
        for feed in feeds
        for moment, text in feed.notes()
    ]
    of_data += [Note(at=desk.moment, text=text, is_of_data=True) for text in unpaid]
    if tally.began is None:
        text = (
            "there was no event in the data: nothing was told, and nothing could happen"
        )
        of_data.append(Note(at=desk.moment, text=text, is_of_data=True))
    elif tally.ignored < tally.events:
        of_data += [
            Note(
                at=desk.moment,
                text=f"nothing of what the strategy follows was told of {name}, a market of "
                "the run",
                is_of_data=True,
            )
            for name in untold
        ]
    elif tally.ignored:
        text = (
            f"all events were ignored, {tally.events} in number: none is of a market of the "
            "run, of which there is a contract in contracts="
        )
        of_data.append(Note(at=desk.moment, text=text, is_of_data=True))
    if tally.nameless:
        text = _NAMELESS.format(tally.nameless)
        of_data.append(Note(at=desk.moment, text=text, is_of_data=True))
    return tuple(sorted([*of_data, *desk.notes], key=lambda note: note.at))
