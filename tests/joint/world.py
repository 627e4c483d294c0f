"""One simulated venue, a journal file, and the processes of ours that share both.

All of it runs in one thread on a virtual clock.  Whenever a process waits or asks, what is
due happens: late requests arrive, streams tell, reads that are due are made.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import attrs

from unified_exchanges.flow import Request
from unified_exchanges.money import EXACT, ONE, ZERO, total
from unified_exchanges.simulator.orders import Order, Refusal, Ticket, money_of

if TYPE_CHECKING:
    from .houses import House
    from .process import Process

__all__ = ["Row", "World"]

_SHARED = Path("/dev/shm")  # noqa: S108 - a disk would make half of the time


@attrs.frozen
class Row:
    """How an intent stands in the journal's file."""

    state: str
    order_id: str | None


@attrs.define
class Late:
    """A write that was given up by who sent it, and is still on its way."""

    due: float
    arrive: Callable[[], object]


class World:
    """What there is beside the processes."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.clock, self.venue, self.engine = house.clock, house.venue, house.engine
        self.us, self.others = house.us, house.others
        self.markets = house.markets
        folder = str(_SHARED) if _SHARED.is_dir() else None
        self._folder = TemporaryDirectory(dir=folder)
        self.journal = Path(self._folder.name) / "orders.db"
        self._reader: sqlite3.Connection | None = None
        self.processes: list[Process] = []
        self.fallen: list[Process] = []
        self.numbers = count(1)
        self.under_way: list[Late] = []
        self.left: dict[str, set[int]] = defaultdict(set)
        """The calls that sent an order, by its client order id."""
        self.external: set[str] = set()
        """Ids of orders that were placed elsewhere on the account."""
        self.named: dict[str, str] = house.keys
        """Client order ids by order id, where the venue knows of none."""
        self._is_busy = False
        self._is_working = False

    def close(self) -> None:
        """Leave nothing behind."""
        for process in [*self.processes, *self.fallen]:
            process.release()
        if self._reader is not None:
            self._reader.close()
        self._folder.cleanup()

    # -- time -----------------------------------------------------------------------

    def moment(self) -> None:
        """Nothing happens in the same millisecond as what was before."""
        self.clock.advance(0.005)

    def pump(self) -> None:
        """Let all happen that is due now."""
        if self._is_busy:
            return
        with self._busy():
            self.arrive()
            self.venue.advance()
            for process in self.processes:
                process.pump()

    @contextmanager
    def _busy(self) -> Iterator[None]:
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    def arrive(self) -> None:
        """Let late writes arrive."""
        now = self.clock.monotonic()
        for late in [x for x in self.under_way if x.due <= now]:
            self.under_way.remove(late)
            late.arrive()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and everything happen that falls into it."""
        end = self.clock.monotonic() + seconds
        while (now := self.clock.monotonic()) < end:
            naps = [process.nap(now) for process in self.processes]
            naps += [late.due - now for late in self.under_way]
            nap = max(0.01, min(naps, default=seconds))
            self.clock.advance(min(nap, end - now))
            self.pump()
            self.work()

    def work(self) -> None:
        """Make the reads that are due; who waits inside one makes no other."""
        if self._is_working:
            return
        self._is_working = True
        try:
            for process in self.processes:
                process.work()
        finally:
            self._is_working = False

    # -- processes ------------------------------------------------------------------

    def bury(self, process: Process) -> None:
        """A process is gone: it does nothing more, and hears nothing."""
        self.processes.remove(process)
        self.fallen.append(process)
        process.die()

    # -- what others do -------------------------------------------------------------

    def place_elsewhere(self, name: str, side: Any, price: Decimal, size: int) -> None:
        """An order of our account by no process of ours."""
        order_id = self.house.place_elsewhere(name, side, price, size)
        if order_id is not None:
            self.external.add(order_id)

    def meet(self, order: Order, size: int) -> None:
        """Somebody trades against an order of ours."""
        side: Any = "ask" if order.side == "bid" else "bid"
        better = self.engine.levels(order.market_id, order.side)
        is_bid = order.side == "bid"
        ahead = [
            level.size
            for level in better
            if (level.price > order.price if is_bid else level.price < order.price)
        ]
        all_in = int(total(ahead)) + size
        ticket = Ticket(
            market_id=order.market_id,
            owner=self.others,
            side=side,
            price=order.price,
            size=Decimal(all_in),
            time_in_force="ioc",
        )
        with suppress(Refusal):
            self.engine.place(ticket)

    # -- what is true ---------------------------------------------------------------

    def orders(self) -> list[Order]:
        """All orders of our account."""
        return self._named(self.engine.orders(self.us.account_id))

    def resting(self) -> list[Order]:
        """Those that may still fill."""
        found = self.engine.orders(self.us.account_id, status="resting")
        return self._named(found)

    def _named(self, orders: list[Order]) -> list[Order]:
        """The same with our own ids."""
        return [attrs.evolve(x, client_order_id=self.house.key_of(x)) for x in orders]

    def at_risk(self, name: str) -> Decimal:
        """Dollars at least that we risk in a market if one side of our orders fills."""
        held = self.house.held(name)[None]
        positions = self.engine.positions(self.us.account_id)
        cost = total(x.cost for x in positions if x.market_id == name)
        return cost + max(
            self._opening(name, "bid", max(ZERO, EXACT.minus(held))),
            self._opening(name, "ask", max(ZERO, held)),
        )

    def _opening(self, name: str, side: str, closes: Decimal) -> Decimal:
        """What one side takes, after the dearest of it has closed what is held."""
        mine = [x for x in self.resting() if (x.market_id, x.side) == (name, side)]
        costs = sorted(
            ((money_of(x.side, x.price, ONE), x.remaining) for x in mine), reverse=True
        )
        taken = ZERO
        for unit, left in costs:
            closing = min(closes, left)
            closes = EXACT.subtract(closes, closing)
            opening = EXACT.subtract(left, closing)
            taken = EXACT.add(taken, EXACT.multiply(unit, opening))
        return taken

    def created(self, request: Request) -> list[str]:
        """The client order ids of the orders in a request."""
        keys = []
        for kind, name in self.house.sent(request):
            key = name
            if kind == "order_id":
                rows = self.rows().items()
                wrote = [key for key, row in rows if row.order_id == name]
                key = self.named.setdefault(name, wrote[0] if wrote else "")
                assert key, f"order {name} leaves, and was not written down"
            keys.append(key)
        return keys

    def rows(self) -> dict[str, Row]:
        """The journal's file, by client order id."""
        if self._reader is None:
            if not self.journal.exists():
                return {}
            # Whoever asks first may be in a thread of its own; one asks at a time.
            self._reader = sqlite3.connect(
                self.journal, isolation_level=None, check_same_thread=False
            )
        try:
            found = self._reader.execute(
                "SELECT client_order_id, state, order_id FROM intents"
            ).fetchall()
        except sqlite3.OperationalError:
            return {}
        return {key: Row(state, order_id) for key, state, order_id in found}
