"""A market of a recording as the event array that hftbacktest reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, TypeAlias

import attrs

from ..backtesting import Data
from ..errors import BadRequest
from ..models import Market, MarketChange, Side, Trade
from ..money import EXACT, text
from ..strategies.given import mistaken
from ..wording import installed_by
from .told import (
    BookStep,
    Told,
    check_market,
    finest_lot,
    finest_step,
    read_path,
    told,
)

__all__ = ["ExchangeTimes", "HftbacktestFile", "check_new", "to_hftbacktest"]

ExchangeTimes: TypeAlias = Literal["received", "venue"]
"""What is written as the time at the exchange: that of the receipt, or the venue's."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CHUNK: Final = 65_536
"""Rows that are Python objects at once."""

_Row: TypeAlias = tuple[int, int, int, float, float, int, int, float]


@attrs.frozen(kw_only=True, slots=True)
class HftbacktestFile:
    """What was written: pass ``tick_size`` and ``lot_size`` to the `BacktestAsset`.

    ``rows`` are all events, ``trades`` those that are public trades.  ``settlement_value``
    is what a contract of the first outcome pays in dollars, where the data tell it: the
    engine does not settle.
    """

    path: Path
    market_id: str
    outcome: str
    tick_size: Decimal
    lot_size: Decimal
    rows: int
    trades: int
    settlement_value: Decimal | None


def to_hftbacktest(
    data: Data,
    market: Market,
    out: str | PathLike[str],
    *,
    exchange_times: ExchangeTimes = "received",
) -> HftbacktestFile:
    """Write what was recorded of a market as an ``.npz`` that hftbacktest reads.

    ``data`` is what `backtest` takes.  The file has the book of the first outcome (YES) and
    all trades in its terms: one of the other outcome at p is one at 1 - p, with the side of
    who took turned.  Prices are dollars from 0 to 1, sizes contracts, times nanoseconds
    since 1970.  ``local_ts`` is the receipt; ``exch_ts`` the same, or with
    ``exchange_times="venue"`` the time that the venue told, where it told one, and never
    before that of the event before.

    The tick is the largest of which all prices that the market accepted are multiples,
    also where its grid changed; the lot that of the market, or a finer one where sizes are
    no multiples of that.  hftbacktest
    counts in floats: a number that is not exactly a multiple of the tick or the lot, or
    whose float is another number, is refused.  The book is cleared where it may have
    missed a change, and while the market is not open.  The array is in memory, 64 bytes a
    row.

    Raises `BadRequest` for what cannot be written exactly, for a book that is crossed, for
    venue times after the receipt and where ``out`` is there already; ImportError without
    hftbacktest, and ValueError where events go back in time.  Then::

        made = to_hftbacktest("day.jsonl", market, "day.npz")
        asset = (
            BacktestAsset()
            .data(str(made.path))
            .tick_size(float(made.tick_size))
            .lot_size(float(made.lot_size))
            .linear_asset(1.0)
            ...
        )
    """
    numpy, types = _libraries()
    check_market(market)
    if exchange_times not in {"received", "venue"}:
        raise mistaken("exchange_times", exchange_times, '"received" or "venue"')
    path = read_path(out)
    if path.suffix != ".npz":
        raise BadRequest(f"{path} is read by hftbacktest only if it ends in .npz")
    check_new(path)
    writing = _Writing(market, types, exchange_times)
    chunks: list[Any] = []
    rows: list[_Row] = []
    for moment, event in told(data, market):
        rows.extend(writing.rows(moment, event))
        if len(rows) >= _CHUNK:
            chunks.append(numpy.array(rows, types.event_dtype))
            rows.clear()
    chunks.append(numpy.array(rows, types.event_dtype))
    array = numpy.concatenate(chunks)
    if not len(array):
        raise BadRequest(f"the data tell nothing of {market.market_id}")
    tick, lot = writing.tick(), writing.lot()
    _save(numpy, path, array)
    return HftbacktestFile(
        path=path,
        market_id=market.market_id,
        outcome=market.outcomes[0].label,
        tick_size=tick,
        lot_size=lot,
        rows=len(array),
        trades=writing.trades,
        settlement_value=writing.settlement_value,
    )


def check_new(path: Path) -> None:
    """Raise `BadRequest` for a file that is there, or a link to none."""
    if os.path.lexists(path):
        raise BadRequest(f"{path} is there already, and is not written over")


