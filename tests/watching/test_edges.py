"""The edges of ``watch_*`` in both flavours: what ended, what is nonsense, what is told."""

from __future__ import annotations

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


# -- C2, C3, C7: which markets ---------------------------------------------------------

SUBJECTS = list(ux.Subject)
REST_OF_FOUR = (
    ". It ends this watch, of 4 markets in all: watch the rest again; other "
    "watches go on"
)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_c2_a_market_in_place_of_its_id_is_refused_naming_the_id(
    scene: Scene, face: Face, subject: ux.Subject
) -> None:
    market = scene.trader.fetch_market(MARKET)
    for given in (market, [market], (market for _ in range(1))):
        with pytest.raises(ux.BadRequest) as caught:
            face.watch(str(subject), given)
        assert caught.value.message == (
            "market_ids takes ids, not a Market: pass its .market_id"
        )


@pytest.mark.parametrize("several", [list, tuple, set, frozenset, iter, dict.fromkeys])
def test_c3_ids_come_from_whatever_holds_them(
    scene: Scene, face: Face, several: Callable[[list[str]], Any]
) -> None:
    watch = face.watch("order_book", several([MARKET, OTHER]))
    assert {book.market_id for book in watch.take(2)} == {MARKET, OTHER}
    face.call("unwatch", several([OTHER, MARKET]))
    assert soon(lambda: scene.subscriptions == set())


@pytest.mark.parametrize("given", [7, object(), b"K", [MARKET, None], [[MARKET]]])
def test_c3_what_holds_no_ids_is_refused(face: Face, given: Any) -> None:
    with pytest.raises(ux.BadRequest, match="market_ids"):
        face.watch("order_book", given)


def test_c7_unknown_markets_are_named_and_what_it_means_for_the_others(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver, policy={"acknowledgement": 10.0})
    # It takes seconds, so that all are waited for together.
    watches = {
        name: face.watch(name, [MARKET, f"KXNO-{name}-1", OTHER, f"KXNO-{name}-2"])
        for name in ("order_book", "trades", "fills")
    }
    for name, some in watches.items():
        with pytest.raises(ux.MarketNotFound) as caught:
            some.until(lambda _: False)
        told = caught.value.message
        unknown = (
            f"no market 'KXNO-{name}-1', 'KXNO-{name}-2', neither live nor archived"
        )
        assert unknown in told
        assert told.endswith(REST_OF_FOUR)


def test_c7_a_market_that_the_venue_refuses_is_named_with_what_it_means_for_the_others(
    face: Face,
) -> None:
    some = face.watch("order_book", [MARKET, "KXNOPE-1", OTHER, "KXNOPE-2"])
    # Books that do not come in time are asked for, before they were looked for twice.
    other = face.watch("order_book", [MARKET])
    with pytest.raises(ux.MarketNotFound) as caught:
        some.until(lambda _: False)
    assert "KXNOPE-" in caught.value.message
    assert caught.value.message.endswith(REST_OF_FOUR)
    assert other.next().market_id == MARKET


def test_c7_who_follows_nothing_else_is_told_of_nothing_else(face: Face) -> None:
    alone = face.watch("order_book", "KXNOPE-3")
    with pytest.raises(ux.MarketNotFound) as caught:
        alone.next()
    assert "It ends this watch" not in caught.value.message


# -- C6: what is held ------------------------------------------------------------------


def test_c6_what_is_held_of_no_is_told_as_a_position_in_no(
    scene: Scene, face: Face
) -> None:
    fills, held = face.watch("fills"), face.watch("positions")
    assert soon(lambda: len(scene.subscriptions) == 2)
    ask = scene.trader.fetch_order_book(MARKET, outcome="no").ask.price
    scene.trader.create_order(MARKET, "no", "buy", ask, 3)
    position = held.next()
    assert (position.outcome, position.size) == ("no", 3)
    assert position.entry_price == ask
    fill = fills.next()
    assert (fill.outcome, fill.side, fill.price + ask) == ("yes", "sell", 1)
