"""Kalshi on its side of a recorded connection.

Commands are numbered by the client, and answers name these numbers.  A command of the
program that replays is the recorded one that asks for the same; its answer comes when it
came then, under the program's number.  A command that was not recorded like that, such as
for one market of two, or that was answered before, is carried out by what was told since.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from ...models import Level, OrderBook, Subject
from ...recording.decoder import LEFT
from ...recording.format import Body
from ...replaying.counterpart import UNKNOWN_BOOK, Move, Past, some_of
from ...streams.protocol import StreamEvent
from ...tap import Direction
from ...venue import Venue
from .decoder import KalshiDecoder
from .description import FACTS
from .leaving import UNLISTED, Leaving, Moved, read_command
from .losses import in_its_place, is_command
from .stream import KalshiStream, frames
from .stream.channels import BOOKS, CHANNELS, SUBJECTS, channel_of

__all__ = ["CONTENTS", "KalshiContents", "KalshiCounterpart"]

_log = logging.getLogger(__name__)

_NUMBERED: Final = b'"id":'
_SUBSCRIBED: Final = b'"subscribed"'
_TICKER: Final = b'"ticker"'
_TICKERS: Final = "ticker"
_CALLED: Final = {channel: str(subject) for subject, channel in SUBJECTS.items()}
_ASKS: Final = frozenset({"subscribe", "add_markets"})


class _Subscribed(msgspec.Struct):
    channel: str = ""
    sid: int = 0


class _Answer(msgspec.Struct):
    type: str = ""
    id: int | None = None
    sid: int | None = None


class _OfMarket(msgspec.Struct):
    market_ticker: str = ""


class _Ticker(msgspec.Struct):
    msg: _OfMarket
    type: str = ""


class _Named(msgspec.Struct):
    msg: _Subscribed = msgspec.field(default_factory=_Subscribed)


class _Key(NamedTuple):
    """What a command asks for."""

    action: str
    channel: str
    markets: frozenset[str]

    def has(self, market_id: str) -> bool:
        """Whether it asks for a market; none are all."""
        return self.action in _ASKS and (not self.markets or market_id in self.markets)


_read_answer: Final = msgspec.json.Decoder(_Answer).decode
_read_granted: Final = msgspec.json.Decoder(frames.Acknowledged).decode
_read_ticker: Final = msgspec.json.Decoder(_Ticker).decode
_read_named: Final = msgspec.json.Decoder(_Named).decode
_read_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


class KalshiContents:
    """Which channels and markets were subscribed, and on which connection by what."""

    def __init__(self) -> None:
        self.commands: dict[int, list[tuple[int, _Key]]] = defaultdict(list)
        """What was asked on each connection, and in which line."""
        self._channels: dict[str, set[str] | None] = {}
        """The markets of each channel; None are all."""
        self._sids: dict[int, dict[int, str]] = defaultdict(dict)

    def told(
        self, connection: int, direction: Direction, frame: bytes, line: int
    ) -> None:
        """Take a message that was recorded."""
        if direction == "out":
            self._note_asked(connection, frame, line)
        elif _SUBSCRIBED in frame:
            _learn(self._sids[connection], frame)

    def _note_asked(self, connection: int, frame: bytes, line: int) -> None:
        for key in _keys(frame, self._sids[connection])[1]:
            self.commands[connection].append((line, key))
            if key.action in _ASKS and key.channel:
                self._note(key)

    def _note(self, key: _Key) -> None:
        markets = self._channels.setdefault(key.channel, set())
        if not key.markets:
            self._channels[key.channel] = None
        elif markets is not None:
            markets |= key.markets

    def unsaid(self, connection: int, outline: bytes, line: int) -> None:
        """Take what was asked, but for the markets whose names are hidden."""
        if is_command(outline):
            self._note_asked(connection, outline, line)

    def answered(self, path: str, body: Body) -> None:
        """A request was answered well; a market needs no listing to be followed."""

    def unnamed(
        self,
        venue: Venue,  # noqa: ARG002 - a market is named by its id
        subject: Subject,  # noqa: ARG002
        market_ids: Sequence[str],  # noqa: ARG002
    ) -> Sequence[str]:
        """None: frames name markets by their ids."""
        return ()

    def missing(
        self,
        venue: Venue,  # noqa: ARG002 - a market is named by its id
        subject: Subject,
        market_ids: Sequence[str] | None,
        outcome: str | None,  # noqa: ARG002 - they share one book
    ) -> Sequence[str]:
        """What of a wish was subscribed on no connection."""
        name = SUBJECTS[subject]
        held = self._channels.get(name, set())
        if held is None:
            return []
        if CHANNELS[name].is_private:
            return [f"{subject} of the account"]
        if not CHANNELS[name].is_filtered or market_ids is None:
            return [f"{subject} of all markets" if market_ids is None else str(subject)]
        return [f"{subject} of {x}" for x in market_ids if x not in held]

    def described(self) -> str:
        """What there is, by our names where there are such."""
        if not self._channels:
            return "It holds no stream"
        told = [
            f"{_CALLED.get(name, name)} for {_whose(name, markets)}"
            for name, markets in self._channels.items()
        ]
        return f"It holds {'; '.join(told)}"

    def counterpart(self, connection: int) -> KalshiCounterpart:
        """The venue on a connection that is opened now."""
        return KalshiCounterpart(connection, self.commands.get(connection, []))


class KalshiCounterpart:
    """Answers commands on one connection."""

    outline: ClassVar[tuple[str, ...]] = FACTS.outline

    def __init__(self, connection: int, commands: list[tuple[int, _Key]]) -> None:
        self._connection = connection
        self._lines: dict[_Key, deque[int]] = defaultdict(deque)
        for line, key in commands:
            self._lines[key].append(line)
        self._sids: dict[int, str] = {}
        self._open: dict[_Key, deque[int]] = defaultdict(deque)
        """Numbers of recorded commands without an answer, that the program did not give."""
        self._waiting: dict[_Key, deque[int]] = defaultdict(deque)
        """Numbers of commands of the program that will be recorded yet."""
        self._numbers: dict[int, int] = {}
        """The program's number of each recorded one, as long as there is no answer."""
        self._late: dict[str, int] = {}
        """Commands that subscribe a channel otherwise than was recorded: the answer to the
        one that was is theirs."""
        self._given: set[int] = set()
        """Subscriptions that the program was told of."""
        self.moves: list[Move] = []
        self._leaving = Leaving()
        self._tickers: dict[str, bytes] = {}
        """What was told of each market last, for who asks for it later than it was asked."""

    def recorded(self, direction: Direction, frame: bytes) -> bytes | None:
        """A message that was recorded: what of it the program is told."""
        if direction == "out":
            self._leaving.sent(frame)
            self._command(frame)
            return None
        if _TICKER in frame:
            self._note_ticker(frame)
        return self._answer(frame) if _NUMBERED in frame else frame

    def _note_ticker(self, frame: bytes) -> None:
        try:
            told = _read_ticker(frame)
        except msgspec.MsgspecError:
            return
        if told.type == _TICKERS:
            self._tickers[told.msg.market_ticker] = frame

    def _command(self, frame: bytes) -> None:
        """A command was given: it is the program's, if that gave it as well."""
        number, keys = _keys(frame, self._sids)
        for key in keys[:1]:
            if self._waiting[key]:
                self._numbers[number] = self._waiting[key].popleft()
            else:
                self._open[key].append(number)

    def _answer(self, frame: bytes) -> bytes:
        """An answer came: it bears the program's number, or one that it never gives."""
        try:
            told = _read_answer(frame)
        except msgspec.MsgspecError:
            return frame
        number = told.id
        if number is None:
            return frame
        own = self._numbers.pop(number, 0)
        if told.type == "ok":
            self._granted(number, told.sid, frame, is_own=bool(own))
        if told.type == "unsubscribed":
            self._sids.pop(told.sid or 0, None)
        if told.type == "subscribed":
            sid = _learn(self._sids, frame)
            own = own or self._late.pop(self._sids.get(sid, ""), 0)
            if own:
                self._given.add(sid)
        if not own:
            for numbers in self._open.values():
                if number in numbers:
                    numbers.remove(number)
        return frame if own == number else _encode({**_read_fields(frame), "id": own})

    def _granted(
        self, number: int, sid: int | None, frame: bytes, *, is_own: bool
    ) -> None:
        """A command was carried out: the program follows, if it gave another."""
        if self._leaving.is_strange(number):
            self._granted_strangely(sid, frame)
        move = self._leaving.acknowledged(number, sid)
        if move is not None and not is_own:
            self.moves.append(partial(_moved, move))

    def _granted_strangely(self, sid: int | None, frame: bytes) -> None:
        """A command that is not recorded was carried out."""
        try:
            msg = _read_granted(frame).msg
        except msgspec.MsgspecError:
            msg = None
        if sid is None:
            # A list of subscriptions grants nothing.
            if not isinstance(msg, list):
                self.moves += [partial(_unlisted, x) for x in self._sids]
        elif isinstance(msg, frames.AcknowledgedMsg) and (
            msg.market_tickers is not None
        ):
            self.moves.append(partial(_listed, sid, frozenset(msg.market_tickers)))
        else:
            self.moves.append(partial(_unlisted, sid))

    def missed(self, outline: bytes) -> Iterable[bytes]:
        """The program counts, and so loses no more than that."""
        channels = {sid: channel_of(name) for sid, name in self._sids.items()}
        # Of a message that may be any, the next numbers tell whether it was a book's.
        return in_its_place(outline, channels) or ()

    def unsaid(self, outline: bytes) -> bool:
        """What is granted says which markets there are."""
        if is_command(outline):
            self.recorded("out", outline)
        return False

    def asked(self, text: str, line: int, past: Past) -> Iterable[bytes]:
        """The program sends a command: what is answered at once."""
        frame = text.encode()
        number, keys = _keys(frame, self._sids)
        for key in keys[:1]:
            lines = self._lines[key]
            while lines and lines[0] < line:
                lines.popleft()
            if self._open[key]:
                self._numbers[self._open[key].popleft()] = number
            elif lines and key.action != "unsubscribe":
                # To leave is granted at once: the program may come back before it was done.
                lines.popleft()
                self._waiting[key].append(number)
            elif key.channel in self._sids.values():
                told = self._carry_out(number, key, past)
                if key.channel == _TICKERS and _wants_first(frame):
                    told += [self._tickers[x] for x in self._tickers if key.has(x)]
                return told
            else:
                self._late[key.channel] = number
        return ()

    def _carry_out(self, number: int, key: _Key, past: Past) -> list[bytes]:
        """Answer what no recorded command was, and tell books as they stand."""
        sid = next(sid for sid, name in self._sids.items() if name == key.channel)
        if key.action == "unsubscribe":
            # In the recording it goes on: the program may come back to it.
            self._given.discard(sid)
            return [_encode({"type": "unsubscribed", "id": number, "sid": sid})]
        is_new = sid not in self._given
        needs_books = key.channel == BOOKS and (
            key.action in _ASKS or key.action == "get_snapshot"
        )
        before: KalshiDecoder | None = None
        if needs_books or (is_new and CHANNELS[key.channel].is_sequenced):
            before = past()
        told = []
        if key.action != "get_snapshot":
            last = before.last(self._connection, sid) if before and is_new else 0
            told.append(_acknowledged(number, sid, key, last))
            self._given.add(sid)
        if before is not None and needs_books:
            for market_id in sorted(key.markets):
                book = before.book(self._connection, sid, market_id)
                if book is None:
                    _log.warning(UNKNOWN_BOOK, market_id)
                else:
                    told.append(_snapshot(sid, market_id, book))
        return told


