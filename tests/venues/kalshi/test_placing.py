"""Placing: what is sent, what is refused before, and what becomes of lost answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.kalshi.blotter import (
    GONE,
    ONCE,
    ORDERS,
    PLACED,
    RAIN,
    place_with,
    posts,
    rain,
    resting,
    sent,
)
from tests.venues.kalshi.desk import (
    Desk,
    body,
    desk,
    market,
    orders,
    refusal,
)
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    ArgumentsRequired,
    BadRequest,
    ConnectionLost,
    DuplicateOrderId,
    GuardTripped,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    NetworkError,
    OrderUnknown,
    PermissionDenied,
    RateLimitExceeded,
    ReadOnly,
    RequestTimeout,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Response
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import OrderRequest, OrderStatus
from unified_exchanges.money import ZERO, total
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)


# -- what is sent ----------------------------------------------------------------------


def test_an_order_is_sent_in_kalshi_s_words() -> None:
    place = desk(rain())
    place.kalshi.create_order(*RAIN, client_order_id="mine")
    assert sent(place) == {
        "ticker": "RAIN",
        "client_order_id": "mine",
        "side": "bid",
        "count": "10.00",
        "price": "0.3000",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "exchange_index": 0,
    }


@pytest.mark.parametrize(
    ("outcome", "side", "book_side", "price"),
    [
        ("yes", "buy", "bid", "0.3000"),
        ("yes", "sell", "ask", "0.3000"),
        ("no", "buy", "ask", "0.7000"),
        ("no", "sell", "bid", "0.7000"),
    ],
)
def test_p07_each_outcome_and_side_has_one_side_of_the_one_book(
    outcome: str, side: str, book_side: str, price: str
) -> None:
    place = desk(rain())
    placed = place.kalshi.create_order("RAIN", outcome, side, "0.30", 10)
    assert (sent(place)["side"], sent(place)["price"]) == (book_side, price)
    assert (placed.outcome, placed.side, placed.price) == (
        outcome,
        side,
        Decimal("0.30"),
    )


def test_an_order_without_an_id_gets_one_that_is_a_uuid() -> None:
    place = desk(rain())
    one = place.kalshi.create_order(*RAIN).client_order_id
    two = place.kalshi.create_order(*RAIN).client_order_id
    assert one is not None
    assert len({one, two}) == 2
    assert [len(part) for part in one.split("-")] == [8, 4, 4, 4, 12]
    assert (one[14], one[19] in "89ab") == ("4", True)


def test_what_the_receipt_does_not_tell_is_taken_from_the_order() -> None:
    placed = desk(rain()).kalshi.create_order(*RAIN, post_only=True)
    assert placed.status is OrderStatus.OPEN
    assert (placed.post_only, placed.time_in_force, placed.shard) == (True, "gtc", 0)
    assert placed.fee == 0
    assert placed.created_at is not None


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"ticker": "SNOW"}, "arguments"),
        ({"price": "0.1"}, "arguments"),
        ({"client_order_id": "x"}, "arguments"),
        ({"nonsense": 1}, "nonsense"),
        ({"subaccount": "1"}, "must be int"),
        (["subaccount"], "mapping"),
    ],
)
def test_a_venue_word_that_clashes_or_is_none_is_refused_unsent(
    params: Any, part: str
) -> None:
    place = desk(rain())
    with pytest.raises(BadRequest, match=part):
        place.kalshi.create_order(*RAIN, params=params)
    assert place.asked == []


def test_a_shard_of_minus_one_leaves_the_route_to_kalshi() -> None:
    place = desk(rain())
    placed = place.kalshi.create_order(*RAIN, params={"exchange_index": -1})
    assert sent(place)["exchange_index"] == -1
    assert placed.order_id == "o1"


# -- market orders ---------------------------------------------------------------------


def book(bids: Any = (("0.4700", "3.00"),), asks: Any = (("0.4800", "2.00"),)) -> Any:
    return {
        "/markets/RAIN/orderbook": {
            "orderbook_fp": {
                "yes_dollars": [list(level) for level in bids],
                "no_dollars": [list(level) for level in asks],
            }
        }
    }


def bounded(side: str, slippage: Any, outcome: str = "yes", **levels: Any) -> Any:
    place = desk(rain(**book(**levels)))
    place.kalshi.create_order(
        "RAIN", outcome, side, None, 10, type="market", max_slippage=slippage
    )
    return sent(place)["price"], sent(place)["side"]


def test_a_market_order_is_bounded_by_the_best_opposite_price() -> None:
    assert bounded("buy", "0.02") == ("0.5400", "bid")
    assert bounded("sell", "0.02") == ("0.4500", "ask")


def test_a_bound_is_not_beyond_the_grid() -> None:
    assert bounded("buy", "0.90") == ("0.9900", "bid")
    assert bounded("sell", "0.90") == ("0.0100", "ask")


def test_a_bound_between_two_prices_is_the_stricter_one() -> None:
    assert bounded("buy", "0.025") == ("0.5400", "bid")
    assert bounded("sell", "0.025") == ("0.4500", "ask")


def test_a_bound_for_no_is_the_complement_on_the_book() -> None:
    # NO is offered at 1 - 0.47 = 0.53.
    assert bounded("buy", "0.02", "no") == ("0.4500", "ask")


@pytest.mark.parametrize("slippage", ["-0.01", "1", "x", "nan", True])
def test_a_slippage_that_is_none_is_refused(slippage: Any) -> None:
    with pytest.raises(InvalidOrder, match="max_slippage"):
        bounded("buy", slippage)


@pytest.mark.parametrize(("side", "empty"), [("buy", "asks"), ("sell", "bids")])
def test_a_market_order_without_a_counterpart_is_refused_unsent(
    side: str, empty: str
) -> None:
    with pytest.raises(InvalidOrder, match="no other side"):
        bounded(side, "0.02", **{empty: ()})


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"price": "0.3", "max_slippage": "0.1"}, InvalidOrder),
        ({"price": "0.3", "time_in_force": "gtc"}, InvalidOrder),
        ({"price": None}, ArgumentsRequired),
    ],
)
def test_a_market_order_that_makes_no_sense_is_refused_unsent(
    wrong: dict[str, Any], error: type[Exception]
) -> None:
    place = desk(rain())
    price = wrong.pop("price")
    with pytest.raises(error):
        place.kalshi.create_order(
            "RAIN", "yes", "buy", price, 10, type="market", **wrong
        )
    assert place.asked == []


def test_a_market_order_at_a_worst_price_is_immediate() -> None:
    place = desk(rain())
    place.kalshi.create_order("RAIN", "yes", "buy", "0.3", 10, type="market")
    assert sent(place)["time_in_force"] == "immediate_or_cancel"


# -- memory of rules -------------------------------------------------------------------


def test_rules_that_refuse_are_asked_for_again_once_they_are_old() -> None:
    fine = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
    told = [
        {"market": market("RAIN")},
        {"market": market("RAIN", price_ranges=fine)},
    ]
    place = desk(rain(**{"/markets/RAIN": told}))
    place.kalshi.create_order(*RAIN)
    place.clock.advance(5)
    place.kalshi.create_order("RAIN", "yes", "buy", "0.305", 10)
    assert sent(place)["price"] == "0.3050"


def test_rules_just_read_are_believed() -> None:
    place = desk(rain())
    for _ in range(2):
        with pytest.raises(InvalidPrice) as caught:
            place.kalshi.create_order("RAIN", "yes", "buy", "0.305", 10)
        assert caught.value.client_order_id
        assert caught.value.venue == "kalshi"
    assert place.asked.count("/markets/RAIN") == 1


def test_a_market_that_reopened_is_noticed() -> None:
    told = [
        {"market": market("RAIN", status="inactive")},
        {"market": market("RAIN")},
    ]
    place = desk(rain(**{"/markets/RAIN": told}))
    with pytest.raises(MarketClosed):
        place.kalshi.create_order(*RAIN)
    place.clock.advance(5)
    assert place.kalshi.create_order(*RAIN).order_id == "o1"


def test_rules_that_the_venue_contradicts_are_forgotten() -> None:
    place = place_with(refusal(409, "trading_is_paused"))
    with pytest.raises(MarketClosed):
        place.kalshi.create_order(*RAIN)
    with pytest.raises(MarketClosed):
        place.kalshi.create_order(*RAIN)
    assert place.asked.count("/markets/RAIN") == 2


def test_a_size_of_a_refused_order_names_the_nearest() -> None:
    with pytest.raises(InvalidSize) as caught:
        desk(rain()).kalshi.create_order("RAIN", "yes", "buy", "0.3", "1.005")
    assert caught.value.nearest == (Decimal("1.00"), Decimal("1.01"))


# -- lost answers ----------------------------------------------------------------------


def unknown(place: Desk, **terms: Any) -> OrderUnknown:
    with pytest.raises(OrderUnknown) as caught:
        place.kalshi.create_order(*RAIN, client_order_id="mine", **terms)
    assert caught.value.client_order_id == "mine"
    assert caught.value.maybe_executed
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_fault_06_a_server_error_is_unknown_not_a_refusal(status: int) -> None:
    place = place_with(Response(status, {}, b"<html>no</html>"), ONCE)
    error = unknown(place)
    assert error.status == status
    assert "fetch_order" in str(error)


def test_fault_08_half_an_answer_is_sent_again_with_the_same_id() -> None:
    place = place_with([body(PLACED), Response(200, {}, b'{"ord'), body(PLACED)])
    place.answers[ORDERS].pop(0)
    assert place.kalshi.create_order(*RAIN, client_order_id="mine").order_id == "o1"
    assert posts(place) == 2


def test_fault_03_an_order_given_up_may_be_sent_again_with_its_id() -> None:
    place = place_with([ConnectionLost("gone"), body(PLACED)], RetryPolicy(attempts=1))
    unknown(place)
    assert place.kalshi.create_order(*RAIN, client_order_id="mine").order_id == "o1"
    assert posts(place) == 2


def test_fault_04_an_order_that_shows_late_is_waited_for() -> None:
    looks = [body(orders()), body(orders()), body(orders(resting()))]
    place = place_with(RequestTimeout("late"), ONCE, **{"/portfolio/orders": looks})
    found = place.kalshi.create_order(*RAIN, client_order_id="mine")
    assert found.order_id == "o1"
    assert place.transport.sleeps == [0.2, 0.4]


def test_a_lost_order_that_cannot_be_looked_for_is_unknown_and_says_why() -> None:
    place = place_with(
        RequestTimeout("late"), ONCE, **{"/portfolio/orders": ConnectionLost("down")}
    )
    assert "looking failed" in str(unknown(place))


def test_a_refusal_after_doubt_does_not_prove_that_the_first_one_died() -> None:
    answers = [RequestTimeout("late"), refusal(400, "insufficient_balance")]
    error = unknown(place_with(answers))
    assert "a second try brought" in str(error)


def test_a_refusal_for_speed_after_doubt_is_tried_again() -> None:
    busy = Response(429, {}, b'{"error":"too many requests"}')
    place = place_with([GONE, busy, body(PLACED)])
    assert place.kalshi.create_order(*RAIN, client_order_id="mine").order_id == "o1"
    assert posts(place) == 3


def test_fault_09_a_refusal_for_speed_is_final() -> None:
    place = place_with(Response(429, {}, b'{"error":"too many requests"}'))
    with pytest.raises(RateLimitExceeded) as caught:
        place.kalshi.create_order(*RAIN, client_order_id="mine")
    assert (posts(place), caught.value.maybe_executed) == (1, False)


def test_our_own_limiter_s_refusal_is_final() -> None:
    slow = LimitPolicy(discover=False, buckets={"write": (0.1, 10.0)})
    place = desk(rain(), limits=slow)
    place.kalshi.create_order(*RAIN)
    with pytest.raises(RateLimitExceeded, match="our own limiter") as caught:
        place.kalshi.create_order(*RAIN, client_order_id="mine")
    assert caught.value.client_order_id == "mine"
    assert posts(place) == 1


def test_fault_10_a_forbidden_order_is_refused_once() -> None:
    place = place_with(refusal(403, "permission_denied"))
    with pytest.raises(PermissionDenied):
        place.kalshi.create_order(*RAIN)
    assert posts(place) == 1


def test_fault_01_an_order_that_never_left_is_not_looked_for() -> None:
    place = place_with(ConnectionLost("refused", sent=False), RetryPolicy(attempts=3))
    with pytest.raises(NetworkError) as caught:
        place.kalshi.create_order(*RAIN, client_order_id="mine")
    assert not caught.value.sent
    assert (posts(place), "/portfolio/orders" in place.asked) == (3, False)


# -- an id that was used before --------------------------------------------------------

TAKEN = refusal(409, "order_already_exists")


def test_p12_an_id_that_is_taken_by_the_same_order_is_that_order() -> None:
    place = place_with(TAKEN, **{"/portfolio/orders": orders(resting())})
    assert place.kalshi.create_order(*RAIN, client_order_id="mine").order_id == "o1"
    assert posts(place) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"yes_price_dollars": "0.3100", "no_price_dollars": "0.6900"},
        {"initial_count_fp": "11.00", "remaining_count_fp": "11.00"},
        {"outcome_side": "no", "book_side": "ask"},
        {"expiration_time": "2026-12-24T00:00:00Z"},
    ],
)
def test_fault_07_an_id_that_is_taken_by_another_order_is_refused(
    other: dict[str, Any],
) -> None:
    place = place_with(TAKEN, **{"/portfolio/orders": orders(resting(**other))})
    with pytest.raises(DuplicateOrderId, match="nothing new was placed") as caught:
        place.kalshi.create_order(*RAIN, client_order_id="mine")
    assert (caught.value.status, caught.value.client_order_id) == (409, "mine")


def test_an_order_that_rests_is_not_the_immediate_one_that_was_asked_for() -> None:
    place = place_with(TAKEN, **{"/portfolio/orders": orders(resting())})
    with pytest.raises(DuplicateOrderId):
        place.kalshi.create_order(*RAIN, client_order_id="mine", time_in_force="ioc")


def test_fault_07_an_id_taken_on_another_market_is_found_there() -> None:
    def listed(query: dict[str, str]) -> Any:
        return orders() if query.get("ticker") else orders(resting(ticker="SNOW"))

    place = place_with(TAKEN, **{"/portfolio/orders": listed})
    with pytest.raises(DuplicateOrderId, match="SNOW"):
        place.kalshi.create_order(*RAIN, client_order_id="mine")


def test_an_id_that_is_taken_and_nowhere_shown_is_unknown() -> None:
    assert "no order of this account shows it" in str(unknown(place_with(TAKEN)))


def test_an_id_that_is_taken_and_cannot_be_looked_for_is_unknown() -> None:
    place = place_with(TAKEN, ONCE, **{"/portfolio/orders": ConnectionLost("down")})
    assert "looking for its order failed" in str(unknown(place))


def test_an_id_taken_elsewhere_that_cannot_be_looked_for_is_unknown() -> None:
    def listed(query: dict[str, str]) -> Any:
        return orders() if query.get("ticker") else GONE

    place = place_with(TAKEN, ONCE, **{"/portfolio/orders": listed})
    assert "looking for its order failed" in str(unknown(place))


def test_an_order_sent_twice_by_one_object_is_looked_up() -> None:
    place = desk(rain(**{"/portfolio/orders": orders(resting())}))
    for _ in range(2):
        placed = place.kalshi.create_order(*RAIN, client_order_id="mine")
        assert placed.order_id == "o1"
    assert posts(place) == 1


def test_a_second_call_while_the_first_is_on_its_way_says_so() -> None:
    place = desk(rain())
    place.kalshi.venue.sent.begin("mine", "gtc", object())
    assert "still sending it" in str(unknown(place))


# -- preview ---------------------------------------------------------------------------


def test_a_preview_without_a_key_shows_no_headers() -> None:
    ground = KalshiGround(enforce_limits=False)
    nobody = Trader("blocking", ground, {"environment": "demo"})
    found = nobody.quoted_market()
    shown = nobody.preview_order(found.market_id, "no", "buy", "0.50", 4)
    assert dict(shown.headers) == {"content-type": "application/json"}
    assert (shown.method, shown.cost) == ("POST", Decimal("2.00"))
    assert json.loads(shown.body)["side"] == "ask"


def test_a_previewed_fee_holds_where_a_better_price_costs_more(trader: Trader) -> None:
    found = trader.quoted_market()
    terms = (found.market_id, "yes", "buy", found.grid.highest, 3)
    shown = trader.preview_order(*terms, time_in_force="ioc")
    trader.create_order(*terms, time_in_force="ioc")
    paid = total(fill.fee for fill in trader.fetch_fills())
    assert ZERO < paid <= shown.fee


def test_a_preview_that_rests_only_shows_the_maker_s_fee(trader: Trader) -> None:
    found = trader.quoted_market()
    price = found.grid.lowest
    shown = trader.preview_order(
        found.market_id, "yes", "buy", price, 3, post_only=True
    )
    fee = trader.estimate_fee(found.market_id, "yes", "buy", price, 3, maker=True)
    assert shown.fee == fee


@pytest.mark.parametrize(
    ("outcome", "side", "size", "cost"),
    [
        ("yes", "sell", 3, "0"),
        ("yes", "sell", 5, "1.00"),
        ("no", "buy", 5, "1.00"),
        ("yes", "buy", 3, "1.50"),
    ],
)
def test_a_preview_costs_nothing_for_what_it_closes(
    trader: Trader, outcome: str, side: str, size: int, cost: str
) -> None:
    found = trader.quoted_market()
    trader.lift(found, "3")
    shown = trader.preview_order(found.market_id, outcome, side, "0.50", size)
    assert shown.cost == Decimal(cost)


def test_a_preview_of_what_only_reduces_costs_nothing(trader: Trader) -> None:
    found = trader.quoted_market()
    shown = trader.preview_order(
        found.market_id,
        "yes",
        "sell",
        "0.50",
        4,
        reduce_only=True,
        time_in_force="ioc",
    )
    assert shown.cost == ZERO


# -- caps ------------------------------------------------------------------------------


def test_fault_14_an_order_above_the_cap_never_leaves() -> None:
    place = desk(rain(), guards=GuardPolicy(max_order_cost=Decimal(2)))
    with pytest.raises(InvalidOrder, match="above the cap of 2") as told:
        place.kalshi.create_order(*RAIN)
    assert told.value.venue == "kalshi"
    assert told.value.client_order_id
    assert posts(place) == 0


@pytest.mark.parametrize(
    ("words", "refusal", "cancels"),
    [
        ({"raw_writes": False}, GuardTripped, True),
        ({"allowed_markets": ["RAIN"]}, GuardTripped, True),
        ({"read_only": True}, ReadOnly, False),
    ],
    ids=str,
)
def test_fault_14_raw_writes_are_refused_where_guards_say_so(
    trader: Trader, words: Any, refusal: Any, cancels: bool
) -> None:
    resting = trader.rest(trader.quoted_market())
    guarded = trader.another(guards=GuardPolicy(**words))
    with pytest.raises(refusal, match="nothing was sent"):
        guarded.request("POST", "/portfolio/events/orders", body={"ticker": "RAIN"})
    assert guarded.writes == []
    path = f"/portfolio/events/orders/{resting.order_id}"
    if cancels:
        guarded.request("DELETE", path)
    else:
        with pytest.raises(refusal):
            guarded.request("DELETE", path)
    assert trader.fetch_order(resting.order_id).is_open is not cancels


def test_fault_14_orders_above_the_rate_never_leave(trader: Trader) -> None:
    capped = trader.ground.trader(
        "async" if trader.is_async else "blocking",
        limits=FREE,
        guards=GuardPolicy(max_orders=2),
    )
    found = capped.quoted_market()
    capped.rest(found, client_order_id="one")
    one = OrderRequest(
        market_id=found.market_id,
        outcome="yes",
        side="buy",
        price=found.grid.lowest,
        size=1,
    )
    first, second = capped.create_orders([one, one])
    assert (first.error, type(second.error)) == (None, RateLimitExceeded)
    with pytest.raises(RateLimitExceeded) as told:
        capped.rest(found, client_order_id="three")
    assert (told.value.venue, told.value.client_order_id) == ("kalshi", "three")
    assert len(capped.fetch_open_orders()) == 2


# -- closing ---------------------------------------------------------------------------


@pytest.fixture(params=["blocking", "async"])
def trader(request: pytest.FixtureRequest) -> Trader:
    return KalshiGround(enforce_limits=False).trader(request.param, limits=FREE)


def test_closing_a_no_position_sells_no_and_only_reduces(trader: Trader) -> None:
    found = trader.quoted_market()
    ask = trader.fetch_order_book(found.market_id, outcome="no").ask
    trader.lift(found, "3", outcome="no", price=ask.price)
    done = trader.close_position(found.market_id, max_slippage="0.05")
    assert (done.outcome, done.side, done.filled) == ("no", "sell", 3)
    assert done.reduce_only
    assert trader.fetch_positions() == []


def test_closing_at_a_worst_price_that_nobody_pays_leaves_the_position(
    trader: Trader,
) -> None:
    found = trader.quoted_market()
    trader.lift(found, "3")
    done = trader.close_position(found.market_id, price=found.grid.highest)
    assert (done.status, done.filled) == (OrderStatus.CANCELED, 0)
    assert [p.size for p in trader.fetch_positions()] == [3]


def test_closing_needs_a_bound(trader: Trader) -> None:
    found = trader.quoted_market()
    trader.lift(found, "1")
    with pytest.raises(ArgumentsRequired):
        trader.close_position(found.market_id)


def test_closing_in_a_subaccount_closes_what_that_holds(trader: Trader) -> None:
    found = trader.quoted_market()
    trader.lift(found, "1")
    trader.request("POST", "/portfolio/subaccounts", body={})
    params = {"subaccount": 1}
    closing = trader.close_position(found.market_id, max_slippage="0.1", params=params)
    assert closing is None
    assert [p.size for p in trader.fetch_positions()] == [1]


def test_an_error_says_what_was_asked() -> None:
    place = place_with(refusal(400, "insufficient_balance"))
    with pytest.raises(UnifiedExchangesError, match=r"buy 10 yes of RAIN at 0\.3"):
        place.kalshi.create_order(*RAIN)
