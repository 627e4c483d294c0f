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
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import partial
from random import Random

from ..grid import PriceGrid
from .accounts import Settlement
from .brakes import Brakes
from .desk import Desk
from .execution import Execution
from .floor import Clock, Floor
from .lifecycle import Lifecycle
from .markets import Listing, Market
from .notices import Notice
from .orders import Fill, Group, Order, Owner, Ticket, Unchanged
from .pit import Pause
from .treasury import Treasury
from .views import Views

__all__ = ["Clock", "Engine"]


class Engine(Views):
    """The exchange; its reading half is `Views`. All refusals raise `Refusal`.

    Thread safety is the caller's.
    Every method that changes something first does what the clock says is due, and
    tells its listeners when all its effects are in place, in the order they happened.
    Reads do not advance: call `advance` before a request is answered.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rng: Random,
        trades_kept: int = 20_000,
        deactivates: bool = False,
    ) -> None:
        """Draw ids from ``rng``; keep the latest ``trades_kept`` trades of a market.

        ``deactivates`` is for venues that pause no market but by deactivating it: `pause`
        of one is `deactivate` then, and its end `activate`.
        """
        super().__init__(Floor(clock=clock, rng=rng, trades_kept=trades_kept))
        self._execution = Execution(self._floor)
        self._desk = Desk(self._floor, self._execution)
        self._gate = self._desk.gate
        self._lifecycle = Lifecycle(self._floor, deactivates=deactivates)
        self._treasury = Treasury(self._floor)
        self._brakes = Brakes(self._floor, self._execution)

    # Time and listeners

    def advance(self) -> None:
        """Do all that is due: open, close, expire, settle, begin and end pauses."""
        with self._floor:
            return

    def as_of(self, time_us: int) -> AbstractContextManager[None]:
        """Act as if it were that time: a past that nothing has happened after."""
        return self._floor.as_of(time_us)

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call ``listener`` with every notice from now on; returns what ends it."""
        self._floor.listeners.append(listener)
        return partial(self._floor.listeners.remove, listener)

    # Markets and their lives

    def add_market(self, listing: Listing) -> Market:
        """List a market: ``active`` when its opening is past, else ``initialized``."""
        with self._floor:
            return self._floor.snapshot(self._lifecycle.add(listing))

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
        (``exchange_paused``). Orders with ``cancel_on_pause`` are cancelled, all others
        stay, also when it ends; but see ``deactivates``.
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

    # Accounts

    def open_account(self, account_id: str) -> None:
        """Open an account with subaccount 0; an open one stays as it is."""
        self._treasury.open(account_id)

    def open_subaccount(self, account_id: str) -> int:
        """Open the next subaccount; its number."""
        return self._treasury.open_subaccount(account_id)

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

    def reverse(self, *fills: Fill) -> None:
        """Take trades back, given the fills of both sides, as if they had not happened.

        Contracts, dollars and fees go back, whatever the owners did since; the orders
        stay filled. For venues on which a trade may still fail after the match.
        """
        with self._floor:
            self._execution.reverse(fills)

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
