"""A create that is interrupted, wherever that comes, holds no id and hides no order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.interrupting import interrupted_at
from tests.tracking.stage import MARKET, Stage
from tests.venues.polymarket.scene import Scene, lost
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import OrderRequest
from unified_exchanges.testing.conformance import Trader

FILES = tuple(
    f"unified_exchanges/{name}"
    for name in (
        "venue/batching.py",
        "venue/intents.py",
        "venue/journaling.py",
        "venue/placing.py",
        "venues/kalshi/receipts.py",
        "venues/polymarket/intents.py",
        "venues/polymarket/placing.py",
    )
)


FREE = GuardPolicy(max_orders=None)


class OnKalshi:
    """A trader on Kalshi, the next answer to whom may be lost."""

    def __init__(self, flavour: str, journal: Path | None) -> None:
        self._stage = Stage(flavour, journal=journal, guards=FREE)
        self.trader: Trader = self._stage.client
        self.market_id, self.price = MARKET, "0.01"

    def lose_an_answer(self) -> None:
        self._stage.fault("drop", method="POST", count=1)

    def find_all(self) -> None:
        self._stage.ground.requests.clear()


class OnPolymarket:
    """The same on Polymarket."""

    def __init__(self, flavour: str, journal: Path | None) -> None:
        self._scene = Scene(flavour)
        self.trader = self._scene.another(journal=journal, guards=FREE)
        self.market_id, self.price = self._scene.market.market_id, "0.001"

    def lose_an_answer(self) -> None:
        self._scene.then(lost)

    def find_all(self) -> None:
        self._scene.relieve()


VENUES: dict[str, Callable[[str, Path | None], Any]] = {
    "kalshi": OnKalshi,
    "polymarket": OnPolymarket,
}


def is_meant(file: str, _: str) -> bool:
    return file.endswith(FILES)


@pytest.mark.parametrize(
    ("how", "answer", "flavour", "journal"),
    [
        ("one", "heard", "blocking", "memory"),
        ("one", "heard", "async", "file"),
        ("one", "lost", "blocking", "file"),
        ("one", "lost", "async", "memory"),
        ("batch", "lost", "blocking", "memory"),
        ("batch", "heard", "async", "file"),
    ],
)
@pytest.mark.parametrize("venue", VENUES)
def test_fault_47_a_create_that_is_interrupted_may_be_asked_for_again(
    venue: str, flavour: str, journal: str, how: str, answer: str, tmp_path: Path
) -> None:
    """It is interrupted before each line; the same order then is there exactly once.

    Not in a lock's ``with``: before its end Python itself looks for no interrupt.
    """
    path = tmp_path / "orders.db" if journal == "file" else None
    ground = VENUES[venue](flavour, path)
    trader: Trader = ground.trader

    def wanted(name: str) -> OrderRequest:
        return OrderRequest(
            market_id=ground.market_id,
            outcome="yes",
            side="buy",
            price=ground.price,
            size=10,
            client_order_id=name,
        )

    trader.create_orders([wanted("first")])
    there = {x.order_id for x in trader.fetch_open_orders()}
    line, seen = 1, set[tuple[bool, bool]]()
    while True:
        keys = {f"{line}-{x}" for x in ("a" if how == "one" else "ab")}
        asked = [wanted(x) for x in sorted(keys)]
        create = partial(trader.create_orders, asked)
        if how == "one":
            (x,) = asked
            terms = x.market_id, x.outcome, x.side, x.price, x.size
            create = partial(
                trader.create_order, *terms, client_order_id=x.client_order_id
            )
        if answer == "lost":
            ground.lose_an_answer()
        where = interrupted_at(line, create, is_meant)
        ground.find_all()
        if where is None:
            break
        arrived = {x.order_id for x in trader.fetch_open_orders()} - there
        left = {x.client_order_id for x in trader.unresolved_intents()} & keys
        again = trader.create_orders(asked)
        assert [x.error for x in again] == [None] * len(asked), where
        now = {x.order_id for x in trader.fetch_open_orders()}
        assert now - there == {x.order.order_id for x in again}, where
        # What was answered and not written down yet is found out like any other.
        assert not trader.unresolved_intents() or not trader.reconcile().unknown, where
        assert trader.unresolved_intents() == [], where
        known = [trader.exchange.orders.find(client_order_id=key) for key in keys]
        assert {str(x.state) for x in known} == {"open"}, where
        seen.add((bool(arrived), bool(left)))
        trader.cancel_orders([x.order.order_id for x in again])
        # A batch has many lines: every third of them is as good as all in turn.
        line += 1 if how == "one" else 3
    assert line > 20
    # Before it left; after, when nobody was told of it.
    assert seen >= {(False, False), (True, True)}
