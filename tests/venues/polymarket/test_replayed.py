"""Whose name a replay signs in, and which salts its orders have."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.recording.sessions import stage
from tests.replaying.sessions import Step, performed, recorded
from unified_exchanges import NotRecorded, exchange
from unified_exchanges.flow import Done, advance
from unified_exchanges.models import OrderRequest, OrderResult

FLAVOURS = ("blocking", "async")


def batched() -> Generator[Step, Any, list[Any]]:
    """Orders that say the same, one by one and together, and one that is only shown."""
    [market] = yield "fetch_markets", (), {"limit": 1}
    name, outcome, low = market.market_id, market.outcomes[0].label, market.grid.lowest
    terms = (name, outcome, "buy", low, 10)
    first = yield "create_order", terms, {}
    shown = yield "preview_order", terms, {}
    batch = [
        OrderRequest(
            market_id=name, outcome=outcome, side="buy", price=low, size=10 + extra
        )
        for extra in (0, 0, 5)
    ]
    results: list[OrderResult] = yield "create_orders", (batch,), {}
    orders = [result.order for result in results]
    assert all(orders)
    return [first.order_id, shown.cost, [order and order.order_id for order in orders]]


def alone() -> Generator[Step, Any, list[Any]]:
    """Orders that say the same, each by itself and each in a batch, in turn."""
    [market] = yield "fetch_markets", (), {"limit": 1}
    name, outcome, low = market.market_id, market.outcomes[0].label, market.grid.lowest
    one = OrderRequest(market_id=name, outcome=outcome, side="buy", price=low, size=10)
    ids = []
    for _ in range(2):
        [result] = yield "create_orders", ([one],), {}
        order = yield "create_order", (name, outcome, "buy", low, 10), {}
        ids += [result.order.order_id, order.order_id]
    return ids


def read() -> Generator[Step, Any, list[Any]]:
    """What is held, and nothing traded."""
    positions = yield "fetch_positions", (), {}
    return [positions]


def funded() -> Generator[Step, Any, list[Any]]:
    """What there is to spend, and what is held."""
    balance = yield "fetch_balance", (), {}
    positions = yield "fetch_positions", (), {}
    return [balance, positions]


@pytest.mark.parametrize("script", [batched, alone, read, funded])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_session_replays_with_the_ids_and_the_wallet_that_were_recorded(
    tmp_path: Path, flavour: str, script: Any
) -> None:
    path = tmp_path / "session.jsonl"
    with stage("polymarket") as at:
        live = recorded(flavour, script, at, path)
    assert performed(flavour, script, "replay", path=path) == live


def test_an_order_that_was_interrupted_before_it_left_leaves_its_id_to_the_next(
    tmp_path: Path,
) -> None:
    path = tmp_path / "session.jsonl"
    with stage("polymarket") as at:
        [live] = recorded("blocking", bought, at, path)
    with exchange("replay", path=path) as ex:
        [market] = ex.fetch_markets(limit=1)
        order = OrderRequest(
            market_id=market.market_id,
            outcome=market.outcomes[0].label,
            side="buy",
            price=market.grid.lowest,
            size=10,
        )
        [result] = ex.create_orders([attrs.evolve(order, size=11)])
        assert isinstance(result.error, NotRecorded)
        venue = ex.venue
        drafted = advance(venue.draft(venue.tickets.read(order, rng=venue.rng)), None)
        assert isinstance(drafted, Done)
        # As where it is interrupted while it waits for its turn.
        venue.creation(drafted.value, 1.0)
        assert drafted.value.order_id == live.order_id
        venue.free_keys([drafted.value])
        terms = (order.market_id, order.outcome, order.side, order.price, order.size)
        assert ex.create_order(*terms).order_id == live.order_id


def looked() -> Generator[Step, Any, list[Any]]:
    """Nothing of an account."""
    [market] = yield "fetch_markets", (), {"limit": 1}
    return [market.market_id]


def bought() -> Generator[Step, Any, list[Any]]:
    """Something that nobody placed when it was recorded."""
    [market] = yield "fetch_markets", (), {"limit": 1}
    outcome = market.outcomes[0].label
    terms = (market.market_id, outcome, "buy", market.grid.lowest, 10)
    order = yield "create_order", terms, {}
    return [order]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_50_an_order_that_was_not_recorded_is_not_made_up(
    tmp_path: Path, flavour: str
) -> None:
    path = tmp_path / "session.jsonl"
    with stage("polymarket") as at:
        live = recorded(flavour, looked, at, path)
    assert performed(flavour, looked, "replay", path=path) == live
    with pytest.raises(NotRecorded):
        performed(flavour, bought, "replay", path=path)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_50_an_order_of_another_size_is_not_answered(
    tmp_path: Path, flavour: str
) -> None:
    def larger() -> Generator[Step, Any, list[Any]]:
        [market] = yield "fetch_markets", (), {"limit": 1}
        outcome = market.outcomes[0].label
        terms = (market.market_id, outcome, "buy", market.grid.lowest, 11)
        order = yield "create_order", terms, {}
        return [order]

    path = tmp_path / "session.jsonl"
    with stage("polymarket") as at:
        recorded(flavour, bought, at, path)
    with pytest.raises(NotRecorded, match='"makerAmount":"10000"'):
        performed(flavour, larger, "replay", path=path)
