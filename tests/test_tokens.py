"""Places in a part of a bucket, against a naive model that fills and empties it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.tokens import Tokens

Places = list[tuple[float, float]]


def tokens(rate: float = 2, capacity: float = 10) -> Tokens:
    made = Tokens()
    made.rate = rate
    made.capacity = made.level = capacity
    return made


def joined(part: Tokens, cost: float, start: float = 0.0) -> float:
    moment = part.turn(start, cost)
    part.place(moment, cost, urgent=False)
    return moment


def shortfall(part: Tokens, places: Places) -> float:
    """How much is lacking at most when all of them leave."""
    level, at, worst = part.level, part.at, 0.0
    for leaves, cost in sorted(places, key=lambda x: x[0]):
        level, at = min(part.capacity, level + (leaves - at) * part.rate), leaves
        worst = max(worst, min(cost, part.capacity) - level)
        level -= cost
    return worst


def test_who_took_nothing_gives_nothing_back() -> None:
    part = tokens(rate=1)
    joined(part, 10)
    leaves = joined(part, 4)
    part.give_back(leaves, 0)
    assert [(x.leaves, x.cost) for x in part.places] == [(leaves, 4)]


def test_a_place_keeps_nothing_that_comes_back_until_then() -> None:
    part = tokens()
    assert joined(part, 10, start=20.0) == 20.0
    # Full again in 5 s: what leaves until 15 is there again.
    assert [joined(part, 5) for _ in range(3)] == [0.0, 0.0, 2.5]
    assert joined(part, 10) == 7.5
    assert joined(part, 10) == 12.5
    # From here on nothing can leave before.
    assert joined(part, 6) == 23.0


def test_what_is_free_is_what_no_place_needs() -> None:
    part = tokens()
    joined(part, 10, start=2.0)
    assert part.free(0.0) == 4.0
    assert part.free(2.0) == 0.0
    assert part.free(3.0) == 2.0


def test_who_waits_for_the_part_itself_is_not_overtaken() -> None:
    part = tokens()
    moments = [joined(part, 5) for _ in range(6)]
    assert moments == [0.0, 0.0, 2.5, 5.0, 7.5, 10.0]
    part.give_back(2.5, 5)
    assert joined(part, 5) == 10.0
    assert part.free(3.0) == 0.0


def test_what_gives_up_at_a_moment_that_others_have_is_known_by_its_cost() -> None:
    part = tokens()
    for cost in (6, 1, 3):
        joined(part, cost, start=9.0)
    part.give_back(9.0, 1)
    assert [x.cost for x in part.places] == [6, 3]
    part.give_back(8.0, 6)
    assert [x.cost for x in part.places] == [6, 3]


def test_an_urgent_one_is_not_given_back_for_a_common_one() -> None:
    part = tokens()
    part.place(9.0, 4, urgent=True)
    part.give_back(9.0, 4)
    assert [x.cost for x in part.places] == [4]


def test_what_is_granted_no_more_is_not_there_for_later_ones() -> None:
    part = tokens()
    assert joined(part, 10, start=8.0) == 8.0
    part.lower(0)
    assert joined(part, 1) == 0.5
    assert joined(part, 5) == 3.0
    assert joined(part, 1) == 8.5


COMING = st.lists(
    st.tuples(
        st.floats(0, 3),  # since the last
        st.sampled_from([0.0, 0.0, 0.5, 3.0, 11.0]),  # held elsewhere for
        st.integers(1, 40),
        st.integers(-6, 10),  # who gives up
    ),
    max_size=30,
)


@given(st.integers(1, 20), st.integers(5, 30), COMING)
def test_one_leaves_as_soon_as_all_others_get_theirs_all_the_same(
    rate: int, capacity: int, coming: list[tuple[float, float, int, int]]
) -> None:
    part, now = tokens(rate, capacity), 0.0
    for gap, held, cost, gone in coming:
        now += gap
        part.refill(now)
        places = [(x.leaves, x.cost) for x in part.places]
        start = max(now + held, part.last)
        moment = part.turn(now + held, cost)
        assert moment >= start
        assert shortfall(part, [*places, (moment, cost)]) < 1e-5
        # A hair before each place as well: there most is filled up.
        tried = [start + (moment - start) * n / 20 for n in range(20)]
        tried += [x - 1e-9 for x, _ in places if start < x - 1e-9]
        for earlier in tried:
            if earlier < moment - 1e-3:
                # Less than that is lost in reckoning, and taken for enough.
                assert shortfall(part, [*places, (earlier, cost)]) > 1e-8
        part.place(moment, cost, urgent=False)
        assert part.turn(moment, 0) == moment
        if 0 <= gone < len(part.places):
            other = part.places[gone]
            part.give_back(other.leaves, other.cost)
        check_reckoning(part)


def check_reckoning(part: Tokens) -> None:
    """What is found step by step is what is found anew."""
    found = [(x.level, x.need) for x in part.places]
    part.reckon()
    again: Any = [pytest.approx((x.level, x.need), abs=1e-6) for x in part.places]
    assert found == again
