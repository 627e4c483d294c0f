"""What was told on connections of a recording, read as it is live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from ...clock import Clock
from ...models import Gap, MarketChange, Order, OrderBook, Subject, Ticker, Trade
from ...models.unread import unread
from ...recording.decoder import LEFT, Decoded
from ...recording.format import Rest
from ...recording.polled import Polled
from ...streams.book import BookError
from ...streams.pictures import PicturedBook
from ...tap import Direction
from .leaving import Leaving, Moved
from .lines import DELTA, read_delta
from .parse.reading import Malformed
from .polled import read_answer
from .stream import frames
from .stream.reading import READERS

__all__ = ["DECODER"]

_OUR_KINDS = (Ticker, Trade, Order, MarketChange)


_FRAME: Final = b'"kind":"frame"'
_BOOKS: Final = b'"orderbook_'
_FROM: Final = 60
_TO: Final = 200
"""Where in a line its kind is looked for: only there it saves time to know it."""


class _Book(PicturedBook):
    """With when it changed last, in Unix milliseconds, as the venue told it."""

    __slots__ = ("moment",)

    def __init__(self) -> None:
        super().__init__()
        self.moment: int | None = None


@attrs.define(slots=True, eq=False)
class _Counted:
    """A subscription: the number that came last, and the books that it keeps."""

    last: int = 0
    books: dict[str, _Book] = attrs.field(factory=dict)
    left: set[str] = attrs.field(factory=set)
    """Markets that it tells no more, though a snapshot of one may still come."""


class KalshiDecoder:
    """Books by their snapshots and deltas, and all else by one frame each."""

    def __init__(self, clock: Clock, *, has_books: bool = False) -> None:
        self._clock = clock
        self._counted: dict[tuple[int, int], _Counted] = {}
        self._leaving: dict[int, Leaving] = defaultdict(Leaving)
        self._polled = Polled(clock, has_books=has_books)
        self.spoilt = 0
        self._unread = 0

    def answered(self, path: str, body: bytes) -> None:
        """Nothing: the stream names markets and outcomes itself."""

    def polled(self, answer: Rest) -> Iterator[Decoded]:
        """Tell what no stream tells."""
        return read_answer(answer, self._polled)

    def opened(self, connection: int, url: str) -> None:
        """Nothing is known of it yet."""

    def told(
        self, connection: int, direction: Direction, frame: bytes
    ) -> Iterable[Decoded]:
        """Read one frame; one that cannot be read is a `Gap` of all it may have been."""
        if direction == "out":
            self._leaving[connection].sent(frame)
            return ()
        try:
            told = frames.decode(frame)
        except (ValueError, RecursionError) as error:
            self._unread += 1
            return self.closed(connection, f"a frame cannot be read: {error}")
        if type(told) is frames.Delta:
            # Nearly all that comes: a change of a book, the next one of its subscription.
            counted = self._counted.get((connection, told.sid))
            seq = told.seq
            if counted is not None and seq == counted.last + 1:
                counted.last = seq
                return self._changed(counted, told)
        return self._read(connection, told, frame)

    @staticmethod
    def is_of_books(line: bytes) -> bool:
        """Look for the name of the channel, in a message that came or went."""
        return _BOOKS in line and _FRAME in line

    def is_change(self, line: bytes) -> bool:
        """Look for its kind."""
        return line.find(DELTA, _FROM, _TO) >= 0

    def shortcut(self, line: bytes) -> tuple[int, int, OrderBook] | None:
        """Take the next change of a book that is known, which is nearly all that comes."""
        if not self.is_change(line):
            return None
        try:
            read = read_delta(line)
            told = read.body.json
            counted = self._counted[read.connection, told.sid]
            seq = told.seq
            if seq != counted.last + 1:
                return None
            msg = told.msg
            market_id = msg.market_ticker
            book = counted.books[market_id]
            side = msg.side
            if side == "yes":
                book.change_bid(msg.price_dollars, msg.delta_fp)
            elif side == "no":
                book.change_ask(msg.price_dollars, msg.delta_fp)
            else:
                return None
        except (ValueError, LookupError, RecursionError):
            return None
        counted.last = seq
        book.moment = moment = msg.ts_ms or told.sending_ts_ms
        bids, asks = book.bid_picture, book.ask_picture
        found = unread("kalshi", market_id, "yes", bids, asks, seq, moment)
        return read.at, read.mono, found

    def _read(self, connection: int, told: object, frame: bytes) -> Iterator[Decoded]:
        sid = getattr(told, "sid", None)
        if isinstance(sid, int):
            yield from self._count(connection, sid, getattr(told, "seq", None))
        if isinstance(told, frames.Delta):
            yield from self._changed(self._counted[connection, told.sid], told)
        elif isinstance(told, frames.Snapshot):
            yield from self._loaded(self._counted[connection, told.sid], told)
        elif isinstance(told, frames.Acknowledged):
            move = self._leaving[connection].acknowledged(told.id, told.sid)
            if move is not None:
                yield from self._moved(self._counted[connection, move.sid], move)
        elif isinstance(told, frames.Unsubscribed):
            counted = self._counted.pop((connection, told.sid))
            yield from self._left(counted, tuple(counted.books))
        elif (read := READERS.get(type(told))) is not None:
            try:
                event = read(told, frame, self._now())
            except (Malformed, ArithmeticError) as error:
                self._unread += 1
                yield Gap(subject=None, reason=str(error), at=self._now())
                return
            if isinstance(event, _OUR_KINDS) and self._polled.streamed(event):
                yield event

    def unread(self, connection: int) -> int:  # noqa: ARG002 - they are counted together
        """Count what could not be read."""
        return self._unread

    def missed(self, connection: int, reason: str) -> Iterator[Decoded]:
        """Its books are not known until they are told whole again."""
        yield from self.closed(connection, reason)

    def closed(self, connection: int, reason: str) -> Iterator[Decoded]:
        """Its books are not told any more."""
        gone = [key for key in self._counted if key[0] == connection]
        for key in gone:
            # As live: whatever came over it may be missed.
            yield from self._doubt(self._counted.pop(key), reason, subject=None)
        self._leaving.pop(connection, None)

    def book(self, connection: int, sid: int, market_id: str) -> OrderBook | None:
        """A book as it stands; None where it is not known whole."""
        counted = self._counted.get((connection, sid))
        book = None if counted is None else counted.books.get(market_id)
        if counted is None or book is None:
            return None
        return _shown(book, market_id, counted.last)

    def last(self, connection: int, sid: int) -> int:
        """The number that came last of a subscription, 0 if none did."""
        counted = self._counted.get((connection, sid))
        return 0 if counted is None else counted.last

    def _count(self, connection: int, sid: int, seq: int | None) -> Iterator[Decoded]:
        counted = self._counted.setdefault((connection, sid), _Counted())
        if not seq:
            return
        if counted.last and seq != counted.last + 1:
            reason = f"message {seq} came after {counted.last}"
            yield from self._doubt(counted, reason)
        counted.last = seq

    def _doubt(
        self,
        counted: _Counted,
        reason: str,
        *,
        subject: Subject | None = Subject.ORDER_BOOK,
    ) -> Iterator[Decoded]:
        if counted.books:
            yield Gap(
                subject=subject,
                market_ids=tuple(counted.books),
                reason=reason,
                at=self._now(),
            )
        counted.books.clear()

    def _moved(self, counted: _Counted, move: Moved) -> Iterator[Decoded]:
        if move.is_back:
            counted.left -= move.market_ids
            return
        counted.left |= move.market_ids
        yield from self._left(counted, sorted(move.market_ids))

    def _left(self, counted: _Counted, market_ids: Iterable[str]) -> Iterator[Decoded]:
        """Nobody is told these books any more, unless by another subscription."""
        gone = [x for x in market_ids if counted.books.pop(x, None) is not None]
        others = [x.books for x in self._counted.values()]
        lost = tuple(x for x in gone if not any(x in books for books in others))
        if lost:
            yield Gap(
                subject=Subject.ORDER_BOOK,
                market_ids=lost,
                reason=LEFT,
                at=self._now(),
            )

    def _changed(self, counted: _Counted, told: frames.Delta) -> tuple[Decoded, ...]:
        msg = told.msg
        market_id = msg.market_ticker
        book = counted.books.get(market_id)
        if book is None:
            return ()
        side = msg.side
        try:
            if side == "yes":
                book.change_bid(msg.price_dollars, msg.delta_fp)
            elif side == "no":
                # With use_yes_price a bid for NO is told at its YES price: an ask.
                book.change_ask(msg.price_dollars, msg.delta_fp)
            else:
                return self._lost(
                    counted, market_id, f"side {side[:20]!r} is neither yes nor no"
                )
        except BookError as error:
            return self._lost(counted, market_id, str(error))
        book.moment = moment = msg.ts_ms or told.sending_ts_ms
        bids, asks = book.bid_picture, book.ask_picture
        return (unread("kalshi", market_id, "yes", bids, asks, told.seq, moment),)

    def _loaded(self, counted: _Counted, told: frames.Snapshot) -> tuple[Decoded, ...]:
        msg = told.msg
        market_id = msg.market_ticker
        if market_id in counted.left:
            return ()  # asked for before, and nothing will change it
        book = _Book()
        try:
            book.load(tuple(msg.yes_dollars_fp or ()), tuple(msg.no_dollars_fp or ()))
        except BookError as error:
            return self._lost(counted, market_id, str(error))
        counted.books[market_id] = book
        self._polled.follow(market_id)
        book.moment = told.sending_ts_ms
        return (_shown(book, market_id, told.seq),)

    def _lost(
        self, counted: _Counted, market_id: str, reason: str
    ) -> tuple[Decoded, ...]:
        """A book is not known until it is told whole again."""
        self._unread += 1
        counted.books.pop(market_id, None)
        gap = Gap(
            subject=Subject.ORDER_BOOK,
            market_ids=(market_id,),
            reason=reason,
            at=self._now(),
        )
        return (gap,)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def _shown(book: _Book, market_id: str, seq: int | None) -> OrderBook:
    """The book as it is now, to be read whenever somebody wants to."""
    bids, asks = book.bid_picture, book.ask_picture
    return unread("kalshi", market_id, "yes", bids, asks, seq, book.moment)


DECODER = KalshiDecoder
