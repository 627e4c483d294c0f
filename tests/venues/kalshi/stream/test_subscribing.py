"""What is asked of the venue: counted wishes, one subscription per channel, one by one."""

from __future__ import annotations

import pytest

from unified_exchanges.errors import ArgumentsRequired, BadRequest
from unified_exchanges.models import Subject

from .desk import A, B, C, Desk


def words(desk: Desk) -> list[tuple[object, ...]]:
    """The commands so far in short."""
    return [
        (
            command["cmd"] if command["cmd"] != "update_subscription" else p["action"],
            *p.get("channels", ()),
            *p.get("market_tickers", ()),
        )
        for command in desk.commands
        for p in [command["params"]]
    ]


def test_a_book_is_asked_for_in_yes_prices_always() -> None:
    desk = Desk().follow(A, B).connect()
    assert desk.sent() == [
        {
            "id": 1,
            "cmd": "subscribe",
            "params": {
                "channels": ["orderbook_delta"],
                "market_tickers": [A, B],
                "use_yes_price": True,
            },
        }
    ]


def test_nothing_is_sent_without_a_connection() -> None:
    desk = Desk().follow(A)
    assert desk.sent() == []
    assert desk.connect().sent() != []


def test_a_market_is_followed_until_the_last_who_asked_has_left() -> None:
    desk = Desk().follow(A).follow(A, B).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    assert desk.run().commands[1:] == []
    desk.stream.unfollow(Subject.ORDER_BOOK, [A, B])
    desk.run()
    assert words(desk)[1:] == [("unsubscribe",)]
    assert desk.stream.order_book(A) is None


def test_markets_come_and_go_in_the_subscription() -> None:
    desk = Desk().follow(A).connect().run().follow(B).follow(C).run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.run()
    assert words(desk)[1:] == [("add_markets", B, C), ("delete_markets", A)]
    assert desk.commands[-1]["params"] == {
        "sid": 1,
        "market_tickers": [A],
        "action": "delete_markets",
    }
    assert desk.stream.is_settled


def test_commands_of_a_channel_wait_for_each_other() -> None:
    desk = Desk().follow(A).connect()
    [first] = desk.sent()
    desk.follow(B)
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    assert desk.sent() == []
    desk.answer(first)
    [second] = desk.sent()
    assert second["params"]["action"] == "add_markets"
    desk.answer(second)
    [third] = desk.sent()
    assert third["params"]["action"] == "delete_markets"


def test_what_is_wanted_and_left_again_before_it_was_sent_is_never_sent() -> None:
    desk = Desk().follow(A).connect().run().follow(B)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    assert desk.run().commands[1:] == []
    assert desk.stream.order_book(B) is None


def test_a_market_that_is_left_and_followed_again_has_a_new_snapshot_first() -> None:
    desk = Desk().follow(A, B).connect()
    desk.change(A, "yes", "0.40", "1.00")
    desk.run()
    old = desk.stream.order_book(A)
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.delta(A, "yes", "0.40", "5.00")
    desk.follow(A)
    assert old is not None
    assert (old.stale, desk.is_stale(A)) == (True, True)
    desk.run()
    assert words(desk)[1:] == [("get_snapshot", A)]
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


def test_a_market_followed_again_while_it_is_removed_is_added_anew() -> None:
    desk = Desk().follow(A, B).connect().run()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    [removal] = desk.sent()
    desk.follow(A)
    assert desk.sent() == []
    desk.answer(removal)
    assert desk.is_stale(A)
    desk.change(A, "no", "0.70", "3.00")
    desk.run()
    assert words(desk)[2:] == [("add_markets", A)]
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


def test_a_thousand_markets_are_asked_for_in_batches() -> None:
    desk = Desk().connect()
    desk.follow(*(f"M{n}" for n in range(1_200))).run()
    sizes = [len(command["params"]["market_tickers"]) for command in desk.commands]
    assert sizes == [500, 500, 200]
    assert desk.stream.is_settled
    assert desk.stream.health().stale_books == 0


