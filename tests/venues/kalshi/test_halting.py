"""Halts on the simulated Kalshi: groups, many orders, what waits, and what is in doubt."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.flavours import FLAVOURS
from tests.venues.kalshi.ground import KalshiGround, key_pair
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    ExchangeNotAvailable,
    Halted,
    InvalidOrder,
    JournalError,
    OrderUnknown,
    ReadOnly,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market, OrderRequest
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
CREATE = "/portfolio/events/orders"

Meet = Callable[[Request, Callable[[], Response]], Response]


class Scene:
    """A funded client of one flavour, a market, and what the venue was asked."""

    def __init__(self, flavour: str) -> None:
        self.ground = KalshiGround(enforce_limits=False)
        self.flavour = flavour
        self.client: Trader = self.ground.trader(flavour, limits=FREE)
        self.others: list[Trader] = []
        self.market: Market = self.client.quoted_market()
        self.served = self.ground.venue.handle

    @property
    def asked(self) -> list[str]:
        """Method and path of the writes, in order."""
        return [f"{r.method} {_path(r)}" for r in self.client.writes]

    @property
    def creates(self) -> int:
        """How many creates the venue was asked for."""
        return len([x for x in self.asked if x.startswith("POST")])

    def order(self, **more: Any) -> OrderRequest:
        terms: dict[str, Any] = {
            "market_id": self.market.market_id,
            "outcome": "yes",
            "side": "buy",
            "price": self.market.grid.lowest,
            "size": 1,
            **more,
        }
        return OrderRequest(**terms)

    def on(self, wanted: str, meet: Meet, count: int = 1) -> None:
        """Let the next requests with such a method and path meet something."""
        venue = self.ground.venue
        serve = venue.handle
        left = [count]

        def handle(request: Request) -> Response:
            if left[0] and f"{request.method} {_path(request)}".startswith(wanted):
                left[0] -= 1
                return meet(request, lambda: serve(request))
            return serve(request)

        venue.handle = handle  # type: ignore[method-assign]

    def stop(self) -> None:
        self.client.exchange.stop_new_orders("meanwhile")

    def another(self, flavour: str | None = None, **settings: Any) -> Trader:
        """Another object of the same account, closed with the test."""
        made = self.ground.trader(flavour or self.flavour, limits=FREE, **settings)
        self.others.append(made)
        return made

    def joined(self) -> Any:
        """An order of ours that joins the best bid, behind what rests there."""
        return self.client.rest(self.market, "2", price=self.market.bid)

    def fill(self) -> None:
        """Somebody else sells to the whole best bid, up to our order."""
        seller = self.stranger()
        best = seller.fetch_order_book(self.market.market_id).bid
        seller.create_order(self.market.market_id, "yes", "sell", best.price, best.size)

    def stranger(self) -> Any:
        """Another account of the same venue."""
        key = self.ground.kalshi.add_account(public_key=key_pair().public_key)
        return self.ground.trader("blocking", limits=FREE, api_key=key.key_id)


def _path(request: Request) -> str:
    return request.url.partition("/trade-api/v2")[2]


@pytest.fixture(params=FLAVOURS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene(request.param)
    yield made
    for other in made.others:
        other.do(other.exchange.aclose if other.is_async else other.exchange.close)


# -- many, filled, grouped ----------------------------------------------------------


def test_fault_24_five_hundred_resting_orders_are_all_canceled(scene: Scene) -> None:
    for _ in range(25):
        results = scene.client.create_orders([scene.order()] * 20)
        assert [r.error for r in results if r.error] == []
    report = scene.client.halt("because")
    assert report.is_complete
    assert len(report.canceled) == 500
    assert scene.client.fetch_open_orders() == []


def test_fault_24_43_cancels_have_their_reserve_in_a_limiter_that_is_used_up() -> None:
    ground = KalshiGround()
    client = ground.trader("blocking")
    market = client.quoted_market()
    for _ in range(30):
        client.rest(market, "1")
    begun = ground.clock.monotonic()
    report = client.halt("because")
    assert report.is_complete
    assert len(report.canceled) == 30
    assert ground.clock.monotonic() - begun < 5


_UNREADABLE = [
    pytest.param(Response(503, {}, b""), id="failing"),
    pytest.param(Response(200, {}, b'{"orders":[{"order_id":1}]}'), id="unreadable"),
]


@pytest.mark.parametrize("listing", _UNREADABLE)
@pytest.mark.parametrize("name", ["halt", "cancel_all_orders"])
def test_fault_24_25_a_list_that_fails_keeps_no_cancel_back_of_what_is_known(
    scene: Scene, listing: Response, name: str
) -> None:
    orders = {scene.client.rest(scene.market, "2").order_id for _ in range(2)}
    scene.ground.clock.advance(60)
    scene.on("GET /portfolio/orders", lambda _, __: listing, 100_000)
    if name == "halt":
        report = scene.client.halt("because", deadline=10.0)
        assert not report.is_complete
        assert report.errors
    else:
        with pytest.raises(UnifiedExchangesError) as caught:
            scene.client.cancel_all_orders()
        assert caught.value.maybe_executed
    shown = scene.another()
    scene.ground.venue.handle = scene.served  # type: ignore[method-assign]
    assert shown.fetch_open_orders() == []
    assert {x.order_id for x in shown.fetch_closed_orders()} >= orders


def test_fault_24_a_list_that_does_not_answer_keeps_cancels_back_for_two_seconds(
    scene: Scene,
) -> None:
    scene.client.rest(scene.market, "2")
    scene.ground.clock.advance(60)
    clock, sent = scene.ground.clock, list[float]()
    begun = clock.monotonic()

    def silent(request: Request, _: Callable[[], Response]) -> Response:
        clock.advance(request.timeout)
        raise ConnectionLost("nothing came")

    def cancel(_: Request, serve: Callable[[], Response]) -> Response:
        sent.append(clock.monotonic() - begun)
        return serve()

    scene.on("GET /portfolio/orders", silent, 100_000)
    scene.on("DELETE", cancel, 100_000)
    scene.client.halt("because", deadline=20.0)
    assert sent[0] < 2.5


def test_fault_24_an_order_that_only_the_stream_told_is_canceled_where_no_list_is(
    scene: Scene,
) -> None:
    order = scene.another().rest(scene.market, "2")
    scene.client.exchange._calls.tracker.hear_order(order)

    def unlisted(request: Request, serve: Callable[[], Response]) -> Response:
        is_list = _path(request) == "/portfolio/orders"
        return Response(503, {}, b"") if is_list else serve()

    scene.on("GET /portfolio/orders", unlisted, 100_000)
    report = scene.client.halt("because", deadline=10.0)
    assert [x.order_id for x in report.canceled] == [order.order_id]
    scene.ground.venue.handle = scene.served  # type: ignore[method-assign]
    assert scene.client.fetch_open_orders() == []


def test_fault_24_18_an_order_that_fills_meanwhile_is_reported_as_filled(
    scene: Scene,
) -> None:
    resting = scene.joined()

    def fill(_: Request, serve: Callable[[], Response]) -> Response:
        scene.fill()
        return serve()

    scene.on("DELETE", fill)
    report = scene.client.halt("because")
    assert report.is_complete
    assert [o.order_id for o in report.filled] == [resting.order_id]
    assert report.canceled == ()
    assert [(x.market_id, x.size) for x in report.positions or ()] == [
        (scene.market.market_id, 2)
    ]


def test_an_order_that_filled_before_is_read_as_it_ended(scene: Scene) -> None:
    resting = scene.joined()
    scene.fill()
    scene.ground.clock.advance(60)
    report = scene.client.halt("because")
    assert [o.order_id for o in report.filled] == [resting.order_id]
    assert scene.asked == [f"POST {CREATE}"]


@pytest.mark.parametrize("status", [500, 403])
def test_fault_24_25_an_order_that_cannot_be_read_is_reported_as_not_known(
    scene: Scene, status: int
) -> None:
    resting = scene.joined()
    scene.fill()
    scene.ground.clock.advance(60)

    def fail(_: Request, __: Callable[[], Response]) -> Response:
        return Response(status, {}, b"")

    scene.on(f"GET /portfolio/orders/{resting.order_id}", fail, count=1000)
    report = scene.client.halt("because", deadline=20.0)
    assert not report.is_complete
    assert (report.filled, report.canceled) == ((), ())
    told = f"how order {resting.order_id} ended is not known"
    assert any(told in str(error) for error in report.errors)


def test_fault_24_04_an_order_in_doubt_that_filled_is_reported_as_filled(
    scene: Scene,
) -> None:
    late: list[Callable[[], Response]] = []

    def lose(_: Request, serve: Callable[[], Response]) -> Response:
        late.append(serve)
        scene.stop()
        raise ConnectionLost("connection reset by peer")

    scene.on("POST", lose)
    with pytest.raises(OrderUnknown):
        scene.client.lift(scene.market, client_order_id="late")
    late[0]()
    report = scene.client.halt("because")
    assert report.is_complete
    assert [o.client_order_id for o in report.filled] == ["late"]


def group_of(scene: Scene, limit: int = 100) -> str:
    made = scene.client.request(
        "POST", "/portfolio/order_groups/create", body={"contracts_limit": limit}
    )
    name: str = made["order_group_id"]
    return name


def test_an_order_group_is_triggered_before_anything_else(scene: Scene) -> None:
    group = group_of(scene)
    inside = [scene.order(params={"order_group_id": group}) for _ in range(12)]
    scene.client.create_orders(inside)
    alone = scene.client.rest(scene.market)
    before = len(scene.asked)
    report = scene.client.halt("because")
    assert report.is_complete
    assert len(report.canceled) == 13
    assert alone.order_id in {o.order_id for o in report.canceled}
    assert scene.asked[before:] == [
        f"PUT /portfolio/order_groups/{group}/trigger",
        f"DELETE {CREATE}/batched",
    ]
    state = scene.client.request("GET", f"/portfolio/order_groups/{group}")
    assert state["is_auto_cancel_enabled"]


def test_orders_of_a_group_that_cannot_be_triggered_are_canceled_one_by_one(
    scene: Scene,
) -> None:
    group = group_of(scene)
    scene.client.create_orders([scene.order(params={"order_group_id": group})] * 6)

    def refuse(_: Request, __: Callable[[], Response]) -> Response:
        return Response(404, {}, b'{"error":{"code":"not_found"}}')

    scene.on("PUT", refuse)
    report = scene.client.halt("because")
    assert report.is_complete
    assert len(report.canceled) == 6


def test_orders_of_a_group_that_reads_do_not_show_yet_are_canceled_one_by_one(
    scene: Scene,
) -> None:
    group = group_of(scene)
    scene.client.create_orders([scene.order(params={"order_group_id": group})] * 6)

    def fail(_: Request, __: Callable[[], Response]) -> Response:
        return Response(500, {}, b"")

    # The look whether reads have caught up, with all its tries.
    scene.on("GET /exchange/user_data_timestamp", fail, count=5)
    report = scene.client.halt("because")
    assert report.is_complete
    assert len(report.canceled) == 6


# -- in the middle of a create --------------------------------------------------------


def test_fault_24_06_a_create_in_doubt_is_not_sent_again(scene: Scene) -> None:
    def meet(_: Request, serve: Callable[[], Response]) -> Response:
        serve()
        scene.stop()
        return Response(503, {}, b"")

    scene.on("POST", meet)
    placed = scene.client.rest(scene.market)
    assert (scene.creates, placed.is_open) == (1, True)


def test_fault_24_01_a_create_that_never_left_is_not_sent_again(scene: Scene) -> None:
    def meet(_: Request, __: Callable[[], Response]) -> Response:
        scene.stop()
        raise ConnectionLost("connection refused", sent=False)

    scene.on("POST", meet)
    with pytest.raises(Halted) as caught:
        scene.client.rest(scene.market, client_order_id="mine")
    assert caught.value.client_order_id == "mine"
    assert caught.value.maybe_executed is False
    assert scene.creates == 1
    assert scene.client.unresolved_intents() == []
    assert scene.client.exchange.orders.unresolved == []


def test_fault_24_a_create_that_waits_for_a_read_is_not_sent(scene: Scene) -> None:
    fresh = scene.another()

    def meet(_: Request, serve: Callable[[], Response]) -> Response:
        fresh.exchange.stop_new_orders("meanwhile")
        return serve()

    scene.on("GET /markets/", meet)
    with pytest.raises(Halted):
        fresh.rest(scene.market)
    assert fresh.writes == []


def test_fault_24_a_batch_in_doubt_is_only_looked_for(scene: Scene) -> None:
    def meet(_: Request, serve: Callable[[], Response]) -> Response:
        serve()
        scene.stop()
        raise ConnectionLost("connection reset by peer")

    scene.on("POST", meet)
    results = scene.client.create_orders([scene.order(), scene.order(size=2)])
    assert [r.error for r in results] == [None, None]
    assert scene.creates == 1
    assert len(scene.client.halt("because").canceled) == 2


def test_fault_24_a_batch_that_never_left_is_not_sent_again(scene: Scene) -> None:
    def meet(_: Request, __: Callable[[], Response]) -> Response:
        scene.stop()
        raise ConnectionLost("connection refused", sent=False)

    scene.on("POST", meet)
    results = scene.client.create_orders([scene.order(), scene.order(size=2)])
    assert [type(r.error) for r in results] == [Halted, Halted]
    assert scene.creates == 1


def test_fault_24_a_batch_whose_markets_are_read_meanwhile_is_not_sent(
    scene: Scene,
) -> None:
    fresh = scene.another()

    def meet(_: Request, serve: Callable[[], Response]) -> Response:
        fresh.exchange.stop_new_orders("meanwhile")
        return serve()

    scene.on("GET /markets/", meet)
    results = fresh.create_orders([scene.order()])
    assert [type(r.error) for r in results] == [Halted]
    assert fresh.writes == []


def test_fault_24_21_a_change_in_doubt_is_not_sent_again(scene: Scene) -> None:
    resting = scene.client.rest(scene.market)

    def meet(_: Request, __: Callable[[], Response]) -> Response:
        scene.stop()
        raise ConnectionLost("connection reset by peer")

    scene.on("POST", meet)
    with pytest.raises(ConnectionLost, match="it was not sent again") as caught:
        scene.client.edit_order(resting.order_id, size="9")
    assert caught.value.maybe_executed
    assert scene.creates == 2


def test_fault_24_21_a_change_that_never_left_is_halted(scene: Scene) -> None:
    resting = scene.client.rest(scene.market)

    def meet(_: Request, __: Callable[[], Response]) -> Response:
        scene.stop()
        raise ConnectionLost("connection refused", sent=False)

    scene.on("POST", meet)
    with pytest.raises(Halted):
        scene.client.edit_order(resting.order_id, size="9")
    assert scene.creates == 2


def test_closing_a_position_is_an_order_too(scene: Scene) -> None:
    scene.client.lift(scene.market)
    scene.stop()
    with pytest.raises(Halted):
        scene.client.close_position(scene.market.market_id, max_slippage="0.02")
    assert scene.creates == 1


def test_fault_24_what_the_limiter_holds_is_refused_soon() -> None:
    async def main() -> tuple[list[object], float, bool]:
        ground = KalshiGround(enforce_limits=False)
        slow = LimitPolicy(buckets={"write": (10.0, 10.0)}, discover=False)
        client = ground.trader("async", limits=slow)
        exchange = client.exchange
        markets = await exchange.fetch_markets()
        market = next(m for m in markets if m.bid and m.ask)

        async def place() -> object:
            try:
                return await exchange.create_order(
                    market.market_id, "yes", "buy", market.grid.lowest, 1
                )
            except UnifiedExchangesError as error:
                return error

        tasks = [asyncio.create_task(place()) for _ in range(8)]
        for _ in range(4):
            await asyncio.sleep(0)
        begun = ground.clock.monotonic()
        report = await exchange.halt("because")
        ends = await asyncio.gather(*tasks)
        return list(ends), ground.clock.monotonic() - begun, report.is_complete

    ends, lasted, is_complete = asyncio.run(main())
    assert is_complete
    refused = [end for end in ends if isinstance(end, Halted)]
    assert len(refused) >= 3
    assert len(refused) == len([end for end in ends if isinstance(end, Exception)])
    assert lasted < 3.5


# -- raw requests -----------------------------------------------------------------------


def test_raw_requests_that_could_bring_an_order_are_refused(scene: Scene) -> None:
    group = group_of(scene)
    resting = scene.client.rest(scene.market)
    scene.stop()
    before = len(scene.asked)
    for method, path in [
        ("POST", CREATE),
        ("POST", f"{CREATE}/{resting.order_id}/amend"),
        ("PUT", f"/portfolio/order_groups/{group}/reset"),
        ("POST", "/communications/quotes"),
    ]:
        with pytest.raises(Halted, match=f"{method} {path}"):
            scene.client.request(method, path, body={})
    assert len(scene.asked) == before


def test_raw_requests_that_only_stop_go_on(scene: Scene) -> None:
    group = group_of(scene)
    resting = scene.client.rest(scene.market, "5")
    scene.stop()
    scene.client.request(
        "POST",
        f"{CREATE}/{resting.order_id}/decrease",
        body={"reduce_to": "1.00", "exchange_index": scene.market.shard},
    )
    scene.client.request("PUT", f"/portfolio/order_groups/{group}/trigger")
    scene.client.request("DELETE", f"/portfolio/order_groups/{group}")
    assert scene.client.fetch_order(resting.order_id).remaining == 1


def test_a_raw_write_that_failed_before_a_halt_is_in_doubt_and_not_repeated(
    scene: Scene,
) -> None:
    def meet(_: Request, __: Callable[[], Response]) -> Response:
        scene.stop()
        return Response(503, {}, b"")

    scene.on("POST", meet)
    with pytest.raises(ExchangeNotAvailable):
        scene.client.request("POST", CREATE, body={})
    assert scene.creates == 1


@pytest.mark.parametrize("is_lost", [True, False])
def test_fault_24_a_raw_write_counts_as_long_as_it_may_arrive(
    scene: Scene, is_lost: bool
) -> None:
    def meet(_: Request, go: Callable[[], Response]) -> Response:
        if is_lost:
            raise ConnectionLost("reset", sent=True)
        return Response(400, {}, b"{}")

    scene.on("POST", meet)
    with pytest.raises(UnifiedExchangesError):
        scene.client.request("POST", CREATE, body={})
    report = scene.client.halt("why", deadline=20)
    assert report.under_way == ((f"POST {CREATE}",) if is_lost else ())
    assert report.is_complete is not is_lost
    report = scene.client.halt("why", deadline=20)
    assert (report.under_way, report.is_complete) == ((), True)


# -- what goes wrong at home ----------------------------------------------------------


@pytest.mark.parametrize("deadline", [0, -1, float("inf"), float("nan"), "60", True])
def test_a_wrong_deadline_is_refused_and_halts_all_the_same(
    scene: Scene, deadline: Any
) -> None:
    with pytest.raises(BadRequest, match="everything is halted"):
        scene.client.halt("because", deadline=deadline)
    with pytest.raises(Halted):
        scene.client.rest(scene.market)


@pytest.mark.parametrize(
    ("given", "told"),
    [(None, "None"), ("  ", "no reason was given"), (ValueError("lost"), "lost")],
)
def test_whatever_is_given_as_reason_halts(scene: Scene, given: Any, told: str) -> None:
    assert scene.client.exchange.stop_new_orders(given).reason == told


@pytest.mark.parametrize("reason", ["", "  ", None, 7])
def test_a_halt_is_not_lifted_without_a_reason(scene: Scene, reason: Any) -> None:
    scene.stop()
    with pytest.raises(BadRequest, match="nothing was lifted"):
        scene.client.resume(reason)
    assert scene.client.exchange.halted is not None


def test_where_money_is_real_and_locked_the_report_says_so(scene: Scene) -> None:
    locked = scene.another(environment="production")
    scene.client.rest(scene.market)
    report = locked.halt("because")
    assert not report.is_complete
    assert [type(e) for e in report.errors] == [ReadOnly]


def test_a_key_that_the_venue_does_not_know_ends_the_trying(scene: Scene) -> None:
    stranger = scene.another(api_key="unknown-key-2468")
    begun = scene.ground.clock.monotonic()
    report = stranger.halt("because")
    assert not report.is_complete
    assert scene.ground.clock.monotonic() - begun < 10
    assert "NOT COMPLETE" in str(report)


def test_a_dry_run_halts_itself_and_cancels_nothing(
    scene: Scene, tmp_path: Any
) -> None:
    resting = scene.client.rest(scene.market)
    path = tmp_path / "orders.db"
    rehearsal = scene.another(dry_run=True, journal=path)
    rehearsal.halt("because")
    with pytest.raises(Halted):
        rehearsal.rest(scene.market)
    assert rehearsal.writes == []
    assert scene.client.fetch_order(resting.order_id).is_open
    other = scene.another(journal=path)
    assert other.rest(scene.market).is_open


# -- with a journal's file ------------------------------------------------------------


def test_fault_24_a_retry_in_another_process_heeds_the_halt(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    other = scene.another(journal=path)
    one = scene.another("blocking", journal=path)

    def meet(_: Request, __: Callable[[], Response]) -> Response:
        one.halt("because", deadline=1.0)
        raise ConnectionLost("connection reset by peer")

    scene.on("POST", meet)
    with pytest.raises(OrderUnknown, match="halted"):
        other.rest(scene.market, client_order_id="lost")
    assert len(other.writes) == 1
    assert other.exchange.halted.reason == "because"


def test_fault_24_a_batch_and_a_change_in_another_process_heed_the_halt(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    one, other = (scene.another(journal=path) for _ in range(2))
    resting = other.rest(scene.market)
    one.halt("because", cancel=False)
    sent = len(other.writes)
    (result,) = other.create_orders([scene.order()])
    assert isinstance(result.error, Halted)
    with pytest.raises(Halted):
        other.edit_order(resting.order_id, size="9")
    assert len(other.writes) == sent


def test_fault_24_a_change_of_what_a_halt_has_canceled_is_halted(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    one, other = (scene.another(journal=path) for _ in range(2))
    resting = other.rest(scene.market)
    one.halt("because")
    for trader in (one, other):
        with pytest.raises(Halted, match="because"):
            trader.edit_order(resting.order_id, size="9")
    assert len(other.writes) == 1


@pytest.mark.parametrize("sent", [True, False])
def test_fault_24_21_a_change_whose_order_is_canceled_by_a_halt_is_halted(
    scene: Scene, *, sent: bool
) -> None:
    resting = scene.client.rest(scene.market)
    elsewhere = scene.another("blocking")

    def meet(_: Request, __: Callable[[], Response]) -> Response:
        elsewhere.cancel_order(resting.order_id)
        scene.on(f"GET /portfolio/orders/{resting.order_id}", looked)
        raise ConnectionLost("connection reset by peer", sent=sent)

    def looked(_: Request, serve: Callable[[], Response]) -> Response:
        scene.stop()
        return serve()

    scene.on("POST", meet)
    with pytest.raises(Halted) as caught:
        scene.client.edit_order(resting.order_id, size="9", price="0.01", outcome="yes")
    assert caught.value.maybe_executed is sent


def test_fault_24_raw_requests_in_another_process_heed_the_halt(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    one, other = (scene.another(journal=path) for _ in range(2))
    resting = other.rest(scene.market, "5")
    one.halt("because", cancel=False)
    sent = len(other.writes)
    for method, where in [
        ("POST", CREATE),
        ("POST", f"{CREATE}/batched"),
        ("POST", f"{CREATE}/{resting.order_id}/amend"),
        ("POST", "/portfolio/order_groups/create"),
    ]:
        with pytest.raises(Halted, match=f"{method} {where}.*because"):
            other.request(method, where, body={})
    assert len(other.writes) == sent
    assert other.exchange.halted.reason == "because"
    other.request("DELETE", f"{CREATE}/{resting.order_id}")
    one.resume("looked")
    group = {"contracts_limit": 1}
    made = other.request("POST", "/portfolio/order_groups/create", body=group)
    assert made["order_group_id"]


def test_fault_24_a_raw_request_that_never_left_another_process_heeds_the_halt(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    other = scene.another(journal=path)
    one = scene.another("blocking", journal=path)

    def meet(_: Request, __: Callable[[], Response]) -> Response:
        one.halt("because", deadline=1.0)
        raise ConnectionLost("connection refused", sent=False)

    scene.on("POST", meet)
    with pytest.raises(Halted, match="because"):
        other.request("POST", CREATE, body={})
    assert len(other.writes) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_fault_12_24_a_journal_that_is_gone_lets_nothing_out_and_forgets_nothing(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    dead = scene.another(journal=path)
    dead.suffer("lost before", 1000)
    with pytest.raises(OrderUnknown):
        dead.rest(scene.market, client_order_id="left")
    other = opened(scene, path)
    path.unlink()
    acts: list[Callable[[], Any]] = [
        lambda: other.rest(scene.market),
        lambda: other.request("POST", CREATE, body={}),
        other.unresolved_intents,
        other.reconcile,
    ]
    for act in [*acts, *acts]:
        with pytest.raises(JournalError, match="was removed while it was in use"):
            act()
    assert other.writes == []
    assert not path.exists()
    left = [x.client_order_id for x in other.exchange.orders.unresolved]
    assert left == ["left"]


def test_fault_24_a_new_object_knows_the_halt_of_its_journal(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    scene.another(journal=path).halt("because")
    other = opened(scene, path)
    assert other.exchange.halted.reason == "because"
    assert scene.another(dry_run=True, journal=path).exchange.halted is None


def opened(scene: Scene, path: Any) -> Trader:
    """An object that was made, and has been told what its journal keeps."""
    made = scene.another(journal=path)
    if made.is_async:
        made.do(made.exchange.__aenter__)
    return made


def test_fault_24_a_batch_that_never_left_another_process_heeds_the_halt(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    other = scene.another(journal=path)
    one = scene.another("blocking", journal=path)

    def meet(_: Request, __: Callable[[], Response]) -> Response:
        one.halt("because", deadline=1.0)
        raise ConnectionLost("connection refused", sent=False)

    scene.on("POST", meet)
    (result,) = other.create_orders([scene.order()])
    assert isinstance(result.error, Halted)
    assert len(other.writes) == 1


def test_fault_24_12_an_order_that_a_dead_process_left_is_found_and_canceled(
    scene: Scene, tmp_path: Any
) -> None:
    path = tmp_path / "orders.db"
    dead = scene.another(journal=path)

    class Killed(BaseException):
        pass

    def meet(_: Request, serve: Callable[[], Response]) -> Response:
        serve()
        raise Killed

    scene.on("POST", meet)
    with pytest.raises(Killed):
        dead.rest(scene.market, client_order_id="left")
    report = scene.another(journal=path).halt("because")
    assert report.is_complete
    assert [o.client_order_id for o in report.canceled] == ["left"]


def test_a_journal_that_cannot_be_kept_stops_no_halt(
    scene: Scene, tmp_path: Any
) -> None:
    client = scene.another(journal=tmp_path / "gone" / "orders.db")
    resting = scene.client.rest(scene.market)
    report = client.halt("because")
    assert [o.order_id for o in report.canceled] == [resting.order_id]
    assert not report.is_complete
    assert {type(e) for e in report.errors} == {JournalError}
    with pytest.raises(Halted):
        client.rest(scene.market)
    with pytest.raises(JournalError):
        client.resume("try")
    assert client.exchange.halted is not None


# -- what it says -----------------------------------------------------------------------


def test_a_report_names_what_is_left(scene: Scene) -> None:
    def lost(_: Request, __: Callable[[], Response]) -> Response:
        scene.stop()
        raise ConnectionLost("connection reset by peer")

    scene.client.rest(scene.market)
    scene.client.lift(scene.market)
    scene.on("POST", lost)
    with pytest.raises(OrderUnknown):
        scene.client.rest(scene.market, client_order_id="lost")
    scene.on("DELETE", lost, count=1000)
    report = scene.client.halt("because", deadline=3.0)
    text = str(report)
    assert not report.is_complete
    assert "may be there: lost" in text
    assert "still open" in text
    assert "held: Position" in text
    assert "Call halt() again" in text
    assert json.dumps(report.to_dict(), default=str)


def test_what_is_refused_says_why_and_since_when(scene: Scene) -> None:
    scene.client.halt("fat finger")
    with pytest.raises(Halted) as caught:
        scene.client.rest(scene.market)
    error = caught.value
    assert (error.reason, error.halted_at) == (
        "fat finger",
        scene.client.exchange.halted.at,
    )
    assert "fat finger" in str(error)
    assert "resume('why')" in str(error)
    assert not isinstance(error, BadRequest | InvalidOrder)


def test_the_venue_says_that_it_has_no_dead_mans_switch(scene: Scene) -> None:
    has = scene.client.exchange.has
    names = (
        "halt",
        "resume",
        "cancel_all_orders_after",
        "order_groups",
        "cancel_on_pause",
    )
    assert [has[name] for name in names] == ["emulated", "emulated", False, True, True]
    with pytest.raises(UnifiedExchangesError, match="cancel_all_orders_after"):
        scene.client.do(lambda: scene.client.exchange.cancel_all_orders_after(10))
