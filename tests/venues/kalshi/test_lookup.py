"""Finding our orders, also where the venue's reads are late."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.kalshi.desk import body, desk, market, order, orders, refusal
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    ArgumentsRequired,
    BadRequest,
    ConnectionLost,
    NetworkError,
    OrderNotFound,
    VenueSchemaError,
)
from unified_exchanges.flow import Response
from unified_exchanges.models import OrderStatus
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
RULES = {"/markets/RAIN": {"market": market("RAIN")}}
RESTING = {
    "status": "resting",
    "fill_count_fp": "0.00",
    "remaining_count_fp": "10.00",
    "taker_fill_cost_dollars": "0.000000",
    "taker_fees_dollars": "0.000000",
}


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def late(flavour: str) -> Trader:
    """A trader at a venue whose orders and fills are read 400 ms late."""
    ground = KalshiGround(enforce_limits=False, read_lag=0.4)
    ground.clock.advance(60)
    return ground.trader(flavour, limits=FREE)


# -- late reads ------------------------------------------------------------------------


def test_f20_an_order_just_placed_is_found_by_its_id(late: Trader) -> None:
    placed = late.rest(late.quoted_market())
    found = late.fetch_order(placed.order_id)
    assert (found.order_id, found.status) == (placed.order_id, OrderStatus.OPEN)


def test_f20_an_order_just_placed_is_cancelled(late: Trader) -> None:
    placed = late.rest(late.quoted_market(), "5")
    ended = late.cancel_order(placed.order_id)
    assert (ended.status, ended.remaining) == (OrderStatus.CANCELED, 0)


def test_f20_an_order_just_placed_is_cancelled_among_several(late: Trader) -> None:
    market = late.quoted_market()
    ids = [late.rest(market).order_id for _ in range(3)]
    results = late.cancel_orders(ids)
    assert [r.error for r in results] == [None] * 3
    assert {r.order.status for r in results} == {OrderStatus.CANCELED}


def test_f20_an_order_just_placed_is_edited(late: Trader) -> None:
    placed = late.rest(late.quoted_market(), "5")
    assert late.edit_order(placed.order_id, size="3").size == 3


def test_f20_two_edits_in_a_row_build_on_each_other(late: Trader) -> None:
    market = late.quoted_market()
    placed = late.rest(market, "5")
    late.ground.clock.advance(1)
    second = sorted(market.grid.prices())[1]
    late.edit_order(placed.order_id, outcome="yes", price=second)
    late.edit_order(placed.order_id, size="3")
    late.ground.clock.advance(1)
    found = late.fetch_order(placed.order_id)
    assert (found.price, found.size) == (second, 3)


def test_f20_a_cancel_that_the_read_does_not_show_yet_is_told_all_the_same(
    late: Trader,
) -> None:
    placed = late.rest(late.quoted_market(), "5")
    late.ground.clock.advance(1)
    ended = late.cancel_order(placed.order_id)
    assert ended.status is OrderStatus.CANCELED
    assert late.cancel_order(placed.order_id).status is OrderStatus.CANCELED


def test_f20_an_order_filled_at_once_is_not_cancelled_but_found_filled(
    late: Trader,
) -> None:
    placed = late.lift(late.quoted_market(), "2")
    ended = late.cancel_order(placed.order_id)
    assert (ended.status, ended.filled) == (OrderStatus.CLOSED, 2)


@pytest.mark.parametrize("kind", ["lost after", "timeout", "503", "cut"])
def test_fault_04_a_lost_answer_is_found_although_reads_are_late(
    late: Trader, kind: Any
) -> None:
    market = late.quoted_market()
    late.suffer(kind, 1000)
    placed = late.lift(market, "2", client_order_id="intent")
    assert placed.filled == 2


def test_an_order_that_was_never_seen_is_not_waited_for(late: Trader) -> None:
    start = late.ground.clock.monotonic()
    with pytest.raises(OrderNotFound):
        late.fetch_order("00000000-0000-0000-0000-000000000000")
    assert late.ground.clock.monotonic() == start


# -- one order -------------------------------------------------------------------------


def test_an_order_is_asked_for_by_one_of_its_ids() -> None:
    kalshi = desk({}).kalshi
    for wrong in ({}, {"order_id": "o1", "client_order_id": "c1"}):
        with pytest.raises(ArgumentsRequired):
            kalshi.fetch_order(**wrong)


@pytest.mark.parametrize("order_id", ["", "a/b", "a b", 7])
def test_an_order_id_that_is_none_is_refused_unsent(order_id: Any) -> None:
    place = desk({})
    with pytest.raises(BadRequest):
        place.kalshi.fetch_order(order_id)
    assert place.asked == []


def test_an_order_is_found_in_the_archive() -> None:
    place = desk(
        {"/historical/orders": orders(order("old", last_update_time=None), order("o2"))}
    )
    assert place.kalshi.fetch_order("o2").order_id == "o2"


def test_the_archive_is_read_only_as_far_as_the_order() -> None:
    place = desk({"/historical/orders": orders(order("o2"), cursor="more")})
    place.kalshi.fetch_order("o2")
    assert place.queries("/historical/orders") == [{"limit": "1000"}]


def test_an_order_that_is_nowhere_is_not_found() -> None:
    place = desk({"/historical/orders": orders()})
    with pytest.raises(OrderNotFound, match="'o9'"):
        place.kalshi.fetch_order("o9")


def test_an_order_of_another_market_is_not_the_one() -> None:
    place = desk({"/portfolio/orders/o1": {"order": order("o1", **RESTING)}})
    with pytest.raises(OrderNotFound):
        place.kalshi.fetch_order("o1", market_id="SNOW")


def test_an_order_is_said_in_terms_of_the_outcome_asked() -> None:
    place = desk({"/portfolio/orders/o1": {"order": order("o1", **RESTING)}})
    found = place.kalshi.fetch_order("o1", outcome="NO")
    assert (found.outcome, str(found.price)) == ("no", "0.7000")


def test_the_average_of_an_ask_is_taken_from_its_fills() -> None:
    ask = {"outcome_side": "no", "book_side": "ask"}
    told = {
        "fill_id": "f1",
        "trade_id": "f1",
        "order_id": "o1",
        "ticker": "RAIN",
        **ask,
        "count_fp": "10.00",
        "yes_price_dollars": "0.2500",
        "no_price_dollars": "0.7500",
        "is_taker": True,
        "fee_cost": "0.010000",
        "created_time": "2026-11-20T10:00:00Z",
    }
    place = desk(
        {
            "/portfolio/orders/o1": {"order": order("o1", **ask)},
            "/portfolio/fills": {"fills": [told], "cursor": ""},
            "/historical/fills": {"fills": [], "cursor": ""},
        }
    )
    found = place.kalshi.fetch_order("o1")
    assert str(found.average_price) == "0.2500"


def test_a_client_order_id_is_looked_for_on_all_pages() -> None:
    pages = {
        None: orders(order("o1"), cursor="next"),
        "next": orders(order("o2", client_order_id="mine")),
    }
    place = desk(
        {
            "/portfolio/orders": lambda query: pages[query.get("cursor")],
            "/historical/orders": orders(),
            "/portfolio/fills": {"fills": [], "cursor": ""},
            "/historical/fills": {"fills": [], "cursor": ""},
        }
    )
    assert place.kalshi.fetch_order(client_order_id="mine").order_id == "o2"


def test_a_client_order_id_that_nobody_has_is_not_found() -> None:
    place = desk({"/portfolio/orders": orders(), "/historical/orders": orders()})
    with pytest.raises(OrderNotFound, match="'mine'"):
        place.kalshi.fetch_order(client_order_id="mine")


def test_fault_25_a_look_that_fails_is_not_taken_for_nothing_there() -> None:
    place = desk(
        {"/portfolio/orders": ConnectionLost("gone"), "/historical/orders": orders()},
        retry=RetryPolicy(attempts=2),
    )
    with pytest.raises(NetworkError):
        place.kalshi.fetch_order(client_order_id="mine")


def test_a_page_that_fails_and_recovers_is_read_again() -> None:
    answers = [Response(503, {}, b""), body(orders(order("o1", client_order_id="m")))]
    place = desk(
        {
            "/portfolio/orders": answers,
            "/historical/orders": orders(),
            "/portfolio/fills": {"fills": [], "cursor": ""},
            "/historical/fills": {"fills": [], "cursor": ""},
        }
    )
    assert place.kalshi.fetch_order(client_order_id="m").order_id == "o1"


def test_p08_an_order_answer_without_an_order_is_an_error() -> None:
    place = desk({"/portfolio/orders/o1": {}})
    with pytest.raises(VenueSchemaError, match="order"):
        place.kalshi.fetch_order("o1")


def test_a_refused_read_is_not_an_absent_order() -> None:
    place = desk({"/portfolio/orders/o1": refusal(403, "permission_denied")})
    with pytest.raises(Exception, match="permission"):
        place.kalshi.fetch_order("o1")
    assert place.asked == ["/portfolio/orders/o1"]


# -- rules -----------------------------------------------------------------------------


PLACED = {
    "order_id": "o1",
    "fill_count": "0.00",
    "remaining_count": "1.00",
    "ts_ms": 1_795_200_000_000,
}


def test_the_rules_of_a_market_are_asked_for_once() -> None:
    place = desk({**RULES, "/portfolio/events/orders": PLACED})
    for _ in range(3):
        place.kalshi.create_order("RAIN", "yes", "buy", "0.30", 1)
    assert place.asked.count("/markets/RAIN") == 1


def test_rules_seen_in_a_listing_are_not_asked_for_again() -> None:
    listed = {"/markets": {"markets": [market("RAIN")], "cursor": ""}}
    place = desk({**RULES, **listed, "/portfolio/events/orders": PLACED})
    place.kalshi.fetch_markets()
    place.kalshi.create_order("RAIN", "yes", "buy", "0.30", 1)
    assert "/markets/RAIN" not in place.asked
