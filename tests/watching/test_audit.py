"""A live book is compared with REST now and then: only a lasting difference counts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from unified_exchanges.errors import NetworkError
from unified_exchanges.models import Gap, OrderBook, Subject

from .samples import book
from .toy import Fresh, Stage, drain

BOOK = Subject.ORDER_BOOK


@pytest.fixture
def stage() -> Stage:
    stage = Stage(audit=30)
    stage.connect()
    return stage


def live(stage: Stage, bids: Mapping[str, int], market_id: str = "A") -> None:
    stage.stream.books[market_id] = book(market_id, bids=bids, freshness=Fresh())


def on_rest(stage: Stage, bids: Mapping[str, int], market_id: str = "A") -> None:
    stage.venue.books[market_id] = book(market_id, bids=bids)


def test_a_book_that_agrees_is_left_alone(stage: Stage) -> None:
    live(stage, {"0.40": 3, "0.39": 1})
    on_rest(stage, {"0.40": 3, "0.39": 1})
    stage.join(BOOK, ["A"])
    stage.pass_time(300)
    assert stage.stream.doubts == []
    assert len(stage.venue.books_read) == 10


@pytest.mark.parametrize("read", [{"0.40": 4}, {}, {"0.40": 3, "0.38": 1}, {"0.41": 3}])
def test_fault_31_a_lasting_difference_makes_a_book_stale(
    stage: Stage, read: Mapping[str, int]
) -> None:
    live(stage, {"0.40": 3})
    on_rest(stage, read)
    follower = stage.join(BOOK, ["A"], events=True)
    drain(follower)
    stage.pass_time(32.9)
    assert stage.stream.doubts == []
    stage.pass_time(0.2)
    [(market_id, reason)] = stage.stream.doubts
    assert market_id == "A"
    assert "differ from REST" in reason
    [event] = drain(follower)
    assert isinstance(event, Gap)


def test_a_difference_of_sides_counts(stage: Stage) -> None:
    stage.stream.books["A"] = book(bids={"0.40": 3}, freshness=Fresh())
    stage.venue.books["A"] = book(asks={"0.40": 3})
    stage.join(BOOK, ["A"])
    stage.pass_time(40)
    assert stage.stream.doubts[0][1].startswith("2 levels")


def test_a_read_that_lagged_proves_nothing(stage: Stage) -> None:
    live(stage, {"0.40": 3})
    on_rest(stage, {"0.40": 9})
    stage.join(BOOK, ["A"])
    stage.pass_time(31)
    on_rest(stage, {"0.40": 3})
    stage.pass_time(60)
    assert stage.stream.doubts == []


def test_what_moves_while_it_is_read_proves_nothing(stage: Stage) -> None:
    live(stage, {"0.40": 3, "0.39": 1})
    on_rest(stage, {"0.40": 4, "0.39": 1})
    stage.join(BOOK, ["A"])
    stage.clock.advance(30)
    stage.run(meanwhile=lambda: live(stage, {"0.40": 5, "0.39": 1}))
    stage.pass_time(3.5)
    assert stage.stream.doubts == []


def test_what_moves_between_two_looks_proves_nothing(stage: Stage) -> None:
    live(stage, {"0.40": 3})
    on_rest(stage, {"0.40": 9})
    stage.join(BOOK, ["A"])
    stage.pass_time(31)
    live(stage, {"0.40": 4})
    stage.pass_time(3)
    assert stage.stream.doubts == []


def test_fault_31_a_level_that_moved_and_came_back_proves_nothing(stage: Stage) -> None:
    live(stage, {"0.40": 3, "0.39": 1})
    on_rest(stage, {"0.40": 9, "0.39": 1})
    stage.join(BOOK, ["A"])
    stage.pass_time(31)
    # A quote that is pulled and put back, as both reads happened to find it pulled.
    for size in (9, 3):
        stage.show(book(bids={"0.40": size, "0.39": 1}, freshness=Fresh()))
    stage.pass_time(3)
    assert len(stage.venue.books_read) == 2
    assert stage.stream.doubts == []


def test_fault_31_a_level_that_moved_while_it_was_read_again_proves_nothing(
    stage: Stage,
) -> None:
    live(stage, {"0.40": 3})
    on_rest(stage, {"0.40": 9})
    stage.join(BOOK, ["A"])
    stage.pass_time(31)

    def flicker() -> None:
        for size in (9, 3):
            stage.show(book(bids={"0.40": size}, freshness=Fresh()))

    stage.clock.advance(2.1)
    stage.run(meanwhile=flicker)
    assert len(stage.venue.books_read) == 2
    assert stage.stream.doubts == []


def test_fault_31_a_level_that_lasts_is_found_in_a_book_that_moves_all_the_time(
    stage: Stage,
) -> None:
    live(stage, {"0.40": 3, "0.39": 1})
    on_rest(stage, {"0.40": 9, "0.39": 1})
    stage.join(BOOK, ["A"])
    for size in range(1, 340):
        stage.pass_time(0.1)
        stage.show(book(bids={"0.40": 3, "0.39": size}, freshness=Fresh()))
    [(_, reason)] = stage.stream.doubts
    assert reason == "1 levels differ from REST"


def test_a_book_that_was_not_whole_between_two_looks_is_cleared(stage: Stage) -> None:
    live(stage, {"0.40": 3})
    on_rest(stage, {"0.40": 9})
    stage.join(BOOK, ["A"])
    stage.pass_time(31)
    for is_over in (True, False):
        stage.show(book(bids={"0.40": 3}, freshness=Fresh(is_over=is_over)))
    stage.pass_time(3)
    assert stage.stream.doubts == []


def test_books_take_turns(stage: Stage) -> None:
    asked: list[str] = []
    fetch = stage.venue.fetch_order_book

    def note(market_id: str, **more: None) -> object:
        asked.append(market_id)
        return fetch(market_id, **more)

    stage.venue.fetch_order_book = note  # type: ignore[method-assign,assignment]
    for name in "ABC":
        live(stage, {"0.40": 3}, name)
        on_rest(stage, {"0.40": 3}, name)
    first = stage.join(BOOK, ["A", "B", "C"])
    stage.pass_time(120)
    assert "".join(asked) == "ABCA"
    stage.feed.leave(first)
    stage.join(BOOK, ["B", "C"])
    stage.pass_time(60)
    assert "".join(asked) == "ABCABC"


def test_a_stale_book_is_not_compared(stage: Stage) -> None:
    stage.stream.books["A"] = book(freshness=Fresh(is_over=True))
    live(stage, {"0.40": 3}, "B")
    on_rest(stage, {"0.40": 3}, "B")
    stage.join(BOOK, ["A", "B", "C"])
    stage.pass_time(60)
    assert len(stage.venue.books_read) == 2


def test_a_book_that_becomes_stale_while_it_is_read_is_left_alone(stage: Stage) -> None:
    live(stage, {"0.40": 3})
    on_rest(stage, {"0.40": 9})
    stage.join(BOOK, ["A"])
    stage.pass_time(31)

    def spoil() -> None:
        stage.stream.books["A"] = OrderBook(
            venue="toy",
            market_id="A",
            outcome="yes",
            bids=(),
            asks=(),
            freshness=Fresh(is_over=True),
        )

    stage.clock.advance(3)
    stage.run(meanwhile=spoil)
    assert stage.stream.doubts == []


def test_who_is_under_suspicion_and_gone_is_forgotten(stage: Stage) -> None:
    live(stage, {"0.40": 3})
    on_rest(stage, {"0.40": 9})
    follower = stage.join(BOOK, ["A"])
    stage.pass_time(31)
    stage.feed.leave(follower)
    stage.pass_time(40)
    assert len(stage.venue.books_read) == 1
    stage.join(BOOK, ["A"])
    stage.pass_time(31)
    assert stage.stream.doubts == []


def test_where_no_book_is_live_it_is_tried_later(stage: Stage) -> None:
    stage.join(BOOK, ["A"])
    stage.pass_time(31)
    live(stage, {"0.40": 3})
    on_rest(stage, {"0.40": 3})
    stage.pass_time(30)
    assert len(stage.venue.books_read) == 1


def test_a_read_that_fails_proves_nothing(stage: Stage) -> None:
    live(stage, {"0.40": 3})
    stage.venue.books["A"] = NetworkError("no answer")
    stage.join(BOOK, ["A"])
    stage.pass_time(100)
    assert stage.stream.doubts == []


def test_it_can_be_switched_off() -> None:
    stage = Stage(audit=None)
    stage.connect()
    live(stage, {"0.40": 3})
    stage.join(BOOK, ["A"])
    stage.pass_time(1_000)
    assert len(stage.venue.books_read) == 0
    assert stage.feed.delay() == float("inf")
