"""Objects of one process count together what the venue counts together."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unified_exchanges as ux
from tests.canary import guarded
from tests.venues.kalshi import desk as kalshi
from tests.venues.polymarket import desk as polymarket
from unified_exchanges import LimitPolicy, RetryPolicy
from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Sleep
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.polymarket import Polymarket, limits
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

WAITING: list[Any] = []
"""Calls that wait for their turn: one that is given up gives its place back."""
KEPT = LimitPolicy(discover=False)
WALLETS = (0xABC125, 0xABC126, 0xABC127)
CASH = {"asset_type": "COLLATERAL"}
REFRESH = "/clob/balance-allowance/update"
MOST, SECONDS = 50, 10.0
"""How often that may be asked from one address (rate limits, 2026-08)."""
GRANT = 40, 60
"""Orders a second, and at once, of one signer of the lowest tier (the same)."""


def wallet(number: int, clock: VirtualClock, **fields: Any) -> Any:
    fields = {"limits": KEPT, "api": True, **fields}
    secret = guarded(private_key=f"{WALLETS[number]:064x}")
    return polymarket.desk(clock=clock, **secret, **fields).venue


def leaves(venue: Any, call: Any) -> float:
    """When a call of that object leaves that is made now."""
    flow = venue.send(call)
    step = next(flow)
    WAITING.append(flow)
    wait = step.seconds if isinstance(step, Sleep) else 0.0
    return float(venue.clock.monotonic() + wait)


def most_within(moments: list[float], seconds: float) -> int:
    return max(sum(at <= x < at + seconds for x in moments) for at in moments)


BURSTS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.01, 0.4, 3.0]),
        st.integers(0, 2),
        st.integers(1, 25),
    ),
    min_size=1,
    max_size=12,
)
PATIENT = RetryPolicy(deadline=600.0, order_deadline=600.0)


@given(BURSTS)
def test_three_wallets_together_keep_to_what_their_address_is_granted(
    bursts: list[tuple[float, int, int]],
) -> None:
    clock = VirtualClock()
    venues = [wallet(number, clock, retry=PATIENT) for number in range(3)]
    moments: list[float] = []
    for passed, which, count in bursts:
        clock.advance(passed)
        call = venues[which].read(REFRESH, about="refresh")
        moments += [leaves(venues[which], call) for _ in range(count)]
    assert most_within(moments, SECONDS) <= MOST


@given(BURSTS)
def test_objects_of_one_signer_together_keep_to_what_it_is_granted(
    bursts: list[tuple[float, int, int]],
) -> None:
    clock = VirtualClock()
    # One of them reads of another wallet: who signs is the same.
    options = [{}, {"wallet": polymarket.OTHERS}, {}]
    venues = [wallet(0, clock, retry=PATIENT, options=x) for x in options]
    moments: list[float] = []
    for passed, which, count in bursts:
        clock.advance(passed)
        call = venues[which].read("/clob/time", about="as an order")
        call = attrs.evolve(call, charges=(("orders", 1),))
        moments += [leaves(venues[which], call) for _ in range(count)]
    for seconds in (0.5, 1.0, 5.0):
        assert most_within(moments, seconds) <= GRANT[0] * seconds + GRANT[1]


def test_a_call_that_is_given_up_while_it_waits_gives_its_place_back() -> None:
    clock = VirtualClock()
    venue = wallet(0, clock, retry=PATIENT)
    call = venue.read("/clob/time", about="as an order")
    call = attrs.evolve(call, charges=(("orders", 1),))
    flows, waits = [], []
    for _ in range(70):
        flows.append(venue.send(call))
        step = next(flows[-1])
        waits.append(step.seconds if isinstance(step, Sleep) else 0.0)
    began = sum(not wait for wait in waits)
    assert began < 70
    for flow in flows[began + 1 :]:
        flow.close()
    # One waits still, and nobody else does.
    assert leaves(venue, call) == pytest.approx(waits[began + 1])


def test_a_read_waits_for_no_orders_that_wait_for_the_signer_s_own_bucket() -> None:
    clock = VirtualClock()
    venue = wallet(0, clock, retry=PATIENT)
    charges = tuple(limits.charges("/clob/order", "POST"))
    order = venue.read("/clob/time", about="as an order")
    order = attrs.evolve(order, charges=(*charges, (limits.ORDERS, 1)))
    orders, began = [leaves(venue, order) for _ in range(100)], clock.monotonic()
    waiting = [
        (x, flow) for x, flow in zip(orders, WAITING[-100:], strict=True) if x > began
    ]
    assert orders[-1] > began + 0.8
    for path in ("/clob/book", "/data/v2/trades", "/gamma/events"):
        assert leaves(venue, venue.read(path, about="a read")) == began
    for _, flow in waiting[1:]:
        flow.close()
    # All but one that waits are taken back: there is nobody else to wait for.
    assert leaves(venue, order) == pytest.approx(waiting[1][0])


def test_signers_are_counted_each_for_itself() -> None:
    clock = VirtualClock()
    one, other = wallet(0, clock), wallet(1, clock)
    one.bucket("orders").take(0.0, 60)
    assert other.bucket("orders").fill(0.0) == 1.0
    assert one.bucket("clob") is other.bucket("clob")


def test_what_runs_by_another_clock_is_not_counted_with_it() -> None:
    one, other = wallet(0, VirtualClock()), wallet(0, VirtualClock())
    assert one.bucket("clob") is not other.bucket("clob")
    assert one.bucket("orders") is not other.bucket("orders")


def test_who_sets_a_bucket_has_that_for_itself_and_shares_the_others() -> None:
    clock = VirtualClock()
    own = LimitPolicy(discover=False, buckets={"clob": (10.0, 10.0)}, cancel_share=0.2)
    one, other = wallet(0, clock), wallet(0, clock, limits=own)
    assert one.bucket("clob") is not other.bucket("clob")
    assert one.bucket("clob:book") is other.bucket("clob:book")


def test_a_tier_that_one_learns_holds_for_all_objects_of_the_signer() -> None:
    clock = VirtualClock()
    early, told, late = (wallet(0, clock) for _ in range(3))
    assert early.bucket("orders").capacity == 60
    told.adopt_tier("gold")
    assert [x.bucket("orders").capacity for x in (told, early, late)] == [600] * 3


def test_objects_of_one_kalshi_key_count_together() -> None:
    clock = VirtualClock()
    one, two, other = (
        kalshi.desk(clock=clock, limits=KEPT, key_id=name).kalshi.venue
        for name in ("a", "a", "b")
    )
    assert one.bucket("write") is two.bucket("write")
    assert one.bucket("write") is not other.bucket("write")


def test_kalshi_s_limits_that_one_learns_hold_for_who_does_not_ask() -> None:
    clock = VirtualClock()
    early, told = (
        kalshi.desk(clock=clock, limits=KEPT, key_id="a").kalshi.venue for _ in "12"
    )
    assert early.bucket("write").seconds_for(300) == pytest.approx(3)
    told._rates["write"] = (300.0, 900.0)
    assert told.bucket("write") is early.bucket("write")
    assert early.bucket("write").seconds_for(300) == pytest.approx(1)


def opened(venue: SimulatedPolymarket) -> list[dict[str, Any]]:
    """What three wallets at a venue are used with."""
    found = []
    for secret in WALLETS:
        funder = venue.add_account(secret).address
        options = {"funder": funder, "signature_type": 3}
        found.append(guarded(private_key=f"{secret:064x}") | {"options": options})
    return found


def test_three_wallets_are_not_refused_by_a_venue_that_counts() -> None:
    clock = VirtualClock()
    venue = SimulatedPolymarket(seed=7, clock=clock)
    objects = [
        Polymarket(
            environment="http://127.0.0.1:9",
            clock=clock,
            transport=ScriptedTransport(venue, clock=clock),
            retry=RetryPolicy(attempts=1),
            **fields,
        )
        for fields in opened(venue)
    ]
    for number in range(60):
        told = objects[number % 3].request("GET", REFRESH, query=CASH)
        assert told is not None
    # Some had to wait for it.
    assert clock.monotonic() >= 60 / MOST


def test_threads_and_an_event_loop_wait_for_one_bucket() -> None:
    """On real sockets: ten calls leave at once, and two hundred a second."""
    limits = LimitPolicy(discover=False, buckets={"clob": (200.0, 10.0)})
    venue = SimulatedPolymarket(seed=7)
    fields = opened(venue)

    def in_thread(own: dict[str, Any]) -> None:
        with ux.exchange("polymarket", **own) as exchange:
            for _ in range(20):
                exchange.request("GET", "/clob/time")

    async def in_loop(own: dict[str, Any]) -> None:
        async with ux.async_exchange("polymarket", **own) as exchange:
            for _ in range(20):
                await exchange.request("GET", "/clob/time")

    with SimulatorServer(venue) as server, ThreadPoolExecutor(3) as pool:
        both: dict[str, Any] = {"environment": server.url, "limits": limits}
        one, two, three = (both | x for x in fields)
        # As long as this is there, so is the bucket.
        with ux.exchange("polymarket", **one) as kept:
            kept.request("GET", "/clob/time")
            began = monotonic()
            jobs = [
                pool.submit(in_thread, one),
                pool.submit(in_thread, two),
                pool.submit(lambda: asyncio.run(in_loop(three))),
            ]
            for job in jobs:
                job.result(60)
            taken = monotonic() - began
    assert taken >= (60 - 10) / 200


def test_a_pause_of_an_address_holds_every_object_of_it() -> None:
    clock = VirtualClock()
    one, other = wallet(0, clock), wallet(1, clock)
    refused = polymarket.body({"error": "Too Many Requests"}, 429, retry_after="7")
    call = one.read("/clob/book", about="book")
    flow = one.send(call)
    next(flow)
    assert isinstance(flow.send(refused), Sleep)
    assert leaves(other, other.read("/clob/time", about="time")) == 0.0
    assert leaves(other, other.read("/clob/book", about="book")) == pytest.approx(7)
