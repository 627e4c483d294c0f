"""A market that does not exist is told to whoever follows it, soon and not rashly."""

from __future__ import annotations

import logging

import pytest

from unified_exchanges.errors import (
    AuthenticationError,
    MarketNotFound,
    NetworkError,
    VenueSchemaError,
)
from unified_exchanges.models import Subject
from unified_exchanges.streams.protocol import Unheard
from unified_exchanges.watching.mailbox import Ended

from .samples import book, ticker, trade
from .toy import Stage, drain


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.connect()
    return stage


@pytest.mark.parametrize("subject", list(Subject))
def test_whoever_follows_a_market_that_is_nowhere_is_told(
    stage: Stage, subject: Subject
) -> None:
    stage.venue.absent = {"NOPE"}
    lost = stage.join(subject, ["NOPE", "A"])
    stage.pass_time(2.4)
    assert not lost.mailbox.is_closed
    stage.pass_time(0.2)
    with pytest.raises(MarketNotFound, match="no market 'NOPE'; fetch_markets"):
        drain(lost)
    assert not +stage.stream.followed


def test_everybody_else_goes_on(stage: Stage) -> None:
    stage.venue.absent = {"NOPE"}
    stage.join(Subject.TRADES, ["NOPE"])
    mine = stage.join(Subject.TRADES, ["A"])
    everything = stage.join(Subject.TRADES)
    stage.pass_time(5)
    news = trade()
    stage.tell(news)
    assert (drain(mine), drain(everything)) == ([news], [news])


def test_all_that_are_nowhere_are_named(stage: Stage) -> None:
    stage.venue.absent = {"X", "Y", "Z"}
    lost = stage.join(Subject.TICKER, ["X", "A", "Y"])
    stage.pass_time(5)
    with pytest.raises(MarketNotFound, match="no market 'X', 'Y';"):
        drain(lost)


def test_a_market_that_is_found_at_the_second_look_was_only_just_listed(
    stage: Stage,
) -> None:
    stage.venue.absent = {"NEW"}
    mine = stage.join(Subject.ORDER_BOOK, ["NEW"])
    stage.pass_time(1)
    stage.venue.absent = set()
    stage.pass_time(60)
    assert not mine.mailbox.is_closed
    assert stage.venue.looked_for == [["NEW"], ["NEW"]]


@pytest.mark.parametrize("subject", [Subject.ORDER_BOOK, Subject.TICKER])
def test_what_the_stream_tells_of_is_not_looked_for(
    stage: Stage, subject: Subject
) -> None:
    stage.join(subject, ["A", "B"])
    stage.show(book("A"))
    stage.tell(ticker("B"))
    stage.pass_time(60)
    assert stage.venue.looked_for == []


def test_what_the_stream_tells_of_meanwhile_is_there(stage: Stage) -> None:
    stage.venue.absent = {"NEW"}
    mine = stage.join(Subject.TICKER, ["NEW"])
    stage.pass_time(1)
    stage.tell(ticker("NEW"))
    stage.pass_time(60)
    assert stage.venue.looked_for == [["NEW"]]
    assert not mine.mailbox.is_closed


@pytest.mark.parametrize(
    "answer", [{"NEW"}, NetworkError("broke", venue="toy"), AuthenticationError("no")]
)
def test_what_is_told_during_a_look_needs_no_other(
    stage: Stage, answer: set[str] | Exception
) -> None:
    stage.venue.absent = answer
    stage.join(Subject.TICKER, ["NEW"])
    stage.clock.advance(0.5)
    stage.run(meanwhile=lambda: stage.tell(ticker("NEW")))
    stage.pass_time(60)
    assert stage.venue.looked_for == [["NEW"]]


def test_a_market_is_looked_for_once_however_many_come(stage: Stage) -> None:
    for _ in range(3):
        stage.join(Subject.TRADES, ["A", "B"])
    stage.pass_time(60)
    assert stage.venue.looked_for == [["A", "B"]]


def test_nothing_is_looked_for_where_all_markets_are_followed(stage: Stage) -> None:
    stage.join(Subject.TRADES)
    stage.pass_time(60)
    assert stage.venue.looked_for == []


