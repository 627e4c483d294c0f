"""Equity and exposure as they develop: exact, in space for the points alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

import attrs

from ..models import Fill, Holding, MarketStatus, OrderBook
from ..models.titles import title_of
from ..money import EXACT, ZERO, complement, total
from ..paper import PaperEngine, at
from ..paper.pit import Pit, is_crossed
from .report import EquityPoint, MarketReport

__all__ = ["Measures"]


@attrs.define(eq=False)
class _Worth:
    """What is held of one market, and the book or the value by which it was marked."""

    pit: Pit
    sizes: tuple[tuple[str, Decimal], ...]
    """Of each outcome, which stay so until `Measures.hold`."""
    book: OrderBook | None = None
    value: Decimal | None = None
    worth: Decimal = ZERO
    is_marked: bool = False


class Measures:
    """Looks at an engine whenever its account or its time has moved on."""

    def __init__(self, engine: PaperEngine) -> None:
        self._engine = engine
        self._lost: dict[str, OrderBook] = {}
        """The last books that were known, of markets that had a gap or a crossed book."""
        self._worth: dict[str, _Worth] = {}
        """What is held now."""
        self._total = ZERO
        """What all of that is worth."""
        self._costs: dict[str, Decimal] = {}
        self._exposure = ZERO
        """What all of that cost."""
        self.points: list[EquityPoint] = []

    def changed(self, market_id: str) -> None:
        """Something was traded or paid in a market."""
        cost = total(x.cost for x in self._engine.account.lots[market_id].values())
        before = self._costs.get(market_id, ZERO)
        self._costs[market_id] = cost
        self._exposure = EXACT.add(self._exposure, EXACT.subtract(cost, before))

    def hold(self, market_id: str) -> None:
        """What is held of a market is another than it was."""
        held = self._worth.pop(market_id, None)
        if held is not None:
            self._total = EXACT.subtract(self._total, held.worth)
        lots = self._engine.account.lots[market_id]
        sizes = tuple((outcome, x.size) for outcome, x in lots.items() if x.size)
        if sizes:
            held = _Worth(self._engine.pits[market_id], sizes)
            self._worth[market_id] = held
            with localcontext(EXACT):
                self._mark_again(held)

    def sample(self, moment: int) -> EquityPoint:
        """Note how much there is; the last of a microsecond is its point."""
        point = EquityPoint(
            at=at(moment),
            equity=self.equity(),
            cash=self._engine.cash,
            exposure=self._exposure,
        )
        if self.points and self.points[-1].at == point.at:
            self.points[-1] = point
        else:
            self.points.append(point)
        return point

    def holds(self, market_id: str) -> bool:
        """Whether anything is held of a market."""
        return market_id in self._worth

    def equity(self) -> Decimal:
        """Cash, and what is held, at what it is worth now."""
        due = [
            held
            for held in self._worth.values()
            if held.pit.latest is not held.book
            or held.pit.value is not held.value
            or not held.is_marked
        ]
        if due:
            # Operators in this context take a third of the time of its methods.
            with localcontext(EXACT):
                for held in due:
                    self._mark_again(held)
        return EXACT.add(self._engine.cash, self._total)

    def _mark_again(self, held: _Worth) -> None:
        """Mark it by the newest book, in the context `EXACT`."""
        pit, worth = held.pit, ZERO
        book = self._believed(pit)
        for outcome, size in held.sizes:
            worth += size * _mark(pit, book, outcome)
        self._total += worth - held.worth
        held.book, held.value, held.worth = pit.latest, pit.value, worth
        held.is_marked = True

    def lose(self, market_ids: Iterable[str]) -> None:
        """The books of these markets will not be known: their last bids count."""
        for market_id in market_ids:
            pit = self._engine.pits.get(market_id)
            if pit is not None and pit.known is not None:
                self._lost[market_id] = pit.known
                if market_id in self._worth:
                    self._worth[market_id].is_marked = False

    def market(self, pit: Pit, fills: Sequence[Fill]) -> MarketReport:
        """One market, as it stands, with what was traded in it."""
        market_id, account = pit.contract.market_id, self._engine.account
        held, unrealized = [], ZERO
        book = self._believed(pit)
        for outcome, lots in account.lots.get(market_id, {}).items():
            if lots.size:
                held.append(Holding(outcome, lots.size, lots.cost))
                value = EXACT.multiply(lots.size, _mark(pit, book, outcome))
                gain = EXACT.subtract(value, lots.cost)
                unrealized = EXACT.add(unrealized, gain)
        realized = account.market_total(market_id, "realized")
        fees = account.market_total(market_id, "fees")
        return MarketReport(
            venue=pit.contract.market.venue,
            market_id=market_id,
            title=title_of(pit.contract.market),
            fills=len(fills),
            contracts=total(fill.size for fill in fills),
            turnover=total(EXACT.multiply(fill.price, fill.size) for fill in fills),
            fees=fees,
            realized=realized,
            unrealized=unrealized,
            pnl=EXACT.subtract(EXACT.add(realized, unrealized), fees),
            value=pit.value,
            is_settled=pit.value is not None and pit.status is MarketStatus.SETTLED,
            held=tuple(held),
        )

    def _believed(self, pit: Pit) -> OrderBook | None:
        """The newest book that is known; where none is, the last that was."""
        book = pit.latest
        if book is None or is_crossed(book):
            return self._lost.get(pit.contract.market_id)
        return book


def _mark(pit: Pit, book: OrderBook | None, outcome: str) -> Decimal:
    worth = pit.worth(outcome)
    if worth is not None:
        return worth
    if book is None:
        return ZERO
    if outcome == book.outcome:
        return book.bids[0].price if book.bids else ZERO
    return complement(book.asks[0].price) if book.asks else ZERO
