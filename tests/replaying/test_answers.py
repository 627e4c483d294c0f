"""What is answered to a request while streams are replayed beside it."""

from __future__ import annotations

import sys
from itertools import permutations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import NotRecorded
from unified_exchanges.flow import Request
from unified_exchanges.recording.format import Body, Rest
from unified_exchanges.replaying.answers import Answers
from unified_exchanges.replaying.clock import ReplayClock
from unified_exchanges.replaying.nearest import InTime

SECOND = 10**9
NOW = 1_000 * SECOND
ABOUT_NOW = (2 * SECOND, 10 * SECOND)
HOST, PATH = "https://venue.example", "/markets/A"


def read(began: int) -> Rest:
    """One that was answered a second after it began."""
    return Rest(
        at=began + SECOND,
        mono=0,
        began=began,
        elapsed=1,
        method="GET",
        host=HOST,
        path=PATH,
        status=200,
        body=Body(b"{}"),
    )


def answers(*, began: int = NOW, count: int = 1) -> Answers:
    """A recording of so many reads, one after another."""
    reads = [read(began + number * SECOND) for number in range(count)]
    return Answers(reads, ReplayClock(NOW), "the recording")


def request(method: str = "GET") -> Request:
    return Request(method=method, url=HOST + PATH, timeout=1.0)


def test_what_was_read_once_is_given_once() -> None:
    told = answers()
    told.claim(request(), ABOUT_NOW)
    with pytest.raises(NotRecorded, match="was not asked for at this moment"):
        told.claim(request(), ABOUT_NOW)


def test_what_was_read_once_may_be_shared_by_who_needs_it_about_then() -> None:
    told = answers()
    first = told.claim(request(), ABOUT_NOW, is_shared=True)
    assert told.claim(request(), ABOUT_NOW, is_shared=True) is first


@pytest.mark.parametrize(
    ("began", "said"),
    [
        (NOW + 62 * SECOND, ": the same was sent 62.000 s later"),
        (NOW - 3 * SECOND // 2, ": the same was sent 1.500 s earlier"),
    ],
)
def test_the_same_at_another_moment_is_told_with_how_far_that_is(
    began: int, said: str
) -> None:
    told = answers(began=began)
    assert told.nearest(request()) == said
    # Where the program has waited for longer than then, it is that much nearer.
    moved = told.nearest(request(), since=began - SECOND)
    assert moved == ": the same was sent 1.000 s later"
    told.claim(request())
    assert told.nearest(request()) == f"{said}, and its answer was given already"


def test_nothing_of_another_moment_is_shared() -> None:
    told = answers(began=NOW + 11 * SECOND)
    told.claim(request())
    with pytest.raises(NotRecorded):
        told.claim(request(), ABOUT_NOW, is_shared=True)


@pytest.mark.parametrize("order", sorted(set(permutations("ppss"))))
def test_streams_take_nothing_from_the_program_in_whatever_order_both_read(
    order: tuple[str, ...],
) -> None:
    told = answers(count=2)
    given: dict[str, list[int]] = {"p": [], "s": []}
    for who in order:
        entry = (
            told.claim(request()) if who == "p" else told.overhear(request(), ABOUT_NOW)
        )
        given[who].append(entry.number)
    assert given == {"p": [1, 2], "s": [1, 2]}
    with pytest.raises(NotRecorded, match="recorded 2 times, and is asked for once"):
        told.claim(request())
    with pytest.raises(NotRecorded, match="was not asked for at this moment"):
        told.overhear(request(), ABOUT_NOW)


def test_what_only_streams_have_read_was_not_asked_for_by_the_program() -> None:
    told = answers()
    told.overhear(request(), ABOUT_NOW)
    assert told.unplayed == [f"GET {PATH}"]


@pytest.mark.parametrize("moment", [0, 150, 299])
def test_all_of_many_equal_reads_are_found_from_any_moment(moment: int) -> None:
    told = answers(began=NOW - moment * SECOND, count=300)
    given = [told.claim(request()).number for _ in range(300)]
    # From now on, and then what was before, the latest first.
    assert given == [*range(moment + 1, 301), *range(moment, 0, -1)]
    with pytest.raises(NotRecorded, match="was recorded 300 times"):
        told.claim(request())


def test_the_last_of_many_equal_reads_is_found_as_fast_as_the_first() -> None:
    def steps(count: int) -> int:
        told, seen = answers(began=NOW - count * SECOND // 2, count=count), 0

        def look(frame: object, event: str, argument: object) -> None:
            nonlocal seen
            seen += 1

        sys.setprofile(look)
        try:
            for _ in range(count):
                told.claim(request())
        finally:
            sys.setprofile(None)
        return seen

    few, many = steps(200), steps(2_000)
    assert many < 13 * few


@given(
    began=st.lists(st.integers(-5, 5), min_size=1, max_size=12),
    moments=st.lists(st.integers(-6, 6), max_size=14),
)
def test_what_is_left_is_what_a_search_through_all_of_it_finds(
    began: list[int], moments: list[int]
) -> None:
    @attrs.define(eq=False)
    class Asked:
        began: int
        is_played: bool = False

    some = [Asked(x) for x in began]
    in_time = InTime(some)
    ordered = sorted(some, key=lambda x: x.began)
    for moment in moments:
        left = [x for x in ordered if not x.is_played]
        later = [x for x in left if x.began >= moment]
        sooner = [x for x in reversed(left) if x.began < moment]
        found = list(in_time.left(moment))
        assert found == [*later, *sooner]
        if found:
            found[0].is_played = True


def test_what_was_sent_just_before_is_nearer_than_what_was_sent_long_after() -> None:
    told = Answers(
        [read(NOW - SECOND // 200), read(NOW + SECOND)],
        ReplayClock(NOW),
        "the recording",
    )
    given = [told.claim(request(), ABOUT_NOW).number for _ in range(2)]
    assert given == [1, 2]


def test_what_a_stream_has_read_just_before_was_its_own_where_there_is_another() -> (
    None
):
    told = Answers(
        [read(NOW - SECOND // 200), read(NOW + SECOND)],
        ReplayClock(NOW),
        "the recording",
    )
    assert told.overhear(request(), (SECOND, 0)).number == 1
    given = [told.claim(request(), ABOUT_NOW).number for _ in range(2)]
    assert given == [2, 1]
