"""What a strategy is told in a backtest, and what its desk knows by then."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TypeAlias

from ..errors import BadRequest
from ..models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    OrderStatus,
    Settlement,
    Subject,
    Trade,
)
from ..money import text
from ..paper import PaperEngine, PaperEvent
from ..paper.account import Account
from ..paper.pit import Pit
from ..paper.refusals import error_of, refusal_told
from ..strategies import Desk, Failure, Place, Strategy
from ..strategies.beginning import read_subjects
from ..strategies.hearing import gaps_of, lose_emptied
from ..strategies.own import is_old
from .guarding import Guarding
from .hindsight import as_known

__all__ = ["Teller", "Told"]

Told: TypeAlias = (
    OrderBook | Trade | MarketChange | Gap | Order | Fill | Settlement | Failure
)


class Teller:
    """Tells one strategy what concerns it, at its desk.

    ``failures`` are those that it was told.
    """

    guarding: Guarding
    """Who is told of orders as the strategy is."""

    def __init__(self, strategy: Strategy, engine: PaperEngine) -> None:
        self.strategy = strategy
        self.failures: list[Failure] = []
        self._engine = engine
        self._books: dict[str, OrderBook] = {}
        self._followed = _read_markets(strategy, engine.pits)
        self._subjects = frozenset(read_subjects(strategy))
        self._gaps = gaps_of(self._subjects)
        self.desk = Desk(
            # As live: of other markets the strategy knows nothing, and trades none.
            [x.contract for name, x in engine.pits.items() if name in self._followed],
            Account(engine.cash),
            book=self._books.get if engine.delays.event else self._newest,
        )

    def _newest(self, market_id: str) -> OrderBook | None:
        return self._engine.pits[market_id].latest

    def followed_book(self, market_id: str) -> OrderBook | None:
        """The book that was told last; None for a strategy that follows no books."""
        is_followed = Subject.ORDER_BOOK in self._subjects
        return self.desk.book(market_id) if is_followed else None

    def look_back(self, moment: int) -> None:
        """Take markets that were read later as they could be known: their end is told."""
        for market_id, pit in self._engine.pits.items():
            known = as_known(pit.contract, moment)
            pit.status = known.market.status
            if market_id in self._followed:
                self.desk.know(known)

    def hears_books(self, market_id: str) -> bool:
        """Whether it is told the books of a market."""
        return Subject.ORDER_BOOK in self._subjects and market_id in self._followed

    def is_wanted(self, event: PaperEvent) -> bool:
        """Whether it, or its desk, has to know of an event."""
        if isinstance(event, Gap):
            names = event.market_ids or self._engine.pits
            return any(
                # As live: of the other outcome's book nobody was told.
                event.outcome in (None, self._engine.pits[name].outcome)
                for name in names
                if name in self._followed
            )
        if isinstance(event, MarketChange):
            # The desk has to know, whether the strategy is told or not.
            return event.market_id in self._followed
        subject = Subject.TRADES if isinstance(event, Trade) else Subject.ORDER_BOOK
        return event.market_id in self._followed and (
            subject in self._subjects or isinstance(event, OrderBook)
        )

    def is_news(self, event: OrderBook | Trade | MarketChange) -> bool:
        """Whether it is something of what it follows, and not only what its desk knows."""
        if isinstance(event, MarketChange):
            return Subject.MARKET_STATUS in self._subjects
        return isinstance(event, OrderBook) or Subject.TRADES in self._subjects

    def untold(self, told: Collection[str]) -> list[str]:
        """Its markets that are not among these, with their venues, in their order."""
        return [
            f"{pit.contract.market.venue}:{name}"
            for name, pit in self._engine.pits.items()
            if name in self._followed and name not in told
        ]

    def tell(self, told: Told) -> None:
        """Tell it, and have the desk know."""
        desk, strategy = self.desk, self.strategy
        if isinstance(told, OrderBook):
            self._books[told.market_id] = told
            if Subject.ORDER_BOOK in self._subjects:
                strategy.on_book(desk, told)
        elif isinstance(told, Trade):
            market = desk.market(told.market_id)
            strategy.on_trade(desk, told.in_first_terms(market))
        elif isinstance(told, Fill):
            self.guarding.told(told)
            desk.told_fill(told)
            strategy.on_fill(desk, told)
        elif isinstance(told, Order):
            self._order(told)
        elif isinstance(told, Failure):
            self._fail(told)
        elif isinstance(told, Settlement):
            self.guarding.told(told)
            desk.told_settlement(told)
        elif isinstance(told, MarketChange):
            self._change(told)
        else:
            self._gap(told)

    def _change(self, change: MarketChange) -> None:
        lose_emptied(self._books, self.desk.contract(change.market_id), change)
        self.desk.told_change(change)
        if Subject.MARKET_STATUS in self._subjects:
            self.strategy.on_status(self.desk, change)

    def _gap(self, gap: Gap) -> None:
        if gap.is_of_books:
            for market_id in gap.market_ids or tuple(self._books):
                self._books.pop(market_id, None)
        if gap.subject in self._gaps:
            self.strategy.on_gap(self.desk, gap)

    def _order(self, order: Order) -> None:
        key = order.client_order_id
        assert key is not None
        self.guarding.told(order)
        if order.status is OrderStatus.REJECTED:
            reason = json.loads(order.raw_json)["reason"]
            place = self.desk.placed(key)
            error = error_of(reason)(
                refusal_told(_asked(place), reason),
                venue=order.venue,
                client_order_id=key,
            )
            self._fail(Failure(command=place, error=error))
            return
        if is_old(self.desk.order(key), order):
            return  # as live: a change that changes nothing is no news
        self.desk.told_order(order, key)
        self.strategy.on_order(self.desk, order)

    def _fail(self, failure: Failure) -> None:
        self.failures.append(failure)
        if isinstance(failure.command, Place):
            self.desk.forget(failure.command.key)
        self.strategy.on_failure(self.desk, failure)


def _asked(place: Place) -> str:
    """What was asked for, as live an order is named that was refused."""
    return (
        f"{place.side} {text(place.size)} {place.outcome} of {place.market_id} "
        f"at {text(place.price)}"
    )


def _read_markets(strategy: Strategy, pits: Mapping[str, Pit]) -> frozenset[str]:
    found = set()
    for name in strategy.markets:
        venue, _, rest = name.partition(":")
        is_named = rest in pits and pits[rest].contract.market.venue == venue
        market_id = rest if is_named else name
        if market_id not in pits:
            known = ", ".join(sorted(pits)) or "none"
            raise BadRequest(f"no contract was given for {name!r}; there are: {known}")
        found.add(market_id)
    return frozenset(found or pits)
