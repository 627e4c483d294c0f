"""What was told on connections of a recording, read as it is live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import attrs

from ...clock import Clock
from ...models import Gap, MarketChange, Order, OrderBook, Subject, Ticker, Trade
from ...recording.overheard import Heard
from ...streams.book import Book, BookError
from ...tap import Direction
from .parse.reading import Malformed, milliseconds
from .stream import frames
from .stream.reading import READERS

__all__ = ["OVERHEARD"]

_OUR_KINDS = (Ticker, Trade, Order, MarketChange)


@attrs.define(slots=True, eq=False)
class _Counted:
    """A subscription: the number that came last, and the books that it keeps."""

    last: int = 0
    books: dict[str, Book] = attrs.field(factory=dict)
    moments: dict[str, int | None] = attrs.field(factory=dict)
    """When each changed last, as the venue told it."""


class KalshiOverheard:
    """Books by their snapshots and deltas, and all else by one frame each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted: dict[tuple[int, int], _Counted] = {}

    def answered(self, path: str, body: bytes) -> None:
        """Nothing: the stream names markets and outcomes itself."""

    def opened(self, connection: int, url: str) -> None:
        """Nothing is known of it yet."""

    def told(
        self, connection: int, direction: Direction, frame: bytes
    ) -> Iterator[Heard]:
        """Read one frame; one that cannot be read is a `Gap` of all it may have been."""
        if direction == "out":
            return
        try:
            told = frames.decode(frame)
        except (ValueError, RecursionError) as error:
            yield from self.closed(connection, f"a frame cannot be read: {error}")
            return
        sid = getattr(told, "sid", None)
        if isinstance(sid, int):
            yield from self._count(connection, sid, getattr(told, "seq", None))
        if isinstance(told, frames.Snapshot | frames.Delta):
            yield from self._book(self._counted[connection, told.sid], told)
        elif (read := READERS.get(type(told))) is not None:
            try:
                event = read(told, frame, self._now())
            except (Malformed, ArithmeticError) as error:
                yield Gap(subject=None, reason=str(error), at=self._now())
                return
            if isinstance(event, _OUR_KINDS):
                yield event

    def missed(self, connection: int, reason: str) -> Iterator[Heard]:
        """Its books are not known until they are told whole again."""
        yield from self.closed(connection, reason)

    def closed(self, connection: int, reason: str) -> Iterator[Heard]:
        """Its books are not told any more."""
        gone = [key for key in self._counted if key[0] == connection]
        for key in gone:
            yield from self._doubt(self._counted.pop(key), reason)

    def book(self, connection: int, sid: int, market_id: str) -> OrderBook | None:
        """A book as it stands; None where it is not known whole."""
        counted = self._counted.get((connection, sid))
        book = None if counted is None else counted.books.get(market_id)
        if counted is None or book is None:
            return None
        return self._read(book, market_id, counted.last, counted.moments[market_id])

    def last(self, connection: int, sid: int) -> int:
        """The number that came last of a subscription, 0 if none did."""
        counted = self._counted.get((connection, sid))
        return 0 if counted is None else counted.last

    def _count(self, connection: int, sid: int, seq: int | None) -> Iterator[Heard]:
        counted = self._counted.setdefault((connection, sid), _Counted())
        if not seq:
            return
        if counted.last and seq != counted.last + 1:
            reason = f"message {seq} came after {counted.last}"
            yield from self._doubt(counted, reason)
        counted.last = seq

    def _doubt(self, counted: _Counted, reason: str) -> Iterator[Heard]:
        if counted.books:
            yield Gap(
                subject=Subject.ORDER_BOOK,
                market_ids=tuple(counted.books),
                reason=reason,
                at=self._now(),
            )
        counted.books.clear()

    def _book(
        self, counted: _Counted, told: frames.Snapshot | frames.Delta
    ) -> Iterator[Heard]:
        market_id = told.msg.market_ticker
        try:
            if isinstance(told, frames.Snapshot):
                book = Book()
                bids, asks = told.msg.yes_dollars_fp, told.msg.no_dollars_fp
                book.load(tuple(bids or ()), tuple(asks or ()))
                counted.books[market_id] = book
                moment = told.sending_ts_ms
            else:
                known = counted.books.get(market_id)
                if known is None:
                    return
                book = known
                _change(book, told.msg)
                moment = told.msg.ts_ms or told.sending_ts_ms
        except BookError as error:
            counted.books.pop(market_id, None)
            yield Gap(
                subject=Subject.ORDER_BOOK,
                market_ids=(market_id,),
                reason=str(error),
                at=self._now(),
            )
            return
        counted.moments[market_id] = moment
        yield self._read(book, market_id, told.seq, moment)

    def _read(
        self, book: Book, market_id: str, seq: int | None, moment: int | None
    ) -> OrderBook:
        return book.read(
            venue="kalshi",
            market_id=market_id,
            outcome="yes",
            of="yes",
            sequence=seq,
            timestamp=None if moment is None else milliseconds(moment, "ts_ms"),
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def _change(book: Book, msg: frames.DeltaMsg) -> None:
    if msg.side == "yes":
        book.change_bid(msg.price_dollars, msg.delta_fp)
    elif msg.side == "no":
        # With use_yes_price a bid for NO is told at its YES price: an ask.
        book.change_ask(msg.price_dollars, msg.delta_fp)
    else:
        raise BookError(f"side {msg.side[:20]!r} is neither yes nor no")


OVERHEARD = KalshiOverheard
