"""One connection to the simulated Kalshi, without I/O."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs

from .....simulator.notices import Notice
from ..news import News
from .commands import decode, read_command, read_id
from .refusals import Refused
from .register import Register
from .subscriptions import Viewer
from .writer import Writer

__all__ = ["Session", "StreamSettings"]


@attrs.frozen(kw_only=True, slots=True)
class StreamSettings:
    """How connections behave where Kalshi says no numbers."""

    market_limit: int = 10_000
    """Markets of one subscription; more is error 26."""
    buffer_limit: int = 20_000
    """Frames of one subscription that may wait to be sent; more is error 25."""
    shuffles: bool = False
    """Carry commands that arrived together out in another order, as Kalshi may."""
    sending_times: bool = True
    """Put ``sending_ts_ms`` on every frame."""


class Session:
    """Takes commands in and gives frames out, in the order in which they happened.

    ``closing`` is the close code that the venue wants, None while it wants none.
    ``wake`` is called when there is something to send after there was nothing.
    """

    def __init__(self, viewer: Viewer, settings: StreamSettings, rng: Random) -> None:
        self.wake: Callable[[], None] = _nobody
        self.closing: int | None = None
        self._house = viewer.house
        self._rng = rng
        self._shuffles = settings.shuffles
        self._arrived: list[str | bytes] = []
        self._writer = Writer(
            viewer.house.clock,
            limit=settings.buffer_limit,
            times=settings.sending_times,
            wake=self._wake,
        )
        self._register = Register(
            viewer, self._writer, market_limit=settings.market_limit
        )
        self._stop_listening: Callable[[], None] | None = self._house.subscribe(
            self._hear
        )

    @property
    def is_open(self) -> bool:
        """Whether it still listens to what happens."""
        return self._stop_listening is not None

    def receive(self, data: str | bytes) -> None:
        """Take a command."""
        if not self.is_open:
            return
        if self._shuffles:
            self._arrived.append(data)
            self._wake()
        else:
            self._house.advance()
            self._take(data)

    def data_to_send(self) -> list[str]:
        """The frames that are ready."""
        if self._arrived and self.is_open:
            self._house.advance()
            arrived, self._arrived = self._arrived, []
            self._rng.shuffle(arrived)
            for data in arrived:
                self._take(data)
        return self._writer.drain()

    def refuse(self, data: str | bytes, code: int) -> None:
        """Answer a command with an error instead of carrying it out."""
        try:
            command_id = read_id(decode(data))
        except Refused:
            command_id = None
        self._writer.error(Refused(code), command_id)

    def fail(self, sid: int, code: int) -> None:
        """End a subscription with a terminal error, such as 10 or 25."""
        self._register.fail(sid, code)

    def hang_up(self, code: int = 1001) -> None:
        """Have the venue close the connection, once all that waits is sent."""
        self.closing = code
        self.close()
        self._wake()

    def close(self) -> None:
        """The connection is gone: listen no more."""
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def _take(self, data: str | bytes) -> None:
        command_id = None
        try:
            sent = decode(data)
            command_id = read_id(sent)
            self._register.carry_out(read_command(sent, command_id))
        except Refused as refused:
            self._writer.error(refused, command_id)

    def _hear(self, notice: Notice | News) -> None:
        self._register.hear(notice)

    def _wake(self) -> None:
        self.wake()


def _nobody() -> None:
    """Nobody waits."""
