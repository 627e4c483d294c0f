"""The smallest stream there can be, to test what keeps any stream running."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import attrs

from unified_exchanges.clock import Clock
from unified_exchanges.models import Gap, OrderBook, StreamHealth, Subject
from unified_exchanges.streams.protocol import StreamEvent, StreamProtocol


@attrs.frozen
class Tick:
    """What the toy venue tells."""

    text: str


class ToyStream(StreamProtocol):
    """Asks for markets by name, and takes every message for a tick.

    The venue answers ``follow A`` with ``ok A``.  A message ``ask X`` makes it send X,
    one ``boom`` makes it fail as a protocol with a mistake does, and one ``doubt X`` makes
    it want another connection.
    """

    def __init__(self, *, clock: Clock, silence: float = 30.0) -> None:
        super().__init__(clock=clock)
        self.followed: set[str] = set()
        self.confirmed: set[str] = set()
        self.reasons: list[str] = []
        self.messages = 0
        self.signs = 0
        self._silence = silence
        self._out: list[str] = []
        self._last = clock.monotonic()

    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        self.followed |= set(market_ids or ())
        if self.is_connected:
            self._out += [f"follow {name}" for name in sorted(market_ids or ())]

    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        self.followed -= set(market_ids or ())

    def connection_made(self) -> Iterable[StreamEvent]:
        self.is_connected = True
        self.broken = ""
        self.confirmed = set()
        self._last = self.clock.monotonic()
        self._out = [f"follow {name}" for name in sorted(self.followed)]
        return ()

    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        self.is_connected = False
        self.reasons.append(reason)
        at = datetime.fromtimestamp(self.clock.now(), UTC)
        return (Gap(subject=None, reason=reason, at=at),)

    def receive(self, frame: str | bytes) -> Iterable[StreamEvent]:
        text = frame if isinstance(frame, str) else frame.decode()
        self.messages += 1
        self._last = self.clock.monotonic()
        word, _, rest = text.partition(" ")
        if word == "ok":
            self.confirmed.add(rest)
        if word == "ask":
            self._out.append(rest)
        if word == "doubt":
            self.broken = rest
        if word == "boom":
            raise LookupError(rest)
        return (Tick(text),)  # type: ignore[return-value]

    def heard(self) -> None:
        self.signs += 1
        self._last = self.clock.monotonic()

    def poll(self) -> Iterable[StreamEvent]:
        if self.is_connected and self.clock.monotonic() - self._last >= self._silence:
            self.broken = f"silent for {self._silence:g} s"
        return ()

    def next_poll(self) -> float:
        return self._last + self._silence - self.clock.monotonic()

    def data_to_send(self) -> list[str]:
        out, self._out = self._out, []
        return out

    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        return None

    def doubt(
        self, market_id: str, reason: str, outcome: str | None = None
    ) -> Iterable[StreamEvent]:
        return ()

    def health(self) -> StreamHealth:
        return StreamHealth(
            state="idle",
            connections=0,
            messages=self.messages,
            gaps=0,
            duplicates=0,
            unknown_messages=0,
            malformed_messages=0,
            unknown_fields=(),
            subscriptions=len(self.confirmed),
            stale_books=0,
            silence_ms=None,
            last_message_at=None,
        )