def test_many_markets_are_looked_for_in_parts(stage: Stage) -> None:
    names = [f"M{number}" for number in range(1_200)]
    stage.venue.absent = {names[7], names[1_100]}
    mine = stage.join(Subject.TRADES, names)
    stage.pass_time(5)
    assert [len(ids) for ids in stage.venue.looked_for] == [500, 500, 200, 2]
    with pytest.raises(MarketNotFound, match="'M7', 'M1100'"):
        drain(mine)


def test_a_look_that_fails_is_repeated_ever_later(stage: Stage) -> None:
    stage.venue.absent = NetworkError("the line broke", venue="toy")
    lost = stage.join(Subject.FILLS, ["NOPE"])
    stage.pass_time(100)
    # After half a second, and 2, 4, 8, 16 and 32 more.
    assert len(stage.venue.looked_for) == 6
    stage.venue.absent = {"NOPE"}
    stage.pass_time(70)
    with pytest.raises(MarketNotFound):
        drain(lost)


def test_who_came_while_looks_failed_is_looked_for_soon(stage: Stage) -> None:
    stage.venue.absent = NetworkError("the line broke", venue="toy")
    stage.join(Subject.TRADES, ["A"])
    stage.pass_time(40)
    stage.venue.absent = set()
    stage.join(Subject.TRADES, ["B"])
    stage.pass_time(0.6)
    assert stage.venue.looked_for[-1] == ["B"]


def test_a_look_that_cannot_succeed_is_not_repeated(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.venue.absent = AuthenticationError("no such key", venue="toy")
    mine = stage.join(Subject.TRADES, ["A"])
    with caplog.at_level(logging.INFO):
        stage.pass_time(100)
    assert stage.venue.looked_for == [["A"]]
    assert not mine.mailbox.is_closed
    assert "could not be looked up: toy: no such key" in caplog.text


def test_who_comes_during_a_look_is_looked_for_after_it(stage: Stage) -> None:
    stage.join(Subject.TRADES, ["A"])
    stage.clock.advance(0.5)

    def come() -> None:
        stage.join(Subject.TRADES, ["B"])

    stage.run(meanwhile=come)
    stage.pass_time(0.6)
    assert stage.venue.looked_for == [["A"], ["B"]]


def test_who_has_left_before_the_answer_is_told_nothing(stage: Stage) -> None:
    stage.venue.absent = {"NOPE"}
    gone = stage.join(Subject.TRADES, ["NOPE"])
    stage.feed.leave(gone)
    stage.pass_time(10)
    with pytest.raises(Ended):
        gone.mailbox.take()


def test_a_look_that_cannot_be_read_is_made_again_for_each_market_alone(
    stage: Stage,
) -> None:
    stage.venue.absent = VenueSchemaError("not a market", field="price", venue="toy")
    stage.join(Subject.TRADES, ["A", "B"])
    stage.pass_time(7)
    assert stage.venue.looked_for == [["A", "B"], ["A", "B"], ["A"], ["B"]]
    stage.venue.absent = {"B"}
    lost = stage.join(Subject.TRADES, ["B"])
    stage.pass_time(30)
    with pytest.raises(MarketNotFound):
        drain(lost)


def test_nothing_is_looked_for_that_nobody_follows_any_more(stage: Stage) -> None:
    stage.feed.leave(stage.join(Subject.TRADES, ["A"]))
    stage.pass_time(60)
    assert stage.venue.looked_for == []


def test_fault_36_what_the_stream_never_tells_of_is_looked_for_and_followed_on(
    stage: Stage,
) -> None:
    mine = stage.join(Subject.ORDER_BOOK, ["A"])
    stage.pass_time(60)
    for _ in range(5):
        stage.tell(Unheard(market_ids=frozenset({"A"})))
        stage.pass_time(30)
    assert (mine.mailbox.is_closed, stage.stream.asks_on) == (False, True)
    assert stage.venue.looked_for == [["A"]] * 6
    stage.show(late := book("A"))
    assert drain(mine) == [late]


def test_fault_36_what_was_taken_down_is_told_once_it_is_nowhere(stage: Stage) -> None:
    mine = stage.join(Subject.ORDER_BOOK, ["A"])
    stage.show(book("A"))
    drain(mine)
    stage.venue.absent = {"A"}
    stage.tell(Unheard(market_ids=frozenset({"A"})))
    stage.pass_time(5)
    with pytest.raises(MarketNotFound):
        drain(mine)
