"""How long a line that is followed has told nothing, where a venue has several."""

from __future__ import annotations

import pytest

from tests.watching.toy import Stage, ToyStream
from unified_exchanges.models import Subject
from unified_exchanges.watching.feed import Feed


class Two(Stage):
    """A venue with two lines."""

    def __init__(self) -> None:
        super().__init__()
        self.market = self._line("market")
        self.user = self._line("user")

    def _line(self, name: str) -> Feed:
        return Feed(ToyStream(clock=self.clock), self.venue, line=name)

    def follow(self, feed: Feed, subject: Subject, *names: str) -> object:
        return feed.join(subject, names or None, policy="every", wake=lambda: None)

    @property
    def lasted(self) -> float:
        return self.venue.monitor.outage_seconds


@pytest.fixture
def two() -> Two:
    return Two()


def connect(feed: Feed) -> None:
    feed.handle(feed.protocol.connection_made())


def test_fault_35_a_line_that_is_live_hides_none_that_is_not(two: Two) -> None:
    two.follow(two.market, Subject.ORDER_BOOK, "A")
    two.follow(two.user, Subject.ORDERS)
    connect(two.market)
    connect(two.user)
    assert two.lasted == 0
    two.market.handle(two.market.protocol.connection_lost("the line broke"))
    two.clock.advance(7)
    # The other one goes on telling.
    two.user.handle(two.user.protocol.connection_lost("the line broke"))
    connect(two.user)
    assert two.lasted == 7
    assert two.venue.monitor.outage.was_live
    connect(two.market)
    assert two.lasted == 0


def test_fault_35_of_two_lines_that_tell_nothing_the_longer_counts(two: Two) -> None:
    two.follow(two.market, Subject.ORDER_BOOK, "A")
    two.clock.advance(3)
    two.follow(two.user, Subject.ORDERS)
    two.clock.advance(2)
    assert (two.lasted, two.venue.monitor.outage.was_live) == (5, False)
    connect(two.market)
    assert two.lasted == 2


def test_whoever_leaves_one_line_forgets_no_stale_book_of_the_other(two: Two) -> None:
    two.follow(two.market, Subject.ORDER_BOOK, "A")
    leaving = two.follow(two.user, Subject.ORDERS)
    connect(two.market)
    two.venue.monitor.books_lost(["A"])
    two.clock.advance(4)
    two.user.leave(leaving)  # type: ignore[arg-type]
    assert two.venue.monitor.stale_seconds == 4
