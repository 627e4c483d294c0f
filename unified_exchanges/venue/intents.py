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
            environment = "" if self.is_bound_key else self._environment_name()
            self._owner = Account(
                self.id, environment, _fingerprint(self.id, self.owner_name)
            )
        return self._owner

    def _environment_name(self) -> str:
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

        ``deadline`` is when they are given up, on the monotonic clock.  Those that
        another process has placed, by client order id: they must not leave.
        """
        stamp = self._stamp(deadline)
        written = [_intent(x, self.account, stamp) for x in ready]
        try:
            known = yield from self.write_down(written)
        except UnifiedExchangesError as error:
            error.add(f"; {ready[0]} was not sent")
            raise
        except GeneratorExit:
            # The note may be kept all the same.
            self.never_left(written)
            raise
        before = {x.client_order_id: x for x in known}
        placed: dict[str, Intent] = {}
        for x, intent in zip(ready, written, strict=True):
            x.before = before.get(x.client_order_id)
            if x.before is not None and x.before.state is IntentState.PLACED:
                placed[x.client_order_id] = x.before
                continue
            x.written = intent
            if x.before is not None:
                self.sent.doubt(x.client_order_id)
        return placed

    def keep_all(self, ready: Sequence[D], deadline: float) -> None:
        """Remember orders that are about to leave, where no file keeps them."""
        stamp = self._stamp(deadline)
        for x in ready:
            tell = partial(_intent, x, self.account, stamp)
            self.keep(x.client_order_id, stamp.at, tell)

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
