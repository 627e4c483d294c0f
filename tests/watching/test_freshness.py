"""On real sockets: no book in hand passes for live that is not, also while nothing runs."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.simulator.faults import StreamFault

from .face import DRIVERS, FREE, MARKET, Face, Scene, soon

ASYNC = [driver for driver in DRIVERS if driver != "blocking"]


def test_p10_f05_a_book_in_hand_is_stale_once_a_newer_one_has_come(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("order_book", MARKET)
    book = watch.next()
    assert not book.stale
    scene.bid()
    assert soon(lambda: face.do(lambda: book.stale))
    newer = watch.next()
    assert newer.sequence > book.sequence
    assert (book.stale, newer.stale) == (True, False)
    assert book.age < 5


def test_p10_f05_with_every_who_lags_is_told_by_each_book_that_it_is_not_the_last(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("order_book", MARKET, policy="every")
    first = watch.next()
    for _ in range(3):
        scene.bid()
    number = first.sequence + 3
    health = face.exchange.stream_health
    assert soon(lambda: face.do(health).messages >= 5)
    behind = watch.take(3)
    assert [x.sequence for x in behind][-1] == number
    assert [x.stale for x in (first, *behind)] == [True, True, True, False]
    truth = scene.trader.fetch_order_book(MARKET)
    assert (behind[-1].bids, behind[-1].asks) == (truth.bids, truth.asks)


def test_p10_f05_with_every_what_waits_at_a_break_comes_marked_before_the_gap(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("order_book", MARKET, policy="every", events=True)
    first = watch.next()
    scene.bid()
    health = face.exchange.stream_health
    assert soon(lambda: face.do(health).messages >= 3)
    scene.frames.add(StreamFault("close", after=0))
    assert soon(lambda: face.do(lambda: first.stale))
    assert soon(lambda: face.do(health).connections == 2)
    waited, gap = watch.take(2)
    assert (waited.sequence > first.sequence, waited.stale) == (True, True)
    assert isinstance(gap, ux.Gap)
    after = watch.until(lambda x: isinstance(x, ux.OrderBook))[-1]
    assert not after.stale


@pytest.mark.parametrize("driver", ASYNC)
def test_fault_33_a_blocked_event_loop_makes_books_stale_by_itself(
    scene: Scene, driver: str
) -> None:
    # No venue on a busy machine is silent for so long by itself.
    face = scene.face(driver, policy={"silence": 2.0})
    watch = face.watch("order_book", MARKET)
    book = watch.next()

    def compute() -> tuple[bool, bool]:
        fresh = book.stale
        time.sleep(2.2)
        return fresh, book.stale

    assert face.do(compute) == (False, True)
    # Nothing had changed, and who was told that it is stale is given a whole one.
    again = watch.next()
    assert (again.bids, again.stale, book.stale) == (book.bids, False, True)


def test_fault_33_a_silent_venue_makes_books_stale_at_the_limit(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver, policy={"silence": 0.6})
    watch = face.watch("order_book", MARKET, events=True)
    book = watch.next()
    scene.frames.add(StreamFault("half_open", after=0))
    began = time.monotonic()
    assert soon(lambda: bool(face.do(lambda: book.stale)))
    assert time.monotonic() - began < 2.0
    gap = watch.next()
    assert gap.reason.startswith("the stream was given up: nothing was heard")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_fault_33_a_book_in_a_forked_child_is_stale_as_soon_as_it_would_be_unheard(
    scene: Scene,
) -> None:
    policy = ux.StreamPolicy(silence=2.0)
    kalshi: Any = ux.exchange("kalshi", **scene.account, limits=FREE, stream=policy)
    with kalshi, kalshi.watch_order_book(MARKET) as watch:
        book = watch.next(timeout=5.0)
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            time.sleep(2.2)
            os.write(writes, b"stale" if book.stale else b"live")
            os._exit(0)
        os.close(writes)
        os.waitpid(child, 0)
        told = os.read(reads, 100)
        os.close(reads)
        assert (told, book.stale) == (b"stale", False)