def _whose(channel: str, markets: set[str] | None) -> str:
    known = CHANNELS.get(channel)
    if known is not None and known.is_private:
        return "the account"
    return "all markets" if markets is None else some_of(sorted(markets))


def _moved(move: Moved, stream: KalshiStream) -> Iterable[StreamEvent]:
    if move.is_back:
        return stream.rejoin(move.sid, move.market_ids)
    return stream.leave(move.sid, move.market_ids, LEFT)


def _listed(
    sid: int, there: frozenset[str], stream: KalshiStream
) -> Iterable[StreamEvent]:
    """What was asked is not recorded, but which markets there are now is."""
    return [*stream.leave_others(sid, there, LEFT), *stream.rejoin(sid, there)]


def _unlisted(sid: int, stream: KalshiStream) -> Iterable[StreamEvent]:
    """Neither is: whatever the program follows there may be told no more."""
    return stream.distrust(sid, UNLISTED)


def _acknowledged(number: int, sid: int, key: _Key, last: int) -> bytes:
    """That a command was carried out; ``last`` is the number to count on from, if any."""
    told: dict[str, Any] = {"type": "ok", "id": number, "sid": sid}
    if last:
        told["seq"] = last
    if key.markets:
        told["msg"] = {"market_tickers": sorted(key.markets)}
    return _encode(told)


