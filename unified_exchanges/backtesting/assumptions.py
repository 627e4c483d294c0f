"""What a backtest took for granted, so that its figures can be judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import attrs

from ..guards import GuardPolicy
from ..models import FeeRule
from ..models.record import Flat
from ..money import text
from ..paper import PaperEngine, at
from .feed import Feed

__all__ = ["Assumptions", "FeesAssumed", "GuardAssumed", "Source", "assumed"]


@attrs.frozen(kw_only=True, slots=True)
class FeesAssumed(Flat):
    """The rule by which trades of a market were charged, in words: ``str`` of its `FeeRule`.

    ``none`` is that of a run without fees.

    It is one rule from the first event to the last: that of when the market was read.  What
    changed or ended in between, such as a waiver, was not charged for.
    """

    venue: str
    market_id: str
    rule: str


@attrs.frozen(kw_only=True, slots=True)
class Source(Flat):
    """Where events came from, and when the first and the last that were read were received.

    ``name`` is that of the recording, without where it or its tables lie; None for events
    that were given as such.  ``polled`` counts the books that were read over REST; None for
    such events, of which each book says so itself (`OrderBook.is_polled`).
    """

    name: str | None
    began_at: datetime | None
    ended_at: datetime | None
    polled: int | None


@attrs.frozen(kw_only=True, slots=True)
class GuardAssumed(Flat):
    """A guard that was on, by the name of its field of `GuardPolicy`, and its limit in words.

    Of each venue by itself, as of exchanges.  What a strategy cannot do, raw writes, is not
    among them.
    """

    guard: str
    limit: str


@attrs.frozen(kw_only=True, slots=True)
class Assumptions(Flat):
    """What a backtest took for granted: how late, at what fees, over which data.

    ``order_delay`` and ``event_delay`` are nanoseconds, as in `Delays`: with 0 a strategy
    acts before anybody else can.  ``sample`` is the nanoseconds between points of equity,
    also where nobody said how many.  ``guards`` are what was held against orders.
    """

    order_delay: int
    event_delay: int
    sample: int
    fees: tuple[FeesAssumed, ...]
    guards: tuple[GuardAssumed, ...]
    data: tuple[Source, ...]


def assumed(
    engine: PaperEngine, sample: int, feeds: Sequence[Feed], guards: GuardPolicy
) -> Assumptions:
    """What a run on this engine, over these feeds and with these guards, took for granted."""
    contracts = (pit.contract for pit in engine.pits.values())
    fees = tuple(
        FeesAssumed(
            venue=contract.market.venue,
            market_id=contract.market_id,
            rule=_told(contract.fees),
        )
        for contract in contracts
    )
    data = tuple(
        Source(
            name=x.name,
            began_at=_time(x.began),
            ended_at=_time(x.ended),
            polled=None if x.name is None else x.polled,
        )
        for x in feeds
    )
    return Assumptions(
        order_delay=engine.delays.order,
        event_delay=engine.delays.event,
        sample=sample,
        fees=fees,
        guards=_guards(guards),
        data=data,
    )


def _time(moment: int | None) -> datetime | None:
    return None if moment is None else at(moment)


def _told(rule: FeeRule) -> str:
    kind = type(rule)
    # What has no words of its own would tell its address, which is another each time.
    is_told = attrs.has(kind) or kind.__str__ is not object.__str__
    return str(rule) if is_told else kind.__qualname__


def _guards(policy: GuardPolicy) -> tuple[GuardAssumed, ...]:
    return tuple(
        GuardAssumed(guard=name, limit=_limit(policy, name, limit))
        for name, limit in policy.on.items()
        if name != "raw_writes"
    )


def _limit(policy: GuardPolicy, name: str, limit: object) -> str:
    if isinstance(limit, Decimal):
        return f"{text(limit)} dollars"
    if isinstance(limit, tuple):
        return ", ".join(map(str, limit)) or "none"
    if name == "max_orders":
        return f"{limit} within {policy.seconds:g} s"
    return "no write at all"
