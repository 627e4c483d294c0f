"""The sequence rule: what is stale when, and how it becomes whole again."""

from __future__ import annotations

import pytest

from unified_exchanges.models import Gap, Subject, Trade
from unified_exchanges.streams.recent import Recent
from unified_exchanges.venues.kalshi.stream import BookDelta, BookSnapshot

from .desk import A, B, C, Desk
from .test_misreading import TRADE


def books(*markets: str) -> Desk:
    desk = Desk()
    for market in markets:
        desk.change(market, "yes", "0.40", "10.00")
        desk.change(market, "no", "0.60", "10.00")
    return desk.follow(*markets).connect().run()


def lose(desk: Desk, market: str, side: str = "yes", price: str = "0.41") -> None:
    """Change a book without the client hearing of it."""
    desk.change(market, side, price, "1.00")
    desk.number("orderbook_delta")


def actions(desk: Desk) -> list[tuple[object, ...]]:
    return [
        (command["params"].get("action"), *command["params"].get("market_tickers", ()))
        for command in desk.sent()
    ]


def test_acknowledgements_consume_numbers() -> None:
    desk = books(A)
    desk.follow(B).run()
    desk.delta(A, "yes", "0.41", "1.00")
    assert (desk.stream.health().gaps, desk.agrees(A)) == (0, True)


def test_fault_31_a_gap_spoils_every_book_before_anything_else_is_applied() -> None:
    desk = books(A, B)
    before = desk.stream.order_book(A)
    lose(desk, B)
    [gap] = desk.delta(A, "yes", "0.42", "1.00")
    assert isinstance(gap, Gap)
    assert (gap.subject, set(gap.market_ids)) == (Subject.ORDER_BOOK, {A, B})
    assert gap.reason == "message 4 of orderbook_delta came where 3 was due"
    after = desk.stream.order_book(A)
    assert before is not None
    assert after is not None
    assert (after.bids, after.asks) == (before.bids, before.asks)
    assert (before.stale, after.stale, desk.is_stale(B)) == (True, True, True)


def test_fault_31_a_snapshot_of_each_book_is_asked_for_and_heals_it() -> None:
    desk = books(A, B)
    lose(desk, B)
    desk.delta(A, "yes", "0.42", "1.00")
    [command] = desk.sent()
    assert command["params"] == {
        "sid": 1,
        "market_tickers": [A, B],
        "action": "get_snapshot",
    }
    desk.snapshot(A, number=command["id"])
    assert (desk.is_stale(A), desk.is_stale(B)) == (False, True)
    desk.snapshot(B, number=command["id"])
    assert (desk.agrees(A), desk.agrees(B)) == (True, True)
    assert desk.stream.health().stale_books == 0


def test_changes_of_a_stale_book_are_passed_over_but_counted() -> None:
    desk = books(A, B)
    lose(desk, B)
    desk.delta(A, "yes", "0.42", "1.00")
    desk.sent()
    assert desk.delta(A, "yes", "0.43", "1.00") == []
    [snapshot] = desk.snapshot(A)
    assert isinstance(snapshot, BookSnapshot)
    [delta] = desk.delta(A, "yes", "0.44", "1.00")
    assert isinstance(delta, BookDelta)
    assert desk.agrees(A)
    assert desk.stream.health().gaps == 1


def test_a_snapshot_that_shows_a_gap_is_whole_itself() -> None:
    desk = books(A, B)
    lose(desk, B)
    gap, snapshot = desk.snapshot(A)
    assert (type(gap), type(snapshot)) == (Gap, BookSnapshot)
    assert (desk.is_stale(A), desk.is_stale(B)) == (False, True)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_fault_32_a_number_that_repeats_or_steps_back_is_a_gap(number: int) -> None:
    desk = books(A, B)
    desk.delta(A, "yes", "0.41", "1.00")
    msg = desk.change(A, "yes", "0.41", "1.00")
    frame = {"type": "orderbook_delta", "sid": 1, "seq": number, "msg": msg}
    [gap] = desk.hear(frame)
    assert isinstance(gap, Gap)
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, True)
    assert desk.stream.health().duplicates == 1


