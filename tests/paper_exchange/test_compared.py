"""The same orders on paper and for real at the simulated venue: paper never fares better."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from tests.paper_exchange.pairs import (
    BusyPair,
    LivelyKalshi,
    LivelyPolymarket,
    Pair,
    is_no_better,
)
from unified_exchanges import BUY, Fill, OrderRequest
from unified_exchanges.money import EXACT, total
from unified_exchanges.paper import Delays

STEPS = 40
SECOND = 1_000_000_000


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("kind", [LivelyKalshi, LivelyPolymarket])
def test_fault_52_random_orders_never_fare_better_on_paper(
    kind: Any, flavour: str, seed: int
) -> None:
    pair = Pair(kind(), flavour, seed)
    for _ in range(STEPS):
        pair.step()
    pair.paper.fetch_open_orders()
    made = 0
    for mine, theirs in pair.pairs:
        paper = pair.fills(pair.paper, mine)
        real = pair.fills(pair.real, theirs)
        made += len(paper)
        assert total(x.size for x in paper) <= total(x.size for x in real), mine
        assert is_no_better(paper, real, mine.side), (mine, paper, real)
    assert len(pair.pairs) >= STEPS // 4
    assert made >= STEPS // 8


@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("kind", [LivelyKalshi, LivelyPolymarket])
def test_random_orders_conserve_cash_and_contracts_exactly(
    kind: Any, flavour: str
) -> None:
    pair = Pair(kind(), flavour, 5)
    for _ in range(STEPS):
        pair.step()
        fills = pair.paper.fetch_fills()
        balance = pair.paper.fetch_balance()
        held = pair.paper.fetch_positions(mark=False)
        # A pair of both outcomes is a dollar: so all is told in terms of the first.
        first = pair.market.outcomes[0].label
        net = total(x.exposure(first) for x in held)
        bought = total(_signed(x) for x in fills)
        moved = total(EXACT.subtract(x.proceeds, x.fee) for x in fills)
        # Short of the first at p is long of the second at 1 - p: a dollar each was put up.
        put_up = total(x.size for x in held if x.outcome != first)
        assert net == bought
        assert balance.total == EXACT.subtract(EXACT.add(Decimal(10000), moved), put_up)
        assert balance.available <= balance.total


def _signed(fill: Fill) -> Decimal:
    return fill.size if fill.side is BUY else EXACT.minus(fill.size)


def _taken(fills: list[Fill]) -> list[tuple[Any, ...]]:
    """How much was bought or sold at which price, and how."""
    found: dict[tuple[Any, ...], Decimal] = {}
    for x in fills:
        place = x.price, str(x.liquidity)
        found[place] = EXACT.add(found.get(place, Decimal(0)), x.size)
    return sorted((*place, size) for place, size in found.items())


@pytest.mark.parametrize(
    "delays", [Delays(), Delays(order=2 * SECOND, event=SECOND)], ids=["now", "late"]
)
@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("kind", [LivelyKalshi, LivelyPolymarket])
def test_batches_changes_and_cancels_never_fare_better_on_paper_however_late(
    kind: Any, flavour: str, delays: Delays
) -> None:
    pair = BusyPair(kind(), flavour, 3, delays=delays)
    for _ in range(STEPS):
        pair.step()
    pair.paper.fetch_open_orders()
    alike = 0
    for mine, theirs in pair.pairs:
        paper = pair.fills(pair.paper, mine)
        real = pair.fills(pair.real, theirs)
        assert total(x.size for x in paper) <= total(x.size for x in real), mine
        assert is_no_better(paper, real, mine.side), (mine, paper, real)
        if paper and _taken(paper) == _taken(real):
            alike += 1
            assert total(x.fee for x in paper) >= total(x.fee for x in real), mine
    assert alike >= STEPS // 8
    assert pair.canceled
    assert pair.changed or pair.ground.source == "polymarket"


def _exits(pair: Pair, sizes: list[int]) -> list[tuple[list[Any], Decimal]]:
    """What becomes of exits of some sizes, sent together, and what is held then."""
    market, unit = pair.market, max(pair.ground.unit, 5)
    first = market.outcomes[0].label
    asked = [
        OrderRequest(
            market_id=market.market_id,
            outcome=first,
            side="sell",
            price=market.grid.lowest,
            size=size * unit,
            time_in_force="ioc",
            reduce_only=True,
        )
        for size in sizes
    ]
    found = []
    for who in (pair.paper, pair.real):
        results = who.create_orders(asked)
        told = [
            type(x.error) if x.order is None else (str(x.order.status), x.order.filled)
            for x in results
        ]
        held = total(x.exposure(first) for x in who.fetch_positions(mark=False))
        found.append((told, held))
    return found


@pytest.mark.parametrize("sizes", [[2], [3], [2, 2], [1, 3], [1, 1, 1]])
@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize("kind", [KalshiPaper, PolymarketPaper])
def test_what_only_reduces_does_on_paper_what_it_does_at_the_venue(
    kind: Any, sizes: list[int], *, is_held: bool
) -> None:
    pair = Pair(kind(), "blocking", 1)
    if is_held:
        price = pair.market.ask
        assert price is not None
        pair.place(BUY, price, "ioc", size=2 * max(pair.ground.unit, 5))
        [(mine, theirs)] = pair.pairs
        assert mine.filled == theirs.filled > 0
    paper, real = _exits(pair, sizes)
    assert paper == real
    assert real[1] >= 0
