"""Our orders and fills as the user channel tells them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges import (
    Fill,
    FillState,
    Liquidity,
    Order,
    OrderStatus,
    Side,
    Subject,
    TimeInForce,
)
from unified_exchanges.errors import NotSupported
from unified_exchanges.models import Gap
from unified_exchanges.streams.protocol import Unheard
from unified_exchanges.venues.polymarket.parse import FeeTerms

from .desk import KEY, NO, YES, A, B, UserDesk, maker, user_order, user_trade

D = Decimal


def told_order(**more: Any) -> Order:
    [found] = UserDesk().tell(user_order(**more))
    assert isinstance(found, Order)
    return found


def told_fills(**more: Any) -> list[Fill]:
    return UserDesk().tell(user_trade(**more))


# -- asking ----------------------------------------------------------------------------


def test_the_key_goes_in_the_first_frame_and_is_never_shown() -> None:
    first, ping = UserDesk().stream.data_to_send()
    assert json.loads(first)["auth"]["secret"] == "s3cr3t"
    assert ("s3cr3t" in repr(first), ping) == (False, "PING")


def test_without_a_wish_or_a_key_nothing_is_said() -> None:
    desk = UserDesk(has_key=False)
    without_key = desk.stream.data_to_send()
    desk.has_key = True
    with_key = desk.stream.data_to_send()
    assert (without_key, len(with_key)) == ([], 2)
    for subject in (Subject.ORDERS, Subject.FILLS):
        desk.stream.unfollow(subject, None)
    list(desk.stream.connection_lost("the line broke"))
    list(desk.stream.connection_made())
    assert (desk.stream.data_to_send(), desk.stream.is_settled) == ([], True)


def test_it_is_acknowledged_by_what_comes_back() -> None:
    desk = UserDesk()
    states = [(desk.stream.is_settled, desk.stream.health().state)]
    desk.stream.data_to_send()
    states.append((desk.stream.is_settled, desk.stream.health().state))
    desk.clock.advance(11)
    states.append((desk.stream.is_settled, desk.stream.health().state))
    desk.tell("PONG")
    states.append((desk.stream.is_settled, desk.stream.health().state))
    assert states == [
        (False, "connecting"),
        (False, "connecting"),
        (False, "degraded"),
        (True, "live"),
    ]


def test_what_several_follow_is_followed_to_the_last() -> None:
    desk = UserDesk(Subject.ORDERS, Subject.ORDERS)
    desk.stream.unfollow(Subject.ORDERS, None)
    assert len(desk.tell(user_order())) == 1


def test_it_has_no_books_and_tells_no_positions() -> None:
    stream = UserDesk().stream
    assert (stream.order_book(A), list(stream.doubt(A, "?"))) == (None, [])
    assert (stream.tells_positions, stream.tells_seconds) == (False, True)
    with pytest.raises(NotSupported, match="does not tell of ticker"):
        stream.follow(Subject.TICKER, None)


def test_a_lost_connection_is_a_gap_in_all_of_it() -> None:
    desk = UserDesk()
    [gap] = desk.stream.connection_lost("the line broke")
    assert isinstance(gap, Gap)
    assert (gap.subject, desk.stream.health().state) == (None, "connecting")


# -- orders ----------------------------------------------------------------------------


def test_an_order_that_was_placed() -> None:
    desk = UserDesk()
    desk.client_ids["0x" + "c" * 64] = "mine"
    [order] = desk.tell(user_order())
    assert (order.order_id, order.client_order_id) == ("0x" + "c" * 64, "mine")
    assert (order.market_id, order.outcome, order.side) == (A, "yes", Side.BUY)
    assert (order.price, order.size, order.filled) == (D("0.513"), D(5), D(0))
    assert (order.remaining, order.status) == (D(5), OrderStatus.OPEN)
    assert order.created_at == datetime(2024, 9, 9, 0, 42, tzinfo=UTC)
    assert order.updated_at == datetime(2024, 9, 9, 0, 42, 0, 990_000, tzinfo=UTC)
    assert (order.time_in_force, order.expires_at) == (TimeInForce.GTC, None)


def test_what_matched_is_told_in_all() -> None:
    order = told_order(type="UPDATE", status="MATCHED", size_matched="2")
    assert (order.filled, order.remaining, order.status) == (
        D(2),
        D(3),
        OrderStatus.OPEN,
    )


def test_what_matched_whole_is_closed_whatever_the_words() -> None:
    for word, kind in (("MATCHED", "UPDATE"), ("CANCELED", "CANCELLATION")):
        order = told_order(type=kind, status=word, size_matched="5")
        assert (order.status, order.remaining) == (OrderStatus.CLOSED, D(0))


def test_what_brought_more_than_it_named_is_as_large_as_that() -> None:
    order = told_order(type="UPDATE", status="MATCHED", size_matched="6")
    assert (order.size, order.filled, order.remaining) == (D(6), D(6), D(0))
    assert order.status is OrderStatus.CLOSED


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("CANCELED", OrderStatus.CANCELED),
        ("INVALID", OrderStatus.CANCELED),
        ("CANCELED_MARKET_RESOLVED", OrderStatus.CANCELED),
        ("CANCELED_EXPIRED_ORDER", OrderStatus.EXPIRED),
        ("", OrderStatus.CANCELED),
    ],
)
def test_a_cancellation_ends_it(word: str, status: OrderStatus) -> None:
    order = told_order(type="CANCELLATION", status=word, size_matched="2")
    assert (order.status, order.filled, order.remaining) == (status, D(2), D(0))


def test_an_order_that_was_killed_comes_with_empty_texts() -> None:
    order = told_order(
        type="CANCELLATION",
        order_type="FOK",
        size_matched="",
        created_at="",
        outcome="",
        status="CANCELED_order couldn't be fully filled. FOK orders are fully filled "
        "or killed.",
        associate_trades=[],
    )
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(0))
    assert (order.outcome, order.created_at) == ("yes", None)
    assert order.time_in_force is TimeInForce.FOK


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("LIVE", OrderStatus.OPEN),
        ("DELAYED", OrderStatus.OPEN),
        ("MATCHED", OrderStatus.OPEN),
        ("", OrderStatus.OPEN),
        ("COMET", OrderStatus.UNKNOWN),
    ],
)
def test_what_is_placed_is_open_unless_nobody_knows_the_word(
    word: str, status: OrderStatus
) -> None:
    order = told_order(status=word)
    assert (order.status, order.is_open, order.remaining) == (status, True, D(5))


def test_moments_are_in_seconds_or_milliseconds() -> None:
    one = told_order(created_at="1774377384000", timestamp="1774377384")
    assert one.created_at == one.updated_at
    assert told_order(created_at=1774377384).created_at == one.created_at


def test_an_order_that_expires_does_so_a_minute_before_its_word() -> None:
    order = told_order(order_type="GTD", expiration="1774377444")
    assert order.expires_at == datetime.fromtimestamp(1774377384, UTC)
    assert order.time_in_force is TimeInForce.GTC


def test_an_outcome_that_nobody_names_is_its_token() -> None:
    assert told_order(outcome="", asset_id="987").outcome == "987"
    assert told_order(outcome="Chiefs", asset_id="987").outcome == "Chiefs"


@pytest.mark.parametrize(
    "more",
    [
        {"side": "HOLD"},
        {"price": "2"},
        {"size_matched": "-6"},
        {"original_size": ""},
        {"original_size": "-5"},
        {"timestamp": "soon"},
        {"expiration": "never"},
        {"id": "7"},
    ],
)
def test_an_order_that_cannot_be_trusted_is_a_gap(more: dict[str, Any]) -> None:
    [gap] = UserDesk().tell(user_order(**more))
    assert isinstance(gap, Gap)
    assert (gap.subject, gap.market_ids) == (Subject.ORDERS, (A,))


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (user_order(size_matched="x"), "a frame of type order could not be read"),
        (user_trade(price="2"), "a frame of type trade could not be read"),
    ],
)
def test_what_is_passed_over_is_told_by_the_health(
    frame: dict[str, Any], why: str
) -> None:
    desk = UserDesk()
    desk.stream.data_to_send()
    desk.tell("PONG")
    for count in (1, 2):
        desk.tell(frame)
        health = desk.stream.health()
        assert (health.state, health.malformed_messages) == ("live", count)
        assert health.last_error.startswith(why)
        assert f"passed over, {count} by now: `" in health.last_error


def test_a_gap_concerns_who_follows() -> None:
    assert UserDesk(Subject.FILLS).tell(user_order(side="HOLD")) == []
    [gap] = UserDesk().tell({"event_type": "trade"})
    assert (gap.subject, gap.market_ids) == (Subject.FILLS, ())
    [gap] = UserDesk().tell("{")
    assert gap.subject is None


def test_orders_are_told_to_who_follows_orders() -> None:
    assert UserDesk(Subject.FILLS).tell(user_order()) == []
    # An order that filled never did if its trade fails, which no order tells.
    assert len(UserDesk(Subject.ORDERS).tell(user_trade())) == 1
    assert len(UserDesk(Subject.POSITIONS).tell(user_trade())) == 1


def test_no_message_is_forgotten_when_nobody_follows() -> None:
    desk = UserDesk()
    desk.stream.unfollow(Subject.ORDERS, None)
    desk.stream.unfollow(Subject.FILLS, None)
    assert desk.tell("{", user_order()) == []


# -- fills -----------------------------------------------------------------------------


def test_what_we_took_is_one_fill() -> None:
    [fill] = told_fills()
    assert (fill.trade_id, fill.order_id) == ("trade-1", "0x" + "e" * 64)
    assert (fill.outcome, fill.side, fill.price, fill.size) == (
        "yes",
        Side.BUY,
        D("0.52"),
        D(5),
    )
    assert (fill.liquidity, fill.state) == (Liquidity.TAKER, FillState.PENDING)
    assert (fill.fee, fill.computed) == (D("0.06240"), {"fee"})
    assert fill.created_at == datetime.fromtimestamp(1725958681, UTC)


def test_each_of_our_orders_that_was_taken_is_a_fill() -> None:
    fills = told_fills(
        trader_side="MAKER",
        owner="somebody",
        trade_owner="somebody",
        maker_address="0x" + "9" * 40,
        maker_orders=[
            maker(),
            maker(order_id="0x" + "f" * 64, price="0.3"),
            maker(owner="another", maker_address="0x" + "8" * 40),
        ],
    )
    assert [(x.order_id[-1], x.price, x.fee) for x in fills] == [
        ("d", D("0.4"), 0),
        ("f", D("0.3"), 0),
    ]
    assert {x.liquidity for x in fills} == {Liquidity.MAKER}


def test_a_maker_of_the_other_outcome_has_terms_of_its_own() -> None:
    other = {"asset_id": NO, "outcome": "No", "price": "0.48", "side": None}
    [fill] = told_fills(trader_side="MAKER", maker_orders=[maker(**other)])
    # Both bought: the venue made a pair of them.
    assert (fill.outcome, fill.side, fill.price) == ("no", Side.BUY, D("0.48"))


def test_a_maker_of_the_same_outcome_is_on_the_other_side() -> None:
    [fill] = told_fills(trader_side="MAKER", maker_orders=[maker(side=None)])
    assert fill.side is Side.SELL


def test_another_key_of_our_wallet_is_ours() -> None:
    theirs = maker(owner="another key of ours")
    assert len(told_fills(trader_side="MAKER", maker_orders=[theirs])) == 1


def test_what_another_wallet_of_our_key_traded_is_not_ours() -> None:
    elsewhere = "0x" + "8" * 40
    assert told_fills(maker_address=elsewhere) == []
    makers = [maker(maker_address=elsewhere), maker(order_id="0x" + "f" * 64)]
    [fill] = told_fills(trader_side="MAKER", maker_orders=makers)
    assert fill.order_id[-1] == "f"
    assert told_fills(trader_side="MAKER", maker_orders=makers[:1]) == []
    assert told_fills(trader_side="", maker_address=elsewhere) == []


def test_our_key_is_in_no_payload_of_what_is_told() -> None:
    told = UserDesk().tell(user_order(), user_trade(maker_orders=[maker()]))
    assert len(told) == 3
    assert not [x for x in told if KEY.encode() in x.raw_json]


def test_a_trade_with_ourselves_is_two_fills() -> None:
    assert len(told_fills(maker_orders=[maker()])) == 2


def test_captures_of_older_years_do_not_say_whose_part_is_ours() -> None:
    assert [x.liquidity for x in told_fills(trader_side="")] == [Liquidity.TAKER]
    [gap] = UserDesk().tell(
        user_trade(trader_side="", trade_owner="b", owner="b", maker_address="")
    )
    assert gap.subject is Subject.FILLS


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("MATCHED", FillState.PENDING),
        ("MINED", FillState.PENDING),
        ("RETRYING", FillState.PENDING),
        ("COMET", FillState.PENDING),
        ("CONFIRMED", FillState.FINAL),
        ("TRADE_STATUS_CONFIRMED", FillState.FINAL),
        ("FAILED", FillState.FAILED),
    ],
)
def test_each_step_of_a_settlement_is_told(word: str, state: FillState) -> None:
    assert [x.state for x in told_fills(status=word)] == [state]


def test_a_match_is_told_to_the_microsecond_where_that_is_known() -> None:
    [fill] = told_fills(match_time_nano="1725958681123456789")
    start = datetime.fromtimestamp(1725958681, UTC)
    assert fill.created_at == start + timedelta(microseconds=123_456)


@pytest.mark.parametrize(
    "more",
    [
        {"fee_rate_bps": 0},
        {"fee_rate_bps": None},
        {"bucket_index": "0"},
        {"transaction_hash": 7},
        {"type": None},
        {"timestamp": 1725958681000},
        {"last_update": None},
        {"err_msg": {}},
        {"match_time_nano": 1.5},
        {"match_time_nano": "9" * 40},
        {"maker_address": None},
        {"owner": None},
        {"trade_owner": None},
    ],
)
def test_a_field_that_no_money_depends_on_costs_no_fill(more: dict[str, Any]) -> None:
    desk = UserDesk()
    [plain] = told_fills()
    assert desk.tell(user_trade(**more)) == [plain]
    assert desk.stream.health().malformed_messages == 0


def test_a_fine_time_may_be_a_number() -> None:
    [fill] = told_fills(match_time_nano=1725958681123456789)
    start = datetime.fromtimestamp(1725958681, UTC)
    assert fill.created_at == start + timedelta(microseconds=123_456)


@pytest.mark.parametrize("field", ["owner", "maker_address", "fee_rate_bps"])
def test_a_null_of_a_maker_costs_no_fill(field: str) -> None:
    part = maker(**{field: None})
    assert len(told_fills(trader_side="MAKER", maker_orders=[part])) == 1


@pytest.mark.parametrize(
    "field", ["owner", "order_owner", "maker_address", "associate_trades"]
)
def test_a_null_that_no_money_depends_on_costs_no_order(field: str) -> None:
    assert told_order(**{field: None}) == told_order()


# -- fees that are not known ------------------------------------------------------------

STRANGE = FeeTerms(D("0.05"), D(9))
"""By an arithmetic like none that was published."""
HALVED = FeeTerms(D("0.02"), D(1))
MAKERS_PAY = FeeTerms(D("0.05"), D(1), is_taker_only=False)


def made_of_us(**more: Any) -> dict[str, Any]:
    return user_trade(trader_side="MAKER", maker_orders=[maker()], **more)


def test_a_fee_by_a_rule_like_no_other_is_not_known_and_its_fill_is_told() -> None:
    desk = UserDesk()
    desk.fees[A] = STRANGE
    [fill] = desk.tell(user_trade())
    assert isinstance(fill, Fill)
    assert (fill.fee, fill.trade_id, fill.computed) == (None, "trade-1", frozenset())
    desk.fees[A] = HALVED
    [other] = desk.tell(user_trade(id="t2"))
    assert other.fee is not None


def test_a_trade_that_waited_for_such_a_rule_is_told_too() -> None:
    desk = UserDesk()
    del desk.fees[A]
    assert [type(x) for x in desk.tell(user_trade())] == [Unheard]
    desk.fees[A] = STRANGE
    assert [x.fee for x in desk.stream.poll()] == [None]
    assert list(desk.stream.poll()) == []


@pytest.mark.parametrize(
    ("terms", "fee", "computed"),
    [(HALVED, D(0), {"fee"}), (MAKERS_PAY, None, set()), (None, D(0), {"fee"})],
)
def test_what_a_maker_pays_is_nothing_unless_it_is_said_that_makers_pay(
    terms: FeeTerms | None, fee: Decimal | None, computed: set[str]
) -> None:
    desk = UserDesk()
    desk.fees[A] = terms
    [fill] = desk.tell(made_of_us())
    assert (fill.fee, fill.computed) == (fee, computed)


def test_a_taker_s_fee_is_known_where_makers_pay_too() -> None:
    desk = UserDesk()
    desk.fees[A] = MAKERS_PAY
    [fill] = desk.tell(user_trade())
    assert fill.fee == D("0.06240")


# -- fees that are not known yet -------------------------------------------------------


@pytest.mark.parametrize("frame", [user_trade, made_of_us])
def test_what_fills_in_an_unknown_market_waits_for_its_fee(frame: Any) -> None:
    desk = UserDesk()
    [asked] = desk.tell(frame(market=B))
    assert isinstance(asked, Unheard)
    assert asked.market_ids == {B}
    early = list(desk.stream.poll())
    desk.fees[B] = HALVED
    [fill] = desk.stream.poll()
    assert (early, fill.market_id) == ([], B)
    assert fill.fee == (D("0.02496") if frame is user_trade else D(0))
    assert (list(desk.stream.poll()), desk.stream.next_poll()) == ([], 28.0)


@pytest.mark.parametrize("frame", [user_trade, made_of_us])
def test_a_fill_waits_a_second_for_its_fee_and_no_longer(frame: Any) -> None:
    desk = UserDesk()
    desk.tell(frame(market=B))
    assert desk.stream.next_poll() == 1.0
    desk.clock.advance(0.75)
    assert (list(desk.stream.poll()), desk.stream.next_poll()) == ([], 0.25)
    desk.clock.advance(0.25)
    [fill] = desk.stream.poll()
    assert (fill.trade_id, fill.size) == ("trade-1", D(5))
    assert (fill.fee, fill.computed) == (None, frozenset())
    # It is told once, whatever is known later.
    desk.fees[B] = HALVED
    assert (list(desk.stream.poll()), desk.stream.next_poll()) == ([], 27.0)


def test_each_waits_for_itself_and_those_that_wait_are_told_in_order() -> None:
    desk = UserDesk()
    told = desk.tell(user_trade(market=B))
    desk.clock.advance(0.5)
    told += desk.tell(user_trade(market=B, id="trade-2"))
    assert [type(x) for x in told] == [Unheard]
    desk.clock.advance(0.5)
    assert [(x.trade_id, x.fee) for x in desk.stream.poll()] == [("trade-1", None)]
    desk.fees[B] = HALVED
    [second] = desk.stream.poll()
    assert (second.trade_id, second.fee) == ("trade-2", D("0.02496"))


def test_each_market_is_asked_about_and_again_after_ten_seconds() -> None:
    desk = UserDesk()
    strange = "0x" + "d" * 64
    asked = desk.tell(user_trade(market=B), user_trade(market=strange, id="trade-2"))
    assert [x.market_ids for x in asked] == [{B}, {strange}]
    for seconds, told in ((9, []), (1, [{B}])):
        desk.clock.advance(seconds)
        desk.stream.heard()
        list(desk.stream.poll())
        found = desk.tell(user_trade(market=B, id=f"after {seconds}"))
        assert [x.market_ids for x in found if isinstance(x, Unheard)] == told


def test_a_break_has_a_market_asked_about_anew() -> None:
    desk = UserDesk()
    desk.tell(user_trade(market=B))
    list(desk.stream.connection_lost("the line broke"))
    list(desk.stream.connection_made())
    assert [type(x) for x in desk.tell(user_trade(market=B))] == [Unheard]


def test_what_waits_is_told_before_what_comes_after_it() -> None:
    desk = UserDesk()
    desk.tell(user_trade(market=B), user_trade(market="0x" + "d" * 64, id="strange"))
    desk.fees[B] = HALVED
    told = desk.tell(user_trade(market=B, id="trade-2"))
    assert [x.trade_id for x in told] == ["trade-1", "trade-2"]
    assert list(desk.stream.poll()) == []


def test_what_is_not_ours_waits_for_nothing() -> None:
    elsewhere = "0x" + "8" * 40
    assert UserDesk().tell(user_trade(market=B, maker_address=elsewhere)) == []


def test_where_too_many_wait_the_next_is_told_without_its_fee() -> None:
    desk = UserDesk()
    told = [
        x for n in range(1_001) for x in desk.tell(user_trade(market=B, id=f"t{n}"))
    ]
    [asked, fill] = told
    assert (type(asked), fill.trade_id, fill.fee) == (Unheard, "t1000", None)


def test_what_waits_is_left_to_the_read_after_a_break() -> None:
    desk = UserDesk()
    desk.tell(user_trade(market=B))
    list(desk.stream.connection_lost("the line broke"))
    list(desk.stream.connection_made())
    desk.fees[B] = HALVED
    assert list(desk.stream.poll()) == []
    assert YES
