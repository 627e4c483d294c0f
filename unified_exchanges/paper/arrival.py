"""What was before an order arrived, by the venue's time and however late it is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..models import BUY, OrderBook, Trade
from .orders import PaperOrder, nanoseconds

__all__ = ["concerns_early", "is_before", "is_surely_before", "moment_of"]

_MICROSECOND: Final = 1_000
_MILLISECOND: Final = 1_000_000


def moment_of(book: OrderBook) -> int | None:
    """The venue's time of a book; None if it tells none."""
    return None if book.timestamp is None else nanoseconds(book.timestamp)


def is_before(moment: int | None, order: PaperOrder, behind: int) -> bool:
    """Whether what happened at a time of the venue's may have been before an arrival.

    ``behind`` is by how much the clock is behind by which orders arrive.
    """
    if moment is None or order.arrived is None:
        return False
    return moment - behind + _MICROSECOND <= order.arrived


def is_surely_before(moment: int | None, order: PaperOrder, behind: int) -> bool:
    """The same of times of whole milliseconds, in any of which it may have been."""
    later = _MILLISECOND - _MICROSECOND
    return moment is not None and is_before(moment + later, order, behind)


def concerns_early(trade: Trade, orders: Iterable[PaperOrder], behind: int) -> bool:
    """Whether a trade would meet an order of which it is not known where it stands."""
    early = [x for x in orders if x.is_early]
    if not early:
        return False
    lifted, moment = trade.taker_side is BUY, nanoseconds(trade.created_at)
    return any(
        x.buys is not lifted
        and x.reaches(trade.price)
        and not is_before(moment, x, behind)
        for x in early
    )
