"""Outcomes that have books of their own, told by a stream that knows which is which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.errors import BadRequest
from unified_exchanges.flow import Flow
from unified_exchanges.models import (
    AccountState,
    Gap,
    Level,
    OrderBook,
    Subject,
    Ticker,
    Trade,
)
from unified_exchanges.streams.protocol import (
    BookWanted,
    Refused,
    StreamEvent,
    Unheard,
)

from .samples import fill, moment, position
from .toy import ANSWER, Change, Fresh, Stage, ToyStream, WatchedVenue, drain

BOOK, TICKER, FILLS = Subject.ORDER_BOOK, Subject.TICKER, Subject.FILLS
POSITIONS = Subject.POSITIONS
D = Decimal


class OwnChange(Change):
    """The book of one outcome changed."""

    __slots__ = ("outcome",)

    def __init__(self, market_id: str, outcome: str) -> None:
        super().__init__(market_id)
        self.outcome = outcome

    @property
    def own_outcome(self) -> str | None:
        return self.outcome


class OwnStream(ToyStream):
    """Each outcome has a book; the first is ``up``.  Positions are not told."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.tells_positions = False
        self.own: dict[tuple[str, str], OrderBook] = {}
        self.loaded: list[OrderBook] = []
        self.wishes: list[tuple[str, Any, str | None]] = []
        self.own_doubts: list[tuple[str, str | None]] = []

    def follow(self, subject: Any, market_ids: Any, outcome: Any = None) -> None:
        super().follow(subject, market_ids, outcome)
        self.wishes.append(("+", market_ids, outcome))

    def unfollow(self, subject: Any, market_ids: Any, outcome: Any = None) -> None:
        super().unfollow(subject, market_ids, outcome)
        self.wishes.append(("-", market_ids, outcome))

    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        return self.own.get((market_id, outcome or "up"))

    def concerns(self, market_id: str, outcome: str | None, wish: str | None) -> bool:
        return outcome in {None, wish or "up"}

    def seen_from(
        self, quote: Ticker | Trade, wish: str | None
    ) -> Ticker | Trade | None:
        return quote if quote.outcome == (wish or "up") else None

    def doubt(
        self, market_id: str, reason: str, outcome: str | None = None
    ) -> Iterable[StreamEvent]:
        self.own_doubts.append((market_id, outcome))
        return super().doubt(market_id, reason, outcome)

    def load(self, book: OrderBook) -> Iterable[StreamEvent]:
        self.loaded.append(book)
        self.own[book.market_id, book.outcome] = book
        return (OwnChange(book.market_id, book.outcome),)


class OwnVenue(WatchedVenue):
    """Nothing is told in terms of the first outcome."""

    first_outcome = None

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.read: list[tuple[str, str | None]] = []
        self.rest: dict[str, OrderBook | Exception] = {}
        self.together: list[list[str]] = []

    def fetch_order_books(
        self,
        market_ids: Sequence[str],
        *,
        outcome: str | None = None,
        depth: int | None = None,
    ) -> Flow[dict[str, OrderBook]]:
        self.together.append(list(market_ids))
        yield ANSWER
        found = self.rest[outcome or "up"]
        if isinstance(found, Exception):
            raise found
        return dict.fromkeys(market_ids, found)

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        self.read.append((market_id, outcome))
        yield ANSWER
        found = self.rest[outcome or "up"]
        if isinstance(found, Exception):
            raise found
        return found


def book(outcome: str, price: str = "0.4", *, fresh: Any = None) -> OrderBook:
    return OrderBook(
        venue="toy",
        market_id="A",
        outcome=outcome,
        bids=(Level(D(price), D(1)),),
        asks=(),
        timestamp=moment(0),
        freshness=fresh or Fresh(),
    )


class OwnStage(Stage):
    stream_type = OwnStream
    venue_type = OwnVenue

    stream: Any
    venue: Any

    def change(self, outcome: str, price: str = "0.4", *, fresh: Any = None) -> None:
        self.stream.own["A", outcome] = book(outcome, price, fresh=fresh)
        self.tell(OwnChange("A", outcome))


@pytest.fixture
def stage() -> OwnStage:
    made = OwnStage()
    made.connect()
    return made


def told(follower: Any) -> list[str]:
    return [x.outcome for x in drain(follower)]


