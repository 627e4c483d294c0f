"""A sale of what is held costs nothing, be it marked `reduce_only` or not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.tracking.stage import FREE, MARKET, ONCE, Stage
from unified_exchanges.errors import GuardTripped, RateLimitExceeded
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import OrderRequest

D = Decimal
POSITIONS = "/portfolio/positions"
CAP = D("0.05")


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest) -> Stage:
    stage = Stage(request.param)
    stage.buy("9")
    return stage


def guarded(stage: Stage, **policy: Any) -> Any:
    """A client of the same account that knows nothing of what is held."""
    words = {"max_order_cost": CAP, "price_collar": None, **policy}
    more = words.pop("more", {})
    settings = {"limits": FREE, "retry": ONCE, **more}
    guards = GuardPolicy(**words)
    return stage.ground.trader(stage.flavour, guards=guards, **settings)


def sell(client: Any, size: Any = 9, price: str = "0.01", **more: Any) -> Any:
    more = {"time_in_force": "ioc", **more}
    return client.create_order(MARKET, "yes", "sell", price, size, **more)


def rest(client: Any, size: Any, price: str = "0.98", **more: Any) -> Any:
    return sell(client, size, price, time_in_force="gtc", **more)


def refused(act: Any) -> GuardTripped:
    with pytest.raises(GuardTripped) as caught:
        act()
    assert (caught.value.guard, caught.value.limit) == ("max_order_cost", CAP)
    return caught.value


def reads(client: Any, path: str = POSITIONS) -> int:
    return len([x for x in client.transport.requests if x.url.endswith(path)])


# -- what one order may cost -----------------------------------------------------------


def test_fault_14_a_sale_of_what_is_held_is_not_held_against_its_cost(
    stage: Stage,
) -> None:
    assert sell(guarded(stage)).filled == 9


def test_a_purchase_back_of_what_was_sold_costs_nothing(stage: Stage) -> None:
    client = guarded(stage)
    assert client.create_order(
        MARKET, "no", "buy", "0.99", 9, time_in_force="ioc"
    ).filled == D(9)


def test_fault_14_what_goes_beyond_the_position_counts(stage: Stage) -> None:
    client = guarded(stage)
    assert refused(lambda: sell(client, 11)).value == D("1.98")
    assert client.writes == []
    # A cent, or five of a cent's worth.
    assert sell(client, D("9.05")).filled == D("9.05")


def test_fault_14_what_other_orders_may_close_first_counts(stage: Stage) -> None:
    client = guarded(stage)
    rest(client, 6)
    assert refused(lambda: sell(client, 9)).value == D("5.94")
    assert sell(client, 3).filled == 3


def test_fault_25_a_position_that_cannot_be_read_covers_nothing(stage: Stage) -> None:
    client = guarded(stage)
    stage.fault("answer", method="GET", path=POSITIONS, count=None)
    told = refused(lambda: sell(client))
    assert told.value == D("8.91")
    assert "whether it only closes what is held could not be read" in str(told)


def test_a_purchase_by_this_object_alone_says_not_what_is_held(stage: Stage) -> None:
    stage.client.create_order(MARKET, "yes", "sell", "0.01", 9, time_in_force="ioc")
    sold = stage.client.create_order(
        MARKET, "yes", "sell", "0.01", 4, time_in_force="ioc"
    )
    assert sold.filled == 4
    client = guarded(stage, max_order_cost=D(4))
    client.create_order(MARKET, "yes", "buy", stage.ask, 4, time_in_force="ioc")
    # It closed what was sold elsewhere: nothing is held to sell.
    with pytest.raises(GuardTripped):
        sell(client, 5)


def test_a_position_is_read_again_once_others_may_have_traded_it(stage: Stage) -> None:
    client = guarded(stage)
    for size in (1, 2):
        sell(client, size)
    assert reads(client) == 1
    stage.clock.advance(30)
    stage.client.create_order(MARKET, "yes", "sell", "0.01", 6, time_in_force="ioc")
    stage.clock.advance(30)
    refused(lambda: sell(client, 6))
    assert reads(client) == 2


def test_what_is_held_here_covers_nothing_of_another_subaccount(stage: Stage) -> None:
    client = guarded(stage)
    told = refused(lambda: sell(client, params={"subaccount": 3}))
    assert told.value == D("8.91")


def test_an_edit_of_a_sale_is_judged_by_what_it_may_open(stage: Stage) -> None:
    client = guarded(stage)
    resting = rest(client, 2)
    assert (
        client.edit_order(resting.order_id, outcome="yes", price="0.97", size=9).size
        == 9
    )
    told = refused(lambda: client.edit_order(resting.order_id, size=12))
    assert told.value == D("0.09")
    assert client.edit_order(resting.order_id, size=10).size == 10


def test_each_sale_of_a_batch_is_judged_after_those_before(stage: Stage) -> None:
    client = guarded(stage)
    wanted = OrderRequest(
        market_id=MARKET, outcome="yes", side="sell", price="0.90", size=6
    )
    results = client.create_orders([wanted, wanted])
    assert results[0].error is None
    assert results[1].error.guard == "max_order_cost"
    assert results[1].error.value == D("0.30")


# -- what is told before ---------------------------------------------------------------


def test_a_preview_tells_what_the_guard_judges(stage: Stage) -> None:
    client = guarded(stage)
    terms = MARKET, "yes", "sell", "0.01"
    assert client.preview_order(*terms, 9).cost == 0
    told = refused(lambda: client.preview_order(*terms, 11))
    assert told.value == refused(lambda: sell(client, 11)).value


def test_a_dry_run_tells_what_the_guard_judges(stage: Stage) -> None:
    client = guarded(stage, more={"dry_run": True})
    sell(client)
    assert [x.cost for x in client.exchange.dry_runs] == [0]
    assert refused(lambda: sell(client, 11)).value == D("1.98")


# -- how many orders -------------------------------------------------------------------


def test_fault_14_sales_of_what_is_held_are_not_counted(stage: Stage) -> None:
    client = guarded(stage, max_orders=1)
    bid = MARKET, "yes", "buy", "0.01", 1
    client.create_order(*bid)
    sell(client, 2)
    wanted = OrderRequest(
        market_id=MARKET, outcome="yes", side="sell", price="0.01", size=2
    )
    (result,) = client.create_orders([wanted])
    assert result.error is None
    with pytest.raises(RateLimitExceeded):
        client.create_order(*bid)


def test_of_a_batch_that_is_too_long_what_closes_goes(stage: Stage) -> None:
    client = guarded(stage, max_orders=1)
    sides = "buy", "buy", "sell"
    results = client.create_orders(
        [
            OrderRequest(
                market_id=MARKET, outcome="yes", side=side, price="0.01", size=1
            )
            for side in sides
        ]
    )
    errors = [x.error for x in results]
    assert (errors[0], errors[2]) == (None, None)
    assert isinstance(errors[1], RateLimitExceeded)
    assert errors[1].client_order_id