class _Writing:
    """Makes rows, and remembers the numbers in them until tick and lot are known."""

    def __init__(
        self, market: Market, types: ModuleType, exchange_times: ExchangeTimes
    ) -> None:
        self.trades = 0
        self.settlement_value: Decimal | None = None
        self._name = market.market_id
        self._lot = market.lot
        self._grids = [market.grid]
        self._prices: dict[Decimal, float] = {}
        self._sizes: dict[Decimal, float] = {}
        self._is_by_venue = exchange_times == "venue"
        self._latest = 0
        both = types.EXCH_EVENT | types.LOCAL_EVENT
        self._sides = {
            Side.BUY: types.BUY_EVENT,
            Side.SELL: types.SELL_EVENT,
            # hftbacktest shows such a trade, and moves no queue by it.
            None: 0,
        }
        self._clear = types.DEPTH_CLEAR_EVENT | both
        self._snapshot = types.DEPTH_SNAPSHOT_EVENT | both
        self._change = types.DEPTH_EVENT | both
        self._trade = types.TRADE_EVENT | both

    def rows(self, moment: int, event: Told) -> Iterator[_Row]:
        if isinstance(event, MarketChange):
            if event.grid is not None:
                self._grids.append(event.grid)
            if event.value is not None:
                self.settlement_value = event.value
        elif isinstance(event, Trade):
            self.trades += 1
            kind = self._trade | self._sides[event.taker_side]
            when = self._at(moment, event.created_at)
            yield self._row(kind, when, moment, event.price, event.size)
        else:
            yield from self._of_book(moment, event)

    def tick(self) -> Decimal:
        """The tick of all grids; raises where a price is not exactly one of its steps."""
        step = finest_step(self._grids)
        for price, written in self._prices.items():
            self._check(price, written, step, "price")
        return step

    def lot(self) -> Decimal:
        """The lot of all sizes; raises where one is not exactly so many of them."""
        lot = finest_lot(self._lot, self._sizes)
        for size, written in self._sizes.items():
            self._check(size, written, lot, "size")
        return lot

    def _check(self, number: Decimal, written: float, step: Decimal, what: str) -> None:
        """Refuse a number that hftbacktest, which divides and rounds floats, would change."""
        steps = EXACT.divide(number, step)
        is_whole = not EXACT.remainder(number, step)
        is_same = Decimal(repr(written)) == number
        if not (is_whole and is_same and round(written / float(step)) == steps):
            raise BadRequest(
                f"{what} {text(number)} of {self._name} is not exactly a multiple of "
                f"{text(step)} in the floats of hftbacktest"
            )

    def _of_book(self, moment: int, step: BookStep) -> Iterator[_Row]:
        when = self._at(moment, step.timestamp)
        if step.is_whole:
            yield self._clear, when, moment, 0.0, 0.0, 0, 0, 0.0
        kind = self._snapshot if step.is_whole else self._change
        for side, price, size in step.levels:
            yield self._row(kind | self._sides[side], when, moment, price, size)

    def _row(
        self, kind: int, when: int, moment: int, price: Decimal, size: Decimal
    ) -> _Row:
        at, of = _float(self._prices, price), _float(self._sizes, size)
        return kind, when, moment, at, of, 0, 0, 0.0

    def _at(self, moment: int, timestamp: datetime | None) -> int:
        if not self._is_by_venue:
            return moment
        if timestamp is None:
            self._latest = moment
            return moment
        when = (timestamp - _EPOCH) // _MICROSECOND * 1_000
        if when > moment:
            raise BadRequest(
                f"what was received of {self._name} at {moment} ns is of {when} ns by the "
                f"venue's clock, {when - moment} ns later: the clocks disagree, so export with "
                'exchange_times="received"'
            )
        # A venue tells some things by the millisecond and others not at all: what it told
        # later did not happen earlier.
        self._latest = max(self._latest, when)
        return self._latest


def _float(known: dict[Decimal, float], number: Decimal) -> float:
    written = known.get(number)
    if written is None:
        written = known[number] = float(number)
    return written


def _save(numpy: ModuleType, path: Path, array: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        try:
            numpy.savez_compressed(file, data=array)
        except BaseException:
            path.unlink()
            raise


def _libraries() -> tuple[ModuleType, ModuleType]:
    try:
        import numpy  # noqa: ICN001, PLC0415 - an extra, and a parameter above
        from hftbacktest import (  # type: ignore[import-untyped]  # noqa: PLC0415
            types,  # an extra
        )
    except ImportError:
        reason = f"this needs hftbacktest: {installed_by('hftbacktest')}"
    else:
        return numpy, types
    raise ImportError(reason)
