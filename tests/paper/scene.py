"""A market, books and trades for tests of what happens on paper."""

from __future__ import annotations

from decimal import Decimal

from unified_exchanges import (
    BUY,
    Level,
    Market,
    MarketChange,
    MarketStatus,
    OrderBook,
    Outcome,
    PriceGrid,
    Side,
    Trade,
)
from unified_exchanges.money import EXACT
from unified_exchanges.paper import Contract, Delays, PaperEngine, at

START = 1_795_200_000_000_000_000
SECOND = 1_000_000_000

D = Decimal


class Cent:
    """A cent for each contract taken, a tenth of that for each made."""

    def fee(
        self,
        outcome: str,
        side: Side | str,
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        return EXACT.multiply(size, D("0.001") if maker else D("0.01"))

    def lot_fee(
        self, outcome: str, side: Side | str, price: Decimal, lot: Decimal
    ) -> Decimal:
        return self.fee(outcome, side, price, lot)


def market(market_id: str = "RAIN", lot: str = "1") -> Market:
    return Market(
        venue="toy",
        market_id=market_id,
        event_id="WEATHER",
        title="Rain?",
        status=MarketStatus.OPEN,
        venue_status="open",
        outcomes=(Outcome("yes", "yes", "Rain"), Outcome("no", "no", "Dry")),
        grid=PriceGrid.of("0.01"),
        lot=D(lot),
        minimum_size=D(lot),
    )


def contract(market_id: str = "RAIN", *, nets: bool = True) -> Contract:
    return Contract(market=market(market_id), fees=Cent(), nets=nets)


def contract_of(found: Market) -> Contract:
    """What a market is traded as that was kept."""
    return Contract(market=found, fees=Cent(), nets=True)


def engine(
    *, cash: str = "1000", nets: bool = True, delays: Delays | None = None
) -> PaperEngine:
    return PaperEngine([contract(nets=nets)], cash=cash, delays=delays)


def levels(text: str) -> tuple[Level, ...]:
    """``"100@0.50 20@0.49"`` as levels."""
    pairs = (part.split("@") for part in text.split())
    return tuple(Level(D(price), D(size)) for size, price in pairs)


def book(
    bids: str = "", asks: str = "", *, market_id: str = "RAIN", outcome: str = "yes"
) -> OrderBook:
    return OrderBook(
        venue="toy",
        market_id=market_id,
        outcome=outcome,
        bids=levels(bids),
        asks=levels(asks),
    )


def trade(
    price: str,
    size: str,
    taker: Side | None = BUY,
    *,
    moment: int = START + 3_600 * SECOND,
    market_id: str = "RAIN",
    outcome: str = "yes",
    is_block: bool = False,
) -> Trade:
    return Trade(
        venue="toy",
        trade_id="t",
        market_id=market_id,
        outcome=outcome,
        price=D(price),
        size=D(size),
        taker_side=taker,
        created_at=at(moment),
        is_block=is_block,
    )


def change(
    status: MarketStatus | None = None, value: str | None = None
) -> MarketChange:
    return MarketChange(
        venue="toy",
        market_id="RAIN",
        change="changed",
        status=status,
        value=None if value is None else D(value),
    )
