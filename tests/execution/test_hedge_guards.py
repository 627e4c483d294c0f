"""What our own guards refuse of a hedge is refused before its first leg is placed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import (
    GuardTripped,
    Halted,
    RateLimitExceeded,
    ReadOnly,
    UnifiedExchangesError,
)
from unified_exchanges.execution import (
    HedgeLeg,
    HedgeReport,
    LegState,
    async_hedge,
    hedge,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import Market
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Ground, Trader

FREE = LimitPolicy(enabled=False, discover=False)
BUDGET = 22
D = Decimal
GROUNDS = {
    "kalshi": lambda: KalshiGround(enforce_limits=False),
    "polymarket": PolymarketGround,
}


class Stage:
    """Two legs on one venue, in one flavour."""

    def __init__(self, venue: str, flavour: str) -> None:
        self.flavour = flavour
        self.ground: Ground = GROUNDS[venue]()
        self.ground.clock.advance(60)
        looking = self.trader()
        self.markets: list[Market] = [
            x
            for x in looking.fetch_markets()
            if not x.legs and x.bid and x.ask and D("0.2") < x.bid < x.ask < D("0.8")
        ][:2]
        self.legs = [HedgeLeg(x.market_id, x.outcomes[0].label) for x in self.markets]
        self.plan = hedged(looking, self.legs, dry_run=True)
        self.at_limits = [x.size * x.limit for x in self.plan.legs]
        """Dollars that each leg takes at its limit, as the guards count it."""

    def trader(self, *, dry_run: bool = False, **guards: Any) -> Trader:
        return self.ground.trader(
            self.flavour,
            limits=FREE,
            retry=RetryPolicy(attempts=1),
            dry_run=dry_run,
            guards=GuardPolicy(**guards),
        )

    def buy_least(self, trader: Trader) -> Any:
        """One order that any guard here but the rate lets pass."""
        market = self.markets[0]
        first = market.outcomes[0].label
        lowest = market.grid.lowest
        return trader.create_order(
            market.market_id, first, "buy", lowest, self.ground.unit
        )


@pytest.fixture(params=["kalshi", "polymarket"])
def venue(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["blocking", "async"])
def stage(venue: str, request: pytest.FixtureRequest) -> Stage:
    return Stage(venue, request.param)


def hedged(trader: Trader, legs: Any, **settings: Any) -> HedgeReport:
    settings = {"dry_run": False, **settings}
    if trader.is_async:
        return asyncio.run(async_hedge(trader.exchange, legs, BUDGET, **settings))
    return hedge(trader.exchange, legs, BUDGET, **settings)


Limits = Callable[[Stage], dict[str, Any]]
TRIPS: dict[str, tuple[Limits, type[UnifiedExchangesError]]] = {
    "allowed_markets": (
        lambda on: {"allowed_markets": [on.markets[0].market_id]},
        GuardTripped,
    ),
    "max_order_cost": (
        lambda on: {"max_order_cost": max(on.at_limits) - D("0.01")},
        GuardTripped,
    ),
    "max_market_exposure": (
        lambda on: {"max_market_exposure": max(on.at_limits) - D("0.01")},
        GuardTripped,
    ),
    "max_exposure": (
        lambda on: {"max_exposure": sum(on.at_limits) - D("0.01")},
        GuardTripped,
    ),
    "max_orders": (lambda _: {"max_orders": 1}, RateLimitExceeded),
    "price_collar": (
        # Which no book of these clients, who watch none, can be held against.
        lambda _: {"price_collar": D("0.005"), "without_book": "refuse"},
        GuardTripped,
    ),
    "account_age": (lambda _: {"account_age": 0}, GuardTripped),
    "read_only": (lambda _: {"read_only": True}, ReadOnly),
}


def unreadable(stage: Stage) -> None:
    """Let no account be read any more."""
    venue: Any = stage.ground.venue
    serve = venue.server.handle

    class Without:
        def handle(self, request: Request) -> Response:
            if request.method == "GET" and "orders" in request.url:
                return Response(500, {}, b"{}")
            answer: Response = serve(request)
            return answer

    venue.server = Without()


@pytest.mark.parametrize("guard", TRIPS)
def test_a_hedge_that_a_guard_stops_is_refused_before_its_first_leg(
    stage: Stage, guard: str
) -> None:
    limits, kind = TRIPS[guard]
    trader = stage.trader(**limits(stage))
    if guard == "account_age":
        unreadable(stage)
    with pytest.raises(kind) as caught:
        hedged(trader, stage.legs, name="mine", on_failure="hold")
    assert getattr(caught.value, "guard", guard) == guard
    assert "no leg of the hedge was placed" in str(caught.value)
    assert not caught.value.maybe_executed
    assert trader.writes == []
    assert len(trader.exchange.orders) == 0
    assert trader.exchange.exposure().total == 0


def test_a_halted_hedge_is_refused_before_its_first_leg(stage: Stage) -> None:
    trader = stage.trader()
    trader.stop_new_orders("enough")
    with pytest.raises(Halted):
        hedged(trader, stage.legs)
    trader.resume("again")
    assert trader.writes == []
    assert hedged(trader, stage.legs).is_complete


def test_a_refused_hedge_keeps_neither_its_name_nor_a_place(stage: Stage) -> None:
    trader = stage.trader(max_orders=2, max_market_exposure=max(stage.at_limits))
    three = [*stage.legs, *stage.legs[:1]]
    with pytest.raises(UnifiedExchangesError):
        hedged(trader, three, name="mine")
    stingy = stage.trader(max_orders=1)
    with pytest.raises(RateLimitExceeded):
        hedged(stingy, stage.legs, name="mine")
    assert stage.buy_least(stingy).is_open
    stingy.cancel_all_orders()
    report = hedged(trader, stage.legs, name="mine")
    assert (report.is_complete, report.refusal) == (True, None)


def test_a_hedge_that_just_fits_its_guards_is_carried_out(stage: Stage) -> None:
    trader = stage.trader(
        allowed_markets=[x.market_id for x in stage.markets],
        max_order_cost=max(stage.at_limits),
        max_market_exposure=max(stage.at_limits),
        max_exposure=sum(stage.at_limits),
        max_orders=2,
        price_collar=D("0.02"),
        without_book="fetch",
        account_age=0,
    )
    assert hedged(trader, stage.legs).is_complete


@pytest.mark.parametrize("guard", [x for x in TRIPS if x != "account_age"])
def test_a_planned_hedge_says_what_would_refuse_it(stage: Stage, guard: str) -> None:
    limits, kind = TRIPS[guard]
    report = hedged(stage.trader(**limits(stage)), stage.legs, dry_run=True)
    assert type(report.refusal) is kind
    assert getattr(report.refusal, "guard", guard) == guard
    assert "WOULD BE REFUSED" in str(report)
    assert {x.state for x in report.legs} == {LegState.PLANNED}
    assert report.to_dict()["refusal"]


def test_a_planned_hedge_that_nothing_refuses_says_nothing_of_it(stage: Stage) -> None:
    assert stage.plan.refusal is None
    assert "REFUSED" not in str(stage.plan)


def test_a_rehearsed_hedge_is_refused_as_the_real_one(stage: Stage) -> None:
    trader = stage.trader(dry_run=True, max_orders=1)
    with pytest.raises(RateLimitExceeded):
        hedged(trader, stage.legs)
    assert len(trader.exchange.dry_runs) == 0


def test_both_outcomes_of_a_market_count_in_it_together(stage: Stage) -> None:
    if stage.ground.exchange_id == "kalshi":
        pytest.skip("both outcomes of a market net on Kalshi, and are refused")
    market = stage.markets[0]
    both = [HedgeLeg(market.market_id, x.label) for x in market.outcomes]
    plan = hedged(stage.trader(), both, dry_run=True)
    dollars = sum(x.size * x.limit for x in plan.legs)
    trader = stage.trader(max_market_exposure=dollars - D("0.01"))
    with pytest.raises(GuardTripped, match=r"in 0x.* above the cap"):
        hedged(trader, both)
    assert trader.writes == []
    assert hedged(stage.trader(max_market_exposure=dollars), both).is_complete


@pytest.mark.parametrize("on_failure", ["stop", "unwind"])
def test_what_others_use_up_meanwhile_fails_a_leg_as_ever(
    stage: Stage, on_failure: Any
) -> None:
    trader = stage.trader(max_orders=2)
    venue: Any = stage.ground.venue
    serve = venue.server.handle
    guards = trader.exchange.venue.guards

    class Between:
        def handle(self, request: Request) -> Response:
            if request.method == "POST" and "order" in request.url:
                venue.server = Whole()
                guards.admit(1, stage.ground.clock.monotonic(), "of another thread")
            answer: Response = serve(request)
            return answer

    class Whole:
        def handle(self, request: Request) -> Response:
            answer: Response = serve(request)
            return answer

    venue.server = Between()
    report = hedged(trader, stage.legs, on_failure=on_failure)
    first, second = report.legs
    assert (first.state, second.state) == (LegState.FILLED, LegState.REFUSED)
    assert isinstance(second.error, RateLimitExceeded)
    assert first.held == (0 if on_failure == "unwind" else first.size)


# -- previews --------------------------------------------------------------------------


def previewed(stage: Stage, trader: Trader, leg: int = 1, **settings: Any) -> Any:
    planned = stage.plan.legs[leg]
    return trader.preview_order(
        planned.market_id,
        planned.outcome,
        "buy",
        planned.limit,
        planned.size,
        **settings,
    )


@pytest.mark.parametrize(
    "guard", [x for x in TRIPS if x not in {"max_orders", "read_only"}]
)
def test_a_preview_is_refused_as_the_order_would_be(stage: Stage, guard: str) -> None:
    limits = TRIPS[guard][0](stage)
    if guard == "max_exposure":
        limits["max_exposure"] = stage.at_limits[1] - D("0.01")
    trader = stage.trader(**limits)
    if guard == "account_age":
        unreadable(stage)
    dearest = stage.at_limits.index(max(stage.at_limits))
    leg = dearest if guard.startswith("max_") and guard != "max_exposure" else 1
    with pytest.raises(GuardTripped) as caught:
        previewed(stage, trader, leg)
    assert caught.value.guard == guard
    assert caught.value.client_order_id
    assert len(trader.exchange.orders) == 0


def test_a_preview_is_refused_while_all_is_halted(stage: Stage) -> None:
    trader = stage.trader()
    trader.stop_new_orders("enough")
    with pytest.raises(Halted):
        previewed(stage, trader)
    trader.resume("again")
    assert previewed(stage, trader).cost == stage.at_limits[1]


def test_a_preview_is_refused_once_no_order_may_leave_for_now(stage: Stage) -> None:
    trader = stage.trader(max_orders=1)
    for _ in range(3):
        assert previewed(stage, trader).cost == stage.at_limits[1]
    assert stage.buy_least(trader).is_open
    with pytest.raises(RateLimitExceeded) as caught:
        previewed(stage, trader)
    assert caught.value.retry_after
    assert len(trader.writes) == 1


def test_a_preview_takes_no_id_and_counts_nowhere(stage: Stage) -> None:
    trader = stage.trader(max_exposure=stage.at_limits[1])
    for _ in range(2):
        previewed(stage, trader, client_order_id="3b0f9f0e-51f4-4f3c-9d3c-0a1b2c3d4e5f")
    assert trader.exchange.exposure().total == 0
    assert len(trader.exchange.orders) == 0


def test_a_preview_needs_no_leave_to_write(stage: Stage) -> None:
    trader = stage.trader(read_only=True)
    assert previewed(stage, trader).cost == stage.at_limits[1]
