"""What was read over REST, as far as it is told beside what streams tell."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeVar

import attrs

from ..clock import Clock
from ..errors import UnifiedExchangesError
from ..grid import PriceGrid
from ..models import (
    Gap,
    Market,
    MarketChange,
    MarketStatus,
    OrderBook,
    Subject,
    Trade,
)
from ..paper.tape import Tape
from .format import Rest

__all__ = ["Polled", "Unread"]

_log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000

T = TypeVar("T")


@attrs.frozen
class Unread:
    """An answer of a recording that cannot be read, and what it was ``about``.

    ``moment`` is when it was received, in nanoseconds since 1970.  Of the first about the
    same, ``asked`` and ``why`` say what was asked for and what is wrong; else they are empty.
    """

    about: str
    moment: int
    asked: str = ""
    why: str = ""

    def told(self, name: str | None, count: int) -> str:
        """What is to be known of so many answers about the same, of which this is the first."""
        if count == 1:
            return (
                f"in the recording {name} an answer about {self.about} cannot be read, so "
                f"that what it told is missing: {self.asked}: {self.why}"
            )
        return (
            f"in the recording {name} {count} answers about {self.about} cannot be read, so "
            f"that what they told is missing; the first is {self.asked}: {self.why}"
        )


@attrs.define(eq=False)
class _Life:
    """What is taken to be known of a market, so that only what is new is told.

    It is open until somebody says otherwise; times and grids are compared with what was
    read before, since they are among the terms on which it is traded.
    """

    status: MarketStatus = MarketStatus.OPEN
    value: Decimal | None = None
    closes_at: datetime | None = None
    grid: PriceGrid | None = None
    is_streamed: bool = False


class Polled:
    """Tells of answers what no stream of the recording tells; of one venue.

    ``clock`` shows the time of the line at hand, and at first that of the beginning.  The
    venue's listener says what it has read:

    - A book, unless it is older by the venue's time than one that was told.
    - A trade once, the older first: not those of before the recording, nor of a time up to
      which streams have told trades, which may call them otherwise.
    - Neither where ``has_books``: a stream tells books anywhere in the recording.  Who was
      recorded was told by that, and what it read beside it came at another moment.
    - A market where it is other than what was told of it, once it is known to matter: a
      listing may have thousands of which nobody wants anything.
    """

    def __init__(self, clock: Clock, *, has_books: bool = False) -> None:
        self._clock = clock
        self._has_books = has_books
        self._begun = int(clock.now() * _SECOND)
        self._books: dict[tuple[str, str], datetime] = {}
        self._tapes: dict[str, Tape] = {}
        self._lives: dict[str, _Life] = {}
        self._known: set[str] = set()
        self.missing: list[Unread] = []
        """What of trades and of markets could not be read so far."""

    # -- what streams tell -----------------------------------------------------------

    def follow(self, market_id: str) -> None:
        """A stream tells of a market: what becomes of it matters."""
        self._known.add(market_id)

    def streamed(self, event: object) -> bool:
        """Whether what a stream tells was not told yet, by what was read."""
        if isinstance(event, Trade):
            self._known.add(event.market_id)
            tape = self._tape(event.market_id)
            return tape.from_stream(event) or not tape.read
        if isinstance(event, MarketChange):
            life = self._lives.setdefault(event.market_id, _Life())
            life.is_streamed = True
            life.status = event.status or life.status
            life.value = life.value if event.value is None else event.value
            life.closes_at = event.closes_at or life.closes_at
            life.grid = event.grid or life.grid
        return True

    # -- what was read ---------------------------------------------------------------

    def book(self, book: OrderBook, name: str) -> Iterator[OrderBook]:
        """A book; ``name`` is of what it is within its market."""
        if self._has_books:
            return
        self._known.add(book.market_id)
        key, moment = (book.market_id, name), book.timestamp
        if moment is not None:
            before = self._books.get(key)
            if before is not None and moment < before:
                return
            self._books[key] = moment
        yield book

    def trades(self, trades: Iterable[Trade]) -> Iterator[Trade]:
        """A page of trades, newest first."""
        if self._has_books:
            return
        for trade in reversed([*trades]):
            tape = self._tape(trade.market_id)
            self._known.add(trade.market_id)
            if trade.created_at >= _at(self._begun):
                yield from tape.from_listing([trade])

    def market(self, market: Market) -> Iterator[MarketChange]:
        """What is new of a market; where a stream tells of its life only what it pays.

        That a stream may not tell, and it is for good.  All else it tells sooner.
        """
        market_id = market.market_id
        life = self._lives.get(market_id)
        if life is None:
            life = self._lives[market_id] = _Life(
                closes_at=market.closes_at, grid=market.grid
            )
        if market_id not in self._known:
            # Whoever begins now begins with these.
            life.closes_at, life.grid = market.closes_at, market.grid
            return
        status = (
            None
            if market.status in (life.status, MarketStatus.UNKNOWN)
            else market.status
        )
        price = market.settlement_price
        value = None if price == life.value else price
        is_final = status is MarketStatus.SETTLED or value is not None
        if not is_final and (life.is_streamed or life.status is MarketStatus.SETTLED):
            return
        closes_at = _changed(life.closes_at, market.closes_at)
        grid = _changed(life.grid, market.grid)
        if all(x is None for x in (status, value, closes_at, grid)):
            return
        life.status = status or life.status
        life.value = life.value if value is None else value
        life.closes_at, life.grid = market.closes_at, market.grid
        yield MarketChange(
            venue=market.venue,
            raw_json=market.raw_json,
            market_id=market_id,
            change=market.venue_status,
            status=status,
            closes_at=closes_at,
            result=market.result,
            value=value,
            grid=grid,
            timestamp=market.settled_at,
        )

    def unread(
        self, error: UnifiedExchangesError, market_ids: Iterable[str]
    ) -> Iterator[Gap]:
        """Books came that cannot be read: nobody knows how they are."""
        names = tuple(market_ids)
        if names and not self._has_books:
            yield Gap(
                subject=Subject.ORDER_BOOK,
                market_ids=names,
                reason=f"an answer cannot be read: {error}",
                at=self.now(),
            )

    def untold(self, answer: Rest, error: UnifiedExchangesError, about: str) -> None:
        """An answer about ``trades`` or ``markets`` cannot be read: they are missing."""
        if self._has_books and about == "trades":
            return
        asked = f"{answer.method} {answer.path}"
        _log.warning(
            "what %s was answered cannot be read, and is not told: %s", asked, error
        )
        moment = int(self._clock.now() * _SECOND)
        is_first = all(x.about != about for x in self.missing)
        told = (asked, str(error)) if is_first else ()
        self.missing.append(Unread(about, moment, *told))

    def now(self) -> datetime:
        """When the line at hand was received."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def _tape(self, market_id: str) -> Tape:
        tape = self._tapes.get(market_id)
        if tape is None:
            tape = self._tapes[market_id] = Tape(self._begun)
        return tape


def _changed(before: T | None, now: T | None) -> T | None:
    """What it is now, where that is known to be other than before."""
    return now if before is not None and now != before else None


def _at(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / _SECOND, UTC)
