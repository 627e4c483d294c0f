"""What is answered to a request while streams are replayed beside it."""

from __future__ import annotations

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


def answers(*, began: int = NOW) -> Answers:
    """A recording of one read."""
    read = Rest(
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
    return Answers([read], ReplayClock(NOW), "the recording")


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
