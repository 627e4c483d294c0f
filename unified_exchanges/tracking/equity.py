"""Equity: cash and what is held at its marks, of one moment.

Where positions are told late, cash shows a fill that they do not show yet, and equity
would seem lost or won for a while.  There a reading is only *sure* if nothing filled for so
long before it that positions surely show all, and nothing is on its way to be settled.
Between such readings equity is the last sure one, and the fills since, at today's marks.
Of these what stands for good, and is older than positions are late, is summed up once and
never read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from ..errors import GuardTripped
from ..flow import Flow, collect
from ..guards.worst import Claim, opening
from ..models import Balance, Fill, FillState, Order, Position, Side
from ..money import EXACT, ONE, ZERO, complement, total
from .guarded import Guarded

__all__ = ["Equity"]

_Key: TypeAlias = tuple[str, str]
"""Market, and outcome."""

_UNSETTLED: Final = timedelta(minutes=10)
"""For how long a fill may be on its way to be settled."""
_APART: Final = timedelta(seconds=2)
"""By how much the clock of fills may be behind the venue's: it tells whole seconds."""
_PAUSE: Final = 5.0
"""Seconds for which what could not be told is not asked again."""


@attrs.frozen(slots=True, eq=False)
class _Sure:
    """Cash and contracts with all that filled until then in them, by the venue's clock."""

    cash: Decimal
    held: Mapping[_Key, Decimal]
    until: datetime


@attrs.frozen(slots=True, eq=False)
class _Refusal:
    """Why nothing could be told, and when it is asked again: by our monotonic clock."""

    message: str
    at: float
    until: float


