"""What both of Polymarket's sockets have in common: pings, silence, and bad frames.

There are no acknowledgements and no error frames (docs.polymarket.com, websockets, 2026-08).
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, Final, TypeAlias

import msgspec

from ....clock import Clock
from ....models import Gap, StreamHealth, StreamState, Subject
from ....policy import StreamPolicy
from ....streams.health import Counters
from ....streams.protocol import StreamEvent, StreamProtocol
from ....venue.reading import excerpt
from ..parse.reading import Malformed
from . import frames
from .events import Unrecognised

__all__ = ["NONE", "PING", "UNREADABLE", "Events", "Socket"]

_log = logging.getLogger(__name__)

Events: TypeAlias = Sequence[Any]
"""Events of the unified kinds, and Polymarket's own."""

NONE: Final[tuple[()]] = ()
PING: Final = "PING"
_PONG: Final = b"PONG"
_EVERY: Final = 10.0
"""Seconds between pings, which are texts (docs.polymarket.com, websockets, 2026-08)."""
_KINDS: Final = {str(kind.__struct_config__.tag): kind for kind in frames.FRAMES}
_content: Final = msgspec.json.Decoder(dict[str, Any]).decode
UNREADABLE: Final = (Malformed, ArithmeticError, ValueError)
_LISTS: Final = ("[", b"[")


