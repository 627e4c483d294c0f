"""Whatever is placed, changed, filled, cancelled and lost: the cap on exposure holds.

What is really at risk is asked of the simulated venue's own books: what positions cost and
what the open orders would take besides.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.tracking.stage import FREE, MARKET, ONCE, Stage
from unified_exchanges.errors import GuardTripped, UnifiedExchangesError
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.guards.worst import Claim, opening
from unified_exchanges.models import Order, OrderRequest
from unified_exchanges.registry import exchange
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.kalshi.simulated import generate_key

RIVAL = generate_key("ed25519")
D = Decimal
CENTS = st.sampled_from([1, 10, 40, 55, 60, 90, 99])


def test_fault_13_threads_together_stay_within_the_exposure() -> None:
    stage = Stage("blocking")
    policy = GuardPolicy(max_exposure=D("0.50"))
    client = stage.ground.trader("blocking", limits=FREE, guards=policy)

    def place(_: int) -> bool:
        try:
            client.exchange.create_order(MARKET, "yes", "buy", "0.01", 5)
        except GuardTripped:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(place, range(40)))
    assert placed.count(True) == 10
    resting = stage.elsewhere.fetch_open_orders()
    assert sum(x.price * x.remaining for x in resting) == D("0.50")


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_fault_19_a_cancel_that_is_pending_frees_nothing(flavour: str) -> None:
    stage = Stage(flavour)
    policy = GuardPolicy(max_exposure=D("0.50"))
    settings = {"limits": FREE, "retry": ONCE, "guards": policy}
    client = stage.ground.trader(flavour, **settings)
    placed = client.create_order(MARKET, "yes", "buy", "0.01", 40)
    stage.fault("drop", method="DELETE", commits=False, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(UnifiedExchangesError):
        client.cancel_order(placed.order_id)
    stage.ground.requests.clear()
    with pytest.raises(GuardTripped):
        client.create_order(MARKET, "yes", "buy", "0.01", 11)
    client.create_order(MARKET, "yes", "buy", "0.01", 10)


def rival_of(stage: Stage) -> Any:
    """Somebody else, on the same books."""
    kalshi = stage.ground.kalshi
    key = kalshi.add_account(public_key=RIVAL.public_key)
    return exchange(
        "kalshi",
        api_key=key.key_id,
        private_key=RIVAL.private_pem,
        environment="demo",
        clock=stage.clock,
        limits=FREE,
        rng=Random(4),
        transport=ScriptedTransport(kalshi, clock=stage.clock),
    )


class Trading(RuleBasedStateMachine):
    """One client with a cap, and another program that trades on the same books."""

    cap = D(6)
    flavour = "blocking"

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.flavour)
        policy = GuardPolicy(
            max_market_exposure=self.cap, max_exposure=self.cap, price_collar=None
        )
        self.client = self.stage.ground.trader(
            self.flavour, limits=FREE, retry=ONCE, guards=policy, rng=Random(3)
        )
        self.rival = rival_of(self.stage)

    def act(self, call: Any) -> Any:
        try:
            return call()
        except UnifiedExchangesError:
            return None
        finally:
            self.stage.ground.requests.clear()
            self.stage.clock.advance(1)

    @rule(
        side=st.sampled_from(["buy", "sell"]),
        outcome=st.sampled_from(["yes", "no"]),
        cents=CENTS,
        size=st.integers(1, 8),
        lasting=st.sampled_from(["gtc", "ioc"]),
        lost=st.sampled_from([None, None, None, True, False]),
    )
    def create(self, *, lost: bool | None, lasting: str, **terms: Any) -> None:
        if lost is not None:
            self.stage.fault("drop", method="POST", commits=lost, count=None)
            self.stage.fault("answer", method="GET", count=None)
        price = D(terms["cents"]) / 100
        self.act(
            lambda: self.client.create_order(
                MARKET,
                terms["outcome"],
                terms["side"],
                price,
                terms["size"],
                time_in_force=lasting,
            )
        )

    @rule(cents=st.lists(CENTS, min_size=2, max_size=4))
    def create_several(self, cents: list[int]) -> None:
        wanted = [
            OrderRequest(
                market_id=MARKET,
                outcome="yes",
                side=("buy", "sell")[number % 2],
                price=D(x) / 100,
                size=3,
            )
            for number, x in enumerate(cents)
        ]
        self.act(lambda: self.client.create_orders(wanted))

    def resting(self) -> list[Order]:
        found: list[Order] = self.stage.elsewhere.fetch_open_orders()
        return found

    def drawn(self, data: st.DataObject) -> Order:
        resting = self.resting()
        return resting[data.draw(st.integers(0, len(resting) - 1))]

    @precondition(lambda self: self.resting())
    @rule(
        data=st.data(),
        size=st.one_of(st.none(), st.integers(1, 15)),
        cents=st.one_of(st.none(), CENTS),
        lost=st.sampled_from([None, None, True, False]),
    )
    def edit(
        self,
        data: st.DataObject,
        size: int | None,
        cents: int | None,
        lost: bool | None,
    ) -> None:
        order = self.drawn(data)
        if lost is not None:
            self.stage.fault("drop", method="POST", commits=lost, count=None)
        price = None if cents is None else D(cents) / 100
        terms = {"outcome": "yes", "price": price, "size": size}
        self.act(lambda: self.client.edit_order(order.order_id, **terms))

    @precondition(lambda self: self.resting())
    @rule(data=st.data(), lost=st.sampled_from([None, True, False]))
    def cancel(self, data: st.DataObject, lost: bool | None) -> None:
        order = self.drawn(data)
        if lost is not None:
            self.stage.fault("drop", method="DELETE", commits=lost, count=None)
        self.act(lambda: self.client.cancel_order(order.order_id))

    @rule(name=st.sampled_from(["positions", "open_orders", "fills"]))
    def read(self, name: str) -> None:
        self.act(getattr(self.client, f"fetch_{name}"))

    @rule(seconds=st.sampled_from([3, 20]))
    def wait(self, seconds: int) -> None:
        self.stage.clock.advance(seconds)

    @precondition(lambda self: self.resting())
    @rule(data=st.data(), size=st.sampled_from([2, 5_000]))
    def fill(self, data: st.DataObject, size: int) -> None:
        """Somebody trades with an order that rests, or with all down to it."""
        order = self.drawn(data)
        self.rival.create_order(
            MARKET,
            "yes",
            order.side.opposite,
            order.price,
            size,
            time_in_force="ioc",
        )

    @invariant()
    def exposure_is_never_above_the_cap(self) -> None:
        held = self.stage.elsewhere.fetch_positions(market_id=MARKET, mark=False)
        net = sum((x.exposure("yes") for x in held), D(0))
        claims = [Claim(x.side, x.price, x.remaining) for x in self.resting()]
        really = sum((x.cost for x in held), D(0)) + opening(claims, net)
        assert really <= self.cap
        assert really <= self.client.exchange.exposure().total


class AsyncTrading(Trading):
    flavour = "async"


RUNS = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
Trading.TestCase.settings = AsyncTrading.TestCase.settings = RUNS
TestTrading = Trading.TestCase
TestAsyncTrading = AsyncTrading.TestCase
