"""What a WebSocket's frames add up to: text, and nothing but text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from websockets.frames import CloseCode, Frame, Opcode

__all__ = ["Messages", "NotText", "check_text"]

# Up to websockets 16 they have no names of their own.
_TEXT: Final = Opcode.TEXT
_CONT: Final = Opcode.CONT
_BINARY: Final = Opcode.BINARY
_MOST_FRAGMENTS = 4096


class NotText(Exception):
    """A message that no venue of ours sends: the connection is of no use.

    ``code`` is the close code that tells the other side.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def check_text(data: bytes) -> None:
    """Raise `NotText` for what is not UTF-8."""
    if data.isascii():
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        problem = f"{error.reason} at position {error.start}"
    else:
        return
    raise NotText(CloseCode.INVALID_DATA, problem)


class Messages:
    """Puts fragments together; the library has checked their order and total size."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._parts: list[bytes] = []

    def take(self, frame: Frame) -> None:
        """Take a data frame; a message that it completes is put."""
        opcode = frame.opcode
        if opcode is _TEXT and frame.fin:
            data = bytes(frame.data)
            if not data.isascii():
                check_text(data)
            self._put(data)
        elif opcode is _BINARY:
            raise NotText(CloseCode.UNSUPPORTED_DATA, "a binary message")
        elif opcode is _TEXT or opcode is _CONT:
            self._join(frame)

    def _join(self, frame: Frame) -> None:
        parts = self._parts
        parts.append(bytes(frame.data))
        if len(parts) > _MOST_FRAGMENTS:
            raise NotText(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        if frame.fin:
            self._parts = []
            data = b"".join(parts)
            check_text(data)
            self._put(data)
