"""What arriving orders find, and what happens to cash, contracts and orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    SELL,
    BadRequest,
    DuplicateOrderId,
    Fill,
    Gap,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketNotFound,
    MarketStatus,
    Order,
    OrderNotFound,
    OrderStatus,
    Settlement,
)
from unified_exchanges.models.quotes import POLLED
from unified_exchanges.paper import Delays, PaperEngine, PaperEvent, at

from .scene import SECOND, START, D, book, change, contract, engine, market, trade


def quoted(**options: Any) -> PaperEngine:
    made = engine(**options)
    made.receive(START, book("100@0.50", "30@0.55 50@0.56"))
    return made


def send(
    made: PaperEngine,
    side: str,
    price: str,
    size: int,
    outcome: str = "yes",
    **options: Any,
) -> Order:
    name = made.place(
        made.moment,
        "RAIN",
        outcome,
        side,
        price,
        size,
        **options,
    )
    made.advance(made.moment)
    return made.order(name)


def fills(made: PaperEngine) -> list[tuple[str, str]]:
    told = (x for _, x in made.notices() if isinstance(x, Fill))
    return [(str(x.size), str(x.price)) for x in told]


def test_fault_p14_a_bid_below_the_offers_fills_nothing() -> None:
    made = engine()
    made.receive(START, book("10@0.59", "10@0.60"))
    assert send(made, "buy", "0.01", 5).filled == 0


def test_an_order_takes_level_by_level_at_their_prices() -> None:
    made = quoted()
    send(made, "buy", "0.60", 40)
    assert fills(made) == [("30", "0.55"), ("10", "0.56")]


def test_what_was_taken_is_not_there_again() -> None:
    made = quoted()
    send(made, "buy", "0.55", 30, time_in_force="ioc")
    made.receive(START + 1, book("101@0.50", "30@0.55 50@0.56"))
    assert send(made, "buy", "0.55", 30, time_in_force="ioc").filled == 0


def test_what_a_level_shows_in_addition_is_there() -> None:
    made = quoted()
    send(made, "buy", "0.55", 30, time_in_force="ioc")
    made.receive(START + 1, book("101@0.50", "37@0.55 50@0.56"))
    assert send(made, "buy", "0.55", 30, time_in_force="ioc").filled == 7


def test_a_level_that_was_gone_is_there_anew() -> None:
    made = quoted()
    send(made, "buy", "0.55", 30, time_in_force="ioc")
    made.receive(START + 1, book("101@0.50", "50@0.56"))
    made.receive(START + 2, book("101@0.50", "5@0.55 50@0.56"))
    assert send(made, "buy", "0.55", 30, time_in_force="ioc").filled == 5


def test_all_or_nothing_takes_nothing_of_too_few() -> None:
    made = quoted()
    order = send(made, "buy", "0.55", 31, time_in_force="fok")
    assert (order.status, order.filled) == (OrderStatus.REJECTED, D(0))
    assert order.raw["reason"] == "fill or kill: too few are offered"
    assert send(made, "buy", "0.55", 30, time_in_force="fok").filled == 30


def test_all_or_nothing_is_paid_for_whole_before_the_book_is_asked() -> None:
    # As at the venues, where who has too little is told that.
    made = quoted(cash="10")
    order = send(made, "buy", "0.55", 31, time_in_force="fok")
    assert order.raw["reason"] == "not enough cash or contracts"
    assert made.cash == made.available == D(10)


def test_what_is_not_done_at_once_is_gone() -> None:
    order = send(quoted(), "buy", "0.55", 31, time_in_force="ioc")
    assert (order.status, order.filled, order.remaining) == (
        OrderStatus.CANCELED,
        D(30),
        D(0),
    )


def test_post_only_is_refused_where_it_would_take() -> None:
    order = send(quoted(), "buy", "0.55", 1, post_only=True)
    assert order.status is OrderStatus.REJECTED
    assert order.raw["reason"] == "post_only would have crossed"


def test_an_account_does_not_trade_with_itself() -> None:
    made = quoted()
    send(made, "buy", "0.52", 5)
    order = send(made, "sell", "0.52", 5)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(0))


def test_what_stands_before_an_order_of_its_account_is_taken_and_no_more() -> None:
    made = quoted()
    send(made, "sell", "0.56", 5)
    made.receive(START + 1, book("101@0.50", "30@0.55 55@0.56"))
    order = send(made, "buy", "0.56", 100)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(80))
    assert order.raw["reason"] == "would meet an order of the same account"


def test_what_has_left_is_taken_to_have_stood_before_it() -> None:
    made = quoted()
    send(made, "sell", "0.56", 5)
    made.receive(START + 1, book("101@0.50", "20@0.56"))
    made.receive(START + 2, book("101@0.50", "70@0.56"))
    assert send(made, "buy", "0.56", 100).filled == 20
    assert send(made, "buy", "0.56", 100).filled == 0


@pytest.mark.parametrize(
    "lost", [Gap(subject=None, reason="lost", at=at(START)), book("60@0.56", "50@0.56")]
)
def test_where_changes_may_have_been_missed_nothing_surely_stands_before_it(
    lost: PaperEvent,
) -> None:
    made = quoted()
    send(made, "sell", "0.56", 5)
    made.receive(START + 1, lost)
    made.receive(START + 2, book("101@0.50", "50@0.56"))
    assert send(made, "buy", "0.56", 100).filled == 0


def test_where_books_are_read_nothing_surely_stands_before_it() -> None:
    # Of 50 as many may have left between two reads as have come behind it.
    made = engine()
    for second in range(3):
        read = book("101@0.50", "30@0.55 50@0.56")
        made.receive(START + second, attrs.evolve(read, freshness=POLLED))
        if second == 1:
            send(made, "sell", "0.56", 5)
            # Nor is it sure what stood there when it came.
            assert send(made, "buy", "0.56", 31, time_in_force="fok").filled == 0
    order = send(made, "buy", "0.56", 100)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(30))


def test_all_or_nothing_that_meets_an_order_of_its_account_takes_nothing() -> None:
    made = quoted()
    send(made, "sell", "0.56", 5)
    made.receive(START + 1, book("101@0.50", "30@0.55 55@0.56"))
    order = send(made, "buy", "0.56", 81, time_in_force="fok")
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(0))
    assert send(made, "buy", "0.56", 80, time_in_force="fok").filled == 80


def test_an_order_expires() -> None:
    made = quoted()
    order = send(made, "buy", "0.52", 5, expires_at=at(START + SECOND))
    made.advance(START + SECOND - 1)
    assert made.order(order.order_id).status is OrderStatus.OPEN
    made.receive(START + SECOND + 1, book("1@0.10", "900@0.51"))
    assert made.order(order.order_id).status is OrderStatus.EXPIRED
    assert fills(made) == []


def test_post_only_is_refused_where_it_would_meet_an_order_of_the_same_account() -> (
    None
):
    made = quoted()
    send(made, "sell", "0.53", 5)
    order = send(made, "buy", "0.53", 5, post_only=True)
    assert order.status is OrderStatus.REJECTED
    assert order.raw["reason"] == "post_only would have crossed"


def test_an_order_that_expires_on_its_way_takes_nothing() -> None:
    made = quoted(delays=Delays(order=2 * SECOND))
    name = made.place(
        START, "RAIN", "yes", "buy", "0.55", 5, expires_at=at(START + SECOND)
    )
    made.advance(START + 3 * SECOND)
    assert made.order(name).status is OrderStatus.EXPIRED
    assert fills(made) == []


def test_a_trade_while_a_market_is_paused_fills_nothing() -> None:
    made = quoted()
    order = send(made, "buy", "0.52", 5)
    made.receive(START, change(MarketStatus.PAUSED))
    made.receive(START + 2 * SECOND, trade("0.51", "10", SELL, moment=START + SECOND))
    assert made.order(order.order_id).filled == 0
    made.receive(START + 3 * SECOND, change(MarketStatus.OPEN))
    made.receive(START + 3 * SECOND, trade("0.51", "10", SELL))
    assert made.order(order.order_id).filled == 5


def test_a_purchase_at_once_is_of_the_lots_that_cost_whole_steps() -> None:
    stepped = attrs.evolve(market(), cost_step=D("0.10"))
    made = PaperEngine([attrs.evolve(contract(), market=stepped)], cash="1000")
    made.receive(START, book("100@0.50", "30@0.55"))
    with pytest.raises(InvalidSize):
        send(made, "buy", "0.55", 5, time_in_force="ioc")
    assert send(made, "buy", "0.55", 4, time_in_force="ioc").filled == 4
    assert send(made, "buy", "0.52", 5).status is OrderStatus.OPEN


def test_an_order_meets_the_book_of_when_it_arrives() -> None:
    made = quoted(delays=Delays(order=SECOND))
    made.place(START, "RAIN", "yes", "buy", "0.55", 10)
    made.receive(START + SECOND, book("100@0.50", "30@0.57"))
    made.advance(START + SECOND)
    assert fills(made) == []


def test_a_cancel_comes_late_too() -> None:
    made = quoted(delays=Delays(order=SECOND))
    name = made.place(START, "RAIN", "yes", "buy", "0.53", 10)
    made.advance(START + SECOND)
    made.cancel(START + SECOND, name)
    made.receive(START + 2 * SECOND, book("1@0.40", "4@0.53"))
    made.advance(START + 2 * SECOND)
    order = made.order(name)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(4))


def test_a_purchase_is_paid_with_its_fee() -> None:
    made = quoted()
    send(made, "buy", "0.55", 10)
    assert made.cash == D("1000") - 10 * D("0.55") - 10 * D("0.01")


def test_a_purchase_beyond_the_cash_is_refused() -> None:
    made = quoted(cash="5.59")
    assert send(made, "buy", "0.55", 10).status is OrderStatus.REJECTED
    assert made.cash == D("5.59")


def test_a_purchase_of_all_the_cash_is_not() -> None:
    assert send(quoted(cash="5.60"), "buy", "0.55", 10).filled == 10


def test_open_orders_hold_cash_back() -> None:
    made = quoted(cash="5.60")
    assert send(made, "buy", "0.40", 10).is_open
    assert made.available == D("5.60") - 4 - 10 * D("0.001")
    assert send(made, "buy", "0.55", 10).status is OrderStatus.REJECTED


def test_an_open_short_sale_holds_back_what_the_other_outcome_costs() -> None:
    made = quoted(cash="5.01")
    assert send(made, "sell", "0.60", 10).is_open
    assert made.available == D("5.01") - 10 * D("0.40") - 10 * D("0.001")
    assert send(made, "buy", "0.50", 2).status is OrderStatus.REJECTED


def test_an_open_sale_of_what_is_held_holds_nothing_back_but_its_fee() -> None:
    made = quoted()
    send(made, "buy", "0.55", 10)
    before = made.available
    assert send(made, "sell", "0.60", 10).is_open
    assert before - made.available == 10 * D("0.001")


def test_where_outcomes_net_a_short_sale_buys_the_other() -> None:
    made = quoted()
    send(made, "sell", "0.50", 10)
    held = made.positions()
    assert [(x.outcome, x.size, x.cost) for x in held] == [("no", D(10), D("5.00"))]


def test_where_outcomes_net_a_pair_is_paid_out_at_once() -> None:
    made = quoted()
    send(made, "buy", "0.55", 10)
    send(made, "buy", "0.50", 10, "no")
    assert made.positions() == []
    assert made.cash == D("1000") - 10 * D("0.05") - 20 * D("0.01")


def test_where_outcomes_do_not_net_only_what_is_held_is_sold() -> None:
    made = quoted(nets=False)
    assert send(made, "sell", "0.50", 10).status is OrderStatus.REJECTED
    send(made, "buy", "0.55", 10)
    assert send(made, "sell", "0.60", 6).is_open
    assert send(made, "sell", "0.50", 5).status is OrderStatus.REJECTED
    assert send(made, "sell", "0.50", 4).filled == 4


def test_what_is_not_held_is_told_before_what_post_only_would_meet() -> None:
    # As the simulated Polymarket does; where outcomes net nothing has to be held.
    order = send(quoted(nets=False), "sell", "0.50", 10, post_only=True)
    assert order.raw["reason"] == "not enough cash or contracts"
    order = send(quoted(), "sell", "0.50", 10, post_only=True)
    assert order.raw["reason"] == "post_only would have crossed"


def test_a_settled_market_pays_and_ends_orders() -> None:
    made = quoted()
    send(made, "buy", "0.55", 10)
    resting = send(made, "buy", "0.40", 10)
    made.notices()
    made.receive(START, change(MarketStatus.CLOSED, "1"))
    made.receive(START, change(MarketStatus.SETTLED))
    told = [x for _, x in made.notices() if isinstance(x, Settlement)]
    assert [(x.payout, x.fee, x.profit) for x in told] == [
        (D(10), D("0.10"), D("4.40"))
    ]
    assert made.order(resting.order_id).status is OrderStatus.CANCELED
    assert made.cash == D("1000") + D("4.40")


def test_what_a_market_will_pay_is_the_mark_before_it_is_paid() -> None:
    made = quoted()
    send(made, "buy", "0.55", 10)
    made.receive(START, change(MarketStatus.CLOSED, "0.25"))
    [held] = made.positions()
    assert (held.mark_price, held.unrealized_pnl) == (D("0.25"), D("-3.00"))
    other = quoted()
    other.place(START, "RAIN", "no", "buy", "0.50", 10)
    other.advance(START)
    other.receive(START, change(MarketStatus.CLOSED, "0.25"))
    assert [x.mark_price for x in other.positions()] == [D("0.75")]


def test_the_fee_of_a_settlement_is_all_that_was_paid_in_its_market() -> None:
    made = quoted()
    send(made, "buy", "0.55", 10)
    send(made, "sell", "0.50", 10)
    send(made, "buy", "0.55", 5)
    paid = made.account.fees
    made.notices()
    made.receive(START, change(MarketStatus.SETTLED, "1"))
    [told] = [x for _, x in made.notices() if isinstance(x, Settlement)]
    assert told.fee == paid > D(0)


def test_a_market_is_settled_once() -> None:
    made = quoted()
    send(made, "buy", "0.55", 10)
    made.receive(START, change(MarketStatus.SETTLED, "1"))
    cash = made.cash
    made.receive(START, change(MarketStatus.SETTLED, "1"))
    assert made.cash == cash


def test_a_paused_market_takes_no_orders_and_fills_none() -> None:
    made = quoted()
    resting = send(made, "buy", "0.52", 5)
    made.receive(START, change(MarketStatus.PAUSED))
    made.receive(START, book("", "9@0.51"))
    assert made.order(resting.order_id).filled == 0
    assert send(made, "buy", "0.60", 1).status is OrderStatus.REJECTED


@pytest.mark.parametrize(
    ("change_of_call", "error"),
    [
        ({"price": "0.555"}, InvalidPrice),
        ({"size": "0.5"}, InvalidSize),
        ({"side": "hold"}, BadRequest),
        ({"time_in_force": "day"}, BadRequest),
        ({"market_id": "SNOW"}, MarketNotFound),
        ({"time_in_force": "ioc", "post_only": True}, InvalidOrder),
    ],
)
def test_a_wrong_call_raises_at_once(
    change_of_call: dict[str, Any], error: type[Exception]
) -> None:
    call: dict[str, Any] = {
        "market_id": "RAIN",
        "outcome": "yes",
        "side": "buy",
        "price": "0.5",
        "size": 1,
        **change_of_call,
    }
    made = quoted()
    with pytest.raises(error):
        made.place(START, **call)
    assert made.due is None


def test_a_client_order_id_is_used_once() -> None:
    made = quoted()
    send(made, "buy", "0.40", 1, client_order_id="mine")
    with pytest.raises(DuplicateOrderId, match="mine"):
        send(made, "buy", "0.40", 1, client_order_id="mine")


def test_an_unknown_order_is_not_found() -> None:
    with pytest.raises(OrderNotFound, match="paper-7"):
        quoted().cancel(START, "paper-7")


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="time went back by 1 ns"):
        quoted().receive(START - 1, book())


def test_times_keep_their_microseconds() -> None:
    from unified_exchanges.paper import nanoseconds

    moment = at(1_795_200_000_123_456_789)
    assert nanoseconds(moment) == 1_795_200_000_123_456_000
    assert Decimal(moment.microsecond) == 123_456
