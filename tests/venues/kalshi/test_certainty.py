"""What an answer may claim: nothing that was not seen, and no 'no' that may be a 'yes'."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.canary import guarded
from tests.venues.kalshi.ground import KalshiGround, key_pair
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    DuplicateOrderId,
    ExchangeError,
    ExchangeNotAvailable,
    InsufficientFunds,
    InvalidOrder,
    MarketClosed,
    OrderUnknown,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.grid import PriceGrid
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import Market, OrderRequest, OrderStatus
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def ground() -> KalshiGround:
    ground = KalshiGround(enforce_limits=False)
    ground.clock.advance(60)
    return ground


@pytest.fixture
def trader(ground: KalshiGround, flavour: str) -> Trader:
    return ground.trader(flavour, limits=FREE)


@pytest.fixture
def market(trader: Trader) -> Market:
    return trader.quoted_market()


def at_venue(trader: Trader) -> list[Any]:
    """What rests, as the venue itself knows."""
    ground = trader.ground
    assert isinstance(ground, KalshiGround)
    return ground.kalshi.engine.orders(ground.key.user_id, status="resting")


def served(trader: Trader, act: Callable[[Request, Any], Response]) -> None:
    """Put something between us and the venue, which gets the real one to call."""
    venue = trader.ground.venue
    serve = venue.handle
    venue.handle = lambda request: act(request, serve)  # type: ignore[method-assign]


def told(act: Callable[[], Any]) -> UnifiedExchangesError:
    with pytest.raises(UnifiedExchangesError) as caught:
        act()
    return caught.value


# -- an object that is closed ----------------------------------------------------------


def shut(trader: Trader) -> None:
    """Close the transport from within a request, as another task or thread may."""
    closing = trader.transport.close()
    if closing is not None:
        with pytest.raises(StopIteration):
            closing.send(None)


def carried_out_then_closed(trader: Trader, method: str) -> None:
    def act(request: Request, serve: Any) -> Response:
        answer: Response = serve(request)
        if request.method == method:
            shut(trader)
            raise ConnectionLost("closed under way")
        return answer

    served(trader, act)


def test_fault_47_an_order_under_way_when_its_object_is_closed_is_unknown(
    trader: Trader, market: Market
) -> None:
    carried_out_then_closed(trader, "POST")
    error = told(lambda: trader.rest(market, client_order_id="mine"))
    assert isinstance(error, OrderUnknown)
    assert (error.client_order_id, error.maybe_executed) == ("mine", True)
    assert [o.client_order_id for o in at_venue(trader)] == ["mine"]


def test_fault_47_a_batch_under_way_when_its_object_is_closed_is_unknown(
    trader: Trader, market: Market
) -> None:
    carried_out_then_closed(trader, "POST")
    request = OrderRequest(
        market_id=market.market_id,
        outcome="yes",
        side="buy",
        price=market.grid.lowest,
        size=1,
    )
    results = trader.create_orders([request, request])
    assert [type(r.error) for r in results] == [OrderUnknown] * 2


def test_fault_47_a_change_under_way_when_its_object_is_closed_is_in_doubt(
    trader: Trader, market: Market
) -> None:
    order = trader.rest(market)
    carried_out_then_closed(trader, "POST")
    error = told(lambda: trader.edit_order(order.order_id, size="3"))
    assert isinstance(error, ConnectionLost)
    assert error.maybe_executed


def test_fault_47_a_cancel_under_way_when_its_object_is_closed_is_in_doubt(
    trader: Trader, market: Market
) -> None:
    order = trader.rest(market)
    carried_out_then_closed(trader, "DELETE")
    error = told(lambda: trader.cancel_order(order.order_id))
    assert isinstance(error, ConnectionLost)
    assert error.maybe_executed
    assert "it was not tried again" in str(error)


@pytest.mark.parametrize("act", ["create", "edit", "cancel"])
def test_fault_47_what_a_closed_object_is_asked_never_left(
    trader: Trader, market: Market, act: str, caplog: pytest.LogCaptureFixture
) -> None:
    order = trader.rest(market)
    shut(trader)
    acts: dict[str, Callable[[], Any]] = {
        "create": lambda: trader.rest(market, client_order_id="mine"),
        "edit": lambda: trader.edit_order(order.order_id, size="3"),
        "cancel": lambda: trader.cancel_order(order.order_id),
    }
    with caplog.at_level(logging.WARNING, "unified_exchanges"):
        error = told(acts[act])
    assert isinstance(error, BadRequest)
    assert (error.venue, error.maybe_executed) == ("kalshi", False)
    assert error.client_order_id == ("mine" if act == "create" else None)
    ours = [r for r in caplog.records if r.name.startswith("unified_exchanges")]
    assert ours == []


# -- positions that are read late ------------------------------------------------------


def held(trader: Trader) -> list[Any]:
    ground = trader.ground
    assert isinstance(ground, KalshiGround)
    positions = ground.kalshi.engine.positions(ground.key.user_id)
    return [position.size for position in positions if position.size]


@pytest.fixture
def late(ground: KalshiGround, trader: Trader) -> Trader:
    ground.kalshi.read_lag = 0.4
    return trader


@pytest.mark.parametrize("own", [True, False])
def test_fault_28_what_was_just_bought_is_closed(
    late: Trader, market: Market, flavour: str, *, own: bool
) -> None:
    buyer = late if own else late.ground.trader(flavour, limits=FREE)
    buyer.lift(market, "2")
    done = late.close_position(market.market_id, max_slippage="0.3")
    assert done.filled == 2
    assert held(late) == []


def test_fault_28_what_was_just_sold_is_not_sold_again(
    late: Trader, market: Market
) -> None:
    late.lift(market, "2")
    late.close_position(market.market_id, max_slippage="0.3")
    assert late.close_position(market.market_id, max_slippage="0.3") is None
    assert len(late.writes) == 2


def test_fault_28_what_was_just_added_is_closed_as_well(
    late: Trader, market: Market
) -> None:
    late.lift(market, "2")
    late.ground.clock.advance(1)
    late.lift(market, "1")
    assert late.close_position(market.market_id, max_slippage="0.3").filled == 3


def test_fault_28_reads_that_stay_behind_are_no_empty_position(
    ground: KalshiGround, late: Trader, market: Market
) -> None:
    ground.kalshi.read_lag = 30.0
    late.lift(market, "2")
    error = told(lambda: late.close_position(market.market_id, max_slippage="0.3"))
    assert isinstance(error, ExchangeNotAvailable)
    assert "is not known, and nothing was sold" in str(error)
    assert (error.maybe_executed, len(late.writes)) == (False, 1)


# -- changes ---------------------------------------------------------------------------


def elsewhere(trader: Trader) -> Trader:
    """Another session of the same account, whose reads do not matter."""
    return trader.ground.trader("blocking", limits=FREE)


def decrease(trader: Trader, order: Any) -> None:
    path = f"/portfolio/events/orders/{order.order_id}/decrease"
    body = {"reduce_to": "4", "exchange_index": order.shard}
    elsewhere(trader).request("POST", path, body=body)


def edit_down(trader: Trader, order: Any) -> None:
    elsewhere(trader).edit_order(order.order_id, size="4")


def at(trader: Trader) -> tuple[Any, Any, Any]:
    """The one order that rests: its price, and what is filled and left."""
    (order,) = at_venue(trader)
    return order.price, order.filled, order.remaining


def higher(market: Market) -> dict[str, Any]:
    step = market.grid.step_at(market.grid.lowest)
    return {"outcome": "yes", "price": market.grid.lowest + step}


@pytest.mark.parametrize("make_smaller", [decrease, edit_down])
@pytest.mark.parametrize("lag", [0.0, 0.4])
@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_fault_28_a_new_price_does_not_undo_what_others_took_off(
    ground: KalshiGround,
    trader: Trader,
    market: Market,
    make_smaller: Any,
    lag: float,
    pause: float,
) -> None:
    order = trader.rest(market, "10")
    ground.clock.advance(1)
    make_smaller(trader, order)
    ground.clock.advance(pause)
    ground.kalshi.read_lag = lag
    change = higher(market)
    changed = trader.edit_order(order.order_id, **change)
    assert at(trader) == (change["price"], 0, 4)
    assert (changed.price, changed.filled, changed.remaining) == at(trader)


def test_fault_28_a_new_expiry_does_not_undo_what_others_took_off(
    late: Trader, market: Market
) -> None:
    order = late.rest(market, "10")
    late.ground.clock.advance(1)
    decrease(late, order)
    late.edit_order(order.order_id, expires_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert at(late)[2] == 4


def test_fault_28_without_fresh_reads_a_size_is_not_guessed(
    ground: KalshiGround, trader: Trader, market: Market
) -> None:
    order = trader.rest(market, "10")
    ground.clock.advance(60)
    ground.kalshi.read_lag = 30.0
    error = told(lambda: trader.edit_order(order.order_id, **higher(market)))
    assert isinstance(error, ExchangeNotAvailable)
    assert "was not changed, since every change names its size" in str(error)
    assert (error.maybe_executed, len(trader.writes)) == (False, 1)


@pytest.mark.parametrize("priced", [True, False])
def test_fault_28_without_fresh_reads_a_size_that_is_given_is_sent(
    ground: KalshiGround, trader: Trader, market: Market, *, priced: bool
) -> None:
    order = trader.rest(market, "10")
    ground.clock.advance(60)
    ground.kalshi.read_lag = 30.0
    change = higher(market) if priced else {}
    changed = trader.edit_order(order.order_id, size="4", **change)
    assert (changed.filled, changed.remaining) == (0, 4)
    assert at(trader)[1:] == (0, 4)


def test_fault_28_a_change_of_price_and_size_needs_no_fresh_read(
    trader: Trader, market: Market
) -> None:
    order = trader.rest(market, "10")
    before = len(trader.transport.requests)
    trader.edit_order(order.order_id, size="4", **higher(market))
    asked = [request.method for request in trader.transport.requests[before:]]
    assert asked == ["GET", "POST"]


# -- what had filled when it was changed -----------------------------------------------


@pytest.fixture
def other(ground: KalshiGround) -> Trader:
    """Somebody else, who trades with us."""
    account = ground.kalshi.add_account(public_key=key_pair().public_key)
    made = guarded(api_key=account.key_id)
    return ground.trader("blocking", limits=FREE, **made)


def leading(trader: Trader, other: Trader) -> Market:
    """A market where ours can be the best bid, on a grid of whole cents."""
    for market in trader.fetch_markets():
        bid, ask = market.bid, market.ask
        if market.legs or bid is None or ask is None or not Decimal("0.1") < bid < ask:
            continue
        if market.grid.step_at(bid) == Decimal("0.01") and ask < Decimal("0.9"):
            best = trader.book(market).asks[0]
            other.lift(market, str(best.size))
            found: Market = trader.fetch_market(market.market_id)
            return found
    raise AssertionError("there is no such market")


@pytest.fixture
def led(trader: Trader, other: Trader) -> Market:
    return leading(trader, other)


def lead(trader: Trader, market: Market, size: str = "10") -> Any:
    assert market.bid is not None
    return trader.rest(market, size, price=market.bid + Decimal("0.01"))


def hit(other: Trader, order: Any, size: str) -> None:
    """Sell into an order of ours."""
    sold = other.create_order(
        order.market_id, "yes", "sell", order.price, size, time_in_force="ioc"
    )
    assert sold.filled == Decimal(size)


def just_before(trader: Trader, method: str, act: Callable[[], object]) -> None:
    """Let something happen once, before the next request of a kind arrives."""
    left = [act]

    def meddle(request: Request, serve: Any) -> Response:
        if request.method == method and left:
            left.pop()()
        answer: Response = serve(request)
        return answer

    served(trader, meddle)


def lower(order: Any) -> dict[str, Any]:
    return {"outcome": "yes", "price": order.price - Decimal("0.05")}


@pytest.mark.parametrize("lag", [0.0, 0.4])
@pytest.mark.parametrize("sized", [False, True])
def test_fault_28_a_fill_just_before_a_change_is_told(
    ground: KalshiGround,
    trader: Trader,
    other: Trader,
    led: Market,
    lag: float,
    *,
    sized: bool,
) -> None:
    order = lead(trader, led)
    ground.clock.advance(1)
    ground.kalshi.read_lag = lag
    just_before(trader, "POST", lambda: hit(other, order, "3"))
    change = lower(order) | ({"size": "12"} if sized else {})
    changed = trader.edit_order(order.order_id, **change)
    assert (changed.price, changed.filled, changed.remaining) == at(trader)
    assert changed.filled == 3
    ground.clock.advance(0.1)
    assert trader.cancel_order(order.order_id).filled == 3


def test_fault_28_a_fill_that_reads_do_not_show_yet_is_told_by_a_change(
    ground: KalshiGround, trader: Trader, other: Trader, led: Market
) -> None:
    order = lead(trader, led)
    ground.clock.advance(1)
    ground.kalshi.read_lag = 0.4
    hit(other, order, "3")
    changed = trader.edit_order(order.order_id, **lower(order))
    assert (changed.filled, changed.remaining, changed.size) == (3, 7, 10)


def test_fault_28_a_change_whose_fills_cannot_be_read_says_so(
    ground: KalshiGround, trader: Trader, other: Trader, led: Market
) -> None:
    order = lead(trader, led)
    ground.clock.advance(60)
    ground.kalshi.read_lag = 30.0
    hit(other, order, "3")
    error = told(lambda: trader.edit_order(order.order_id, size="12"))
    assert type(error) is ExchangeError
    assert "is changed, but what had filled meanwhile could not be read" in str(error)
    assert error.maybe_executed
    assert at(trader)[1:] == (3, 9)


@pytest.mark.parametrize("lag", [0.0, 0.4])
def test_fault_28_a_size_that_filled_before_the_change_came_is_told_as_that(
    ground: KalshiGround, trader: Trader, other: Trader, led: Market, lag: float
) -> None:
    order = lead(trader, led)
    ground.clock.advance(1)
    ground.kalshi.read_lag = lag
    just_before(trader, "POST", lambda: hit(other, order, "6"))
    error = told(lambda: trader.edit_order(order.order_id, size="5"))
    assert isinstance(error, InvalidOrder)
    assert "size 5 is the total and 6 have filled meanwhile" in str(error)
    assert not error.maybe_executed


def test_fault_21_a_lost_change_is_not_repeated_against_what_others_changed_since(
    trader: Trader, market: Market
) -> None:
    order = trader.rest(market, "10")
    change = higher(market)
    tries = []

    def act(request: Request, serve: Any) -> Response:
        answer: Response = serve(request)
        if request.method == "POST" and not tries:
            tries.append(request)
            decrease(trader, order)
            raise ConnectionLost("reset")
        return answer

    served(trader, act)
    changed = trader.edit_order(order.order_id, **change)
    assert (changed.price, changed.remaining) == (change["price"], 4)
    assert at(trader) == (change["price"], 0, 4)


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("what", ["size", "price"])
def test_fault_21_a_lost_change_does_not_undo_a_later_one_by_others(
    ground: KalshiGround, trader: Trader, market: Market, what: str, *, arrives: bool
) -> None:
    second = ground.trader("blocking", limits=FREE)
    order = trader.rest(market, "10")
    steps = [order.price + market.grid.step_at(order.price) * n for n in (1, 2)]
    mine = {"size": 20} if what == "size" else {"outcome": "yes", "price": steps[1]}
    theirs = {"size": 2} if what == "size" else {"outcome": "yes", "price": steps[0]}
    tries = []

    def act(request: Request, serve: Any) -> Response:
        if request.method != "POST" or tries:
            answer: Response = serve(request)
            return answer
        tries.append(request)
        if arrives:
            serve(request)
        second.edit_order(order.order_id, **theirs)
        raise ConnectionLost("reset")

    served(trader, act)
    error = told(lambda: trader.edit_order(order.order_id, **mine))
    assert "was changed otherwise since" in str(error)
    assert error.maybe_executed
    shown = second.fetch_order(order.order_id)
    assert (shown.price, shown.size) == (
        (order.price, 2) if what == "size" else (steps[0], 10)
    )


def test_fault_21_a_lost_change_that_did_not_arrive_is_sent_with_the_size_of_now(
    trader: Trader, market: Market
) -> None:
    order = trader.rest(market, "10")
    change = higher(market)
    tries = []

    def act(request: Request, serve: Any) -> Response:
        if request.method == "POST" and not tries:
            tries.append(request)
            decrease(trader, order)
            raise ConnectionLost("reset")
        answer: Response = serve(request)
        return answer

    served(trader, act)
    trader.edit_order(order.order_id, **change)
    assert at(trader) == (change["price"], 0, 4)


def test_fault_21_a_lost_change_of_the_key_is_not_taken_for_done(
    trader: Trader, market: Market
) -> None:
    order = trader.rest(market, "10", client_order_id="before")
    tries = []

    def act(request: Request, serve: Any) -> Response:
        if request.method == "POST" and not tries:
            tries.append(request)
            raise ConnectionLost("reset")
        answer: Response = serve(request)
        return answer

    served(trader, act)
    params = {"updated_client_order_id": "after"}
    changed = trader.edit_order(order.order_id, params=params)
    assert changed.client_order_id == "after"
    assert [o.client_order_id for o in at_venue(trader)] == ["after"]


# -- cancels ---------------------------------------------------------------------------


def sized_up_after_a_fill(trader: Trader, other: Trader, order: Any) -> None:
    """Three fill and another session adds three: as much is left as before."""
    hit(other, order, "3")
    elsewhere(trader).edit_order(order.order_id, size="13")


CANCELS: dict[str, Callable[[Trader, str], Any]] = {
    "one": lambda trader, id_: trader.cancel_order(id_),
    "several": lambda trader, id_: trader.cancel_orders([id_])[0].order,
    "all": lambda trader, _: trader.cancel_all_orders().canceled[0],
}


@pytest.mark.parametrize("cancel", CANCELS)
@pytest.mark.parametrize("lag", [0.0, 0.4])
@pytest.mark.parametrize("known", [False, True])
def test_fault_28_a_cancel_tells_fills_although_as_much_was_left_as_before(
    ground: KalshiGround,
    trader: Trader,
    other: Trader,
    led: Market,
    flavour: str,
    cancel: str,
    lag: float,
    *,
    known: bool,
) -> None:
    order = lead(trader, led)
    ground.clock.advance(1)
    ground.kalshi.read_lag = lag
    canceller = trader if known else ground.trader(flavour, limits=FREE)
    just_before(trader, "DELETE", lambda: sized_up_after_a_fill(trader, other, order))
    ended = CANCELS[cancel](canceller, order.order_id)
    assert (ended.status, ended.filled, ended.size) == (OrderStatus.CANCELED, 3, 13)


def test_fault_28_many_cancels_tell_their_fills_under_late_reads(
    ground: KalshiGround, trader: Trader, other: Trader, led: Market
) -> None:
    placed = [lead(trader, led) for _ in range(8)]
    ground.clock.advance(1)
    ground.kalshi.read_lag = 0.4
    hit(other, placed[0], "3")
    before = len(trader.transport.requests)
    report = trader.cancel_all_orders()
    assert report.is_complete
    assert sorted(o.filled for o in report.canceled) == [*[0] * 7, 3]
    asked = [r.url for r in trader.transport.requests[before:]]
    assert [url for url in asked if "/portfolio/orders/" in url] == []


@pytest.mark.parametrize("cancel", ["one", "several", "all"])
def test_fault_28_a_cancel_that_reads_never_show_leaves_its_fills_unknown(
    ground: KalshiGround, trader: Trader, market: Market, cancel: str
) -> None:
    order = trader.rest(market)
    ground.clock.advance(60)
    ground.kalshi.read_lag = 30.0
    if cancel == "one":
        error: Any = told(lambda: trader.cancel_order(order.order_id))
    elif cancel == "several":
        error = trader.cancel_orders([order.order_id])[0].error
    else:
        report = trader.cancel_all_orders()
        assert not report.is_complete
        error = report.errors[0]
    assert at_venue(trader) == []
    assert "what had filled before could not be read" in str(error)
    assert error.maybe_executed


# -- the same order again, when it could no longer be placed ---------------------------


def lost(trader: Trader, market: Market, **terms: Any) -> dict[str, Any]:
    """Place an order that fills, of which nothing is heard; what it was placed with."""
    best = trader.book(market).ask
    assert best is not None
    wanted = {"price": best.price, "size": "3", "client_order_id": "mine", **terms}
    venue = trader.ground.venue
    serve = venue.handle
    left = []

    def act(request: Request, serve: Any) -> Response:
        if left:
            raise ConnectionLost("refused", sent=False)
        answer: Response = serve(request)
        if request.method == "POST":
            left.append(request)
            raise ConnectionLost("reset")
        return answer

    served(trader, act)
    assert isinstance(told(lambda: trader.rest(market, **wanted)), OrderUnknown)
    venue.handle = serve  # type: ignore[method-assign]
    return wanted


def close_market(ground: KalshiGround, market: Market) -> dict[str, Any]:
    assert market.closes_at is not None
    now = datetime.fromtimestamp(ground.clock.now(), UTC)
    ground.clock.advance((market.closes_at - now).total_seconds() + 10)
    return {}


def change_grid(ground: KalshiGround, market: Market) -> dict[str, Any]:
    ground.kalshi.engine.change_grid(market.market_id, PriceGrid.of("0.1"))
    ground.clock.advance(10)
    return {}


def tighten_guards(ground: KalshiGround, market: Market) -> dict[str, Any]:
    return {"guards": GuardPolicy(max_order_cost=Decimal("0.1"))}


CHANGES = [close_market, change_grid, tighten_guards]


def resender(
    trader: Trader, flavour: str, settings: dict[str, Any], *, same: bool
) -> Trader:
    if same and not settings:
        return trader
    return trader.ground.trader(flavour, limits=FREE, **settings)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("batch", [False, True])
def test_fault_02_what_filled_unheard_is_told_although_it_could_not_be_placed_now(
    ground: KalshiGround,
    trader: Trader,
    market: Market,
    flavour: str,
    change: Any,
    *,
    same: bool,
    batch: bool,
) -> None:
    wanted = lost(trader, market)
    again = resender(trader, flavour, change(ground, market), same=same)
    writes = len(again.writes)
    if batch:
        terms = {"market_id": market.market_id, "outcome": "yes", "side": "buy"}
        (result,) = again.create_orders([OrderRequest(**terms, **wanted)])
        order = result.order
    else:
        order = again.rest(market, **wanted)
    assert (order.client_order_id, order.filled) == ("mine", 3)
    assert len(again.writes) - writes <= (1 if same else 0)


def in_twenty_seconds(ground: KalshiGround) -> datetime:
    now = datetime.fromtimestamp(ground.clock.now(), UTC)
    return now.replace(microsecond=0) + timedelta(seconds=20)


def test_fault_02_what_filled_unheard_is_told_although_its_expiry_has_passed(
    ground: KalshiGround, trader: Trader, market: Market
) -> None:
    wanted = lost(trader, market, expires_at=in_twenty_seconds(ground))
    ground.clock.advance(30)
    assert trader.rest(market, **wanted).filled == 3


def test_fault_02_a_market_order_unheard_is_told_although_a_guard_forbids_it_now(
    trader: Trader, market: Market, flavour: str
) -> None:
    bound = {"price": None, "type": "market", "max_slippage": "0.05"}
    wanted = lost(trader, market, **bound)
    guards = GuardPolicy(max_order_cost=Decimal("0.1"))
    again = trader.ground.trader(flavour, limits=FREE, guards=guards)
    assert again.rest(market, **wanted).filled == 3


@pytest.mark.parametrize("change", CHANGES)
def test_fault_07_an_id_of_other_terms_is_told_before_the_refusal(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str, change: Any
) -> None:
    wanted = lost(trader, market)
    again = resender(trader, flavour, change(ground, market), same=False)
    error = told(lambda: again.rest(market, **{**wanted, "size": "4"}))
    assert isinstance(error, DuplicateOrderId)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("key", ["other", None])
def test_fault_14_an_order_that_is_not_there_is_refused(
    ground: KalshiGround,
    trader: Trader,
    market: Market,
    flavour: str,
    change: Any,
    key: str | None,
) -> None:
    wanted = lost(trader, market)
    again = resender(trader, flavour, change(ground, market), same=False)
    error = told(lambda: again.rest(market, **{**wanted, "client_order_id": key}))
    assert isinstance(error, InvalidOrder | MarketClosed)
    assert not error.maybe_executed
    looked = any("/portfolio/orders" in r.url for r in again.transport.requests)
    assert looked is (key is not None)


def test_fault_14_an_expiry_that_has_passed_is_refused_unsent(
    ground: KalshiGround, trader: Trader, market: Market
) -> None:
    before = len(trader.transport.requests)
    expired = in_twenty_seconds(ground) - timedelta(seconds=21)
    error = told(lambda: trader.rest(market, expires_at=expired))
    assert "is in the past" in str(error)
    assert len(trader.transport.requests) == before


@pytest.mark.parametrize("terms", [{"price": "2"}, {"size": "many"}, {"size": 0}])
def test_fault_14_what_is_no_order_is_not_looked_for(
    trader: Trader, market: Market, terms: dict[str, Any]
) -> None:
    before = len(trader.transport.requests)
    told(lambda: trader.rest(market, **{"client_order_id": "mine", **terms}))
    assert len(trader.transport.requests) == before


@pytest.mark.parametrize("cause", ["lag", "no answer"])
def test_fault_02_a_refusal_whose_id_cannot_be_looked_up_is_in_doubt(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str, cause: str
) -> None:
    wanted = lost(trader, market)
    guards = GuardPolicy(max_order_cost=Decimal("0.1"))
    again = trader.ground.trader(flavour, limits=FREE, guards=guards)
    again.fetch_market(market.market_id)
    if cause == "lag":
        ground.kalshi.read_lag = 30.0
    else:
        served(trader, lambda *_: Response(503, {}, b""))
    error = told(lambda: again.rest(market, **wanted))
    assert isinstance(error, InvalidOrder)
    assert error.maybe_executed
    assert "under this client_order_id is not known" in str(error)


@pytest.mark.parametrize("there", [True, False])
def test_fault_02_no_refusal_of_a_second_try_is_believed_before_looking(
    trader: Trader, market: Market, *, there: bool
) -> None:
    wanted = lost(trader, market)
    if not there:
        wanted["client_order_id"] = "never arrived"
        with pytest.raises(KeyboardInterrupt):
            interrupted(trader, market, wanted)
    broke = Response(400, {}, b'{"error":{"code":"insufficient_balance"}}')

    def act(request: Request, serve: Any) -> Response:
        answer: Response = broke if request.method == "POST" else serve(request)
        return answer

    served(trader, act)
    if there:
        assert trader.rest(market, **wanted).filled == 3
        return
    for is_over in (False, True):
        error = told(lambda: trader.rest(market, **wanted))
        assert isinstance(error, InsufficientFunds)
        # Not there yet: the first one may be on its way for as long as that takes.
        assert error.maybe_executed is not is_over
        trader.ground.clock.advance(60)


def interrupted(trader: Trader, market: Market, wanted: dict[str, Any]) -> None:
    venue = trader.ground.venue
    serve = venue.handle

    def act(request: Request, serve: Any) -> Response:
        if request.method == "POST":
            raise KeyboardInterrupt
        answer: Response = serve(request)
        return answer

    served(trader, act)
    try:
        trader.rest(market, **wanted)
    finally:
        venue.handle = serve  # type: ignore[method-assign]
