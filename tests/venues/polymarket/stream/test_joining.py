"""Trades that are read and those that are streamed, joined as the page on streams shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import unified_exchanges as ux
from tests.guards import ROOT
from tests.test_docs import blocks
from tests.watching.face import Face, soon
from unified_exchanges.simulator.faults import StreamFault

from .scene import Scene

D = Decimal


def tape() -> Any:
    """What the page shows."""
    found = blocks(ROOT / "docs" / "streams.md")
    [source] = [code for _, code in found if "class Tape" in code]
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # noqa: S102 - the code of our own page
    return namespace["Tape"]()


def trade_with_two(scene: Scene) -> Decimal:
    """Buy all that is asked at the best price, which is told; sell to two who bid there."""
    with scene.server.lock:
        told = scene.us.read("/clob/book", token_id=scene.listed.tokens[0])
    best = told["asks"][-1]
    scene.place("BUY", best["price"], best["size"])
    for size in ("5", "7"):
        scene.place("BUY", best["price"], size, by=scene.them)
    scene.place("SELL", best["price"], "12")
    return D(best["size"])


def volume(trades: Iterable[ux.Trade]) -> dict[Any, Decimal]:
    """Shares by transaction, price and side."""
    found: dict[Any, Decimal] = {}
    for trade in trades:
        key = trade.transaction, trade.price, trade.taker_side
        found[key] = found.get(key, D(0)) + trade.size
    return found


@pytest.fixture
def since(scene: Scene) -> datetime:
    at = scene.venue.engine.now_us() // 1_000_000
    return datetime.fromtimestamp(at, UTC)


class Listing:
    """What is listed since a moment, once it is so many trades."""

    def __init__(self, face: Face, scene: Scene, since: datetime) -> None:
        self._face, self._market, self._since = face, scene.market, since

    def read(self, count: int) -> list[ux.Trade]:
        assert soon(lambda: len(self._read()) == count)
        return self._read()

    def _read(self) -> list[ux.Trade]:
        found: list[ux.Trade] = self._face.call(
            "fetch_trades", self._market, since=self._since
        )
        return found


def test_a_transaction_is_streamed_in_other_parts_than_it_is_listed_in(
    scene: Scene, face: Face, since: datetime
) -> None:
    watch = face.watch("trades", scene.market)
    assert watch.is_quiet()
    bought = trade_with_two(scene)
    streamed = watch.take(3)
    listed = Listing(face, scene, since).read(2)
    assert [x.size for x in streamed] == [bought, 5, 7]
    assert [x.size for x in listed] == [12, bought]
    assert {x.trade_id for x in streamed}.isdisjoint(x.trade_id for x in listed)
    assert volume(streamed) == volume(listed)


def test_trades_that_are_read_and_streamed_are_each_there_once(
    scene: Scene, face: Face, since: datetime
) -> None:
    listing, joined = Listing(face, scene, since), tape()
    scene.buy("6")
    listing.read(1)
    watch = face.watch("trades", scene.market)
    assert watch.is_quiet()
    trade_with_two(scene)
    # Of the last of which one part is heard before the listing has the whole.
    for trade in watch.take(2):
        joined.hear(trade)
    for trade in listing.read(3):
        joined.read(trade)
    joined.hear(watch.next())
    assert volume(joined.trades.values()) == volume(listing.read(3))


def test_what_was_read_first_is_not_taken_again_when_it_is_heard(
    scene: Scene, face: Face, since: datetime
) -> None:
    listing, joined = Listing(face, scene, since), tape()
    watch = face.watch("trades", scene.market)
    assert watch.is_quiet()
    trade_with_two(scene)
    for _ in range(2):
        for trade in listing.read(2):
            joined.read(trade)
    for trade in watch.take(3):
        joined.hear(trade)
    scene.buy("6")
    joined.hear(watch.next())
    assert volume(joined.trades.values()) == volume(listing.read(3))


def test_what_a_break_hid_is_found_by_reading_again(driver: str) -> None:
    with Scene(StreamFault("drop", frame="last_trade_price")) as scene:
        face = scene.face(driver)
        at = scene.venue.engine.now_us() // 1_000_000
        listing = Listing(face, scene, datetime.fromtimestamp(at, UTC))
        watch, joined = face.watch("trades", scene.market), tape()
        assert watch.is_quiet()
        scene.buy("6")
        scene.buy("7")
        joined.hear(watch.next())
        assert [x.size for x in joined.trades.values()] == [7]
        for trade in listing.read(2):
            joined.read(trade)
        assert volume(joined.trades.values()) == volume(listing.read(2))
