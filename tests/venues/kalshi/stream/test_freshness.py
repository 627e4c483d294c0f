"""A book in hand knows whether it is still what the venue shows."""

from __future__ import annotations

from unified_exchanges.models import OrderBook

from .desk import A, B, Desk


def read(desk: Desk, market: str = A) -> OrderBook:
    book = desk.stream.order_book(market)
    assert book is not None
    return book


def test_p10_f05_a_book_in_hand_is_stale_once_it_changed() -> None:
    desk = Desk().follow(A, B).connect().run()
    first, other = read(desk), read(desk, B)
    desk.delta(A, "yes", "0.40", "1.00")
    second = read(desk)
    assert (first.stale, second.stale, other.stale) == (True, False, False)
    desk.delta(A, "yes", "0.40", "-1.00")
    # What it is now is what it was then, and all the same not known to be.
    assert (first.stale, second.stale, read(desk).stale) == (True, True, False)


def test_p10_all_that_was_read_of_one_state_goes_stale_together() -> None:
    desk = Desk().follow(A).connect().run()
    read_twice = [read(desk), desk.stream.order_book(A, "no")]
    assert [x.stale for x in read_twice if x] == [False, False]
    desk.delta(A, "no", "0.60", "1.00")
    assert [x.stale for x in read_twice if x] == [True, True]


def test_p10_the_age_of_a_book_that_was_replaced_is_how_long_ago_that_was() -> None:
    desk = Desk().follow(A).connect().run()
    book = read(desk)
    desk.clock.advance(5.0)
    assert book.age == 5.0
    desk.delta(A, "yes", "0.40", "1.00")
    assert (book.stale, book.age) == (True, 0.0)
    desk.wait(3.0)
    assert (book.age, read(desk).age) == (3.0, 0.0)


def test_p10_a_book_that_was_doubted_keeps_its_age_when_it_is_read() -> None:
    desk = Desk().follow(A).connect().run()
    list(desk.stream.doubt(A, "?"))
    desk.wait(4.0)
    assert (read(desk).stale, read(desk).age) == (True, 4.0)


def test_p10_a_book_that_broke_after_a_silence_is_as_old_as_the_silence() -> None:
    desk = Desk().follow(A).connect().run()
    book = read(desk)
    desk.clock.advance(5.0)
    desk.stream.connection_lost("cut")
    # Nobody knows what it was after the last that was heard.
    assert (book.stale, book.age) == (True, 5.0)
    desk.clock.advance(2.0)
    assert (book.age, read(desk).age) == (7.0, 7.0)


def test_fault_33_silence_makes_books_stale_before_anybody_has_looked_for_it() -> None:
    desk = Desk(silence=28.0).follow(A).connect().run()
    book = read(desk)
    desk.clock.advance(28.0)
    assert (book.stale, book.age) == (False, 28.0)
    desk.clock.advance(0.5)
    assert (book.stale, book.age) == (True, 28.5)


def test_fault_33_what_silence_made_stale_no_late_message_makes_whole() -> None:
    desk = Desk(silence=28.0).follow(A).connect().run()
    book = read(desk)
    desk.clock.advance(40.0)
    assert book.stale
    # Who waits for the next book gets one: the connection is begun anew.
    desk.stream.heard()
    assert desk.stream.broken == "nothing was heard for 40 s"
    desk.stream.connection_lost(desk.stream.broken)
    desk.connect().run()
    assert (book.stale, read(desk).stale, desk.stream.broken) == (True, False, "")


def test_fault_33_messages_that_waited_longer_are_taken_if_nobody_looked_before() -> (
    None
):
    desk = Desk(silence=28.0).follow(A).connect().run()
    book = read(desk)
    desk.clock.advance(40.0)
    desk.delta(A, "yes", "0.40", "1.00")
    assert (book.stale, read(desk).stale, desk.stream.broken) == (True, False, "")


def test_fault_33_a_stream_that_is_not_connected_is_not_given_up() -> None:
    desk = Desk(silence=28.0).follow(A).connect().run()
    book = read(desk)
    desk.stream.connection_lost("cut")
    desk.clock.advance(40.0)
    assert (book.stale, read(desk).stale, desk.stream.broken) == (True, True, "")
