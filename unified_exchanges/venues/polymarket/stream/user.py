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
_MOST_PARKED: Final = 1_000
"""Trades that may wait for their market to be known."""
_AGAIN: Final = 10.0
"""Seconds after which it is asked about again."""


@attrs.frozen(slots=True, eq=False, repr=False)
class _Parked:
    """A trade whose fee cannot be told before its market is known."""

    told: frames.UserTrade
    raw: bytes


class UserStream(Socket):
    """Orders and fills of the key that ``introduce`` introduces; see `StreamProtocol`.

    ``introduce`` gives the frame with the key, `Hidden`, or None while there is none yet.
    ``whose`` says which parts of a trade are ours.

    A fill is told at each step of its settlement, in its ``state``; positions are not told.
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
        self._parked_at = inf
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
        self._parked_at = inf

    def _asks(self) -> list[str]:
        if self._is_asked or not self._counts:
            return []
        frame = self._introduce()
        if frame is None:
            return []
        self._is_asked, self._introduced = True, frame
        return [frame]

    # -- time -----------------------------------------------------------------------

    def _due(self, now: float) -> Events:
        if self._is_asked and self._introduce() != self._introduced:
            self._break("it was opened with an API key that was revoked since")
            return NONE
        if not self._parked:
            return NONE
        parked, self._parked = self._parked, []
        events: list[Any] = []
        for each in parked:
            events += self._parts(each.told, each.raw)
        if not self._parked:
            self._parked_at = inf
        elif now >= self._parked_at:
            self._parked_at = now + _AGAIN
            ids = frozenset(each.told.market.lower() for each in self._parked)
            events.append(Unheard(market_ids=ids))
        return events

    def _next_due(self, now: float) -> float:  # noqa: ARG002 - it knows when
        return self._parked_at

    # -- frames ---------------------------------------------------------------------

    def _order(self, told: frames.UserOrder, raw: str | bytes) -> Events:
        found = reading.order(told, self._whose, _bytes(raw))
        return (found,) if self._counts[Subject.ORDERS] else NONE

    def _trade(self, told: frames.UserTrade, raw: str | bytes) -> Events:
        was_parked = bool(self._parked)
        events = self._parts(told, _bytes(raw))
        if events and was_parked:
            events = [*self._unparked(told.market), *events]
        if self._parked and not was_parked:
            self._parked_at = self._monotonic() + _AGAIN
            return [*events, Unheard(market_ids=frozenset([told.market.lower()]))]
        return events

    def _unparked(self, market: str) -> list[Any]:
        """What waited of a market that is known by now: it came before what comes now."""
        waited = [each for each in self._parked if each.told.market == market]
        self._parked = [each for each in self._parked if each.told.market != market]
        return [e for each in waited for e in self._parts(each.told, each.raw)]

    def _parts(self, told: frames.UserTrade, raw: bytes) -> Events:
        found = reading.fills(told, self._whose, raw)
        if found is None:
            if len(self._parked) < _MOST_PARKED:
                self._parked.append(_Parked(told, raw))
                return NONE
            reason = f"the fee of trade {told.id} could not be worked out"
            return [self._gap(Subject.FILLS, reason)]
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
