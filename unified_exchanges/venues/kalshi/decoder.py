"""What was told on connections of a recording, read as it is live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from ...clock import Clock
from ...models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    Subject,
    Ticker,
    Trade,
)
from ...models.unread import unread
from ...recording.decoder import LEFT, Decoded
from ...recording.format import Rest
from ...recording.polled import Polled, Unread
from ...recording.redaction import REDACTED
from ...streams.book import BookError
from ...streams.recent import Recent
from ...tap import Direction
from .counted import Book, Counted, channel_telling
from .description import FACTS
from .leaving import UNLISTED, Leaving, Moved
from .lines import DELTA, read_delta
from .losses import in_its_place, is_command
from .parse.reading import Malformed
from .polled import read_answer
from .stream import frames
from .stream.channels import BOOKS, SUBJECTS, channel_of
from .stream.misreading import KINDS, market_in, market_of
from .stream.protocol import REMEMBERED
from .stream.reading import READERS
from .taken import own_take

__all__ = ["DECODER"]

_TRADES: Final = SUBJECTS[Subject.TRADES]
_BY_MARKET: Final = frozenset((BOOKS, _TRADES))
"""Channels of which it is known which markets they tell of."""
_OUR_KINDS = (Ticker, Trade, Order, MarketChange)


_FRAME: Final = b'"kind":"frame"'
_BOOKS: Final = b'"orderbook_'
_FROM: Final = 60
_TO: Final = 200
"""Where in a line its kind is looked for: only there it saves time to know it."""


class KalshiDecoder:
    """Books by their snapshots and deltas, and all else by one frame each."""

    outline: ClassVar[tuple[str, ...]] = FACTS.outline

    def __init__(self, clock: Clock, *, has_books: bool = False) -> None:
        self._clock = clock
        self._counted: dict[tuple[int, int], Counted] = {}
        self._whole: set[int] = set()
        """Connections of which nothing is known to be missing since they were opened."""
        self._trades = Recent(REMEMBERED)
        self._leaving: dict[int, Leaving] = defaultdict(Leaving)
        self._polled = Polled(clock, has_books=has_books)
        self.spoilt = self.withheld = 0
        self.has_account = False
        self._unread = 0

    def answered(self, path: str, body: bytes) -> None:
        """Nothing: the stream names markets and outcomes itself."""

    def polled(self, answer: Rest) -> Iterator[Decoded]:
        """Tell what no stream tells."""
        return read_answer(answer, self._polled)

    @property
    def missing(self) -> list[Unread]:
        """What of answers could not be read so far."""
        return self._polled.missing

    def opened(self, connection: int, url: str) -> None:  # noqa: ARG002 - it has one
        """Nothing was told on it yet."""
        self._whole.add(connection)

    def told(
        self, connection: int, direction: Direction, frame: bytes
    ) -> Iterable[Decoded]:
        """Read one frame; of one that cannot be read a `Gap` says what may be missed."""
        if direction == "out":
            self._leaving[connection].sent(frame)
            return ()
        try:
            told = frames.decode(frame)
        except (ValueError, RecursionError) as error:
            return self._unreadable(connection, frame, error)
        if type(told) is frames.Delta:
            # Nearly all that comes: a change of a book, the next one of its subscription.
            counted = self._counted.get((connection, told.sid))
            seq = told.seq
            if counted is not None and seq == counted.last + 1 and not counted.doubted:
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

    def shortcut(self, line: bytes) -> tuple[int, int, tuple[OrderBook]] | None:
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
        return read.at, read.mono, (found,)

    def _read(self, connection: int, told: Any, frame: bytes) -> Iterator[Decoded]:
        if isinstance(told, frames.Subscribed):
            self._begun(connection, told)
            return
        if isinstance(told, frames.Acknowledged) and not told.sid:
            yield from self._granted_somewhere(connection, told)
            return
        kind = str(told.__struct_config__.tag)
        counted = self._subscription(connection, told.sid, kind)
        yield from self._count(counted, told.seq)
        if isinstance(told, frames.Delta):
            yield from self._changed(counted, told)
        elif isinstance(told, frames.Snapshot):
            yield from self._loaded(counted, told)
        elif isinstance(told, frames.Acknowledged):
            yield from self._granted(connection, counted, told)
        elif isinstance(told, frames.Unsubscribed):
            self._counted.pop((connection, told.sid))
            yield from self._ended(counted)
        elif type(told) in READERS:
            yield from self._modelled(counted, kind, told, frame)

    def _modelled(
        self, counted: Counted, kind: str, told: Any, frame: bytes
    ) -> Iterator[Decoded]:
        """Read what is no book, if it is ours."""
        try:
            event = READERS[type(told)](told, frame, self._now())
        except (Malformed, ArithmeticError) as error:
            yield from self._malformed(counted, kind, market_in(told), error)
            return
        if isinstance(event, _OUR_KINDS) and self._is_news(event):
            yield event
        elif isinstance(event, Fill) and (own := own_take(event)) is not None:
            yield own

    def _is_news(self, event: Ticker | Trade | Order | MarketChange) -> bool:
        """Whether it was not told yet, by a stream or by what was read."""
        if isinstance(event, Trade) and not self._trades.is_new(event.trade_id):
            return False
        return self._polled.streamed(event)

    def _begun(self, connection: int, told: frames.Subscribed) -> None:
        """A subscription has its number from now on."""
        name, sid = told.msg.channel, told.msg.sid
        counted = self._subscription(connection, sid, "")
        if REDACTED not in name:
            # Else what it tells first says which it is.
            counted.channel = channel = channel_of(name)
            self.has_account |= channel.subject is Subject.FILLS
        leaving = self._leaving[connection]
        counted.is_open = leaving.is_strange(told.id) or counted.channel is None
        counted.is_of_all |= leaving.is_of_all(told.id)
        move = leaving.acknowledged(told.id, sid)
        if move is not None:
            self._asked(counted, move)

    @staticmethod
    def _asked(counted: Counted, move: Moved) -> None:
        if counted.may_be_of(*_BY_MARKET):
            counted.asked.update(dict.fromkeys(sorted(move.market_ids)))
        counted.is_open |= any(REDACTED in x for x in move.market_ids)

    def _subscription(self, connection: int, sid: int, kind: str) -> Counted:
        counted = self._counted.get((connection, sid))
        if counted is None:
            counted = Counted(is_whole=connection in self._whole, is_open=True)
            self._counted[connection, sid] = counted
        if counted.channel is None:
            counted.channel = channel_telling(kind)
        return counted

    # -- what may be missed --------------------------------------------------------------

    def _unreadable(
        self, connection: int, frame: bytes, error: Exception
    ) -> Iterator[Decoded]:
        """A frame of an unknown type, or one that lacks what it needs: as live."""
        try:
            told = frames.decode_envelope(frame)
        except (ValueError, RecursionError):
            self._unread += 1
            yield from self._anything(connection, f"a frame could not be read: {error}")
            return
        if told.sid is None:
            return
        counted = self._subscription(connection, told.sid, told.type)
        yield from self._count(counted, told.seq)
        if told.type in KINDS:
            market_id = market_of(bytes(told.msg))
            yield from self._malformed(counted, told.type, market_id, error)

    def _anything(self, connection: int, reason: str) -> Iterator[Decoded]:
        """Nobody knows what was told, nor of which market."""
        ours = [x for (other, _), x in self._counted.items() if other == connection]
        for counted in ours:
            counted.lose()
        if any(x.channel is not None for x in ours):
            yield Gap(subject=None, reason=reason, at=self._now())

    def _malformed(
        self, counted: Counted, kind: str, market_id: str | None, error: Exception
    ) -> Iterator[Decoded]:
        self._unread += 1
        yield from self._missing(
            counted, market_id, f"a {kind} could not be read: {error}"
        )

    def _missing(
        self, counted: Counted, market_id: str | None, reason: str
    ) -> Iterator[Decoded]:
        gap = counted.gap(market_id, reason, self._now())
        if gap is None:
            return
        yield gap
        if gap.is_of_books and not gap.market_ids:
            # Whose name is not known may be any, but none of those that are known whole.
            for each in self._counted.values():
                for name, book in each.books.items():
                    yield _shown(book, name, each.last)

    def unread(self, connection: int) -> int:  # noqa: ARG002 - they are counted together
        """Count what could not be read."""
        return self._unread

    def missed(self, connection: int, reason: str, outline: bytes) -> Iterator[Decoded]:
        """Only what it told is missed: the numbers show that the rest is whole."""
        channels = {
            sid: counted.channel
            for (other, sid), counted in self._counted.items()
            if other == connection
        }
        instead = in_its_place(outline, channels)
        if instead is None:
            yield from self._doubtful(connection, reason)
            return
        for frame in instead:
            try:
                told = frames.decode(frame)
            except ValueError:
                yield from self._missed(connection, frame, reason)
            else:
                yield from self._read(connection, told, frame)

    def unsaid(self, connection: int, reason: str, outline: bytes) -> Iterable[Decoded]:  # noqa: ARG002 - whatever it was
        """Nothing: what is granted says which markets there are."""
        if is_command(outline):
            self._leaving[connection].sent(outline)
        return ()

    def _doubtful(self, connection: int, reason: str) -> Iterator[Decoded]:
        """Nobody knows what is missed; of a book it was nothing if its next number comes."""
        for (other, _), counted in self._counted.items():
            if other == connection:
                counted.doubt()
        # Also where no channel is known: what says which there are may be hidden, too.
        yield Gap(subject=None, reason=reason, at=self._now())

    def _missed(self, connection: int, frame: bytes, reason: str) -> Iterator[Decoded]:
        told = frames.decode_envelope(frame)
        if told.sid is None:
            return
        counted = self._subscription(connection, told.sid, told.type)
        yield from self._count(counted, told.seq)
        market_id = market_of(bytes(told.msg))
        if counted.channel is None:
            # Of what it tells is not recorded either.
            names = (market_id,) if market_id else ()
            yield Gap(subject=None, market_ids=names, reason=reason, at=self._now())
        else:
            yield from self._missing(counted, market_id, reason)

    def closed(self, connection: int, reason: str) -> Iterator[Decoded]:
        """Its books are not told any more."""
        gone = [key for key in self._counted if key[0] == connection]
        for key in gone:
            counted = self._counted.pop(key)
            # As live: whatever came over it may be missed.
            names = counted.lose()
            if names and counted.is_of(BOOKS):
                now = self._now()
                yield Gap(subject=None, market_ids=names, reason=reason, at=now)
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

    def _count(self, counted: Counted, seq: int | None) -> Iterator[Decoded]:
        if not seq:
            return
        if reason := counted.hole(seq):
            yield from self._missing(counted, None, reason)
        elif counted.doubted:
            for name, book in counted.believed().items():
                yield _shown(book, name, seq - 1)

    def _moved(self, counted: Counted, move: Moved) -> Iterator[Decoded]:
        if move.is_back:
            counted.left -= move.market_ids
            self._asked(counted, move)
            return
        counted.left |= move.market_ids
        yield from self._left(counted, sorted(move.market_ids))

    def _granted(
        self, connection: int, counted: Counted, told: frames.Acknowledged
    ) -> Iterator[Decoded]:
        leaving, msg = self._leaving[connection], told.msg
        if leaving.is_strange(told.id):
            if isinstance(msg, frames.AcknowledgedMsg) and (
                msg.market_tickers is not None
            ):
                there = frozenset(msg.market_tickers)
                yield from self._listed(counted, told.sid, there)
            else:
                yield from self._unlisted(counted)
        move = leaving.acknowledged(told.id, told.sid)
        if move is not None:
            yield from self._moved(counted, move)

    def _granted_somewhere(
        self, connection: int, told: frames.Acknowledged
    ) -> Iterator[Decoded]:
        """Nothing says in which subscription, unless it is a list of subscriptions."""
        is_strange = self._leaving[connection].is_strange(told.id)
        if is_strange and not isinstance(told.msg, list):
            for (other, _), counted in self._counted.items():
                if other == connection:
                    yield from self._unlisted(counted)

    def _listed(
        self, counted: Counted, sid: int, there: frozenset[str]
    ) -> Iterator[Decoded]:
        """What was asked is not recorded, but which markets there are now is."""
        counted.left -= there
        if gone := frozenset(counted.asked) - there:
            yield from self._moved(counted, Moved(sid, gone, is_back=False))
        if counted.is_open and counted.may_be_of(_TRADES):
            # Of which there were before some may be gone.
            yield self._unfollowed(())
        counted.is_open = False
        self._asked(counted, Moved(sid, there, is_back=True))

    def _unlisted(self, counted: Counted) -> Iterator[Decoded]:
        """Neither is: it may tell of any market from now on, or of none."""
        if not counted.may_be_of(*_BY_MARKET):
            return
        counted.is_open = True
        if counted.is_of(BOOKS):
            yield from self._missing(counted, None, UNLISTED)
        else:
            yield self._unfollowed((), UNLISTED)
        counted.asked.clear()

    def _ended(self, counted: Counted) -> Iterator[Decoded]:
        """Nothing comes of a whole subscription any more."""
        if counted.is_open and counted.may_be_of(_TRADES):
            yield self._unfollowed(())
            return
        yield from self._left(counted, tuple(counted.asked))

    def _left(self, counted: Counted, market_ids: Iterable[str]) -> Iterator[Decoded]:
        """Nobody is told of these any more, unless by another subscription."""
        if counted.may_be_of(_TRADES):
            yield from self._left_trades(counted, market_ids)
            return
        gone = [x for x in market_ids if counted.drop(x)]
        others = [x.books for x in self._counted.values()]
        lost = tuple(x for x in gone if not any(x in books for books in others))
        if lost:
            yield Gap(
                subject=Subject.ORDER_BOOK,
                market_ids=lost,
                reason=LEFT,
                at=self._now(),
            )

    def _left_trades(
        self, counted: Counted, market_ids: Iterable[str]
    ) -> Iterator[Decoded]:
        gone = tuple(market_ids)
        for market_id in gone:
            counted.drop(market_id)
        others = [x for x in self._counted.values() if x.is_of(_TRADES)]
        lost = tuple(x for x in gone if not any(other.tells(x) for other in others))
        is_all = counted.is_of_all and not any(x.is_of_all for x in others)
        if lost or (is_all and not gone):
            yield self._unfollowed(lost)

    def _unfollowed(self, market_ids: tuple[str, ...], reason: str = LEFT) -> Gap:
        """Trades that nobody is told any more, of these markets or of any."""
        now = self._now()
        return Gap(subject=Subject.TRADES, market_ids=market_ids, reason=reason, at=now)

    def _changed(self, counted: Counted, told: frames.Delta) -> Iterable[Decoded]:
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
                problem = f"side {side[:20]!r} is neither yes nor no"
                return self._lost(counted, market_id, told.seq, problem)
        except BookError as error:
            return self._lost(counted, market_id, told.seq, str(error))
        book.moment = moment = msg.ts_ms or told.sending_ts_ms
        bids, asks = book.bid_picture, book.ask_picture
        return (unread("kalshi", market_id, "yes", bids, asks, told.seq, moment),)

    def _loaded(self, counted: Counted, told: frames.Snapshot) -> Iterable[Decoded]:
        msg = told.msg
        market_id = msg.market_ticker
        if market_id in counted.left:
            return ()  # asked for before, and nothing will change it
        book = Book()
        try:
            book.load(tuple(msg.yes_dollars_fp or ()), tuple(msg.no_dollars_fp or ()))
        except BookError as error:
            counted.asked[market_id] = None
            return self._lost(counted, market_id, told.seq, str(error))
        counted.keep(market_id, book)
        self._polled.follow(market_id)
        book.moment = told.sending_ts_ms
        return (_shown(book, market_id, told.seq),)

    def _lost(
        self, counted: Counted, market_id: str, seq: int | None, problem: str
    ) -> Iterable[Decoded]:
        """A book is not known until it is told whole again."""
        self._unread += 1
        return self._missing(counted, market_id, f"message {seq}: {problem}")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def _shown(book: Book, market_id: str, seq: int | None) -> OrderBook:
    """The book as it is now, to be read whenever somebody wants to."""
    bids, asks = book.bid_picture, book.ask_picture
    return unread("kalshi", market_id, "yes", bids, asks, seq, book.moment)


DECODER = KalshiDecoder
