"""A small exact exchange: markets on one YES book each, accounts, fees, settlement.

Every price is in YES dollars, every size in contracts, both exact decimals; every time
is an integer of microseconds since the epoch (UTC). A ``bid`` is long YES, an ``ask``
is long NO; positions are netted. The engine never waits and reads no clock but its own.

>>> from random import Random
>>> class Noon:
...     def now(self) -> float:
...         return 1_800_000_000.0
>>> engine = Engine(clock=Noon(), rng=Random(7))
>>> engine.open_account("ada")
>>> engine.deposit(Owner("ada"), Decimal(100))
>>> engine.cash(Owner("ada")).available
Decimal('100')
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import takewhile
from operator import attrgetter
from random import Random

from ..grid import PriceGrid
from .accounts import Books, Cash, Position, Settlement
from .brakes import Brakes
from .desk import Desk
from .floor import Clock, Floor, Pause
from .lifecycle import Lifecycle
from .markets import Candle, Level, Listing, Market
from .notices import Notice
from .orders import (
    Fill,
    Group,
    Order,
    OrderStatus,
    Owner,
    Refusal,
    Side,
    Ticket,
    Trade,
    Unchanged,
)
from .treasury import Treasury

__all__ = ["Clock", "Engine"]

_SEQUENCE = attrgetter("sequence")


class Engine:
    """The exchange. Thread safety is the caller's. All refusals raise `Refusal`.

    Every method that changes something first does what the clock says is due, and
    tells its listeners when all its effects are in place, in the order they happened.
    Reads do not advance: call `advance` before a request is answered.
    """

    def __init__(self, *, clock: Clock, rng: Random, trades_kept: int = 20_000) -> None:
        """Draw ids from ``rng``; keep the latest ``trades_kept`` trades of a market."""
        self._floor = Floor(clock=clock, rng=rng, trades_kept=trades_kept)
        self._desk = Desk(self._floor)
        self._gate = self._desk.gate
        self._lifecycle = Lifecycle(self._floor)
        self._treasury = Treasury(self._floor)
        self._brakes = Brakes(self._floor, self._desk)

    # Time and listeners

    def now_us(self) -> int:
        """The clock's time in microseconds."""
        return self._floor.read_clock()

    def advance(self) -> None:
        """Do all that is due: open, close, expire, settle, begin and end pauses."""
        with self._floor:
            return

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call ``listener`` with every notice from now on; returns what ends it."""
        self._floor.listeners.append(listener)
        return partial(self._floor.listeners.remove, listener)

    # Markets and their lives

    def add_market(self, listing: Listing) -> Market:
        """List a market: ``active`` when its opening is past, else ``initialized``."""
        with self._floor:
            return self._floor.snapshot(self._lifecycle.add(listing))

    def market(self, market_id: str) -> Market:
        """One market as it stands; refuses ``market_not_found``."""
        return self._floor.snapshot(self._floor.pit(market_id))

    def markets(self) -> list[Market]:
        """All markets in the order of their listing."""
        return [self._floor.snapshot(pit) for pit in self._floor.pits.values()]

    def market_ids(self) -> list[str]:
        """The ids of all markets in the order of their listing."""
        return list(self._floor.pits)

    def change_grid(self, market_id: str, grid: PriceGrid) -> None:
        """Change the prices accepted from now on; resting orders survive."""
        with self._floor:
            self._lifecycle.change_grid(self._floor.pit(market_id), grid)

    def change_close(self, market_id: str, close_us: int) -> None:
        """Move the close of a market without result; a later one may reopen it."""
        with self._floor:
            self._lifecycle.change_close(self._floor.pit(market_id), close_us)

    def deactivate(self, market_id: str) -> None:
        """Take an active market out of trading; its orders keep resting."""
        with self._floor:
            self._lifecycle.deactivate(self._floor.pit(market_id))

    def activate(self, market_id: str) -> None:
        """Bring an inactive market back; its resting orders are cancelled."""
        with self._floor:
            self._lifecycle.activate(self._floor.pit(market_id))

    def determine(self, market_id: str, yes_value: Decimal) -> None:
        """Give the result (1 yes, 0 no, between scalar), closing the market if open.

        It pays when its settlement timer ends, at once with a timer of 0. For a market
        already determined or disputed this amends the result and restarts the timer.
        """
        with self._floor:
            self._lifecycle.determine(self._floor.pit(market_id), yes_value)

    def dispute(self, market_id: str) -> None:
        """Stop the settlement timer of a determined market."""
        with self._floor:
            self._lifecycle.dispute(self._floor.pit(market_id))

    def settle(self, market_id: str) -> list[Settlement]:
        """Pay the net positions of a determined market now."""
        with self._floor:
            return self._lifecycle.settle(self._floor.pit(market_id))

    def void(self, market_id: str, yes_value: Decimal) -> list[Settlement]:
        """End a market now at a fair value per YES contract, whatever its status."""
        with self._floor:
            return self._lifecycle.void(self._floor.pit(market_id), yes_value)

    # Pauses

    def pause(
        self,
        *,
        market_id: str | None = None,
        shard: int | None = None,
        whole_exchange: bool = False,
        until_us: int | None = None,
    ) -> None:
        """Pause trading of a market, of a shard, or (neither) of everything.

        In a trading pause orders are refused ``trading_is_paused`` but may be cancelled
        and decreased. ``whole_exchange`` stops everything instead
        (``exchange_paused``). Orders with ``cancel_on_pause`` are cancelled.
        """
        with self._floor:
            self._lifecycle.pause(Pause(market_id, shard, whole_exchange), until_us)

    def resume(
        self,
        *,
        market_id: str | None = None,
        shard: int | None = None,
        whole_exchange: bool = False,
    ) -> None:
        """End the pause that `pause` began with the same arguments."""
        with self._floor:
            self._lifecycle.resume(Pause(market_id, shard, whole_exchange))

    def schedule_pause(
        self,
        start_us: int,
        end_us: int,
        *,
        market_id: str | None = None,
        shard: int | None = None,
        whole_exchange: bool = False,
    ) -> None:
        """Pause from ``start_us`` until ``end_us``."""
        pause = Pause(market_id, shard, whole_exchange)
        with self._floor:
            self._lifecycle.schedule_pause(pause, start_us, end_us)

    def is_trading(self, shard: int | None = None) -> bool:
        """Whether orders are accepted (on the shard); no pause of either kind."""
        return self._floor.is_trading(shard)

    def is_exchange_open(self, shard: int | None = None) -> bool:
        """Whether anything is accepted (on the shard); no pause of the exchange."""
        return self._floor.is_open(shard)

    # Accounts

    def open_account(self, account_id: str) -> None:
        """Open an account with subaccount 0; an open one stays as it is."""
        self._treasury.open(account_id)

    def open_subaccount(self, account_id: str) -> int:
        """Open the next subaccount; its number."""
        return self._treasury.open_subaccount(account_id)

    def subaccounts(self, account_id: str) -> list[int]:
        """The numbers of the subaccounts, ascending."""
        return list(range(self._floor.account(account_id).subaccounts))

    def deposit(self, owner: Owner, amount: Decimal, *, shard: int = 0) -> None:
        """Bring dollars in."""
        with self._floor:
            self._treasury.deposit(owner, amount, shard)

    def withdraw(self, owner: Owner, amount: Decimal, *, shard: int = 0) -> None:
        """Take available dollars out; refuses ``insufficient_balance``."""
        with self._floor:
            self._treasury.withdraw(owner, amount, shard)

    def transfer(
        self,
        source: Owner,
        target: Owner,
        amount: Decimal,
        *,
        source_shard: int = 0,
        target_shard: int = 0,
    ) -> None:
        """Move available dollars between subaccounts and shards of one account."""
        with self._floor:
            self._treasury.transfer(source, source_shard, target, target_shard, amount)

    def cash(self, owner: Owner, *, shard: int = 0) -> Cash:
        """The money of a subaccount on one shard."""
        return self._treasury.cash(owner, shard)

    def cashes(self, account_id: str) -> list[Cash]:
        """The money of every subaccount on every shard that ever held some."""
        return self._treasury.cashes(account_id)

    def positions(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
    ) -> list[Position]:
        """Positions ever held, settled and flat ones too, in order of first fill."""
        return [
            holding.position()
            for holding in self._floor.account(account_id).holdings
            if holding.volume
            and market_id in {None, holding.market_id}
            and subaccount in {None, holding.owner.subaccount}
        ]

    def settlements(
        self, account_id: str, *, subaccount: int | None = None
    ) -> list[Settlement]:
        """What was paid to the account, oldest first."""
        return [
            settlement
            for settlement in self._floor.account(account_id).settlements
            if subaccount in {None, settlement.owner.subaccount}
        ]

    def books(self) -> Books:
        """Where all the money is: the invariant of the exchange."""
        return self._treasury.books()

    # Orders

    def place(self, ticket: Ticket) -> Order:
        """Accept an order, match it, rest what is left; the order as it ends up.

        Fills happen at the resting order's price, best price and oldest first. A
        refused order has no effect, and its ``client_order_id`` stays free; an accepted
        one keeps it for ever.
        """
        with self._floor:
            return self._desk.place(ticket)

    def amend(
        self,
        order_id: str,
        *,
        owner: Owner,
        price: Decimal | Unchanged = Unchanged.UNCHANGED,
        size: Decimal | Unchanged = Unchanged.UNCHANGED,
        expires_us: int | Unchanged | None = Unchanged.UNCHANGED,
        client_order_id: str | Unchanged = Unchanged.UNCHANGED,
    ) -> Order:
        """Change a resting order; ``size`` is the total including what is filled.

        A new price or a larger size loses the priority and may trade at once; a smaller
        size or another expiry (None clears it) keeps it.
        """
        with self._floor:
            return self._desk.amend(
                order_id,
                owner=owner,
                price=price,
                size=size,
                expires_us=expires_us,
                client_order_id=client_order_id,
            )

    def decrease(
        self,
        order_id: str,
        *,
        owner: Owner,
        by: Decimal | None = None,
        to: Decimal | None = None,
    ) -> Order:
        """Take contracts off what remains, by or down to; keeps the priority.

        Down to 0 cancels. Exactly one of ``by`` and ``to``.
        """
        with self._floor:
            return self._desk.decrease(order_id, owner=owner, by=by, to=to)

    def cancel(self, order_id: str, *, owner: Owner) -> Order:
        """Cancel a resting order; ``order_not_found`` when it does not rest.

        What was open is the ``remaining`` that it had before.
        """
        with self._floor:
            return self._desk.cancel(order_id, owner=owner)

    def cancel_all(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
        shard: int | None = None,
    ) -> list[Order]:
        """Cancel every resting order that fits and may be cancelled, oldest first."""
        with self._floor:
            self._gate.check_open(shard)
            open_orders = self.orders(
                account_id, subaccount=subaccount, market_id=market_id, status="resting"
            )
            return [
                self._floor.end(order, "cancel")
                for order in reversed(open_orders)
                if shard in {None, order.shard} and self._floor.is_open(order.shard)
            ]

    def order(self, order_id: str, *, account_id: str) -> Order:
        """An order of the account, resting or not; refuses ``order_not_found``."""
        order = self._floor.account(account_id).orders.get(order_id)
        if order is None:
            raise Refusal("order_not_found", f"no order {order_id}")
        return order

    def order_by_client_id(self, client_order_id: str, *, account_id: str) -> Order:
        """The order that took the client id; refuses ``order_not_found``."""
        taken = self._floor.account(account_id).client_ids
        if client_order_id not in taken:
            raise Refusal("order_not_found", f"no order {client_order_id}")
        return self.order(taken[client_order_id], account_id=account_id)

    def orders(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
        status: OrderStatus | None = None,
    ) -> list[Order]:
        """Orders of the account, newest first."""
        account = self._floor.account(account_id)
        chosen = account.open if status == "resting" else account.orders
        found = [
            order
            for order in map(account.orders.__getitem__, chosen)
            if status in {None, order.status}
            and market_id in {None, order.market_id}
            and subaccount in {None, order.owner.subaccount}
        ]
        return sorted(found, key=_SEQUENCE, reverse=True)

    def fills(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
        order_id: str | None = None,
    ) -> list[Fill]:
        """Fills of the account, newest first."""
        return [
            fill
            for fill in reversed(self._floor.account(account_id).fills)
            if market_id in {None, fill.market_id}
            and order_id in {None, fill.order_id}
            and subaccount in {None, fill.owner.subaccount}
        ]

    def queue_position(self, order_id: str, *, account_id: str) -> Decimal:
        """Contracts ahead of a resting order at its price; 0 is first."""
        order = self.order(order_id, account_id=account_id)
        if not order.is_open:
            raise Refusal("order_not_found", f"no resting order {order_id}")
        pit = self._floor.pits[order.market_id]
        return pit.book.side(order.side).ahead_of(order)

    def forget(self, account_id: str, *, before_us: int) -> int:
        """Drop ended orders and fills of the account older than that; how many.

        Their client ids stay taken. For synthetic traders, whose past nobody reads.
        """
        account = self._floor.account(account_id)
        old = [
            order_id
            for order_id, order in account.orders.items()
            if order.updated_us < before_us and not order.is_open
        ]
        for order_id in old:
            del account.orders[order_id]
        kept = [fill for fill in account.fills if fill.time_us >= before_us]
        forgotten = len(old) + len(account.fills) - len(kept)
        account.fills = kept
        return forgotten

    # Groups

    def create_group(self, owner: Owner, limit: Decimal, *, shard: int = 0) -> Group:
        """A group that triggers when ``limit`` contracts fill within 15 seconds."""
        with self._floor:
            return self._brakes.create(owner, limit, shard).snapshot()

    def group(self, group_id: str, *, owner: Owner) -> Group:
        """One group; refuses ``order_group_not_found``."""
        return self._brakes.find(group_id, owner).snapshot()

    def groups(self, account_id: str, *, subaccount: int | None = None) -> list[Group]:
        """The groups of the account, oldest first."""
        return [
            group.snapshot()
            for group in self._floor.account(account_id).groups.values()
            if subaccount in {None, group.owner.subaccount}
        ]

    def change_group_limit(
        self, group_id: str, limit: Decimal, *, owner: Owner
    ) -> Group:
        """Change the limit; triggers when the last 15 seconds reach it already."""
        with self._floor:
            return self._brakes.change_limit(group_id, owner, limit).snapshot()

    def trigger_group(self, group_id: str, *, owner: Owner) -> Group:
        """Cancel the group's orders and refuse new ones until reset."""
        with self._floor:
            return self._brakes.trigger(group_id, owner).snapshot()

    def reset_group(self, group_id: str, *, owner: Owner) -> Group:
        """Accept orders again and forget what was filled."""
        with self._floor:
            return self._brakes.reset(group_id, owner).snapshot()

    def delete_group(self, group_id: str, *, owner: Owner) -> None:
        """Cancel the group's orders and drop it."""
        with self._floor:
            self._brakes.delete(group_id, owner)

    # Public market data

    def levels(self, market_id: str, side: Side, *, depth: int = 0) -> list[Level]:
        """The levels of one side, best first; ``depth`` 0 is all."""
        return self._floor.pit(market_id).book.side(side).levels(depth)

    def best(self, market_id: str, side: Side) -> Level | None:
        """The best level of one side; None when it is empty."""
        return self._floor.pit(market_id).book.side(side).best()

    def trades(self, market_id: str | None = None, *, after: int = 0) -> list[Trade]:
        """Trades with ``sequence`` > ``after``, newest first, of one market or all."""
        pits = (
            self._floor.pits.values()
            if market_id is None
            else [self._floor.pit(market_id)]
        )
        found: list[Trade] = []
        for pit in pits:
            newest_first = reversed(pit.trades)
            found.extend(takewhile(lambda trade: trade.sequence > after, newest_first))
        return sorted(found, key=_SEQUENCE, reverse=True)

    def candles(
        self, market_id: str, *, start_us: int, end_us: int, minutes: int
    ) -> list[Candle]:
        """Candles whose end lies in [start, end], oldest first, none left out.

        Periods are aligned to the epoch and hold their start, not their end; those that
        end before the market was listed, and the one still running, are not told.
        """
        return self._floor.pit(market_id).history.candles(
            start_us=start_us,
            end_us=end_us,
            now_us=self._floor.read_clock(),
            minutes=minutes,
        )
