"""A venue that talks on whatever is said to it, as a raw WebSocket on loopback."""

from __future__ import annotations

import threading

from websockets.frames import Close, Frame, Opcode
from websockets.utils import accept_key

from tests.transports.rawserver import RawServer, Visit

__all__ = ["Talker", "goodbye", "text"]

_PAUSE = 0.005


def text(words: str) -> bytes:
    """Write down a text message, as a venue sends it."""
    return Frame(Opcode.TEXT, words.encode()).serialize(mask=False)


def goodbye(code: int, reason: str) -> bytes:
    """Write down a close frame."""
    return Frame(Opcode.CLOSE, Close(code, reason).serialize()).serialize(mask=False)


class Talker(RawServer):
    """Sends ``said`` over the first connection, and then ticks without an end.

    It never reads, so that no goodbye is answered.  Further connections are silent.
    """

    def __init__(self, *said: bytes, talks_on: bool = True) -> None:
        super().__init__(self._serve_one)
        self.left = threading.Event()
        """Set once the first connection has come to its end."""
        self._said = said
        self._talks_on = talks_on

    @property
    def stream_url(self) -> str:
        return self.url.replace("http", "ws") + "/stream"

    def _serve_one(self, visit: Visit) -> None:
        is_first = self.connections == 1
        _accept(visit)
        if not is_first:
            visit.wait()
            return
        try:
            visit.write(*self._said)
            if self._talks_on:
                self._talk(visit)
            else:
                visit.wait()
        finally:
            self.left.set()

    def _talk(self, visit: Visit) -> None:
        while not self.closing.wait(_PAUSE):
            visit.write(text("tick"))


def _accept(visit: Visit) -> None:
    lines = visit.read().decode().split("\r\n")
    fields = {
        name.lower(): rest for name, _, rest in (x.partition(": ") for x in lines)
    }
    key = accept_key(fields["sec-websocket-key"])
    answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    answer += f"Connection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    visit.write(answer.encode())
