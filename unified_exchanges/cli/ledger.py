"""Does the money add up: cash, positions, fills and fees, to the last digit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs

from ..models import BUY, Fill, Position
from ..money import EXACT, ZERO, total

__all__ = ["Check", "Ledger", "Line", "reconcile"]


@attrs.frozen(slots=True)
class Line:
    """One line of the statement, in dollars."""

    label: str
    amount: Decimal


@attrs.frozen(slots=True)
class Check:
    """Two amounts that were found in different ways and must be equal."""

    label: str
    left: Decimal
    right: Decimal
    unit: str = "dollars"

    @property
    def holds(self) -> bool:
        """Whether they are equal: no tolerance."""
        return self.left == self.right


@attrs.frozen(kw_only=True, slots=True)
class Ledger:
    """A statement and what was checked about it."""

    lines: tuple[Line, ...]
    checks: tuple[Check, ...]

    @property
    def reconciles(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)

    def to_dict(self) -> dict[str, object]:
        """Everything, with the verdict."""
        lines = [{"label": x.label, "amount": str(x.amount)} for x in self.lines]
        checks = [
            {"label": c.label, "left": str(c.left), "right": str(c.right)}
            | {"holds": c.holds}
            for c in self.checks
        ]
        return {"lines": lines, "checks": checks, "reconciles": self.reconciles}


def reconcile(
    *,
    before: Decimal,
    after: Decimal,
    fills: Sequence[Fill],
    positions: Sequence[Position],
    open_orders: int,
    nets: bool = True,
) -> Ledger:
    """Account for the cash between two moments, of which the first held nothing.

    Cash before is what fills and fees took from it, what is bound in positions, and
    what is left; whatever was earned by closing came back.  ``nets``: the outcomes of a
    market are one position, a purchase of one is a sale of the other; otherwise each is
    held for itself, and several may be.

    >>> same = Decimal("100.00")
    >>> reconcile(
    ...     before=same, after=same, fills=(), positions=(), open_orders=0
    ... ).reconciles
    True
    """
    cost = total(position.cost for position in positions)
    fees = total(position.fees_paid for position in positions)
    realized = total(position.realized_pnl for position in positions)
    moved = total(fill.proceeds for fill in fills)
    charged = total(fill.fee or ZERO for fill in fills)
    lines = (
        Line("cash at the start", before),
        Line("cost of positions", EXACT.minus(cost)),
        Line("realised profit", realized),
        Line("fees", EXACT.minus(fees)),
    )
    left = total(line.amount for line in lines)
    bound = total((after, cost, fees, EXACT.minus(realized)))
    checks = (
        Check("cash at the start = now + cost + fees − profit", before, bound),
        Check(
            "cash now = at the start + fills − fees",
            after,
            total((before, moved, EXACT.minus(charged))),
        ),
        Check("fees of the fills = fees of the positions", charged, fees),
        *(_netted(fills, positions) if nets else _held(fills, positions)),
        Check("nothing is left open", Decimal(open_orders), ZERO, "orders"),
    )
    statement = (
        *lines,
        Line("cash that must be left", left),
        Line("cash that is there", after),
    )
    return Ledger(lines=statement, checks=checks)


def _held(fills: Iterable[Fill], positions: Iterable[Position]) -> Iterable[Check]:
    """Contracts that were filled against contracts that are held, by outcome."""
    bought: dict[tuple[str, str], Decimal] = {}
    for fill in fills:
        key = fill.market_id, fill.outcome
        bought[key] = EXACT.add(bought.get(key, ZERO), _signed(fill))
    held = {(x.market_id, x.outcome): x.size for x in positions}
    for key in [*bought, *(key for key in held if key not in bought)]:
        yield _holding(*key, bought.get(key, ZERO), held.get(key, ZERO))


def _netted(fills: Sequence[Fill], positions: Iterable[Position]) -> Iterable[Check]:
    """Contracts that were filled against contracts that are held, by market."""
    held = {position.market_id: position for position in positions}
    traded = dict.fromkeys(fill.market_id for fill in fills)
    for market_id in [*traded, *(m for m in held if m not in traded)]:
        mine = [fill for fill in fills if fill.market_id == market_id]
        position = held.get(market_id)
        outcome = position.outcome if position else mine[0].outcome
        size = position.size if position else ZERO
        bought = total(_signed(fill.in_terms_of(outcome)) for fill in mine)
        yield _holding(market_id, outcome, bought, size)


def _holding(market_id: str, outcome: str, bought: Decimal, held: Decimal) -> Check:
    return Check(f"filled = held, {market_id} {outcome}", bought, held, "contracts")


def _signed(fill: Fill) -> Decimal:
    return fill.size if fill.side is BUY else EXACT.minus(fill.size)
