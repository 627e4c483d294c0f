"""Modes of the venue, rate limits, and ticks that move by themselves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.simulator.orders import Owner, Ticket
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket
from unified_exchanges.venues.polymarket.simulated.limits import Limits, Signer

from .conftest import ADA
from .trader import Trader, trader


def statuses(ada: Trader, fed) -> tuple[int, int, int, int]:
    """An order, a post-only one, a cancel, a read."""
    plain = ada.place(fed, "BUY", "0.4", "10").status
    resting = ada.place(fed, "BUY", "0.4", "10", postOnly=True).status
    cancel = ada.ask("DELETE", "/cancel-all").status
    return plain, resting, cancel, ada.ask("GET", "/data/orders").status


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("normal", (200, 200, 200, 200)),
        ("restarting", (425, 425, 425, 200)),
        ("post_only", (503, 200, 200, 200)),
        ("cancel_only", (503, 503, 200, 200)),
        ("disabled", (503, 503, 503, 200)),
    ],
)
def test_a_mode_says_what_is_taken(
    polymarket, ada: Trader, fed, mode, expected
) -> None:
    polymarket.set_mode(mode)
    assert statuses(ada, fed) == expected


def test_post_only_says_until_when(polymarket, ada: Trader, fed, clock) -> None:
    polymarket.set_mode("post_only", seconds=79)
    answer = ada.place(fed, "BUY", "0.4", "10")
    assert answer.body == {
        "error": "post-only mode: only post-only orders and cancels are allowed",
        "code": "post_only_mode",
        "retry_after_seconds": 79,
    }
    assert answer.headers["Retry-After"] == "79"
    [leg] = ada.ask("POST", "/orders", [ada.order(fed, "BUY", "0.4", "10")]).body
    assert leg["errorMsg"] == answer.body["error"]
    clock.advance(79)
    assert statuses(ada, fed)[0] == 200


def test_a_restart_ends_in_two_minutes_of_post_only(
    polymarket, ada: Trader, fed, clock
) -> None:
    polymarket.restart(seconds=90)
    assert statuses(ada, fed) == (425, 425, 425, 200)
    assert ada.ask("DELETE", "/cancel-all").body is None
    clock.advance(90)
    assert statuses(ada, fed) == (503, 200, 200, 200)
    clock.advance(120)
    assert statuses(ada, fed)[0] == 200


# Limits


@pytest.fixture
def fast(clock) -> Trader:
    polymarket = SimulatedPolymarket(seed=7, clock=clock)
    return trader(polymarket, clock, ADA)


def test_a_signer_is_told_what_is_left(fast: Trader) -> None:
    listed = fast.market()
    answer = fast.place(listed, "BUY", "0.4", "10")
    assert answer.headers["Poly-RateLimit-Remaining"] == "59"
    assert answer.headers["Poly-RateLimit-Tier"] == "standard"
    assert int(answer.headers["Poly-RateLimit-Reset"]) >= 1_795_200_000
    fast.polymarket.set_tier(fast.wallet, "elite")
    assert fast.get("/v1/user/rate-limit-tier")["order_burst"] == 900


def test_orders_above_the_burst_are_refused_until_they_are_back(
    fast: Trader, clock
) -> None:
    listed = fast.market()
    batch = [fast.order(listed, "BUY", "0.4", "10") for _ in range(15)]
    seen = [fast.ask("POST", "/orders", batch).status for _ in range(5)]
    assert seen == [200, 200, 200, 200, 429]
    answer = fast.ask("POST", "/orders", batch)
    assert answer.body == {"error": "Too Many Requests"}
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Poly-RateLimit-Remaining"] == "0"
    clock.advance(1)
    assert fast.ask("POST", "/orders", batch).status == 200


def test_a_cancel_of_more_than_the_burst_never_passes(fast: Trader, clock) -> None:
    ids = [f"0x{n}" for n in range(121)]
    assert fast.ask("DELETE", "/orders", ids).status == 429
    assert fast.ask("DELETE", "/orders", ids[:120]).status == 200


def test_cancelling_all_is_charged_afterwards(fast: Trader) -> None:
    listed = fast.market()
    for _ in range(4):
        fast.placed(listed, "BUY", "0.4", "10")
    answer = fast.ask("DELETE", "/cancel-all")
    assert answer.headers["Poly-RateLimit-Remaining"] == "115"


def test_a_group_of_endpoints_has_a_limit_of_its_own(fast: Trader, clock) -> None:
    query = {"asset_type": "COLLATERAL", "signature_type": 3}

    def update() -> int:
        return fast.ask("GET", "/balance-allowance/update", **query).status

    seen = [update() for _ in range(51)]
    assert (seen[:50], seen[50]) == ([200] * 50, 429)
    assert fast.ask("GET", "/balance-allowance", **query).status == 200
    clock.advance(1)
    assert [update() for _ in range(6)] == [200] * 5 + [429]


def test_without_limits_there_is_no_tier_to_set(polymarket, ada: Trader) -> None:
    polymarket.set_tier(ada.wallet, "gold")
    assert ada.get("/v1/user/rate-limit-tier")["tier"] == "standard"


def test_a_bucket_fills_up_to_its_capacity() -> None:
    signer = Signer()
    assert signer.orders.level(5) == 60
    signer.orders.take(60)
    assert signer.orders.level(1_000_005) == 40
    assert signer.orders.full_us(1_000_005) == 1_500_005
    assert signer.orders.level(99_000_005) == 60
    limits = Limits()
    assert limits.signer("0xA") is limits.signer("0xa")


# Ticks


def test_the_tick_is_refined_near_the_ends(polymarket, ada: Trader, fed) -> None:
    def trade(price: str) -> None:
        for name, side in (("flow:x", "ask"), ("flow:y", "bid")):
            polymarket.engine.open_account(name)
            polymarket.engine.deposit(Owner(name), Decimal(10_000))
            polymarket.engine.place(
                Ticket(
                    market_id=fed.condition_id,
                    owner=Owner(name),
                    side=side,
                    price=Decimal(price),
                    size=Decimal(3000),
                )
            )

    def tick() -> Decimal:
        told = ada.read("/clob/tick-size", token_id=fed.tokens[0])
        return Decimal(told["minimum_tick_size"])

    polymarket.settings.moves_ticks = False
    trade("0.97")
    assert tick() == Decimal("0.01")
    polymarket.settings.moves_ticks = True
    trade("0.97")
    assert tick() == Decimal("0.001")


def test_lively_books_move_and_are_the_same_for_the_same_seed(clock) -> None:
    def run() -> list[str]:
        from unified_exchanges.clock import VirtualClock

        own = VirtualClock()
        flow = FlowSettings(actions_per_second=1.0, levels=3)
        venue = SimulatedPolymarket(seed=3, clock=own, lively=True, flow=flow)
        own.advance(60)
        one = trader(venue, own, ADA)
        rows = one.read("/data/v2/trades", limit=1000, start="1795200001")["data"]
        assert {row["side"] for row in rows} == {"BUY", "SELL"}
        return [row["transaction_hash"] for row in rows]

    first = run()
    assert len(first) > 50
    assert first == run()
