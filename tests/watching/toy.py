"""A stream without a venue: a test says what happens, and sees what was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, ClassVar

import attrs

from tests.toy import ToyVenue
from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Done, Flow, Request, Response, advance
from unified_exchanges.models import (
    AccountState,
    Gap,
    MarketChange,
    OrderBook,
    Reconnected,
    Resync,
    StreamHealth,
    Subject,
)
from unified_exchanges.models.streams import IDLE
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.settings import Settings
from unified_exchanges.streams.protocol import (
    BookChanged,
    StreamEvent,
    StreamProtocol,
)
from unified_exchanges.watching.feed import Feed
from unified_exchanges.watching.follower import Follower
from unified_exchanges.watching.job import Job

ANSWER = Request("GET", "https://toy.test/anything")


class Change(BookChanged):
    """The book of a market changed."""

    __slots__ = ("market_id",)

    def __init__(self, market_id: str) -> None:
        self.market_id = market_id


@attrs.define
class Fresh:
    """Whether a book still holds."""

    is_over: bool = False

    def is_stale(self) -> bool:
        return self.is_over

    def age(self) -> float:
        return 0.0


class ToyStream(StreamProtocol):
    """Keeps count of what is followed; its books are what a test puts into them."""

    def __init__(self, *, clock: VirtualClock) -> None:
        super().__init__(clock=clock)
        self.followed: Counter[tuple[Subject, str | None]] = Counter()
        self.commands: list[str] = []
        self.books: dict[str, OrderBook] = {}
        self.doubts: list[tuple[str, str]] = []
        self.is_answered = True

    @property
    def is_settled(self) -> bool:
        return self.is_connected and self.is_answered

    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        for name in [None] if market_ids is None else market_ids:
            self.followed[subject, name] += 1
            if self.followed[subject, name] == 1:
                self.commands.append(f"+{subject}:{name}")

    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        for name in [None] if market_ids is None else market_ids:
            assert self.followed[subject, name] > 0
            self.followed[subject, name] -= 1
            if not self.followed[subject, name]:
                self.commands.append(f"-{subject}:{name}")

    def connection_made(self) -> Iterable[StreamEvent]:
        self.is_connected, self.broken = True, ""
        return ()

    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        self.is_connected = False
        at = datetime.fromtimestamp(self.clock.now(), UTC)
        return (Gap(subject=None, reason=reason, at=at),)

    def receive(self, frame: str | bytes) -> Iterable[StreamEvent]:
        return ()

    def heard(self) -> None: ...

    def poll(self) -> Iterable[StreamEvent]:
        return ()

    def next_poll(self) -> float:
        return 1.0

    def data_to_send(self) -> list[str]:
        return []

    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        book = self.books.get(market_id)
        return book.complement(outcome) if book and outcome else book

    def doubt(
        self, market_id: str, reason: str, outcome: str | None = None
    ) -> Iterable[StreamEvent]:
        self.doubts.append((market_id, reason))
        at = datetime.fromtimestamp(self.clock.now(), UTC)
        subject = Subject.ORDER_BOOK
        return (Gap(subject=subject, market_ids=(market_id,), reason=reason, at=at),)

    def health(self) -> StreamHealth:
        return IDLE


class WatchedVenue(ToyVenue):
    """Answers what a test says, or raises it; each read is one request long."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.state: AccountState | Exception = AccountState()
        self.books: dict[str, OrderBook | Exception] = {}
        self.asked: list[Resync] = []
        self.absent: set[str] | Exception = set()
        self.looked_for: list[list[str]] = []
        self.books_read: list[str] = []
        self.ended: dict[str, MarketChange] = {}
        self.trouble: Exception | None = None
        self.looked_up: list[list[str]] = []

    def resync(self, wanted: Resync) -> Flow[AccountState]:
        self.asked.append(wanted)
        yield ANSWER
        return _given(self.state)

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        self.books_read.append(market_id)
        yield ANSWER
        return _given(self.books[market_id])

    def missing_markets(self, market_ids: Sequence[str]) -> Flow[list[str]]:
        self.looked_for.append(list(market_ids))
        yield ANSWER
        absent = _given(self.absent)
        return [name for name in market_ids if name in absent]

    def settled_markets(self, market_ids: Sequence[str]) -> Flow[list[MarketChange]]:
        self.looked_up.append(list(market_ids))
        yield ANSWER
        _given(self.trouble)
        return [self.ended[name] for name in market_ids if name in self.ended]


def _given(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


class Stage:
    """A hub, its stream, its venue, and a clock that a test moves."""

    stream_type: type[ToyStream] = ToyStream
    venue_type: type[WatchedVenue] = WatchedVenue

    def __init__(self, **policy: Any) -> None:
        self.clock = VirtualClock()
        settings = Settings(
            clock=self.clock,
            rng=Random(7),
            environ={},
            environment="demo",
            stream=StreamPolicy(**policy),
        )
        self.venue = self.venue_type(settings)
        self.stream = self.stream_type(clock=self.clock)
        self.calls = 0
        self.feed = Feed(self.stream, self.venue, has_work=self.called)

    def called(self) -> None:
        self.calls += 1

    def connect(self) -> None:
        self.feed.handle(self.stream.connection_made())

    def reconnect(self) -> None:
        self.feed.handle(self.stream.connection_lost("the line broke"))
        self.clock.advance(1)
        at = datetime.fromtimestamp(self.clock.now(), UTC)
        again = Reconnected(at=at, downtime=1.0, attempts=1)
        self.feed.handle([*self.stream.connection_made(), again])

    def tell(self, *events: Any) -> None:
        self.feed.handle(events)

    def join(
        self, subject: Subject, market_ids: Sequence[str] | None = None, **more: Any
    ) -> Follower:
        wish = {"policy": "every", "wake": lambda: None, **more}
        return self.feed.join(subject, market_ids, **wish)

    def show(self, book: OrderBook) -> None:
        """The stream has a new state of a book."""
        self.stream.books[book.market_id] = book
        self.tell(Change(book.market_id))

    def run(self, *, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Do the work that is due; how many jobs that was."""
        jobs = self.feed.jobs()
        for job in jobs:
            perform(job, meanwhile)
        return len(jobs)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and do the work that falls due."""
        end = self.clock.monotonic() + seconds
        while (now := self.clock.monotonic()) < end:
            self.clock.advance(min(max(0.05, self.feed.delay()), end - now))
            while self.run():
                pass


def perform(job: Job[Any], meanwhile: Callable[[], None] = lambda: None) -> None:
    """Run a job as a driver does; ``meanwhile`` happens before its first answer."""
    try:
        step = advance(job.flow, None)
        meanwhile()
        while not isinstance(step, Done):
            step = advance(job.flow, Response(200))
    except Exception as error:  # noqa: BLE001 - as a driver does
        job.failed(error)
    else:
        job.done(step.value)


def drain(follower: Follower) -> list[Any]:
    """All that waits for a follower."""
    found = []
    while (item := follower.mailbox.take()) is not None:
        found.append(item)
    return found


class LateVenue(WatchedVenue):
    """A venue at which fills settle later."""

    settles_late: ClassVar[bool] = True


class LateStage(Stage):
    """A stage of such a venue."""

    venue_type = LateVenue
