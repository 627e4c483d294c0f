"""Listings, however a venue cuts them: complete, without duplicates, in order, or an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import ConnectionLost, VenueSchemaError
from unified_exchanges.flow import Page, Pages, Response, collect, limited
from unified_exchanges.venue.arguments import page_size, pages_for
from unified_exchanges.venue.merging import (
    changed,
    live_then_archive,
    newest_first,
)

from .flavours import FLAVOURS, Rig
from .toy import page, toy

START = datetime(2026, 10, 1, tzinfo=UTC)

NUMBERS = st.lists(st.integers(0, 200), max_size=60)


def moment(number: int) -> datetime:
    return START + timedelta(hours=number)


def descending(numbers: list[int]) -> list[int]:
    return sorted(numbers, reverse=True)


def cut(items: list[int], sizes: list[int]) -> list[list[int]]:
    """The items in chunks of these sizes, the rest in one."""
    chunks: list[list[int]] = []
    for size in sizes:
        chunks.append(items[:size])
        items = items[size:]
    return [*chunks, items]


def paged(items: list[int], sizes: list[int]) -> Pages[int]:
    for chunk in cut(items, sizes):
        yield Page(chunk)


def listed(pages: Pages[int], limit: int | None = None) -> list[int]:
    rig = Rig("blocking", [], VirtualClock())
    return rig.run(collect(pages, limit))


SIZES = st.lists(st.integers(0, 7), max_size=12)


# -- one listing -----------------------------------------------------------------------


@given(
    items=st.lists(st.integers(0, 40), max_size=60), sizes=SIZES, ahead=st.booleans()
)
def test_fault_26_any_split_with_any_duplicates_gives_each_item_once(
    items: list[int], sizes: list[int], *, ahead: bool
) -> None:
    chunks = cut(items, sizes)
    last = len(chunks) - 1
    answers = [
        page([str(x) for x in chunk], "" if number == last else f"c{number}")
        for number, chunk in enumerate(chunks)
    ]
    clock = VirtualClock()
    rig = Rig("blocking", answers, clock)
    found = rig.run(collect(toy(clock).items(ahead=ahead)))
    assert found == list(dict.fromkeys(str(x) for x in items))


@given(length=st.integers(1, 8), back=st.integers(0, 7), ahead=st.booleans())
def test_fault_26_a_cursor_that_comes_back_is_found_wherever_it_points(
    length: int, back: int, *, ahead: bool
) -> None:
    def answer(number: int) -> Response:
        cursor = number if number < length else min(back, length - 1)
        return page([f"item {number}"], f"c{cursor}")

    clock = VirtualClock()
    answers = [answer(number) for number in range(length + 3)]
    rig = Rig("blocking", answers, clock)
    with pytest.raises(VenueSchemaError):
        rig.run(collect(toy(clock).items(ahead=ahead)))
    assert len(rig.requests) <= length + 2


@given(limit=st.integers(1, 5_000), most=st.integers(1, 1_000))
def test_the_pages_of_a_limit_hold_it_and_not_a_page_more(
    limit: int, most: int
) -> None:
    size, count = page_size(limit, most), pages_for(limit, most)
    assert count is not None
    assert (count - 1) * size < limit <= count * size


# -- several listings ------------------------------------------------------------------


@given(parts=st.lists(st.tuples(NUMBERS, SIZES), max_size=4))
def test_several_listings_become_one_newest_first(
    parts: list[tuple[list[int], list[int]]],
) -> None:
    sources = [paged(descending(numbers), sizes) for numbers, sizes in parts]
    found = listed(newest_first(*sources, moment=moment))
    assert found == descending([x for numbers, _ in parts for x in numbers])


@given(
    numbers=st.sets(st.integers(0, 200), max_size=60),
    boundary=st.integers(0, 200),
    resting=st.sets(st.integers(0, 200)),
    sizes=SIZES,
)
def test_live_and_archive_become_one_newest_first(
    numbers: set[int], boundary: int, resting: set[int], sizes: list[int]
) -> None:
    # What rests stays live however old it is; only what is older is archived.
    live = {x for x in numbers if x >= boundary} | (resting & numbers)
    archive = {x for x in numbers if x not in live}
    found = listed(
        live_then_archive(
            paged(descending(list(live)), sizes),
            paged(descending(list(archive)), sizes),
            boundary=moment(boundary),
            moment=moment,
        )
    )
    assert found == descending(list(numbers))


@given(
    live=st.sets(st.integers(100, 200), min_size=1),
    limit=st.integers(1, 50),
    sizes=SIZES,
)
def test_the_archive_is_not_asked_while_live_items_suffice(
    live: set[int], limit: int, sizes: list[int]
) -> None:
    asked: list[int] = []

    def archive() -> Pages[int]:
        asked.append(1)
        yield Page([0])

    limit = min(limit, len(live))
    found = listed(
        live_then_archive(
            paged(descending(list(live)), sizes),
            archive(),
            boundary=moment(100),
            moment=moment,
        ),
        limit,
    )
    assert (found, asked) == (descending(list(live))[:limit], [])


def test_without_a_boundary_only_the_live_listing_is_read() -> None:
    pages = live_then_archive(
        paged([3, 2], []), paged([1], []), boundary=None, moment=moment
    )
    assert listed(pages) == [3, 2]


def test_what_has_no_time_comes_at_once() -> None:
    pages = live_then_archive(
        paged([5, -1, 1], [1, 1]),
        paged([3], []),
        boundary=moment(4),
        moment=lambda x: None if x < 0 else moment(x),
    )
    assert listed(pages) == [5, -1, 3, 1]


def test_pages_that_become_empty_are_left_out() -> None:
    pages = changed(paged([1, 2, 3], [2]), lambda xs: [x for x in xs if x > 2])
    assert list(pages) == [Page([3])]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("ahead", [False, True])
def test_a_changed_listing_recovers_from_a_lost_page_as_its_source_does(
    flavour: str, *, ahead: bool
) -> None:
    clock = VirtualClock()
    script = [page(["a"], "2"), ConnectionLost("gone"), page(["b"])]
    rig = Rig(flavour, script, clock)
    pages = changed(toy(clock).items(ahead=ahead), lambda xs: [x.upper() for x in xs])
    assert rig.listed(pages) == ["A", "B"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_changed_listing_left_early_asks_no_more(flavour: str) -> None:
    clock = VirtualClock()
    rig = Rig(flavour, [page(["a", "b"], "2"), page(["c"])], clock)
    pages = changed(toy(clock).items(), lambda xs: xs)
    assert (rig.listed(pages, take=2), len(rig.requests)) == (["a", "b"], 1)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_26_a_failing_archive_fails_the_listing(flavour: str) -> None:
    def archive() -> Pages[int]:
        raise VenueSchemaError("page 2 is broken")
        yield Page([])

    clock = VirtualClock()
    rig = Rig(flavour, [], clock)
    pages = live_then_archive(
        paged([9], []), archive(), boundary=moment(5), moment=moment
    )
    with pytest.raises(VenueSchemaError):
        rig.listed(limited(pages, None))
