"""What can be traded: series, events, markets and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from math import gcd

import attrs

from ..errors import BadRequest
from ..grid import PriceGrid
from ..money import CENTI, EXACT, ONE, ZERO
from .record import Record
from .terms import Instrument, MarketStatus

__all__ = [
    "Event",
    "Leg",
    "Market",
    "MarketDraft",
    "Outcome",
    "Series",
    "Tag",
    "find_outcome",
    "no_outcome",
    "told_outcomes",
]


@attrs.frozen(slots=True)
class Outcome:
    """One side of a market: its label, the venue's id for it, and its own title."""

    label: str
    outcome_id: str
    title: str


def told_outcomes(outcomes: Iterable[Outcome]) -> str:
    """Outcomes as an error names them: by label, and by the venue's id if it has another.

    >>> told_outcomes([Outcome("yes", "71", "Rain"), Outcome("no", "no", "Dry")])
    'yes (71), no'
    """
    named = ((outcome.label, outcome.outcome_id) for outcome in outcomes)
    return ", ".join(x if x == id_ else f"{x} ({id_})" for x, id_ in named)


def find_outcome(outcomes: Iterable[Outcome], name: object) -> Outcome | None:
    """The outcome of a label or of the venue's id, in any case; None if it is neither."""
    wanted = str(name).casefold()
    for outcome in outcomes:
        if wanted in (outcome.label.casefold(), outcome.outcome_id.casefold()):
            return outcome
    return None


def no_outcome(market_id: str, name: object, outcomes: Iterable[Outcome]) -> str:
    """What an error says of a name that is none of a market's outcomes.

    >>> no_outcome("RAIN", Outcome("yes", "71", "Rain"), [])
    "outcome= takes the label of an outcome, not an Outcome: pass its label, 'yes'"
    """
    if isinstance(name, Outcome):
        return (
            "outcome= takes the label of an outcome, not an Outcome: pass its label, "
            f"{name.label!r}"
        )
    labels = told_outcomes(outcomes)
    return f"market {market_id} has no outcome {name!r}; it has: {labels}"


@attrs.frozen(slots=True)
class Leg:
    """One condition of a combination market."""

    event_id: str
    market_id: str
    outcome: str


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Market(Record):
    """One contract: it pays ``payout`` dollars if its outcome comes true.

    Quotes are of the first outcome (YES), in dollars; None means that there is no quote
    or that nothing was ever traded.  Sizes and volumes are contracts.  Times are UTC.
    ``legs`` is empty except for a combination market.  ``cost_step`` is the dollars of
    which an order that buys at once (ioc, fok) costs a multiple, 0 where it may cost
    anything.
    """

    market_id: str
    event_id: str
    title: str
    status: MarketStatus
    venue_status: str
    outcomes: tuple[Outcome, ...]
    grid: PriceGrid
    kind: str = "binary"
    series_id: str | None = None
    lot: Decimal = CENTI
    minimum_size: Decimal = CENTI
    cost_step: Decimal = ZERO
    payout: Decimal = ONE
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    last_price: Decimal | None = None
    previous_price: Decimal | None = None
    volume: Decimal | None = None
    volume_24h: Decimal | None = None
    open_interest: Decimal | None = None
    created_at: datetime | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    expires_at: datetime | None = None
    settled_at: datetime | None = None
    result: str | None = None
    settlement_price: Decimal | None = None
    rules: str = ""
    legs: tuple[Leg, ...] = ()
    shard: int = 0

    def outcome(self, name: str | None = None) -> Outcome:
        """Find an outcome by label or by the venue's id, in any case; default the first.

        Raises `BadRequest` naming the outcomes that there are.
        """
        if name is None:
            return self.outcomes[0]
        found = find_outcome(self.outcomes, name)
        if found is None:
            message = no_outcome(self.market_id, name, self.outcomes)
            raise BadRequest(message, venue=self.venue)
        return found

    def instrument(self, outcome: str | None = None) -> Instrument:
        """The lossless name of one outcome, such as ``kalshi:TICKER:yes``."""
        return Instrument(self.venue, self.market_id, self.outcome(outcome).label)

    def immediate_lot(self, price: Decimal) -> Decimal:
        """The contracts of which an order that buys at once at a price is a multiple.

        The market's lot, unless the venue takes costs of some dollars only: then so many
        lots that they cost such a sum.

        >>> market = Market(
        ...     venue="toy", market_id="RAIN", event_id="RAIN", title="Rain?",
        ...     status=MarketStatus.OPEN, venue_status="", outcomes=(),
        ...     grid=PriceGrid.of("0.001"), cost_step=Decimal("0.01"),
        ... )
        >>> market.immediate_lot(Decimal("0.463")), market.immediate_lot(Decimal("0.5"))
        (Decimal('10.00'), Decimal('0.02'))
        """
        if not self.cost_step:
            return self.lot
        cost = EXACT.multiply(self.lot, price)
        places = max(-_exponent(cost), -_exponent(self.cost_step))
        one, step = (int(EXACT.scaleb(x, places)) for x in (cost, self.cost_step))
        return EXACT.multiply(self.lot, Decimal(step // gcd(one, step)))

    @property
    def is_combination(self) -> bool:
        """Whether it pays on several conditions at once."""
        return bool(self.legs)

    def _summary(self) -> str:
        quote = f"{self.bid or '–'}/{self.ask or '–'}"
        return f"{self.venue}:{self.market_id} {self.title!r} {quote} {self.status}"


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return min(0, exponent)


class MarketDraft(Record):
    """A market whose fields are still assigned one by one: for parsers only.

    A frozen attrs class stores each field through ``object.__setattr__``, which for a
    page of a thousand markets takes as long as decoding it.  A draft has the fields of
    `Market` in the same memory layout, so that ``draft.__class__ = Market`` makes it one
    without a copy.  Whoever makes one assigns every field; one that is not assigned does
    not exist.
    """

    __slots__ = Market.__slots__

    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Event(Record):
    """One occurrence with its markets; ``mutually_exclusive`` means at most one pays."""

    event_id: str
    series_id: str | None
    title: str
    subtitle: str = ""
    category: str | None = None
    mutually_exclusive: bool = False
    markets: tuple[Market, ...] = ()
    updated_at: datetime | None = None
    shard: int = 0

    def _summary(self) -> str:
        count = len(self.markets)
        return f"{self.venue}:{self.event_id} {self.title!r} {count} markets"


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Tag(Record):
    """A label that series or events bear: ``tag_id`` is what the venue filters by.

    ``label`` is None where the venue has no name for it.  ``categories`` are those that the
    venue lists it under, where it does.
    """

    tag_id: str
    label: str | None
    slug: str | None = None
    categories: tuple[str, ...] = ()

    def _summary(self) -> str:
        name = "" if self.label is None else f" {self.label!r}"
        return f"{self.venue} {self.tag_id}{name}"


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Series(Record):
    """A template of events, with the fee rule that they share."""

    series_id: str
    title: str
    category: str | None = None
    tags: tuple[str, ...] = ()
    frequency: str | None = None
    fee_type: str | None = None
    fee_multiplier: Decimal | None = None
    updated_at: datetime | None = None
    shard: int = 0