# -- books -----------------------------------------------------------------------------


def test_who_follows_an_outcome_is_told_of_that(stage: OwnStage) -> None:
    first = stage.join(BOOK, ["A"])
    other = stage.join(BOOK, ["A"], outcome="down")
    stage.change("up")
    stage.change("down")
    stage.change("down", "0.5")
    assert (told(first), told(other)) == (["up"], ["down", "down"])


def test_what_is_followed_is_said_with_its_outcome(stage: OwnStage) -> None:
    follower = stage.join(BOOK, ["A", "B"], outcome="down")
    other = stage.feed.copy(follower, wake=lambda: None)
    stage.feed.drop(["B"])
    stage.feed.leave(follower)
    stage.feed.leave(other)
    assert {wish for _, _, wish in stage.stream.wishes} == {"down"}
    assert not +stage.stream.followed


def test_a_book_that_is_there_comes_first(stage: OwnStage) -> None:
    stage.stream.own["A", "down"] = book("down")
    assert told(stage.join(BOOK, ["A"])) == []
    assert told(stage.join(BOOK, ["A"], outcome="down")) == ["down"]


def test_the_book_that_guards_look_at_is_one_that_is_followed(stage: OwnStage) -> None:
    stage.join(BOOK, ["A"], outcome="down")
    assert stage.feed.live_book("A") is None
    stage.change("down")
    found = stage.feed.live_book("A")
    assert found is not None
    assert found.outcome == "down"


def test_a_gap_of_one_outcome_is_none_of_the_other(stage: OwnStage) -> None:
    first = stage.join(BOOK, ["A"], policy="latest", events=True)
    other = stage.join(BOOK, ["A"], outcome="down", policy="latest", events=True)
    stage.change("up")
    stage.change("down")
    at = datetime.fromtimestamp(0, UTC)
    gap = Gap(subject=BOOK, market_ids=("A",), outcome="down", reason="x", at=at)
    stage.tell(gap)
    assert [type(x).__name__ for x in drain(first)] == ["OrderBook"]
    assert [type(x).__name__ for x in drain(other)] == ["Gap"]


def test_a_wish_that_is_refused_leaves_the_others(stage: OwnStage) -> None:
    right, wrong = stage.join(BOOK, ["A"]), stage.join(BOOK, ["A"], outcome="sideways")
    error = BadRequest("no such outcome")
    ids = frozenset({"A"})
    stage.tell(Refused(subject=BOOK, market_ids=ids, error=error, outcome="sideways"))
    with pytest.raises(BadRequest):
        drain(wrong)
    stage.change("up")
    assert told(right) == ["up"]


def test_each_outcome_is_compared_with_its_own_book() -> None:
    stage = OwnStage(audit=10)
    stage.connect()
    stage.join(BOOK, ["A"])
    stage.join(BOOK, ["A"], outcome="down")
    stage.change("up")
    stage.change("down")
    stage.venue.rest = {"up": book("up"), "down": book("down", "0.9")}
    stage.pass_time(40)
    assert set(stage.venue.read) == {("A", None), ("A", "down")}
    assert stage.stream.own_doubts == [("A", "down")]


# -- books that do not come ------------------------------------------------------------


def test_a_book_that_is_wanted_is_read_and_handed_to_the_stream(
    stage: OwnStage,
) -> None:
    follower = stage.join(BOOK, ["A"], outcome="down")
    stage.venue.rest = {"down": book("down")}
    stage.tell(*[BookWanted(market_id="A", outcome="down")] * 2)
    stage.run()
    assert stage.venue.read == [("A", "down")]
    assert told(follower) == ["down"]


def test_a_read_that_fails_is_left_to_the_next_wish(stage: OwnStage) -> None:
    stage.join(BOOK, ["A"])
    stage.venue.rest = {"up": OSError("no line")}
    for _ in range(2):
        stage.tell(BookWanted(market_id="A", outcome="up"))
        stage.run()
    assert (len(stage.venue.read), stage.stream.loaded) == (2, [])


def test_few_reads_are_made_at_once_and_no_book_is_read_twice(stage: OwnStage) -> None:
    wanted = [BookWanted(market_id=str(n), outcome=f"side {n}") for n in range(6)]
    stage.tell(*wanted)
    first = stage.feed.jobs()
    stage.tell(*wanted)
    assert (len(first), stage.feed.jobs()) == (4, [])


