"""What a run hears of its markets and of its orders, in the order of the streams."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final, Protocol

from ..models import Fill, Gap, MarketChange, Order, OrderBook, Subject
from ..paper import Contract
from ..paper.engine import HEARD
from ..watching.handed import Handed

__all__ = ["Heard", "gaps_of", "heard", "lose_emptied"]

_KINDS: Final[dict[Subject, tuple[type, ...]]] = {
    Subject.ORDERS: (Order, Fill),
    Subject.FILLS: (Order, Fill),
    **{subject: (kind,) for subject, kind in HEARD.items()},
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
    followed = [x for x in HEARD if x in subjects]
    gaps: dict[Subject, frozenset[Subject | None]] = {
        # One that is of everything comes to each of them, and is told by the first.
        x: gaps_of([x]) if x is followed[0] else frozenset({x})
        for x in followed
    }
    return [
        exchange.hearing(
            x, names, partial(_hear, _KINDS[x], gaps.get(x, frozenset()), hear)
        )
        for x in (Subject.ORDERS, Subject.FILLS, *followed)
    ]


def _hear(
    kinds: tuple[type, ...],
    gaps: Collection[Subject | None],
    hear: Callable[[Any], None],
    news: object,
) -> None:
    is_told = news.subject in gaps if isinstance(news, Gap) else isinstance(news, kinds)
    if is_told:
        hear(news)


def gaps_of(subjects: Collection[Subject]) -> frozenset[Subject | None]:
    """What a gap is of in which something of these subjects of a market may be missed."""
    return frozenset([None, *subjects]) if subjects else frozenset()


def lose_emptied(
    books: dict[str, OrderBook], contract: Contract, change: MarketChange
) -> None:
    """Forget what is shown from before, where a change cancels all of it.

    It may have been told before, or is told next: nobody can say.
    """
    book = books.get(change.market_id)
    if book is None or not (book.bids or book.asks):
        return
    if contract.is_emptied(contract.market.status, change.status):
        del books[change.market_id]