def test_markets_are_added_no_faster_than_their_snapshots_come() -> None:
    desk = Desk().connect()
    desk.snapshots = False
    desk.follow(*(f"M{n}" for n in range(2_500))).run()
    held = desk.held["orderbook_delta"]
    assert len(held) == 1_000
    desk.snapshots = True
    desk.snapshot(*sorted(held))
    desk.run()
    assert len(held) == 2_500


def test_the_accounts_own_channels_are_up_before_the_public_ones() -> None:
    desk = Desk().follow(A)
    for subject in (Subject.TICKER, Subject.FILLS, Subject.ORDERS):
        desk.follow(subject=subject)
    desk.connect()
    private = desk.sent()
    assert words(desk) == [("subscribe", "fill"), ("subscribe", "user_orders")]
    desk.answer(private[1])
    assert desk.sent() == []
    desk.answer(private[0])
    desk.run()
    assert words(desk)[2:] == [
        ("subscribe", "ticker"),
        ("subscribe", "orderbook_delta", A),
    ]


def test_acknowledgements_may_come_in_any_order() -> None:
    desk = Desk().follow(A)
    desk.follow(subject=Subject.TRADES).follow(B, subject=Subject.TICKER).connect()
    for command in reversed(desk.sent()):
        desk.answer(command)
    assert desk.stream.is_settled
    assert desk.agrees(A)


def test_private_channels_are_asked_for_whole_whatever_markets_are_wanted() -> None:
    desk = Desk().follow(A, subject=Subject.FILLS).connect().run()
    desk.follow(B, subject=Subject.FILLS).run()
    assert words(desk) == [("subscribe", "fill")]


def test_a_ticker_comes_with_its_first_quote() -> None:
    desk = Desk().follow(A, subject=Subject.TICKER).connect().run()
    desk.follow(B, subject=Subject.TICKER).run()
    shown = [x["params"].get("send_initial_snapshot") for x in desk.commands]
    assert shown == [True, True]


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_ticker_that_is_left_and_followed_again_comes_with_its_quote_anew(
    *, is_sent: bool
) -> None:
    desk = Desk().follow(A, B, subject=Subject.TICKER).connect().run()
    desk.commands.clear()
    desk.stream.unfollow(Subject.TICKER, [A])
    sent = desk.sent() if is_sent else []
    desk.follow(A, subject=Subject.TICKER)
    for command in sent:
        desk.answer(command)
    desk.run()
    asked = [
        (x["params"]["action"], x["params"]["market_tickers"]) for x in desk.commands
    ]
    assert asked == [("delete_markets", [A]), ("add_markets", [A])]


def test_a_ticker_whose_removal_is_refused_for_now_is_removed_and_added_later() -> None:
    desk = Desk().follow(A, B, subject=Subject.TICKER).connect().run()
    desk.stream.unfollow(Subject.TICKER, [A])
    [removal] = desk.sent()
    desk.follow(A, subject=Subject.TICKER)
    desk.fail(removal, 27)
    desk.commands.clear()
    desk.wait(1)
    desk.run()
    asked = [
        (x["params"]["action"], x["params"]["market_tickers"]) for x in desk.commands
    ]
    assert asked == [("delete_markets", [A]), ("add_markets", [A])]


def test_the_venue_may_merge_a_subscription_into_one_that_it_has() -> None:
    desk = Desk().follow(A).connect()
    [command] = desk.sent()
    desk.sids["orderbook_delta"] = 9
    desk.seqs[9] = 41
    desk.held["orderbook_delta"] = {A, B}
    desk.ok(command["id"], "orderbook_delta")
    desk.snapshot(A)
    assert (desk.agrees(A), desk.is_stale(A)) == (True, False)
    assert desk.stream.health().gaps == 0


