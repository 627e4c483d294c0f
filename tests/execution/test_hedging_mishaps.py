"""Whatever goes wrong with any order of a hedge: its totals are the venue's, to the cent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from tests.tracking.samples import Plan
from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import ConnectionLost
from unified_exchanges.execution import (
    HedgeLeg,
    HedgeReport,
    async_hedge,
    async_hedge_report,
    hedge,
    hedge_report,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.simulator.orders import Refusal
from unified_exchanges.testing.conformance import Ground

FREE = LimitPolicy(enabled=False, discover=False)
D = Decimal
Serve = Callable[[], Response]
GROUNDS = {
    "kalshi": lambda: KalshiGround(enforce_limits=False),
    "polymarket": PolymarketGround,
}


class Stage:
    """A venue at which one order of a hedge, counted from 0, meets something."""

    def __init__(self, venue: str, flavour: str, **settings: Any) -> None:
        self.ground: Ground = GROUNDS[venue]()
        self.ground.clock.advance(60)
        made = {"limits": FREE, "retry": RetryPolicy(attempts=1), **settings}
        self.trader = self.ground.trader(flavour, **made)
        self.engine: Any = (
            self.ground.polymarket.engine  # type: ignore[attr-defined]
            if venue == "polymarket"
            else self.ground.kalshi.engine  # type: ignore[attr-defined]
        )
        markets = [
            x
            for x in self.trader.fetch_markets()
            if not x.legs and x.bid and x.ask and D("0.2") < x.bid < x.ask < D("0.8")
        ]
        self.legs = [HedgeLeg(x.market_id, x.outcomes[0].label) for x in markets[:3]]
        self.cash = self.trader.fetch_balance().available

    def meet(
        self, nth: int, act: Callable[[Stage, Serve], Response], times: int
    ) -> None:
        venue: Any = self.ground.venue
        serve = venue.server.handle
        count = iter(range(999))

        class Between:
            def handle(_, request: Request) -> Response:  # noqa: N805
                is_order = request.method == "POST" and "order" in request.url
                if is_order and nth <= next(count) < nth + times:
                    return act(self, lambda: serve(request))
                found: Response = serve(request)
                return found

        venue.server = Between()

    def hedge(self, on_failure: Any) -> HedgeReport:
        settings = {"dry_run": False, "on_failure": on_failure}
        exchange = self.trader.exchange
        if self.trader.is_async:
            return asyncio.run(async_hedge(exchange, self.legs, 60, **settings))
        return hedge(exchange, self.legs, 60, **settings)

    def report(self) -> HedgeReport:
        if self.trader.is_async:
            return asyncio.run(async_hedge_report(self.trader.exchange))
        return hedge_report(self.trader.exchange)

    def held(self) -> dict[str, Decimal]:
        self.ground.clock.advance(60)
        positions = self.trader.fetch_positions(mark=False)
        return {x.market_id: x.size for x in positions}

    def spent(self) -> Decimal:
        left: Decimal = self.trader.fetch_balance().available
        return self.cash - left


def poor(stage: Stage, serve: Serve) -> Response:
    code = "insufficient_balance"
    error: Any = {"code": code, "message": "x"}
    if stage.ground.exchange_id == "polymarket":
        error = "not enough balance / allowance"
    return Response(400, {}, json.dumps({"error": error}).encode())


def busy(stage: Stage, serve: Serve) -> Response:
    return Response(429, {"Retry-After": "1"}, b'{"error": "too many requests"}')


def lost_before(stage: Stage, serve: Serve) -> Response:
    raise ConnectionLost("gone")


def lost_after(stage: Stage, serve: Serve) -> Response:
    serve()
    raise ConnectionLost("gone")


def lost_with_reads(stage: Stage, serve: Serve) -> Response:
    serve()
    stage.trader.suffer("lost before", 9, reads=True, writes=False)
    raise ConnectionLost("gone")


def cut(stage: Stage, serve: Serve) -> Response:
    return Response(200, {}, serve().body[:9])


def closed(stage: Stage, serve: Serve) -> Response:
    for leg in stage.legs:
        with suppress(Refusal):  # once it is
            stage.engine.deactivate(leg.market_id)
    return serve()


def closed_unread(stage: Stage, serve: Serve) -> Response:
    stage.trader.suffer("lost before", 9_999, reads=True, writes=False)
    return closed(stage, serve)


def halted(stage: Stage, serve: Serve) -> Response:
    answer = serve()
    stage.trader.exchange.stop_new_orders("meanwhile")
    return answer


MISHAPS = [
    poor,
    busy,
    lost_before,
    lost_after,
    lost_with_reads,
    cut,
    closed,
    closed_unread,
    halted,
]


CASES = [
    ("stop", 1, 1),
    ("hold", 0, 1),
    ("hold", 1, 99),
    ("unwind", 1, 1),
    ("unwind", 3, 1),
    ("unwind", 3, 99),
]
"""What was chosen, which order meets it first, and how many do."""


@pytest.mark.parametrize("venue", GROUNDS)
@pytest.mark.parametrize("act", MISHAPS)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_fault_21_what_goes_wrong_at_any_step_is_told_to_the_cent(
    venue: str, act: Any, case: int
) -> None:
    on_failure, nth, times = CASES[case]
    # Each mishap at each venue in either flavour, by turns.
    turn = case + MISHAPS.index(act) + list(GROUNDS).index(venue)
    flavour = ("blocking", "async")[turn % 2]
    check(Stage(venue, flavour), nth, times, act, on_failure)


def check(stage: Stage, nth: int, times: int, act: Any, on_failure: str) -> None:
    if nth > 2:
        # Orders of the sale back: of a hedge whose last leg was refused.
        stage.meet(2, poor, 1)
        nth -= 1
    stage.meet(nth, act, times)
    report = stage.hedge(on_failure)
    told = f"{nth} {times}\n{report}"
    stage.trader.relieve()
    kept = {x.market_id: x.held for x in report.legs if x.held}
    if not report.unresolved:
        assert stage.held() == kept, told
        if all(x.is_exact for x in report.legs):
            assert stage.spent() == report.cost + report.fees, told
        else:
            assert stage.spent() <= report.cost + report.fees, told
    assert report.cost + report.fees <= report.budget, told
    assert stage.spent() <= -report.worst_case, told
    # What is in doubt is found out, and then all is told.
    assert stage.trader.reconcile().is_complete, told
    again = stage.report()
    told += f"\n{again}"
    assert again.unresolved == (), told
    assert stage.held() == {x.market_id: x.held for x in again.legs if x.held}, told
    assert stage.spent() == again.cost + again.fees, told
    for before, after in zip(report.legs, again.legs, strict=True):
        if not before.unresolved:
            assert (before.filled, before.unwound) == (after.filled, after.unwound), (
                told
            )


@pytest.mark.parametrize("venue", GROUNDS)
@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("on_failure", ["stop", "hold", "unwind"])
def test_fault_14_a_guard_that_refuses_the_second_leg_is_followed_by_what_was_chosen(
    venue: str, flavour: str, on_failure: str
) -> None:
    def used_up(stage: Stage, serve: Serve) -> Response:
        # Before the first leg there was room for all three.
        guards = stage.trader.exchange.venue.guards
        guards.admit(2, stage.ground.clock.monotonic(), "orders of other threads")
        return serve()

    stage = Stage(venue, flavour, guards=GuardPolicy(max_orders=3, seconds=60))
    stage.meet(0, used_up, 1)
    report = stage.hedge(on_failure)
    last = "refused" if on_failure == "hold" else "skipped"
    assert [str(x.state) for x in report.legs] == ["filled", "refused", last]
    assert report.unresolved == ()
    # A sale back is no order that this guard counts.
    assert report.legs[0].held == (0 if on_failure == "unwind" else report.size)
    assert stage.held() == {x.market_id: x.held for x in report.legs if x.held}
    assert stage.spent() == report.cost + report.fees


@pytest.mark.parametrize("venue", GROUNDS)
@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_fault_02_a_leg_that_never_left_is_refused_though_nothing_can_be_read(
    venue: str, flavour: str
) -> None:
    def unread(stage: Stage, serve: Serve) -> Response:
        answer = serve()
        # Before the first leg there was room for all three.
        stage.trader.exchange._calls.tracker.intend(Plan(price=D("0.50"), size=D(80)))
        stage.trader.suffer("lost before", 9_999, reads=True, writes=False)
        return answer

    stage = Stage(venue, flavour, guards=GuardPolicy(max_exposure=D(70)))
    stage.meet(0, unread, 1)
    report = stage.hedge("stop")
    stage.trader.relieve()
    assert len(stage.trader.writes) == 1
    assert [str(x.state) for x in report.legs] == ["filled", "refused", "skipped"]
    assert report.unresolved == ()


@pytest.mark.parametrize("venue", GROUNDS)
@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_fault_02_a_refusal_that_nobody_could_ask_about_is_found_out_before_unwinding(
    venue: str, flavour: str
) -> None:
    def unread(stage: Stage, serve: Serve) -> Response:
        stage.trader.suffer("lost before", 9, reads=True, writes=False)
        stage.engine.deactivate(stage.legs[1].market_id)
        return serve()

    stage = Stage(venue, flavour)
    stage.meet(1, unread, 1)
    report = stage.hedge("unwind")
    assert [str(x.state) for x in report.legs] == ["filled", "refused", "skipped"]
    assert (report.unresolved, report.legs[0].held, stage.held()) == ((), 0, {})
    assert stage.spent() == report.cost + report.fees


@pytest.mark.parametrize("venue", GROUNDS)
@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("on_failure", ["stop", "hold", "unwind"])
def test_a_leg_that_others_were_faster_at_has_failed_and_costs_nothing(
    venue: str, flavour: str, on_failure: str
) -> None:
    stage = Stage(venue, flavour)
    market_id = stage.legs[1].market_id

    def gone(stage: Stage, serve: Serve) -> Response:
        for name in list(stage.engine._floor.accounts):
            found = stage.engine.orders(name, market_id=market_id, status="resting")
            for order in found:
                stage.engine.cancel(order.order_id, owner=order.owner)
        return serve()

    stage.meet(1, gone, 1)
    report = stage.hedge(on_failure)
    assert report.legs[1].filled == 0
    assert report.legs[1].failed
    assert stage.held() == {x.market_id: x.held for x in report.legs if x.held}
    assert stage.spent() == report.cost + report.fees
