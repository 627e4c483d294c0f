"""Where a run goes by the time of a recording: on paper over it, or as it was recorded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final, Protocol, TypeAlias, cast

from ..errors import BadRequest, InvalidOrder, NotRecorded
from ..flow import Flow, Request
from ..models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    OrderRequest,
    Subject,
    Trade,
)
from ..paper import Contract
from ..replaying import Timeline
from ..replaying.answers import Entry
from ..replaying.clock import ReplayClock
from ..replaying.errands import WITHIN
from ..replaying.overhearing import Overhearing
from ..replaying.player import NEVER
from ..venue import Venue
from ..watching.handed import Handed
from ..watching.replay_hub import timeline_of
from .commands import Amend, Command, Place
from .inbox import Item
from .running import request

__all__ = ["Ground", "OnPaper", "OnRecord", "Recorded", "ground_of", "is_recorded"]

_SECOND: Final = 10**9
_WITHIN: Final = (2 * _SECOND, 60 * _SECOND)
"""Nanoseconds before and after now in which a command may have been sent when it was recorded.

A moment passed there between a decision and its request, more where many were under way.
"""
_FED: Final = (
    (OrderBook, Subject.ORDER_BOOK),
    (Trade, Subject.TRADES),
    (MarketChange, Subject.MARKET_STATUS),
)
_Hear: TypeAlias = Callable[[Item], None]


class Recorded(Protocol):
    """An exchange, of either flavour, that a recording answers."""

    venue: Any

    def attend(self, market_id: str) -> None:
        """Follow a market of the recording, on paper."""
        ...

    def hearing(
        self, subject: Subject, market_ids: tuple[str, ...], hear: Callable[[Any], None]
    ) -> Handed:
        """Have somebody called with all that is told."""
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


def is_recorded(venues: Iterable[Venue]) -> bool:
    """Whether a run goes by the time of a recording; raises `BadRequest` if of several.

    Raises `NotRecorded` where the recording has no streams, or has come to its end.
    """
    venues = list(venues)
    found = [x.taps.is_replay for x in venues]
    if any(found) and len(found) > 1:
        raise BadRequest(
            "over a recording a run is on one exchange: each recording has a time of its "
            "own. backtest(strategy, [path, …]) merges several by their time"
        )
    if any(found):
        timeline_of(venues[0])
    return any(found)


def ground_of(exchange: Recorded) -> Ground:
    """That of an exchange of which `is_recorded` says so."""
    if isinstance(exchange.venue, Overhearing):
        return OnPaper(exchange)
    return OnRecord(exchange)


class Ground(ABC):
    """Tells a run what happens in a recording, and makes flows of its commands."""

    has_lasting_ids: ClassVar[bool]
    """See `Session`."""

    def __init__(self, exchange: Recorded) -> None:
        self.exchange = exchange
        self.clock: ReplayClock = exchange.venue.clock
        self.timeline: Timeline = timeline_of(exchange.venue)

    @property
    @abstractmethod
    def closing(self) -> int:
        """When the next market closes by the clock, as the strategy's shows it."""

    @abstractmethod
    def close_markets(self) -> None:
        """Close those whose time has come."""

    @abstractmethod
    def follow(
        self,
        subjects: tuple[Subject, ...],
        contracts: Mapping[str, Contract],
        hear: _Hear,
    ) -> None:
        """Tell all of these markets and of the orders in them, from now on."""

    @abstractmethod
    def drain(self) -> None:
        """Tell what became of orders by now."""

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

    @abstractmethod
    def ended(self, command: Command, error: Exception) -> Order | None:
        """The order that a command came too late for, where that is no failure."""


