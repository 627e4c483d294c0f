"""How the simulated Kalshi came to be: its plan carried out from the first listing on.

Markets are listed, traded, determined and paid at their own times, so that what is old
is as exact as what happens now. One account lived through it: `RESIDENT`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from random import Random

from ....grid import PriceGrid
from ....money import EXACT
from ....simulator.engine import Engine
from ....simulator.orders import Owner, Side, Ticket
from .limits import SHARDS
from .seeds import HOUR, Life, Planned

__all__ = ["CROWD", "RESIDENT", "live_through"]

RESIDENT = Owner("past:resident")
CROWD = Owner("past:crowd")
_DEALER = Owner("past:dealer")
_PURSE = Decimal(10_000_000)
_MOMENTS = 4
_BEFORE_US = 100 * 24 * HOUR


def live_through(
    engine: Engine,
    planned: Iterable[Planned],
    *,
    list_market: Callable[[Planned], None],
    rng: Random,
    now_us: int,
) -> None:
    """Let everything of the plan that is past happen, in its order."""
    stage = _Stage(engine, rng, now_us)
    for number, plan in enumerate(planned):
        stage.at(plan.life.listed_us, partial(list_market, plan))
        stage.put_on(plan, resident=number % 3 == 0)
    stage.play()


class _Stage:
    def __init__(self, engine: Engine, rng: Random, now_us: int) -> None:
        self._engine = engine
        self._rng = rng
        self._now_us = now_us
        self._scenes: list[tuple[int, int, Callable[[], object]]] = []
        with engine.as_of(now_us - _BEFORE_US):
            for owner in (RESIDENT, CROWD, _DEALER):
                engine.open_account(owner.account_id)
                for shard in range(SHARDS):
                    engine.deposit(owner, _PURSE, shard=shard)

    def at(self, time_us: int, scene: Callable[[], object]) -> None:
        heapq.heappush(self._scenes, (time_us, len(self._scenes), scene))

    def play(self) -> None:
        while self._scenes and self._scenes[0][0] < self._now_us:
            time_us, _, scene = heapq.heappop(self._scenes)
            with self._engine.as_of(time_us):
                scene()
        with self._engine.as_of(self._now_us):
            self._engine.advance()

    def put_on(self, plan: Planned, *, resident: bool) -> None:
        life, ticker = plan.life, plan.listed.ticker
        if life.determined_us is not None and life.value is not None:
            determine = partial(self._engine.determine, ticker, life.value)
            self.at(life.determined_us, determine)
        if life.paused:
            self.at(life.open_us + HOUR, partial(self._engine.deactivate, ticker))
        if life.traded:
            self._put_on_trades(ticker, plan.listed.fair, life, resident=resident)

    def _put_on_trades(
        self, ticker: str, fair: Decimal, life: Life, *, resident: bool
    ) -> None:
        span = life.close_us - life.open_us
        for moment in range(1, _MOMENTS + 1):
            time_us = life.open_us + span * moment // (_MOMENTS + 1)
            self.at(time_us, partial(self._trade, ticker, fair, CROWD))
        if resident:
            for moment, act in enumerate((self._trade, self._rest, self._make), 1):
                time_us = life.open_us + span * moment // (_MOMENTS + 1) + HOUR // 7
                self.at(time_us, partial(act, ticker, fair, RESIDENT))

    def _trade(self, ticker: str, fair: Decimal, owner: Owner) -> None:
        """The dealer quotes; the owner hits the quote, the rest is taken back."""
        bid, ask = self._around(ticker, fair)
        quotes = (("bid", bid), ("ask", ask))
        orders = [self._place(_DEALER, ticker, s, p, Decimal(50)) for s, p in quotes]
        side, price = self._rng.choice((("bid", ask), ("ask", bid)))
        size = EXACT.divide(Decimal(self._rng.randint(100, 2500)), 100)
        self._place(owner, ticker, side, price, size)
        for order_id in orders:
            self._engine.cancel(order_id, owner=_DEALER)

    def _rest(self, ticker: str, fair: Decimal, owner: Owner) -> None:
        """An order that nobody wants."""
        bid, _ = self._around(ticker, fair)
        order_id = self._place(owner, ticker, "bid", bid, Decimal(10))
        self._engine.cancel(order_id, owner=owner)

    def _make(self, ticker: str, fair: Decimal, owner: Owner) -> None:
        """An order that the crowd hits."""
        bid, _ = self._around(ticker, fair)
        self._place(owner, ticker, "bid", bid, Decimal(7))
        self._place(CROWD, ticker, "ask", bid, Decimal(7))

    def _around(self, ticker: str, fair: Decimal) -> tuple[Decimal, Decimal]:
        grid: PriceGrid = self._engine.market(ticker).grid
        step = EXACT.divide(Decimal(self._rng.randint(1, 3)), 100)
        bid = grid.snap(EXACT.subtract(fair, step), "down") or grid.lowest
        ask = grid.snap(EXACT.add(fair, step), "up") or grid.highest
        return bid, ask

    def _place(
        self, owner: Owner, ticker: str, side: str, price: Decimal, size: Decimal
    ) -> str:
        taken: Side = "bid" if side == "bid" else "ask"
        ticket = Ticket(
            market_id=ticker, owner=owner, side=taken, price=price, size=size
        )
        return self._engine.place(ticket).order_id
