"""What a book becomes as rows."""

from __future__ import annotations

from decimal import Decimal

from unified_exchanges.models import Level, OrderBook
from unified_exchanges.research.rows import Rows


def book(*prices: str) -> OrderBook:
    bids = tuple(Level(Decimal(price), Decimal(5)) for price in prices)
    return OrderBook(
        venue="kalshi", market_id="KXRAIN", outcome="yes", bids=bids, asks=()
    )


def test_levels_that_went_are_told_in_the_order_of_the_book_in_every_process() -> None:
    prices = [f"0.{number}" for number in range(60, 20, -1)]
    rows = Rows()
    list(rows.of(book(*prices), 1, 1, 2))
    told = [row for _, row in rows.of(book("0.60"), 2, 2, 3)]
    assert [str(row["price"]) for row in told] == prices[1:]
    assert {row["size"] for row in told} == {0}
