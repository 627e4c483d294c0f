"""What clients of a recording said on their connections, and which markets they left by it.

A market is left once Kalshi has acknowledged it: what it told until then holds.  It may
still bring a snapshot that was asked for before, of a book that nothing changes any more.
"""

from __future__ import annotations

from typing import Final

import attrs
import msgspec

__all__ = ["UNLISTED", "Command", "Leaving", "Moved", "read_command"]

UNLISTED: Final = (
    "a command is not recorded, and neither is which markets are followed since: any may "
    "have been left"
)
"""Why there is a gap where what was granted is told by nothing."""


class _Words(msgspec.Struct):
    channels: list[str] = []
    market_tickers: list[str] = []
    market_ticker: str = ""
    sid: int | None = None
    sids: list[int] = []
    action: str = ""
    send_initial_snapshot: bool = False


class Command(msgspec.Struct):
    """What a client sent, as far as it says what is told from then on."""

    id: int = 0
    cmd: str = ""
    params: _Words = msgspec.field(default_factory=_Words)

    @property
    def markets(self) -> frozenset[str]:
        """The markets that it names."""
        named = frozenset(self.params.market_tickers)
        one = self.params.market_ticker
        return named | {one} if one else named


read_command: Final = msgspec.json.Decoder(Command).decode
"""Reads what was sent; raises `MsgspecError` for what is no command."""


@attrs.frozen(slots=True)
class Moved:
    """Markets that one subscription tells no more, or with ``is_back`` tells again."""

    sid: int
    market_ids: frozenset[str]
    is_back: bool


class Leaving:
    """One connection, by the commands on it and their acknowledgements.

    That a subscription ended as a whole needs no command: Kalshi says so by itself.

    >>> leaving = Leaving()
    >>> words = '"action":"delete_markets","sid":7,"market_tickers":["A"]'
    >>> leaving.sent(f'{{"id":3,"cmd":"update_subscription","params":{{{words}}}}}'.encode())
    >>> leaving.acknowledged(3, 7)
    Moved(sid=7, market_ids=frozenset({'A'}), is_back=False)
    """

    def __init__(self) -> None:
        self._sent: dict[int, Command] = {}

    def sent(self, frame: bytes) -> None:
        """The client sent something."""
        try:
            command = read_command(frame)
        except msgspec.MsgspecError:
            return
        if command.params.action == "get_snapshot":
            # It is known, and changes nothing.
            command = Command(command.id)
        self._sent[command.id] = command

    def is_strange(self, number: int | None) -> bool:
        """Whether an answer is to a command that is not in the recording."""
        return (number or 0) not in self._sent

    def is_of_all(self, number: int | None) -> bool:
        """Whether a command, which is not acknowledged yet, names no markets: it means all."""
        command = self._sent.get(number or 0)
        return command is not None and not command.markets

    def acknowledged(self, number: int | None, sid: int | None) -> Moved | None:
        """A command was carried out, in a subscription; what that changed."""
        command = self._sent.pop(number or 0, None)
        if command is None or sid is None or not command.markets:
            return None
        is_back = command.params.action != "delete_markets"
        return Moved(sid, command.markets, is_back)