class Socket(StreamProtocol):
    """One conversation: what is asked for is the business of each channel."""

    def __init__(self, *, clock: Clock, policy: StreamPolicy | None) -> None:
        super().__init__(clock=clock)
        self.policy = policy or StreamPolicy()
        self.counters = Counters()
        self.heard_at = clock.monotonic()
        """When the last sign of life came, on the monotonic clock."""
        self._monotonic = clock.monotonic
        self._silence = self.policy.silence
        self._messaged_at: float | None = None
        self._made_at = -inf
        self._ping_at = inf
        self._has_answered = False
        """Whether the ping was answered that followed the last ask."""
        self._unanswered = 0
        """Pings whose answers are on their way."""
        self._pongs = 0
        """Answers to pings so far, which are counted as messages too."""
        self._handlers: dict[type, Callable[[Any, str | bytes], Events]] = {}

    # -- connections ----------------------------------------------------------------

    def connection_made(self) -> Iterable[StreamEvent]:
        """A new connection is open: nothing was asked for on it yet."""
        # First, as a book may be asked at any time, by another thread.
        self.heard_at = self._made_at = self.clock.monotonic()
        self.broken = ""
        self.is_connected = True
        self.counters.connections += 1
        self._ping_at = inf
        self._has_answered = False
        self._unanswered = 0
        self._begin()
        return NONE

    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        """The connection is gone; everything is stale."""
        if not self.is_connected:
            return NONE
        self.is_connected = False
        self.counters.last_error = reason
        self._end()
        if not self.is_wanted:
            return NONE
        return [Gap(subject=None, reason=reason, at=self._now())]

    @abstractmethod
    def _begin(self) -> None:
        """Ask for all that is wanted, on a new connection."""

    @abstractmethod
    def _end(self) -> None:
        """Believe nothing any more."""

    @property
    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether anything is followed."""

    def heard(self) -> None:
        """Any sign of life."""
        self.heard_at = self.clock.monotonic()

    @property
    def now(self) -> float:
        """The monotonic clock, for the age of a book."""
        return self._monotonic()

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard for too long, so that no book can be believed.

        Whoever finds that first gives the connection up, also before a `poll` could.
        """
        silent = self._monotonic() - self.heard_at
        if silent <= self._silence:
            return False
        if self.is_connected and not self.broken:
            self._break(f"nothing was heard for {silent:.0f} s, not even a PONG")
        return True

    def _break(self, reason: str) -> None:
        self.broken = reason
        self.counters.last_error = reason
        _log.warning("the stream is no good: %s", reason)

    # -- time -----------------------------------------------------------------------

    def poll(self) -> Iterable[StreamEvent]:
        """Do what is due."""
        if not self.is_connected or self.is_silent:
            return NONE
        return self._due(self._monotonic())

    @abstractmethod
    def _due(self, now: float) -> Events:
        """Do what is due, and tell what came of it."""

    def next_poll(self) -> float:
        """Seconds until `poll` has something to do."""
        now = self._monotonic()
        silent = self.heard_at + self._silence
        return max(0.0, min(silent, self._ping_at, self._next_due(now)) - now)

    @abstractmethod
    def _next_due(self, now: float) -> float:
        """When something is due next, on the monotonic clock."""

    def data_to_send(self) -> list[str]:
        """Frames to send, in order."""
        if not self.is_connected:
            return []
        writes = self._asks()
        now = self._monotonic()
        if writes:
            # Its answer proves that all before it was heard.
            self._has_answered = False
        elif now >= self._ping_at:
            # An answer that did not come by now was lost.
            self._unanswered = 0
        else:
            return writes
        writes.append(PING)
        self._unanswered += 1
        self._ping_at = now + _EVERY
        return writes

    def _ponged(self) -> None:
        self._pongs += 1
        self._unanswered = max(0, self._unanswered - 1)
        self._has_answered = self._has_answered or not self._unanswered

    @abstractmethod
    def _asks(self) -> list[str]:
        """What is to be asked for now."""

    # -- frames ---------------------------------------------------------------------

    def receive(self, frame: str | bytes) -> Iterable[StreamEvent]:
        """Take one frame; never raises for what the venue says."""
        self.heard_at = self._messaged_at = self._monotonic()
        counters = self.counters
        counters.messages = number = counters.messages + 1
        return self._receive(frame, is_sample=counters.is_sample(number))

    def _receive(self, frame: str | bytes, *, is_sample: bool) -> Events:
        """Take one frame of any kind."""
        if frame[:1] in _LISTS:
            return self._several(frame)
        try:
            told = frames.decode(frame)
        except (ValueError, RecursionError) as error:
            return self._unreadable(frame, error)
        if is_sample:
            self._look_for_strangers(type(told), frame)
        return self._take(told, frame)

    def _several(self, frame: str | bytes) -> Events:
        try:
            parts = frames.decode_list(frame)
        except (ValueError, RecursionError) as error:
            return self._unreadable(frame, error)
        events: list[Any] = []
        for part in parts:
            own = bytes(part)
            try:
                told = frames.decode(own)
            except (ValueError, RecursionError) as error:
                events += self._unreadable(own, error)
            else:
                events += self._take(told, own)
        return events

    def _take(self, told: frames.Frame, frame: str | bytes) -> Events:
        handler = self._handlers.get(type(told))
        if handler is None:
            return NONE
        try:
            return handler(told, frame)
        except UNREADABLE as error:
            return self._unreadable(frame, error)

    def _unreadable(self, frame: str | bytes, error: Exception) -> Events:
        """A frame of an unknown type, one that lacks what it needs, or no JSON."""
        raw = frame.encode() if isinstance(frame, str) else bytes(frame)
        if raw.strip() == _PONG:
            self._ponged()
            return NONE
        try:
            told = frames.decode_envelope(raw)
        except (ValueError, RecursionError):
            self._bad("", error, raw)
            return self._lost_anything(f"a frame could not be read: {error}")
        kind = told.event_type
        if kind not in _KINDS:
            if self.counters.note_unknown(kind[:60]):
                _log.warning("unknown message %r: %s", kind[:60], excerpt(raw))
            return [Unrecognised(venue="polymarket", raw_json=raw, kind=kind)]
        if _KINDS[kind] not in self._handlers:
            return NONE
        self._bad(kind, error, raw)
        return self._lost(told, f"a {kind} could not be read: {error}")

    @abstractmethod
    def _lost(self, told: frames.Envelope, reason: str) -> Events:
        """A message is of no use: say what may have been missed by that."""

    @abstractmethod
    def _lost_anything(self, reason: str) -> Events:
        """Nobody knows what was lost."""

    def _bad(self, kind: str, error: Exception, raw: bytes) -> None:
        if self.counters.note_malformed(kind, error):
            _log.warning(
                "passing a malformed %s over: %s: %s", kind, error, excerpt(raw)
            )

    def _look_for_strangers(
        self, kind: type[msgspec.Struct], frame: str | bytes
    ) -> None:
        known = {*kind.__struct_encode_fields__, "event_type"}
        tag = kind.__struct_config__.tag
        names = [f"{tag}.{x[:60]}" for x in _content(frame) if x not in known]
        if new := self.counters.note_fields(names):
            _log.info("Polymarket sends fields that are not known: %s", sorted(new))

    # -- telling --------------------------------------------------------------------

    def _gap(self, subject: Subject | None, reason: str, **of: Any) -> Gap:
        self.counters.gaps += 1
        return Gap(subject=subject, reason=reason, at=self._now(), **of)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def _note(self, message: str, kind: str) -> None:
        """Remember and log a trouble; of many of a kind ever fewer are logged."""
        self.counters.last_error = message
        if self.counters.note_trouble(kind):
            _log.warning("polymarket stream: %s", message)

    @abstractmethod
    def _state(self) -> StreamState: ...

    @property
    @abstractmethod
    def _subscriptions(self) -> int: ...

    @property
    def _stale_books(self) -> int:
        return 0

    def health(self) -> StreamHealth:
        """Counters since the protocol was made."""
        counters, messaged = self.counters, self._messaged_at
        silent = self._monotonic() - self.heard_at if self.is_connected else None
        since = None if messaged is None else self._monotonic() - messaged
        return StreamHealth(
            state=self._state(),
            connections=counters.connections,
            messages=counters.messages,
            gaps=counters.gaps,
            duplicates=counters.duplicates,
            unknown_messages=sum(counters.unknown.values()),
            malformed_messages=sum(counters.malformed.values()),
            unknown_fields=tuple(sorted(counters.unknown_fields)),
            subscriptions=self._subscriptions,
            stale_books=self._stale_books,
            silence_ms=None if silent is None else round(silent * 1000, 3),
            last_message_at=None
            if since is None
            else self._now() - timedelta(seconds=since),
            last_error=counters.last_error,
        )