def test_a_merged_subscription_may_have_told_something_before_its_answer() -> None:
    desk = Desk().follow(A).connect()
    [command] = desk.sent()
    desk.sids["orderbook_delta"] = 9
    desk.seqs[9] = 0
    desk.held["orderbook_delta"] = {A}
    desk.snapshot(A)
    desk.ok(command["id"], "orderbook_delta")
    desk.delta(A, "yes", "0.40", "1.00")
    assert (desk.agrees(A), desk.stream.health().gaps) == (True, 0)


def test_an_answer_to_nothing_is_passed_over() -> None:
    desk = Desk().follow(A).connect().run()
    listed = [{"channel": "orderbook_delta", "sid": 1}]
    assert desk.hear({"type": "ok", "id": 99, "msg": listed}) == []
    assert desk.hear({"type": "unsubscribed", "id": 99, "sid": 5, "seq": 1}) == []


def test_what_is_acknowledged_is_known_by_subject() -> None:
    desk = Desk().follow(A).connect()
    assert desk.stream.is_acknowledged(Subject.ORDER_BOOK) is False
    desk.run()
    assert desk.stream.is_acknowledged(Subject.ORDER_BOOK) is True


def test_messages_may_come_before_the_answer_that_names_their_subscription() -> None:
    desk = Desk().follow(A).connect()
    [command] = desk.sent()
    desk.sids["orderbook_delta"] = 1
    desk.seqs[1] = 0
    desk.snapshot(A)
    desk.delta(A, "yes", "0.10", "1.00")
    desk.hear(
        {
            "type": "subscribed",
            "id": command["id"],
            "msg": {"channel": "orderbook_delta", "sid": 1},
        }
    )
    desk.delta(A, "yes", "0.20", "1.00")
    assert desk.agrees(A)
    assert desk.stream.health().gaps == 0
    assert desk.stream.is_settled


def test_messages_of_an_ended_subscription_are_passed_over() -> None:
    desk = Desk().follow(A).connect().run()
    late = {
        "type": "orderbook_snapshot",
        "sid": 1,
        "seq": 7,
        "msg": {"market_ticker": A, "yes_dollars_fp": [["0.1", "1"]]},
    }
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.run().follow(A)
    desk.sent()
    assert desk.hear(late) == []


def test_fault_35_every_subscription_is_asked_for_again_after_a_reconnect() -> None:
    desk = Desk().follow(A, B)
    desk.follow(subject=Subject.FILLS).follow(C, subject=Subject.TICKER)
    desk.connect().run()
    before = words(desk)
    [gap] = desk.stream.connection_lost("gone")
    assert (gap.subject, gap.reason) == (None, "gone")
    assert desk.is_stale(A)
    desk.commands.clear()
    desk.change(A, "yes", "0.33", "4.00")
    desk.connect().run()
    assert words(desk) == before
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


def test_a_book_of_the_old_connection_stays_stale() -> None:
    desk = Desk().follow(A).connect().run()
    old = desk.stream.order_book(A)
    assert old is not None
    desk.stream.connection_lost("gone")
    desk.connect().run()
    assert (old.stale, desk.is_stale(A)) == (True, False)


def test_losing_a_connection_that_nobody_uses_is_no_gap() -> None:
    desk = Desk().connect()
    assert list(desk.stream.connection_lost("gone")) == []
    assert list(desk.stream.connection_lost("again")) == []


def test_what_was_left_while_the_connection_was_gone_is_forgotten() -> None:
    desk = Desk().follow(A, B).connect().run()
    desk.stream.connection_lost("gone")
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    desk.connect().run()
    assert words(desk)[-1] == ("subscribe", "orderbook_delta", A)
    assert desk.stream.order_book(B) is None


def test_any_channel_can_be_subscribed_with_its_own_words() -> None:
    desk = Desk().connect()
    desk.stream.subscribe("communications", None, {"user_filter": "self"})
    desk.stream.subscribe("pyth_value", None, {"underlying_tickers": ["Metal.XAU/USD"]})
    desk.run()
    assert [command["params"] for command in desk.commands] == [
        {"channels": ["communications"], "user_filter": "self"},
        {"channels": ["pyth_value"], "underlying_tickers": ["Metal.XAU/USD"]},
    ]
    assert desk.stream.has_settled("communications")
    assert desk.stream.has_settled("never asked for")


