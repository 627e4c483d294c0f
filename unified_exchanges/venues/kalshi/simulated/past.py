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

from ....grid import Rounding
from ....money import EXACT
from ....simulator.engine import Engine
from ....simulator.orders import Owner, Side, Ticket
from .limits import SHARDS
from .lives import HOUR, MINUTE, Life, Planned

__all__ = ["CROWD", "RESIDENT", "live_through"]

RESIDENT = Owner("past:resident")
CROWD = Owner("past:crowd")
_DEALER = Owner("past:dealer")
_PURSE = Decimal(10_000_000)
_MOMENTS = 4
_PLENTY = Decimal(500)
_SPREAD = Decimal("0.02")
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
        acts = [self._trade] * _MOMENTS
        owners = [CROWD] * _MOMENTS
        if resident:
            acts += [self._trade, self._rest, self._make]
            owners += [RESIDENT] * 3
        span = life.close_us - life.open_us
        self.at(life.open_us + MINUTE, partial(self._quote, ticker, fair))
        for number, (act, owner) in enumerate(zip(acts, owners, strict=True), 1):
            time_us = life.open_us + span * number // (len(acts) + 1)
            self.at(time_us, partial(act, ticker, fair, owner))

    def _quote(self, ticker: str, fair: Decimal) -> None:
        """What the dealer buys and sells at until the market closes."""
        self._place(_DEALER, ticker, "bid", self._near(ticker, fair, "down"), _PLENTY)
        self._place(_DEALER, ticker, "ask", self._near(ticker, fair, "up"), _PLENTY)

    def _trade(self, ticker: str, fair: Decimal, owner: Owner) -> None:
        """The owner hits a quote."""
        side: Side = self._rng.choice(("bid", "ask"))
        price = self._near(ticker, fair, "up" if side == "bid" else "down")
        size = EXACT.divide(Decimal(self._rng.randint(100, 2500)), 100)
        self._place(owner, ticker, side, price, size)

    def _rest(self, ticker: str, fair: Decimal, owner: Owner) -> None:
        """An order that nobody wants, far below the fair price."""
        grid = self._engine.market(ticker).grid
        lowest = min(grid.lowest, fair)
        order_id = self._place(owner, ticker, "bid", lowest, Decimal(10))
        self._engine.cancel(order_id, owner=owner)

    def _make(self, ticker: str, fair: Decimal, owner: Owner) -> None:
        """An order between the dealer's that the crowd hits."""
        self._place(owner, ticker, "bid", fair, Decimal(7))
        self._place(CROWD, ticker, "ask", fair, Decimal(7))

    def _near(self, ticker: str, fair: Decimal, direction: Rounding) -> Decimal:
        grid = self._engine.market(ticker).grid
        away = EXACT.add if direction == "up" else EXACT.subtract
        price = grid.snap(away(fair, _SPREAD), direction)
        return price or (grid.highest if direction == "up" else grid.lowest)

    def _place(
        self, owner: Owner, ticker: str, side: Side, price: Decimal, size: Decimal
    ) -> str:
        ticket = Ticket(
            market_id=ticker, owner=owner, side=side, price=price, size=size
        )
        return self._engine.place(ticket).order_id
