"""Recordings of both venues that have all that an export may meet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from unified_exchanges import exchange
from unified_exchanges.backtesting import recorded
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
    bought: Decimal
    """Contracts of either outcome that were taken."""

    def seen(self) -> Iterator[tuple[int, OrderBook | Trade]]:
        """What our own replay tells of the first outcome, and of the other in its terms."""
        first = self.market.outcomes[0].label
        for moment, event in recorded(self.path):
            if not isinstance(event, OrderBook | Trade):
                continue
            if event.market_id == self.market.market_id:
                if event.outcome == first:
                    yield moment, event
                elif isinstance(event, Trade):
                    assert event.taker_side is not None
                    yield (
                        moment,
                        attrs.evolve(
                            event,
                            outcome=first,
                            price=1 - event.price,
                            taker_side=event.taker_side.opposite,
                        ),
                    )


def recorded_on(venue: str, path: Path) -> Recorded:
    """A busy minute: orders that rest, others that take, cancels; over real sockets.

    Who takes buys the first outcome and the second by turns.
    """
    with (
        stage(venue) as there,
        exchange(there.venue, **there.account) as ex,
        Recorder(ex, path),
    ):
        market = next(
            m for m in ex.fetch_markets() if m.bid and m.ask and m.bid > m.grid.lowest
        )
        contract_of(ex, market.market_id)
        name, (first, second) = market.market_id, [x.label for x in market.outcomes]
        books, trades = ex.watch_order_book(name), ex.watch_trades(name)
        others = ex.watch_order_book(name, outcome=second)
        kept = ex.watch_trades(name, outcome=second)
        in_force(ex)
        for watch in (books, others):
            watch.next(timeout=10)
        assert market.bid is not None
        assert market.ask is not None
        bought = Decimal(0)
        for turn in range(12):
            outcome = second if turn % 3 else first
            ask = ex.fetch_order_book(name, outcome=outcome).ask
            assert ask is not None
            resting = ex.create_order(name, first, "buy", market.grid.lowest, 10)
            bought += ex.create_order(name, outcome, "buy", ask.price, 20).filled
            trades.next(timeout=10)
            ex.cancel_order(resting.order_id)
        kept.close()
        whole = ex.fetch_order_book(name)
        book = books.next(timeout=10)
        while (book.bids, book.asks) != (whole.bids, whole.asks):
            book = books.next(timeout=10)
    return Recorded(path=path, market=market, bought=bought)


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
    outcome: str = "yes",
) -> tuple[int, Trade]:
    moment = BEGIN + n * MILLI
    return moment, Trade(
        venue="kalshi",
        trade_id=f"t{n}",
        market_id="M",
        outcome=outcome,
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
    closes: int | None = None,
) -> tuple[int, MarketChange]:
    moment = BEGIN + n * MILLI
    return moment, MarketChange(
        venue="kalshi",
        market_id="M",
        change="toy",
        status=status,
        grid=None if grid is None else PriceGrid.of(grid),
        value=None if value is None else Decimal(value),
        closes_at=None if closes is None else at(BEGIN + closes * MILLI),
        timestamp=at(moment),
    )
