"""What is written of an order before it leaves, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum

import attrs

from ..money import text
from .orders import Order
from .record import Flat
from .terms import Side, TimeInForce

__all__ = ["Account", "Intent", "IntentState", "ReconcileReport"]


class IntentState(str, Enum):
    """Where an intent stands.

    ``PENDING``: it may have left, and nothing was heard since.  ``PLACED``: it is an
    order at the venue.  ``REFUSED``: it became none: the venue or a local check said no,
    or it never left.  ``ABSENT``: it may have left, and the venue proved that it is not
    there.  ``UNKNOWN``: it may have left, and looking did not tell.
    """

    PENDING = "pending"
    PLACED = "placed"
    REFUSED = "refused"
    ABSENT = "absent"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value

    @property
    def is_resolved(self) -> bool:
        """Whether it is known if there is an order."""
        return self not in _OPEN


_OPEN = (IntentState.PENDING, IntentState.UNKNOWN)


@attrs.frozen(slots=True, cache_hash=True)
class Account:
    """Whose orders a journal tells: venue, environment and the fingerprint of the key.

    ``environment`` is empty where a key is good in one environment only.  The fingerprint
    is a hash: the key cannot be told from it.
    """

    venue: str
    environment: str
    fingerprint: str


@attrs.frozen(kw_only=True, slots=True)
class Intent(Flat):
    """An order as it was about to be sent, and what is known of its end.

    ``price`` is dollars for ``outcome``, ``size`` contracts, ``expires_at`` when the
    order was to expire.  ``params`` are the venue words it was sent with, such as its
    subaccount.  ``written_at`` is when it was written; after ``arrives_by`` it is not on
    its way any more.  Both are by the venue's clock, as its answers told it, if
    ``is_venue_time``; else by that of a machine which may be wrong.  ``order_id`` is the
    venue's, where there is an order, and before that where it is known before anything is
    sent; ``detail`` says in words why there is none, or why that is not known.
    """

    account: Account
    client_order_id: str
    market_id: str
    outcome: str
    side: Side
    price: Decimal
    size: Decimal
    time_in_force: TimeInForce
    expires_at: datetime | None
    params: Mapping[str, str | int | bool]
    written_at: datetime
    arrives_by: datetime
    is_venue_time: bool = False
    state: IntentState = IntentState.PENDING
    order_id: str | None = None
    detail: str = ""

    def __str__(self) -> str:
        """What was to be done, for people."""
        what = f"{self.side} {text(self.size)} {self.outcome} of {self.market_id}"
        return f"{self.client_order_id} ({what} at {text(self.price)})"

    @property
    def may_be_an_order(self) -> bool:
        """Whether it is an order at the venue, or may be or become one."""
        return self.state is IntentState.PLACED or not self.state.is_resolved

    @property
    def lasts(self) -> float:
        """Seconds from when it was written for which it may be on its way."""
        return (self.arrives_by - self.written_at).total_seconds()

    def after(self, before: Intent, detail: str) -> Intent:
        """The same intent, while an earlier sending under its id may be on its way too.

        That one was written earlier, so from now on it lasts no longer than it did then,
        whatever clock told when that was.  What may be at the venue under an id that was
        known beforehand is looked for by that: it goes on to be told of.
        """
        lasts = max(
            self.arrives_by, self.written_at + (before.arrives_by - before.written_at)
        )
        told = self if before.order_id is None else before
        return attrs.evolve(
            told,
            written_at=self.written_at,
            arrives_by=lasts,
            is_venue_time=self.is_venue_time,
            state=self.state,
            detail=detail,
        )

    def ended(
        self, state: IntentState, *, order_id: str | None = None, detail: str = ""
    ) -> Intent:
        """The same intent as it ended, or as it stands."""
        # Spelt out: `attrs.evolve` takes three times as long, and this is in every order.
        return Intent(
            account=self.account,
            client_order_id=self.client_order_id,
            market_id=self.market_id,
            outcome=self.outcome,
            side=self.side,
            price=self.price,
            size=self.size,
            time_in_force=self.time_in_force,
            expires_at=self.expires_at,
            params=self.params,
            written_at=self.written_at,
            arrives_by=self.arrives_by,
            is_venue_time=self.is_venue_time,
            state=state,
            order_id=order_id or (None if state.is_resolved else self.order_id),
            detail=detail,
        )


@attrs.frozen(kw_only=True, slots=True)
class ReconcileReport(Flat):
    """What became of the intents that had been left open.

    ``found`` are orders at the venue, as they are now, in the terms of their intents.
    ``absent`` are proven not to be there, and can no longer arrive.  ``unknown`` may be
    there: each says why that could not be told.
    """

    found: tuple[Order, ...] = ()
    absent: tuple[Intent, ...] = ()
    unknown: tuple[Intent, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether it is known of every intent if there is an order."""
        return not self.unknown
