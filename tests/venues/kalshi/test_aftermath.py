"""What is known of orders after others changed them, reads lagged or calls broke off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.canary import guarded
from tests.venues.kalshi.ground import KalshiGround, key_pair
from unified_exchanges.errors import (
    ConnectionLost,
    DuplicateOrderId,
    InvalidOrder,
    OrderNotFound,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.flow import Request, Response
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


# -- what had filled -------------------------------------------------------------------


def decrease(trader: Trader, order: Any) -> None:
    path = f"/portfolio/events/orders/{order.order_id}/decrease"
    body = {"reduce_to": "6", "exchange_index": order.shard}
    trader.request("POST", path, body=body)


def amend_elsewhere(trader: Trader, order: Any) -> None:
    other = trader.ground.trader("blocking", limits=FREE)
    other.edit_order(order.order_id, size="4")


CANCELS: dict[str, Callable[[Trader, str], Any]] = {
    "one": lambda trader, id_: trader.cancel_order(id_),
    "several": lambda trader, id_: trader.cancel_orders([id_])[0].order,
    "all": lambda trader, _: trader.cancel_all_orders().canceled[0],
}


@pytest.mark.parametrize("change", [decrease, amend_elsewhere])
@pytest.mark.parametrize("cancel", CANCELS)
@pytest.mark.parametrize("lag", [0.0, 0.4])
@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_fault_28_a_cancel_tells_no_fill_that_never_was(
    trader: Trader, market: Market, change: Any, cancel: str, lag: float, pause: float
) -> None:
    order = trader.rest(market, "10")
    trader.ground.clock.advance(1)
    change(trader, order)
    trader.ground.clock.advance(pause)
    trader.ground.kalshi.read_lag = lag  # type: ignore[attr-defined]
    ended = CANCELS[cancel](trader, order.order_id)
    assert (ended.status, ended.filled) == (OrderStatus.CANCELED, 0)


# -- late reads ------------------------------------------------------------------------


@pytest.fixture
def late(ground: KalshiGround, trader: Trader) -> Trader:
    ground.kalshi.read_lag = 0.4
    return trader


@pytest.mark.parametrize("scoped", [False, True])
def test_fault_28_cancelling_all_hits_an_order_just_placed(
    late: Trader, market: Market, *, scoped: bool
) -> None:
    placed = late.rest(market)
    report = late.cancel_all_orders(
        **({"market_id": market.market_id} if scoped else {})
    )
    assert at_venue(late) == []
    assert [o.order_id for o in report.canceled] == [placed.order_id]
    assert report.is_complete


def test_fault_28_cancelling_all_hits_an_order_that_another_just_placed(
    late: Trader, market: Market, flavour: str
) -> None:
    late.ground.trader(flavour, limits=FREE).rest(market)
    report = late.cancel_all_orders()
    assert at_venue(late) == []
    assert (len(report.canceled), report.is_complete) == (1, True)


def test_fault_28_cancelling_all_of_a_subaccount_leaves_the_others(
    late: Trader, market: Market
) -> None:
    late.request("POST", "/portfolio/subaccounts", body={})
    transfer(late)
    mine = late.rest(market, params={"subaccount": 1})
    kept = late.rest(market)
    report = late.cancel_all_orders(params={"subaccount": 1})
    assert [o.order_id for o in report.canceled] == [mine.order_id]
    assert [o.order_id for o in at_venue(late)] == [kept.order_id]
    assert late.cancel_all_orders().is_complete
    assert at_venue(late) == []


def test_fault_28_reads_that_stay_behind_make_no_success(
    ground: KalshiGround, late: Trader, market: Market, flavour: str
) -> None:
    ground.kalshi.read_lag = 30.0
    late.ground.trader(flavour, limits=FREE).rest(market)
    report = late.cancel_all_orders()
    assert not report.is_complete
    assert "may not be shown yet" in str(report.errors[0])


@pytest.mark.parametrize("own", [True, False])
def test_fault_28_an_order_just_placed_is_found_by_our_id(
    late: Trader, market: Market, flavour: str, *, own: bool
) -> None:
    sender = late if own else late.ground.trader(flavour, limits=FREE)
    placed = sender.rest(market, client_order_id="fresh")
    assert late.fetch_order(client_order_id="fresh").order_id == placed.order_id


def test_fault_28_an_id_not_found_by_stale_reads_says_so(
    ground: KalshiGround, trader: Trader
) -> None:
    ground.kalshi.read_lag = 30.0
    with pytest.raises(OrderNotFound, match="too new to be shown"):
        trader.fetch_order(client_order_id="nowhere")


def test_an_id_that_was_changed_is_looked_for_at_the_venue(
    trader: Trader, market: Market
) -> None:
    placed = trader.rest(market, client_order_id="before")
    other = trader.ground.trader("blocking", limits=FREE)
    params = {"updated_client_order_id": "after"}
    other.edit_order(placed.order_id, size="3", params=params)
    with pytest.raises(OrderNotFound):
        trader.fetch_order(client_order_id="before")


# -- changes in doubt ------------------------------------------------------------------


def lost_then(last: Callable[[], Response], method: str) -> Any:
    """The first write is carried out unheard; the next are answered by ``last``."""
    tries = []

    def act(request: Request, serve: Any) -> Response:
        if request.method != method:
            raise ConnectionLost("refused", sent=False)
        tries.append(request)
        if len(tries) > 1:
            return last()
        serve(request)
        raise ConnectionLost("reset")

    return act


def unsent() -> Response:
    raise ConnectionLost("refused", sent=False)


@pytest.mark.parametrize("cancel", ["one", "several"])
def test_fault_19_a_cancel_that_worked_unheard_is_never_told_as_not_sent(
    trader: Trader, market: Market, cancel: str
) -> None:
    order = trader.rest(market)
    served(trader, lost_then(unsent, "DELETE"))
    if cancel == "one":
        with pytest.raises(ConnectionLost) as caught:
            trader.cancel_order(order.order_id)
        error: Any = caught.value
    else:
        error = trader.cancel_orders([order.order_id])[0].error
    assert (error.maybe_executed, error.sent) == (True, True)
    assert "may or may not take effect" in str(error)


def test_fault_21_an_edit_whose_404_cannot_be_looked_into_is_in_doubt(
    trader: Trader, market: Market
) -> None:
    order = trader.rest(market)
    tries = []

    def act(request: Request, serve: Any) -> Response:
        if request.method == "POST":
            tries.append(request)
            if len(tries) == 1:
                raise ConnectionLost("reset")
            return Response(404, {}, b'{"error":{"code":"not_found"}}')
        if len(tries) > 1:
            return Response(200, {}, b"<html>")
        answer: Response = serve(request)
        return answer

    served(trader, act)
    with pytest.raises(VenueSchemaError, match="may or may not take effect") as caught:
        trader.edit_order(order.order_id, size="3")
    assert caught.value.maybe_executed


@pytest.mark.parametrize("read", ["html", "nowhere"])
def test_fault_21_an_edit_refused_as_not_found_says_that_nothing_changed(
    trader: Trader, market: Market, read: str
) -> None:
    order = trader.rest(market)
    refused = Response(404, {}, b'{"error":{"code":"not_found"}}')
    posted = []

    def act(request: Request, serve: Any) -> Response:
        if request.method == "POST":
            posted.append(request)
            return refused
        if posted and read == "html":
            return Response(200, {}, b"<html>")
        if posted and "/portfolio/orders/" in request.url:
            return refused
        answer: Response = serve(request)
        return answer

    served(trader, act)
    with pytest.raises(UnifiedExchangesError) as caught:
        trader.edit_order(order.order_id, size="3")
    assert not isinstance(caught.value, InvalidOrder)
    assert not caught.value.maybe_executed


# -- keys ------------------------------------------------------------------------------


def interrupt(request: Request, serve: Any) -> Response:
    if request.method == "POST":
        raise KeyboardInterrupt
    answer: Response = serve(request)
    return answer


def test_fault_47_an_interrupted_batch_frees_the_keys_of_every_part(
    trader: Trader, market: Market
) -> None:
    requests = [
        OrderRequest(
            market_id=market.market_id,
            outcome="yes",
            side="buy",
            price=market.grid.lowest,
            size=1,
            client_order_id=f"entry-{n}",
        )
        for n in range(15)
    ]
    venue = trader.ground.venue
    serve = venue.handle
    served(trader, interrupt)
    with pytest.raises(KeyboardInterrupt):
        trader.create_orders(requests)
    venue.handle = serve  # type: ignore[method-assign]
    results = trader.create_orders(requests)
    assert [result.error for result in results] == [None] * 15
    assert len(at_venue(trader)) == 15


def test_fault_47_an_interrupted_order_may_be_sent_again_by_its_id(
    trader: Trader, market: Market
) -> None:
    venue = trader.ground.venue
    serve = venue.handle
    served(trader, interrupt)
    with pytest.raises(KeyboardInterrupt):
        trader.rest(market, client_order_id="intent")
    venue.handle = serve  # type: ignore[method-assign]
    # It never arrived: only a key that is free again lets it be sent.
    assert trader.rest(market, client_order_id="intent").status is OrderStatus.OPEN


def transfer(trader: Trader) -> None:
    body = {
        "client_transfer_id": "00000000-0000-4000-8000-000000000001",
        "from_subaccount": 0,
        "to_subaccount": 1,
        "amount_cents": 1000,
    }
    trader.request("POST", "/portfolio/subaccounts/transfer", body=body)


@pytest.mark.parametrize(
    "params",
    [
        {"cancel_order_on_pause": True},
        {"self_trade_prevention_type": "maker"},
        {"subaccount": 1},
    ],
)
@pytest.mark.parametrize("same_object", [True, False])
def test_fault_07_an_id_of_other_venue_words_is_refused(
    trader: Trader, market: Market, flavour: str, params: Any, *, same_object: bool
) -> None:
    trader.request("POST", "/portfolio/subaccounts", body={})
    transfer(trader)
    again = trader if same_object else trader.ground.trader(flavour, limits=FREE)
    for first, second, key in ((params, {}, "a"), ({}, params, "b")):
        placed = trader.rest(market, client_order_id=key, params=first)
        same = again.rest(market, client_order_id=key, params=first)
        assert same.order_id == placed.order_id
        with pytest.raises(DuplicateOrderId):
            again.rest(market, client_order_id=key, params=second)


def test_fault_07_an_id_of_another_order_group_is_refused(
    trader: Trader, market: Market
) -> None:
    created = trader.request(
        "POST",
        "/portfolio/order_groups/create",
        body={"contracts_limit": 5, "exchange_index": market.shard},
    )
    params = {"order_group_id": created["order_group_id"]}
    trader.rest(market, "1", client_order_id="grouped", params=params)
    with pytest.raises(DuplicateOrderId):
        trader.rest(market, "1", client_order_id="grouped")


def test_fault_07_a_key_on_another_subaccount_is_a_duplicate(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str
) -> None:
    for _ in range(2):
        trader.request("POST", "/portfolio/subaccounts", body={})
    transfer(trader)
    trader.rest(market, client_order_id="mine", params={"subaccount": 1})
    other = ground.trader(flavour, limits=FREE, options={"subaccount": 2})
    with pytest.raises(DuplicateOrderId, match="belongs to another order"):
        other.rest(market, client_order_id="mine")


def test_fault_07_a_key_bound_to_a_subaccount_meets_its_own_order(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str
) -> None:
    trader.request("POST", "/portfolio/subaccounts", body={})
    transfer(trader)
    bound = ground.kalshi.add_key(
        ground.key.user_id, public_key=key_pair().public_key, subaccount=1
    )
    made = guarded(api_key=bound.key_id)
    orders = [
        ground.trader(flavour, limits=FREE, **made).rest(market, client_order_id="mine")
        for _ in range(2)
    ]
    assert len({order.order_id for order in orders}) == 1


def test_fault_07_an_order_that_was_post_only_is_not_one_that_may_take(
    trader: Trader, market: Market
) -> None:
    trader.rest(market, client_order_id="quote", post_only=True)
    with pytest.raises(DuplicateOrderId):
        trader.rest(market, client_order_id="quote")


def test_fault_07_an_interrupted_post_only_order_is_remembered_as_one(
    trader: Trader, market: Market
) -> None:
    venue = trader.ground.venue
    serve = venue.handle

    def carried_out(request: Request, serve: Any) -> Response:
        answer: Response = serve(request)
        if request.method == "POST":
            raise KeyboardInterrupt
        return answer

    served(trader, carried_out)
    with pytest.raises(KeyboardInterrupt):
        trader.rest(market, client_order_id="quote", post_only=True)
    venue.handle = serve  # type: ignore[method-assign]
    with pytest.raises(DuplicateOrderId):
        trader.rest(market, client_order_id="quote")
    again = trader.rest(market, client_order_id="quote", post_only=True)
    assert [o.order_id for o in at_venue(trader)] == [again.order_id]


def test_whose_key_it_is_may_be_unknown(trader: Trader, market: Market) -> None:
    trader.request("POST", "/portfolio/subaccounts", body={})
    transfer(trader)
    placed = trader.rest(market, client_order_id="mine", params={"subaccount": 1})

    def act(request: Request, serve: Any) -> Response:
        if ("limit", "1") in request.query:
            return Response(400, {}, b"{}")
        answer: Response = serve(request)
        return answer

    served(trader, act)
    assert trader.rest(market, client_order_id="mine").order_id == placed.order_id


# -- before other reads ----------------------------------------------------------------


@pytest.mark.parametrize("cancel", ["one", "unseen", "all"])
def test_fault_43_a_cancel_waits_for_no_queue_of_reads(
    ground: KalshiGround, flavour: str, cancel: str
) -> None:
    trader = ground.trader(flavour)
    order = trader.rest(trader.quoted_market())
    if cancel == "unseen":
        trader = ground.trader(flavour)
        trader.fetch_limits()
    now = ground.clock.monotonic()
    bucket = trader.exchange.venue.bucket("read")
    for _ in range(500):
        bucket.take(now, 10)
    assert bucket.turn(now, 10) > now + 20
    if cancel == "all":
        assert trader.cancel_all_orders().is_complete
    else:
        assert trader.cancel_order(order.order_id).status is OrderStatus.CANCELED
    assert at_venue(trader) == []
    assert ground.clock.monotonic() - now < 0.5
