"""What time brings: silence, missing answers, missing snapshots."""

from __future__ import annotations

from unified_exchanges.errors import MarketNotFound
from unified_exchanges.models import Subject
from unified_exchanges.streams.protocol import Refused, Unheard

from .desk import A, B, C, Desk


def test_fault_33_silence_breaks_the_connection() -> None:
    desk = Desk(silence=28.0).follow(A).connect().run()
    desk.wait(28, pings=False)
    assert desk.stream.broken == ""
    desk.wait(1, pings=False)
    assert desk.stream.broken == "nothing was heard for 29 s"
    assert desk.stream.health().last_error == desk.stream.broken


def test_fault_33_pings_are_signs_of_life() -> None:
    desk = Desk(silence=28.0).follow(A).connect().run()
    desk.wait(100)
    assert desk.stream.broken == ""


def test_p10_a_message_is_a_sign_of_life() -> None:
    desk = Desk(silence=28.0).follow(A).connect().run()
    desk.wait(20, pings=False)
    desk.delta(A, "yes", "0.40", "1.00")
    desk.wait(20, pings=False)
    assert desk.stream.broken == ""
    assert desk.stream.health().silence_ms == 20_000


def test_fault_35_a_missing_acknowledgement_breaks_the_connection() -> None:
    desk = Desk(acknowledgement=10.0).follow(A).connect()
    desk.sent()
    desk.wait(9)
    assert desk.stream.broken == ""
    desk.wait(1)
    assert desk.stream.broken == "no answer to subscribe of orderbook_delta within 10 s"
    assert list(desk.stream.poll()) == []
    assert desk.stream.next_poll() == desk.stream.policy.silence


def test_a_new_connection_is_good_again() -> None:
    desk = Desk().follow(A).connect()
    desk.sent()
    desk.wait(10)
    desk.stream.connection_lost(desk.stream.broken)
    desk.connect().run()
    assert (desk.stream.broken, desk.agrees(A)) == ("", True)


def asked(desk: Desk) -> list[tuple[str, ...]]:
    """The markets of each request for snapshots so far."""
    return [
        tuple(command["params"]["market_tickers"])
        for command in desk.commands
        if command["params"].get("action") == "get_snapshot"
    ]


def test_fault_35_snapshots_that_never_come_break_the_connection_at_the_second_miss() -> (
    None
):
    desk = Desk(acknowledgement=10.0).follow(A, B).connect()
    desk.snapshots = False
    desk.run()
    desk.wait(10)
    assert (desk.stream.broken, asked(desk.run())) == ("", [(A, B)])
    desk.wait(9)
    assert desk.stream.broken == ""
    desk.wait(1)
    assert desk.stream.broken == f"no snapshot of {A} in 2 times 10 s"


def test_fault_35_a_connection_that_was_slow_once_is_kept() -> None:
    desk = Desk(acknowledgement=10.0).follow(A).connect()
    desk.snapshots = False
    desk.run()
    desk.wait(10)
    desk.snapshots = True
    desk.run()
    desk.wait(60)
    assert (desk.stream.broken, desk.agrees(A), desk.is_stale(A)) == ("", True, False)
    assert asked(desk) == [(A,)]


def test_fault_35_each_connection_may_be_slow_once() -> None:
    desk = Desk(acknowledgement=10.0).follow(A).connect()
    desk.snapshots = False
    desk.run()
    desk.wait(10)
    desk.run()
    desk.stream.connection_lost("cut")
    desk.connect().run()
    desk.wait(10)
    assert (desk.stream.broken, asked(desk.run())) == ("", [(A,), (A,)])


def test_fault_36_two_unknown_markets_that_came_one_after_the_other_end_together() -> (
    None
):
    desk = Desk().follow(B)
    desk.unknown |= {B, C}
    desk.connect().run()
    desk.wait(5)
    desk.follow(C)
    connections = 1
    for _ in range(200):
        desk.run()
        desk.wait(1)
        if desk.stream.broken:
            desk.stream.connection_lost(desk.stream.broken)
            desk.connect()
            connections += 1
    refused = [x.market_ids for x in desk.events if isinstance(x, Refused)]
    assert (refused, connections) == ([{B}, {C}], 4)


