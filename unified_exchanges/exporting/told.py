"""What a recording tells of one market, as changes of the book of its first outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from math import gcd
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from ..backtesting import Data
from ..backtesting.sources import events_of
from ..errors import BadRequest
from ..grid import PriceGrid
from ..models import (
    Gap,
    Market,
    MarketChange,
    OrderBook,
    Side,
    Subject,
    Trade,
)
from ..money import EXACT, ZERO, text
from ..strategies.given import mistaken
from .hours import Hours

__all__ = [
    "BookStep",
    "Told",
    "check_market",
    "finest_lot",
    "finest_step",
    "read_path",
    "told",
]

_TRANSACTIONS: Final = 1_000
"""Those that are remembered: what tells one again comes at once."""

_Levels: TypeAlias = Mapping[tuple[Side, Decimal], Decimal]


@attrs.frozen(kw_only=True, slots=True)
class BookStep:
    """What became of the book: sizes by side and price, 0 where there is nothing now.

    With ``is_whole`` everything before it is forgotten.  What goes comes before what is
    new, so that the book is not crossed in between.  ``timestamp`` is the venue's.
    """

    is_whole: bool
    levels: tuple[tuple[Side, Decimal, Decimal], ...]
    timestamp: datetime | None


Told: TypeAlias = BookStep | Trade | MarketChange


def told(data: Data, market: Market) -> Iterator[tuple[int, Told]]:
    """Read what is told of a market, with the nanoseconds of its receipt.

    Books are those of the first outcome, and trades of either in its terms, each once.  The
    book is empty from a gap to the next whole book, and while nothing trades: by the clock
    as well, where the venue keeps hours.  Trades outside the book are left out.  Raises
    `BadRequest` for a book whose best bid is not below its best ask and for a trade of no
    outcome of the market, and ValueError where the events go back in time.
    """
    check_market(market)
    reading = _Reading(market)
    latest = 0
    for moment, event in events_of(data, market.market_id):
        if moment < latest:
            raise ValueError(
                f"events go back by {latest - moment} ns, to {moment}; `merged` puts "
                "streams together in the order of their receipt"
            )
        latest = moment
        yield from reading.until(moment)
        for found in reading.of(moment, event):
            yield moment, found


def check_market(given: object) -> None:
    """Refuse what is no market."""
    if not isinstance(given, Market):
        raise mistaken("market", given, "a Market, as `fetch_market` gives it")


def read_path(given: str | PathLike[str]) -> Path:
    """Where something is to be written."""
    if not isinstance(given, str | PathLike):
        raise mistaken("out", given, "the path to write to")
    return Path(given)


def finest_step(grids: Iterator[PriceGrid] | list[PriceGrid]) -> Decimal:
    """The largest step of which the prices of all grids are multiples.

    It is finer than every step of theirs where none divides the others: Kalshi has cents
    in halves between edges in fifths.

    >>> finest_step([PriceGrid.of("0 0.1 0.002", "0.1 0.9 0.005", "0.9 1 0.002")])
    Decimal('0.001')
    """
    bands = [band for grid in grids for band in grid.bands]
    numbers = {x for band in bands for x in (band.step, band.anchor)}
    unit = Decimal(1).scaleb(-max(map(_places, numbers)))
    return EXACT.multiply(unit, gcd(*(int(EXACT.divide(x, unit)) for x in numbers)))


def finest_lot(lot: Decimal, sizes: Iterable[Decimal]) -> Decimal:
    """The lot of a market, or a finer one of which all sizes are multiples.

    A market takes orders by its lot, and what is left of one that was paid for in dollars
    has other sizes: on Polymarket with six places.

    >>> finest_lot(Decimal("0.01"), [Decimal("219.217767"), Decimal(5)])
    Decimal('0.000001')
    """
    odd = [size for size in sizes if EXACT.remainder(size, lot)]
    if not odd:
        return lot
    places = max(_places(size) for size in (lot, *odd))
    return Decimal(1).scaleb(-places)


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


class _Reading:
    def __init__(self, market: Market) -> None:
        self._market = market
        first = market.outcomes[0]
        # Where the recording does not tell what a token is, the book bears its id.
        self._names = frozenset((first.label, first.outcome_id))
        self._latest: OrderBook | None = None
        self._shown: _Levels | None = None
        self._hours = Hours(market)
        self._moment = -1
        """Up to when the clock was looked at."""
        self._is_hidden = False
        self._taken: dict[str, str] = {}
        """The outcome that was taken in each transaction, of the newest."""

    def until(self, moment: int) -> Iterator[tuple[int, Told]]:
        """What the clock alone makes of the book by a moment."""
        for due in self._hours.turns(self._moment, moment):
            self._is_hidden = self._hours.hides(due)
            for step in self._step(None):
                yield due, step
        self._moment = moment

    def of(self, moment: int, event: object) -> Iterator[Told]:
        if isinstance(event, Gap):
            if self._concerns(event):
                self._latest = None
                yield from self._step(None)
        elif getattr(event, "market_id", None) != self._market.market_id:
            return
        elif isinstance(event, OrderBook):
            if event.outcome in self._names:
                self._check(moment, event)
                self._latest = event
                yield from self._step(event.timestamp)
        elif isinstance(event, Trade):
            if not event.is_block and not self._is_told_otherwise(event):
                yield event.in_first_terms(self._market)
        elif isinstance(event, MarketChange):
            yield event
            self._hours.take(moment, event)
            self._is_hidden = self._hours.hides(moment)
            yield from self._step(event.timestamp)

    def _is_told_otherwise(self, trade: Trade) -> bool:
        """Whether the transaction of a trade was told of the other outcome already.

        One order takes in a transaction, of one outcome.  What is told of the other one are
        the same trades, as those who were taken had them: Polymarket does not say whether it
        tells them so too.
        """
        if trade.transaction is None:
            return False
        taken = self._taken.setdefault(trade.transaction, trade.outcome)
        if len(self._taken) > _TRANSACTIONS:
            del self._taken[next(iter(self._taken))]
        return taken != trade.outcome

    def _concerns(self, gap: Gap) -> bool:
        return (
            gap.subject in (None, Subject.ORDER_BOOK)
            and (not gap.market_ids or self._market.market_id in gap.market_ids)
            and (gap.outcome is None or gap.outcome in self._names)
        )

    def _check(self, moment: int, book: OrderBook) -> None:
        bid, ask = book.bid, book.ask
        if bid is not None and ask is not None and bid.price >= ask.price:
            raise BadRequest(
                f"at {moment} ns the book of {book.market_id} has a bid of "
                f"{text(bid.price)} and an ask of {text(ask.price)}: an engine would not "
                "show it so; export the time before and after it apart"
            )

    def _step(self, timestamp: datetime | None) -> Iterator[BookStep]:
        was = self._shown
        now = None if self._is_hidden else _levels(self._latest)
        self._shown = now
        if now is None:
            if was is not None:
                yield BookStep(is_whole=True, levels=(), timestamp=timestamp)
            return
        before = was or {}
        gone = [(*key, ZERO) for key in before if key not in now]
        new = [(*key, size) for key, size in now.items() if before.get(key) != size]
        if was is None or gone or new:
            yield BookStep(
                is_whole=was is None, levels=(*gone, *new), timestamp=timestamp
            )


def _levels(book: OrderBook | None) -> _Levels | None:
    if book is None:
        return None
    bids = {(Side.BUY, x.price): x.size for x in book.bids}
    return bids | {(Side.SELL, x.price): x.size for x in book.asks}
