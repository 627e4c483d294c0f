"""What a dry run would have sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from ..money import text, total
from .record import Flat

__all__ = ["DryRunReport"]


@attrs.frozen(kw_only=True, slots=True)
class DryRunReport(Flat):
    """One write that a dry run has answered itself; print it to read it.

    ``body`` is exactly what would have been sent, byte for byte, None where there is none;
    ``headers`` are redacted.  ``market_ids``, ``order_ids`` and ``client_order_ids`` are
    those that it speaks of.  Dollars: ``cost`` is what the orders in it take at their
    limits, after what they close of what is held; ``fee`` the most that they pay if each
    fills in one piece; ``exposures``, by market, what is then at stake there at most: what
    is held at its cost, and what every open order, real or rehearsed, would open at its
    limit.  What could not be known is None, or not among the exposures: never 0.
    """

    at: datetime
    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    status: int
    market_ids: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    client_order_ids: tuple[str, ...] = ()
    cost: Decimal | None = None
    fee: Decimal | None = None
    exposures: Mapping[str, Decimal] = attrs.field(factory=dict)

    @property
    def exposure(self) -> Decimal | None:
        """Dollars at stake in its markets together; None if one of them is not known."""
        if not self.market_ids or set(self.market_ids) - self.exposures.keys():
            return None
        return total(self.exposures.values())

    def __str__(self) -> str:
        lines = [f"DRY RUN, not sent: {self.method} {self.url}"]
        lines += [f"  {name}: {value}" for name, value in sorted(self.headers.items())]
        if self.body is not None:
            lines.append(f"  {self.body}")
        lines.append(f"  answered {self.status}; cost {_dollars(self.cost)}")
        lines[-1] += f", fee at most {_dollars(self.fee)}"
        lines += [
            f"  {market_id}: exposure {_dollars(self.exposures.get(market_id))}"
            for market_id in self.market_ids
        ]
        return "\n".join(lines)


def _dollars(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"${text(amount, 2)}"
