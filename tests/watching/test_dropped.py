"""Nobody needs to close what nobody holds: threads end with what they are for."""

from __future__ import annotations

import gc
import threading
from typing import Any

import unified_exchanges as ux
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.venues.kalshi import KalshiWebSocket

from .face import FAST, FREE, MARKET, Scene, soon
from .test_flavours import BOOKS

POLICY = StreamPolicy(**FAST)


def opened(scene: Scene) -> ux.Exchange:
    return ux.exchange("kalshi", **scene.account, limits=FREE, stream=POLICY)


def threads_of(kalshi: ux.Exchange) -> list[threading.Thread]:
    hub: Any = kalshi._hubs[""]
    found = [hub._clerk, hub._stream._thread, hub._stream._worker]
    return [thread for thread in found if thread is not None]


def have_ended(threads: list[threading.Thread]) -> bool:
    gc.collect()
    for thread in threads:
        thread.join(5)
    return not any(thread.is_alive() for thread in threads)


def test_fault_47_an_exchange_that_is_dropped_ends_its_threads(scene: Scene) -> None:
    kalshi = opened(scene)
    watch = kalshi.watch_order_book(MARKET)
    assert watch.next(5).market_id == MARKET
    threads = threads_of(kalshi)
    assert len(threads) >= 2
    del watch, kalshi
    assert have_ended(threads)
    assert soon(lambda: not scene.kalshi.sessions)


def test_a_watch_keeps_its_exchange(scene: Scene) -> None:
    kalshi = opened(scene)
    watch = kalshi.watch_order_book(MARKET)
    threads = threads_of(kalshi)
    del kalshi
    gc.collect()
    assert watch.next(5).market_id == MARKET
    scene.bid()
    assert watch.next(5).market_id == MARKET
    assert scene.subscriptions == BOOKS
    del watch
    assert have_ended(threads)


def test_a_loop_keeps_the_exchange_that_nobody_has_named(scene: Scene) -> None:
    seen = 0
    for book in opened(scene).watch_order_book(MARKET):
        gc.collect()
        seen += book.market_id == MARKET
        if seen == 3:
            break
        scene.bid()
    assert seen == 3
    assert soon(lambda: not scene.kalshi.sessions)


def test_an_exchange_that_was_closed_has_nothing_to_say_when_it_is_dropped(
    scene: Scene,
) -> None:
    kalshi = opened(scene)
    kalshi.watch_order_book(MARKET).next(5)
    kalshi.close()
    assert kalshi._call_off is None
    kalshi.close()


def test_fault_47_a_websocket_that_is_dropped_ends_its_threads(scene: Scene) -> None:
    socket = KalshiWebSocket(**scene.account, stream=POLICY)
    socket.subscribe("orderbook_delta", MARKET)
    thread = socket._driver._thread
    assert thread is not None
    events = iter(socket)
    del socket
    gc.collect()
    # On a machine that is busy the book may take a second connection.
    assert any(type(event).__name__ == "BookSnapshot" for event in events)
    del events
    assert have_ended([thread])
    assert soon(lambda: not scene.kalshi.sessions)
