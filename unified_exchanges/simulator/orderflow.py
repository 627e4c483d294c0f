"""Synthetic traders, seeded and driven by the virtual clock: books move by themselves.

Each market has a market maker that quotes both sides around a fair value which wanders
and reverts, a crowd that rests orders nearby and takes them back, and takers that hit
the best price. The same seed and the same times give the same trades.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from decimal import Decimal
from random import Random

import attrs

from ..grid import PriceGrid
from ..money import CENTI, EXACT
from .engine import Engine
from .ledger import opposite
from .markets import Market
from .orders import Order, Owner, Side, Ticket

__all__ = ["FlowSettings", "OrderFlow"]

_SECOND_US = 1_000_000
_HOUSEKEEPING_US = 60 * _SECOND_US
_UNIT = Decimal("0.0001")
_HAIR = Decimal("0.0000001")
_SIDES: tuple[Side, Side] = ("bid", "ask")


@attrs.frozen(kw_only=True, slots=True)
class FlowSettings:
    """How lively the synthetic traders are."""

    actions_per_second: float = 2.0
    """Of each market."""
    levels: int = 6
    """That the market maker keeps on each side."""
    smallest_quote: int = 50
    largest_quote: int = 400
    largest_take: int = 25
    """Contracts."""
    takes: float = 0.35
    """Share of the actions that take the best price."""
    mingles: float = 0.25
    """Share of the actions by which the crowd rests an order or takes one back."""
    fractions: float = 0.1
    """Share of the sizes that are no whole number of contracts."""
    wander: int = 10
    """Standard deviation of the fair value per action, in 0.0001 dollars."""
    reversion: float = 0.02
    """Part of the way home that the fair value goes per action."""
    cash: Decimal = Decimal(1_000_000)
    """Of each synthetic account; topped up when nearly spent."""
    catch_up_seconds: float = 600.0
    """The most that is made up for when the clock leaps; the rest is skipped."""
    kept_seconds: int = 120
    """How long ended synthetic orders are remembered."""


@attrs.define(slots=True)
class _Scene:
    """One market as its synthetic traders see it; values in 0.0001 dollars."""

    market_id: str
    home: int
    fair: int
    maker: Owner
    crowd: Owner
    taker: Owner

    @property
    def owners(self) -> tuple[Owner, Owner, Owner]:
        return self.maker, self.crowd, self.taker


class OrderFlow:
    """The synthetic traders of all markets of an engine, also of those listed later.

    ``fair`` gives the value around which a market's price wanders; the others draw one.
    Call `advance` before the engine answers a request. The accounts are named
    ``flow:…``.
    """

    def __init__(
        self,
        engine: Engine,
        rng: Random,
        *,
        fair: Mapping[str, Decimal] | None = None,
        settings: FlowSettings | None = None,
    ) -> None:
        self._engine = engine
        self._rng = rng
        self._fair = dict(fair or {})
        self._settings = settings or FlowSettings()
        self._scenes: dict[str, _Scene] = {}
        self._due: list[tuple[int, int, str]] = []
        self._now_us = engine.now_us()
        self._swept_us = self._now_us
        self._acts = 0

    def advance(self, until_us: int | None = None) -> int:
        """Act until then (by default, until now); how many actions that took.

        Each action happens at its own time, so that how often this is called does not
        change what happens, as long as nobody else trades in between.
        """
        until_us = self._engine.now_us() if until_us is None else until_us
        before = self._acts
        self._skip_to(until_us - round(self._settings.catch_up_seconds * _SECOND_US))
        self._enter_new_markets()
        while self._due and self._due[0][0] <= until_us:
            due_us, _, market_id = heapq.heappop(self._due)
            self._now_us = max(self._now_us, due_us)
            with self._engine.as_of(self._now_us):
                self._act(self._scenes[market_id])
            self._sweep()
        self._now_us = max(self._now_us, until_us)
        with self._engine.as_of(self._now_us):
            self._engine.advance()
        return self._acts - before

    def _skip_to(self, earliest_us: int) -> None:
        if earliest_us <= self._now_us:
            return
        self._now_us = earliest_us
        self._due = [(max(due, earliest_us), n, name) for due, n, name in self._due]
        heapq.heapify(self._due)

    def _enter_new_markets(self) -> None:
        if self._engine.market_count == len(self._scenes):
            return
        for market_id in self._engine.market_ids():
            if market_id not in self._scenes:
                with self._engine.as_of(self._now_us):
                    self._enter(market_id)

    def _enter(self, market_id: str) -> None:
        self._engine.advance()
        market = self._engine.market(market_id)
        home = self._home_of(market)
        names = [f"flow:{role}:{market_id}" for role in ("maker", "crowd", "taker")]
        for name in names:
            self._engine.open_account(name)
            self._engine.deposit(Owner(name), self._settings.cash, shard=market.shard)
        scene = _Scene(market_id, home, home, *map(Owner, names))
        self._scenes[market_id] = scene
        if _trades(market):
            self._refill(scene, market)
            self._quote(scene, market)
        self._plan_next(scene)

    def _home_of(self, market: Market) -> int:
        given = self._fair.get(market.market_id)
        if given is None:
            return self._rng.randint(1_500, 8_500)
        return int(EXACT.divide_int(given, _UNIT))

    def _plan_next(self, scene: _Scene) -> None:
        wait = self._rng.expovariate(self._settings.actions_per_second)
        due_us = self._now_us + max(1, round(wait * _SECOND_US))
        self._acts += 1
        heapq.heappush(self._due, (due_us, self._acts, scene.market_id))

    def _act(self, scene: _Scene) -> None:
        self._engine.advance()
        market = self._engine.market(scene.market_id)
        if market.status == "finalized":
            return
        if _trades(market):
            self._trade(scene, market)
        self._plan_next(scene)

    def _trade(self, scene: _Scene, market: Market) -> None:
        self._refill(scene, market)
        self._drift(scene)
        dice = self._rng.random()
        if dice < self._settings.takes:
            self._take(scene, market)
        elif dice < self._settings.takes + self._settings.mingles:
            self._mingle(scene, market)
        self._quote(scene, market)

    def _refill(self, scene: _Scene, market: Market) -> None:
        """Bring money while there is still enough for one action."""
        largest = max(self._settings.largest_quote, self._settings.largest_take)
        least = Decimal(2 * (self._settings.levels + 1) * (largest + 1))
        for owner in scene.owners:
            if self._engine.cash(owner, shard=market.shard).available < least:
                amount = max(least, self._settings.cash)
                self._engine.deposit(owner, amount, shard=market.shard)

    def _drift(self, scene: _Scene) -> None:
        pull = (scene.home - scene.fair) * self._settings.reversion
        scene.fair += round(pull + self._rng.gauss(0, self._settings.wander))
        scene.fair = min(9_800, max(200, scene.fair))

    # The market maker

    def _quote(self, scene: _Scene, market: Market) -> None:
        """Bring the maker's orders to where the fair value wants them."""
        wanted = self._ladder(market.grid, scene.fair)
        kept: set[tuple[Side, Decimal]] = set()
        for order in self._resting(scene.maker):
            place = (order.side, order.price)
            worn = order.remaining * 2 < self._settings.smallest_quote
            if place not in wanted or place in kept or worn:
                self._engine.cancel(order.order_id, owner=scene.maker)
            else:
                kept.add(place)
        for side, price in wanted:
            if (side, price) not in kept:
                low, high = self._settings.smallest_quote, self._settings.largest_quote
                size = self._size(market, low, high)
                self._send(scene.maker, market, side, price, size)

    def _ladder(self, grid: PriceGrid, fair: int) -> list[tuple[Side, Decimal]]:
        middle = EXACT.multiply(Decimal(fair), _UNIT)
        bid = grid.snap(middle, "down") or grid.lowest
        ask = _above(grid, bid)
        if ask is None:
            bid, ask = _below(grid, bid) or bid, bid
        wanted: list[tuple[Side, Decimal]] = []
        low: Decimal | None = bid
        high: Decimal | None = ask
        for _ in range(self._settings.levels):
            if low is not None:
                wanted.append(("bid", low))
                low = _below(grid, low)
            if high is not None:
                wanted.append(("ask", high))
                high = _above(grid, high)
        return wanted

    # The others

    def _take(self, scene: _Scene, market: Market) -> None:
        side = self._rng.choice(_SIDES)
        best = self._engine.best(market.market_id, opposite(side))
        if best is None:
            return
        # What rests may be off the grid of today.
        price = market.grid.snap(best.price, "up" if side == "bid" else "down")
        if price is not None:
            size = self._size(market, 1, self._settings.largest_take)
            self._send(scene.taker, market, side, price, size, takes=True)

    def _mingle(self, scene: _Scene, market: Market) -> None:
        """Rest an order near the best price, or take an old one back."""
        resting = self._resting(scene.crowd)
        if len(resting) > self._rng.randint(0, 8):
            order = self._rng.choice(resting)
            self._engine.cancel(order.order_id, owner=scene.crowd)
            return
        side = self._rng.choice(_SIDES)
        best = self._engine.best(market.market_id, side)
        if best is None:
            return
        price = market.grid.snap(best.price, "down" if side == "bid" else "up")
        step = _below if side == "bid" else _above
        for _ in range(self._rng.randint(0, self._settings.levels)):
            price = step(market.grid, price) if price is not None else None
        if price is not None:
            size = self._size(market, 1, self._settings.largest_take)
            self._send(scene.crowd, market, side, price, size)

    def _resting(self, owner: Owner) -> list[Order]:
        return self._engine.orders(owner.account_id, status="resting")

    def _size(self, market: Market, low: int, high: int) -> Decimal:
        """Mostly whole contracts, always whole lots."""
        size = Decimal(self._rng.randint(low, high))
        if self._rng.random() < self._settings.fractions:
            size = EXACT.add(size, EXACT.multiply(CENTI, self._rng.randint(1, 99)))
        lots = max(1, int(EXACT.divide_int(size, market.lot)))
        return EXACT.multiply(market.lot, lots)

    def _send(
        self,
        owner: Owner,
        market: Market,
        side: Side,
        price: Decimal,
        size: Decimal,
        *,
        takes: bool = False,
    ) -> None:
        self._engine.place(
            Ticket(
                market_id=market.market_id,
                owner=owner,
                side=side,
                price=price,
                size=size,
                time_in_force="ioc" if takes else "gtc",
                self_trade="maker",
            )
        )

    def _sweep(self) -> None:
        """Forget what nobody reads."""
        if self._now_us < self._swept_us + _HOUSEKEEPING_US:
            return
        self._swept_us = self._now_us
        before_us = self._now_us - self._settings.kept_seconds * _SECOND_US
        for scene in self._scenes.values():
            for owner in scene.owners:
                self._engine.forget(owner.account_id, before_us=before_us)


def _trades(market: Market) -> bool:
    return market.status == "active" and not market.is_paused


def _above(grid: PriceGrid, price: Decimal) -> Decimal | None:
    """The next valid price that is higher."""
    return grid.snap(EXACT.add(price, _HAIR), "up")


def _below(grid: PriceGrid, price: Decimal) -> Decimal | None:
    """The next valid price that is lower."""
    return grid.snap(EXACT.subtract(price, _HAIR), "down")
