"""From some markets of a channel to all and back: nothing is missed without a word."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges.models import Gap, Subject, Trade

from .desk import A, B, C, Desk
from .test_misreading import FILL, TRADE
from .test_subscribing import words


def trades(*markets: str) -> Desk:
    return Desk().follow(*markets, subject=Subject.TRADES).connect().run()


def trade(desk: Desk, market: str, trade_id: str) -> list[Any]:
    msg = TRADE | {"market_ticker": market, "trade_id": trade_id}
    told: list[Any] = desk.push("trade", "trade", msg)
    return told


def gaps(desk: Desk) -> list[Gap]:
    return [event for event in desk.events if isinstance(event, Gap)]


def test_from_some_markets_to_all_the_hole_is_announced_once_it_is_closed() -> None:
    desk = trades(A, B).follow(subject=Subject.TRADES)
    assert desk.stream.is_acknowledged(Subject.TRADES) is False
    [end] = desk.sent()
    desk.answer(end)
    [begin] = desk.sent()
    # Whoever read the trades of the hole now would not find all of them yet.
    assert gaps(desk) == []
    desk.answer(begin)
    [gap] = gaps(desk)
    assert (gap.subject, gap.market_ids) == (Subject.TRADES, (A, B))
    assert "anew" in gap.reason
    assert desk.stream.health().gaps == 1
    assert desk.stream.is_acknowledged(Subject.TRADES) is True
    assert words(desk) == [
        ("subscribe", "trade", A, B),
        ("unsubscribe",),
        ("subscribe", "trade"),
    ]


def test_from_all_to_some_the_subscription_stays_and_the_rest_is_passed_over() -> None:
    desk = trades().follow(A, subject=Subject.TRADES).run()
    desk.stream.unfollow(Subject.TRADES, None)
    desk.run()
    assert words(desk) == [("subscribe", "trade")]
    assert [x.trade_id for x in trade(desk, A, "t1")] == ["t1"]
    assert trade(desk, B, "t2") == []
    desk.follow(C, subject=Subject.TRADES).run()
    assert [x.trade_id for x in trade(desk, C, "t3")] == ["t3"]
    desk.follow(subject=Subject.TRADES).run()
    assert [x.trade_id for x in trade(desk, B, "t4")] == ["t4"]
    assert len(desk.commands) == 1
    assert desk.stream.is_settled
    assert gaps(desk) == []


def test_all_ends_with_the_last_who_follows_anything() -> None:
    desk = trades().follow(A, subject=Subject.TRADES).run()
    desk.stream.unfollow(Subject.TRADES, None)
    desk.stream.unfollow(Subject.TRADES, [A])
    desk.run().follow(B, subject=Subject.TRADES).run()
    assert words(desk)[1:] == [("unsubscribe",), ("subscribe", "trade", B)]
    assert gaps(desk) == []


def test_after_a_reconnect_only_what_is_still_followed_is_asked_for() -> None:
    desk = trades().follow(A, B, subject=Subject.TRADES).run()
    desk.stream.unfollow(Subject.TRADES, None)
    desk.stream.unfollow(Subject.TRADES, [B])
    desk.stream.connection_lost("gone")
    desk.connect().run()
    assert words(desk)[-1] == ("subscribe", "trade", A)
    assert gaps(desk) == []


def test_who_comes_while_the_subscription_ends_is_told_of_the_hole_as_well() -> None:
    desk = trades(A)
    desk.stream.unfollow(Subject.TRADES, [A])
    [end] = desk.sent()
    desk.follow(A, subject=Subject.TRADES)
    assert [type(x) for x in trade(desk, A, "t1")] == [Trade]
    desk.answer(end)
    desk.run()
    [gap] = gaps(desk)
    assert gap.market_ids == (A,)


def test_who_left_meanwhile_is_told_of_no_hole() -> None:
    desk = trades(A).follow(subject=Subject.TRADES)
    [end] = desk.sent()
    desk.answer(end)
    desk.stream.unfollow(Subject.TRADES, [A])
    desk.run()
    assert (gaps(desk), desk.stream.health().gaps) == ([], 0)


def test_a_hole_of_all_that_nobody_waits_for_is_told_to_who_is_left() -> None:
    desk = trades().follow(A, subject=Subject.TRADES)
    desk.kill("trade", 10)
    desk.stream.unfollow(Subject.TRADES, None)
    desk.events.clear()
    desk.wait(5)
    desk.run().follow(subject=Subject.TRADES).run()
    assert words(desk)[1] == ("subscribe", "trade", A)
    assert [gap.market_ids for gap in gaps(desk)] == [(A,), (A,)]


@pytest.mark.parametrize("code", [7, 11])
def test_a_hole_is_told_too_where_the_end_was_refused(code: int) -> None:
    desk = trades(A).follow(subject=Subject.TRADES)
    [end] = desk.sent()
    desk.fail(end, code)
    desk.run()
    assert [gap.market_ids for gap in gaps(desk)] == [(A,)]


def test_a_hole_that_a_break_swallows_is_told_by_the_break() -> None:
    desk = trades(A).follow(subject=Subject.TRADES)
    [end] = desk.sent()
    desk.answer(end)
    [gap] = desk.stream.connection_lost("gone")
    assert isinstance(gap, Gap)
    desk.connect().run()
    assert gaps(desk) == []


def test_a_dead_subscription_of_all_is_a_gap_at_both_ends_of_the_hole() -> None:
    desk = Desk().follow(subject=Subject.FILLS).connect().run()
    desk.kill("fill", 10)
    desk.wait(5)
    desk.run()
    # What is read at the first may miss what came before the second.
    assert [(x.subject, x.market_ids) for x in gaps(desk)] == [(Subject.FILLS, ())] * 2
    assert len(desk.tell("fill", "fill", FILL)) == 1


def test_a_hole_is_told_for_each_market_when_that_one_is_back() -> None:
    markets = [f"M{n}" for n in range(700)]
    desk = trades(*markets)
    desk.kill("trade", 25)
    [first] = gaps(desk)
    desk.wait(5)
    desk.events.clear()
    for sizes in ([500], [500, 200]):
        [command] = desk.sent()
        desk.answer(command)
        assert [len(gap.market_ids) for gap in gaps(desk)] == sizes
    assert {x for gap in gaps(desk) for x in gap.market_ids} == set(markets)
    assert first.market_ids == ()


def test_the_hole_of_a_market_that_is_refused_is_told_by_its_refusal() -> None:
    desk = trades(A, B)
    desk.kill("trade", 25)
    desk.wait(5)
    desk.events.clear()
    [command] = desk.sent()
    desk.fail(command, 11, market_tickers=[B])
    desk.run()
    assert [gap.market_ids for gap in gaps(desk)] == [(A,)]
    desk.events.clear()
    desk.follow(B, subject=Subject.TRADES).run()
    assert gaps(desk) == []


def test_books_that_are_begun_anew_without_a_death_are_a_gap_at_once() -> None:
    desk = Desk().follow(A, B).connect().run()
    list(desk.stream.doubt(A, "REST says otherwise"))
    [command] = desk.sent()
    desk.fail(command, 13)
    [end] = desk.sent()
    desk.answer(end)
    [gap] = gaps(desk)
    assert (gap.subject, gap.market_ids) == (Subject.ORDER_BOOK, (B,))
    desk.run()
    assert (desk.agrees(A), desk.is_stale(B)) == (True, False)
    assert len(gaps(desk)) == 1


# -- first quotes ----------------------------------------------------------------------


def test_a_ticker_that_all_once_brought_is_begun_anew_for_a_first_quote() -> None:
    desk = Desk().follow(subject=Subject.TICKER).follow(A, subject=Subject.TICKER)
    desk.connect().run()
    desk.stream.unfollow(Subject.TICKER, None)
    assert desk.run().commands[1:] == []
    desk.follow(B, subject=Subject.TICKER).run()
    assert words(desk)[1:] == [("unsubscribe",), ("subscribe", "ticker", A, B)]
    assert desk.commands[-1]["params"]["send_initial_snapshot"] is True
    [gap] = gaps(desk)
    assert (gap.subject, gap.market_ids) == (Subject.TICKER, (A, B))


@pytest.mark.parametrize("again", [False, True])
def test_a_ticker_that_was_left_before_all_were_left_needs_nothing(
    *, again: bool
) -> None:
    desk = Desk().follow(subject=Subject.TICKER).follow(A, subject=Subject.TICKER)
    desk.connect().run().follow(B, subject=Subject.TICKER).run()
    desk.stream.unfollow(Subject.TICKER, [B])
    desk.stream.unfollow(Subject.TICKER, None)
    if again:
        desk.follow(A, subject=Subject.TICKER)
    assert desk.run().commands[1:] == []
