"""What a connection has to send: envelopes, numbers, and a limit to what waits."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable

from .....clock import Clock
from ..wire import Payload, encode
from .refusals import Refused, error_view
from .subscriptions import Message, Subscription

__all__ = ["Writer"]


class Writer:
    """Writes frames in order; at most ``limit`` of one subscription may wait.

    ``times`` adds ``sending_ts_ms`` to each, as Kalshi does since 2026-10-01.
    """

    def __init__(
        self, clock: Clock, *, limit: int, times: bool, wake: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._times = times
        self._wake = wake
        self._waiting: deque[tuple[int | None, str]] = deque()
        self._counts: Counter[int] = Counter()

    def drain(self) -> list[str]:
        """All that waits."""
        frames = [frame for _, frame in self._waiting]
        self._waiting.clear()
        self._counts.clear()
        return frames

    def is_full(self, subscription: Subscription) -> bool:
        """Whether as many frames of a subscription wait as may."""
        return self._counts[subscription.sid] >= self._limit

    def forget(self, sid: int) -> None:
        """Drop what waits of a subscription."""
        self._waiting = deque(pair for pair in self._waiting if pair[0] != sid)
        del self._counts[sid]

    def tell(
        self,
        subscription: Subscription,
        message: Message,
        command_id: int | None = None,
    ) -> None:
        """Send what happened, numbered if its channel is."""
        kind, body = message
        envelope: Payload = {"type": kind}
        if command_id is not None:
            envelope["id"] = command_id
        envelope["sid"] = subscription.sid
        if subscription.channel.is_numbered:
            envelope["seq"] = subscription.next_number()
        envelope["msg"] = body
        self._put(envelope, subscription.sid)

    def subscribed(self, subscription: Subscription, command_id: int | None) -> None:
        """Answer with a new subscription; it takes no number."""
        body = {"channel": subscription.channel.name, "sid": subscription.sid}
        self._put({"type": "subscribed", **_id(command_id), "msg": body})

    def ok(self, subscription: Subscription, command_id: int | None) -> None:
        """Acknowledge a change.

        It takes a number on every channel; that it does so on one whose data carry
        none was never recorded.
        """
        envelope = {"type": "ok", **_id(command_id), **_place(subscription)}
        self._put({**envelope, "msg": subscription.listing()})

    def unsubscribed(self, subscription: Subscription, command_id: int | None) -> None:
        """Acknowledge an end: the last number."""
        envelope = {**_id(command_id), **_place(subscription)}
        self._put({**envelope, "type": "unsubscribed"})

    def subscriptions(
        self, subscriptions: Iterable[Subscription], command_id: int | None
    ) -> None:
        """List what is subscribed to."""
        body = [{"channel": s.channel.name, "sid": s.sid} for s in subscriptions]
        self._put({"type": "ok", **_id(command_id), "msg": body})

    def error(
        self,
        refused: Refused,
        command_id: int | None,
        subscription: Subscription | None = None,
    ) -> None:
        """Say that something failed; of a numbered subscription with a number."""
        envelope: Payload = {"type": "error", **_id(command_id)}
        if subscription is not None:
            envelope["sid"] = subscription.sid
            if subscription.channel.is_numbered:
                envelope["seq"] = subscription.next_number()
        envelope["msg"] = error_view(refused.code, refused.tickers)
        self._put(envelope)

    def _put(self, envelope: Payload, sid: int | None = None) -> None:
        if self._times:
            envelope["sending_ts_ms"] = int(self._clock.now() * 1000)
        is_first = not self._waiting
        self._waiting.append((sid, encode(envelope).decode()))
        if sid is not None:
            self._counts[sid] += 1
        if is_first:
            self._wake()


def _id(command_id: int | None) -> Payload:
    return {} if command_id is None else {"id": command_id}


def _place(subscription: Subscription) -> Payload:
    return {"sid": subscription.sid, "seq": subscription.next_number()}