class Equity:
    """What an account is worth; ``limit`` is the loss that it is read for."""

    def __init__(
        self, venue: Guarded, first_outcome: str | None, limit: Decimal | None
    ) -> None:
        self._venue = venue
        self._first = first_outcome
        self._limit = limit
        late = venue.positions_late
        self._late = None if late is None else timedelta(seconds=late)
        self._sure: _Sure | None = None
        self._moved_by = ZERO
        self._moved_at: datetime | None = None
        """What of cash fills do not explain, and when that was first seen to be so much."""
        self._refusal: _Refusal | None = None

    @property
    def wants_marks(self) -> bool:
        """Whether positions are to be read with their marks."""
        return self._limit is not None

    def now(self) -> datetime:
        """The venue's clock."""
        seconds = self._venue.clock.now() + self._venue.offset.seconds
        return datetime.fromtimestamp(seconds, UTC)

    def refuse_again(self) -> None:
        """Refuse for what a reading of a moment ago could not tell: nothing is read."""
        refusal, now = self._refusal, self._venue.clock.monotonic()
        if refusal is None or now >= refusal.until:
            return
        message = (
            f"{refusal.message}. That is as of {now - refusal.at:.0f} s ago: the account "
            f"is read again in {refusal.until - now:.0f} s"
        )
        raise GuardTripped(message, guard="max_daily_loss", limit=self._limit)

    def read_equity(
        self, orders: Iterable[Order], held: Sequence[Position], began: datetime
    ) -> Flow[Decimal]:
        """Dollars: cash, what is held at its marks, and what resting orders hold back.

        ``held`` are the positions, whose read began at ``began``.  Raises `GuardTripped`
        where nothing sure can be said yet, or where a mark is missing.
        """
        venue = self._venue
        balance = yield from venue.fetch_balance()
        cash = self._cash(balance, orders, held)
        if balance.position_value is not None:
            worth = balance.position_value
            if any(x.size for x in held):
                worth = yield from self._sold(held, worth)
            return EXACT.add(cash, worth)
        if self._late is None:
            marked = yield from venue.fetch_positions(mark=True)
            return (yield from self._worth(cash, _sizes(marked), marked))
        sure = self._sure
        fills = yield from self._fills(sure, began)
        lately = began - self._late - _APART
        unclear = [
            x
            for x in fills
            if x.created_at > lately
            or (x.state is FillState.PENDING and x.created_at > began - _UNSETTLED)
        ]
        sizes: Mapping[_Key, Decimal] = _sizes(held)
        if sure is None and unclear:
            raise self._unclear(unclear, began)
        # Also while something is unclear: what moved meanwhile is not new after that.
        is_moved = sure is not None and self._is_moved(sure, cash, fills, began)
        if sure is None or not (unclear or is_moved):
            self._sure = _Sure(cash, sizes, lately)
            self._moved_by, self._moved_at = ZERO, None
        else:
            uncounted = [
                x for x in fills if x.fee is None and x.created_at > sure.until
            ]
            if uncounted:
                raise self._uncounted(uncounted, began)
            cash, sizes = _since(sure, fills)
            self._sure = _folded(sure, fills, lately)
        return (yield from self._worth(cash, sizes, held))

    def _sold(self, held: Sequence[Position], told: Decimal) -> Flow[Decimal]:
        """What is held as the venue tells it, or what it could be sold for if that is less.

        By which prices a venue's own sum is made is not documented (Kalshi's reference,
        2026-10): the last one may be far above what anybody bids.  What nobody bids for
        counts for the dollar that it may pay, so that it makes nothing less.
        """
        after = yield from self._venue.fetch_positions(mark=False)
        if _sizes(after) != _sizes(held):
            # Something filled beside the read of cash: it is not of the same moment.
            return told
        units = ((x.size, ONE if x.mark_price is None else x.mark_price) for x in held)
        return min(told, total(EXACT.multiply(size, unit) for size, unit in units))

    # -- cash -----------------------------------------------------------------------

    def _cash(
        self, balance: Balance, orders: Iterable[Order], held: Iterable[Position]
    ) -> Decimal:
        """All cash, also what resting orders hold back of it."""
        if self._late is not None and balance.total is not None:
            return balance.total
        cash = balance.available
        # Where each outcome has its own book, holdings of one cover no order of the other.
        by_book: dict[_Key, list[Order]] = {}
        for order in orders:
            book = order.market_id, self._first or order.outcome
            by_book.setdefault(book, []).append(order)
        for (market_id, outcome), mine in by_book.items():
            told = [x.in_terms_of(outcome) for x in mine]
            claims = [Claim(x.side, x.price, x.remaining) for x in told]
            net = total(
                x.exposure(outcome)
                for x in held
                if x.market_id == market_id and (self._first or x.outcome) == outcome
            )
            cash = EXACT.add(cash, opening(claims, net))
        return cash

    # -- fills that positions do not show yet ---------------------------------------

    def _fills(self, sure: _Sure | None, began: datetime) -> Flow[list[Fill]]:
        """Fills of any program, of all the time that counts."""
        assert self._late is not None
        since = began - max(self._late, _UNSETTLED)
        if sure is not None:
            since = min(since, sure.until)
        # Whole seconds, as the venue is asked.
        since = (since - _APART).replace(microsecond=0)
        return collect(self._venue.fetch_fills(since=since))

    def _is_moved(
        self, sure: _Sure, cash: Decimal, fills: Iterable[Fill], began: datetime
    ) -> bool:
        """Whether cash changed otherwise of late, by a split perhaps: positions follow."""
        assert self._late is not None
        expected, _ = _since(sure, fills)
        moved_by = EXACT.subtract(cash, expected)
        if moved_by != self._moved_by:
            # Also back to nothing: positions may show then what was undone meanwhile.
            self._moved_by, self._moved_at = moved_by, self.now()
        return self._moved_at is not None and began < self._moved_at + self._late

    def _unclear(self, fills: Iterable[Fill], began: datetime) -> GuardTripped:
        assert self._late is not None
        last = max(x.created_at for x in fills)
        left = (last + self._late + _APART - began).total_seconds()
        wait = f"in {left:.0f} s" if left > 0 else "once it is settled"
        message = (
            f"what the account is worth cannot be told yet: something filled at "
            f"{last:%H:%M:%S} UTC, and positions may not show it, while cash does. No "
            f"equity was taken for the day's. Nothing was sent; cancels, and orders that "
            f"only close, go on. Try again {wait}"
        )
        return self._refused(message, min(left, _PAUSE) if left > 0 else _PAUSE)

    def _uncounted(self, fills: Iterable[Fill], began: datetime) -> GuardTripped:
        """Cash shows what it cost once it is read by itself again."""
        assert self._late is not None
        last = max(fills, key=lambda x: x.created_at)
        left = (last.created_at + self._late + _APART - began).total_seconds()
        message = (
            f"what the account is worth cannot be told yet: the fee of what filled at "
            f"{last.created_at:%H:%M:%S} UTC in {last.market_id} is not known, so that a "
            f"loss could be greater than what is counted. Nothing was sent; cancels, and "
            f"orders that only close, go on. Try again once nothing has filled for "
            f"{(self._late + _APART).total_seconds():.0f} s"
        )
        return self._refused(message, min(left, _PAUSE) if left > 0 else _PAUSE)

    def _refused(self, message: str, pause: float) -> GuardTripped:
        """Refuse, and read nothing for that many seconds: it would tell the same."""
        now = self._venue.clock.monotonic()
        self._refusal = _Refusal(message, now, now + pause)
        told = f"{message}; the account is not read again for {pause:.0f} s"
        return GuardTripped(told, guard="max_daily_loss", limit=self._limit)

    # -- marks ----------------------------------------------------------------------

    def _worth(
        self,
        cash: Decimal,
        sizes: Mapping[_Key, Decimal],
        marked: Iterable[Position],
    ) -> Flow[Decimal]:
        """Cash, and so many contracts at their marks."""
        by_key = {(x.market_id, x.outcome): x for x in marked}
        worth = cash
        for key, size in sizes.items():
            if not size:
                continue
            mark = self._mark(by_key.get(key))
            if mark is None:
                mark = yield from self._bid(key)
            worth = EXACT.add(worth, EXACT.multiply(size, mark))
        return worth

    def _mark(self, position: Position | None) -> Decimal | None:
        if position is None:
            return None
        if position.mark_price is not None:
            return position.mark_price
        return self._venue.told_mark(position)

    def _bid(self, key: _Key) -> Flow[Decimal]:
        market_id, outcome = key
        book = yield from self._venue.fetch_order_book(market_id, outcome=outcome)
        if book.bid is None:
            market = yield from self._venue.fetch_market(market_id)
            first = market.settlement_price
            if first is not None:
                # Paid out: its row goes with the redemption, sooner than cash may be sure.
                is_first = outcome == market.outcomes[0].label
                return first if is_first else complement(first)
            message = (
                f"what {outcome} of {market_id} is worth is not told: nobody bids for it "
                "and the venue tells no price, so that no loss can be told. Nothing was "
                "sent; cancels, and orders that only close, go on. Try again, or make the "
                "exchange without max_daily_loss"
            )
            raise self._refused(message, _PAUSE)
        return book.bid.price


