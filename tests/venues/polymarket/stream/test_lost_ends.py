"""An order whose last event is lost: for how long a watch believes that it is open."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.venues.polymarket.ground import PolymarketGround
from tests.venues.polymarket.simulated.trader import trader
from tests.watching.wire import Wire
from unified_exchanges.models import Order, Subject
from unified_exchanges.policy import LimitPolicy, StreamPolicy
from unified_exchanges.settings import Settings
from unified_exchanges.simulator.faults import (
    FaultPlan,
    FaultyVenue,
    StreamFault,
    StreamPlan,
)
from unified_exchanges.venues.polymarket.venue import PolymarketVenue

WORST = 30.5
"""Seconds until it is right again, at most: between two reads, and one look of ours."""


class Stage(Wire):
    """The user channel of a simulated Polymarket, on a virtual clock."""

    def __init__(self, seed: int, **policy: Any) -> None:
        ground = PolymarketGround()
        ground.server()
        polymarket = ground.polymarket
        # A key of its own: others write the frames of theirs to the log.
        self.us = trader(polymarket, ground.clock, 0x105E4D)
        self.them = trader(polymarket, ground.clock, 0xB0B)
        self.listed = self.us.market()
        self.frames = StreamPlan(rng=Random(seed))
        server = FaultyVenue(
            polymarket, FaultPlan(rng=Random(seed)), ground.clock, streams=self.frames
        )
        super().__init__(
            polymarket,
            server,
            PolymarketVenue(
                Settings(
                    private_key=f"{self.us.private_key:064x}",
                    api_key=self.us.key.key_id,
                    secret=self.us.key.secret,
                    password=self.us.key.passphrase,
                    environment="local",
                    clock=ground.clock,
                    rng=Random(seed),
                    limits=LimitPolicy(enabled=False, discover=False),
                    stream=StreamPolicy(**policy),
                    environ={},
                    options={
                        "funder": self.us.wallet.address,
                        "signature_type": self.us.wallet.signature_type,
                    },
                )
            ),
            ground.clock,
            rng=Random(seed),
            line=1,
        )

    def rest(self) -> str:
        """An order of ours at the best price, behind the others."""
        book = self.us.read("/clob/book", token_id=self.listed.tokens[0])
        best = book["bids"][-1]
        self.price, self.before = Decimal(best["price"]), Decimal(best["size"])
        placed = self.us.place(self.listed, "BUY", str(self.price), "10")
        self.pump()
        return str(placed.body["orderID"])

    def end(self, order_id: str, how: str) -> None:
        """Let it end: cancelled, or taken by somebody who takes all of that price."""
        if how == "canceled":
            self.us.ask("DELETE", "/order", {"orderID": order_id})
        else:
            price, size = str(1 - self.price), str(self.before + 10)
            self.them.place(self.listed, "BUY", price, size, index=1)
        self.pump()


def time_until_right(seed: int, how: str, **policy: Any) -> float:
    """Seconds for which an order is told as open that has ended unheard."""
    stage, rng = Stage(seed, **policy), Random(seed)
    watch = stage.feed.join(Subject.ORDERS, None, policy="every", wake=lambda: None)
    stage.pass_time(20 + rng.uniform(0, 100))
    name = stage.rest()
    stage.pass_time(rng.uniform(0.1, 200))
    assert [x.order_id for x in stage.feed.account.open_orders] == [name]
    # Of an order that is taken, its fill may be lost too.
    stage.frames.add(StreamFault("drop", frame="order|trade", count=None))
    began = stage.clock.monotonic()
    stage.end(name, how)
    states: dict[str, Order] = {}
    while name not in states or states[name].is_open:
        stage.pass_time(0.25)
        while (told := watch.mailbox.take()) is not None:
            states[told.order_id] = told
    assert str(states[name].status) == how
    return stage.clock.monotonic() - began


@pytest.mark.parametrize("how", ["canceled", "closed"])
@pytest.mark.parametrize("seed", range(6))
def test_an_end_that_was_lost_is_told_within_half_a_minute(seed: int, how: str) -> None:
    assert time_until_right(seed, how) <= WORST
