"""What only the blocking watches have: threads, and the garbage collector among them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.policy import StreamPolicy

from .face import FAST, FREE, MARKET, Scene, soon
from .test_aio import broken
from .test_flavours import BOOKS, size_at


@pytest.fixture
def kalshi(scene: Scene) -> Iterator[ux.Exchange]:
    stream = StreamPolicy(**FAST)
    with ux.exchange("kalshi", **scene.account, limits=FREE, stream=stream) as exchange:
        yield exchange


def hub_of(kalshi: ux.Exchange) -> Any:
    assert kalshi._hubs
    return kalshi._hubs[""]


def exhaust(watch: Any) -> None:
    while True:
        next(watch)


def test_an_exception_in_the_loop_leaves(scene: Scene, kalshi: ux.Exchange) -> None:
    def fail() -> None:
        for _ in kalshi.watch_order_book(MARKET):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert soon(lambda: scene.subscriptions == set())


def test_next_is_that_of_iterators(scene: Scene, kalshi: ux.Exchange) -> None:
    watch = kalshi.watch_order_book(MARKET)
    assert next(watch).market_id == MARKET
    kalshi.unwatch()
    with pytest.raises(StopIteration):
        exhaust(watch)
    with pytest.raises(ux.BadRequest, match="has ended"):
        list(watch)


def test_a_block_ends_what_it_holds(scene: Scene, kalshi: ux.Exchange) -> None:
    with kalshi.watch_order_book(MARKET) as watch:
        for _ in watch:
            break
        assert scene.subscriptions == BOOKS
    assert soon(lambda: scene.subscriptions == set())


def test_a_consumer_that_waits_is_ended_by_another_thread(
    kalshi: ux.Exchange,
) -> None:
    watch = kalshi.watch_fills()
    ended = threading.Event()

    def follow() -> None:
        for _ in watch:
            pass
        ended.set()

    threading.Thread(target=follow, daemon=True).start()
    assert not ended.wait(0.1)
    kalshi.close()
    assert ended.wait(5)


def test_several_threads_may_take_from_one_watch(
    scene: Scene, kalshi: ux.Exchange
) -> None:
    watch = kalshi.watch_order_book(MARKET, policy="every")
    before = size_at(watch.next(5), "0.01")
    found: list[int] = []

    def take() -> None:
        books = [watch.next(5) for _ in range(5)]
        found.extend(size_at(book, "0.01") for book in books)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        scene.bid()
    for thread in threads:
        thread.join(10)
    assert sorted(found) == [before + number for number in range(1, 11)]


def test_the_collector_may_drop_a_watch_while_the_stream_is_locked(
    scene: Scene, kalshi: ux.Exchange
) -> None:
    watch = kalshi.watch_order_book(MARKET)
    watch.next(5)
    hub = hub_of(kalshi)
    done = threading.Event()

    def drop() -> None:
        nonlocal watch
        del watch
        done.set()

    with hub._lock:
        threading.Thread(target=drop, daemon=True).start()
        # Nobody waits for the lock to drop it.
        assert done.wait(2)
    assert soon(lambda: scene.subscriptions == set())


def test_a_child_process_is_told(
    kalshi: ux.Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = kalshi.watch_order_book(MARKET)
    watch.next(5)
    hub = hub_of(kalshi)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(ux.BadRequest, match="after the fork"):
            watch.next(1)
        with pytest.raises(ux.BadRequest, match="after the fork"):
            kalshi.unwatch()
        assert not hub.is_usable
        # The parent's stream is left alone.
        watch.close()
        hub.close()
    assert not hub._stream.is_stopped


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_p11_a_child_forked_while_the_stream_is_busy_ends_as_usual(
    kalshi: ux.Exchange,
) -> None:
    watch = kalshi.watch_order_book(MARKET)
    watch.next(5)
    hub = hub_of(kalshi)
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with hub._lock:
            held.set()
            go.wait(30)

    busy = threading.Thread(target=hold)
    busy.start()
    held.wait()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(5)
        refused = 0
        for call in (kalshi.stream_health, lambda: iter(watch), watch.health):
            try:
                call()
            except ux.BadRequest:
                refused += 1
        # What runs at the exit of a process, and what tracking asks.
        hub._stream.close()
        os._exit(0 if refused == 3 and not hub.is_told else 1)
    go.set()
    busy.join()
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert not hub._stream.is_stopped


def test_a_failure_of_our_own_ends_the_stream_and_reaches_consumers(
    kalshi: ux.Exchange,
) -> None:
    watch = kalshi.watch_order_book(MARKET)
    watch.next(5)
    hub_of(kalshi)._feed.jobs = broken
    fills = kalshi.watch_fills()
    for each in (watch, fills):
        with pytest.raises(ux.InternalError, match="LookupError: a mistake"):
            exhaust(each)
    assert soon(lambda: kalshi.stream_health().state == "stopped")


def test_threads_that_begin_together_share_one_stream(
    scene: Scene, kalshi: ux.Exchange
) -> None:
    barrier = threading.Barrier(8)
    watches: list[Any] = []

    def begin() -> None:
        barrier.wait()
        watches.append(kalshi.watch_order_book(MARKET))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [next(watch).market_id for watch in watches] == [MARKET] * 8
    streams = [t for t in threading.enumerate() if t.name == "unified-exchanges-stream"]
    assert len(streams) == 1