def _sizes(held: Iterable[Position]) -> dict[_Key, Decimal]:
    return {(x.market_id, x.outcome): x.size for x in held}


def _since(sure: _Sure, fills: Iterable[Fill]) -> tuple[Decimal, dict[_Key, Decimal]]:
    """Cash and contracts as the fills make them that a sure sum has not."""
    cash, sizes = sure.cash, dict(sure.held)
    for fill in fills:
        if fill.created_at <= sure.until:
            continue
        # A fee that is not known shows as cash that moved by itself.
        cash = EXACT.add(cash, EXACT.subtract(fill.proceeds, fill.fee or ZERO))
        key = fill.market_id, fill.outcome
        size = fill.size if fill.side is Side.BUY else EXACT.minus(fill.size)
        sizes[key] = EXACT.add(sizes.get(key, ZERO), size)
    return cash, sizes


def _folded(sure: _Sure, fills: Sequence[Fill], lately: datetime) -> _Sure:
    """A sum that has in it what surely stands, until the first that may yet fail.

    What is older than ``lately`` is shown by now, so that nothing is told later of a time
    that is summed up.
    """
    open_from = min(
        (x.created_at for x in fills if x.state is not FillState.FINAL), default=None
    )
    final = [
        x
        for x in fills
        if x.created_at <= lately and (open_from is None or x.created_at < open_from)
    ]
    until = max((x.created_at for x in final), default=sure.until)
    if until <= sure.until:
        return sure
    cash, sizes = _since(sure, final)
    return _Sure(cash, {key: size for key, size in sizes.items() if size}, until)
