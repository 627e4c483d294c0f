"""What a run in the time of a recording asks of where it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol, TypeAlias

from ..errors import BadRequest
from ..flow import Flow, Request
from ..models import Fill, Order, OrderBook, Settlement, Subject
from ..paper import Contract
from ..replaying import Timeline
from ..replaying.answers import Entry
from ..replaying.clock import ReplayClock
from ..venue import Venue
from ..watching.handed import Handed
from ..watching.replay_hub import timeline_of
from .commands import Command, Place
from .flows import Sending, flow_of
from .waiting import Item

__all__ = ["BookOf", "Ground", "Hear", "Recorded", "alone"]

BookOf: TypeAlias = Callable[[str], OrderBook | None]
"""The book that is known of a market."""
Hear: TypeAlias = Callable[[Item], None]


class Recorded(Sending, Protocol):
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

    def judge_by(self, books: BookOf) -> Callable[[], None]:
        """Hold prices against these books, until what is returned is called."""
        ...


@contextmanager
def alone(venue: Venue) -> Generator[None]:
    """Have no other run over the same recording meanwhile; raises `BadRequest` if one is."""
    timeline = timeline_of(venue)
    with timeline.lock:
        if timeline.has_run:
            raise BadRequest(
                "another run over this recording goes on, on the same exchange, and plays it "
                "past this one: nothing was begun. Let them run one after another, or each "
                "on an exchange of its own, made with path= anew"
            )
        timeline.has_run = True
    try:
        yield
    finally:
        timeline.has_run = False


class Ground(ABC):
    """Tells a run what happens in a recording, and makes flows of its commands."""

    has_lasting_ids: ClassVar[bool]
    """See `Session`."""
    waits: ClassVar[bool]
    """Whether a command waits between two tries: else the next is answered when it was."""
    room: ClassVar[int | None]
    """For how many orders there is room at a time, and cancels; None: for all."""

    def __init__(self, exchange: Recorded) -> None:
        self.exchange = exchange
        self.clock: ReplayClock = exchange.venue.clock
        self.timeline: Timeline = timeline_of(exchange.venue)
        self.origin = self.clock.moment
        """When the run began."""

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
        book_of: BookOf,
    ) -> None:
        """Tell all of these markets and of the orders in them, from now on.

        ``book_of`` gives the book of a market that the strategy was told last.
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

    def flow(
        self,
        command: Command,
        place: Place,
        order_id: str | None,
        *,
        is_end: bool,
    ) -> Flow[Order]:
        """What a command does; see `flow_of`."""
        return flow_of(self.exchange, command, place, order_id, is_end=is_end)

    @abstractmethod
    def left_at(self, command: Command, order_id: str | None) -> int | None:
        """When a change left in the recording, if that is known."""

    def is_of_end(self, cancel: Entry) -> bool:
        """Whether a cancel that is recorded was one of those that end a run."""
        del cancel
        return False

    @abstractmethod
    def claim(
        self,
        request: Request,
        since: int | None,
        *,
        within: tuple[int, int] | None = None,
        is_at_once: bool = False,
        is_before: bool = False,
    ) -> Entry:
        """What was recorded of a request of a command; raises `NotRecorded`.

        ``since`` is when it began to wait before that, such as between two tries, or had
        come to that in the recording.  ``within`` is how many nanoseconds before and after
        that it began, where that is known.
        ``is_at_once`` is of one that has left by now, or never did, and ``is_before`` of a
        read before a change of which ``within`` knows when it left.
        """
