"""A dry run beside a real client: what it reports, what it counts, what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import GuardPolicy
from unified_exchanges.testing.conformance import Trader

from .stage import MARKET, Stage

D = Decimal


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(request.param, journal=tmp_path / "orders.db")
    yield made
    made.restart()


@pytest.fixture
def rehearsal(stage: Stage) -> Trader:
    return stage.another(dry_run=True)


def bid(trader: Trader, price: str, size: int, **more: Any) -> Any:
    return trader.create_order(MARKET, "yes", "buy", price, size, **more)


def reported(rehearsal: Trader) -> Decimal | None:
    exposure: Decimal | None = rehearsal.exchange.dry_runs[-1].exposure
    return exposure


def guarded(rehearsal: Trader) -> Decimal:
    """What the guards count in the market, positions and all."""
    calls = rehearsal.exchange._calls
    found: Decimal = calls.tracker.exposures.of(MARKET).total
    return found


def test_a_report_tells_the_exposure_that_its_orders_have(rehearsal: Trader) -> None:
    orders = rehearsal.exchange.orders
    first = bid(rehearsal, "0.01", 5)
    assert reported(rehearsal) == orders.exposure(MARKET) == D("0.05")
    bid(rehearsal, "0.02", 10)
    assert reported(rehearsal) == orders.exposure() == D("0.25")
    rehearsal.edit_order(first.order_id, size=7)
    assert reported(rehearsal) == orders.exposure() == D("0.27")
    rehearsal.cancel_order(first.order_id)
    assert reported(rehearsal) == orders.exposure() == D("0.20")
    rehearsal.cancel_all_orders()
    assert reported(rehearsal) == orders.exposure() == 0
    assert [str(x.state) for x in orders] == ["canceled", "canceled"]


def test_what_is_held_comes_on_top(stage: Stage, rehearsal: Trader) -> None:
    bought = stage.buy("3")
    stage.clock.advance(1)
    assert bought.average_price is not None
    held = bought.average_price * 3
    bid(rehearsal, "0.01", 5)
    assert reported(rehearsal) == held + rehearsal.exchange.orders.exposure()


def test_real_open_orders_come_on_top_until_they_were_read(
    stage: Stage, rehearsal: Trader
) -> None:
    stage.bid("7")
    bid(rehearsal, "0.01", 5)
    orders = rehearsal.exchange.orders
    assert (reported(rehearsal), orders.exposure()) == (D("0.12"), D("0.05"))
    assert len(rehearsal.fetch_open_orders()) == 2
    assert orders.exposure() == D("0.12")


def test_a_real_client_neither_sees_nor_remembers_it(
    stage: Stage, rehearsal: Trader, tmp_path: Path
) -> None:
    real = stage.bid("7")
    bid(rehearsal, "0.01", 5)
    rehearsal.cancel_order(real.order_id)
    assert stage.orders.exposure() == D("0.07")
    assert [x.order_id for x in stage.orders] == [real.order_id]
    assert stage.client.unresolved_intents() == rehearsal.unresolved_intents() == []
    stage.restart()
    assert len(stage.orders) == 0
    assert stage.client.fetch_order(real.order_id).status == "open"


def test_a_dry_run_is_not_held_back_by_what_is_left_open(stage: Stage) -> None:
    stage.fault("drop", method="POST", path="events/orders", count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(Exception, match="the answer was lost"):
        stage.bid()
    stage.ground.requests.clear()
    again = stage.another(dry_run=True)
    assert bid(again, "0.01", 5).status == "open"
    assert again.reconcile().is_complete
    assert (len(again.exchange.orders), len(again.unresolved_intents())) == (1, 0)
    assert len(stage.client.unresolved_intents()) == 1


def test_a_report_and_the_guards_count_what_is_held_and_sold_alike(
    stage: Stage,
) -> None:
    bought = stage.buy("3")
    stage.clock.advance(10)
    rehearsal = stage.another(dry_run=True, guards=GuardPolicy(account_age=0))
    assert bought.average_price is not None
    held = bought.average_price * 3
    # Nobody knows which of them closes what is held: the cheaper does.
    for price, more in (("0.97", "0.00"), ("0.99", "0.09")):
        rehearsal.create_order(MARKET, "yes", "sell", price, 3)
        assert reported(rehearsal) == guarded(rehearsal) == held + D(more)
    bid(rehearsal, "0.01", 5)
    assert reported(rehearsal) == guarded(rehearsal)


def test_an_edit_and_a_cancel_are_counted_alike(stage: Stage) -> None:
    stage.buy("3")
    stage.clock.advance(10)
    rehearsal = stage.another(dry_run=True, guards=GuardPolicy(account_age=0))
    sale = rehearsal.create_order(MARKET, "yes", "sell", "0.97", 3)
    other = rehearsal.create_order(MARKET, "no", "buy", "0.02", 4)
    assert reported(rehearsal) == guarded(rehearsal)
    rehearsal.edit_order(sale.order_id, size=9, price="0.95", outcome="yes")
    assert reported(rehearsal) == guarded(rehearsal)
    rehearsal.cancel_order(other.order_id)
    assert reported(rehearsal) == guarded(rehearsal)
