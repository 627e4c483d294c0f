"""Books of a recording are read late, and are what they were when they were told."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.models import Level, OrderBook
from unified_exchanges.models.unread import unread
from unified_exchanges.streams.book import Book, BookError
from unified_exchanges.streams.pictures import PicturedBook

BIDS = [("0.40", "10.00"), ("0.45", "2.50")]
ASKS = [("0.52", "3.00"), ("0.60", "1.00")]
MOMENT = 1_795_930_000_123


def told(book: PicturedBook) -> OrderBook:
    sides = book.bid_picture, book.ask_picture
    return unread("kalshi", "KXRAIN", "yes", *sides, 7, MOMENT)


def whole(book: Book) -> OrderBook:
    return OrderBook(
        venue="kalshi",
        market_id="KXRAIN",
        outcome="yes",
        bids=book.bids,
        asks=book.asks,
        sequence=7,
        timestamp=datetime.fromtimestamp(MOMENT // 1000, UTC).replace(
            microsecond=123_000
        ),
    )


def loaded() -> PicturedBook:
    book = PicturedBook()
    book.load(BIDS, ASKS)
    return book


def test_a_book_that_is_kept_unread_is_not_changed_by_what_comes() -> None:
    book = loaded()
    kept = told(book)
    book.change_bid("0.45", "-2.50")
    book.change_bid("0.46", "1.00")
    book.change_ask("0.52", "4.00")
    assert kept.bids[0] == Level(Decimal("0.45"), Decimal("2.50"))
    assert kept.asks[0] == Level(Decimal("0.52"), Decimal(3))
    assert told(book).bids[0] == Level(Decimal("0.46"), Decimal(1))


def test_a_book_that_is_kept_unread_outlives_a_snapshot() -> None:
    book = loaded()
    kept = told(book)
    book.load([("0.10", "1.00")], [])
    assert len(kept.bids) == len(kept.asks) == 2


def test_what_is_refused_changes_no_picture() -> None:
    book = loaded()
    before = told(book)
    with pytest.raises(BookError):
        book.change_bid("0.45", "-3.00")
    with pytest.raises(BookError):
        book.change_ask("0.40", "1.00")
    assert before == told(book) == whole(book)


changes = st.tuples(st.booleans(), st.integers(1, 8), st.integers(-3, 3))


@given(st.lists(changes, max_size=150), st.randoms(use_true_random=False))
def test_every_book_is_what_a_plain_one_was_then(
    steps: list[tuple[bool, int, int]], random: Random
) -> None:
    pictured, plain = loaded(), Book()
    plain.load(BIDS, ASKS)
    kept, expected = [], []
    for is_bid, n, by in steps:
        price = f"0.4{n}" if is_bid else f"0.5{n}"
        raised = []
        for book in (pictured, plain):
            change = book.change_bid if is_bid else book.change_ask
            try:
                change(price, f"{by}.00")
            except BookError as error:
                raised.append(str(error))
        assert len(raised) in {0, 2}
        kept.append(told(pictured))
        expected.append(whole(plain))
    order = list(range(len(kept)))
    random.shuffle(order)
    for n in order:
        assert kept[n] == expected[n]


@given(st.lists(st.tuples(changes, st.booleans(), st.integers(0, 12)), max_size=150))
def test_whoever_looks_at_some_books_sees_what_a_plain_one_was(
    steps: list[tuple[tuple[bool, int, int], bool, int]],
) -> None:
    pictured, plain = loaded(), Book()
    plain.load(BIDS, ASKS)
    kept = [(told(pictured), whole(plain))]
    for (is_bid, n, by), looks, ago in steps:
        price = f"0.4{n}" if is_bid else f"0.5{n}"
        for book in (pictured, plain):
            change = book.change_bid if is_bid else book.change_ask
            with suppress(BookError):
                change(price, f"{by}.00")
        kept.append((told(pictured), whole(plain)))
        if looks:
            # At the newest, or at one of before.
            found, expected = kept[-1 - min(ago, len(kept) - 1)]
            assert (found.bids, found.asks) == (expected.bids, expected.asks)


class Interrupted(PicturedBook):
    """One of which another picture is looked at while one is made, as threads may."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[OrderBook] = []

    def level(self, key: int, held: int) -> Level:
        if self.others:
            assert self.others.pop().asks
        return super().level(key, held)


def test_books_that_are_read_at_once_are_what_they_were() -> None:
    book, plain = Interrupted(), Book()
    kept, expected = [], []
    for each in (book, plain):
        each.load(BIDS, ASKS)
    for n in range(30):
        for each in (book, plain):
            each.change_ask(f"0.5{n % 7}", "1.00")
        kept.append(told(book))
        expected.append(whole(plain))
        if n % 3 == 2:
            book.others = [kept[n - 2], kept[n - 1]]
            assert kept[n] == expected[n]
    assert kept == expected


def test_it_can_be_told_from_no_other_book() -> None:
    book = loaded()
    plain = whole(book)
    assert plain == told(book)
    assert told(book) == plain
    assert told(book) == told(book)
    assert told(book) != whole(PicturedBook())
    assert told(book) != "a book"
    assert hash(told(book)) == hash(plain)
    assert repr(told(book)) == repr(plain)
    assert told(book).to_dict() == plain.to_dict()
    assert told(book).complement("no") == plain.complement("no")
    assert told(book).timestamp == plain.timestamp
    assert isinstance(told(book), OrderBook)
    assert (told(book).mid, told(book).stale) == (plain.mid, False)


def pickled(book: OrderBook) -> OrderBook:
    found: OrderBook = pickle.loads(pickle.dumps(book))
    return found


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, pickled, attrs.evolve],
)
def test_a_copy_is_as_any_book(copied: object) -> None:
    book = loaded()
    found = copied(told(book))  # type: ignore[operator]
    assert type(found) is OrderBook
    assert found == whole(book)


def test_it_cannot_be_written() -> None:
    book = told(loaded())
    for name in ("bids", "market_id", "timestamp", "_bids"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(book, name, ())
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(book, name)


def test_an_empty_book_without_a_moment_is_read_as_one() -> None:
    book = PicturedBook()
    sides = book.bid_picture, book.ask_picture
    empty = unread("kalshi", "KXRAIN", "yes", *sides, None, None)
    assert (empty.bids, empty.asks, empty.timestamp) == ((), (), None)
    assert empty.bids == ()


def test_a_book_that_was_compared_has_all_it_had() -> None:
    book = told(loaded())
    before = (book.raw, book.grid, book.stale, book.to_dict())
    assert book == whole(loaded())
    assert type(book) is OrderBook
    assert (book.raw, book.grid, book.stale, book.to_dict()) == before
    assert pickle.loads(pickle.dumps(book)) == whole(loaded())


def test_a_book_that_is_kept_holds_no_more_than_its_neighbours() -> None:
    book = loaded()
    kept = told(book)
    bids, asks = book.bid_picture[0], book.ask_picture[0]
    for n in range(1_000):
        by = "1.00" if n % 2 else "-1.00"
        book.change_bid("0.45", by)
        book.change_ask("0.52", by)
    assert len(bids.changes) < 100
    assert len(asks.changes) < 100
    assert kept == whole(loaded())
