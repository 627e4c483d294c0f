"""What is answered to a request while streams are replayed beside it."""

from __future__ import annotations

from itertools import permutations

import pytest

from unified_exchanges.errors import NotRecorded
from unified_exchanges.flow import Request
from unified_exchanges.recording.format import Body, Rest
from unified_exchanges.replaying.answers import Answers
from unified_exchanges.replaying.clock import ReplayClock

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
