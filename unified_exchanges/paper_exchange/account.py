"""What the account on paper has done and holds: read from the broker, after a look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, TypeVar

from ..errors import (
    ArgumentsRequired,
    JournalError,
    OrderNotFound,
    UnifiedExchangesError,
)
from ..flow import Flow, Pages, collect
from ..models import (
    AccountState,
    Balance,
    Fill,
    Order,
    Params,
    Position,
    Resync,
    Settlement,
    Subject,
)
from ..venue.arguments import Arguments, Span
from ..venue.merging import given
from .looking import UNREADABLE, Looking

__all__ = ["ARGUMENTS", "OnAccount"]

T = TypeVar("T", Order, Fill)

ARGUMENTS: Final = Arguments(
    venue="paper", people="paper", ids="what fetch_markets() and create_order() give"
)


class OnAccount(Looking):
    """Reads the account."""

    def venue_now(self) -> datetime:
        """The source's time."""
        return datetime.fromtimestamp(self.clock.now() + self.offset.seconds, UTC)

    def until_fresh(
        self, since: datetime, *, urgent: bool = False
    ) -> Flow[UnifiedExchangesError | None]:
        """At once: the broker forgets nothing, and nothing of it is late."""
        del since, urgent
        yield from self.awake()
        return None

    # -- orders ---------------------------------------------------------------------

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """One order, by either id."""
        if (order_id is None) == (client_order_id is None):
            message = "give order_id or client_order_id, one of them"
            raise ArgumentsRequired(message, venue=self.id)
        yield from self.look_around()
        found = (
            self.present(order_id)
            if order_id is not None
            else self.broker.find_client(client_order_id or "")
        )
        if found is None or market_id not in (None, found.market_id):
            raise self.unknown_order(order_id or client_order_id)
        return self.in_terms(found, outcome)

    def present(self, order_id: str) -> Order:
        """An order that was placed; raises `OrderNotFound`."""
        found = self.broker.find(order_id)
        if found is None:
            raise self.unknown_order(order_id)
        return found

    def unknown_order(self, name: object) -> OrderNotFound:
        """The error for an order that was never placed here."""
        message = f"no order {name!r} was placed on this paper"
        return OrderNotFound(message, venue=self.id)

    def in_terms(self, told: T, outcome: str | None) -> T:
        """An order or a fill of the outcome that is asked for, or of the first."""
        if self.first_outcome is None:
            return told
        market = self.broker.market(told.market_id)
        label = market.outcome(outcome).label
        return told.in_terms_of(label)

    def fetch_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our orders, newest first."""
        del ahead
        wanted = self._wanted(market_id, event_id, outcome, since, until, params)
        ARGUMENTS.read_limit(limit)
        return self._listed(self.broker.orders, wanted, outcome)

    def fetch_open_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our resting orders, newest first."""
        del ahead
        wanted = self._wanted(market_id, event_id, outcome, None, None, params)
        ARGUMENTS.read_limit(limit)
        return self._listed(self.broker.open_orders, wanted, outcome)

    def fetch_closed_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our orders that no longer rest, newest first."""
        del ahead
        wanted = self._wanted(market_id, event_id, outcome, since, until, params)
        ARGUMENTS.read_limit(limit)

        def closed() -> list[Order]:
            return [x for x in self.broker.orders() if not x.is_open]

        return self._listed(closed, wanted, outcome)

    def fetch_fills(
        self,
        *,
        market_id: str | None = None,
        order_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Fill]:
        """Our executions, newest first."""
        del ahead
        wanted = self._wanted(market_id, None, outcome, since, until, params)
        ARGUMENTS.read_limit(limit)

        def fills() -> list[Fill]:
            found = reversed(self.broker.events.fills)
            return [x for x in found if order_id in (None, x.order_id)]

        return self._listed(fills, wanted, outcome)

    def _wanted(
        self,
        market_id: str | None,
        event_id: str | None,
        outcome: str | None,
        since: datetime | None,
        until: datetime | None,
        params: Params | None,
    ) -> _Wanted:
        ARGUMENTS.read_params(params, (), {})
        return _Wanted(
            ARGUMENTS.read_optional_id("market_id", market_id),
            ARGUMENTS.read_optional_id("event_id", event_id),
            None if self.first_outcome is not None else outcome,
            ARGUMENTS.read_span(since, until),
        )

    def _listed(
        self, read: Callable[[], Iterable[T]], wanted: _Wanted, outcome: str | None
    ) -> Pages[T]:
        yield from self.look_around()
        yield from self._require(wanted)
        found = [x for x in read() if self._is_wanted(x, wanted)]
        yield from given([self.in_terms(x, outcome) for x in found])

    def _require(self, wanted: _Wanted) -> Flow[None]:
        """A market or event that does not exist must not look like nothing done there."""
        if wanted.market_id is not None and not self.broker.has_market(
            wanted.market_id
        ):
            yield from self.source.fetch_market(wanted.market_id)
        if wanted.event_id is not None:
            yield from self.source.fetch_event(wanted.event_id)

    def _is_wanted(self, told: Order | Fill | Settlement, wanted: _Wanted) -> bool:
        market = self.broker.market(told.market_id)
        if wanted.market_id not in (None, told.market_id):
            return False
        if wanted.event_id not in (None, market.event_id):
            return False
        moment = told.settled_at if isinstance(told, Settlement) else told.created_at
        if not wanted.span.holds(moment):
            return False
        if wanted.outcome is None or isinstance(told, Settlement):
            return True
        return market.outcome(wanted.outcome).label == told.outcome

    # -- cash and contracts ---------------------------------------------------------

    def fetch_balance(self, *, params: Params | None = None) -> Flow[Balance]:
        """Cash, and what of it open orders leave."""
        ARGUMENTS.read_params(params, (), {})
        yield from self.look_around()
        return self._balance()

    def _balance(self) -> Balance:
        return Balance(
            venue=self.id,
            available=self.broker.available,
            total=self.broker.cash,
            currency=self.facts.currency,
            updated_at=self.venue_now(),
        )

    def fetch_positions(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        mark: bool = True,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Flow[list[Position]]:
        """What is held, marked at the best bid of the source's book."""
        wanted = self._wanted(market_id, event_id, None, None, None, params)
        most = ARGUMENTS.read_limit(limit)
        yield from self.look_around()
        yield from self._require(wanted)
        held = [
            x
            for x in self.broker.positions()
            if market_id in (None, x.market_id) and event_id in (None, x.event_id)
        ][:most]
        if not mark:
            return held
        marked: list[Position] = []
        for position in held:
            if position.mark_price is None:
                marked.append((yield from self.marked(position)))
            else:
                marked.append(position)
        return marked

    def marked(self, position: Position) -> Flow[Position]:
        """What is held of a market whose book no stream tells."""
        try:
            book = yield from self.source.fetch_order_book(
                position.market_id, outcome=position.outcome, depth=1
            )
        except UNREADABLE:  # told by the look before: it is worth what nobody knows
            return position
        return position.marked_at(None if book.bid is None else book.bid.price)

    def fetch_settlements(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Settlement]:
        """Positions that were paid out, newest first."""
        del ahead
        wanted = self._wanted(market_id, event_id, None, since, until, params)
        ARGUMENTS.read_limit(limit)
        return self._settlements(wanted)

    def _settlements(self, wanted: _Wanted) -> Pages[Settlement]:
        yield from self.look_around()
        yield from self._require(wanted)
        found = reversed(self.broker.events.settlements)
        yield from given([x for x in found if self._is_wanted(x, wanted)])

    def resync(self, wanted: Resync) -> Flow[AccountState]:
        """All that a stream may have lost: the broker has it."""
        try:
            yield from self.look_around()
        except JournalError as error:
            # The file may be written again by and by: no reason to follow nothing any more.
            error.retryable = True
            raise
        orders: list[Order] = []
        if Subject.ORDERS in wanted.subjects:
            asked = {x.order_id for x in wanted.open_orders} | wanted.strangers
            orders = [
                self.in_terms(x, None)
                for x in self.broker.orders()
                if x.is_open
                or x.order_id in asked
                or x.created_at is None
                or x.created_at >= wanted.since
            ]
        fills: list[Fill] = []
        if Subject.FILLS in wanted.subjects:
            fills = yield from collect(self.fetch_fills(since=wanted.since))
        positions: list[Position] = []
        if Subject.POSITIONS in wanted.subjects:
            positions = self.broker.positions()
        return AccountState(
            orders=tuple(orders),
            fills=tuple(fills),
            positions=tuple(positions),
            balance=self._balance(),
            settlements=tuple(
                x
                for x in self.broker.events.settlements
                if x.market_id in wanted.unexplained
            ),
        )


class _Wanted:
    """What a listing is asked for; ``outcome`` only where each has its own orders."""

    __slots__ = ("event_id", "market_id", "outcome", "span")

    def __init__(
        self,
        market_id: str | None,
        event_id: str | None,
        outcome: str | None,
        span: Span,
    ) -> None:
        self.market_id = market_id
        self.event_id = event_id
        self.outcome = outcome
        self.span = span
