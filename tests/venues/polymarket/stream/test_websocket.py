"""`PolymarketWebSocket` and its twin against the simulated Polymarket on real sockets."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import pytest

import unified_exchanges as ux
from tests.watching.face import soon
from unified_exchanges.hidden import Hidden
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.venues import polymarket
from unified_exchanges.venues.polymarket import PolymarketWebSocket

from .scene import Scene


def test_a_book_is_followed_by_its_token(scene: Scene, driver: str) -> None:
    socket = scene.socket(driver)
    token = scene.listed.tokens[1]
    socket.subscribe("market", token)
    first = socket.next()
    assert (type(first).__name__, first.asset_id) == ("BookSnapshot", token)
    scene.bid("7", index=1)
    [*_, changed] = socket.until("BookChange")
    book = socket.ws.book(token)
    assert changed.changes[0][1] in book.bids
    assert (book.stale, book.outcome, book.market_id) == (False, token, scene.market)


def test_asking_again_does_nothing_and_what_is_left_comes_no_more(
    scene: Scene, driver: str
) -> None:
    socket = scene.socket(driver)
    yes, no = scene.listed.tokens
    socket.subscribe("market", [yes, no])
    socket.subscribe("market", yes)
    assert {socket.next().asset_id for _ in range(2)} == {yes, no}
    socket.unsubscribe("market", no)
    assert socket.ws.book(no) is None
    socket.unsubscribe("market")
    assert soon(lambda: socket.do(socket.ws.health).subscriptions == 0)


def test_each_step_of_a_settlement_is_told(scene: Scene, driver: str) -> None:
    socket = scene.socket(driver)
    socket.subscribe("user")
    socket.subscribe("user")
    assert soon(lambda: socket.do(socket.ws.health).state == "live")
    order_id = scene.buy("6")
    states: list[Any] = []
    while "final" not in states:
        [*_, fill] = socket.until("Fill")
        states.append(str(fill.state))
        assert (fill.order_id, fill.size, fill.liquidity) == (order_id, 6, "taker")
        # The schedule of the market was read for it.
        assert fill.fee > 0
    assert states == ["pending", "pending", "final"]
    socket.unsubscribe("user")
    socket.unsubscribe("user")


def test_a_fill_is_told_without_its_fee_where_the_catalog_does_not_answer(
    scene: Scene, driver: str
) -> None:
    socket = scene.socket(driver)
    socket.subscribe("user")
    scene.server.faults.add(Fault("stall", path="/gamma/", count=None))
    order_id = scene.buy("6")
    fill = socket.until("Fill")[-1]
    assert (fill.order_id, fill.size, fill.fee) == (order_id, 6, None)


def test_an_api_key_is_derived_where_none_was_given(scene: Scene, driver: str) -> None:
    socket = scene.socket(driver, api_key=None, secret=None, password=None)
    socket.subscribe("user")
    order_id = scene.bid("9")
    [*_, order] = socket.until("Order")
    assert order.order_id == order_id


def test_the_account_needs_a_key(scene: Scene, driver: str) -> None:
    socket = scene.socket(
        driver, private_key=None, api_key=None, secret=None, password=None, options={}
    )
    with pytest.raises(ux.AuthenticationError, match="needs a key"):
        socket.subscribe("user")


def test_a_book_that_does_not_come_is_read_over_rest(driver: str) -> None:
    with Scene(most_assets=0) as scene:
        socket = scene.socket(driver)
        token = scene.listed.tokens[0]
        socket.subscribe("market", token)
        # Its market is known by the first frame that names it.
        scene.bid("7")
        told = socket.until("BookSnapshot")
        assert told[-1].asset_id == token
        assert not socket.ws.book(token).stale


def test_what_is_no_channel_or_token_is_refused(scene: Scene, driver: str) -> None:
    socket = scene.socket(driver)
    for arguments in (
        ("orders",),
        ("market",),
        ("market", []),
        ("market", "0x12"),
        ("market", 7),
        ("user", "12"),
    ):
        with pytest.raises(ux.BadRequest):
            socket.subscribe(*arguments)
    with pytest.raises(ux.BadRequest):
        socket.unsubscribe("user", "12")


def test_it_says_how_it_does(scene: Scene, driver: str) -> None:
    socket = scene.socket(driver)
    idle = socket.do(lambda: repr(socket.ws))
    socket.subscribe("market", scene.listed.tokens[0])
    assert soon(lambda: socket.do(socket.ws.health).state == "live")
    assert ("(idle)" in idle, "(live)" in socket.do(lambda: repr(socket.ws))) == (
        True,
        True,
    )


def test_reading_ends_when_it_is_closed(scene: Scene, driver: str) -> None:
    socket = scene.socket(driver)
    socket.subscribe("market", scene.listed.tokens[0])
    socket.next()
    socket.do(socket.ws.close if driver == "blocking" else socket.ws.aclose)
    with pytest.raises((StopIteration, StopAsyncIteration)):
        socket.next()


def test_a_blocking_one_that_is_dropped_hangs_up(scene: Scene) -> None:
    account = {k: v for k, v in scene.account.items() if k == "environment"}
    socket = PolymarketWebSocket(**account)
    socket.subscribe("market", scene.listed.tokens[0])
    assert soon(lambda: len(scene.venue.sessions) == 1)
    del socket
    gc.collect()
    assert soon(lambda: not scene.venue.sessions)


def test_what_the_package_offers_is_loaded_when_it_is_asked_for() -> None:
    assert all(getattr(polymarket, name) for name in polymarket.__all__)
    with pytest.raises(AttributeError):
        _ = polymarket.Comet  # type: ignore[attr-defined]


def test_a_text_with_a_secret_is_not_shown() -> None:
    hidden = Hidden("s3cr3t")
    shown = [repr(hidden), repr([hidden]), repr(copy.copy(hidden))]
    assert ["s3cr3t" in x for x in shown] == [False, False, False]
    assert hidden == "s3cr3t"
    assert repr(pickle.loads(pickle.dumps(hidden))) == repr(hidden)
