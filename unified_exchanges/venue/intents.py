"""Orders as the journal knows them: written down before they leave, and how they ended."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from typing import ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import attrs

from ..errors import UnifiedExchangesError
from ..flow import Flow
from ..models import Account, Intent, IntentState, Order
from ..settings import Settings
from .draft import Draft
from .journaling import Journaling
from .keys import SentKeys

__all__ = ["Intents"]

D = TypeVar("D", bound=Draft)


class Intents(Journaling, Generic[D]):
    """Writes drafts down, and what became of them."""

    is_bound_key: ClassVar[bool] = False
    """Whether a key is good in one environment only: so it tells the environment too."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.sent = SentKeys()
        self._owner: Account | None = None

    @property
    @abstractmethod
    def owner_name(self) -> str:
        """What tells one account of the venue from another; only its hash is kept."""

    @property
    def account(self) -> Account:
        """Whose orders they are: those of one key, by whatever address it is used."""
        if self._owner is None:
            environment = "" if self.is_bound_key else self.environment_name()
            self._owner = Account(
                self.id, environment, _fingerprint(self.id, self.owner_name)
            )
        return self._owner

    def environment_name(self) -> str:
        """Where the key is used; behind a gateway that nobody can place, for real money."""
        host = urlsplit(self.environment.rest).netloc
        known = self.facts.environments.values()
        for each in known:
            if host in (urlsplit(each.rest).netloc, *each.hosts):
                return each.name
        if self.environment.is_real_money:
            return next(x.name for x in known if x.is_real_money)
        return self.environment.name

    def is_own(self, client_order_id: str) -> bool:
        """Whether this object has sent an order with this id, or is about to."""
        return self.sent.is_known(client_order_id)

    def write_ahead(
        self, ready: Sequence[D], deadline: float
    ) -> Flow[dict[str, Intent]]:
        """Write orders down that are about to leave; none does if that fails.

        ``deadline`` is when they are given up, on the monotonic clock.  What has their
        ids, by client order id, where it is an order, or may be one with other terms: they
        must not leave.
        """
        stamp = self._stamp(deadline)
        written = [_intent(x, self.account, stamp) for x in ready]
        try:
            return (yield from self._written(ready, written))
        except UnifiedExchangesError as error:
            error.add(f"; {ready[0]} was not sent")
            raise
        except BaseException:
            # The note may be kept all the same.
            self.never_left(written)
            raise

    def _written(
        self, ready: Sequence[D], written: Sequence[Intent]
    ) -> Flow[dict[str, Intent]]:
        """Write intents of drafts; those that must not leave."""
        known = yield from self.write_down(written)
        before = {x.client_order_id: x for x in known}
        taken: dict[str, Intent] = {}
        for x, intent in zip(ready, written, strict=True):
            x.before = before.get(x.client_order_id)
            if x.before is not None and _is_taken(x.before, intent):
                taken[x.client_order_id] = x.before
                continue
            x.written = intent
            if x.before is not None:
                self.sent.doubt(x.client_order_id)
        return taken

    def keep_all(self, ready: Sequence[D], deadline: float) -> Flow[dict[str, Intent]]:
        """Remember orders that are about to leave, where no file keeps them.

        Those must not leave of which an earlier call may have placed others.
        """
        taken: dict[str, Intent] = {}
        stamp = self._stamp(deadline)
        for x in ready:
            key = x.client_order_id
            tell = partial(_intent, x, self.account, stamp)
            if self.sent.is_doubtful(key):
                x.before = yield from self.known_of(key)
                if x.before is not None and _is_taken(x.before, tell()):
                    taken[key] = x.before
                    continue
            self.keep(key, stamp.at, tell)
        return taken

    def as_written(self, ready: D) -> Intent:
        """An order as it would be written now."""
        return _intent(ready, self.account, self._stamp(self.clock.monotonic()))

    def _stamp(self, deadline: float) -> _Stamp:
        at, offset = self.clock.monotonic(), self.offset
        now = self.clock.now() + offset.seconds
        lasts = deadline - at + self.retry.order_grace
        latest = offset.latest(at)
        if latest == inf:
            return _Stamp(at, now, lasts, is_venue_time=False)
        return _Stamp(at, now, lasts + max(latest - now, 0.0), is_venue_time=True)

    def conclude(
        self, outcomes: Iterable[tuple[D, Order | UnifiedExchangesError]]
    ) -> Flow[None]:
        """Write what became of orders that were written down or kept."""
        ends: list[Intent] = []
        for x, outcome in outcomes:
            if x.written is None:
                ends += self.outcome(x.client_order_id, outcome)
            else:
                ends.append(self.end(x.written, outcome))
        yield from self.settle(ends)


def _is_taken(before: Intent, intent: Intent) -> bool:
    """Whether an id is that of an order, or may be that of another order."""
    return before.state is IntentState.PLACED or bool(before.unlike(intent))


@attrs.frozen(slots=True)
class _Stamp:
    """When orders are written, by our monotonic clock and by the venue's.

    ``lasts`` is for how many seconds they may be on their way, and as many more as the
    venue's clock may be ahead of what is known of it.
    """

    at: float
    written: float
    lasts: float
    is_venue_time: bool


def _intent(ready: Draft, owner: Account, stamp: _Stamp) -> Intent:
    """An order as it is written."""
    ticket = ready.ticket
    written_at = datetime.fromtimestamp(stamp.written, UTC)
    expires = ticket.expires
    return Intent(
        account=owner,
        client_order_id=ticket.client_order_id,
        market_id=ticket.market_id,
        outcome=ready.outcome,
        side=ticket.side,
        price=ready.price,
        size=ready.size,
        time_in_force=ticket.time_in_force,
        expires_at=None if expires is None else datetime.fromtimestamp(expires, UTC),
        params=ready.words,
        written_at=written_at,
        arrives_by=written_at + timedelta(seconds=stamp.lasts),
        is_venue_time=stamp.is_venue_time,
        order_id=ready.order_id,
    )


def _fingerprint(venue: str, name: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - once for each object that places

    return sha256(f"unified_exchanges:{venue}:{name}".encode()).hexdigest()[:16]