def _snapshot(sid: int, market_id: str, book: OrderBook) -> bytes:
    msg = {
        "market_ticker": market_id,
        "yes_dollars_fp": _levels(book.bids),
        "no_dollars_fp": _levels(book.asks),
    }
    told: dict[str, Any] = {"type": "orderbook_snapshot", "sid": sid, "msg": msg}
    if book.timestamp is not None:
        told["sending_ts_ms"] = round(book.timestamp.timestamp() * 1000)
    return _encode(told)


def _levels(levels: Iterable[Level]) -> list[tuple[str, str]]:
    return [(f"{x.price:f}", f"{x.size:f}") for x in levels]


def _learn(sids: dict[int, str], frame: bytes) -> int:
    """Take what a subscription is called."""
    try:
        told = _read_named(frame).msg
    except msgspec.MsgspecError:
        return 0
    sids[told.sid] = told.channel
    return told.sid


def _wants_first(frame: bytes) -> bool:
    """Whether a command asks for what is known of each market at once."""
    return read_command(frame).params.send_initial_snapshot


def _keys(frame: bytes, sids: dict[int, str]) -> tuple[int, list[_Key]]:
    """The number of a command, and what it asks for of each channel."""
    try:
        told = read_command(frame)
    except msgspec.MsgspecError:
        return 0, []
    words, markets = told.params, told.markets
    if told.cmd == "subscribe":
        return told.id, [_Key(told.cmd, name, markets) for name in words.channels]
    sid = words.sids[0] if words.sids else words.sid
    channel = sids.get(sid or 0, "")
    return told.id, [_Key(words.action or told.cmd, channel, markets)]


CONTENTS = KalshiContents
