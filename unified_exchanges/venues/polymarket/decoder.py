"""What was told on connections of a recording, read as it is live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import ClassVar, Final

import attrs
import msgspec

from ...clock import Clock
from ...errors import UnifiedExchangesError
from ...models import (
    Fill,
    Gap,
    Market,
    MarketChange,
    Order,
    OrderBook,
    Subject,
    Ticker,
    Trade,
)
from ...recording.decoder import LEFT, Decoded
from ...recording.format import Rest
from ...recording.polled import Polled, Unread
from ...recording.redaction import REDACTED, REDACTED_KEY
from ...streams.protocol import StreamProtocol
from ...tap import Direction
from .description import FACTS
from .fees import Fees
from .lines import is_change, read_changes
from .listed import listed_markets
from .losses import may_leave, says_what
from .memory import Known, Memory
from .parse.orders import Ours
from .polled import asked_tokens, polled_books, polled_trades
from .stream.events import BookChange, BookSnapshot
from .stream.reading import Whose
from .stream.recorded import RecordedMarketStream
from .stream.socket import Socket
from .stream.user import UserStream
from .taken import own_takes

__all__ = ["DECODER"]

_OPENED: Final = b'{"kind":"opened"'
_USER: Final = b'/user"'


class _Asked(msgspec.Struct):
    """What we asked a market channel for, as far as it names tokens."""

    operation: str = ""
    assets_ids: list[str] = []


_read_asked = msgspec.json.Decoder(_Asked).decode


class PolymarketDecoder:
    """The library's own streams, which ask for nothing and are told what was told."""

    outline: ClassVar[tuple[str, ...]] = FACTS.outline

    def __init__(self, clock: Clock, *, has_books: bool = False) -> None:
        self._clock = clock
        self._memory = Memory()
        self._tokens: dict[str, str] = {}
        """The market of each token that was listed."""
        self._names: dict[str, tuple[Known | None, str]] = {}
        """What tokens were called by what was known then of their market."""
        self._streams: dict[int, StreamProtocol] = {}
        self._polled = Polled(clock, has_books=has_books)
        self.spoilt = self.withheld = 0
        self.has_account = False

    def answered(self, path: str, body: bytes) -> None:
        """Learn the outcomes of markets where they were listed."""
        self._learn(path, body)

    def polled(self, answer: Rest) -> Iterator[Decoded]:
        """Tell what no stream tells."""
        for market in self._learn(answer.path, answer.body.data):
            yield from self._polled.market(market)
        if (tokens := asked_tokens(answer)) is not None:
            yield from self._books(answer, tokens)
        else:
            try:
                trades = polled_trades(answer)
            except UnifiedExchangesError as error:
                self._polled.untold(answer, error, "trades")
                return
            yield from self._polled.trades(
                attrs.evolve(trade, outcome=self._outcome(trade.market_id, token))
                for token, trade in trades
            )

    @property
    def missing(self) -> list[Unread]:
        """What of answers could not be read so far."""
        return self._polled.missing

    def _books(self, answer: Rest, tokens: list[str]) -> Iterator[Decoded]:
        try:
            books = polled_books(answer)
        except UnifiedExchangesError as error:
            of = dict.fromkeys(self._tokens[x] for x in tokens if x in self._tokens)
            yield from self._polled.unread(error, of)
            return
        for token, book in books.items():
            told = attrs.evolve(book, outcome=self._outcome(book.market_id, token))
            yield from self._polled.book(told, token)

    def _outcome(self, market_id: str, token: str) -> str:
        return self._name((market_id,), token) or token

    def _learn(self, path: str, body: bytes) -> list[Market]:
        self._look_again()
        found = listed_markets(path, body)
        self._memory.learn_markets(found)
        for market in found:
            for outcome in market.outcomes:
                self._tokens[outcome.outcome_id] = market.market_id
        return found

    def opened(self, connection: int, url: str) -> None:
        """Begin a conversation of the kind that its address says."""
        stream: StreamProtocol
        if url.endswith("/user"):
            self.has_account = True
            stream = UserStream(
                clock=self._clock, introduce=lambda: None, whose=self._whose()
            )
            stream.follow(Subject.ORDERS, None)
        else:
            stream = RecordedMarketStream(
                clock=self._clock, names=self._memory, called=self._names
            )
        stream.connection_made()
        self._streams[connection] = stream

    def told(
        self, connection: int, direction: Direction, frame: bytes
    ) -> Iterator[Decoded]:
        """Read one frame."""
        self._look_again()
        stream = self._streams.get(connection)
        if stream is None:
            return
        if direction == "in":
            yield from self._decoded(stream, stream.receive(frame))
        elif isinstance(stream, RecordedMarketStream):
            yield from self._asked(stream, frame)

    def _asked(self, stream: RecordedMarketStream, frame: bytes) -> Iterator[Decoded]:
        try:
            asked = _read_asked(frame)
        except msgspec.MsgspecError:
            return  # a ping
        # Of what is hidden nothing can be read.
        tokens = [x for x in asked.assets_ids if REDACTED not in x]
        if asked.operation == "unsubscribe":
            for token in tokens:
                yield from self._left(stream, token)
        else:
            self._follow(stream, tokens)

    def _follow(self, stream: RecordedMarketStream, tokens: Iterable[str]) -> None:
        stream.tap(tokens)
        # What is followed by its market may have another name.
        self._names.clear()
        for token in tokens:
            stream.rejoin(token)
            # Tickers are told of markets only.
            if (market_id := self._tokens.get(token)) is not None:
                stream.follow(Subject.TICKER, [market_id], token)

    def _left(self, stream: RecordedMarketStream, token: str) -> Iterator[Decoded]:
        """Nobody is told its book any more, unless on another connection."""
        told = list(self._decoded(stream, stream.leave(token, LEFT)))
        if not any(self.book(x, token) for x in self._streams):
            yield from told

    def unread(self, connection: int) -> int:
        """Count what no kind of message could be made of."""
        stream = self._streams.get(connection)
        if not isinstance(stream, Socket):
            return 0
        counters = stream.counters
        unknown = (counters.unknown.get(x, 0) for x in ("", REDACTED))
        return sum(counters.malformed.values()) + sum(unknown)

    def missed(self, connection: int, reason: str, outline: bytes) -> Iterator[Decoded]:
        """Believe no book that it may have changed until it is told whole again.

        Of what is not known that is any book, as on a new connection.
        """
        self._look_again()
        stream = self._streams.get(connection)
        if stream is None:
            return
        if says_what(outline):
            yield from self._decoded(stream, stream.receive(outline))
        else:
            # Messages are not numbered here: the stream would not notice.
            told = [*self._begun_anew(stream, reason)]
            yield from told
            if not told and isinstance(stream, RecordedMarketStream):
                # Also where nothing says what is followed: that may be hidden, too.
                now = datetime.fromtimestamp(self._clock.now(), UTC)
                yield Gap(subject=None, reason=reason, at=now)

    def _begun_anew(self, stream: StreamProtocol, reason: str) -> Iterator[Decoded]:
        yield from self._decoded(stream, stream.connection_lost(reason))
        stream.connection_made()

    def unsaid(self, connection: int, reason: str, outline: bytes) -> Iterator[Decoded]:
        """Take what is told for asked from now on; any of it may have been given up."""
        self._look_again()
        stream = self._streams.get(connection)
        if isinstance(stream, RecordedMarketStream):
            stream.is_open = True
            yield from self._asked(stream, outline)
            if may_leave(outline):
                yield from self._begun_anew(stream, reason)

    def closed(self, connection: int, reason: str) -> Iterator[Decoded]:
        """Its books are not told any more."""
        self._look_again()
        stream = self._streams.pop(connection, None)
        if stream is not None:
            yield from self._decoded(stream, stream.connection_lost(reason))

    def _look_again(self) -> None:
        # All of them know markets by the same memory.
        for stream in self._streams.values():
            if isinstance(stream, RecordedMarketStream):
                stream.look_again()

    @staticmethod
    def is_of_books(line: bytes) -> bool:
        """Look for a connection that tells books, as all but that of the account do."""
        return line.startswith(_OPENED) and _USER not in line

    def is_change(self, line: bytes) -> bool:
        """Look for its type."""
        return is_change(line)

    def shortcut(self, line: bytes) -> tuple[int, int, tuple[OrderBook, ...]] | None:
        """Take one level of each token of a market, which is nearly all that comes."""
        try:
            if (told := read_changes(line)) is None:
                return None
            at, mono, connection, changes, moment = told
            stream = self._streams[connection]
            if type(stream) is not RecordedMarketStream:
                return None
            books = stream.take_changes(changes, moment)
        except (ValueError, LookupError, RecursionError):
            return None
        return None if books is None else (at, mono, books)

    def book(self, connection: int, token: str) -> OrderBook | None:
        """The book of a token as it stands; None where it is not known whole."""
        stream = self._streams.get(connection)
        if not isinstance(stream, RecordedMarketStream):
            return None
        book = stream.token_book(token)
        return None if book is None or book.stale else book

    def _decoded(
        self, stream: StreamProtocol, events: Iterable[object]
    ) -> Iterator[Decoded]:
        for event in events:
            if isinstance(event, BookChange | BookSnapshot):
                assert isinstance(stream, RecordedMarketStream)
                token, market_id = event.asset_id, event.market_id
                known = self._memory.market(market_id)
                of, name = self._names.get(token, (None, ""))
                if known is None or of is not known:
                    name = self._name((market_id,), event.outcome) or token
                    self._names[token] = known, name
                book = stream.shown(token, name)
                if book is not None:
                    self._polled.follow(market_id)
                    yield book
            elif isinstance(event, Trade | MarketChange):
                if self._polled.streamed(event):
                    yield self._labelled(event) if isinstance(event, Trade) else event
            elif isinstance(event, Ticker):
                yield self._labelled(event)
            elif isinstance(event, Order | Fill):
                yield from [event] if isinstance(event, Order) else own_takes(event)
            elif isinstance(event, Gap) and isinstance(stream, RecordedMarketStream):
                # The other channel has no books that may have missed anything.
                label = self._name(event.market_ids, event.outcome)
                yield attrs.evolve(event, outcome=label)

    def _labelled(self, event: Ticker | Trade) -> Ticker | Trade:
        label = self._name((event.market_id,), event.outcome)
        return attrs.evolve(event, outcome=label or event.outcome)

    def _name(self, market_ids: tuple[str, ...], token: str | None) -> str | None:
        """The name of a token, where its market is known; else the token."""
        known = self._memory.market(market_ids[0]) if market_ids else None
        names = {x.outcome_id: x.label for x in known.outcomes} if known else {}
        return names.get(token or "", token or "") or None

    def _whose(self) -> Whose:
        return Whose(
            ours=lambda: Ours(key_id=REDACTED_KEY, wallet=""),
            label=lambda market_id, token: self._name((market_id,), token),
            # Fills of then are not told: nothing is to wait for its fee.
            fees=lambda _market: Fees(None),
            client_id=lambda _order: None,
        )


DECODER = PolymarketDecoder
