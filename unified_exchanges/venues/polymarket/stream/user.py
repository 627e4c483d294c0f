"""`UserStream`: the user channel of Polymarket's WebSocket, without a socket.

Nothing is told of what was before, and nothing again (docs.polymarket.com, websockets,
2026-08): whoever follows it reads the account over REST after each connection.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection
from math import inf
from typing import Any, Final

import attrs

from ....clock import Clock
from ....errors import NotSupported
from ....hidden import Hidden
from ....models import OrderBook, StreamState, Subject
from ....policy import StreamPolicy
from ....streams.protocol import Unheard
from . import frames, reading
from .reading import Whose
from .socket import NONE, Events, Socket

__all__ = ["SUBJECTS", "UserStream"]

_log = logging.getLogger(__name__)

SUBJECTS: Final = frozenset({Subject.ORDERS, Subject.FILLS, Subject.POSITIONS})
_PATIENCE: Final = 1.0
"""Seconds that a fill may wait for its fee, which the catalog tells.  It is what hedges and
strategies act on: if the catalog is slower than that, or down, the fee can wait better."""
_MOST_PARKED: Final = 1_000
"""Trades that may wait together; more are told at once."""
_AGAIN: Final = 10.0
"""Seconds after which the fee rule of a market is asked for again."""


@attrs.frozen(slots=True, eq=False, repr=False)
class _Parked:
    """A trade that waits ``until`` then for the fee rule of its market."""

    told: frames.UserTrade
    raw: bytes
    until: float


class UserStream(Socket):
    """Orders and fills of the key that ``introduce`` introduces; see `StreamProtocol`.

    ``introduce`` gives the frame with the key, `Hidden`, or None while there is none yet.
    ``whose`` says which parts of a trade are ours.

    A fill is told at each step of its settlement, in its ``state``; positions are not told.
    Its fee is None where the rule of its market is not known within a second.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        introduce: Callable[[], Hidden | None],
        whose: Whose,
        policy: StreamPolicy | None = None,
    ) -> None:
        super().__init__(clock=clock, policy=policy)
        self.tells_positions = False
        # Of matches: "match_time" alone (docs.polymarket.com, user channel, 2026-08).
        self.tells_seconds = True
        self._introduce = introduce
        self._introduced: Hidden | None = None
        self._whose = whose
        self._counts: Counter[Subject] = Counter()
        self._is_asked = False
        self._parked: list[_Parked] = []
        self._asked_for: dict[str, float] = {}
        """Until when a market is not asked about again."""
        self._handlers = {frames.UserOrder: self._order, frames.UserTrade: self._trade}

    # -- what is asked for ----------------------------------------------------------

    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,  # noqa: ARG002 - the channel tells of all
        outcome: str | None = None,  # noqa: ARG002
    ) -> None:
        """Ask for orders, fills or positions; counted."""
        if subject not in SUBJECTS:
            message = f"the user channel does not tell of {subject}"
            raise NotSupported(message, venue="polymarket")
        self._counts[subject] += 1

    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,  # noqa: ARG002
        outcome: str | None = None,  # noqa: ARG002
    ) -> None:
        """Take back one `follow`; the channel goes on as long as there is a connection."""
        self._counts[subject] -= 1
        if self._counts[subject] <= 0:
            del self._counts[subject]

    @property
    def is_wanted(self) -> bool:
        """Whether anybody follows anything."""
        return bool(self._counts)

    @property
    def is_settled(self) -> bool:
        """Whether there is a connection, and the venue has answered since it was asked.

        It acknowledges nothing: what comes back of a ping that was sent after the key is
        taken for that.
        """
        is_idle = not self._counts
        return self.is_connected and (
            is_idle or (self._is_asked and self._has_answered)
        )

    # -- connections ----------------------------------------------------------------

    def _begin(self) -> None:
        self._is_asked = False

    def _end(self) -> None:
        # What waits is told by the read that follows.
        self._parked.clear()
        self._asked_for.clear()

    def _asks(self) -> list[str]:
        if self._is_asked or not self._counts:
            return []
        frame = self._introduce()
        if frame is None:
            return []
        self._is_asked, self._introduced = True, frame
        return [frame]

    # -- time -----------------------------------------------------------------------

    def _due(self, now: float) -> Events:  # noqa: ARG002 - each knows until when
        if self._is_asked and self._introduce() != self._introduced:
            self._break("it was opened with an API key that was revoked since")
            return NONE
        if not self._parked:
            return NONE
        parked, self._parked = self._parked, []
        return [event for each in parked for event in self._parts(each)]

    def _next_due(self, now: float) -> float:  # noqa: ARG002 - likewise
        return min((each.until for each in self._parked), default=inf)

    # -- frames ---------------------------------------------------------------------

    def _order(self, told: frames.UserOrder, raw: str | bytes) -> Events:
        found = reading.order(told, self._whose, _bytes(raw))
        return (found,) if self._counts[Subject.ORDERS] else NONE

    def _trade(self, told: frames.UserTrade, raw: str | bytes) -> Events:
        now = self._monotonic()
        count = len(self._parked)
        events = self._parts(_Parked(told, _bytes(raw), now + _PATIENCE))
        if len(self._parked) > count:
            return self._ask_for(told.market.lower(), now)
        return [*self._unparked(told.market), *events] if events and count else events

    def _ask_for(self, market_id: str, now: float) -> Events:
        """Have the fee rule of a market read, if that was not asked for a moment ago."""
        recent = {name: end for name, end in self._asked_for.items() if end > now}
        self._asked_for = recent
        if market_id in recent:
            return NONE
        recent[market_id] = now + _AGAIN
        return [Unheard(market_ids=frozenset([market_id]))]

    def _unparked(self, market: str) -> list[Any]:
        """What waited of a market that is known by now: it came before what comes now."""
        waited = [each for each in self._parked if each.told.market == market]
        self._parked = [each for each in self._parked if each.told.market != market]
        return [event for each in waited for event in self._parts(each)]

    def _parts(self, trade: _Parked) -> Events:
        """The fills of a trade; none yet if it goes on waiting."""
        is_early = self._monotonic() < trade.until
        may_wait = is_early and len(self._parked) < _MOST_PARKED
        found = reading.fills(trade.told, self._whose, trade.raw, may_wait=may_wait)
        if found is None:
            self._parked.append(trade)
            return NONE
        # Orders too: one that filled never was if its trade fails, and no order tells that.
        return found if self._counts else NONE

    def _lost(self, told: frames.Envelope, reason: str) -> Events:
        subject = Subject.ORDERS if told.event_type == "order" else Subject.FILLS
        if not (self._counts[subject] or self._counts[Subject.ORDERS]):
            return NONE
        ids = (told.market_id,) if told.market_id else ()
        return [self._gap(subject, reason, market_ids=ids)]

    def _lost_anything(self, reason: str) -> Events:
        return [self._gap(None, reason)] if self._counts else NONE

    # -- what can be read -----------------------------------------------------------

    def order_book(
        self,
        market_id: str,  # noqa: ARG002
        outcome: str | None = None,  # noqa: ARG002
    ) -> OrderBook | None:
        """None: the user channel has no books."""
        return None

    def doubt(
        self,
        market_id: str,  # noqa: ARG002
        reason: str,  # noqa: ARG002
        outcome: str | None = None,  # noqa: ARG002
    ) -> Events:
        """Nothing: the user channel has no books."""
        return NONE

    @property
    def _subscriptions(self) -> int:
        return int(self._is_asked)

    def _state(self) -> StreamState:
        if not self.is_connected:
            return "connecting"
        if self.is_settled:
            return "live"
        is_early = self._monotonic() - self._made_at < self.policy.acknowledgement
        return "connecting" if is_early else "degraded"


def _bytes(raw: str | bytes) -> bytes:
    return raw.encode() if isinstance(raw, str) else raw
