"""What a run hears of its markets and of its orders, in the order of the streams."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from ..models import Fill, Gap, MarketChange, Order, OrderBook, Subject, Trade
from ..paper.engine import HEARD
from ..watching.handed import Handed

__all__ = ["Heard", "heard"]

_KINDS: Final[dict[Subject, tuple[type, ...]]] = {
    Subject.ORDERS: (Order, Fill),
    Subject.FILLS: (Order, Fill),
    # A gap is told once, by who follows the books.
    Subject.ORDER_BOOK: (OrderBook, Gap),
    Subject.TRADES: (Trade,),
    Subject.MARKET_STATUS: (MarketChange,),
}


class Heard(Protocol):
    """An exchange of either flavour, as a run hears it."""

    def hearing(
        self, subject: Subject, market_ids: tuple[str, ...], hear: Callable[[Any], None]
    ) -> Handed:
        """Have somebody called with all that is told."""
        ...


def heard(
    exchange: Heard,
    names: tuple[str, ...],
    subjects: tuple[Subject, ...],
    hear: Callable[[Any], None],
) -> list[Handed]:
    """Have all told of orders in these markets, and of these subjects, the account's first."""
    followed = (
        Subject.ORDERS,
        Subject.FILLS,
        *(x for x in HEARD if x in subjects),
    )
    return [
        exchange.hearing(x, names, partial(_hear, _KINDS[x], hear)) for x in followed
    ]


def _hear(kinds: tuple[type, ...], hear: Callable[[Any], None], news: object) -> None:
    if isinstance(news, kinds):
        hear(news)
