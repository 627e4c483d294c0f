"""The streams of a recording are told again, in virtual time and without a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    BadRequest,
    NotRecorded,
    RequestTimeout,
    async_exchange,
    exchange,
)
from unified_exchanges.testing import socket_guard

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .streaming import drained, recorded, replayed, trading, venues_own


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param) as made:
        yield made


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_told_live_is_told_again_to_the_last_digit_in_both_flavours(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded(flavour, trading, at, path)
    for other in FLAVOURS:
        with socket_guard():
            first = replayed(other, trading, path)
            assert venues_own(first) == venues_own(live)
            assert venues_own(replayed(other, trading, path)) == venues_own(first)


# -- other programs than the one that was recorded ---------------------------------------


def two_books(ex: Any) -> Any:
    """Watch two markets, and move both by orders of our own."""
    markets = yield ex.fetch_markets(limit=2)
    names = [x.market_id for x in markets]
    books = ex.watch_order_book(names, policy="every", events=True)
    said = [(yield books.next(timeout=30)), (yield books.next(timeout=30))]
    for number in range(6):
        market = markets[number % 2]
        terms = (market.market_id, market.outcomes[0].label, "buy")
        order = yield ex.create_order(*terms, market.grid.lowest, 10 + number)
        said.append((yield books.next(timeout=30)))
        yield ex.cancel_order(order.order_id)
        said.append((yield books.next(timeout=30)))
    return said


def all_of_two_books(ex: Any) -> Any:
    one, two = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
    return (yield drained(ex.watch_order_book([one, two], policy="every", events=True)))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_loop_over_a_watch_ends_with_the_recording(
    at: Stage, path: Path, flavour: str
) -> None:
    live = venues_own(recorded("blocking", two_books, at, path))
    with socket_guard():
        told = venues_own(replayed(flavour, all_of_two_books, path))
        assert venues_own(replayed(flavour, all_of_two_books, path)) == told
    assert told[: len(live)] == live


def watched_later(ex: Any) -> Any:
    """The books as they stand once the second of two markets was watched long ago."""
    one, two = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
    first = ex.watch_order_book(one, policy="every")
    for _ in range(4):
        yield first.next(timeout=30)
    second = ex.watch_order_book(two, policy="every")
    return (yield drained(second))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_market_that_is_watched_later_begins_with_its_book_of_then(
    at: Stage, path: Path, flavour: str
) -> None:
    recorded("blocking", two_books, at, path)
    every = venues_own(replayed(flavour, all_of_two_books, path))
    late = venues_own(replayed(flavour, watched_later, path))
    of_it = [x for x in every if x["market_id"] == late[0]["market_id"]]
    prices = [(x["bids"], x["asks"]) for x in of_it]
    told = [(x["bids"], x["asks"]) for x in late]
    assert 0 < len(told) < len(prices)
    assert prices[-len(told) :] == told


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_market_that_was_not_followed_is_refused_with_what_there_is(
    at: Stage, path: Path, flavour: str
) -> None:
    def watch_one(ex: Any) -> Any:
        one, two = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
        yield ex.watch_order_book(one).next(timeout=30)
        return [one, two]

    one, two = recorded("blocking", watch_one, at, path)

    def watch_other(ex: Any) -> Any:
        yield ex.fetch_markets(limit=2)
        with pytest.raises(NotRecorded) as told:
            yield ex.watch_order_book([one, two]).next(timeout=30)
        with pytest.raises(NotRecorded, match="fills"):
            yield ex.watch_fills().next(timeout=30)
        return [str(told.value)]

    with socket_guard():
        [text] = replayed(flavour, watch_other, path)
    assert f"order_book of {two}" in text
    assert f"order_book of {one}" not in text
    assert one in text


def test_no_socket_is_made_by_a_replayed_stream(
    at: Stage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded("blocking", two_books, at, path)
    made: list[object] = []

    def refuse(*given: object, **_: object) -> None:
        made.append(given)

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    assert replayed("blocking", all_of_two_books, path)
    assert made == []
