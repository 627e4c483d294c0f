"""Faults that no single file answers for: the whole adapter against the whole venue."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.canary import guarded
from tests.venues.kalshi.ground import KalshiGround, ShortPages, key_pair
from unified_exchanges import async_exchange, exchange
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import (
    ClockSkew,
    InsufficientFunds,
    OrderRejected,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import OrderRequest, OrderStatus
from unified_exchanges.money import EXACT, complement, total
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.faults import Fault, FaultPlan
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

FLAVOURS = ("blocking", "async")
FREE = LimitPolicy(enabled=False, discover=False)

Change = Callable[[Request, Response], Response]


class Paged(KalshiGround):
    """A venue that lists a hundred items a page at most."""

    def server(self) -> Any:
        return ShortPages(super().server(), 100)


class Altered(KalshiGround):
    """A venue whose answers are changed on the way by ``change``."""

    change: Change | None = None

    def server(self) -> Any:
        inner = super().server()
        ground = self

        class Changing:
            def handle(self, request: Request) -> Response:
                answer = inner.handle(request)
                return ground.change(request, answer) if ground.change else answer

        return Changing()


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def trader(flavour: str) -> Trader:
    return KalshiGround(enforce_limits=False).trader(flavour, limits=FREE)


def edited(part: str, edit: Callable[[Any], None]) -> Change:
    """Change the JSON of answers to GETs whose path holds ``part``."""

    def change(request: Request, answer: Response) -> Response:
        if request.method != "GET" or part not in request.url:
            return answer
        content = json.loads(answer.body)
        edit(content)
        return attrs.evolve(answer, body=json.dumps(content).encode())

    return change


# -- orders ----------------------------------------------------------------------------


def test_fault_11_an_order_with_an_unknown_status_is_kept_and_tells_the_word(
    flavour: str,
) -> None:
    ground = Altered(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    order = trader.rest(trader.quoted_market())
    ground.change = edited(
        "/portfolio/orders/", lambda content: content["order"].update(status="dozing")
    )
    found = trader.fetch_order(order.order_id)
    assert found.status is OrderStatus.UNKNOWN
    assert found.raw["status"] == "dozing"
    assert (found.order_id, found.size) == (order.order_id, order.size)


def test_fault_11_a_cancel_of_an_order_with_an_unknown_status_cancels_it(
    flavour: str,
) -> None:
    ground = Altered(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    order = trader.rest(trader.quoted_market())
    ground.change = edited(
        "/portfolio/orders/", lambda content: content["order"].update(status="dozing")
    )
    ground.trader(flavour, limits=FREE).cancel_order(order.order_id)
    assert ground.kalshi.engine.orders(ground.key.user_id, status="resting") == []


def loopback(server: SimulatorServer, kalshi: SimulatedKalshi) -> dict[str, Any]:
    pair = key_pair()
    key = kalshi.add_account(public_key=pair.public_key)
    account = guarded(api_key=key.key_id, private_key=pair.private_pem)
    return {
        **account,
        "environment": f"{server.url}/trade-api/v2",
        "limits": FREE,
    }


def posts(seen: list[str]) -> int:
    return len([line for line in seen if line.startswith("POST")])


class Counting:
    """A venue that remembers what it was asked."""

    def __init__(self, kalshi: SimulatedKalshi) -> None:
        self.kalshi = kalshi
        self.seen: list[str] = []
        self.posted = threading.Event()

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.seen.append(f"{request.method} {request.url}")
        answer = self.kalshi.handle(request, lag=lag)
        if request.method == "POST":
            self.posted.set()
        return answer


TERMS = ("KXRAINSEA-26NOV25-R", "yes", "buy", "0.01", 3)


def counting() -> Counting:
    # Markets are dated by the clock; one that stands still keeps their names.
    return Counting(SimulatedKalshi(clock=VirtualClock(), enforce_limits=False))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_13_one_intent_sent_many_times_at_once_is_one_post(flavour: str) -> None:
    venue = counting()
    with SimulatorServer(venue) as server:
        made = {**loopback(server, venue.kalshi), "clock": VirtualClock()}
        ids = (
            from_threads(made)
            if flavour == "blocking"
            else asyncio.run(from_tasks(made))
        )
    assert (len(ids), posts(venue.seen)) == (1, 1)


def from_threads(made: dict[str, Any]) -> set[str]:
    with exchange("kalshi", **made) as kalshi, ThreadPoolExecutor(8) as pool:
        kalshi.fetch_market(TERMS[0])

        def place(_: int) -> str:
            return kalshi.create_order(*TERMS, client_order_id="one intent").order_id

        return set(pool.map(place, range(8)))


async def from_tasks(made: dict[str, Any]) -> set[str]:
    async with async_exchange("kalshi", **made) as kalshi:
        await kalshi.fetch_market(TERMS[0])
        calls = [
            kalshi.create_order(*TERMS, client_order_id="one intent") for _ in range(8)
        ]
        return {order.order_id for order in await asyncio.gather(*calls)}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("how", ["determined", "voided"])
def test_fault_29_a_settlement_pays_any_value_and_ends_the_position(
    flavour: str, how: str
) -> None:
    ground = KalshiGround(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    market = trader.fetch_market("KXGDPVALUE-27FEB-V")
    assert trader.lift(market, size="10").filled == 10
    before = trader.fetch_balance().available
    value, engine = Decimal("0.37"), ground.kalshi.engine
    if how == "voided":
        engine.void(market.market_id, value)
    else:
        engine.determine(market.market_id, value)
        engine.settle(market.market_id)
    ground.clock.advance(5)
    assert trader.fetch_balance().available - before == Decimal("3.70")
    assert trader.fetch_positions(market_id=market.market_id) == []
    (paid,) = trader.fetch_settlements(market_id=market.market_id)
    assert (paid.value, paid.payout) == (value, Decimal("3.70"))


def joined(trader: Trader) -> Any:
    """An order that joins the best bid, behind what rests there."""
    market = trader.quoted_market()
    return trader.rest(market, "2", price=market.bid)


def fill_it(ground: KalshiGround, order: Any) -> None:
    """Somebody else sells to the whole best bid, up to our order."""
    other = ground.kalshi.add_account(public_key=key_pair().public_key)
    seller = Trader("blocking", ground, {**ground.account(), "api_key": other.key_id})
    best = seller.fetch_order_book(order.market_id).bid
    assert best is not None
    taken = seller.create_order(
        order.market_id, "yes", "sell", best.price, best.size, time_in_force="ioc"
    )
    assert taken.filled == best.size


@pytest.mark.parametrize("first", ["fill", "cancel"])
def test_fault_18_f09_a_cancel_and_a_fill_end_alike_whichever_comes_first(
    trader: Trader, first: str
) -> None:
    ground = trader.ground
    assert isinstance(ground, KalshiGround)
    order = joined(trader)
    serve = ground.venue.handle
    acted = []

    def race(request: Request) -> Response:
        if request.method != "DELETE" or acted:
            return serve(request)
        acted.append(request)
        if first == "fill":
            fill_it(ground, order)
        return serve(request)

    ground.venue.handle = race  # type: ignore[method-assign]
    ended = trader.cancel_order(order.order_id)
    fills = trader.fetch_fills(order_id=order.order_id)
    assert total(f.size for f in fills) == ended.filled
    if first == "cancel":
        ground.venue.handle = serve  # type: ignore[method-assign]
        fill_it(ground, order)
    wanted = (2, OrderStatus.CLOSED) if first == "fill" else (0, OrderStatus.CANCELED)
    assert (ended.filled, ended.status) == wanted
    again = trader.fetch_order(order.order_id)
    assert (again.filled, again.status) == wanted


def test_f10_a_refused_order_is_not_kept_as_open(trader: Trader) -> None:
    market = trader.quoted_market()
    with pytest.raises(OrderRejected):
        trader.lift(market, time_in_force="gtc", post_only=True, client_order_id="no")
    with pytest.raises(InsufficientFunds):
        trader.lift(market, "90000", time_in_force="gtc", client_order_id="poor")
    assert trader.fetch_orders() == []


def test_f10_a_refused_id_may_be_used_again(trader: Trader) -> None:
    market = trader.quoted_market()
    with pytest.raises(InsufficientFunds):
        trader.lift(market, "90000", client_order_id="same")
    assert trader.rest(market, client_order_id="same").status is OrderStatus.OPEN


def test_p14_an_order_below_the_ask_does_not_fill_at_its_own_price(
    trader: Trader,
) -> None:
    market = trader.quoted_market()
    order = trader.rest(market, "5", price=market.grid.lowest)
    trader.ground.clock.advance(60)
    assert trader.fetch_order(order.order_id).filled == 0
    assert trader.fetch_fills() == []


def batch_of(market: Any, count: int) -> list[OrderRequest]:
    return [
        OrderRequest(
            market_id=market.market_id,
            outcome="yes",
            side="buy",
            price=market.grid.lowest,
            size=1,
        )
        for _ in range(count)
    ]


def test_p03_250_resting_orders_are_cancelled_and_none_is_left(flavour: str) -> None:
    ground = Paged(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    results = trader.create_orders(batch_of(trader.quoted_market(), 250))
    assert len([r for r in results if r.order]) == 250
    report = trader.cancel_all_orders()
    assert (len(report.canceled), report.is_complete) == (250, True)
    assert len({order.order_id for order in report.canceled}) == 250
    assert ground.kalshi.engine.orders(ground.key.user_id, status="resting") == []


def test_p03_a_stranger_to_the_orders_cancels_them_all_on_every_shard(
    flavour: str,
) -> None:
    ground = Paged(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    markets = {m.shard: m for m in trader.fetch_markets() if not m.legs and m.bid}
    assert len(markets) > 2
    for market in markets.values():
        trader.rest(market)
    report = ground.trader(flavour, limits=FREE).cancel_all_orders()
    assert {order.shard for order in report.canceled} == markets.keys()
    assert report.is_complete


def test_f19_an_answer_that_names_orders_without_acting_proves_nothing(
    flavour: str,
) -> None:
    ground = Altered(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    order = trader.rest(trader.quoted_market())
    inner = ground.venue.handle

    def echo(request: Request) -> Response:
        if request.method != "DELETE":
            return inner(request)
        entry = {"order_id": order.order_id, "reduced_by": "5.00"}
        content: Any = entry
        if request.url.endswith("/batched"):
            content = {"orders": [entry]}
        return Response(200, {}, json.dumps(content).encode())

    ground.venue.handle = echo  # type: ignore[method-assign]
    report = trader.cancel_all_orders()
    assert [o.order_id for o in report.remaining] == [order.order_id]
    assert not report.is_complete


# -- fills and positions ---------------------------------------------------------------


def test_fault_22_a_fill_told_twice_counts_once(flavour: str) -> None:
    ground = Altered(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    order = trader.lift(trader.quoted_market(), "2")
    ground.change = edited(
        "/portfolio/fills", lambda content: content["fills"].extend(content["fills"])
    )
    assert total(f.size for f in trader.fetch_fills()) == order.filled == 2


def test_fault_22_a_fill_in_both_tiers_counts_once(flavour: str) -> None:
    ground = Altered(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    trader.lift(trader.quoted_market(), "2")
    kept: list[Any] = []

    def change(request: Request, answer: Response) -> Response:
        content = json.loads(answer.body)
        if "/historical/fills" in request.url:
            content["fills"] = kept
        elif "/portfolio/fills" in request.url:
            kept[:] = content["fills"]
        return attrs.evolve(answer, body=json.dumps(content).encode())

    ground.change = change
    assert [f.size for f in trader.fetch_fills()] == [2]


def test_fault_23_a_fill_of_an_order_that_we_do_not_know_is_ours_all_the_same(
    trader: Trader, flavour: str
) -> None:
    order = trader.lift(trader.quoted_market(), "2")
    stranger = trader.ground.trader(flavour, limits=FREE)
    assert [f.order_id for f in stranger.fetch_fills()] == [order.order_id]
    held = stranger.fetch_positions()
    assert [(p.market_id, p.size) for p in held] == [(order.market_id, 2)]


def test_f08_the_fills_of_many_pages_add_up_to_the_position(flavour: str) -> None:
    class Tiny(KalshiGround):
        def server(self) -> Any:
            return ShortPages(super().server(), 2)

    trader = Tiny(enforce_limits=False).trader(flavour, limits=FREE)
    market = trader.quoted_market()
    for _ in range(7):
        trader.lift(market, "1")
    fills = trader.fetch_fills()
    assert len(fills) == 7
    held = trader.fetch_positions(market_id=market.market_id)
    assert held[0].size == total(f.size for f in fills) == 7


def test_f04_a_position_in_no_is_valued_in_no_prices(trader: Trader) -> None:
    market = trader.quoted_market()
    book = trader.fetch_order_book(market.market_id, outcome="no")
    assert book.ask is not None
    order = trader.lift(market, "2", outcome="no", price=book.ask.price)
    held = trader.fetch_positions(market_id=market.market_id)[0]
    ticker = trader.fetch_ticker(market.market_id)
    assert (held.outcome, held.entry_price) == ("no", order.average_price)
    assert held.mark_price == complement(ticker.ask)
    gain = EXACT.subtract(held.mark_price, held.entry_price)
    assert held.unrealized_pnl == EXACT.multiply(gain, Decimal(2))


RENAMED = [
    ("fetch_positions", "/portfolio/positions", "market_positions", "position_fp"),
    ("fetch_fills", "/portfolio/fills", "fills", "count_fp"),
    ("fetch_fills", "/portfolio/fills", "fills", "yes_price_dollars"),
    ("fetch_orders", "/portfolio/orders", "orders", "yes_price_dollars"),
    ("fetch_orders", "/portfolio/orders", "orders", "fill_count_fp"),
    ("fetch_balance", "/portfolio/balance", None, "balance_dollars"),
]


@pytest.mark.parametrize(("name", "part", "holder", "field"), RENAMED)
def test_f03_a_renamed_field_is_an_error_that_names_it(
    flavour: str, name: str, part: str, holder: str | None, field: str
) -> None:
    ground = Altered(enforce_limits=False)
    trader = ground.trader(flavour, limits=FREE)
    trader.lift(trader.quoted_market(), "2")

    def rename(content: Any) -> None:
        for item in content[holder] if holder else [content]:
            item["new_" + field] = item.pop(field)

    ground.change = edited(part, rename)
    with pytest.raises(VenueSchemaError, match=field):
        getattr(trader, name)()


# -- clocks, limits, interrupts --------------------------------------------------------


class Skewed(KalshiGround):
    """A venue whose clock is off from ours."""

    ahead = 0.0

    def server(self) -> Any:
        inner = super().server()
        inner.clock.step(self.ahead)
        self.clock = VirtualClock()
        return inner


@pytest.mark.parametrize("ahead", [-10.0, 10.0])
def test_fault_44_f07_orders_are_signed_in_the_venue_s_time(
    flavour: str, ahead: float
) -> None:
    ground = type("Off", (Skewed,), {"ahead": ahead})(enforce_limits=False)
    trader = ground.trader(flavour)
    market = trader.quoted_market()
    assert trader.rest(market).status is OrderStatus.OPEN
    offset = trader.health().clock_offset_ms
    assert offset is not None
    assert abs(offset - ahead * 1000) <= 1000
    stamps = [
        int(r.headers["KALSHI-ACCESS-TIMESTAMP"]) / 1000
        for r in trader.transport.requests
        if r.method == "POST"
    ]
    assert all(abs(s - ground.kalshi.clock.now()) <= 1.0 for s in stamps)


def test_fault_44_a_clock_that_is_set_costs_one_refusal_that_says_so(
    trader: Trader,
) -> None:
    trader.fetch_balance()
    trader.ground.clock.advance(5)
    ground = trader.ground
    assert isinstance(ground, KalshiGround)
    ours = trader.exchange.venue.clock
    theirs = ground.kalshi.clock
    assert ours is theirs
    split = VirtualClock(theirs.now() - 20)
    trader.exchange.venue.clock = split
    with pytest.raises(ClockSkew) as caught:
        trader.fetch_balance()
    assert caught.value.offset_ms is not None
    assert abs(caught.value.offset_ms - 20_000) <= 1_000
    trader.fetch_balance()
    health = trader.health()
    assert any("clock" in reason for reason in health.reasons)


@pytest.mark.parametrize("flavour", ["blocking"])
def test_p20_threads_together_stay_within_the_venue_s_limits(flavour: str) -> None:
    ground = KalshiGround()
    trader = ground.trader(flavour)
    refused = []
    serve = ground.venue.handle

    def watch(request: Request) -> Response:
        answer = serve(request)
        if answer.status == 429:
            refused.append(request)
        return answer

    ground.venue.handle = watch  # type: ignore[method-assign]
    trader.fetch_limits()
    with ThreadPoolExecutor(8) as pool:
        # No longer a queue than signatures live: time leaps while threads are held up.
        list(pool.map(lambda _: trader.fetch_balance(), range(110)))
    assert refused == []
    assert ground.clock.monotonic() > 1.0


async def test_fault_47_a_cancelled_task_leaves_word_of_its_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    venue = counting()
    plan = FaultPlan([Fault("stall", method="POST", path="/orders$")])
    with SimulatorServer(venue, faults=plan) as server:
        made = loopback(server, venue.kalshi)
        async with async_exchange("kalshi", **made, clock=VirtualClock()) as kalshi:
            task = asyncio.create_task(
                kalshi.create_order(*TERMS, client_order_id="interrupted")
            )
            await asyncio.to_thread(venue.posted.wait, 5)
            task.cancel()
            with (
                caplog.at_level(logging.WARNING),
                pytest.raises(asyncio.CancelledError),
            ):
                await task
            said = [r for r in caplog.records if "interrupted" in r.getMessage()]
            assert [r.levelname for r in said] == ["WARNING"]
            found = await kalshi.fetch_order(client_order_id="interrupted")
            assert found.status is OrderStatus.OPEN
            again = await kalshi.create_order(*TERMS, client_order_id="interrupted")
    assert again.order_id == found.order_id


def test_fault_47_an_interrupt_leaves_word_of_its_order_and_a_usable_exchange(
    trader: Trader, caplog: pytest.LogCaptureFixture
) -> None:
    market = trader.quoted_market()
    venue = trader.ground.venue
    serve = venue.handle

    def interrupt(request: Request) -> Response:
        answer = serve(request)
        if request.method == "POST":
            venue.handle = serve  # type: ignore[method-assign]
            raise KeyboardInterrupt
        return answer

    venue.handle = interrupt  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        trader.rest(market, client_order_id="interrupted")
    assert [r for r in caplog.records if "interrupted" in r.getMessage()]
    found = trader.fetch_order(client_order_id="interrupted")
    again = trader.rest(market, client_order_id="interrupted")
    assert again.order_id == found.order_id
    assert len(trader.mine(market, "interrupted")) == 1


def test_fault_47_an_interrupted_batch_leaves_word_of_each_order(
    trader: Trader, caplog: pytest.LogCaptureFixture
) -> None:
    requests = batch_of(trader.quoted_market(), 2)
    requests = [
        attrs.evolve(r, client_order_id=f"entry-{n}") for n, r in enumerate(requests)
    ]
    venue = trader.ground.venue
    serve = venue.handle

    def interrupt(request: Request) -> Response:
        if request.method == "POST":
            raise KeyboardInterrupt
        return serve(request)

    venue.handle = interrupt  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        trader.create_orders(requests)
    for key in ("entry-0", "entry-1"):
        assert [r for r in caplog.records if key in r.getMessage()]


def test_fault_08_a_create_whose_answers_never_can_be_read_is_looked_up(
    trader: Trader,
) -> None:
    market = trader.quoted_market()
    trader.suffer("html", 1000)
    order = trader.rest(market, client_order_id="unread")
    assert [o.order_id for o in trader.mine(market, "unread")] == [order.order_id]


def test_fault_10_a_refused_key_is_not_tried_again(
    trader: Trader, flavour: str
) -> None:
    stranger = trader.ground.trader(flavour, limits=FREE, api_key="unknown-key-1234")
    market = trader.quoted_market()
    with pytest.raises(UnifiedExchangesError) as caught:
        stranger.rest(market, client_order_id="intent")
    assert type(caught.value).__name__ == "AuthenticationError"
    asked = [r.url for r in stranger.transport.requests]
    assert len(asked) == len(set(asked))
    assert stranger.writes == []
    assert not caught.value.maybe_executed
    assert "unknown-key-1234" not in str(caught.value)