def test_many_books_of_one_outcome_are_read_five_hundred_at_a_time(
    stage: OwnStage,
) -> None:
    stage.venue.rest = {"up": book("up")}
    stage.tell(*[BookWanted(market_id=str(n), outcome="up") for n in range(1_100)])
    stage.tell(BookWanted(market_id="Z", outcome="down"))
    stage.run()
    assert [len(x) for x in stage.venue.together] == [500, 500, 100]
    assert stage.venue.read == [("Z", "down")]
    assert len(stage.stream.loaded) == 1_100


def test_what_fails_together_is_read_alone_the_next_time(stage: OwnStage) -> None:
    stage.venue.rest = {"up": OSError("no line")}
    wanted = [BookWanted(market_id=x, outcome="up") for x in ("A", "B")]
    stage.tell(*wanted)
    stage.run()
    stage.venue.rest = {"up": book("up")}
    stage.tell(*wanted)
    stage.run()
    assert stage.venue.read == [("A", "up"), ("B", "up")]
    stage.tell(*wanted)
    stage.run()
    assert stage.venue.together == [["A", "B"]] * 2


def test_a_venue_without_such_books_takes_none() -> None:
    stage = Stage()
    stage.connect()
    stage.venue.books["A"] = book("yes")
    stage.tell(BookWanted(market_id="A", outcome=None))
    assert stage.run() == 1


def test_what_is_not_heard_of_is_looked_for_at_once(stage: OwnStage) -> None:
    follower = stage.join(BOOK, ["A"])
    stage.venue.absent = {"A"}
    stage.tell(Unheard(market_ids=frozenset({"A"})))
    stage.run()
    assert stage.venue.looked_for == [["A"]]
    assert not follower.mailbox.is_closed


def test_who_follows_all_has_the_unheard_looked_for_too(stage: OwnStage) -> None:
    stage.join(FILLS)
    stage.tell(Unheard(market_ids=frozenset({"Z"})))
    stage.run()
    assert stage.venue.looked_for == [["Z"]]


# -- quotes ----------------------------------------------------------------------------


def ticker(outcome: str) -> Ticker:
    return Ticker(
        venue="toy", market_id="A", outcome=outcome, bid=D("0.4"), ask=D("0.5")
    )


def test_quotes_are_those_of_the_outcome_and_are_kept_apart(stage: OwnStage) -> None:
    first = stage.join(TICKER, ["A"])
    stage.tell(ticker("up"), ticker("down"))
    late = stage.join(TICKER, ["A"], outcome="down")
    assert (told(first), told(late)) == (["up"], ["down"])


# -- positions -------------------------------------------------------------------------


def test_both_outcomes_may_be_held(stage: OwnStage) -> None:
    follower = stage.join(POSITIONS)
    held = position("A", outcome="up"), position("A", outcome="down")
    stage.venue.state = AccountState(positions=held)
    stage.run()
    assert sorted(told(follower)) == ["down", "up"]
    stage.venue.state = AccountState(positions=held[:1])
    stage.pass_time(20)
    assert [(x.outcome, x.size) for x in drain(follower)] == [("down", 0)]


def test_where_no_stream_tells_of_them_they_are_read_after_a_fill(
    stage: OwnStage,
) -> None:
    follower = stage.join(POSITIONS)
    stage.pass_time(40)
    before = len(stage.venue.asked)
    stage.tell(fill(at=40))
    stage.pass_time(1)
    early = len(stage.venue.asked)
    stage.venue.state = AccountState(positions=(position("A", outcome="up"),))
    stage.pass_time(20)
    # In a moment, and once more when no read can lag behind it.
    assert (early - before, len(stage.venue.asked) - before) == (0, 2)
    assert told(follower) == ["up"]


def test_a_fill_amid_a_read_has_another_follow(stage: OwnStage) -> None:
    stage.join(POSITIONS)
    stage.pass_time(40)
    before = len(stage.venue.asked)
    stage.tell(fill("t1", at=40))
    stage.clock.advance(2)
    stage.run(meanwhile=lambda: stage.tell(fill("t2", at=42)))
    stage.pass_time(30)
    assert len(stage.venue.asked) - before == 3
