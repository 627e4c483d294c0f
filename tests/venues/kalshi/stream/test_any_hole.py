"""Whoever comes and goes: a trade of what is followed is told, or a gap that hides it.

Followers of some markets and of all come and go while commands are out and subscriptions
die.  A trade that was made while somebody followed its market, after that was acknowledged,
must have been told to them, or else a gap in that market must come after it.
"""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges.models import Gap, Subject, Trade

from .desk import A, B, C, Desk
from .test_any_order import SEEDS
from .test_misreading import TRADE

MARKETS = (A, B, C)


@attrs.define(eq=False)
class Consumer:
    """One who follows one market, or with None all."""

    market: str | None
    is_acknowledged: bool = False
    missing: dict[str, str] = attrs.field(factory=dict)
    """Trades that were made and not told, with their markets."""

    def hear(self, event: Any) -> None:
        if isinstance(event, Trade):
            self.missing.pop(event.trade_id, None)
        elif isinstance(event, Gap):
            hidden = set(event.market_ids or MARKETS)
            for trade_id in [t for t, m in self.missing.items() if m in hidden]:
                del self.missing[trade_id]


class Floor:
    """A desk of trades and its consumers."""

    def __init__(self, rng: Random, subject: Subject = Subject.TRADES) -> None:
        self.rng = rng
        self.subject = subject
        self.desk = Desk().connect()
        self.consumers: list[Consumer] = []
        self.pending: list[dict[str, Any]] = []
        self.trades = 0

    def hear(self) -> None:
        for event in self.desk.events:
            for consumer in self.consumers:
                consumer.hear(event)
        self.desk.events.clear()
        if self.desk.stream.is_acknowledged(self.subject):
            for consumer in self.consumers:
                consumer.is_acknowledged = True

    def do_join(self) -> None:
        market = self.rng.choice((None, *MARKETS))
        self.consumers.append(Consumer(market))
        self.desk.stream.follow(self.subject, market and [market])

    def do_leave(self) -> None:
        if self.consumers:
            left = self.consumers.pop(self.rng.randrange(len(self.consumers)))
            self.desk.stream.unfollow(self.subject, left.market and [left.market])

    def do_trade(self) -> None:
        """A trade is made; it is told if the venue has its market in a subscription."""
        self.trades += 1
        market, trade_id = self.rng.choice(MARKETS), f"t{self.trades}"
        for consumer in self.consumers:
            if consumer.is_acknowledged and consumer.market in {None, market}:
                consumer.missing[trade_id] = market
        held = self.desk.held.get("trade")
        if held is not None and (not held or market in held):
            msg = TRADE | {"market_ticker": market, "trade_id": trade_id}
            self.desk.push("trade", "trade", msg)

    def do_command(self) -> None:
        self.pending += self.desk.sent()
        if not self.pending:
            return
        command = self.pending.pop(0)
        sid = command["params"].get("sid") or command["params"].get("sids", [None])[0]
        if sid is not None and sid not in self.desk.sids.values():
            self.desk.fail(command, 7)
        else:
            self.desk.answer(command)

    def do_kill(self) -> None:
        if "trade" in self.desk.sids:
            del self.desk.held["trade"]
            self.desk.kill("trade", 10)

    def do_wait(self) -> None:
        self.desk.wait(1)


STEPS = ("join", "leave", "trade", "trade", "command", "command", "command", "wait")


@settings(max_examples=SEEDS)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 200), kills=st.booleans())
def test_no_trade_of_what_is_followed_is_missed_without_a_gap(
    *, seed: int, steps: int, kills: bool
) -> None:
    floor = Floor(Random(seed))
    for _ in range(steps):
        name = floor.rng.choice((*STEPS, "kill") if kills else STEPS)
        getattr(floor, f"do_{name}")()
        floor.hear()
    for _ in range(120):
        floor.do_command()
        floor.do_wait()
        floor.hear()
    assert floor.desk.stream.is_settled
    assert [consumer.missing for consumer in floor.consumers if consumer.missing] == []
    for market in MARKETS:
        told = floor.desk.stream.health().gaps
        floor.do_trade()
        floor.hear()
        assert floor.desk.stream.health().gaps == told
        assert all(not x.missing for x in floor.consumers if x.market == market)