def test_fault_32_after_a_step_back_the_subscription_is_begun_anew() -> None:
    desk = books(A)
    desk.delta(A, "yes", "0.41", "1.00")
    desk.seqs[1] = 0
    desk.delta(A, "yes", "0.42", "1.00")
    desk.run()
    assert (desk.agrees(A), desk.is_stale(A)) == (True, False)
    assert (desk.stream.health().gaps, desk.sids) == (2, {"orderbook_delta": 2})


def test_a_gap_while_snapshots_are_on_their_way_asks_for_them_again() -> None:
    desk = books(A)
    lose(desk, A)
    desk.delta(A, "yes", "0.42", "1.00")
    assert actions(desk) == [("get_snapshot", A)]
    desk.number("orderbook_delta")  # the snapshot itself was lost
    desk.delta(A, "yes", "0.43", "1.00")
    assert actions(desk) == []
    desk.wait(1)
    assert actions(desk) == [("get_snapshot", A)]


def test_a_repeated_message_does_not_ask_for_what_is_on_its_way() -> None:
    desk = books(A)
    lose(desk, A)
    desk.delta(A, "yes", "0.42", "1.00")
    desk.sent()
    desk.seqs[1] -= 1
    desk.delta(A, "yes", "0.43", "1.00")
    desk.wait(5)
    assert desk.sent() == []


def test_a_flood_of_gaps_is_no_flood_of_requests() -> None:
    desk = books(A)
    asked = 0
    for _ in range(100):
        lose(desk, A)
        desk.delta(A, "yes", "0.42", "1.00")
        asked += len(desk.sent())
        desk.wait(0.1)
    assert asked <= 6


def test_many_snapshots_are_asked_for_in_batches_as_they_come() -> None:
    markets = [f"M{n}" for n in range(1_500)]
    desk = books(*markets)
    lose(desk, markets[0])
    desk.delta(markets[1], "yes", "0.42", "1.00")
    commands = desk.sent()
    assert [len(x["params"]["market_tickers"]) for x in commands] == [250] * 4
    for command in commands:
        desk.answer(command)
    desk.run()
    assert desk.stream.health().stale_books == 0


def test_a_gap_in_another_numbered_channel_is_told() -> None:
    desk = Desk().follow(subject=Subject.TRADES).connect().run()
    desk.number("trade")
    msg = {
        "trade_id": "t",
        "market_ticker": A,
        "yes_price_dollars": "0.36",
        "count_fp": "1.00",
        "taker_book_side": "bid",
        "ts_ms": 1,
    }
    gap, trade = desk.push("trade", "trade", msg)
    assert (gap.subject, gap.market_ids) == (Subject.TRADES, ())
    assert trade.trade_id == "t"


@pytest.mark.parametrize("back", [0, 1])
def test_fault_32_a_trade_that_is_repeated_is_a_gap_and_not_a_second_trade(
    back: int,
) -> None:
    desk = Desk().follow(A, subject=Subject.TRADES).connect().run()
    for trade_id in ("t1", "t2"):
        desk.push("trade", "trade", TRADE | {"trade_id": trade_id})
    msg = TRADE | {"trade_id": f"t{2 - back}"}
    frame = {"type": "trade", "sid": 1, "seq": 2 - back, "msg": msg}
    assert [type(x) for x in desk.hear(frame)] == [Gap]


def test_fault_32_a_trade_is_told_once_however_it_is_numbered() -> None:
    desk = Desk().follow(A, subject=Subject.TRADES).connect().run()
    assert len(desk.push("trade", "trade", TRADE)) == 1
    assert desk.push("trade", "trade", TRADE) == []
    desk.stream.connection_lost("gone")
    desk.connect().run()
    assert desk.push("trade", "trade", TRADE) == []


def test_fault_32_a_late_trade_that_is_new_is_told() -> None:
    desk = Desk().follow(A, subject=Subject.TRADES).connect().run()
    desk.push("trade", "trade", TRADE)
    frame = {"type": "trade", "sid": 1, "seq": 1, "msg": TRADE | {"trade_id": "t0"}}
    assert [type(x) for x in desk.hear(frame)] == [Gap, Trade]


