"""Recordings of both venues that have all that an export may meet."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from unified_exchanges import exchange
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import (
    Gap,
    Level,
    Market,
    MarketChange,
    MarketStatus,
    OrderBook,
    Side,
    Subject,
    Trade,
)
from unified_exchanges.paper import at
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import contract_of

from ..paper import scene
from ..recording.sessions import in_force, stage

BEGIN = 1_795_930_000 * 10**9
MILLI = 10**6


@attrs.frozen(kw_only=True)
class Recorded:
    """A recording of one market on a simulated venue."""

    path: Path
    market: Market


def recorded_on(venue: str, path: Path) -> Recorded:
    """A busy minute: orders that rest, others that take, cancels; over real sockets."""
    with (
        stage(venue) as there,
        exchange(there.venue, **there.account) as ex,
        Recorder(ex, path),
    ):
        market = next(
            m for m in ex.fetch_markets() if m.bid and m.ask and m.bid > m.grid.lowest
        )
        contract_of(ex, market.market_id)
        name, first = market.market_id, market.outcomes[0].label
        books, trades = ex.watch_order_book(name), ex.watch_trades(name)
        in_force(ex)
        books.next(timeout=10)
        assert market.bid is not None
        assert market.ask is not None
        for _ in range(6):
            ask = ex.fetch_order_book(name).ask
            assert ask is not None
            resting = ex.create_order(name, first, "buy", market.bid, 10)
            ex.create_order(name, first, "buy", ask.price, 20)
            trades.next(timeout=10)
            ex.cancel_order(resting.order_id)
        whole = ex.fetch_order_book(name)
        book = books.next(timeout=10)
        while (book.bids, book.asks) != (whole.bids, whole.asks):
            book = books.next(timeout=10)
    return Recorded(path=path, market=market)


def market(venue: str = "kalshi", **other: Any) -> Market:
    told = {"venue": venue, "lot": Decimal("0.01"), **other}
    return attrs.evolve(scene.market("M"), **told)


def book(
    *levels: str, n: int = 0, outcome: str = "yes", late: int = 0
) -> tuple[int, OrderBook]:
    """A book of words such as ``b 0.40 10`` and ``a 0.60 5``, ``n`` milliseconds later."""
    sides: dict[str, list[Level]] = {"b": [], "a": []}
    for level in levels:
        side, price, size = level.split()
        sides[side].append(Level(Decimal(price), Decimal(size)))
    moment = BEGIN + n * MILLI
    return moment, OrderBook(
        venue="kalshi",
        market_id="M",
        outcome=outcome,
        bids=tuple(sorted(sides["b"], key=lambda x: -x.price)),
        asks=tuple(sorted(sides["a"], key=lambda x: x.price)),
        timestamp=at(moment) - timedelta(milliseconds=late),
    )


def trade(
    price: str,
    size: str,
    side: Side | None,
    *,
    n: int = 0,
    late: int = 0,
    is_block: bool = False,
) -> tuple[int, Trade]:
    moment = BEGIN + n * MILLI
    return moment, Trade(
        venue="kalshi",
        trade_id=f"t{n}",
        market_id="M",
        outcome="yes",
        price=Decimal(price),
        size=Decimal(size),
        taker_side=side,
        created_at=at(moment) - timedelta(milliseconds=late),
        is_block=is_block,
    )


def gap(n: int) -> tuple[int, Gap]:
    moment = BEGIN + n * MILLI
    return moment, Gap(
        subject=Subject.ORDER_BOOK, market_ids=("M",), reason="lost", at=at(moment)
    )


def change(
    n: int,
    status: MarketStatus | None = None,
    grid: str | None = None,
    value: str | None = None,
) -> tuple[int, MarketChange]:
    moment = BEGIN + n * MILLI
    return moment, MarketChange(
        venue="kalshi",
        market_id="M",
        change="toy",
        status=status,
        grid=None if grid is None else PriceGrid.of(grid),
        value=None if value is None else Decimal(value),
        timestamp=at(moment),
    )
