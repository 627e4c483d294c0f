"""A call that is given up: what had not begun to leave is over, all else is in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.flow import JournalStep, Judged, Judging, Note, Request, advance
from unified_exchanges.journal import journal_at, performed
from unified_exchanges.models import OrderRequest
from unified_exchanges.policy import LimitPolicy

from .stage import MARKET, ORDERS, Stage

D = Decimal
SLOW = LimitPolicy(buckets={"write": (1.0, 20.0)}, discover=False)
"""Two orders, and then one every ten seconds."""


class Interrupt(BaseException):
    """Ctrl-C, or the end of a task."""


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["memory", "file"])
def stage(
    request: pytest.FixtureRequest, flavour: str, tmp_path: Path
) -> Iterator[Stage]:
    path = tmp_path / "orders.db" if request.param == "file" else None
    retry = ux.RetryPolicy(order_deadline=60.0)
    made = Stage(flavour, journal=path, limits=SLOW, retry=retry)
    made.client.fetch_market(MARKET)
    yield made
    made.restart()


def interrupt_sleep(stage: Stage) -> None:
    """Interrupt what waits for its turn from now on."""

    def interrupt(_: float) -> float:
        raise Interrupt

    stage.client.transport._fall_asleep = interrupt


def let_sleep(stage: Stage) -> None:
    del stage.client.transport._fall_asleep


def exhaust(stage: Stage) -> None:
    """Place until the next one has to wait."""
    for number in range(2):
        stage.bid("1", client_order_id=f"before-{number}")


def wanted(key: str, size: int = 5) -> OrderRequest:
    return OrderRequest(
        market_id=MARKET,
        outcome="yes",
        side="buy",
        price="0.01",
        size=size,
        client_order_id=key,
    )


def facts(stage: Stage) -> tuple[Any, ...]:
    """How many are unresolved, by all who count, and what is at risk."""
    return (
        len(stage.orders.unresolved),
        stage.client.health().unresolved_orders,
        len(stage.client.unresolved_intents()),
        stage.orders.exposure(),
    )


def state(stage: Stage, key: str) -> str:
    return str(stage.orders.find(client_order_id=key).state)


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_fault_47_an_order_given_up_while_it_waited_for_its_turn_never_left(
    stage: Stage, *, batch: bool
) -> None:
    exhaust(stage)
    sent = len(stage.client.transport.requests)
    interrupt_sleep(stage)

    def place() -> None:
        if batch:
            stage.client.create_orders([wanted("one"), wanted("two")])
        else:
            stage.bid(client_order_id="one")

    with pytest.raises(Interrupt):
        place()
    assert len(stage.client.transport.requests) == sent
    assert state(stage, "one") == "refused"
    assert facts(stage) == (0, 0, 0, D("0.02"))
    # Nothing is kept back of it: it may be sent like any other.
    let_sleep(stage)
    assert stage.bid(client_order_id="one").is_open
    assert facts(stage) == (0, 0, 0, D("0.07"))


def test_fault_47_what_an_earlier_sending_left_in_doubt_stays_so(stage: Stage) -> None:
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.bid(client_order_id="one")
    stage.ground.requests.clear()
    interrupt_sleep(stage)
    stage.client.exchange.venue.bucket("write").pause(stage.clock.monotonic(), 30)
    with pytest.raises(Interrupt):
        stage.bid(client_order_id="one")
    let_sleep(stage)
    assert state(stage, "one") == "unresolved"
    assert facts(stage) == (1, 1, 1, D("0.05"))


def test_fault_47_one_that_was_sent_before_it_waited_stays_in_doubt(
    stage: Stage,
) -> None:
    stage.fault("drop", method="POST", path=ORDERS, count=1)
    interrupt_sleep(stage)
    with pytest.raises(Interrupt):
        stage.bid(client_order_id="one")
    let_sleep(stage)
    assert state(stage, "one") == "unresolved"
    assert facts(stage) == (1, 1, 1, D("0.05"))
    stage.client.reconcile()
    assert facts(stage) == (0, 0, 0, D("0.05"))


def test_fault_47_one_that_is_interrupted_on_its_way_stays_in_doubt(
    stage: Stage,
) -> None:
    def interrupt() -> None:
        raise Interrupt

    stage.at(0, interrupt)
    with pytest.raises(Interrupt):
        stage.bid(client_order_id="one")
    assert state(stage, "one") == "unresolved"
    assert facts(stage) == (1, 1, 1, D("0.05"))


def test_fault_20_47_a_lost_batch_whose_orders_wait_to_be_sent_again_is_in_doubt(
    stage: Stage,
) -> None:
    stage.fault("drop", method="POST", path="/batched", count=1)
    interrupt_sleep(stage)
    with pytest.raises(Interrupt):
        stage.client.create_orders([wanted("one"), wanted("two")])
    let_sleep(stage)
    assert [state(stage, key) for key in ("one", "two")] == ["unresolved"] * 2
    assert facts(stage) == (2, 2, 2, D("0.10"))
    stage.client.reconcile()
    assert facts(stage) == (0, 0, 0, D("0.10"))


def test_fault_47_an_edit_given_up_while_it_waited_changes_nothing(
    stage: Stage,
) -> None:
    exhaust(stage)
    (resting, _) = stage.client.fetch_open_orders()
    stage.client.exchange.venue.bucket("write").pause(stage.clock.monotonic(), 30)
    interrupt_sleep(stage)
    with pytest.raises(Interrupt):
        stage.client.edit_order(resting.order_id, size="9")
    let_sleep(stage)
    assert facts(stage) == (0, 0, 0, D("0.02"))


def test_fault_12_47_one_given_up_while_it_was_written_down_never_left(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    stage = Stage(flavour, journal=path)
    flow = stage.client.exchange.placing(wanted("one"))
    journal = journal_at(path)
    outcome: Any = None
    while not isinstance(step := advance(flow, outcome), Note):
        if isinstance(step, Request):
            outcome = stage.ground.handle(step)
        elif isinstance(step, Judging | Judged):
            outcome = None
        else:
            assert isinstance(step, JournalStep)
            outcome = performed(journal, step)
    # It is kept, and whoever waited for that is gone.
    performed(journal, step)
    flow.close()
    assert state(stage, "one") == "refused"
    assert len(journal.recall(step.entries[0].account)) == 1
    assert facts(stage) == (0, 0, 0, 0)
    assert stage.bid(client_order_id="one").is_open
    assert stage.creates == 1
    journal.close()
    stage.restart()


def test_fault_12_47_the_next_order_ends_what_never_left(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    retry = ux.RetryPolicy(order_deadline=60.0)
    stage = Stage(flavour, journal=path, limits=SLOW, retry=retry)
    exhaust(stage)
    interrupt_sleep(stage)
    with pytest.raises(Interrupt):
        stage.bid(client_order_id="one")
    let_sleep(stage)
    stage.bid(client_order_id="next")
    journal = journal_at(path)
    account = stage.client.exchange.venue.account
    found = journal.find(account, "one")
    assert found is not None
    assert (str(found.state), found.detail) == (
        "refused",
        "its call was given up before it left",
    )
    journal.close()
    stage.restart()
