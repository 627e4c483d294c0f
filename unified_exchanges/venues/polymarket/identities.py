"""Which order stands under a client order id: the venue never hears those.

So whoever sends an order again must sign the very same one, with its salt and its time.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import attrs

from ... import fork
from ...models import Intent
from .drafts import Draft, Terms, terms_of_intent

__all__ = ["Identities", "Identity"]

_MOST: Final = 200_000


@attrs.frozen(slots=True, eq=False, repr=False)
class Identity:
    """What makes an order this one and no other, and what it says."""

    order_id: str
    salt: int
    timestamp_ms: int
    terms: Terms

    @classmethod
    def of(cls, draft: Draft) -> Identity:
        """That of an order that is about to leave."""
        assert draft.order_id is not None
        return cls(draft.order_id, draft.salt, draft.timestamp_ms, draft.terms)

    @classmethod
    def kept(cls, intent: Intent | None) -> Identity | None:
        """That of an order which the journal knows; None where it does not tell."""
        if intent is None or intent.order_id is None:
            return None
        salt, moment = intent.params.get("salt"), intent.params.get("timestamp")
        if type(salt) is not int or type(moment) is not int:
            return None
        return cls(intent.order_id, salt, moment, terms_of_intent(intent))


class Identities:
    """The identities of one object's orders by client order id; threads may share it."""

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._known: OrderedDict[str, Identity] = OrderedDict()

    def get(self, client_order_id: str) -> Identity | None:
        """The order that stands under an id."""
        return self._known.get(client_order_id)

    def claim(
        self, client_order_id: str, mine: Identity, *, replace: bool = False
    ) -> Identity:
        """Let an order stand under an id, unless another does; which one that is.

        ``replace``: one that says something else gives way, since it never left.
        """
        with self._lock:
            found = self._known.get(client_order_id)
            if found is None or (replace and found.terms != mine.terms):
                self._known[client_order_id] = found = mine
                if len(self._known) > _MOST:
                    self._known.popitem(last=False)
            return found

    def named(self, salt: object) -> str | None:
        """The client order id of the order that has a salt."""
        with self._lock:
            found = reversed(self._known.items())
            return next((key for key, x in found if x.salt == salt), None)

    def put(self, client_order_id: str, identity: Identity) -> None:
        """Let this order stand under an id from now on."""
        with self._lock:
            self._known[client_order_id] = identity

    def drop(self, client_order_id: str) -> None:
        """Let nothing stand under an id."""
        with self._lock:
            self._known.pop(client_order_id, None)
