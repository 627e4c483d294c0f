"""What a run in the time of a recording asks of where it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Protocol, TypeAlias

from ..flow import Flow, Request
from ..models import Fill, Order, OrderBook, OrderRequest, Settlement, Subject
from ..paper import Contract
from ..replaying import Timeline
from ..replaying.answers import Entry
from ..replaying.clock import ReplayClock
from ..watching.handed import Handed
from ..watching.replay_hub import timeline_of
from .commands import Amend, Command, Place
from .running import request
from .waiting import Item

__all__ = ["Ground", "Hear", "Recorded", "Told"]

Hear: TypeAlias = Callable[[Item], None]
Told: TypeAlias = Callable[[str], OrderBook | None]


class Recorded(Protocol):
    """An exchange, of either flavour, that a recording answers."""

    venue: Any

    @property
    def is_dry_run(self) -> bool:
        """Whether it answers every write itself."""
        ...

    def attend(self, market_id: str) -> None:
        """Follow a market of the recording, on paper."""
        ...

    def hearing(
        self, subject: Subject, market_ids: tuple[str, ...], hear: Callable[[Any], None]
    ) -> Handed:
        """Have somebody called with all that is told."""
        ...

    def learn(self, told: Order | Fill | Settlement) -> None:
        """Have its guards know what was told of the account past its stream."""
        ...

    def judge_by(self, books: Told) -> Callable[[], None]:
        """Hold prices against these books, until what is returned is called."""
        ...

    def placing(self, order: OrderRequest) -> Flow[Order]:
        """The flow of a create."""
        ...

    def looking(
        self, *, client_order_id: str, market_id: str, outcome: str
    ) -> Flow[Order]:
        """The flow of a read of one order."""
        ...

    def changing(
        self,
        order_id: str,
        *,
        market_id: str,
        outcome: str,
        price: Decimal | None,
        size: Decimal | None,
    ) -> Flow[Order]:
        """The flow of a change."""
        ...

    def cancelling(self, order_id: str, *, market_id: str) -> Flow[Order]:
        """The flow of a cancel."""
        ...


class Ground(ABC):
    """Tells a run what happens in a recording, and makes flows of its commands."""

    has_lasting_ids: ClassVar[bool]
    """See `Session`."""
    waits: ClassVar[bool]
    """Whether a command waits between two tries: else the next is answered when it was."""

    def __init__(self, exchange: Recorded) -> None:
        self.exchange = exchange
        self.clock: ReplayClock = exchange.venue.clock
        self.timeline: Timeline = timeline_of(exchange.venue)

    @property
    @abstractmethod
    def closing(self) -> int:
        """When the next market closes by the clock, as the strategy's shows it."""

    @property
    @abstractmethod
    def sent(self) -> int:
        """Counts what has left."""

    @abstractmethod
    def close_markets(self) -> None:
        """Close those whose time has come."""

    @abstractmethod
    def follow(
        self,
        subjects: tuple[Subject, ...],
        contracts: Mapping[str, Contract],
        hear: Hear,
        told: Told,
    ) -> None:
        """Tell all of these markets and of the orders in them, from now on.

        ``told`` gives the book of a market that the strategy was told last.
        """

    @abstractmethod
    def drain(self) -> None:
        """Tell what became of orders by now."""

    @abstractmethod
    def note(self, item: Item) -> None:
        """The strategy is told next: the guards learn it now, if they have not."""

    @abstractmethod
    def check(self) -> None:
        """Raise what broke a stream."""

    @abstractmethod
    def leave(self) -> None:
        """Tell no more."""

    def flow(self, command: Command, place: Place, order_id: str | None) -> Flow[Order]:
        """What a command does; ``order_id`` is None as long as it is not known."""
        if isinstance(command, Place):
            return self.exchange.placing(request(place))
        return self._of_one(command, place, order_id)

    def _of_one(
        self, command: Command, place: Place, order_id: str | None
    ) -> Flow[Order]:
        if order_id is None:
            found = yield from self.exchange.looking(
                client_order_id=place.key,
                market_id=place.market_id,
                outcome=place.outcome,
            )
            order_id = found.order_id
        if isinstance(command, Amend):
            return (
                yield from self.exchange.changing(
                    order_id,
                    market_id=place.market_id,
                    outcome=place.outcome,
                    price=command.price,
                    size=command.size,
                )
            )
        return (
            yield from self.exchange.cancelling(order_id, market_id=place.market_id)
        )

    @abstractmethod
    def claim(self, request: Request, since: int | None) -> Entry:
        """What was recorded of a request of a command; raises `NotRecorded`.

        ``since`` is when it began to wait before that, such as between two tries.
        """
