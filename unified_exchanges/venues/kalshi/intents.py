"""Orders on Kalshi as the journal knows them, and how they are found again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf

import attrs

from ...errors import UnifiedExchangesError
from ...flow import Flow
from ...journaling import Journaling
from ...models import Account as Owner
from ...models import Intent, IntentState, Order
from ...settings import Settings
from .drafts import Draft
from .lookup import Lookup
from .merging import next_page

__all__ = ["Intents"]

_NOTHING: Mapping[str, str | int | bool] = {}


class Intents(Lookup, Journaling):
    """Writes orders down before they leave, and looks for those left open."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._owner: Owner | None = None

    @property
    def account(self) -> Owner:
        """Whose orders they are: those of one key, by whatever address it is used.

        A key works in one environment only (docs.kalshi.com, API environments, 2026-11).
        So it tells the environment too, also behind a gateway that nobody can place.
        """
        if self._owner is None:
            self._owner = Owner(self.id, "", _fingerprint(self._key_id))
        return self._owner

    @property
    def purse(self) -> Owner:
        """Whose equity is read: that of one subaccount."""
        number = self.subaccount
        if number is None:
            return self.account
        return Owner(
            self.id, self.account.environment, f"{self.account.fingerprint}/{number}"
        )

    def is_own(self, client_order_id: str) -> bool:
        """Whether this object has sent an order with this id, or is about to."""
        return self.sent.is_known(client_order_id)

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """One order by either id; see `Exchange.fetch_order`."""
        found = yield from super().fetch_order(
            order_id,
            client_order_id=client_order_id,
            market_id=market_id,
            outcome=outcome,
        )
        yield from self.discovered(found)
        return found

    def find_orders(
        self, market_id: str, intents: Sequence[Intent]
    ) -> Flow[Mapping[str, Order]]:
        """Orders on a market that are these intents, by client order id."""
        by_subaccount: dict[int | None, dict[str, Intent]] = {}
        for x in intents:
            number = x.params.get("subaccount")
            chosen = number if isinstance(number, int) else None
            by_subaccount.setdefault(chosen, {})[x.client_order_id] = x
        found: dict[str, Order] = {}
        for subaccount, wanted in by_subaccount.items():
            here = yield from self._found_on(market_id, subaccount, wanted)
            found.update(here)
        return found

    def _found_on(
        self, market_id: str, subaccount: int | None, wanted: Mapping[str, Intent]
    ) -> Flow[Mapping[str, Order]]:
        found: dict[str, Order] = {}
        pages = self.orders_on(market_id, subaccount)
        try:
            while len(found) < len(wanted):
                orders = yield from next_page(pages)
                if orders is None:
                    break
                for order in orders:
                    intent = wanted.get(order.client_order_id or "")
                    if intent is not None:
                        told = order.in_terms_of(intent.outcome)
                        found[intent.client_order_id] = told
        finally:
            pages.close()
        return found

    # -- writing --------------------------------------------------------------------

    def write_ahead(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[dict[str, Intent]]:
        """Write orders down that are about to leave; none does if that fails.

        ``deadline`` is when they are given up, on the monotonic clock.  What has their
        ids, by client order id, where it is an order, or may be one with other terms: they
        must not leave.
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

    def keep_all(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[dict[str, Intent]]:
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

    def terms(self, ready: Draft) -> Intent:
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
        self, outcomes: Iterable[tuple[Draft, Order | UnifiedExchangesError]]
    ) -> Flow[None]:
        """Write what became of orders that were written down or kept."""
        ends: list[Intent] = []
        for x, outcome in outcomes:
            if x.written is None:
                ends += self.outcome(x.intent.client_order_id, outcome)
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


def _intent(ready: Draft, owner: Owner, stamp: _Stamp) -> Intent:
    """An order as it is written."""
    order = ready.intent
    written_at = datetime.fromtimestamp(stamp.written, UTC)
    expires = order.expires
    return Intent(
        account=owner,
        client_order_id=order.client_order_id,
        market_id=order.market_id,
        outcome=ready.outcome,
        side=order.side,
        price=ready.price,
        size=ready.size,
        time_in_force=order.time_in_force,
        expires_at=None if expires is None else datetime.fromtimestamp(expires, UTC),
        params=_words(ready),
        written_at=written_at,
        arrives_by=written_at + timedelta(seconds=stamp.lasts),
        is_venue_time=stamp.is_venue_time,
    )


def _words(ready: Draft) -> Mapping[str, str | int | bool]:
    """What it is sent with besides: the venue's words, flags, and its subaccount."""
    order, request = ready.intent, ready.intent.request
    account = ready.subaccount
    if not (order.params or request.post_only or request.reduce_only) and (
        account is None
    ):
        return _NOTHING
    words = dict(order.params)
    if account is not None:
        words["subaccount"] = account
    if request.post_only:
        words["post_only"] = True
    if request.reduce_only:
        words["reduce_only"] = True
    return words


def _fingerprint(key_id: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - once for each object that places

    return sha256(f"unified_exchanges:kalshi:{key_id}".encode()).hexdigest()[:16]