def test_fault_36_a_market_that_never_sends_its_book_is_refused_alone() -> None:
    desk = Desk().follow(A, B)
    desk.unknown.add(B)
    desk.connect().run()
    for _ in range(40):
        desk.wait(1)
        desk.run()
    [refused] = [x for x in desk.events if isinstance(x, Refused)]
    assert refused.market_ids == {B}
    assert isinstance(refused.error, MarketNotFound)
    assert desk.stream.broken == ""
    assert desk.held["orderbook_delta"] == {A}
    assert desk.agrees(A)


def test_fault_36_a_market_that_was_whole_once_is_not_refused_at_the_first_silence() -> (
    None
):
    desk = Desk(acknowledgement=10.0).follow(A, B).connect().run()
    desk.unknown.add(A)
    desk.number("orderbook_delta")
    desk.delta(B, "yes", "0.40", "1.00")
    while not desk.stream.broken:
        desk.run()
        desk.wait(1)
    assert desk.stream.broken == f"no snapshot of {A} in 3 times 10 s"
    assert [x for x in desk.events if isinstance(x, Refused)] == []
    desk.unknown.clear()
    desk.stream.connection_lost(desk.stream.broken)
    desk.connect().run()
    assert (desk.agrees(A), desk.agrees(B), desk.stream.broken) == (True, True, "")


def test_fault_36_a_market_that_was_taken_down_does_not_end_connections_for_ever() -> (
    None
):
    desk = Desk(acknowledgement=10.0).follow(A, B).connect().run()
    desk.unknown.add(A)
    desk.number("orderbook_delta")
    broken = 0
    for _ in range(300):
        desk.delta(B, "yes", "0.40", "1.00")
        desk.run()
        desk.wait(1)
        if desk.stream.broken:
            broken += 1
            desk.stream.connection_lost(desk.stream.broken)
            desk.connect().run()
    refused = [x for x in desk.events if isinstance(x, Refused)]
    assert (broken, [x.market_ids for x in refused]) == (2, [frozenset({A})])
    assert desk.agrees(B)


def test_fault_36_a_lone_market_that_never_sends_its_book_is_not_tried_for_ever() -> (
    None
):
    desk = Desk(acknowledgement=10.0).follow(B)
    desk.unknown.add(B)
    connections = 0
    while not any(isinstance(x, Refused) for x in desk.events):
        desk.stream.connection_lost(desk.stream.broken)
        desk.connect()
        connections += 1
        for _ in range(20):
            desk.run()
            desk.wait(1)
    [refused] = [x for x in desk.events if isinstance(x, Refused)]
    assert (connections, refused.market_ids) == (3, {B})
    assert isinstance(refused.error, MarketNotFound)
    assert asked(desk) == [(B,)] * 3
    assert (desk.run().held, desk.stream.broken) == ({}, "")
    assert desk.stream.health().stale_books == 0
    desk.stream.connection_lost("gone")
    assert desk.connect().sent() == []


def test_fault_36_a_lone_market_that_had_a_book_is_pardoned_as_long_as_before() -> None:
    desk = Desk(acknowledgement=10.0).follow(A).connect().run()
    desk.unknown.add(A)
    desk.stream.connection_lost("cut")
    desk.connect()
    reasons = []
    while not any(isinstance(x, Refused) for x in desk.events):
        desk.run()
        desk.wait(1)
        if desk.stream.broken:
            reasons.append(desk.stream.broken)
            desk.stream.connection_lost(desk.stream.broken)
            desk.connect()
    twice = f"no snapshot of {A} in 2 times 10 s"
    pardoned = f"no snapshot of {A} in 6 times 10 s"
    assert reasons == [twice, twice, pardoned] * 2 + [twice, twice]


def test_only_what_is_overdue_is_asked_for_again() -> None:
    desk = Desk().follow(A, B)
    desk.unknown |= {B, C}
    desk.connect().run()
    desk.wait(5)
    desk.follow(C).run()
    desk.wait(5)
    [command] = desk.sent()
    assert command["params"]["market_tickers"] == [B]


def test_a_snapshot_that_is_late_but_comes_forgives() -> None:
    desk = Desk().follow(A, B)
    desk.unknown.add(B)
    desk.connect().run()
    desk.wait(20)
    desk.unknown.clear()
    desk.run()
    assert (desk.agrees(B), desk.stream.broken) == (True, "")
    assert [x for x in desk.events if isinstance(x, Refused)] == []


