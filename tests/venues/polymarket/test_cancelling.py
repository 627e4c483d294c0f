"""Cancels on Polymarket: one, several, a market's and all, and the dead man's switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.venues.polymarket.scene import Scene, answer, lost, unheard
from unified_exchanges.errors import (
    BadRequest,
    ExchangeError,
    ExchangeNotAvailable,
    MarketNotFound,
    NetworkError,
    NotSupported,
    OnMaintenance,
    OrderNotFound,
    RateLimitExceeded,
    ReadOnly,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Order, OrderStatus
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.orders import Ticket


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture
def one() -> Scene:
    return Scene()


def paths(scene: Scene, trader: Any = None) -> list[str]:
    """Methods and ends of the writes so far."""
    writes = (trader or scene.trader).writes
    return [f"{x.method} {x.url.rsplit('/', 1)[-1]}" for x in writes]


# -- one -------------------------------------------------------------------------------


def test_a_cancel_names_the_order_in_a_signed_body(scene: Scene) -> None:
    order = scene.trader.rest(scene.market)
    ended = scene.trader.cancel_order(order.order_id.upper().replace("0X", "0x"))
    assert (ended.status, ended.filled) == (OrderStatus.CANCELED, 0)
    assert scene.bodies[-1] == {"orderID": order.order_id}
    assert paths(scene)[-1] == "DELETE order"


def test_fault_24_an_order_never_seen_is_cancelled_before_it_is_read(
    scene: Scene,
) -> None:
    order = scene.trader.rest(scene.market)
    other = scene.another()
    assert other.cancel_order(order.order_id).status is OrderStatus.CANCELED
    assert [x.method for x in other.transport.requests] == ["DELETE", "GET"]


def test_fault_24_an_order_never_seen_is_cancelled_while_nothing_can_be_read(
    scene: Scene,
) -> None:
    order = scene.trader.rest(scene.market)
    other = scene.another()
    other.suffer("503", 100_000, reads=True, writes=False)
    with pytest.raises(ExchangeError, match="is cancelled, but what had filled"):
        other.cancel_order(order.order_id)
    assert paths(scene, other) == ["DELETE order"]


def test_what_was_seen_ended_is_told_without_a_cancel(scene: Scene) -> None:
    order = scene.trader.lift(scene.market, 10)
    other = scene.another()
    other.fetch_order(order.order_id)
    assert other.cancel_order(order.order_id).filled == 10
    assert other.writes == []


def test_fault_18_an_order_never_seen_that_had_ended_is_told_as_it_ended(
    scene: Scene,
) -> None:
    order = scene.trader.lift(scene.market, 10)
    ended = scene.another().cancel_order(order.order_id)
    assert (ended.status, ended.filled) == (OrderStatus.CLOSED, 10)


def test_a_cancel_of_what_nobody_knows_is_not_found(scene: Scene) -> None:
    with pytest.raises(OrderNotFound, match="not open, and the venue tells nothing"):
        scene.trader.cancel_order(scene.ground.missing_order)


def test_an_order_on_another_market_than_said_is_refused_unsent(one: Scene) -> None:
    order = one.trader.rest(one.market)
    other = next(m for m in one.trader.fetch_markets() if m != one.market)
    with pytest.raises(BadRequest, match="is on"):
        one.trader.cancel_order(order.order_id, market_id=other.market_id)
    assert paths(one) == ["POST order"]


def test_fault_18_one_that_filled_meanwhile_is_told_filled(one: Scene) -> None:
    best = one.trader.book(one.market).bid
    assert best is not None
    order = one.trader.create_order(one.market.market_id, "yes", "buy", best.price, 10)
    assert order.is_open
    house = one.venue._house
    house.engine.place(
        Ticket(
            market_id=one.market.market_id,
            owner=house.flow._scenes[one.market.market_id].taker,
            side="ask",
            price=best.price,
            size=best.size + 20,
            time_in_force="ioc",
            self_trade="maker",
        )
    )
    ended = one.trader.cancel_order(order.order_id)
    assert (ended.status, ended.filled) == (OrderStatus.CLOSED, 10)


@pytest.mark.parametrize(
    "payload",
    [
        {"canceled": [], "not_canceled": {}},
        {"canceled": []},
        {"canceled": [], "not_canceled": None},
    ],
)
def test_a_reason_that_is_not_told_leaves_the_order_counting(
    one: Scene, payload: object
) -> None:
    order = one.trader.rest(one.market)
    one.always(answer(200, payload))
    with pytest.raises(ExchangeError, match=r"nothing of it.*still counts"):
        one.trader.cancel_order(order.order_id)


def test_a_reason_is_told_however_the_id_is_written(one: Scene) -> None:
    order = one.trader.rest(one.market)
    name = order.order_id.upper().replace("0X", "0x")
    one.always(answer(200, {"canceled": [], "not_canceled": {name: "it is held"}}))
    with pytest.raises(ExchangeError, match="it is held"):
        one.trader.cancel_order(order.order_id)
    one.relieve()
    one.always(answer(200, {"canceled": [name]}))
    with pytest.raises(ExchangeError, match="is cancelled, but"):
        one.trader.cancel_order(order.order_id)


def test_a_cancel_that_is_refused_while_nothing_can_be_read_is_in_doubt(
    one: Scene,
) -> None:
    order = one.trader.rest(one.market)
    one.then(answer(200, {"canceled": [], "not_canceled": {order.order_id: "no"}}))
    one.trader.suffer("503", 1000, reads=True, writes=False)
    with pytest.raises(UnifiedExchangesError, match="counts as open") as caught:
        one.trader.cancel_order(order.order_id)
    assert caught.value.maybe_executed


def test_a_cancel_whose_fills_cannot_be_read_says_so(one: Scene) -> None:
    order = one.trader.rest(one.market)
    one.trader.suffer("503", 1000, reads=True, writes=False)
    with pytest.raises(
        ExchangeError, match="is cancelled, but what had filled"
    ) as told:
        one.trader.cancel_order(order.order_id)
    assert told.value.maybe_executed


def test_fault_27_reads_that_lag_behind_a_cancel_are_repeated(one: Scene) -> None:
    order = one.trader.rest(one.market)
    stale = msgspec.json.encode(dict(one.trader.fetch_order(order.order_id).raw))
    serve = one.ground.venue.handle
    left = [2]

    def lagging(request: Any) -> Any:
        if "/data/order/" in request.url and left[0]:
            left[0] -= 1
            return Response(200, {}, stale)
        return serve(request)

    one.ground.venue.handle = lagging  # type: ignore[method-assign]
    assert one.trader.cancel_order(order.order_id).status is OrderStatus.CANCELED
    left[0] = 1000
    order = one.trader.rest(one.market)
    stale = stale.replace(
        msgspec.json.decode(stale)["id"].encode(), order.order_id.encode()
    )
    with pytest.raises(ExchangeError, match="not shown as cancelled yet"):
        one.trader.cancel_order(order.order_id)


def test_fault_17_an_order_that_the_venue_tells_no_more_ended_with_its_fills(
    one: Scene,
) -> None:
    # In 2026-07 the venue told of open orders only.
    serve = one.ground.venue.handle

    def forgetful(request: Any) -> Any:
        response = serve(request)
        if "/data/order/" in request.url and b'"LIVE"' not in response.body:
            return Response(404, {}, b'{"error":"Order not found"}')
        return response

    one.ground.venue.handle = forgetful  # type: ignore[method-assign]
    best = one.trader.book(one.market).ask
    assert best is not None
    order = one.trader.lift(
        one.market, best.size + 10, price=best.price, time_in_force="gtc"
    )
    ended = one.trader.cancel_order(order.order_id)
    assert (ended.status, ended.filled) == (OrderStatus.CANCELED, best.size)


def test_a_venue_on_which_nothing_is_cancelled_says_so(one: Scene) -> None:
    order = one.trader.rest(one.market)
    one.venue.set_mode("disabled")
    with pytest.raises(OnMaintenance, match="nothing cancelled"):
        one.trader.cancel_order(order.order_id)
    one.venue.set_mode("cancel_only")
    assert not one.trader.cancel_order(order.order_id).is_open


def test_a_restart_outlasts_a_cancel_that_is_tried_again(one: Scene) -> None:
    order = one.trader.rest(one.market)
    one.venue.restart(seconds=90)
    with pytest.raises(ExchangeNotAvailable) as caught:
        one.trader.cancel_order(order.order_id)
    assert caught.value.status == 425
    one.venue.restart(seconds=0.5)
    assert not one.trader.cancel_order(order.order_id).is_open


def after(status: int, body: bytes) -> Any:
    """The venue does what is asked, and says this."""

    def turn(_: Any, serve: Any) -> Response:
        serve()
        return Response(status, {}, body)

    return turn


_MISSING = b'{"error":"order not found"}'
_NOTHING: list[tuple[int, bytes]] = [
    (400, b""),
    (400, b"{}"),
    (400, b'{"error":""}'),
    (404, b""),
    (404, b'{"error":""}'),
    (404, _MISSING),
    (404, b'{"error":"what"}'),
    (400, _MISSING),
]


@pytest.mark.parametrize(("status", "body"), _NOTHING)
def test_fault_18_not_found_and_nothing_said_are_looked_up_before_they_are_believed(
    scene: Scene, status: int, body: bytes
) -> None:
    order = scene.trader.rest(scene.market)
    scene.then(after(status, body))
    assert scene.trader.cancel_order(order.order_id).status is OrderStatus.CANCELED
    orders = [scene.trader.rest(scene.market) for _ in range(2)]
    scene.then(after(status, body))
    results = scene.trader.cancel_orders([x.order_id for x in orders])
    assert [r.order and r.order.status for r in results] == [OrderStatus.CANCELED] * 2


@pytest.mark.parametrize(("status", "body"), _NOTHING)
def test_fault_19_what_rests_after_not_found_or_nothing_said_still_counts(
    one: Scene, status: int, body: bytes
) -> None:
    order = one.trader.rest(one.market)
    one.always(lambda _, __: Response(status, {}, body))
    with pytest.raises(UnifiedExchangesError, match="counts as open") as caught:
        one.trader.cancel_order(order.order_id)
    assert caught.value.maybe_executed
    (result,) = one.trader.cancel_orders([order.order_id])
    assert result.error.maybe_executed


def test_fault_19_not_found_while_nothing_can_be_read_is_in_doubt(one: Scene) -> None:
    order = one.trader.rest(one.market)
    one.then(answer(404, {"error": "order not found"}))
    one.trader.suffer("503", 1000, reads=True, writes=False)
    with pytest.raises(OrderNotFound, match="counts as open") as caught:
        one.trader.cancel_order(order.order_id)
    assert caught.value.maybe_executed


# -- several ---------------------------------------------------------------------------


def test_fault_20_many_are_cancelled_as_the_signers_bucket_allows(scene: Scene) -> None:
    trader = scene.trader
    ids = [trader.rest(scene.market).order_id for _ in range(125)]
    results = trader.cancel_orders(ids)
    assert [r.order.status for r in results] == [OrderStatus.CANCELED] * 125
    assert [len(x) for x in scene.bodies if isinstance(x, list)] == [120, 5]


def test_fault_20_no_cancel_holds_more_ids_than_the_venue_takes(scene: Scene) -> None:
    # Of an elite signer the bucket would let 1800 pass at once.
    fast = LimitPolicy(buckets={"cancels": (1200, 1800)}, discover=False)
    other = scene.another(limits=fast)
    ids = [f"0x{number:064x}" for number in range(1, 1002)]
    scene.always(answer(200, {"canceled": [], "not_canceled": {}}))
    results = other.cancel_orders(ids)
    assert {type(x.error) for x in results} == {OrderNotFound}
    sizes = [len(msgspec.json.decode(x.body)) for x in other.writes if x.body]
    assert sizes == [1000, 1]


def test_fault_20_each_of_several_has_a_result_of_its_own(scene: Scene) -> None:
    trader = scene.trader
    resting, filled = trader.rest(scene.market), trader.lift(scene.market, 10)
    missing = scene.ground.missing_order
    ids = [resting.order_id, filled.order_id, missing, "no-id", resting.order_id]
    results = trader.cancel_orders(ids)
    assert [r.order_id for r in results] == ids
    assert [r.order.status for r in results[:2]] == [
        OrderStatus.CANCELED,
        OrderStatus.CLOSED,
    ]
    assert [type(r.error) for r in results[2:4]] == [OrderNotFound] * 2
    assert results[4].order == results[0].order


def test_fault_24_several_are_cancelled_before_anything_is_read(scene: Scene) -> None:
    ids = [scene.trader.rest(scene.market).order_id for _ in range(3)]
    other = scene.another()
    results = other.cancel_orders(ids)
    assert [r.order.status for r in results] == [OrderStatus.CANCELED] * 3
    assert [x.method for x in other.transport.requests] == ["DELETE", *["GET"] * 3]


def test_fault_24_several_are_cancelled_while_nothing_can_be_read(scene: Scene) -> None:
    ids = [scene.trader.rest(scene.market).order_id for _ in range(2)]
    other = scene.another()
    other.suffer("503", 100_000, reads=True, writes=False)
    results = other.cancel_orders(ids)
    for result in results:
        assert f"{result.order_id} is cancelled, but what" in str(result.error)
        assert result.error.maybe_executed
    assert paths(scene, other) == ["DELETE orders"]


@pytest.mark.parametrize("told", ["none", "absent", "lost", "unreadable"])
def test_fault_19_of_several_that_cannot_be_read_each_counts_as_open(
    scene: Scene, told: str
) -> None:
    ids = [scene.trader.rest(scene.market).order_id for _ in range(3)]
    turns = {
        "none": answer(200, {"canceled": [], "not_canceled": dict.fromkeys(ids, "x")}),
        "absent": answer(404, {"error": "order not found"}),
        "lost": lost,
        "unreadable": answer(200, ["what"]),
    }
    scene.always(turns[told])
    scene.trader.suffer("503", 100_000, reads=True, writes=False)
    began = scene.ground.clock.monotonic()
    results = scene.trader.cancel_orders(ids)
    # The reads of one are tried for some time, those of the others are given up.
    assert scene.ground.clock.monotonic() - began < 100
    for result in results:
        (named,) = {x for x in ids if f"order {x} counts as open" in str(result.error)}
        assert named == result.order_id
        assert "could not be read" in str(result.error)
        assert result.error.maybe_executed


def disabled_for(length: int) -> Any:
    """Batches of so many ids are refused, others are served."""
    refused = answer(503, {"error": "Trading is currently disabled"})

    def turn(request: Any, serve: Any) -> Response:
        assert request.body is not None
        is_refused = len(msgspec.json.decode(request.body)) == length
        response: Response = refused(request, serve) if is_refused else serve()
        return response

    return turn


def test_fault_19_what_one_batch_met_is_not_said_of_the_next(one: Scene) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(121)]
    one.always(disabled_for(120))
    *refused, last = one.trader.cancel_orders(ids)
    assert {type(r.error) for r in refused} == {OnMaintenance}
    assert last.order.status is OrderStatus.CANCELED


def test_fault_19_a_batch_that_was_refused_is_not_in_doubt_where_reads_fail(
    one: Scene,
) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(121)]
    one.always(disabled_for(1))
    one.trader.suffer("503", 100_000, reads=True, writes=False)
    *cancelled, last = one.trader.cancel_orders(ids)
    assert all("is cancelled" in str(r.error) for r in cancelled)
    assert all(r.error.maybe_executed for r in cancelled)
    assert isinstance(last.error, OnMaintenance)
    assert not last.error.maybe_executed


def test_several_that_were_never_seen_and_are_told_no_more_are_no_success(
    one: Scene,
) -> None:
    one.then(answer(200, {"canceled": [one.ground.missing_order]}))
    (result,) = one.trader.cancel_orders([one.ground.missing_order])
    assert result.order is None
    with pytest.raises(ExchangeError, match=r"is cancelled.*fetch_fills"):
        raise result.error


def test_one_of_several_on_another_market_than_said_is_refused_unsent(
    one: Scene,
) -> None:
    order = one.trader.rest(one.market)
    other = next(m for m in one.trader.fetch_markets() if m != one.market)
    (result,) = one.trader.cancel_orders([order.order_id], market_id=other.market_id)
    assert isinstance(result.error, BadRequest)
    assert paths(one) == ["POST order"]


@pytest.mark.parametrize("wrong", ["0x1", 5, None])
def test_cancel_orders_takes_a_list(one: Scene, wrong: Any) -> None:
    with pytest.raises(BadRequest, match="list of order ids"):
        one.trader.cancel_orders(wrong)


def test_fault_20_what_a_batch_does_not_cancel_is_read(one: Scene) -> None:
    first, second = (one.trader.rest(one.market) for _ in range(2))
    reasons = {second.order_id: "the order is delayed and cannot be canceled"}
    one.then(
        answer(200, {"canceled": [first.order_id], "not_canceled": reasons}),
    )
    results = one.trader.cancel_orders([first.order_id, second.order_id])
    # The first was told cancelled, and is not shown so.
    assert "not shown as cancelled" in str(results[0].error)
    assert "delayed" in str(results[1].error)


def test_fault_20_an_answer_that_cannot_be_read_is_looked_into_one_by_one(
    one: Scene,
) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(3)]
    one.then(answer(200, ["what"]))
    results = one.trader.cancel_orders(ids)
    assert [r.order.status for r in results] == [OrderStatus.CANCELED] * 3


def test_fault_19_cancels_that_never_arrive_count_as_open(one: Scene) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(3)]
    one.always(unheard)
    results = one.trader.cancel_orders(ids)
    assert all(isinstance(r.error, NetworkError) for r in results)
    assert all(r.error.maybe_executed for r in results)


def test_fault_19_lost_answers_of_several_are_read(one: Scene) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(3)]
    one.always(lost)
    results = one.trader.cancel_orders(ids)
    assert [r.order.status for r in results] == [OrderStatus.CANCELED] * 3


@pytest.mark.parametrize("told", ["unheard", "unreadable"])
def test_fault_24_orders_whose_cancel_was_lost_are_not_read_one_by_one(
    scene: Scene, told: str
) -> None:
    """Meanwhile none of them would be cancelled."""
    ids = [scene.trader.rest(scene.market).order_id for _ in range(20)]
    if told == "unreadable":
        scene.then(answer(200, ["what"]))
    scene.always(unheard)
    before = len(scene.trader.transport.requests)
    results = scene.trader.cancel_orders(ids)
    asked = [x.url for x in scene.trader.transport.requests[before:]]
    assert sum("/data/order/" in url for url in asked) <= 5
    for result in results:
        assert f"order {result.order_id} counts as open" in str(result.error)
        assert result.error.maybe_executed
    scene.relieve()
    done = scene.trader.cancel_orders(ids)
    assert [r.order.status for r in done] == [OrderStatus.CANCELED] * 20


@pytest.mark.parametrize("ends", [True, False])
def test_fault_19_a_cancel_that_is_refused_for_speed_is_as_the_venue_shows_it(
    one: Scene, *, ends: bool
) -> None:
    """An earlier try of it may have come first."""
    resting = one.trader.rest(one.market)

    def busy(_: Any, serve: Any) -> Response:
        if ends:
            serve()
        return Response(429, {}, b'{"error":"too many requests"}')

    one.always(busy)
    if ends:
        done = one.trader.cancel_order(resting.order_id)
        assert done.status is OrderStatus.CANCELED
        return
    with pytest.raises(RateLimitExceeded) as caught:
        one.trader.cancel_order(resting.order_id)
    assert caught.value.maybe_executed


@pytest.mark.parametrize("told", ["all", "none", "absent"])
def test_fault_27_several_that_are_not_shown_as_ended_are_waited_for_once(
    scene: Scene, told: str
) -> None:
    trader = scene.trader
    ids = [trader.rest(scene.market).order_id for _ in range(12)]
    answers = {
        "all": (200, {"canceled": ids, "not_canceled": {}}),
        "none": (200, {"canceled": [], "not_canceled": {}}),
        "absent": (404, {"error": "order not found"}),
    }
    status, payload = answers[told]
    scene.always(answer(status, payload))
    before = scene.ground.clock.monotonic()
    results = trader.cancel_orders(ids)
    assert all(r.error is not None for r in results)
    assert scene.ground.clock.monotonic() - before < 3


def test_fault_27_the_last_of_several_is_read_after_all_patience(one: Scene) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(3)]
    clock, serve = one.ground.clock, one.ground.venue.handle
    begun = clock.monotonic()
    stale = {x: msgspec.json.encode(dict(one.trader.fetch_order(x).raw)) for x in ids}

    def lagging(request: Any) -> Any:
        name = request.url.rpartition("/")[2]
        if "/data/order/" in request.url and clock.monotonic() - begun < 2:
            return Response(200, {}, stale[name])
        return serve(request)

    one.ground.venue.handle = lagging  # type: ignore[method-assign]
    results = one.trader.cancel_orders(ids)
    assert [r.order.status for r in results] == [OrderStatus.CANCELED] * 3


def test_fault_20_what_is_refused_for_all_is_told_of_each(one: Scene) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(3)]
    one.always(answer(400, {"error": "what"}))
    results = one.trader.cancel_orders(ids)
    assert [type(r.error) for r in results] == [BadRequest] * 3
    assert not any(r.error.maybe_executed for r in results)


def test_fault_19_reading_is_given_up_for_all_if_nothing_answers(one: Scene) -> None:
    ids = [one.trader.rest(one.market).order_id for _ in range(3)]
    one.trader.suffer("503", 100_000, reads=True, writes=False)
    results = one.trader.cancel_orders(ids)
    assert ["is cancelled" in str(r.error) for r in results] == [True] * 3
    # Those of one order were tried again, those of the others never.
    reads = [x.url for x in one.trader.transport.requests if x.method == "GET"]
    assert not [x for x in reads if "/data/order/" in x and ids[2] in x]


# -- all -------------------------------------------------------------------------------


def test_all_of_a_market_go_by_the_venues_own_request(scene: Scene) -> None:
    trader = scene.trader
    other = next(
        m for m in scene.markets(lambda x: not x.seconds_delay) if m != scene.market
    )
    gone = {trader.rest(scene.market).order_id for _ in range(2)}
    kept = trader.rest(other)
    report = trader.cancel_all_orders(market_id=scene.market.market_id)
    assert report.is_complete
    assert {o.order_id for o in report.canceled} == gone
    assert [o.order_id for o in trader.fetch_open_orders()] == [kept.order_id]
    assert paths(scene)[-1] == "DELETE cancel-market-orders"
    assert scene.bodies[-1] == {"market": scene.market.market_id}


def test_all_go_by_the_venues_own_request(scene: Scene) -> None:
    gone = {scene.trader.rest(scene.market).order_id for _ in range(3)}
    report = scene.another().cancel_all_orders()
    assert report.is_complete
    assert {o.order_id for o in report.canceled} == gone


def test_cancelling_all_of_nothing_is_complete(one: Scene) -> None:
    report = one.trader.cancel_all_orders()
    assert (report.is_complete, report.canceled) == (True, ())


def test_fault_20_what_the_venue_leaves_is_cancelled_by_its_ids(one: Scene) -> None:
    gone = {one.trader.rest(one.market).order_id for _ in range(3)}
    one.then(answer(503, {"error": "could not"}), *[answer(503, {"error": "x"})] * 4)
    report = one.trader.cancel_all_orders()
    assert report.is_complete
    assert {o.order_id for o in report.canceled} == gone
    assert "DELETE orders" in paths(one)


def test_fault_20_what_one_round_leaves_the_next_one_cancels(one: Scene) -> None:
    gone = [one.trader.rest(one.market).order_id for _ in range(3)]
    other = one.another()

    def busy(_: Request, __: Callable[[], Response]) -> Response:
        # Another program cancels the first of them, and this cancel does nothing.
        other.cancel_order(gone[0])
        refused = {"canceled": [], "not_canceled": dict.fromkeys(gone, "busy")}
        return Response(200, {}, msgspec.json.encode(refused))

    one.then(answer(400, {"error": "what"}), busy)
    report = one.trader.cancel_all_orders()
    assert report.is_complete
    assert {x.order_id for x in report.canceled} == {*gone}
    assert report.errors == ()


def test_fault_19_what_cannot_be_cancelled_is_reported_with_the_reasons(
    one: Scene,
) -> None:
    left = {one.trader.rest(one.market).order_id for _ in range(3)}
    one.always(answer(400, {"error": "what"}))
    report = one.trader.cancel_all_orders()
    assert not report.is_complete
    assert {o.order_id for o in report.remaining} == left
    assert (report.canceled, len(report.errors)) == ((), 4)


def test_fault_27_an_order_that_no_list_shows_yet_is_cancelled_too(one: Scene) -> None:
    order = one.trader.rest(one.market)
    serve = one.ground.venue.handle

    def blind(request: Any) -> Any:
        if request.url.endswith("/data/orders"):
            return Response(200, {}, b'{"data":[],"next_cursor":"LTE="}')
        return serve(request)

    one.ground.venue.handle = blind  # type: ignore[method-assign]
    one.advance(9)
    report = one.trader.cancel_all_orders(market_id=one.market.market_id)
    assert [o.order_id for o in report.canceled] == [order.order_id]


def delayed(scene: Scene, seconds: int) -> Order:
    """An order that takes, held back for so long before it trades: no list shows it."""
    (market, *_) = scene.markets(lambda x: bool(x.seconds_delay))
    object.__setattr__(scene.listed(market), "seconds_delay", seconds)
    order: Order = scene.trader.lift(market, 10, outcome=market.outcomes[0].label)
    assert order.is_open
    assert scene.trader.fetch_open_orders() == []
    return order


def test_fault_19_an_order_that_a_delay_holds_is_not_told_as_cancelled(
    scene: Scene,
) -> None:
    order, gone = delayed(scene, 60), scene.trader.rest(scene.market)
    began = scene.ground.clock.now()
    report = scene.trader.cancel_all_orders()
    assert [x.order_id for x in report.remaining] == [order.order_id]
    assert [x.order_id for x in report.canceled] == [gone.order_id]
    assert not report.is_complete
    assert "delayed" in str(report.errors[0])
    assert scene.ground.clock.now() - began < 4.5
    scene.advance(60)
    assert scene.trader.fetch_order(order.order_id).filled == 10


def test_fault_19_a_delay_that_ends_meanwhile_is_waited_for(scene: Scene) -> None:
    order = delayed(scene, 3)
    report = scene.trader.cancel_all_orders()
    assert [(x.order_id, x.filled) for x in report.canceled] == [(order.order_id, 10)]
    assert report.is_complete


def test_fault_19_what_rests_of_an_order_after_a_delay_is_cancelled(
    scene: Scene,
) -> None:
    (market, *_) = scene.markets(lambda x: bool(x.seconds_delay))
    book = scene.trader.fetch_order_book(market.market_id)
    size = book.ask.size + 5
    terms = (market.market_id, book.outcome, "buy", book.ask.price, size)
    order = scene.trader.create_order(*terms)
    assert scene.trader.fetch_open_orders() == []
    report = scene.trader.cancel_all_orders()
    assert report.is_complete
    [gone] = report.canceled
    assert (gone.order_id, gone.status) == (order.order_id, OrderStatus.CANCELED)
    assert gone.filled == size - 5
    assert scene.trader.fetch_open_orders() == []


def unlisted(scene: Scene, response: Response) -> None:
    """From now on the list of open orders answers this."""
    serve = scene.ground.venue.handle

    def failing(request: Any) -> Any:
        return response if request.url.endswith("/data/orders") else serve(request)

    scene.ground.venue.handle = failing  # type: ignore[method-assign]


_UNREADABLE = [
    pytest.param(Response(503, {}, b""), id="failing"),
    pytest.param(Response(200, {}, b'{"data":[{"id":"0x1"}]}'), id="unreadable"),
]


@pytest.mark.parametrize("listing", _UNREADABLE)
@pytest.mark.parametrize("of_market", [True, False])
def test_fault_25_a_list_that_fails_is_no_report_and_keeps_no_cancel_back(
    scene: Scene, listing: Response, *, of_market: bool
) -> None:
    order = scene.trader.rest(scene.market)
    unlisted(scene, listing)
    which = {"market_id": scene.market.market_id} if of_market else {}
    before = scene.ground.clock.monotonic()
    with pytest.raises(UnifiedExchangesError, match="what is left could") as caught:
        scene.trader.cancel_all_orders(**which)
    assert caught.value.maybe_executed
    (sent,) = [x for x in scene.trader.transport.requests if x.method == "DELETE"]
    name = "cancel-market-orders" if of_market else "cancel-all"
    assert sent.url.endswith(name)
    asked = [x.url for x in scene.trader.transport.requests]
    assert not any("/data/orders" in x for x in asked[: asked.index(sent.url)])
    assert not scene.trader.fetch_order(order.order_id).is_open
    assert scene.ground.clock.monotonic() - before < 10


@pytest.mark.parametrize("listing", _UNREADABLE)
def test_fault_24_a_halt_cancels_though_no_list_can_be_read(
    scene: Scene, listing: Response
) -> None:
    order = scene.trader.rest(scene.market)
    unlisted(scene, listing)
    report = scene.trader.halt("because", deadline=5.0)
    assert not report.is_complete
    assert report.errors
    assert [x.order_id for x in report.canceled] == [order.order_id]
    assert report.remaining == ()


def test_fault_24_where_neither_the_cancel_of_all_nor_the_list_works_ids_do(
    scene: Scene,
) -> None:
    orders = {scene.trader.rest(scene.market).order_id for _ in range(2)}
    scene.advance(60)
    unlisted(scene, Response(503, {}, b""))

    def refused(request: Any, serve: Any) -> Any:
        is_all = request.url.endswith("cancel-all")
        return Response(503, {}, b"") if is_all else serve()

    scene.always(refused)
    with pytest.raises(UnifiedExchangesError, match=r"the 2 orders .* 2 took effect"):
        scene.trader.cancel_all_orders()
    assert {*scene.bodies[-1]} == orders
    assert not any(scene.trader.fetch_order(x).is_open for x in orders)


def test_a_cancel_of_a_market_that_is_none_is_no_success(scene: Scene) -> None:
    with pytest.raises(MarketNotFound):
        scene.trader.cancel_all_orders(market_id=scene.ground.missing_market)


def test_fault_25_fills_that_cannot_be_read_are_told(one: Scene) -> None:
    for _ in range(3):
        one.trader.rest(one.market)
    serve = one.ground.venue.handle

    def failing(request: Any) -> Any:
        if "/data/order/" in request.url:
            return Response(503, {}, b"")
        return serve(request)

    one.ground.venue.handle = failing  # type: ignore[method-assign]
    report = one.trader.cancel_all_orders()
    assert (report.canceled, report.remaining) == ((), ())
    assert len({str(x) for x in report.errors}) == 3
    assert all("is in no list of open orders" in str(x) for x in report.errors)
    assert all(x.maybe_executed for x in report.errors)
    assert not report.is_complete


# -- the dead man's switch -------------------------------------------------------------


def test_orders_live_as_long_as_heartbeats_come(scene: Scene) -> None:
    trader = scene.trader
    order = trader.rest(scene.market)
    for _ in range(4):
        trader.cancel_all_orders_after(10)
        scene.advance(8)
    assert trader.fetch_order(order.order_id).is_open
    scene.advance(20)
    assert not trader.fetch_order(order.order_id).is_open


def test_a_heartbeat_of_another_object_is_taken_over(scene: Scene) -> None:
    first, second = scene.trader, scene.another()
    first.cancel_all_orders_after(10)
    second.cancel_all_orders_after(10.0)
    first.cancel_all_orders_after(10)
    beats = [msgspec.json.decode(r.body)["heartbeat_id"] for r in second.writes]
    assert beats[0] == ""
    assert len(beats) == 2


@pytest.mark.parametrize("seconds", [5, 60, 0, -1, True, "10"])
def test_other_times_are_not_the_venues(one: Scene, seconds: Any) -> None:
    with pytest.raises(BadRequest, match="10 seconds after"):
        one.trader.cancel_all_orders_after(seconds)
    assert one.trader.writes == []


def test_it_cannot_be_ended(one: Scene) -> None:
    with pytest.raises(NotSupported, match="Call no more"):
        one.trader.cancel_all_orders_after(None)


def test_who_may_not_write_sends_no_heartbeat(one: Scene) -> None:
    careful = one.another(environment="production")
    with pytest.raises(ReadOnly):
        careful.cancel_all_orders_after(10)


def test_another_refusal_of_a_heartbeat_is_an_error(one: Scene) -> None:
    one.always(answer(400, {"error": "what"}))
    with pytest.raises(BadRequest):
        one.trader.cancel_all_orders_after(10)
    one.relieve()
    one.always(answer(400, {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": "x"}))
    with pytest.raises(BadRequest, match="Invalid Heartbeat"):
        one.trader.cancel_all_orders_after(10)
    assert len(one.trader.writes) == 3


def test_heartbeats_cost_no_order_and_no_cancel(one: Scene) -> None:
    one.trader.cancel_all_orders_after(10)
    assert not {"orders", "cancels"} & set(one.trader.exchange.venue.buckets)
