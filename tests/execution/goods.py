"""Markets, books and fee rules to work things out with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import (
    FeeRule,
    Leg,
    Level,
    Market,
    MarketStatus,
    OrderBook,
    Outcome,
    Side,
)
from unified_exchanges.venues.kalshi.fees import FeeSchedule
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.parse import FeeTerms

D = Decimal
CENTS = PriceGrid.of("0.01")
LOTS = st.sampled_from([D("0.01"), D("0.1"), D(1), D("0.25")])
PRICES = st.integers(1, 99).map(lambda cents: D(cents) / 100)


class Flat:
    """So many dollars a contract, whatever it costs."""

    def __init__(self, each: str) -> None:
        self.each = D(each)

    def fee(
        self,
        outcome: str,
        side: Side | str,
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        return self.each * size

    def lot_fee(
        self, outcome: str, side: Side | str, price: Decimal, lot: Decimal
    ) -> Decimal:
        return self.each * lot


def polymarket_fees(rate: str, exponent: int = 1) -> FeeRule:
    return Fees(FeeTerms(D(rate), D(exponent)))


def kalshi_fees(multiplier: Decimal = D(1)) -> FeeRule:
    return FeeSchedule("quadratic_with_maker_fees", multiplier)


FEES = st.one_of(
    st.just(Flat("0")),
    st.integers(0, 10).map(lambda cents: Flat(str(D(cents) / 100))),
    st.sampled_from([D("0.5"), D(1), D(2)]).map(kalshi_fees),
)


def market(market_id: str = "RAIN", **fields: Any) -> Market:
    made: dict[str, Any] = {
        "venue": "kalshi",
        "event_id": "KXRAIN",
        "title": "Rain?",
        "status": MarketStatus.OPEN,
        "venue_status": "active",
        "outcomes": (Outcome("yes", "yes", "Rain"), Outcome("no", "no", "No rain")),
        "grid": CENTS,
        **fields,
    }
    return Market(market_id=market_id, **made)


def combination() -> Market:
    legs = (Leg("KXRAIN", "RAIN", "yes"), Leg("KXSNOW", "SNOW", "no"))
    return market("COMBO", legs=legs)


def levels(*rows: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(D(price), D(size)) for price, size in rows)


def book(**fields: Any) -> OrderBook:
    made: dict[str, Any] = {
        "venue": "kalshi",
        "market_id": "RAIN",
        "outcome": "yes",
        "bids": levels(("0.50", "5"), ("0.48", "5")),
        "asks": levels(("0.55", "4"), ("0.57", "9")),
        **fields,
    }
    return OrderBook(**made)


class Stale:
    """A stream that may have missed something."""

    def is_stale(self) -> bool:
        return True

    def age(self) -> float:
        return 9.0


def offers(most: int = 5) -> st.SearchStrategy[tuple[Level, ...]]:
    """Asks, best first, in whole contracts."""
    row = st.tuples(st.integers(1, 99), st.integers(1, 30))
    rows = st.lists(row, max_size=most, unique_by=lambda pair: pair[0])
    return rows.map(
        lambda found: tuple(Level(D(p) / 100, D(n)) for p, n in sorted(found))
    )