def test_the_next_look_is_due_when_something_is() -> None:
    desk = Desk(silence=28.0, acknowledgement=10.0).follow(A)
    assert desk.stream.next_poll() == 28
    desk.connect()
    assert desk.stream.next_poll() == 28
    desk.clock.advance(4)
    [command] = desk.sent()
    assert desk.stream.next_poll() == 10
    desk.clock.advance(3)
    assert desk.stream.next_poll() == 7
    desk.snapshots = False
    desk.answer(command)
    assert desk.stream.next_poll() == 10
    desk.snapshots = True
    desk.snapshot(A)
    assert desk.stream.next_poll() == 28
    desk.kill("orderbook_delta", 10)
    assert desk.stream.next_poll() == 1


def test_polling_without_a_connection_does_nothing() -> None:
    desk = Desk().follow(A)
    desk.clock.advance(100)
    assert list(desk.stream.poll()) == []
    assert desk.stream.broken == ""


def test_the_state_says_how_the_stream_does() -> None:
    desk = Desk().follow(A)
    states = [desk.stream.health().state]
    desk.connect()
    states.append(desk.stream.health().state)
    desk.run()
    states.append(desk.stream.health().state)
    desk.stream.connection_lost("gone")
    states.append(desk.stream.health().state)
    assert states == ["idle", "connecting", "live", "connecting"]


def test_c5_what_is_just_subscribed_to_is_no_trouble() -> None:
    desk = Desk(acknowledgement=10.0).follow(A).connect()
    desk.snapshots = False
    desk.run()
    assert desk.stream.health().state == "connecting"
    desk.clock.advance(9)
    assert desk.stream.health().state == "connecting"
    desk.clock.advance(1)
    assert desk.stream.health().state == "degraded"


def test_c5_a_later_market_that_is_not_told_yet_is_no_trouble() -> None:
    desk = Desk(acknowledgement=10.0).follow(A).connect().run()
    desk.clock.advance(60)
    desk.follow(B)
    assert desk.stream.health().state == "connecting"
    desk.clock.advance(10)
    assert desk.stream.health().state == "degraded"


def test_c5_what_went_wrong_while_subscribing_is_a_trouble_at_once() -> None:
    desk = Desk().follow(A).connect().run()
    list(desk.stream.doubt(A, "it differs"))
    assert desk.stream.health().state == "degraded"


def test_health_counts_what_there_is() -> None:
    desk = Desk().follow(A).follow(subject=Subject.FILLS).connect().run()
    desk.clock.advance(2)
    health = desk.stream.health()
    assert (health.connections, health.subscriptions, health.messages) == (1, 2, 3)
    assert health.silence_ms == 2_000
    assert health.last_message_at is not None
    assert health.last_message_at.isoformat() == "2026-11-20T18:40:00+00:00"
    desk.stream.connection_lost("gone")
    assert desk.stream.health().silence_ms is None
    assert Desk().stream.health().last_message_at is None


# -- where somebody else finds out which markets exist ---------------------------------


def test_fault_36_a_slow_book_of_a_market_among_others_is_waited_for() -> None:
    desk = Desk(acknowledgement=10.0).follow(A, B)
    desk.stream.asks_on = True
    desk.unknown.add(B)
    desk.connect().run()
    for _ in range(100):
        desk.wait(1)
        desk.run()
    told = [x.market_ids for x in desk.events if isinstance(x, Unheard)]
    assert told == [{B}] * 3
    desk.unknown.clear()
    desk.wait(10)
    desk.run()
    assert (desk.agrees(B), desk.is_stale(B), desk.stream.broken) == (True, False, "")
    assert not any(isinstance(x, Refused) for x in desk.events)


def test_fault_36_a_lone_market_s_book_may_take_longer_on_each_connection() -> None:
    desk = Desk(acknowledgement=10.0).follow(A)
    desk.stream.asks_on = True
    desk.unknown.add(A)
    lasted = []
    for _ in range(7):
        desk.connect()
        began = desk.clock.monotonic()
        while not desk.stream.broken:
            desk.run()
            desk.wait(1)
        lasted.append(desk.clock.monotonic() - began)
        desk.stream.connection_lost(desk.stream.broken)
    assert lasted == [20, 30, 40, 50, 60, 70, 70]
    assert not any(isinstance(x, Refused) for x in desk.events)
    desk.unknown.clear()
    desk.connect().run()
    assert desk.agrees(A)