class OnPaper(Ground):
    """On paper over it: the market is that of the recording, and the account its own."""

    # Nothing ends but by what is told, and messages arrive in order.
    has_lasting_ids = True

    def __init__(self, exchange: Recorded) -> None:
        super().__init__(exchange)
        self._venue: Overhearing = exchange.venue
        self._news = self._venue.house.open_session()

    @property
    def closing(self) -> int:
        """When the next market closes by the clock, as the strategy's shows it."""
        return self._venue.closing

    def close_markets(self) -> None:
        """Close those whose time has come."""
        self._venue.close_markets()

    def follow(
        self,
        subjects: tuple[Subject, ...],
        contracts: Mapping[str, Contract],
        hear: _Hear,
    ) -> None:
        """Tell what the account hears, before it makes anything of it."""
        self._hear = hear
        self._kinds = (Gap, *(kind for kind, x in _FED if x in subjects))
        on_the_wire = self.exchange.venue.on_the_wire
        for subject in subjects:
            self.timeline.check(on_the_wire, subject, tuple(contracts))
        self._venue.overhear(self._told)
        self._venue.house.hang(self.drain)
        for contract in contracts.values():
            # First, so that the account misses nothing of what is told.
            self._venue.house.admit(contract)
            self.exchange.attend(contract.market_id)

    def _told(self, event: object) -> None:
        # What became of orders by what was told before comes before this.
        self.drain()
        if isinstance(event, self._kinds):
            self._hear(cast("Item", event))

    def drain(self) -> None:
        """Tell what became of orders by now."""
        for news in self._news.take(NEVER):
            self._hear(cast("Item", news))

    def check(self) -> None:
        """The account is told no errors of a stream: it hears no more."""

    def leave(self) -> None:
        """Tell no more."""
        self._venue.house.take_down(self.drain)
        self._venue.house.close_session(self._news)

    def _of_one(
        self, command: Command, place: Place, order_id: str | None
    ) -> Flow[Order]:
        # The account knows its orders by our keys as well.
        return super()._of_one(command, place, order_id or place.key)

    def claim(self, request: Request, since: int | None) -> Entry:
        """What was recorded of a read of the market."""
        del since  # on paper it waits for as long as messages take
        return self.timeline.answers.claim(request, WITHIN)

    def ended(self, command: Command, error: Exception) -> Order | None:
        """One that ended by itself, which is on its way: nothing is left to change."""
        if isinstance(command, Amend) and type(error) is InvalidOrder:
            order = self._venue.house.find(command.key)
            return None if order is None or order.is_open else order
        return None


class OnRecord(Ground):
    """As it was recorded: orders, fills and answers are those that there were then."""

    has_lasting_ids = False

    def __init__(self, exchange: Recorded) -> None:
        super().__init__(exchange)
        self._handed: list[Handed] = []

    @property
    def closing(self) -> int:
        """Never by the clock: what closes then was told when it did."""
        return NEVER

    def close_markets(self) -> None:
        """They close by what is told."""

    def drain(self) -> None:
        """It was told as it came."""

    def follow(
        self,
        subjects: tuple[Subject, ...],
        contracts: Mapping[str, Contract],
        hear: _Hear,
    ) -> None:
        """Tell what the streams of the exchange tell, the account's first."""
        names = tuple(contracts)

        def of_account(news: object) -> None:
            if isinstance(news, Order | Fill):
                hear(news)

        def of_market(news: object) -> None:
            if isinstance(news, OrderBook | Trade | MarketChange):
                hear(news)

        def of_books(news: object) -> None:
            if isinstance(news, OrderBook | Gap):
                hear(news)

        ears: dict[Subject, Callable[[object], None]] = {
            Subject.ORDERS: of_account,
            Subject.FILLS: of_account,
            Subject.ORDER_BOOK: of_books,
        }
        for subject in (
            Subject.ORDERS,
            Subject.FILLS,
            *(x for _, x in _FED if x in subjects),
        ):
            ear = ears.get(subject, of_market)
            self._handed.append(self.exchange.hearing(subject, names, ear))

    def check(self) -> None:
        """Raise what broke a stream."""
        for handed in self._handed:
            if handed.is_over:
                handed.check()

    def leave(self) -> None:
        """Tell no more."""
        for handed in self._handed:
            handed.close()

    def claim(self, request: Request, since: int | None) -> Entry:
        """The same request, sent about now when it was recorded; raises `NotRecorded`."""
        answers = self.timeline.answers
        try:
            return answers.claim(request, _WITHIN, since=since)
        except NotRecorded as error:
            raise NotRecorded(
                f"the strategy decides otherwise, or at another time, than when it was "
                f"recorded: {error}{answers.nearest(request)}. Nothing was sent. To run "
                'what was not recorded use exchange("paper", source="replay", path=…) or '
                "backtest(strategy, path, contracts=…)",
                request=f"{request.method} {request.url}",
            ) from None

    def ended(self, command: Command, error: Exception) -> Order | None:
        """What was refused then is refused again."""
        del command, error
        return None