def test_what_was_told_is_remembered_within_bounds() -> None:
    recent = Recent(3)
    assert [recent.is_new(x) for x in "abcab"] == [True, True, True, False, False]
    assert [recent.is_new(x) for x in "defga"] == [True] * 5
    assert [recent.is_new(x) for x in "gf"] == [False, False]


def test_channels_without_numbers_have_no_gaps() -> None:
    desk = Desk().follow(A, subject=Subject.TICKER).connect().run()
    desk.follow(B, subject=Subject.TICKER).run()
    desk.seqs[1] += 50
    desk.follow(C, subject=Subject.TICKER).run()
    assert desk.stream.health().gaps == 0


# -- books that contradict themselves --------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "by", "problem"),
    [
        ("yes", "0.4000", "-10.01", "taken from"),
        ("no", "0.9900", "-1.00", "taken from"),
        ("yes", "0.6000", "1.00", "crosses"),
        ("no", "0.4000", "1.00", "crosses"),
        ("yes", "0.40001", "1.00", "price"),
        ("yes", "0.4000", "1.001", "size"),
        ("maybe", "0.4000", "1.00", "side 'maybe'"),
    ],
)
def test_fault_32_a_change_that_cannot_be_right_spoils_its_book_alone(
    side: str, price: str, by: str, problem: str
) -> None:
    desk = books(A, B)
    msg = {"market_ticker": A, "price_dollars": price, "delta_fp": by, "side": side}
    [gap] = desk.push("orderbook_delta", "orderbook_delta", msg)
    assert gap.market_ids == (A,)
    assert problem in gap.reason
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, False)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)
    assert desk.stream.health().gaps == 1


def test_p10_a_snapshot_that_is_crossed_is_asked_for_ever_later() -> None:
    desk = books(A, B)
    desk.change(A, "no", "0.30", "1.00")
    lose(desk, A)
    desk.delta(B, "yes", "0.41", "1.00")
    desk.run()
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, False)
    asked = len(desk.commands)
    desk.wait(0.5)
    assert desk.sent() == []
    desk.wait(20)
    desk.run()
    assert 1 <= len(desk.commands) - asked <= 5
    desk.change(A, "no", "0.30", "-1.00")
    desk.wait(40)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


def test_p10_a_book_that_stays_crossed_is_neither_refused_nor_an_end_of_all() -> None:
    desk = books(A, B)
    desk.change(A, "no", "0.30", "1.00")
    lose(desk, A)
    desk.delta(B, "yes", "0.41", "1.00")
    for _ in range(300):
        desk.run().wait(1)
    assert desk.stream.broken == ""
    assert {type(x) for x in desk.events} == {Gap, BookSnapshot}
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, False)
    assert 10 <= len(desk.commands) <= 20
    desk.change(A, "no", "0.30", "-1.00")
    for _ in range(40):
        desk.run().wait(1)
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


def test_p10_a_doubted_book_is_stale_at_once_and_live_after_its_snapshot() -> None:
    desk = books(A, B)
    [gap] = desk.stream.doubt(A, "REST says otherwise")
    assert isinstance(gap, Gap)
    assert (gap.market_ids, gap.reason) == ((A,), "REST says otherwise")
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, False)
    desk.run()
    assert desk.is_stale(A) is False


def test_doubts_about_a_book_that_nobody_follows_are_nothing() -> None:
    assert list(books(A).stream.doubt(C, "?")) == []


def test_p10_the_age_of_a_book_grows_while_nothing_is_heard() -> None:
    desk = books(A)
    book = desk.stream.order_book(A)
    assert book is not None
    desk.clock.advance(3)
    assert book.age == 3
    desk.stream.heard()
    assert book.age == 0
    desk.stream.connection_lost("gone")
    desk.clock.advance(2)
    assert (book.age, book.stale) == (2, True)


# -- what the events tell --------------------------------------------------------------


