"""A book of tables that was kept is, whenever it is looked at, what it was then."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from unified_exchanges.models.unread import Picture, developed
from unified_exchanges.research.shelf import TableBook

MILLION = 10**6

changes = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(1, 12).map(lambda x: x * 50_000),
        st.sampled_from([0, 1, 2_500_000, 10**20]),
    ),
    max_size=120,
)


def levels(picture: Picture) -> list[tuple[Decimal, Decimal]]:
    return [(x.price, x.size) for x in developed(picture)]


LONG = [(n % 3 == 0, 50_000 * (n % 11 + 1), n * 7 % 5 * MILLION) for n in range(400)]


@example(LONG, 1)
@example(LONG, 401)
@given(changes, st.integers(1, 7))
def test_a_kept_book_is_what_it_was(
    drawn: list[tuple[bool, int, int]], every: int
) -> None:
    book = TableBook()
    naive: tuple[dict[int, int], dict[int, int]] = {}, {}
    kept = []
    for number, (is_bid, price, size) in enumerate(drawn):
        (book.set_bid if is_bid else book.set_ask)(price, size)
        side = naive[not is_bid]
        side[price] = size
        bids, asks = (
            [
                (Decimal(p) / MILLION, Decimal(s) / MILLION)
                for p, s in sorted(x.items())
                if s
            ]
            for x in naive
        )
        pictures = book.bid_picture, book.ask_picture
        if not number % every:
            # Some are looked at on the way, others only once all has changed.
            assert [levels(x) for x in pictures] == [bids[::-1], asks]
        kept.append((pictures, [bids[::-1], asks]))
    for pictures, expected in kept:
        assert [levels(x) for x in pictures] == expected
