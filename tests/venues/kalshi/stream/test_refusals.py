"""What the venue refuses is given up with a typed error, and nothing else with it."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    ExchangeError,
    ExchangeNotAvailable,
    MarketNotFound,
    RateLimitExceeded,
    RequestTimeout,
)
from unified_exchanges.models import Gap, Subject
from unified_exchanges.streams.protocol import Refused

from .desk import A, B, C, Desk


def refusals(desk: Desk) -> list[Any]:
    return [event for event in desk.events if isinstance(event, Refused)]


def run_refusing(desk: Desk, bad: set[str], code: int, **more: Any) -> int:
    """Answer all commands, refusing those that name a bad market; how many there were."""
    count = 0
    while commands := desk.sent():
        for command in commands:
            count += 1
            if bad & set(command["params"].get("market_tickers", ())):
                desk.fail(command, code, **more)
            else:
                desk.answer(command)
    return count


def test_fault_36_a_refused_market_is_given_up_and_the_rest_lives() -> None:
    desk = Desk().follow(A).connect().run().follow(B)
    assert run_refusing(desk, {B}, 11) == 1
    [refused] = refusals(desk)
    assert (refused.subject, refused.market_ids) == (Subject.ORDER_BOOK, frozenset({B}))
    assert isinstance(refused.error, BadRequest)
    assert f"following orderbook_delta of {B}" in str(refused.error)
    assert desk.stream.order_book(B) is None
    desk.delta(A, "yes", "0.40", "1.00")
    assert (desk.agrees(A), desk.stream.is_settled) == (True, True)
    desk.wait(60)
    assert desk.sent() == []


def test_a_refused_market_can_be_followed_again() -> None:
    desk = Desk().follow(A).connect()
    run_refusing(desk, {A}, 11)
    desk.follow(A).run()
    assert desk.agrees(A)


def test_fault_36_one_bad_market_takes_no_others_with_it_after_a_reconnect() -> None:
    markets = [f"M{n}" for n in range(400)]
    desk = Desk().follow(*markets).connect().run()
    desk.stream.connection_lost("gone")
    desk.connect()
    asked = run_refusing(desk, {"M37"}, 11)
    [refused] = refusals(desk)
    assert refused.market_ids == {"M37"}
    assert desk.held["orderbook_delta"] == set(markets) - {"M37"}
    assert desk.stream.health().stale_books == 0
    assert asked <= 20


def test_markets_that_the_venue_names_are_refused_without_searching() -> None:
    desk = Desk().follow(A, B, C).connect()
    assert run_refusing(desk, {B}, 11, market_tickers=[B]) == 2
    [refused] = refusals(desk)
    assert refused.market_ids == {B}
    assert B in str(refused.error)
    assert A not in str(refused.error)
    assert desk.held["orderbook_delta"] == {A, C}


def test_a_market_that_the_acknowledgement_leaves_out_is_refused() -> None:
    desk = Desk().follow(A).connect().run().follow(B, C)
    [command] = desk.sent()
    desk.held["orderbook_delta"] = {A, C}
    desk.ok(command["id"], "orderbook_delta")
    [refused] = refusals(desk)
    assert refused.market_ids == {B}
    assert isinstance(refused.error, MarketNotFound)
    desk.snapshot(C)
    assert desk.stream.health().stale_books == 0


def test_beyond_the_limit_of_markets_all_that_waits_is_refused_at_once() -> None:
    markets = [f"M{n}" for n in range(700)]
    desk = Desk().follow(A).connect().run().follow(*markets)
    count = 0
    while commands := desk.sent():
        for command in commands:
            count += 1
            names = command["params"]["market_tickers"]
            if len(desk.held["orderbook_delta"]) + len(names) > 301:
                desk.fail(command, 26)
            else:
                desk.answer(command)
    assert len(desk.held["orderbook_delta"]) == 301
    given_up = set().union(*(x.market_ids for x in refusals(desk)))
    assert given_up | desk.held["orderbook_delta"] == {A, *markets}
    assert all(isinstance(x.error, ExchangeError) for x in refusals(desk))
    assert count < 30


@pytest.mark.parametrize(("code", "kind"), [(8, BadRequest), (9, AuthenticationError)])
def test_a_refused_channel_is_given_up_as_a_whole(
    code: int, kind: type[Exception]
) -> None:
    desk = Desk().follow(A, B).follow(subject=Subject.FILLS).connect()
    [command] = desk.sent()
    [refused] = desk.fail(command, code)
    assert (refused.subject, refused.market_ids) == (Subject.FILLS, None)
    assert type(refused.error) is kind
    desk.run()
    assert desk.agrees(A)
    assert desk.stream.is_settled


def test_a_refused_channel_takes_all_its_markets() -> None:
    desk = Desk().follow(A, B).connect()
    [command] = desk.sent()
    [refused] = desk.fail(command, 9)
    assert refused.market_ids is None
    assert desk.stream.order_book(A) is None
    assert desk.sent() == []


def test_a_channel_of_kalshis_own_is_refused_by_its_name() -> None:
    desk = Desk().connect()
    desk.stream.subscribe("order_group_updates")
    [command] = desk.sent()
    [refused] = desk.fail(command, 8)
    assert (refused.subject, refused.channel) == (None, "order_group_updates")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (27, RateLimitExceeded),
        (18, RequestTimeout),
        (10, ExchangeNotAvailable),
    ],
)
def test_what_may_pass_is_tried_a_few_times_ever_later_and_then_refused(
    code: int, kind: type[Exception]
) -> None:
    desk = Desk().follow(A, B).connect()
    tries = 0
    while not refusals(desk):
        commands = desk.sent()
        tries += len(commands)
        for command in commands:
            desk.fail(command, code)
        desk.wait(1)
    assert tries == 6
    [refused] = refusals(desk)
    assert refused.market_ids == {A, B}
    assert isinstance(refused.error, kind)


def test_what_has_passed_is_carried_out() -> None:
    desk = Desk().follow(A).connect()
    [command] = desk.sent()
    assert desk.fail(command, 27) == []
    assert desk.sent() == []
    desk.wait(1)
    desk.run()
    assert desk.agrees(A)


def test_what_cannot_be_processed_is_tried_again_and_then_searched_for() -> None:
    desk = Desk().follow(A, B).connect()
    for _ in range(80):
        run_refusing(desk, {B}, 1)
        desk.wait(1)
    [refused] = refusals(desk)
    assert refused.market_ids == {B}
    assert desk.agrees(A)


# -- ending and removing ---------------------------------------------------------------


def test_a_removal_that_is_refused_counts_as_done() -> None:
    desk = Desk().follow(A, B).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    [command] = desk.sent()
    assert desk.fail(command, 11) == []
    assert (desk.stream.order_book(B), desk.sent()) == (None, [])


def test_an_end_that_is_refused_counts_as_an_end() -> None:
    desk = Desk().follow(A).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [command] = desk.sent()
    desk.fail(command, 7)
    desk.follow(A).run()
    assert desk.agrees(A)


@pytest.mark.parametrize("wanted", [False, True])
def test_a_removal_that_is_refused_for_now_is_tried_again(*, wanted: bool) -> None:
    desk = Desk().follow(A, B).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    [command] = desk.sent()
    desk.fail(command, 27)
    if wanted:
        desk.follow(B)
    desk.wait(1)
    desk.run()
    assert desk.held["orderbook_delta"] == ({A, B} if wanted else {A})
    assert (desk.stream.order_book(B) is not None) is wanted
    assert desk.stream.health().stale_books == 0


def test_an_end_that_is_refused_for_now_is_tried_again() -> None:
    desk = Desk().follow(A).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [command] = desk.sent()
    desk.fail(command, 18)
    assert desk.sent() == []
    desk.wait(1)
    desk.run()
    assert desk.sids == {}


def test_an_end_of_what_is_gone_already_is_an_end() -> None:
    desk = Desk().follow(A).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [command] = desk.sent()
    assert desk.fail(command, 13) == []
    assert (desk.sent(), desk.stream.is_settled) == ([], True)


# -- subscriptions that die ------------------------------------------------------------


@pytest.mark.parametrize("code", [10, 25])
def test_a_dead_subscription_is_stale_at_once_and_begun_anew_a_little_later(
    code: int,
) -> None:
    desk = Desk().follow(A, B).connect().run()
    [gap] = desk.kill("orderbook_delta", code)
    assert isinstance(gap, Gap)
    assert set(gap.market_ids) == {A, B}
    assert (desk.is_stale(A), desk.sent()) == (True, [])
    desk.wait(1)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


def test_a_subscription_that_keeps_dying_is_begun_ever_later() -> None:
    desk = Desk().follow(A).connect().run()
    for _ in range(60):
        if "orderbook_delta" in desk.sids:
            desk.kill("orderbook_delta", 10)
        desk.wait(1)
        desk.run()
    assert 5 <= len(desk.commands) <= 8


def test_a_command_that_a_dying_subscription_took_along_is_sent_again() -> None:
    desk = Desk().follow(A).connect().run().follow(B)
    [late] = desk.sent()
    desk.kill("orderbook_delta", 25)
    desk.hear(
        {
            "type": "subscribed",
            "id": late["id"],
            "msg": {"channel": "orderbook_delta", "sid": 99},
        }
    )
    desk.wait(1)
    desk.run()
    assert desk.held["orderbook_delta"] == {A, B}
    assert desk.stream.is_settled


@pytest.mark.parametrize("action", ["add_markets", "delete_markets", "get_snapshot"])
def test_a_subscription_that_died_unheard_is_noticed_by_any_command(
    action: str,
) -> None:
    desk = Desk().follow(A, B).connect().run()
    if action == "add_markets":
        desk.follow(C)
    elif action == "delete_markets":
        desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    else:
        list(desk.stream.doubt(A, "REST says otherwise"))
    [command] = desk.sent()
    assert command["params"]["action"] == action
    [gap] = desk.fail(command, 7)
    assert isinstance(gap, Gap)
    assert desk.is_stale(A)
    desk.wait(1)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)
    assert refusals(desk) == []


def test_a_private_subscription_that_dies_is_a_gap_in_what_it_tells() -> None:
    desk = Desk().follow(subject=Subject.FILLS).connect().run()
    [gap] = desk.kill("fill", 10)
    assert (gap.subject, gap.market_ids) == (Subject.FILLS, ())


def test_an_end_that_nobody_asked_for_is_a_death() -> None:
    desk = Desk().follow(A).connect().run()
    seq = desk.number("orderbook_delta")
    [gap] = desk.hear({"type": "unsubscribed", "id": 77, "sid": 1, "seq": seq})
    assert isinstance(gap, Gap)
    desk.wait(1)
    desk.run()
    assert desk.agrees(A)


def test_an_error_that_is_not_deadly_is_noted_and_counted() -> None:
    desk = Desk().follow(A).connect().run()
    seq = desk.number("orderbook_delta")
    msg = {"code": 1, "msg": "Unable to process message"}
    assert desk.hear({"type": "error", "sid": 1, "seq": seq, "msg": msg}) == []
    desk.delta(A, "yes", "0.40", "1.00")
    health = desk.stream.health()
    assert (health.gaps, "error 1" in health.last_error) == (0, True)


def test_an_error_about_nothing_we_know_is_noted() -> None:
    desk = Desk().connect()
    assert desk.fail({"id": 55}, 5) == []
    assert "error 5" in desk.stream.health().last_error


# -- snapshots that are refused --------------------------------------------------------


def doubted(*markets: str) -> tuple[Desk, dict[str, Any]]:
    desk = Desk().follow(*markets).connect().run()
    desk.number("orderbook_delta")
    desk.delta(markets[0], "yes", "0.40", "1.00")
    [command] = desk.sent()
    return desk, command


def test_snapshots_that_are_refused_for_now_are_asked_for_later() -> None:
    desk, command = doubted(A, B)
    assert desk.fail(command, 27) == []
    assert desk.sent() == []
    desk.wait(1)
    desk.run()
    assert (desk.agrees(A), desk.is_stale(B)) == (True, False)


def test_snapshots_that_cannot_be_asked_for_begin_the_subscription_anew() -> None:
    desk, command = doubted(A, B)
    assert desk.fail(command, 13) == []
    desk.run()
    assert [x["cmd"] for x in desk.commands][-2:] == ["unsubscribe", "subscribe"]
    assert (desk.agrees(A), desk.is_stale(B)) == (True, False)


@pytest.mark.parametrize("named", [False, True])
def test_the_one_market_whose_snapshot_is_refused_is_given_up(named: bool) -> None:
    desk, command = doubted(A, B, C)
    more = {"market_ticker": B} if named else {}
    desk.fail(command, 11, **more)
    while commands := desk.sent():
        for each in commands:
            if B in each["params"]["market_tickers"] and each["params"]["action"] == (
                "get_snapshot"
            ):
                desk.fail(each, 11, **more)
            else:
                desk.answer(each)
    [refused] = refusals(desk)
    assert refused.market_ids == {B}
    assert type(refused.error) is MarketNotFound
    assert refused.error.code == "11"
    assert str(refused.error) == (
        f"kalshi: following orderbook_delta of {B}: asked for its book, Kalshi answered "
        "error 11 (Error 11). Check the market id"
    )
    assert desk.held["orderbook_delta"] == {A, C}
    assert (desk.agrees(A), desk.is_stale(C)) == (True, False)


def test_every_market_whose_snapshot_is_refused_has_an_error_of_its_own() -> None:
    desk, command = doubted(A, B, C)
    desk.fail(command, 11, market_tickers=[B, C])
    told = [(set(x.market_ids), type(x.error)) for x in refusals(desk)]
    assert told == [({B}, MarketNotFound), ({C}, MarketNotFound)]
    assert (C in str(refusals(desk)[0].error), desk.run().agrees(A)) == (False, True)


def test_a_snapshot_that_is_refused_for_another_reason_says_that_reason() -> None:
    desk, command = doubted(A)
    desk.fail(command, 9)
    [refused] = refusals(desk)
    assert (refused.market_ids, refused.error.code) == ({A}, "9")
    assert type(refused.error) is AuthenticationError


def test_a_refused_snapshot_that_nobody_wants_any_more_is_nothing() -> None:
    desk, command = doubted(A, B)
    desk.stream.unfollow(Subject.ORDER_BOOK, [A, B])
    assert desk.fail(command, 11) == []


def test_no_message_of_the_venue_carries_a_secret_on() -> None:
    desk = Desk().follow(A).connect()
    [command] = desk.sent()
    secret = "A" * 80
    msg = {"code": 9, "msg": f"signature {secret} is wrong"}
    desk.hear({"type": "error", "id": command["id"], "msg": msg})
    [refused] = refusals(desk)
    assert secret not in str(refused.error)
    assert secret not in desk.stream.health().last_error


# -- followed again --------------------------------------------------------------------


@pytest.mark.parametrize("is_out", [False, True])
def test_a_market_refused_for_silence_may_be_followed_again_before_it_was_let_go(
    *, is_out: bool
) -> None:
    desk = Desk().connect()
    desk.unknown.add(B)
    desk.follow(A, B).run()
    for _ in range(28):
        desk.wait(1)
        desk.run()
    desk.follow(C)
    out = desk.sent() if is_out else []
    while not refusals(desk):
        desk.wait(1)
    desk.unknown.discard(B)
    desk.follow(B)
    for command in out:
        desk.answer(command)
    desk.run()
    assert (desk.agrees(B), desk.is_stale(B)) == (True, False)
    assert desk.stream.health().state == "live"


def test_a_market_that_stays_silent_is_refused_again_and_no_sooner_than_before() -> (
    None
):
    desk = Desk().connect()
    desk.unknown.add(B)
    desk.follow(A, B).run()
    times = []
    for _ in range(2):
        start = desk.clock.monotonic()
        desk.events.clear()
        while not refusals(desk):
            desk.wait(1)
            if not refusals(desk):
                desk.run()
        times.append(desk.clock.monotonic() - start)
        desk.follow(B).run()
    assert times == [30.0, 30.0]
    assert desk.stream.order_book(A) is not None


def test_a_market_that_waits_to_be_asked_for_again_leaves_nothing_behind() -> None:
    desk = Desk().follow(A).connect().run().follow(B, C)
    [command] = desk.sent()
    desk.fail(command, 27)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    desk.wait(5)
    desk.run()
    assert desk.held["orderbook_delta"] == {A, C}
    assert desk.stream.health().stale_books == 0


@pytest.mark.parametrize("code", [11, 27])
def test_what_nobody_wants_any_more_may_be_refused_without_a_word(code: int) -> None:
    desk = Desk().follow(A).connect().run().follow(B)
    [command] = desk.sent()
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    assert desk.fail(command, code) == []
    desk.wait(5)
    assert (desk.sent(), desk.stream.is_settled) == ([], True)
    desk.follow(B).run()
    assert desk.agrees(B)


def test_a_market_left_while_the_one_that_is_refused_is_searched_for_is_not_asked_for() -> (
    None
):
    desk = Desk().connect().follow(A, B)
    [command] = desk.sent()
    desk.fail(command, 11)
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    assert (desk.sent(), desk.stream.is_settled) == ([], True)
    desk.follow(B).run()
    assert (desk.agrees(B), desk.stream.is_settled) == (True, True)


def test_a_channel_given_up_as_a_whole_is_begun_anew_for_who_comes_next() -> None:
    desk = Desk().follow(A).connect().run().follow(B)
    [command] = desk.sent()
    [refused] = desk.fail(command, 9)
    assert refused.market_ids is None
    desk.follow(C).run()
    assert desk.held["orderbook_delta"] == {C}
    assert (desk.stream.order_book(A), desk.agrees(C)) == (None, True)


def test_a_market_that_comes_and_goes_while_its_removal_is_refused_is_told_in_the_end() -> (
    None
):
    desk = Desk().follow(A, B).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    [command] = desk.sent()
    desk.follow(B)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    desk.fail(command, 18)
    desk.follow(B)
    desk.wait(1)
    desk.run()
    assert (desk.agrees(B), desk.is_stale(B)) == (True, False)


def test_a_market_whose_removal_is_refused_is_held_and_can_be_left_again() -> None:
    desk = Desk().follow(A, B).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    [command] = desk.sent()
    desk.follow(B)
    desk.fail(command, 27)
    desk.run()
    assert (desk.agrees(B), desk.is_stale(B)) == (True, False)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    desk.wait(1)
    desk.run()
    assert desk.held["orderbook_delta"] == {A}
    assert desk.stream.health().stale_books == 0


def test_trades_that_are_refused_for_now_are_asked_for_again() -> None:
    desk = Desk().follow(A, subject=Subject.TRADES).connect()
    [command] = desk.sent()
    desk.fail(command, 27)
    desk.wait(1)
    desk.run()
    assert desk.held == {"trade": {A}}


def test_fault_36_no_snapshot_is_asked_of_a_subscription_that_is_given_up() -> None:
    desk = Desk().follow(A).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [unsubscribe] = desk.sent()
    desk.follow(A)
    assert desk.sent() == []
    desk.answer(unsubscribe)
    desk.run()
    assert [x["cmd"] for x in desk.commands] == [
        "subscribe",
        "unsubscribe",
        "subscribe",
    ]
    assert (desk.agrees(A), desk.is_stale(A)) == (True, False)
    assert (desk.stream.health().gaps, desk.stream.health().last_error) == (0, "")


def test_fault_36_a_snapshot_that_the_end_of_its_subscription_overtook_is_no_trouble() -> (
    None
):
    desk = Desk().follow(A).connect().run()
    list(desk.stream.doubt(A, "?"))
    [snapshot] = desk.sent()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [unsubscribe] = desk.sent()
    desk.follow(A)
    assert desk.fail(snapshot, 7) == []
    desk.answer(unsubscribe)
    desk.run()
    assert (desk.agrees(A), desk.is_stale(A)) == (True, False)
    assert desk.stream.health().last_error == ""


def test_fault_36_an_end_that_is_refused_for_now_leaves_the_books_to_be_asked_for() -> (
    None
):
    desk = Desk(first=1.0).follow(A).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [unsubscribe] = desk.sent()
    desk.follow(A)
    desk.fail(unsubscribe, 18)
    desk.run()
    desk.wait(2)
    desk.run()
    assert (desk.agrees(A), desk.is_stale(A)) == (True, False)


def test_fault_36_one_market_is_not_refused_for_another_that_was_left() -> None:
    desk = Desk().follow(A).connect().run().follow(B, C)
    [command] = desk.sent()
    desk.stream.unfollow(Subject.ORDER_BOOK, [C])
    assert desk.fail(command, 11) == []
    desk.run()
    assert (refusals(desk), desk.agrees(B)) == ([], True)
    assert desk.held["orderbook_delta"] == {A, B}


def test_fault_36_no_snapshot_is_refused_for_a_market_that_was_left() -> None:
    desk, command = doubted(A, B)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    assert desk.fail(command, 11) == []
    desk.run()
    assert (desk.agrees(A), desk.is_stale(A)) == (True, False)


def test_fault_36_a_late_refusal_of_an_old_snapshot_ends_no_new_wish() -> None:
    desk = Desk().follow(A, B).connect().run()
    list(desk.stream.doubt(A, "?"))
    [snapshot] = desk.sent()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [delete] = desk.sent()
    desk.follow(A)
    # The venue let the market go before it came to what was asked for first.
    desk.answer(delete)
    assert desk.fail(snapshot, 11) == []
    desk.run()
    assert (desk.agrees(A), desk.is_stale(A)) == (True, False)


# -- held or not -----------------------------------------------------------------------


def taken_again() -> tuple[Desk, dict[str, Any]]:
    """B is followed, left and followed again before the venue has answered the first."""
    desk = Desk().follow(A).connect().run().follow(B)
    [add] = desk.sent()
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    desk.follow(B)
    return desk, add


def test_p10_no_book_is_asked_for_before_the_venue_has_said_that_it_sends_it() -> None:
    desk, add = taken_again()
    assert desk.sent() == []
    desk.answer(add)
    desk.run()
    assert (desk.agrees(B), desk.is_stale(B)) == (True, False)
    assert [x["params"].get("action") for x in desk.commands] == [None, "add_markets"]


@pytest.mark.parametrize("code", [1, 18, 27])
def test_p10_a_book_that_is_refused_for_now_is_not_said_to_be_live_meanwhile(
    code: int,
) -> None:
    desk, add = taken_again()
    desk.snapshot(B, number=77)
    desk.fail(add, code)
    assert desk.stream.order_book(B) is None
    desk.wait(1)
    desk.run()
    assert (desk.agrees(B), desk.is_stale(B)) == (True, False)
    assert desk.held["orderbook_delta"] == {A, B}


@pytest.mark.parametrize("code", [1, 18, 27])
def test_fault_36_a_removal_refused_for_now_of_a_market_that_came_and_went_is_told_again(
    code: int,
) -> None:
    desk = Desk().follow(A, B).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    [delete] = desk.sent()
    desk.follow(B)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    desk.fail(delete, code)
    desk.wait(1)
    desk.run()
    assert [x["params"].get("action") for x in desk.commands] == [
        None,
        "delete_markets",
        "delete_markets",
    ]
    assert desk.held["orderbook_delta"] == {A}
    assert (desk.stream.order_book(B), desk.stream.health().stale_books) == (None, 0)


# -- requests that are out -------------------------------------------------------------


def test_p10_requests_for_snapshots_are_forgotten_as_they_are_answered() -> None:
    desk = Desk().follow(A, B, C).connect()
    desk.unknown.add(C)
    desk.run()
    desk.stream.asks_on = True
    for _ in range(50):
        # One message is lost, and C is never told of.
        desk.number("orderbook_delta")
        desk.delta(A, "yes", "0.40", "1.00")
        desk.wait(70)
        desk.run()
    assert (desk.agrees(A), desk.agrees(B), desk.stream.broken) == (True, True, "")
    assert len(desk.stream._books.requests) == 1
    desk.stream.unfollow(Subject.ORDER_BOOK, [C])
    assert len(desk.stream._books.requests) == 0
