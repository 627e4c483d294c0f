"""Positions of each outcome held against fills, on real sockets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.watching.face import Face, soon
from unified_exchanges.venues.polymarket.venue import PolymarketVenue

from .scene import Scene

LATE = 2.0


def test_what_is_split_elsewhere_is_a_difference_and_what_is_bought_is_none(
    scene: Scene, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The forty seconds that positions may be late are waited for otherwise.
    monkeypatch.setattr(PolymarketVenue, "positions_late", LATE)
    face: Face = scene.face(driver, policy={"reconcile": 0.3})
    orders = face.exchange.orders
    face.do(orders.follow)
    assert soon(lambda: orders.compared_at is not None, 15)
    yes, no = (x.label for x in face.call("fetch_market", scene.market).outcomes)
    scene.buy("20")
    assert soon(lambda: orders.position(scene.market, outcome=yes) == 20)
    begun = orders.compared_at
    assert not soon(lambda: bool(orders.differences), 2 * LATE + 1)
    assert orders.compared_at > begun
    with scene.server.lock:
        scene.venue.split(scene.us.wallet, scene.listed, Decimal(100))
    assert soon(lambda: len(orders.differences) == 2, 15)
    told = {x.outcome: (x.derived, x.told) for x in orders.differences}
    assert told == {yes: (20, 120), no: (0, 100)}
    assert orders.position(scene.market, outcome=yes) == 20


def test_until_positions_surely_show_all_they_are_read_twice(
    scene: Scene, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PolymarketVenue, "positions_late", LATE)
    face: Face = scene.face(driver)
    orders = face.exchange.orders
    face.do(orders.follow)
    assert soon(lambda: orders.compared_at is not None, 15)
    assert face.exchange.stream_health().reconciliations == 2
    # Of four lists each, and what is asked at first.
    assert face.exchange.health().requests <= 16
