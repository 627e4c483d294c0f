"""One consumer: what it wants to hear of, and what waits for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from copy import copy
from datetime import datetime
from typing import Any, Final

from ..clock import Clock
from ..errors import ArgumentsRequired, BadRequest
from ..models import Gap, Order, OrderBook, Subject
from ..monitor import Delivery
from .mailbox import POLICIES, Every, Latest, Look, Mailbox, Policy

__all__ = ["PRIVATE", "Circle", "Follower", "check_wish"]

PRIVATE: Final = frozenset({Subject.ORDERS, Subject.FILLS, Subject.POSITIONS})
"""What is told of one account, without numbers that would show a loss."""

_BY_MARKET: Final = frozenset(
    {Subject.ORDER_BOOK, Subject.TICKER, Subject.TRADES, Subject.POSITIONS}
)
"""Whose newest state of a market takes the place of older ones, so that few can wait."""

_NAMED: Final = 3
"""Markets that a representation names."""


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
    """

    __slots__ = (
        "_at",
        "_clock",
        "delivery",
        "is_ready",
        "looks",
        "mailbox",
        "market_ids",
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
        most: int,
        wake: Callable[[], None],
        delivery: Delivery,
    ) -> None:
        self.subject = subject
        self.delivery = delivery
        # A dictionary keeps the caller's order.
        self.market_ids = None if market_ids is None else dict.fromkeys(market_ids)
        self.outcome = outcome
        self.policy: Policy = policy
        self.wants_events = wants_events
        self._clock = clock
        self._at = clock.monotonic()
        self.is_ready = subject not in PRIVATE
        """Whether it was told the state to begin with."""
        self.told: set[str] = set()
        """The markets whose positions it heard of before that."""
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
        other.looks = dict(self.looks)
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

    def is_since(self, happened: datetime | None, offset: float) -> bool:
        """Whether something may have happened after it came.

        ``offset`` is that of the venue's clock.  To the millisecond, since streams tell
        no more.
        """
        came = self.since + offset
        if happened is None or came < 0:
            return True
        return int(happened.timestamp() * 1000) >= int(came * 1000)

    def is_news(self, order: Order, offset: float) -> bool:
        """Whether a state of an order that was read concerns it.

        What ended before it came does not, unless it believes the order to be open: it
        may have come while that was not known yet.
        """
        if order.is_open or order.order_id in self.shown:
            return True
        return self.is_since(order.updated_at, offset)

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
