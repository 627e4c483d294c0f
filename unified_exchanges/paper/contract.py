"""What is traded on paper: a market with its fees and rules, and how long messages take."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..description import Description
from ..errors import BadRequest, NotSupported
from ..fields import is_a, is_flag, is_such
from ..models import BUY, FeeRule, Market, MarketStatus, Side
from ..money import ZERO
from .fees import FeesInForce

__all__ = ["FREE", "Contract", "Delays"]


class _Free:
    """A market that charges nothing."""

    def __str__(self) -> str:
        return "none"

    def fee(
        self,
        outcome: str,
        side: Side | str,
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        """Nothing, whatever fills."""
        del outcome, side, price, size, maker
        return ZERO

    def lot_fee(
        self, outcome: str, side: Side | str, price: Decimal, lot: Decimal
    ) -> Decimal:
        """Nothing, in whatever pieces."""
        del outcome, side, price, lot
        return ZERO


FREE: FeeRule = _Free()
"""The fee rule of a market that charges nothing."""


@attrs.frozen(kw_only=True, slots=True)
class Contract:
    """A binary market as paper orders meet it.

    ``fees`` is its rule, from `fetch_fee_rule`.  ``nets`` is whether the two outcomes
    cancel: a sale of what is not held then buys the other outcome, as on Kalshi.
    Without it (Polymarket) only what is held can be sold.

    ``keeps_hours`` is whether it opens and closes at `Market.opens_at` and `closes_at`
    by the clock, without that being told, as on Kalshi.  ``cancels_after_pause`` is whether
    all that rests is canceled when it trades again after a pause, as there.  ``read_at`` is
    when the market was read: what its status was before that a backtest does not take from it.

    Both outcomes trade in one book: a bid for the first at p is an ask for the second
    at 1 − p.  Venues that show a book of each outcome show the same orders twice.
    """

    market: Market = attrs.field(validator=is_a(Market, "a Market of an exchange"))
    fees: FeeRule = attrs.field(
        validator=is_such(
            lambda value: callable(getattr(value, "fee", None)),
            "a FeeRule, as `fetch_fee_rule` gives it, or FREE",
        )
    )
    nets: bool = attrs.field(validator=is_flag())
    keeps_hours: bool = attrs.field(default=False, validator=is_flag())
    cancels_after_pause: bool = attrs.field(default=False, validator=is_flag())
    read_at: datetime | None = attrs.field(
        default=None,
        eq=False,
        validator=is_such(
            lambda value: isinstance(value, datetime) and value.tzinfo is not None,
            "a datetime with a time zone",
            or_none=True,
        ),
    )

    def is_emptied(self, before: MarketStatus, after: MarketStatus | None) -> bool:
        """Whether all that rested is canceled by a change of its status."""
        resumes = (before, after) == (MarketStatus.PAUSED, MarketStatus.OPEN)
        return resumes and self.cancels_after_pause

    @classmethod
    def of(
        cls,
        facts: Description,
        market: Market,
        fees: FeeRule,
        *,
        read_at: datetime | None = None,
    ) -> Contract:
        """A market as it trades at the venue of these facts."""
        given: object = facts
        if not isinstance(given, Description):
            message = f"facts must be what `describe()` gives, not {given!r}"
            raise BadRequest(message)
        return cls(
            market=market,
            fees=fees,
            nets=facts.outcome_books == "one",
            keeps_hours=facts.hours == "kept",
            cancels_after_pause=facts.resting_after_pause == "canceled",
            read_at=read_at,
        )

    def __attrs_post_init__(self) -> None:
        if len(self.market.outcomes) != 2:  # noqa: PLR2004 - binary
            found = len(self.market.outcomes)
            message = (
                f"market {self.market.market_id} has {found} outcomes; paper trades two"
            )
            raise NotSupported(message, venue=self.market.venue)

    @property
    def market_id(self) -> str:
        """The venue's id of the market."""
        return self.market.market_id

    @property
    def first(self) -> str:
        """The label of the outcome whose book it is (YES)."""
        return self.market.outcomes[0].label

    @property
    def has_dated_fees(self) -> bool:
        """Whether its fees may be others later, without that being told."""
        return isinstance(self.fees, FeesInForce)

    def rule(self) -> FeeRule:
        """Its fees of now: a rule that charges the same for the same for ever."""
        fees = self.fees
        return fees.in_force() if isinstance(fees, FeesInForce) else fees

    def require_fees(self) -> None:
        """Refuse a market whose fees are not known before a fill would need them.

        Raises `NotSupported`.
        """
        market = self.market
        for maker in (False, True):
            try:
                self.fees.fee(
                    self.first, BUY, market.grid.lowest, market.lot, maker=maker
                )
            except NotSupported as error:
                message = f"market {market.market_id} is not traded on paper: {error}"
                raise NotSupported(message, venue=market.venue) from error

    def other(self, outcome: str) -> str:
        """The label of the outcome that is not this one."""
        first, second = (x.label for x in self.market.outcomes)
        return second if outcome == first else first


_YEAR = 31_536_000_000_000_000
_SPAN = is_such(
    lambda value: type(value) is int and 0 <= value <= _YEAR,
    "whole nanoseconds from 0 up to a year, such as 50_000_000 for 50 ms",
)


@attrs.frozen(kw_only=True, slots=True)
class Delays:
    """Nanoseconds that messages are under way.

    ``order`` from an order, amendment or cancel to its effect at the venue; ``event``
    from there to the program, of what became of it: answers, orders and fills.

    In a backtest, and on paper over a recording, ``event`` also delays market data, from its
    receipt to the strategy: what is decided by it is decided as late as it would have been.
    On paper over a venue market data is as late as it really is.
    """

    order: int = attrs.field(default=0, validator=_SPAN)
    event: int = attrs.field(default=0, validator=_SPAN)