def test_its_own_words_are_said_again_after_a_reconnect() -> None:
    desk = Desk().connect()
    desk.stream.subscribe("communications", None, {"shard_factor": 4, "shard_key": 1})
    desk.stream.subscribe("ticker", [A], {"send_initial_snapshot": False})
    desk.run()
    before = [command["params"] for command in desk.commands]
    desk.stream.connection_lost("gone")
    desk.commands.clear()
    desk.connect().run()
    assert [command["params"] for command in desk.commands] == before
    assert before[1]["send_initial_snapshot"] is False


def test_a_ticker_without_a_first_quote_has_none_of_added_markets_either() -> None:
    desk = Desk().connect()
    desk.stream.subscribe("ticker", [A], {"send_initial_snapshot": False})
    desk.run()
    desk.stream.subscribe("ticker", [B])
    desk.run()
    assert words(desk)[1:] == [("add_markets", B)]
    assert desk.commands[-1]["params"]["send_initial_snapshot"] is False


def test_a_ticker_without_first_quotes_is_not_begun_anew_for_one() -> None:
    desk = Desk().connect()
    desk.stream.subscribe("ticker", None, {"send_initial_snapshot": False})
    desk.run().follow(A, subject=Subject.TICKER)
    desk.stream.unfollow(Subject.TICKER, None)
    desk.run().follow(B, subject=Subject.TICKER).run()
    assert words(desk) == [("subscribe", "ticker")]
    assert desk.stream.is_settled


def test_no_word_takes_the_yes_prices_from_a_book() -> None:
    desk = Desk().connect()
    desk.stream.subscribe("orderbook_delta", [A], {"use_yes_price": False})
    [command] = desk.sent()
    assert command["params"]["use_yes_price"] is True


@pytest.mark.parametrize("is_out", [False, True])
def test_other_words_begin_a_subscription_anew(*, is_out: bool) -> None:
    desk = Desk().connect()
    desk.stream.subscribe("communications")
    first = desk.sent() if is_out else []
    if not is_out:
        desk.run()
    desk.stream.unsubscribe("communications")
    desk.stream.subscribe("communications", None, {"user_filter": "self"})
    for command in first:
        desk.answer(command)
    assert desk.stream.has_settled("communications") is False
    desk.run()
    assert words(desk) == [
        ("subscribe", "communications"),
        ("unsubscribe",),
        ("subscribe", "communications"),
    ]
    assert desk.commands[-1]["params"]["user_filter"] == "self"
    assert desk.stream.has_settled("communications")


@pytest.mark.parametrize("refused", [None, [A]])
def test_words_end_with_the_last_who_followed(refused: list[str] | None) -> None:
    desk = Desk().connect()
    desk.stream.subscribe("ticker", [A], {"skip_ticker_ack": True})
    [command] = desk.sent()
    desk.fail(command, 9 if refused is None else 11)
    desk.follow(B, subject=Subject.TICKER).run()
    assert "skip_ticker_ack" not in desk.commands[-1]["params"]


def test_a_book_needs_its_market() -> None:
    with pytest.raises(ArgumentsRequired, match="market by market"):
        Desk().follow(subject=Subject.ORDER_BOOK)


def test_a_text_is_no_list_of_markets() -> None:
    with pytest.raises(BadRequest, match="not the text"):
        Desk().stream.follow(Subject.TICKER, A)


def test_leaving_what_was_never_followed_does_nothing() -> None:
    desk = Desk().connect()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.stream.unfollow(Subject.TICKER, None)
    assert desk.sent() == []


def test_everything_can_be_taken_back_before_it_is_acknowledged() -> None:
    desk = Desk().follow(A).connect()
    [command] = desk.sent()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.answer(command)
    desk.run()
    assert words(desk) == [("subscribe", "orderbook_delta", A), ("unsubscribe",)]
    assert desk.stream.order_book(A) is None