def test_a_change_tells_its_level_in_yes_terms() -> None:
    desk = books(A)
    msg = desk.change(A, "no", "0.60", "-2.50") | {"client_order_id": "mine"}
    [delta] = desk.push("orderbook_delta", "orderbook_delta", msg | {"subaccount": 3})
    assert delta.to_dict() == {
        "venue": "kalshi",
        "market_id": A,
        "outcome": "yes",
        "side": "sell",
        "price": "0.6",
        "change": "-2.5",
        "size": "7.5",
        "sequence": 2,
        "timestamp": "2026-11-20T18:40:00.123000Z",
        "client_order_id": "mine",
        "subaccount": 3,
    }
    assert repr(delta).startswith(f"BookDelta(venue=kalshi market_id={A} outcome=yes")


def test_a_snapshot_tells_the_whole_book() -> None:
    desk = books(A)
    [snapshot] = desk.snapshot(A)
    told = snapshot.to_dict()
    assert told["bids"] == [{"price": "0.4", "size": "10"}]
    assert told["asks"] == [{"price": "0.6", "size": "10"}]
    assert (told["sequence"], told["timestamp"]) == (2, "2026-11-20T18:40:00Z")


def test_p10_a_snapshot_while_all_is_well_replaces_the_book_in_hand() -> None:
    desk = books(A)
    book = desk.stream.order_book(A)
    desk.snapshot(A)
    assert book is not None
    assert (book.stale, desk.is_stale(A)) == (True, False)


def test_a_book_says_its_number_and_the_venues_time() -> None:
    desk = books(A)
    desk.delta(A, "yes", "0.41", "1.00")
    book = desk.stream.order_book(A)
    assert book is not None
    assert book.timestamp is not None
    assert book.sequence == 2
    assert book.timestamp.isoformat() == "2026-11-20T18:40:00.123000+00:00"


def test_p4_the_book_of_no_is_the_complement_of_that_of_yes() -> None:
    desk = books(A)
    yes, no = desk.stream.order_book(A), desk.stream.order_book(A, "no")
    assert yes is not None
    assert no is not None
    assert no == yes.complement("no")
    assert (no.outcome, str(no.bids[0].price)) == ("no", "0.4000")


def test_the_best_prices_can_be_read_without_the_whole_book() -> None:
    desk = books(A)
    best = desk.stream.best(A)
    assert best is not None
    assert (str(best.bid), str(best.ask)) == ("0.4000", "0.6000")
    list(desk.stream.doubt(A, "?"))
    assert desk.stream.best(A) is None
    assert desk.stream.best(B) is None


def test_there_is_no_book_before_its_first_snapshot() -> None:
    desk = Desk().follow(A)
    assert desk.stream.order_book(A) is None
    desk.connect()
    desk.sent()
    assert desk.stream.order_book(A) is None


def test_changes_of_a_market_that_nobody_follows_are_passed_over() -> None:
    desk = books(A)
    assert desk.delta(C, "yes", "0.10", "1.00") == []
    assert desk.snapshot(C) == []
    assert desk.stream.health().gaps == 0


def test_a_book_whose_market_was_let_go_is_stale_until_it_is_added_again() -> None:
    desk = books(A, B)
    lose(desk, B)
    desk.delta(A, "yes", "0.42", "1.00")
    [question] = desk.sent()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [removal] = desk.sent()
    desk.follow(A)
    desk.answer(question)
    # Sent before the venue let it go: no change would follow.
    assert desk.is_stale(A) is True
    desk.answer(removal)
    assert desk.is_stale(A) is True
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


# -- snapshots that are old --------------------------------------------------------------


def old_snapshot(desk: Desk, market: str, seq: int) -> list[object]:
    """The venue's first picture of a market comes again, with the number it had."""
    sides = {"yes_dollars_fp": [["0.40", "10.00"]], "no_dollars_fp": [["0.60", "10"]]}
    msg = {"market_ticker": market, "market_id": "uuid", **sides}
    sid = desk.sids["orderbook_delta"]
    return desk.hear({"type": "orderbook_snapshot", "sid": sid, "seq": seq, "msg": msg})


