"""The words an order, a market and an outcome are described in."""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeAlias

import attrs

from ..errors import BadRequest

__all__ = [
    "BUY",
    "SELL",
    "ActivityKind",
    "FillState",
    "Instrument",
    "Liquidity",
    "MarketStatus",
    "OrderState",
    "OrderStatus",
    "Period",
    "Side",
    "StatusFilter",
    "TimeInForce",
]


class _Word(str, Enum):
    """A value of a closed vocabulary that compares and prints as its text."""

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class Side(_Word):
    """Buy or sell, of the outcome that is named beside it."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


BUY, SELL = Side.BUY, Side.SELL


class Liquidity(_Word):
    """Whether a fill took liquidity or made it."""

    MAKER = "maker"
    TAKER = "taker"


class FillState(_Word):
    """Whether a fill stands: still on its way to be settled, for good, or undone."""

    PENDING = "pending"
    FINAL = "final"
    FAILED = "failed"


class TimeInForce(_Word):
    """How long an order lives: until cancelled, one instant, or all at once or not."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class OrderStatus(_Word):
    """Where an order stands.

    ``CANCELED`` and ``EXPIRED`` orders may have fills: look at ``filled``.  ``UNKNOWN``
    is a word of the venue that this version does not know; ``raw`` has it.
    """

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class OrderState(_Word):
    """Where an order stands for this client, which may know less than the venue.

    ``INTENDED``: on its way, not answered yet.  ``UNRESOLVED``: the answer was lost, so it
    may be at the venue.  ``CANCEL_PENDING``: open, and a cancel is on its way or its answer
    was lost.  ``FILLED``, ``CANCELED`` and ``EXPIRED`` are ends at the venue; the last two
    may have fills.  ``REFUSED``: it never traded.  ``ABSENT``: looked for after its answer
    was lost, and not there.  ``UNKNOWN``: the venue's word for it is not known, or it is
    known to be there and was not read: only its fills were seen, or another process found
    it.
    """

    INTENDED = "intended"
    UNRESOLVED = "unresolved"
    OPEN = "open"
    PARTIALLY_FILLED = "partially filled"
    CANCEL_PENDING = "cancel pending"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    ABSENT = "absent"
    UNKNOWN = "unknown"

    @property
    def is_done(self) -> bool:
        """Whether nothing more can fill, as far as is known."""
        return self in _DONE


_DONE = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
        OrderState.REFUSED,
        OrderState.ABSENT,
    }
)


class MarketStatus(_Word):
    """Where a market stands in its life; ``Market.venue_status`` has the venue's word."""

    UNOPENED = "unopened"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    SETTLED = "settled"
    UNKNOWN = "unknown"


class ActivityKind(_Word):
    """What an account did or was given; ``Activity.venue_kind`` has the venue's word."""

    TRADE = "trade"
    SPLIT = "split"
    """Cash became contracts of every outcome."""
    MERGE = "merge"
    """Contracts of every outcome became cash."""
    REDEMPTION = "redemption"
    CONVERSION = "conversion"
    """Contracts against some outcomes of an event became others for the rest."""
    MIGRATION = "migration"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    REWARD = "reward"
    YIELD = "yield"
    MAKER_REBATE = "maker_rebate"
    TAKER_REBATE = "taker_rebate"
    REFERRAL_REWARD = "referral_reward"
    TIP = "tip"
    UNKNOWN = "unknown"


StatusFilter: TypeAlias = Literal[
    "unopened", "open", "paused", "closed", "settled", "all"
]
"""Which markets a listing is asked for."""

Period: TypeAlias = Literal["1m", "1h", "1d"]
"""The length of a candle."""


@attrs.frozen(slots=True)
class Instrument:
    """The lossless name of one outcome of one market, everywhere.

    >>> Instrument.parse("kalshi:KXHIGHNY-26NOV21-T60:yes")
    Instrument(venue='kalshi', market_id='KXHIGHNY-26NOV21-T60', outcome='yes')
    >>> str(Instrument("kalshi", "KXHIGHNY-26NOV21-T60", "no"))
    'kalshi:KXHIGHNY-26NOV21-T60:no'
    """

    venue: str
    market_id: str
    outcome: str

    @classmethod
    def parse(cls, name: str) -> Instrument:
        """Read ``venue:market_id:outcome``; a market id may itself contain colons."""
        venue, _, rest = name.partition(":")
        market_id, _, outcome = rest.rpartition(":")
        if not (venue and market_id and outcome):
            message = f"{name!r} is not of the form venue:market_id:outcome"
            raise BadRequest(message)
        return cls(venue, market_id, outcome)

    def __str__(self) -> str:
        return f"{self.venue}:{self.market_id}:{self.outcome}"
