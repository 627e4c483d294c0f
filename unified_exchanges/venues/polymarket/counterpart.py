"""Polymarket on its side of a recorded connection.

It acknowledges nothing, so what was recorded is told as it came.  A token that is asked for
after it was when it was recorded gets the book as it stands then.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import msgspec

from ...errors import BadRequest
from ...models import Level, OrderBook, Outcome, Subject
from ...recording.decoder import LEFT
from ...recording.format import Body
from ...recording.redaction import REDACTED
from ...replaying.counterpart import UNKNOWN_BOOK, Move, Past, some_of
from ...streams.protocol import StreamEvent, StreamProtocol
from ...tap import Direction
from ...venue import Venue
from .decoder import PolymarketDecoder
from .description import FACTS
from .listed import listed_markets
from .losses import may_leave, says_what
from .stream import MarketStream
from .venue import PolymarketVenue

__all__ = ["CONTENTS", "PolymarketContents", "PolymarketCounterpart"]

_log = logging.getLogger(__name__)

_PRIVATE: Final = frozenset({Subject.ORDERS, Subject.FILLS, Subject.POSITIONS})
_BOOK: Final = b'"book"'


class _Asked(msgspec.Struct):
    type: str = ""
    operation: str = ""
    assets_ids: list[str] = []


class _Book(msgspec.Struct):
    event_type: str = ""
    market: str = ""
    asset_id: str = ""


_read_asked: Final = msgspec.json.Decoder(_Asked).decode
_read_books: Final = msgspec.json.Decoder(list[_Book] | _Book).decode
_encode: Final = msgspec.json.Encoder().encode


class PolymarketContents:
    """Which tokens were asked for, and whether the account was."""

    def __init__(self) -> None:
        self.lines: dict[int, dict[str, list[int]]] = defaultdict(
            lambda: defaultdict(list)
        )
        """Where each token was asked for, by connection."""
        self._tokens: dict[str, str] = {}
        """The tokens that were asked for, and their markets as far as they were told."""
        self._answers: list[tuple[str, Body]] = []
        """What was answered, of which nothing is read yet."""
        self._listed: dict[str, tuple[Outcome, ...]] = {}
        self._has_account = self._has_markets = False

    def told(
        self, connection: int, direction: Direction, frame: bytes, line: int
    ) -> None:
        """Take a message that was recorded."""
        if direction == "out":
            self._note_asked(connection, frame, line)
        elif _BOOK in frame:
            try:
                told = _read_books(frame)
            except msgspec.MsgspecError:
                return
            for book in told if isinstance(told, list) else [told]:
                if self._tokens.get(book.asset_id) == "":
                    self._tokens[book.asset_id] = book.market.lower()

    def _note_asked(self, connection: int, frame: bytes, line: int) -> None:
        asked = _asked(frame)
        if asked is None:
            return
        self._has_account = self._has_account or asked.type == "user"
        self._has_markets = self._has_markets or asked.type == "market"
        if asked.operation != "unsubscribe":
            for token in asked.assets_ids:
                self._tokens.setdefault(token, "")
                self.lines[connection][token].append(line)

    def unsaid(self, connection: int, outline: bytes, line: int) -> None:
        """Take what was asked, but for the tokens that are hidden."""
        self._note_asked(connection, outline, line)

    def answered(self, path: str, body: Body) -> None:
        """A request was answered well."""
        self._answers.append((path, body))

    def unnamed(
        self, venue: Venue, subject: Subject, market_ids: Sequence[str]
    ) -> Sequence[str]:
        """Let a venue know markets as the recording lists them: those that it does not."""
        assert isinstance(venue, PolymarketVenue)
        strange = [x for x in market_ids if not self._introduce(venue, x.lower())]
        # What is told of the account names its market.
        return [] if subject in _PRIVATE else strange

    def _introduce(self, venue: PolymarketVenue, market_id: str) -> bool:
        if venue.memory.market(market_id) is not None:
            return True
        self._read_answers()
        outcomes = self._listed.get(market_id)
        if outcomes is None:
            return False
        # A market's tokens never change, so it does not matter when it was listed.
        venue.memory.learn_market(market_id, outcomes)
        return True

    def _read_answers(self) -> None:
        answers, self._answers = self._answers, []
        for path, body in answers:
            for market in listed_markets(path, body.data):
                self._listed[market.market_id] = market.outcomes

    def missing(
        self,
        venue: Venue,
        subject: Subject,
        market_ids: Sequence[str] | None,
        outcome: str | None,
    ) -> Sequence[str]:
        """What of a wish was asked for on no connection."""
        if subject in _PRIVATE:
            return [] if self._has_account else [f"{subject} of the account"]
        if market_ids is None:
            return [] if self._has_markets else [f"{subject} of all markets"]
        of = "" if outcome is None else f" for {outcome}"
        return [
            f"{subject} of {x}{of}"
            for x in market_ids
            if not self._has(venue, x.lower(), outcome)
        ]

    def _has(self, venue: Venue, market_id: str, outcome: str | None) -> bool:
        assert isinstance(venue, PolymarketVenue)
        known = venue.memory.market(market_id)
        if known is None:
            return market_id in self._tokens.values()
        try:
            return known.outcome(outcome).outcome_id in self._tokens
        except BadRequest:
            # That it has no such outcome is said by who is asked to follow it.
            return True

    def described(self) -> str:
        """What there is."""
        held = ["the account"] if self._has_account else []
        self._read_answers()
        outcomes = {
            outcome.outcome_id: f"{outcome.label} of {market_id}"
            for market_id, both in self._listed.items()
            for outcome in both
        }
        if tokens := [outcomes.get(x, f"token {x}") for x in self._tokens]:
            held.append(f"books, tickers and trades for {some_of(tokens)}")
        return f"It holds {' and '.join(held) or 'no stream'}"

    def counterpart(self, connection: int) -> PolymarketCounterpart:
        """The venue on a connection that is opened now."""
        return PolymarketCounterpart(connection, self.lines.get(connection, {}))


class PolymarketCounterpart:
    """Tells what was told on one connection."""

    outline: ClassVar[tuple[str, ...]] = FACTS.outline

    def __init__(self, connection: int, lines: dict[str, list[int]]) -> None:
        self.moves: list[Move] = []
        self._connection = connection
        self._lines = lines
        self._held: set[str] = set()
        """The tokens that are told as it was recorded."""
        self._given_up: dict[str, int] = {}
        """Those that the program gives up by itself, and before which line."""

    def recorded(self, direction: Direction, frame: bytes) -> bytes | None:
        """A message that was recorded: what the program is told of it."""
        if direction == "in":
            return frame
        asked = _asked(frame)
        if asked is None or not asked.assets_ids:
            return None
        tokens = asked.assets_ids
        if asked.operation == "unsubscribe":
            self._held.difference_update(tokens)
            left = [x for x in tokens if self._given_up.pop(x, None) is None]
            self.moves.append(partial(_left, left))
        else:
            self._held.update(tokens)
            self.moves.append(partial(_back, tokens))
        return None

    def missed(self, outline: bytes) -> Iterable[bytes] | None:
        """What was changed is not told again, as nothing is numbered here."""
        return [outline] if says_what(outline) else None

    def unsaid(self, outline: bytes) -> bool:
        """Nothing tells what was given up."""
        self.recorded("out", outline)
        return may_leave(outline)

    def asked(self, text: str, line: int, past: Past) -> Iterable[bytes]:
        """The program asks: the books of tokens that were asked for before."""
        asked = _asked(text.encode())
        if asked is None:
            return ()
        if asked.operation == "unsubscribe":
            held = self._held.intersection(asked.assets_ids)
            self._given_up.update(dict.fromkeys(held, line))
            return ()
        for token in asked.assets_ids:
            if self._given_up.get(token, line) != line:
                del self._given_up[token]  # and it was not done so then
        late = [x for x in asked.assets_ids if self._is_late(x, line)]
        if not late:
            return ()
        # For what is not told by now the recording need not be read again.
        before: PolymarketDecoder | None = past() if self._held & {*late} else None
        told = []
        for token in late:
            book = before.book(self._connection, token) if before else None
            if book is None:
                _log.warning(UNKNOWN_BOOK, token)
            else:
                told.append(_told(token, book))
        return told

    def _is_late(self, token: str, line: int) -> bool:
        """Whether it was asked for before, and will not be again."""
        lines = self._lines.get(token, [])
        return 0 < len(lines) == bisect_left(lines, line)


def _left(tokens: Sequence[str], stream: StreamProtocol) -> Iterable[StreamEvent]:
    assert isinstance(stream, MarketStream)
    return [gap for token in tokens for gap in stream.leave(token, LEFT)]


def _back(tokens: Sequence[str], stream: StreamProtocol) -> Iterable[StreamEvent]:
    assert isinstance(stream, MarketStream)
    for token in tokens:
        stream.rejoin(token)
    return ()


def _asked(frame: bytes) -> _Asked | None:
    try:
        asked = _read_asked(frame)
    except msgspec.MsgspecError:
        return None  # a ping
    # Of what is hidden nothing can be read.
    asked.assets_ids = [x for x in asked.assets_ids if REDACTED not in x]
    return asked


def _told(token: str, book: OrderBook) -> bytes:
    told: dict[str, Any] = {
        "event_type": "book",
        "asset_id": token,
        "market": book.market_id,
        # The best is the last.
        "bids": _levels(book.bids),
        "asks": _levels(book.asks),
        "timestamp": "0"
        if book.timestamp is None
        else str(round(book.timestamp.timestamp() * 1000)),
    }
    return _encode(told)


def _levels(levels: Sequence[Level]) -> list[dict[str, str]]:
    return [{"price": f"{x.price:f}", "size": f"{x.size:f}"} for x in reversed(levels)]


CONTENTS = PolymarketContents