def test_fault_32_a_snapshot_that_comes_again_is_not_taken_for_the_book() -> None:
    desk = books(A, B)
    desk.delta(A, "yes", "0.40", "-10.00")
    desk.delta(A, "yes", "0.41", "5.00")
    old_snapshot(desk, A, 1)
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, True)
    desk.run()
    assert (desk.is_stale(A), desk.is_stale(B)) == (False, False)
    assert (desk.agrees(A), desk.agrees(B)) == (True, True)


def test_fault_32_a_snapshot_that_follows_another_late_number_is_not_taken_either() -> (
    None
):
    desk = books(A, B)
    for price in ("0.41", "0.42", "0.43"):
        desk.delta(A, "yes", price, "5.00")
    seq = desk.seqs[desk.sids["orderbook_delta"]]
    msg = desk.change(A, "yes", "0.44", "1.00")
    envelope = {"type": "orderbook_delta", "sid": desk.sids["orderbook_delta"]}
    desk.hear({**envelope, "seq": 1, "msg": msg})
    old_snapshot(desk, A, 2)
    assert (seq, desk.is_stale(A)) == (5, True)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A), desk.agrees(B)) == (False, True, True)


def test_a_snapshot_from_before_a_market_was_let_go_is_not_taken() -> None:
    desk = Desk()
    for market in (A, B):
        desk.change(market, "yes", "0.40", "10.00")
    desk.follow(A, B).connect()
    [command] = desk.sent()
    desk.open(command["id"], "orderbook_delta", [A, B])
    desk.snapshot(A)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    [removal] = desk.sent()
    desk.follow(B)
    desk.snapshot(B)  # the slow first one
    assert desk.stream.order_book(B) is None
    desk.answer(removal)
    desk.run()
    assert (desk.agrees(B), desk.is_stale(B)) == (True, False)


def test_a_snapshot_that_comes_before_the_answer_to_its_market_is_asked_for_again() -> (
    None
):
    desk = books(A)
    desk.change(B, "yes", "0.30", "1.00")
    desk.follow(B)
    [addition] = desk.sent()
    desk.held["orderbook_delta"].add(B)
    desk.snapshot(B)
    assert desk.stream.order_book(B) is None
    desk.ok(addition["id"], "orderbook_delta")
    assert actions(desk) == [("get_snapshot", B)]
    desk.snapshot(B)
    assert (desk.agrees(B), desk.is_stale(B)) == (True, False)


# -- whose messages they are ---------------------------------------------------------------


LIVES = ("market_lifecycle_v2", "multivariate_market_lifecycle")


def test_messages_that_may_be_of_either_of_two_channels_are_taken_for_none() -> None:
    desk = Desk()
    for name in LIVES:
        desk.stream.subscribe(name)
    desk.connect()
    one, other = desk.sent()
    told = {"type": "event_lifecycle", "sid": 2, "msg": {}}
    assert desk.hear({**told, "seq": 1}) == []
    desk.fail(one, 8)
    desk.hear(
        {
            "type": "subscribed",
            "id": other["id"],
            "msg": {"channel": LIVES[1], "sid": 2},
        }
    )
    assert [x["cmd"] for x in desk.sent()] == []
    assert desk.stream.has_settled(LIVES[1])
    gap = desk.hear({**told, "seq": 2})[0]
    assert isinstance(gap, Gap)
    assert gap.reason == f"message 2 of {LIVES[1]} came where 1 was due"


def test_a_subscription_takes_its_name_from_whoever_was_taken_for_it() -> None:
    desk = Desk()
    desk.stream.subscribe(LIVES[0])
    desk.connect()
    [one] = desk.sent()
    desk.hear({"type": "event_lifecycle", "sid": 2, "seq": 1, "msg": {}})
    desk.stream.subscribe(LIVES[1])
    [other] = desk.sent()
    for command, name, sid in ((other, LIVES[1], 2), (one, LIVES[0], 1)):
        answer = {"type": "subscribed", "id": command["id"]}
        desk.hear({**answer, "msg": {"channel": name, "sid": sid}})
    assert desk.stream.is_settled
    desk.stream.unsubscribe(LIVES[0])
    assert [x["params"] for x in desk.sent()] == [{"sids": [1]}]
