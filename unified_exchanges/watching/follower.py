"""One consumer: what it wants to hear of, and what waits for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from copy import copy
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ..clock import Clock, ClockOffset
from ..errors import ArgumentsRequired, BadRequest
from ..models import Fill, Gap, Order, OrderBook, Subject
from ..money import EXACT, ZERO
from ..monitor import Delivery
from .mailbox import POLICIES, Every, Latest, Look, Mailbox, Policy
from .memory import Memory

__all__ = ["PRIVATE", "Circle", "Follower", "check_wish"]

PRIVATE: Final = frozenset({Subject.ORDERS, Subject.FILLS, Subject.POSITIONS})
"""What is told of one account, without numbers that would show a loss."""

_BY_MARKET: Final = frozenset(
    {Subject.ORDER_BOOK, Subject.TICKER, Subject.TRADES, Subject.POSITIONS}
)
"""Whose newest state of a market takes the place of older ones, so that few can wait."""

_NAMED: Final = 3
"""Markets that a representation names."""

_FINE: Final = 0.001
"""Seconds to which streams tell when something happened, cutting the rest off."""


def check_wish(
    subject: Subject,
    market_ids: Collection[str] | None,
    policy: object,
    events: object,
) -> None:
    """Refuse what nobody can follow."""
    if market_ids is not None and not market_ids:
        raise BadRequest("market_ids names no market: nothing would ever come")
    if policy not in POLICIES:
        message = f"policy {policy!r} is neither 'latest' nor 'every'"
        raise BadRequest(message)
    if not isinstance(events, bool):
        message = f"events must be True or False, not {events!r}"
        raise BadRequest(message)
    if subject is Subject.ORDER_BOOK and market_ids is None:
        message = "order books are followed market by market: name them in market_ids"
        raise ArgumentsRequired(message)


class Follower:
    """A consumer's wishes and its mailbox.

    ``market_ids`` None follows all.  What happened before it was made is no news to it.
    ``wants_events`` adds gaps, reconnections and reconciliations to what it is told.
    ``in_seconds`` says that times may be told in whole seconds, with the rest cut off.
    """

    __slots__ = (
        "_at",
        "_clock",
        "_in_seconds",
        "covered",
        "delivery",
        "is_ready",
        "looks",
        "mailbox",
        "market_ids",
        "moment",
        "outcome",
        "policy",
        "shown",
        "subject",
        "told",
        "wants_events",
    )

    def __init__(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        *,
        outcome: str | None,
        policy: Policy,
        wants_events: bool,
        clock: Clock,
        moment: int,
        most: int,
        wake: Callable[[], None],
        delivery: Delivery,
        in_seconds: bool,
    ) -> None:
        self._in_seconds = in_seconds
        self.subject = subject
        self.delivery = delivery
        # A dictionary keeps the caller's order.
        self.market_ids = None if market_ids is None else dict.fromkeys(market_ids)
        self.outcome = outcome
        self.policy: Policy = policy
        self.wants_events = wants_events
        self._clock = clock
        self._at = clock.monotonic()
        self.moment = moment
        """When it came, by the memory of what was known before."""
        self.covered: dict[str, Decimal] = {}
        self.is_ready = subject not in PRIVATE
        """Whether it was told the state to begin with."""
        self.told: set[Hashable] = set()
        """The positions that it heard of before that."""
        self.shown: dict[str, str] = {}
        """The orders that it believes to be open, and their markets."""
        self.looks: dict[str, Look[OrderBook]] = {}
        self.mailbox: Mailbox[Any]
        if policy == "every":
            self.mailbox = Every(most=most, wake=wake)
        else:
            # Fills are never folded, and orders as many as there are: bounded like every.
            self.mailbox = Latest(
                most=None if subject in _BY_MARKET else most, wake=wake
            )

    def __repr__(self) -> str:
        names = list(self.market_ids or ())
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        listed = ", ".join(names[:_NAMED]) if names else "everything"
        return f"{self.subject}: {listed}{more}"

    def copy(self, wake: Callable[[], None]) -> Follower:
        """Another that has heard the same, and for whom the same waits."""
        other = copy(self)
        ids = self.market_ids
        other.market_ids = None if ids is None else dict(ids)
        other.told, other.shown = set(self.told), dict(self.shown)
        other.looks, other.covered = dict(self.looks), dict(self.covered)
        other.mailbox = self.mailbox.copy(wake)
        return other

    @property
    def since(self) -> float:
        """When it came, by our wall clock as it goes now: it may have been set since."""
        return self._clock.now() - (self._clock.monotonic() - self._at)

    @property
    def sees_private(self) -> bool:
        """Whether it follows the account."""
        return self.subject in PRIVATE

    def follows(self, market_id: str) -> bool:
        """Whether it wants to hear of a market."""
        return self.market_ids is None or market_id in self.market_ids

    def _may_be_since(self, happened: datetime | None, offset: ClockOffset) -> bool:
        """Whether something may have happened after it came.

        As the venue's clock is not known exactly, only what surely happened before did
        not.
        """
        if happened is None:
            return True
        cut = 1.0 if self._in_seconds and not happened.microsecond else _FINE
        return happened.timestamp() + cut >= offset.earliest(self._at)

    def wants_fill(self, fill: Fill, memory: Memory, offset: ClockOffset) -> bool:
        """Whether a fill is news to it: neither surely from before nor known before."""
        if fill.is_reversal:
            # It happens now, whenever that was told which it takes back.
            return not memory.knew_fill(fill, self.moment)
        if memory.is_placed_since(fill.order_id, self.moment):
            return True
        if memory.knew_fill(fill, self.moment) or self._covers(fill, memory):
            return False
        return self._may_be_since(fill.created_at, offset)

    def _covers(self, fill: Fill, memory: Memory) -> bool:
        """Whether what was known of the order before it came has this fill in it.

        They are told oldest first, and each takes its part of what was known.
        """
        name = fill.order_id
        counted = memory.counted(fill, self.moment)
        taken = EXACT.add(self.covered.get(name, ZERO), fill.size)
        if taken > counted:
            return False
        self.covered[name] = taken
        return True

    def wants_order(
        self, order: Order, memory: Memory, offset: ClockOffset | None
    ) -> bool:
        """Whether a state of an order is news to it, if that may be from before.

        It always is where it believes the order to be open: it may have come while the
        end was not known yet.  Without ``offset`` no clock is asked.
        """
        if order.order_id in self.shown:
            return True
        if memory.is_placed_since(order.order_id, self.moment):
            return True
        if memory.knew_end(order, self.moment):
            # A stream that is behind may tell that it was open, after the answer.
            return False
        if order.is_open or offset is None:
            return True
        return self._may_be_since(order.updated_at, offset)

    def show(self, order: Order) -> None:
        """Remember what it believes of an order from now on."""
        if order.is_open:
            self.shown[order.order_id] = order.market_id
        else:
            self.shown.pop(order.order_id, None)

    def narrow(self, market_ids: Collection[str]) -> None:
        """It wants to hear no more of some of its markets."""
        assert self.market_ids is not None
        gone = set(market_ids)
        for market_id in market_ids:
            del self.market_ids[market_id]
            self.looks.pop(market_id, None)
            self.mailbox.forget(market_id)
        self.shown = {x: where for x, where in self.shown.items() if where not in gone}

    def is_concerned(self, gap: Gap) -> bool:
        """Whether a gap may have hidden something from it."""
        if gap.subject not in {None, self.subject}:
            return False
        ids, mine = gap.market_ids, self.market_ids
        return not ids or mine is None or not frozenset(ids).isdisjoint(mine)


class Circle:
    """The followers of one subject, by market."""

    __slots__ = ("by_market", "everywhere")

    def __init__(self) -> None:
        self.by_market: dict[str, list[Follower]] = {}
        self.everywhere: list[Follower] = []

    def __bool__(self) -> bool:
        return bool(self.by_market or self.everywhere)

    def __iter__(self) -> Iterator[Follower]:
        """Each of them once."""
        some = [x for followers in self.by_market.values() for x in followers]
        return iter(dict.fromkeys([*self.everywhere, *some]))

    def has(self, follower: Follower) -> bool:
        """Whether it is one of them."""
        if follower.market_ids is None:
            return follower in self.everywhere
        name = next(iter(follower.market_ids), "")
        return follower in self.by_market.get(name, ())

    def of(self, market_id: str) -> list[Follower]:
        """Those who want to hear of a market."""
        some = self.by_market.get(market_id)
        if some is None:
            return self.everywhere
        return [*some, *self.everywhere] if self.everywhere else some

    def named(self) -> Collection[str]:
        """The markets that somebody follows by name."""
        return self.by_market.keys()

    def add(self, follower: Follower) -> None:
        """Take one in."""
        if follower.market_ids is None:
            self.everywhere.append(follower)
        else:
            for market_id in follower.market_ids:
                self.by_market.setdefault(market_id, []).append(follower)

    def remove(
        self, follower: Follower, market_ids: Collection[str] | None = None
    ) -> None:
        """Let one go, from some markets or from all; whoever is not there is let be."""
        # Other lists take the place of the old: who is telling goes through those.
        self.everywhere = [x for x in self.everywhere if x is not follower]
        for market_id in market_ids or follower.market_ids or ():
            some = self.by_market.get(market_id, ())
            rest = [x for x in some if x is not follower]
            if rest:
                self.by_market[market_id] = rest
            else:
                self.by_market.pop(market_id, None)
