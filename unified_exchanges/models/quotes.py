"""What the market says: tickers, books, trades and candles, each of one outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

import attrs

from ..grid import PriceGrid
from ..money import EXACT, ZERO, complement, text
from .catalog import Market
from .record import Json, Record
from .terms import Side

__all__ = [
    "Candle",
    "Freshness",
    "Level",
    "Ohlc",
    "OrderBook",
    "PricePoint",
    "Ticker",
    "Trade",
]


@attrs.frozen(slots=True)
class Level:
    """``size`` contracts at ``price`` dollars."""

    price: Decimal
    size: Decimal


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Ticker(Record):
    """Best quotes and the last trade of one outcome; None where there is none."""

    market_id: str
    outcome: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last_price: Decimal | None = None
    previous_price: Decimal | None = None
    volume: Decimal | None = None
    volume_24h: Decimal | None = None
    open_interest: Decimal | None = None
    timestamp: datetime | None = None

    def _summary(self) -> str:
        best = "/".join(_told(x) for x in (self.bid, self.ask))
        last = f"last {_told(self.last_price)}"
        return f"{self.venue}:{self.market_id}:{self.outcome} {best} {last}"

    @property
    def spread(self) -> Decimal | None:
        """Ask minus bid in dollars, if both are quoted."""
        if self.bid is None or self.ask is None:
            return None
        return EXACT.subtract(self.ask, self.bid)

    def in_terms_of(self, outcome: str) -> Ticker:
        """The same quotes said of the other outcome of a binary market with one book.

        An ask for YES at p is a bid for NO at 1 − p, for the same contracts.
        """
        if outcome == self.outcome:
            return self
        return attrs.evolve(
            self,
            outcome=outcome,
            bid=_other(self.ask),
            ask=_other(self.bid),
            bid_size=self.ask_size,
            ask_size=self.bid_size,
            last_price=_other(self.last_price),
            previous_price=_other(self.previous_price),
        )


class Freshness(Protocol):
    """Whether a streamed book still holds."""

    def is_stale(self) -> bool:
        """Whether it is not known to be what the venue shows now."""
        ...

    def age(self) -> float | None:
        """Seconds since it was last known to be, None of a picture."""
        ...


@attrs.frozen(slots=True)
class _Stale:
    """That of a copy of a book that was stale: it will never hold again."""

    seconds: float

    def is_stale(self) -> bool:
        return True

    def age(self) -> float:
        return self.seconds


class _Polled:
    """That of a book between which and the one before it others may have been."""

    def is_stale(self) -> bool:
        return False

    def age(self) -> None:
        return None

    def __reduce__(self) -> str:
        return "POLLED"


POLLED: Final = _Polled()
"""Given as ``freshness`` to a book that was read over REST."""


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class OrderBook(Record):
    """The resting orders on one outcome, best price first on both sides.

    ``timestamp`` is the venue's time of the last change, or when its answer arrived where
    it gives none; ``sequence`` is the venue's number of that change, if it counts.
    ``grid`` is which prices may be ordered now, where the venue tells that with the book.
    """

    market_id: str
    outcome: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    timestamp: datetime | None = None
    sequence: int | None = None
    grid: PriceGrid | None = None
    _freshness: Freshness | None = attrs.field(default=None, alias="freshness")

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], OrderBook], tuple[Any]]:
        # A copy, or what was stored, is a picture: what becomes of the original, maybe in
        # another process, it cannot know.  What was stale is so for good.
        names = (field.name for field in attrs.fields(OrderBook))
        told = {name: getattr(self, name) for name in names if name != "_freshness"}
        freshness = self._freshness
        if freshness is POLLED:
            told["freshness"] = POLLED
        elif freshness is not None and freshness.is_stale():
            told["freshness"] = _Stale(freshness.age() or 0.0)
        return _book, (told,)

    def to_dict(self) -> dict[str, Json]:
        """The book as other models are told, with ``stale`` and ``age`` as they are now.

        Neither takes part in equality.
        """
        told = Record.to_dict(self)
        age = self.age
        told["stale"] = self.stale
        told["age"] = None if age is None else text(Decimal(f"{age:.3f}"))
        return told

    @property
    def stale(self) -> bool:
        """Whether it is not what the venue shows now, as far as is known.

        Looked up now, not when it was handed out: a newer one has come, also if it was
        not taken yet, a change may have been lost, or nothing was heard for too long.
        A book that was read over REST is a picture of its ``timestamp``: False.  So is
        a copy, or one that was pickled, of a book that was not stale then: it cannot know
        what came later.  A copy of a stale one is stale, with the ``age`` it had.
        """
        return self._freshness is not None and self._freshness.is_stale()

    @property
    def is_polled(self) -> bool:
        """Whether it was read over REST: what changed since the one before is not told then."""
        return self._freshness is POLLED

    @property
    def age(self) -> float | None:
        """Seconds since it was last known to be what the venue shows.

        How long nothing was heard, or since when it is stale; None if read over REST.
        """
        return None if self._freshness is None else self._freshness.age()

    @property
    def bid(self) -> Level | None:
        """The best bid."""
        return self.bids[0] if self.bids else None

    @property
    def ask(self) -> Level | None:
        """The best ask."""
        return self.asks[0] if self.asks else None

    @property
    def spread(self) -> Decimal | None:
        """Best ask minus best bid in dollars."""
        if not self.bids or not self.asks:
            return None
        return EXACT.subtract(self.asks[0].price, self.bids[0].price)

    @property
    def mid(self) -> Decimal | None:
        """The middle of the best bid and ask in dollars."""
        if not self.bids or not self.asks:
            return None
        both = EXACT.add(self.asks[0].price, self.bids[0].price)
        return EXACT.divide(both, Decimal(2))

    def cost_to_buy(self, size: Decimal) -> Decimal | None:
        """Dollars to take ``size`` contracts from the asks; None if they are too few."""
        return _walk(self.asks, size)

    def proceeds_of_sale(self, size: Decimal) -> Decimal | None:
        """Dollars from selling ``size`` contracts to the bids; None if too few."""
        return _walk(self.bids, size)

    def complement(self, outcome: str) -> OrderBook:
        """The book of the other outcome of a binary market.

        A bid for YES at p is an ask for NO at 1 − p, for the same contracts.
        """
        return attrs.evolve(
            self,
            outcome=outcome,
            bids=tuple(Level(complement(x.price), x.size) for x in self.asks),
            asks=tuple(Level(complement(x.price), x.size) for x in self.bids),
        )

    def _summary(self) -> str:
        best = [
            f"{text(x.size)}@{text(x.price)}" if x else "–"
            for x in (self.bid, self.ask)
        ]
        return f"{self.venue}:{self.market_id}:{self.outcome} {' / '.join(best)}"

    def _repr_html_(self) -> str:
        from .html import ladder  # noqa: PLC0415 - only notebooks need its tables

        return ladder(self)


def _book(told: dict[str, Any]) -> OrderBook:
    return OrderBook(**told)


def _walk(levels: tuple[Level, ...], size: Decimal) -> Decimal | None:
    cash, left = ZERO, size
    for level in levels:
        taken = min(left, level.size)
        cash = EXACT.add(cash, EXACT.multiply(taken, level.price))
        left = EXACT.subtract(left, taken)
        if not left:
            return cash
    return None if left else cash


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Trade(Record):
    """A public trade, priced for ``outcome``; ``taker_side`` is None if not told.

    ``transaction`` is that of the chain which settles it (Polymarket), None where there is
    none, or none was told.  There a stream and a listing may tell one transaction in other
    parts, under other ids: what joins them is the transaction.  Elsewhere ``trade_id`` is
    the same in both.
    """

    trade_id: str
    market_id: str
    outcome: str
    price: Decimal
    size: Decimal
    taker_side: Side | None
    created_at: datetime
    is_block: bool = False
    transaction: str | None = None

    def _summary(self) -> str:
        side = "" if self.taker_side is None else f"{self.taker_side} "
        what = f"{side}{text(self.size)} {self.outcome} @ {text(self.price)}"
        told = f"{self.created_at:%Y-%m-%d %H:%M:%S}"
        return f"{self.venue}:{self.market_id} {what} {told}"

    def in_terms_of(self, outcome: str) -> Trade:
        """The same trade priced for the other outcome of a binary market."""
        if outcome == self.outcome:
            return self
        side = self.taker_side.opposite if self.taker_side else None
        price = complement(self.price)
        return attrs.evolve(self, outcome=outcome, price=price, taker_side=side)

    def in_first_terms(self, market: Market) -> Trade:
        """The same trade priced for the first outcome of its market, by the label of that.

        What names its outcome by the venue's id, as where a recording does not tell which
        label that has, is of that outcome.  Raises `BadRequest` for an outcome that the
        market does not have.
        """
        first = market.outcomes[0].label
        if self.outcome == first:
            return self
        if market.outcome(self.outcome).label == first:
            return attrs.evolve(self, outcome=first)
        return self.in_terms_of(first)

    @property
    def notional(self) -> Decimal:
        """Price times size, in dollars."""
        return EXACT.multiply(self.price, self.size)


@attrs.frozen(slots=True)
class Ohlc:
    """First, highest, lowest and last price of a period, in dollars."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal

    def complement(self) -> Ohlc:
        """The same for the other outcome: what was highest is now lowest."""
        return Ohlc(*map(complement, (self.open, self.low, self.high, self.close)))


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Candle(Record):
    """One period ``(start, end]`` of one outcome.

    ``price`` is None in a period without a trade; ``bid`` and ``ask`` are quotes and
    may be there all the same.  What the venue does not tell is None.
    """

    market_id: str
    outcome: str
    start: datetime
    end: datetime
    price: Ohlc | None
    bid: Ohlc | None
    ask: Ohlc | None
    volume: Decimal
    open_interest: Decimal | None = None
    mean: Decimal | None = None
    previous: Decimal | None = None

    def _summary(self) -> str:
        price = self.price
        prices = (
            (None,) * 4
            if price is None
            else (price.open, price.high, price.low, price.close)
        )
        told = f"{self.end:%Y-%m-%d %H:%M:%S} {'/'.join(map(_told, prices))}"
        what = f"{self.venue}:{self.market_id}:{self.outcome}"
        return f"{what} to {told} volume {text(self.volume)}"

    def in_terms_of(self, outcome: str) -> Candle:
        """The same period priced for the other outcome of a binary market."""
        if outcome == self.outcome:
            return self
        return attrs.evolve(
            self,
            outcome=outcome,
            price=self.price.complement() if self.price else None,
            bid=self.ask.complement() if self.ask else None,
            ask=self.bid.complement() if self.bid else None,
            mean=_other(self.mean),
            previous=_other(self.previous),
        )


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class PricePoint(Record):
    """What one outcome was priced at once: one price, no range and no volume.

    ``price`` is in dollars; whether it is of a trade or of quotes is the venue's, see its
    page.  ``resolution`` is how long a time the point stands for, None if not told: points
    need not be evenly apart.
    """

    market_id: str
    outcome: str
    timestamp: datetime
    price: Decimal
    resolution: timedelta | None = None

    def _summary(self) -> str:
        told = f"{self.timestamp:%Y-%m-%d %H:%M:%S}"
        return f"{self.venue}:{self.market_id}:{self.outcome} {text(self.price)} {told}"


def _told(price: Decimal | None) -> str:
    return "–" if price is None else text(price)


def _other(price: Decimal | None) -> Decimal | None:
    """The price of the other outcome, where there is one."""
    return None if price is None else complement(price)
