"""`OrderView`: what a caller may read of its orders, the same in both flavours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from ..models import OrderState, PositionDifference, TrackedOrder
from .tracker import OrderTracker

__all__ = ["OrderView"]


class OrderView:
    """Every order of this object, and where it stands by all that is known.

    It knows what this object sent and was answered, what it read, and, once a stream is
    followed, what that tells.  Iterating gives what is known at the moment; orders that
    are done are kept up to a bound.
    """

    def __init__(self, tracker: OrderTracker) -> None:
        self._tracker = tracker

    def __iter__(self) -> Iterator[TrackedOrder]:
        return iter(self._tracker.views())

    def __len__(self) -> int:
        return len(self._tracker)

    def __repr__(self) -> str:
        tracker = self._tracker
        return f"<orders: {len(tracker)} known, {len(tracker.undone())} not done>"

    @property
    def open(self) -> list[TrackedOrder]:
        """Those that the venue has and that may still fill, oldest first.

        Also those whose cancel is pending.
        """
        hidden = {OrderState.INTENDED, OrderState.UNRESOLVED}
        return [x for x in self._tracker.undone() if x.state not in hidden]

    @property
    def unresolved(self) -> list[TrackedOrder]:
        """Those of which the outcome of the last command is not known.

        Sent, cancelled or edited, and the answer was lost; they count as exposure.
        """
        return [x for x in self._tracker.undone() if x.is_doubtful]

    def find(
        self, *, order_id: str | None = None, client_order_id: str | None = None
    ) -> TrackedOrder | None:
        """One order by the venue's id or by ours; None if nothing is known of it."""
        return self._tracker.look(order_id=order_id, client_order_id=client_order_id)

    def exposure(self, market_id: str | None = None) -> Decimal:
        """Dollars at risk in what may still fill, of one market or of all.

        Exact, without fees: what each order would take at its limit if all of it opened a
        position.  What an order would close of a position is not taken off.  Orders that
        are unresolved or whose cancel is pending count.
        """
        return self._tracker.at_risk(market_id)

    @property
    def exposures(self) -> dict[str, Decimal]:
        """Dollars at risk by market, where there are any."""
        return self._tracker.risks()

    def position(self, market_id: str, *, outcome: str | None = None) -> Decimal | None:
        """Contracts that the fills of a market make: positive in the first outcome (YES).

        With ``outcome``, as the venue spells it: positive in that one.  Where each outcome
        is a position of its own (Polymarket) it is needed, and `ArgumentsRequired` says so.

        Derived from a position that was read, by the fills that were followed since; None
        as long as there was none to begin from, or where fills of another account may be
        among them.
        """
        return self._tracker.position(market_id, outcome)

    @property
    def compared_at(self) -> datetime | None:
        """When positions were last held against the fills, by our clock; None if never.

        While positions cannot be read it stays, and so does what was known of them.
        """
        return self._tracker.compared_at

    @property
    def differences(self) -> tuple[PositionDifference, ...]:
        """Where the venue's position is not what the fills make of it.

        Each is seen in two reads before it is told, further apart than reads may be late,
        and stays until both agree.  What traded a moment ago, or is not settled, is not
        compared until reads surely show it.
        """
        return self._tracker.differences
