"""One connection to the simulated Polymarket, without I/O: what both channels share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ..news import News
from ..wire import SECOND, Payload, encode

if TYPE_CHECKING:
    from ..house import House

__all__ = ["Session"]

_NORMAL = 1000


class Session(ABC):
    """Takes commands in and gives frames out, in the order in which they happened.

    ``PING`` is answered with ``PONG``, both bare words; nothing else is acknowledged,
    and nothing is refused aloud. ``closing`` is the close code that the venue wants,
    None while it wants none.
    """

    def __init__(self, house: House) -> None:
        self.wake: Callable[[], None] = _nobody
        self.closing: int | None = None
        self._house = house
        self._waiting: list[str] = []
        self._told = 0
        self._is_subscribed = False
        wait = house.settings.wants_subscription
        self._patience_us = house.now_us + round(wait * SECOND)
        self._stop: Callable[[], None] | None = house.subscribe(self._hear)

    @property
    def is_open(self) -> bool:
        """Whether it still listens to what happens."""
        return self._stop is not None

    def receive(self, data: str | bytes) -> None:
        """Take a command."""
        if not self.is_open:
            return
        self._house.advance()
        if data in {"PING", b"PING"}:
            self._put("PONG")
            return
        try:
            sent = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if isinstance(sent, dict):
            self._carry_out(sent)

    def data_to_send(self) -> list[str]:
        """The frames that are ready."""
        is_late = self._house.now_us > self._patience_us
        if self.is_open and not self._is_subscribed and is_late:
            self.hang_up(_NORMAL)
        frames, self._waiting = self._waiting, []
        return frames

    def refuse(self, data: str | bytes, code: int) -> None:
        """Refusals have no frame: the command is lost."""
        del data, code

    def fail(self, sid: int, code: int) -> None:
        """Subscriptions have no number and no end."""
        del sid, code

    def hang_up(self, code: int = 1001) -> None:
        """Have the venue close the connection, once all that waits is sent."""
        self.closing = code
        self.close()
        self.wake()

    def close(self) -> None:
        """The connection is gone: listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def tell(self, frame: Payload | list[Payload]) -> None:
        """Send an object, or a list of them."""
        text = encode(frame).decode()
        self._told += 1
        self._put(text)
        every = self._house.settings.duplicates
        if every and not self._told % every:
            self._put(text)

    def _put(self, text: str) -> None:
        is_first = not self._waiting
        self._waiting.append(text)
        if is_first:
            self.wake()

    @abstractmethod
    def _carry_out(self, sent: Payload) -> None: ...

    @abstractmethod
    def _hear(self, news: News) -> None: ...


def _nobody() -> None:
    """Nobody waits."""
