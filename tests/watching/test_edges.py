"""The edges of ``watch_*`` in both flavours: what ended, what is nonsense, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.simulator.faults import StreamFault, unavailable

from .face import MARKET, OTHER, Face, Held, Scene, soon

# -- B4: a watch that has ended --------------------------------------------------------


def closed(_: Face, watch: Held) -> None:
    watch.close()


def unwatched(face: Face, _: Held) -> None:
    face.call("unwatch")


def left_by_break(_: Face, watch: Held) -> None:
    watch.loop(1)


def gone_through(face: Face, watch: Held) -> None:
    watch.loop(1)
    face.call("unwatch")


@pytest.mark.parametrize("end", [closed, unwatched, left_by_break, gone_through])
def test_b4_going_through_a_watch_that_has_ended_raises_as_next_does(
    scene: Scene, face: Face, end: Callable[[Face, Held], None]
) -> None:
    scene.bid()
    watch = face.watch("orders")
    if end is unwatched:
        watch.next()
    end(face, watch)
    for again in (lambda: watch.loop(1), lambda: watch.loop(1), watch.next):
        with pytest.raises(ux.BadRequest, match=r"has ended.*call watch_\* again"):
            again()


def test_b4_going_again_through_a_watch_that_has_failed_raises(
    scene: Scene, driver: str
) -> None:
    scene.requests.add(unavailable(401, path="/ws/", count=None))
    watch = scene.face(driver).watch("fills")
    with pytest.raises(ux.AuthenticationError):
        watch.loop(1)
    for again in (lambda: watch.loop(1), watch.next):
        with pytest.raises(ux.BadRequest, match="or it failed"):
            again()


def test_b4_in_a_block_too_a_watch_that_was_unwatched_is_not_silent(
    scene: Scene, face: Face
) -> None:
    scene.bid()
    watch = face.watch("orders")
    watch.watch._is_held = True
    assert len(watch.loop(1)) == 1
    face.call("unwatch")
    with pytest.raises(ux.BadRequest, match="has ended"):
        watch.loop(1)


def test_b4_what_waits_when_a_watch_ends_is_still_gone_through(
    scene: Scene, face: Face
) -> None:
    scene.bid()
    watch = face.watch("orders")
    assert soon(lambda: len(watch_mailbox(watch)) == 1)
    face.call("unwatch")
    assert len(watch.loop(5)) == 1
    with pytest.raises(ux.BadRequest, match="has ended"):
        watch.loop(1)


def watch_mailbox(held: Held) -> Any:
    watch = held.watch
    follower = watch._follower if hasattr(watch, "_follower") else watch._seat.follower
    return follower.mailbox


# -- C5: waits that are none -----------------------------------------------------------


@pytest.mark.parametrize("timeout", [-1, -0.001, nan, inf, "1", True])
def test_c5_a_wait_that_is_none_is_refused(face: Face, timeout: Any) -> None:
    watch = face.watch("fills")
    with pytest.raises(ux.BadRequest, match="timeout must be a number of at least 0"):
        watch.next(timeout)
    # The watch goes on.
    assert watch.is_quiet(0)


def test_c5_a_wait_of_ages_waits(scene: Scene, face: Face) -> None:
    scene.bid()
    assert face.watch("orders").next(1e15).market_id == MARKET


# -- C5, B2: what health says ----------------------------------------------------------


def test_c5_a_stream_that_is_subscribing_for_the_first_time_is_not_degraded(
    scene: Scene, driver: str
) -> None:
    scene.frames.add(StreamFault("delay", frame="orderbook_snapshot", seconds=0.3))
    face = scene.face(driver)
    watch = face.watch("order_book", [MARKET, OTHER])
    seen = set()

    def is_live() -> bool:
        seen.add(face.call("stream_health").state)
        return "live" in seen

    assert soon(is_live)
    assert seen == {"connecting", "live"}
    watch.take(2)


def test_b2_health_says_that_the_key_was_refused_whatever_went_wrong_before(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver)
    watch = face.watch("order_book", MARKET)
    watch.next()
    scene.requests.add(unavailable(401, path="/ws/", count=None))
    scene.frames.add(StreamFault("reset", frame="orderbook_delta"))
    scene.bid()
    with pytest.raises(ux.AuthenticationError):
        watch.until(lambda _: False)
    health = face.call("stream_health")
    assert health.state == "stopped"
    assert "does not accept the key" in health.last_error
    assert "check the key, its environment and its permissions" in health.last_error
