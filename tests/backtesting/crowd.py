"""Others who trade by a script, with an order of ours among them or without it.

`world` plays a script on the engine that the simulated venues match with: as it was live,
and as it is told to whoever follows the market.  `backtested` is the backtest of the same
orders over what was told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import attrs

from unified_exchanges import BUY, SELL, Level, OrderBook, Trade
from unified_exchanges.backtesting import Report, backtest
from unified_exchanges.money import total
from unified_exchanges.paper import Contract, PaperEvent, at, nanoseconds
from unified_exchanges.simulator.notices import (
    BookDelta,
    Filled,
    Notice,
    TradePrinted,
)
from unified_exchanges.simulator.orders import Order, Owner, Refusal, Side
from unified_exchanges.strategies import Desk, Strategy

from ..paper.scene import contract
from ..simulator.scene import SECOND, START_US, Scene

Verb: TypeAlias = Literal["rest", "take", "cancel", "place", "exit", "withdraw"]

_MARKET = "RAIN"
_AHEAD = timedelta(milliseconds=500)
_RESTS: dict[Side, str] = {"bid": "bidder", "ask": "asker"}


@attrs.frozen
class Act:
    """``rest``, ``take`` and ``cancel`` are of others, ours are the rest of them.

    An ``exit`` takes what is there and is gone, as of others ``take``.  ``price`` is in
    cents.  ``which`` counts the orders that rested, or ours, from 0; an act on an order that
    there is not does nothing.
    """

    verb: Verb
    side: Side = "bid"
    price: int = 0
    size: int = 0
    which: int = 0


Filling: TypeAlias = dict[int, list[tuple[int, Decimal, Decimal]]]
"""Of each order of ours the fills: when, in microseconds, at which price, how many."""


@attrs.define
class World:
    """What came of a script: what was told of it, and what filled of ours."""

    script: list[Act]
    events: list[tuple[int, PaperEvent]] = attrs.field(factory=list)
    fills: Filling = attrs.field(factory=lambda: defaultdict(list))
    orders: dict[int, Act] = attrs.field(factory=dict)
    refused: set[int] = attrs.field(factory=set)
    """Acts by which who means to rest would trade on arrival."""
    unseen: set[int] = attrs.field(factory=set)
    """Takers who found less than they wanted: nobody is told what they would have taken."""
    canceled: dict[int, Order] = attrs.field(factory=dict)
    """What others took back, by the act."""


def moment_of(act: int) -> int:
    """When an act of the script happens, in microseconds since 1970."""
    return START_US + act * SECOND


class _Player:
    def __init__(self, script: list[Act], *, with_ours: bool, crosses: bool) -> None:
        self.world = World(script)
        self._with_ours, self._crosses = with_ours, crosses
        self._scene = Scene()
        self._scene.list(_MARKET)
        for name in ("bidder", "asker", "taker", "us"):
            self._scene.open(name, 1_000_000)
        self._resting: list[Order] = []
        self._ours: dict[int, Order] = {}
        self._scene.engine.subscribe(self._hear)

    def play(self) -> World:
        self._tell_book()
        for number, act in enumerate(self.world.script, 1):
            self._scene.clock.us = moment_of(number)
            self._scene.engine.advance()
            try:
                self._do(number, act)
            except Refusal:  # such as a cancel of what has filled
                continue
        self._scene.clock.us = moment_of(len(self.world.script) + 1)
        self._tell_book()
        return self.world

    def _do(self, number: int, act: Act) -> None:
        price = f"{act.price / 100:.2f}"
        waits = act.verb == "place" or (act.verb == "rest" and not self._crosses)
        if waits and self._is_crossing(act):
            self.world.refused.add(number)
            return
        if act.verb == "rest":
            who = _RESTS[act.side]
            order = self._scene.send(who, act.side, price, act.size, market_id=_MARKET)
            self._resting.append(order)
        elif act.verb == "take":
            order = self._scene.send(
                "taker",
                act.side,
                price,
                act.size,
                market_id=_MARKET,
                time_in_force="ioc",
            )
            if self._scene.now(order).filled < order.size:
                self.world.unseen.add(number)
        elif act.verb == "cancel":
            if act.which < len(self._resting):
                order = self._scene.now(self._resting[act.which])
                self._scene.engine.cancel(order.order_id, owner=order.owner)
                self.world.canceled[number] = order
        elif act.verb == "place":
            self._place(act, price)
        elif act.verb == "exit":
            self._place(act, price, time_in_force="ioc")
        elif act.which in self._ours:
            order = self._ours[act.which]
            self._scene.engine.cancel(order.order_id, owner=order.owner)

    def _place(self, act: Act, price: str, **options: Any) -> None:
        key = len(self.world.orders)
        self.world.orders[key] = act
        if self._with_ours:
            name = f"ours-{key}"
            self._ours[key] = self._scene.send(
                "us",
                act.side,
                price,
                act.size,
                market_id=_MARKET,
                client_order_id=name,
                **options,
            )

    def _is_crossing(self, act: Act) -> bool:
        other: Side = "ask" if act.side == "bid" else "bid"
        best = self._scene.engine.best(_MARKET, other)
        if best is None:
            return False
        price = Decimal(act.price) / 100
        return price >= best.price if act.side == "bid" else price <= best.price

    # -- what is told ------------------------------------------------------------------

    def _hear(self, notice: Notice) -> None:
        if isinstance(notice, BookDelta):
            self._tell_book()
        elif isinstance(notice, TradePrinted):
            trade = notice.trade
            told = Trade(
                venue="toy",
                trade_id=trade.trade_id,
                market_id=_MARKET,
                outcome="yes",
                price=trade.price,
                size=trade.size,
                taker_side=BUY if trade.taker_side == "bid" else SELL,
                created_at=at(trade.time_us * 1_000),
            )
            self._tell(told)
        elif isinstance(notice, Filled) and notice.fill.owner == Owner("us"):
            fill = notice.fill
            key = int((fill.client_order_id or "").removeprefix("ours-"))
            self.world.fills[key].append((fill.time_us, fill.price, fill.size))

    def _tell_book(self) -> None:
        bids, asks = (
            tuple(
                Level(x.price, x.size) for x in self._scene.engine.levels(_MARKET, side)
            )
            for side in ("bid", "ask")
        )
        self._tell(
            OrderBook(
                venue="toy", market_id=_MARKET, outcome="yes", bids=bids, asks=asks
            )
        )

    def _tell(self, event: PaperEvent) -> None:
        self.world.events.append((self._scene.clock.us * 1_000, event))


def world(script: Iterable[Act], *, with_ours: bool, crosses: bool = True) -> World:
    """Play a script.

    None of ours but an ``exit`` trades on arrival, and without ``crosses`` nobody's who means
    to rest: what would is left out, and is in ``refused``.
    """
    return _Player(list(script), with_ours=with_ours, crosses=crosses).play()


def without_ours(script: Iterable[Act]) -> World:
    """The world that is recorded where we did nothing; whoever rests came to rest.

    Its script is of the acts that were done.
    """
    played = world(script, with_ours=False, crosses=False)
    return world(left(played, played.refused), with_ours=False)


def left(played: World, but: set[int]) -> list[Act]:
    """The script without some of its acts."""
    return [x for number, x in enumerate(played.script, 1) if number not in but]


class _Ours(Strategy):
    """Does what the script says that we do, when it says so."""

    def __init__(self, script: list[Act]) -> None:
        self._script = script
        self.keys: list[str] = []

    def on_start(self, desk: Desk) -> None:
        for number, act in enumerate(self._script, 1):
            if act.verb in ("place", "exit", "withdraw"):
                # As live: decided before the venue tells that it is done.
                desk.timer(str(number), timedelta(seconds=number) - _AHEAD)

    def on_timer(self, desk: Desk, name: str) -> None:
        act = self._script[int(name) - 1]
        if act.verb in ("place", "exit"):
            side = "buy" if act.side == "bid" else "sell"
            price = Decimal(act.price) / 100
            time_in_force = "ioc" if act.verb == "exit" else "gtc"
            self.keys.append(
                desk.place(
                    *(_MARKET, "yes", side, price, act.size),
                    time_in_force=time_in_force,
                )
            )
        elif act.which < len(self.keys):
            order = desk.order(self.keys[act.which])
            if order is not None and order.is_open:
                desk.cancel(self.keys[act.which])


def backtested(played: World, *, nets: bool = True) -> tuple[Filling, Report]:
    """The backtest of our orders over what was told of a world."""
    strategy = _Ours(played.script)
    report = backtest(
        strategy, played.events, contracts=[_contract(nets=nets)], cash=1_000_000
    )
    fills: Filling = defaultdict(list)
    for fill in report.fills:
        key = strategy.keys.index(fill.client_order_id or "")
        moment = nanoseconds(fill.created_at) // 1_000
        fills[key].append((moment, fill.price, fill.size))
    return fills, report


def _contract(*, nets: bool) -> Contract:
    return contract(_MARKET, nets=nets)


def filled(fills: Filling, key: int, moment: int) -> Decimal:
    """How much of an order of ours had filled by a moment."""
    return total(size for when, _, size in fills.get(key, []) if when <= moment)


def course(played: World, fills: Filling, key: int) -> list[Decimal]:
    """How much of an order of ours had filled after each act."""
    numbers = range(1, len(played.script) + 1)
    return [filled(fills, key, moment_of(number)) for number in numbers]
