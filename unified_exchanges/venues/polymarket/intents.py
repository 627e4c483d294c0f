"""How an order on Polymarket is the same when it is sent again, and how it is found.

The venue knows no ids of ours: an order is known by the hash of what is signed.  Salt and
time of that are drawn once for each client order id, and kept here and in the journal.  So
whoever sends again with that id signs the same order, and the venue, which has it, answers
that it is duplicated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import attrs

from ...errors import (
    DuplicateOrderId,
    ExchangeError,
    UnifiedExchangesError,
)
from ...flow import Flow
from ...models import Intent, Order
from ...settings import Settings
from ...venue import Call
from ...venue.batching import Batching
from ...venue.ticket import Ticket
from .drafts import Draft
from .identities import Identities, Identity
from .lookup import PATIENCE, Lookup

__all__ = ["Intents"]

_GLANCE: Final = 2.0
"""Seconds for a look before an order is sent again."""


@attrs.define(slots=True, eq=False)
class _Together:
    """An order that was sent with others in one request, and may have been sent again."""

    waits: list[float]
    again: Call | None = None

    @property
    def has_left_again(self) -> bool:
        """Whether the wait for it has to begin anew."""
        return self.again is not None and self.again.has_left


class Intents(Lookup, Batching[Draft]):
    """Keeps which order stands under an id, looks for it, and compares."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.identities = Identities()
        self._sent: WeakKeyDictionary[Draft, _Together] = WeakKeyDictionary()

    @property
    def owner_name(self) -> str:
        """The key's address and the wallet: what an API key sees is that of its address."""
        held = self.credentials
        return "" if held is None else f"{held.address}/{held.wallet.address}".lower()

    # -- the same order again -------------------------------------------------------

    def draft(self, ticket: Ticket) -> Flow[Draft]:
        """Check a ticket; the order that stands under its id comes, if one does."""
        ready = yield from super().draft(ticket)
        if self.credentials is None:
            raise self.keyless(ready, self.create_name)
        yield from self.obtain_key()
        yield from self._recognise(ready)
        return ready

    def _recognise(self, ready: Draft) -> Flow[None]:
        key = ready.client_order_id
        is_new = ready.ticket.request.client_order_id is None
        is_ours = self.sent.is_known(key)
        is_open = self.sent.is_doubtful(key)
        kept: Identity | None = None
        if not is_new and (is_open or (self.settings.is_journaled and not is_ours)):
            kept = Identity.kept((yield from self.known_of(key)))
        if kept is None:
            mine = Identity.of(ready)
            # What was only looked at gives way, and what is known not to be there.
            can_give_way = is_open or not is_ours
            kept = self.identities.claim(key, mine, replace=can_give_way)
        else:
            self.identities.put(key, kept)
            if kept.terms != ready.terms:
                # Refused when it is about to leave, after a look whether that is there.
                return
        self._become(ready, kept)

    def _become(self, ready: Draft, kept: Identity) -> None:
        if kept.terms == ready.terms:
            ready.become(kept.salt, kept.timestamp_ms)
            if ready.order_id == kept.order_id:
                return
        message = (
            f"{ready}: client_order_id {ready.client_order_id!r} stands for another order, "
            f"{kept.order_id}; nothing new was placed. Use a new id"
        )
        raise DuplicateOrderId(
            message, venue=self.id, client_order_id=ready.client_order_id
        )

    def note_down(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[Mapping[str, Intent]]:
        """Keep the order that an id stands for, too."""
        taken = yield from super().note_down(ready, deadline)
        for x in ready:
            kept = Identity.kept(x.before) or Identity.of(x)
            self.identities.put(x.client_order_id, kept)
            self.memory.name_order(kept.order_id, x.client_order_id)
            if x.client_order_id not in taken and kept.order_id != x.order_id:
                # Another process began with this id at the same moment.
                self._become(x, kept)
                if x.written is not None:
                    x.written = attrs.evolve(
                        x.written, order_id=x.order_id, params=x.words
                    )
        return taken

    def free_keys(self, ready: Sequence[Draft]) -> None:
        """Forget the orders that they stand for, too."""
        super().free_keys(ready)
        self._drop(ready)

    def decline(self, ready: Draft, error: UnifiedExchangesError) -> Flow[Order]:
        """Forget the order that its id stood for, too."""
        try:
            return (yield from super().decline(ready, error))
        finally:
            self._drop([ready])

    def _drop(self, ready: Sequence[Draft]) -> None:
        """Let ids be used for something else with which nothing is there."""
        for x in ready:
            if not self.sent.is_known(x.client_order_id):
                self.identities.drop(x.client_order_id)

    # -- looking --------------------------------------------------------------------

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """One order by either id; see `Exchange.fetch_order`.

        By ``client_order_id`` one that this object has sent, or that its journal knows.
        """
        if client_order_id is not None and order_id is None:
            intent = yield from self.known_of(client_order_id)
            if intent is not None and intent.order_id is not None:
                order_id, client_order_id = intent.order_id, None
                yield from self._look_for_sent(order_id, intent)
        found = yield from super().fetch_order(
            order_id,
            client_order_id=client_order_id,
            market_id=market_id,
            outcome=outcome,
        )
        yield from self.discovered(found)
        return found

    def _look_for_sent(self, order_id: str, intent: Intent) -> Flow[None]:
        """Find an order of which nothing was heard; it is remembered then."""
        since = self.venue_now()
        found = yield from self.look(order_id, intent)
        if found is None:
            yield from self.until_fresh(since)
            yield from self.look(order_id, intent)

    def find_orders(
        self,
        market_id: str,  # noqa: ARG002 - each is known by its own id
        intents: Sequence[Intent],
    ) -> Flow[Mapping[str, Order]]:
        """Orders that are these intents, by client order id."""
        found: dict[str, Order] = {}
        for x in intents:
            if x.order_id is None:
                message = f"the journal does not tell the hash of {x}"
                raise ExchangeError(message, venue=self.id)
            order = yield from self.look(x.order_id, x)
            if order is not None:
                found[x.client_order_id] = order
        return found

    def holder(self, same: Draft, before: Intent | None) -> Flow[Order | None]:
        """The order that holds an id, where it is known to be or else would be."""
        order_id = None if before is None else before.order_id
        if order_id is None:
            order_id = self._known_id(same.client_order_id)
        if order_id is None:
            return None
        return (yield from self.look(order_id, before or same))

    def _known_id(self, client_order_id: str) -> str | None:
        known = self.identities.get(client_order_id)
        return (
            self.memory.order_id(client_order_id) if known is None else known.order_id
        )

    def sent_together(self, ready: Sequence[Draft]) -> None:
        """These leave in one request: what is lost of it is waited for once."""
        waits = [*PATIENCE]
        for x in ready:
            self._sent[x] = _Together(waits)

    def sent_alone(self, ready: Draft, call: Call) -> None:
        """This one may leave by itself."""
        if ready in self._sent:
            self._sent[ready].again = call

    def find(self, ready: Draft) -> Flow[Order | None]:
        """An order that should be there, looked for again while reads may lag."""
        # In a dry run it has another name.
        name = self.memory.order_id(ready.client_order_id) or ready.order_id
        assert name is not None
        sent = self._sent.get(ready)
        waits = sent.waits if sent is not None and not sent.has_left_again else None
        return self.look_patiently(name, ready, waits)

    def find_everywhere(self, client_order_id: str) -> Flow[Order | None]:  # noqa: ARG002
        """None: the id of an order says on which market it is."""
        yield from ()
        return None

    def look_again(self, ready: Draft) -> Flow[Order | None]:
        """One look for an order before it is sent again: it may have filled meanwhile."""
        call = self.read(
            f"/clob/data/order/{ready.order_id}",
            about=f"order {ready.order_id}",
            private=True,
        )
        until = self.clock.monotonic() + _GLANCE
        try:
            response = yield from self.attempt(call, until)
            found = self.order_of(response.body)
        except UnifiedExchangesError:
            # Sent again it does no harm.
            return None
        if found is None or found.order_id != ready.order_id:
            return None
        named = self._named(self.memory.learn_order(found), ready)
        return (yield from self.priced(named))

    def is_same(self, mine: Order, ready: Draft) -> Flow[bool]:
        """Whether an order is the one that is asked for.

        The hash tells all but how it may rest.  Of ``post_only`` the venue tells nothing,
        so what is known of the order that has the id is compared too.
        """
        yield from ()
        ticket, known = ready.ticket, self.identities.get(ready.client_order_id)
        if known is not None and known.order_id == mine.order_id:
            return known.terms == ready.terms
        expires = None if mine.expires_at is None else int(mine.expires_at.timestamp())
        rests = mine.time_in_force in (None, ticket.time_in_force)
        if not rests or expires != ticket.expires:
            return False
        return mine.order_id == ready.order_id or (
            mine.market_id == ticket.market_id
            and mine.outcome == ready.outcome
            and mine.side is ticket.side
            and mine.price == ready.price
            and mine.size == ready.size
        )
