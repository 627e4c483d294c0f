"""The integer book: exact, the same as a naive one, and refusing what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.models import Level
from unified_exchanges.streams.book import (
    ASKS,
    BIDS,
    CHANGES,
    Amounts,
    Book,
    BookError,
    Keys,
    contracts,
    size,
)


def loaded() -> Book:
    book = Book()
    book.load([("0.40", "10.00"), ("0.4500", "2.50")], [("0.5200", "3"), ("0.6", "1")])
    return book


def bids(book: Book) -> dict[Decimal, Decimal]:
    return {x.price: x.size for x in book.bids}


def asks(book: Book) -> dict[Decimal, Decimal]:
    return {x.price: x.size for x in book.asks}


# -- reading ---------------------------------------------------------------------------


def test_p15_two_spellings_of_a_price_are_one_level() -> None:
    book = loaded()
    assert book.change_bid("0.45", "1.00") == 350
    assert bids(book) == {Decimal("0.40"): Decimal(10), Decimal("0.45"): Decimal("3.5")}


def test_p15_prices_a_ten_thousandth_apart_are_two_levels() -> None:
    book = loaded()
    book.change_bid("0.4501", "1.00")
    assert len(bids(book)) == 3


def test_more_noughts_are_the_same_price() -> None:
    assert BIDS["0.450000"] == BIDS["0.45"]


@pytest.mark.parametrize(
    "text",
    [
        "0.45001",
        "-0.45",
        "+0.45",
        "4.5e-1",
        "0,45",
        " 0.45",
        "0.4_5",
        ".45",
        "0.",
        "",
        "NaN",
        "0",
        "0.0000",
        "1",
        "1.0000",
        "1.5",
        "٠.٤٥",
        "0.45\n",
        "0." + "0" * 40,
    ],
)
def test_what_is_no_price_is_an_error(text: str) -> None:
    with pytest.raises(BookError, match="price"):
        BIDS[text]


@pytest.mark.parametrize(
    "text", ["1.001", "+1", "1e3", "", "1_000", "١", "1" * 30, "."]
)
def test_what_is_no_size_is_an_error(text: str) -> None:
    with pytest.raises(BookError, match="size"):
        size(text)


@pytest.mark.parametrize("text", ["--1", "-", "- 1", "-+1"])
def test_a_change_has_one_sign_at_most(text: str) -> None:
    with pytest.raises(BookError, match="size"):
        loaded().change_bid("0.40", text)


def test_a_size_in_a_snapshot_has_no_sign() -> None:
    with pytest.raises(BookError, match="size"):
        Book().load([("0.40", "-1.00")], [])


def test_amounts_are_not_remembered_for_ever() -> None:
    amounts = Amounts(6)
    shown = [amounts[n] for n in range(16_385)]
    assert len(amounts) == 1
    assert shown[:2] == [amounts[0], amounts[1]]
    assert str(amounts[2_500_000]) == "2.500000"


def test_texts_are_remembered_up_to_a_bound() -> None:
    keys, changes = Keys(1), type(CHANGES)()
    for n in range(20_000):
        assert keys[f"0.{'4'}{'0' * (n % 9)}"] == 4_000
        assert changes[f"{n}.00"] == 100 * n
    assert len(keys) == 9
    # What came lately is remembered: of the first nothing is left.
    assert (len(changes), min(changes.values())) == (3_616, 100 * 16_384)
    for n in range(1, 10_000):
        keys[f"0.{n:04d}"], keys[f"0.{n:04d}0"]
    assert len(keys) == 10_000


def test_contracts_are_exact() -> None:
    assert contracts(9_007_199_254_740_993) == Decimal("90071992547409.93")


def test_each_price_is_one_object_whatever_its_text() -> None:
    assert ASKS["0.9871"] is ASKS["0.98710"]


# -- snapshots -------------------------------------------------------------------------


def test_a_snapshot_is_read_best_first() -> None:
    book = loaded()
    assert book.bids == (
        Level(Decimal("0.45"), Decimal("2.5")),
        Level(Decimal("0.4"), Decimal(10)),
    )
    assert book.asks == (
        Level(Decimal("0.52"), Decimal(3)),
        Level(Decimal("0.6"), Decimal(1)),
    )


def test_a_snapshot_takes_the_place_of_what_was_there() -> None:
    book = loaded()
    book.load([], [("0.10", "1")])
    assert (book.bid, book.ask) == (None, Decimal("0.1"))
    assert bids(book) == {}


def test_an_empty_book_has_no_quotes() -> None:
    assert (Book().bid, Book().ask) == (None, None)


def test_a_level_without_size_is_none() -> None:
    book = Book()
    book.load([("0.40", "0.00"), ("0.30", "1")], [])
    assert bids(book) == {Decimal("0.3"): Decimal(1)}


def test_a_snapshot_with_a_price_twice_is_refused() -> None:
    book = loaded()
    with pytest.raises(BookError, match="two levels"):
        book.load([("0.4", "1"), ("0.40", "2")], [])
    assert book.bid == Decimal("0.45")


@pytest.mark.parametrize("ask", ["0.4500", "0.4400"])
def test_a_crossed_or_locked_snapshot_is_refused(ask: str) -> None:
    book = loaded()
    with pytest.raises(BookError, match="crosses"):
        book.load([("0.4500", "1")], [(ask, "1")])
    assert book.ask == Decimal("0.52")


# -- changes ---------------------------------------------------------------------------


def test_a_level_that_is_used_up_is_gone() -> None:
    book = loaded()
    assert book.change_bid("0.45", "-2.50") == 0
    assert (book.bid, bids(book)) == (Decimal("0.4"), {Decimal("0.4"): Decimal(10)})


def test_a_change_by_nothing_changes_nothing() -> None:
    book = loaded()
    assert book.change_bid("0.45", "0.00") == 250
    assert book.change_ask("0.99", "-0.00") == 0
    assert (bids(book), asks(book)) == (bids(loaded()), asks(loaded()))


def test_fault_32_a_level_below_nothing_is_refused_and_nothing_changes() -> None:
    book = loaded()
    with pytest.raises(BookError, match=r"2\.51 taken from 2\.50 at 0\.45"):
        book.change_bid("0.45", "-2.51")
    with pytest.raises(BookError, match="taken from"):
        book.change_ask("0.99", "-0.01")
    assert (bids(book), asks(book)) == (bids(loaded()), asks(loaded()))


@pytest.mark.parametrize("price", ["0.5200", "0.5300"])
def test_fault_32_a_bid_that_meets_the_asks_is_refused(price: str) -> None:
    book = loaded()
    with pytest.raises(BookError, match="crosses"):
        book.change_bid(price, "1.00")
    assert bids(book) == bids(loaded())


@pytest.mark.parametrize("price", ["0.4500", "0.4400"])
def test_fault_32_an_ask_that_meets_the_bids_is_refused(price: str) -> None:
    book = loaded()
    with pytest.raises(BookError, match="crosses"):
        book.change_ask(price, "1.00")
    assert asks(book) == asks(loaded())


def test_the_best_price_is_found_over_a_wide_hole() -> None:
    book = Book()
    book.load([("0.0101", "1"), ("0.9", "1")], [])
    book.change_bid("0.9", "-1")
    assert book.bid == Decimal("0.0101")


def test_a_book_that_is_read_again_and_again_forgets_what_is_gone() -> None:
    book = Book()
    for n in range(1, 2_000):
        price = f"0.{n:04d}"
        book.change_bid(price, "1.00")
        assert book.bids == (Level(Decimal(price), Decimal(1)),)
        book.change_bid(price, "-1.00")
    assert book._shown is not None
    assert len(book._shown) <= 40


# -- views -----------------------------------------------------------------------------


def view(book: Book, outcome: str) -> tuple[object, ...]:
    read = book.read(venue="toy", market_id="M", outcome=outcome, of="yes", sequence=7)
    return read.outcome, read.bids, read.asks, read.sequence, read.stale, read.age


def test_p4_the_view_of_the_other_outcome_is_the_exact_complement() -> None:
    yes, no = view(loaded(), "yes"), view(loaded(), "no")
    assert yes[1] == loaded().bids
    assert no == (
        "no",
        (Level(Decimal("0.48"), Decimal(3)), Level(Decimal("0.4"), Decimal(1))),
        (Level(Decimal("0.55"), Decimal("2.5")), Level(Decimal("0.6"), Decimal(10))),
        7,
        False,
        None,
    )


# -- against a naive book --------------------------------------------------------------

Naive = dict[Decimal, Decimal]
GRIDS = st.sampled_from([100, 10, 1, 25, 7])


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    step = draw(GRIDS)
    cells = 9_999 // step
    near = draw(st.integers(min_value=1, max_value=cells))
    spread = draw(st.sampled_from([3, 40, cells]))
    price = st.integers(max(1, near - spread), min(cells, near + spread)).map(
        lambda n: f"{Decimal(n * step).scaleb(-4):.4f}"
    )
    change = st.integers(-400, 400).map(lambda n: f"{Decimal(n).scaleb(-2):.2f}")
    step_of = st.tuples(st.sampled_from(["bid", "ask"]), price, change)
    return draw(st.lists(step_of, max_size=60))


def apply(mine: Naive, theirs: Naive, price: Decimal, by: Decimal, sign: int) -> bool:
    """A naive change of one side; whether it was right."""
    now = mine.get(price, Decimal(0)) + by
    crosses = any(sign * price >= sign * other for other in theirs)
    if now < 0 or (now > 0 and crosses):
        return False
    mine[price] = now
    if not now:
        del mine[price]
    return True


@given(story=stories(), reads=st.booleans())
def test_the_book_is_that_of_a_naive_model(
    story: list[tuple[str, str, str]], *, reads: bool
) -> None:
    book = Book()
    naive: dict[str, Naive] = {"bid": {}, "ask": {}}
    for side, price, by in story:
        other = "ask" if side == "bid" else "bid"
        sign = 1 if side == "bid" else -1
        change: Callable[[str, str], int] = getattr(book, f"change_{side}")
        args = (naive[side], naive[other], Decimal(price), Decimal(by), sign)
        if apply(*args):
            now = naive[side].get(Decimal(price), Decimal(0))
            assert contracts(change(price, by)) == now
        else:
            with pytest.raises(BookError):
                change(price, by)
        assert book.bid == max(naive["bid"], default=None)
        assert book.ask == min(naive["ask"], default=None)
        if reads:
            assert [x.price for x in book.bids] == sorted(naive["bid"], reverse=True)
            assert (bids(book), asks(book)) == (naive["bid"], naive["ask"])
    assert (bids(book), asks(book)) == (naive["bid"], naive["ask"])


@given(story=stories())
def test_a_book_that_is_read_and_loaded_again_is_the_same(
    story: list[tuple[str, str, str]],
) -> None:
    book = Book()
    for side, price, by in story:
        try:
            getattr(book, f"change_{side}")(price, by)
        except BookError:
            continue
    copy = Book()
    copy.load(
        [(str(x.price), str(x.size)) for x in book.bids],
        [(str(x.price), str(x.size)) for x in book.asks],
    )
    assert view(copy, "yes") == view(book, "yes")
    assert (copy.bid, copy.ask) == (book.bid, book.ask)
