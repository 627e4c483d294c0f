"""Equity, drawdown and exposure as they develop: exact, in space for the points alone."""

from __future__ import annotations

from decimal import Decimal

from ..models import Holding
from ..money import EXACT, ZERO, complement, div, total
from ..paper import PaperEngine, at
from ..paper.pit import Pit
from .report import EquityPoint, MarketReport

__all__ = ["Measures"]


class Measures:
    """Looks at an engine whenever its account or its time has moved on."""

    def __init__(self, engine: PaperEngine) -> None:
        self._engine = engine
        self._marks: dict[tuple[str, str], Decimal] = {}
        self._costs: dict[str, Decimal] = {}
        self._began: int | None = None
        self._latest = 0
        self._area = ZERO
        """Exposure times the nanoseconds for which it was that."""
        self._peak = engine.starting_cash
        self.exposure = ZERO
        self.peak_exposure = ZERO
        self.max_drawdown = ZERO
        self.max_drawdown_ratio = ZERO
        self.points: list[EquityPoint] = []

    def begin(self, moment: int) -> None:
        """The first event comes."""
        self._began = self._latest = moment
        self.sample(moment)

    def changed(self, moment: int, market_id: str) -> None:
        """Something was traded or paid in a market."""
        self._pass(moment)
        cost = total(x.cost for x in self._engine.account.lots[market_id].values())
        before = self._costs.get(market_id, ZERO)
        self._costs[market_id] = cost
        self.exposure = EXACT.add(self.exposure, EXACT.subtract(cost, before))
        self.peak_exposure = max(self.peak_exposure, self.exposure)

    def sample(self, moment: int) -> None:
        """Note how much there is."""
        self._pass(moment)
        equity = self.equity()
        self._peak = max(self._peak, equity)
        fall = EXACT.subtract(self._peak, equity)
        self.max_drawdown = max(self.max_drawdown, fall)
        if self._peak:
            ratio = div(fall, self._peak)
            self.max_drawdown_ratio = max(self.max_drawdown_ratio, ratio)
        point = EquityPoint(
            at=at(moment),
            equity=equity,
            cash=self._engine.cash,
            exposure=self.exposure,
        )
        if self.points and self.points[-1].at == point.at:
            self.points[-1] = point
        else:
            self.points.append(point)

    @property
    def average_exposure(self) -> Decimal:
        """Weighted by time."""
        if self._began is None or self._latest == self._began:
            return self.exposure
        return div(self._area, Decimal(self._latest - self._began))

    def equity(self) -> Decimal:
        """Cash, and what is held at the best bids."""
        worth = self._engine.cash
        for market_id, outcomes in self._engine.account.lots.items():
            pit = self._engine.pits[market_id]
            for outcome, lots in outcomes.items():
                if lots.size:
                    value = EXACT.multiply(lots.size, self._mark(pit, outcome))
                    worth = EXACT.add(worth, value)
        return worth

    def market(self, pit: Pit, fills: int, contracts: Decimal) -> MarketReport:
        """One market, as it stands."""
        market_id, account = pit.contract.market_id, self._engine.account
        held, unrealized = [], ZERO
        for outcome, lots in account.lots.get(market_id, {}).items():
            if lots.size:
                held.append(Holding(outcome, lots.size, lots.cost))
                value = EXACT.multiply(lots.size, self._mark(pit, outcome))
                gain = EXACT.subtract(value, lots.cost)
                unrealized = EXACT.add(unrealized, gain)
        realized = account.market_total(market_id, "realized")
        fees = account.market_total(market_id, "fees")
        return MarketReport(
            venue=pit.contract.market.venue,
            market_id=market_id,
            title=pit.contract.market.title,
            fills=fills,
            contracts=contracts,
            turnover=account.market_total(market_id, "traded"),
            fees=fees,
            realized=realized,
            unrealized=unrealized,
            pnl=EXACT.subtract(EXACT.add(realized, unrealized), fees),
            value=pit.value,
            held=tuple(held),
        )

    def _mark(self, pit: Pit, outcome: str) -> Decimal:
        key = pit.contract.market_id, outcome
        book = pit.latest
        if book is None:
            return self._marks.get(key, ZERO)
        if outcome == book.outcome:
            mark = book.bids[0].price if book.bids else ZERO
        else:
            mark = complement(book.asks[0].price) if book.asks else ZERO
        self._marks[key] = mark
        return mark

    def _pass(self, moment: int) -> None:
        passed = Decimal(moment - self._latest)
        self._area = EXACT.add(self._area, EXACT.multiply(self.exposure, passed))
        self._latest = moment
