"""The ledger: exact, and wrong when anything is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges.cli.ledger import Ledger, reconcile
from unified_exchanges.models import BUY, SELL, Fill, Liquidity, Position, Side

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
D = Decimal


def fill(
    side: Side, price: str, size: str, fee: str = "0", outcome: str = "yes"
) -> Fill:
    return Fill(
        venue="toy",
        fill_id=f"{side}{price}",
        order_id="o",
        market_id="M",
        outcome=outcome,
        side=side,
        price=D(price),
        size=D(size),
        fee=D(fee),
        liquidity=Liquidity.TAKER,
        created_at=NOON,
    )


def position(size: str, cost: str, **more: Any) -> Position:
    given: dict[str, Any] = {
        "outcome": "yes",
        "realized_pnl": D(0),
        "fees_paid": D(0),
        "entry_price": None,
    }
    return Position(
        venue="toy", market_id="M", size=D(size), cost=D(cost), **(given | more)
    )


BOUGHT = [fill(BUY, "0.501", "5", "0.0875")]
HELD = [position("5", "2.505", fees_paid=D("0.0875"))]


def ledger(
    after: str = "97.4075",
    fills: Sequence[Fill] = BOUGHT,
    positions: Sequence[Position] = HELD,
    open_orders: int = 0,
) -> Ledger:
    return reconcile(
        before=D(100),
        after=D(after),
        fills=fills,
        positions=positions,
        open_orders=open_orders,
    )


def test_cash_positions_and_fees_add_up() -> None:
    assert ledger().reconciles


def test_the_statement_shows_every_line() -> None:
    assert [(line.label, line.amount) for line in ledger().lines] == [
        ("cash at the start", D(100)),
        ("cost of positions", D("-2.505")),
        ("realised profit", D(0)),
        ("fees", D("-0.0875")),
        ("cash that must be left", D("97.4075")),
        ("cash that is there", D("97.4075")),
    ]


def test_profit_that_came_back_counts() -> None:
    fills = [fill(BUY, "0.40", "10", "0.10"), fill(SELL, "0.50", "4", "0.05")]
    held = [position("6", "2.40", realized_pnl=D("0.40"), fees_paid=D("0.15"))]
    assert ledger("97.85", fills, held).reconciles


def test_what_was_bought_and_sold_again_is_not_held() -> None:
    fills = [fill(BUY, "0.40", "10"), fill(SELL, "0.40", "10")]
    assert ledger("100", fills, []).reconciles


def test_both_outcomes_of_a_market_may_be_held() -> None:
    fills = [fill(BUY, "0.40", "10"), fill(BUY, "0.55", "4", outcome="no")]
    held = [position("10", "4.00"), position("4", "2.20", outcome="no")]
    found = reconcile(
        before=D(100),
        after=D("93.8"),
        fills=fills,
        positions=held,
        open_orders=0,
        nets=False,
    )
    assert found.reconciles
    assert [(c.label, c.left) for c in found.checks if c.unit == "contracts"] == [
        ("filled = held, M yes", D(10)),
        ("filled = held, M no", D(4)),
    ]


@pytest.mark.parametrize(
    ("fills", "held", "amounts"),
    [
        ([fill(BUY, "0.40", "10")], [], [(D(10), D(0))]),
        ([], [position("10", "4.00")], [(D(0), D(10))]),
        (
            [fill(BUY, "0.40", "10")],
            [position("10", "4.00", outcome="no")],
            [(D(10), D(0)), (D(0), D(10))],
        ),
    ],
)
def test_of_outcomes_held_for_themselves_none_stands_for_another(
    fills: list[Fill], held: list[Position], amounts: list[tuple[Decimal, Decimal]]
) -> None:
    found = reconcile(
        before=D(100),
        after=D(96),
        fills=fills,
        positions=held,
        open_orders=0,
        nets=False,
    )
    checks = [(c.left, c.right) for c in found.checks if c.unit == "contracts"]
    assert (checks, found.reconciles) == (amounts, False)


def test_contracts_of_the_other_outcome_are_counted_as_held() -> None:
    fills = [fill(SELL, "0.40", "10")]
    held = [position("10", "6", outcome="no")]
    holding = next(c for c in ledger("94", fills, held).checks if c.unit == "contracts")
    assert (holding.left, holding.right) == (D(10), D(10))


@pytest.mark.parametrize(
    ("wrong", "broken"),
    [
        ({"after": "97.4076"}, 2),
        ({"after": "97.40749999"}, 2),
        ({"fills": []}, 3),
        ({"fills": [attrs.evolve(BOUGHT[0], fee=D("0.0874"))]}, 2),
        ({"fills": [*BOUGHT, *BOUGHT]}, 3),
        ({"positions": []}, 3),
        ({"positions": [attrs.evolve(HELD[0], size=D(4))]}, 1),
        ({"positions": [attrs.evolve(HELD[0], cost=D("2.5"))]}, 1),
        ({"open_orders": 1}, 1),
    ],
)
def test_whatever_is_missing_breaks_it(wrong: dict[str, Any], broken: int) -> None:
    found = ledger(**wrong)
    assert not found.reconciles
    assert sum(not check.holds for check in found.checks) == broken


def test_the_ledger_is_told_in_text_with_its_verdict() -> None:
    told: Any = ledger().to_dict()
    assert told["reconciles"] is True
    assert told["lines"][0] == {"label": "cash at the start", "amount": "100"}
    assert told["checks"][-1]["holds"] is True
