"""A market of a recording as the instrument and the data that nautilus_trader reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, Final

import attrs

from ..backtesting import Data
from ..errors import BadRequest
from ..models import Market, MarketChange, Side, Trade
from ..money import EXACT, text
from ..wording import installed_by
from .told import BookStep, Told, finest_lot, finest_step, read_path, told

__all__ = ["NautilusData", "check_absent", "to_nautilus", "to_nautilus_catalog"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NEVER: Final = 2**63 - 1
"""When a market expires of which the venue does not tell it."""
_LONGEST_ID: Final = 36
"""Characters of a ``TradeId``."""


@attrs.frozen(kw_only=True, slots=True)
class NautilusData:
    """What ``BacktestEngine.add_instrument`` and ``add_data`` take.

    ``instrument`` is a ``BinaryOption``; ``events`` are ``OrderBookDeltas`` and
    ``TradeTick`` objects in the order in which they were received.  ``trades`` counts the
    latter.  ``settlement_value`` is what a contract of the first outcome pays in dollars,
    where the data tell it: the engine does not settle by itself.
    """

    instrument: Any
    events: tuple[Any, ...]
    trades: int
    settlement_value: Decimal | None


def to_nautilus(data: Data, market: Market) -> NautilusData:
    """Make of what was recorded of a market what a nautilus ``BacktestEngine`` takes.

    ``data`` is what `backtest` takes.  The instrument is the first outcome (YES), named
    after the market and the venue, such as ``KXFED-26DEC-T3.25.KALSHI``: prices in USD
    from 0 to 1 with the places of the largest tick of which all prices that the market
    accepted are multiples, sizes in contracts with those of its lot, or of a finer one
    where sizes are no multiples of that; no fees.
    ``ts_init`` is the receipt and ``ts_event`` the venue's time, where it tells one, in
    nanoseconds since 1970.  A trade of the other outcome at p is a tick at 1 - p, with the
    side of who took turned.  The book is for ``BookType.L2_MBP``; it is empty where it may
    have missed a change, and while the market is not open.

    Raises `BadRequest` for what cannot be held exactly, for a book that is crossed and for
    data that tell nothing of the market; ImportError without nautilus_trader,
    and ValueError where events go back in time.

    >>> def engine_data(market: Market) -> tuple[Any, ...]:
    ...     return to_nautilus("day.jsonl", market).events
    """
    steps = list(told(data, market))
    grids = [market.grid]
    grids += [x.grid for _, x in steps if isinstance(x, MarketChange) and x.grid]
    values = [x.value for _, x in steps if isinstance(x, MarketChange)]
    making = _Making(market, finest_step(grids), finest_lot(market.lot, _sizes(steps)))
    events = tuple(event for step in steps for event in making.events(*step))
    if not events:
        raise BadRequest(f"the data tell nothing of {market.market_id}")
    settled = [value for value in values if value is not None]
    return NautilusData(
        instrument=making.instrument(events[0].ts_init),
        events=events,
        trades=making.trades,
        settlement_value=settled[-1] if settled else None,
    )


def to_nautilus_catalog(
    data: Data, market: Market, out: str | PathLike[str]
) -> NautilusData:
    """Write what `to_nautilus` makes into a ``ParquetDataCatalog``; gives it, too.

    The catalog may have other markets.  What it tells of one moment comes back with books
    and trades in no order: nautilus keeps them in files of their own.

    Raises `BadRequest` where the catalog has the market already, and as `to_nautilus`.

    >>> def written(market: Market) -> int:
    ...     return to_nautilus_catalog("day.jsonl", market, "catalog/").trades
    """
    path = read_path(out)
    check_absent(path, [market])
    made = to_nautilus(data, market)
    deltas = [x for x in made.events if hasattr(x, "deltas")]
    trades = [x for x in made.events if not hasattr(x, "deltas")]
    path.mkdir(parents=True, exist_ok=True)
    catalog = _module("persistence.catalog").ParquetDataCatalog(str(path))
    catalog.write_data([made.instrument])
    for chunk in ([delta for each in deltas for delta in each.deltas], trades):
        if chunk:
            catalog.write_data(chunk)
    return made


def check_absent(path: Path, markets: Iterable[Market]) -> None:
    """Raise `BadRequest` where a catalog has one of the markets."""
    catalogs = _module("persistence.catalog")
    if not path.exists():
        return
    catalog = catalogs.ParquetDataCatalog(str(path))
    for market in markets:
        name = _id_of(market).value
        if catalog.instruments(instrument_ids=[name]):
            raise BadRequest(f"{path} has {name} already, and it is not written over")


def _id_of(market: Market) -> Any:
    names = _module("model.identifiers")
    return names.InstrumentId(
        names.Symbol(market.market_id), names.Venue(market.venue.upper())
    )


def _sizes(steps: list[tuple[int, Told]]) -> Iterator[Decimal]:
    for _, event in steps:
        if isinstance(event, Trade):
            yield event.size
        elif isinstance(event, BookStep):
            yield from (size for _, _, size in event.levels)


class _Making:
    """Makes objects of nautilus, whose numbers have the places of one instrument."""

    def __init__(self, market: Market, tick: Decimal, lot: Decimal) -> None:
        self.trades = 0
        self._market = market
        self._tick, self._lot = tick, lot
        names, self._data = _module("model.identifiers"), _module("model.data")
        self._objects, self._enums = _module("model.objects"), _module("model.enums")
        self._names = names
        self._id = _id_of(market)
        self._prices: dict[Decimal, Any] = {}
        self._sizes: dict[Decimal, Any] = {}
        flags = self._enums.RecordFlag
        self._last, self._snapshot = flags.F_LAST.value, flags.F_SNAPSHOT.value

    def instrument(self, moment: int) -> Any:
        """The first outcome as an instrument."""
        market = self._market
        first = market.outcomes[0]
        ends = market.expires_at or market.closes_at
        tick, lot = self._price(self._tick), self._size(self._lot)
        return _module("model.instruments").BinaryOption(
            instrument_id=self._id,
            raw_symbol=self._names.Symbol(first.outcome_id),
            asset_class=self._enums.AssetClass.ALTERNATIVE,
            currency=_module("model.currencies").USD,
            price_precision=tick.precision,
            size_precision=lot.precision,
            price_increment=tick,
            size_increment=lot,
            activation_ns=0
            if market.opens_at is None
            else _nanoseconds(market.opens_at),
            expiration_ns=_NEVER if ends is None else _nanoseconds(ends),
            ts_event=moment,
            ts_init=moment,
            min_quantity=self._size(market.minimum_size),
            outcome=first.label,
            description=market.title or None,
        )

    def events(self, moment: int, event: Told) -> Iterator[Any]:
        """What becomes of one thing that was told: one object, or none of a change."""
        if isinstance(event, Trade):
            self.trades += 1
            yield self._traded(moment, event)
        elif isinstance(event, BookStep):
            yield self._data.OrderBookDeltas(self._id, self._deltas(moment, event))

    def _traded(self, moment: int, trade: Trade) -> Any:
        sides = self._enums.AggressorSide
        side = {
            Side.BUY: sides.BUYER,
            Side.SELL: sides.SELLER,
            None: sides.NO_AGGRESSOR,
        }
        return self._data.TradeTick(
            self._id,
            self._price(trade.price),
            self._size(trade.size),
            side[trade.taker_side],
            # The end of a hash tells it apart as well as all of it.
            self._names.TradeId(trade.trade_id[-_LONGEST_ID:]),
            _nanoseconds(trade.created_at),
            moment,
        )

    def _deltas(self, moment: int, step: BookStep) -> list[Any]:
        when = moment if step.timestamp is None else _nanoseconds(step.timestamp)
        actions, sides = self._enums.BookAction, self._enums.OrderSide
        flags = self._snapshot if step.is_whole else 0
        changes: list[tuple[Any, Any]] = (
            [(actions.CLEAR, None)] if step.is_whole else []
        )
        for side, price, size in step.levels:
            order = self._data.BookOrder(
                sides.BUY if side is Side.BUY else sides.SELL,
                self._price(price),
                self._size(size),
                0,
            )
            changes.append((actions.UPDATE if size else actions.DELETE, order))
        final = len(changes) - 1
        return [
            self._data.OrderBookDelta(
                self._id,
                action,
                order,
                # Alone: `OrderBookDeltas.batch`, by which a catalog is read, compares all
                # of the flags (1.221), and would join this step to the next.
                self._last if number == final else flags,
                0,
                when,
                moment,
            )
            for number, (action, order) in enumerate(changes)
        ]

    def _price(self, price: Decimal) -> Any:
        made = self._prices.get(price)
        if made is None:
            made = self._exact(self._objects.Price, price, self._tick, "price")
            self._prices[price] = made
        return made

    def _size(self, size: Decimal) -> Any:
        made = self._sizes.get(size)
        if made is None:
            made = self._exact(self._objects.Quantity, size, self._lot, "size")
            self._sizes[size] = made
        return made

    def _exact(self, kind: Any, number: Decimal, step: Decimal, what: str) -> Any:
        """Make a number of nautilus with the places of its step; refuse another number."""
        exponent = step.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        told = f"{what} {text(number)} of {self._market.market_id}"
        if EXACT.remainder(number, step):
            raise BadRequest(f"{told} is not a multiple of {text(step)}")
        try:
            made = kind.from_str(f"{number:.{max(0, -exponent)}f}")
        except ValueError as error:
            message = f"nautilus_trader cannot hold the {told}: {error}"
            raise BadRequest(message) from error
        if made.as_decimal() != number:
            raise BadRequest(f"nautilus_trader would hold the {told} as {made}")
        return made


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND * 1_000


def _module(name: str) -> Any:
    """A module of nautilus_trader, which is large, an extra, and told to no type checker."""
    try:
        return import_module(f"nautilus_trader.{name}")
    except ImportError:
        reason = f"this needs nautilus_trader: {installed_by('nautilus')}"
    raise ImportError(reason)
