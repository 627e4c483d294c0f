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

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from random import Random
from typing import Protocol

from ..grid import PriceGrid
from .accounts import Books, Cash, Position, Settlement
from .markets import Candle, Level, Listing, Market
from .notices import Notice
from .orders import (
    Fill,
    Group,
    Order,
    OrderStatus,
    Owner,
    SelfTrade,
    Side,
    Ticket,
    Trade,
    Unchanged,
)

__all__ = ["Clock", "Engine"]


class Clock(Protocol):
    """Tells the (virtual) time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class Engine:
    """The exchange. Thread safety is the caller's. All refusals raise `Refusal`.

    Every method that changes something first does what the clock says is due, and
    tells its listeners when all its effects are in place, in the order they happened.
    Reads do not advance: call `advance` before a request is answered.
    """

    def __init__(self, *, clock: Clock, rng: Random, trades_kept: int = 20_000) -> None:
        """Draw ids from ``rng``; keep the latest ``trades_kept`` trades of a market."""

    # Time and listeners

    def now_us(self) -> int:
        """The clock's time in microseconds."""

    def advance(self) -> None:
        """Do all that is due: open, close, expire, settle, begin and end pauses."""

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call ``listener`` with every notice from now on; returns what ends it."""

    # Markets and their lives

    def add_market(self, listing: Listing) -> Market:
        """List a market: ``active`` when its opening is past, else ``initialized``."""

    def market(self, market_id: str) -> Market:
        """One market as it stands; refuses ``market_not_found``."""

    def markets(self) -> list[Market]:
        """All markets in the order of their listing."""

    def market_ids(self) -> list[str]:
        """The ids of all markets in the order of their listing."""

    def change_grid(self, market_id: str, grid: PriceGrid) -> None:
        """Change the prices accepted from now on; resting orders survive."""

    def change_close(self, market_id: str, close_us: int) -> None:
        """Move the close of a market without result; a later one may reopen it."""

    def deactivate(self, market_id: str) -> None:
        """Take an active market out of trading; its orders keep resting."""

    def activate(self, market_id: str) -> None:
        """Bring an inactive market back; its resting orders are cancelled."""

    def determine(self, market_id: str, yes_value: Decimal) -> None:
        """Give the result (1 yes, 0 no, between scalar), closing the market if open.

        It pays when its settlement timer ends, at once with a timer of 0. For a market
        already determined or disputed this amends the result and restarts the timer.
        """

    def dispute(self, market_id: str) -> None:
        """Stop the settlement timer of a determined market."""

    def settle(self, market_id: str) -> list[Settlement]:
        """Pay the net positions of a determined market now."""

    def void(self, market_id: str, yes_value: Decimal) -> list[Settlement]:
        """End a market now at a fair value per YES contract, whatever its status."""

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

    def resume(
        self,
        *,
        market_id: str | None = None,
        shard: int | None = None,
        whole_exchange: bool = False,
    ) -> None:
        """End the pause that `pause` began with the same arguments."""

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

    def is_trading(self, shard: int | None = None) -> bool:
        """Whether orders are accepted (on the shard); no pause of either kind."""

    def is_exchange_open(self, shard: int | None = None) -> bool:
        """Whether anything is accepted (on the shard); no pause of the exchange."""

    # Accounts

    def open_account(self, account_id: str) -> None:
        """Open an account with subaccount 0; an open one stays as it is."""

    def open_subaccount(self, account_id: str) -> int:
        """Open the next subaccount; its number."""

    def subaccounts(self, account_id: str) -> list[int]:
        """The numbers of the subaccounts, ascending."""

    def deposit(self, owner: Owner, amount: Decimal, *, shard: int = 0) -> None:
        """Bring dollars in."""

    def withdraw(self, owner: Owner, amount: Decimal, *, shard: int = 0) -> None:
        """Take available dollars out; refuses ``insufficient_balance``."""

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

    def cash(self, owner: Owner, *, shard: int = 0) -> Cash:
        """The money of a subaccount on one shard."""

    def cashes(self, account_id: str) -> list[Cash]:
        """The money of every subaccount on every shard that ever held some."""

    def positions(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
    ) -> list[Position]:
        """Positions ever held, settled and flat ones too, in order of first fill."""

    def settlements(
        self, account_id: str, *, subaccount: int | None = None
    ) -> list[Settlement]:
        """What was paid to the account, oldest first."""

    def books(self) -> Books:
        """Where all the money is: the invariant of the exchange."""

    # Orders

    def place(self, ticket: Ticket) -> Order:
        """Accept an order, match it, rest what is left; the order as it ends up.

        Fills happen at the resting order's price, best price and oldest first. A
        refused order has no effect, and its ``client_order_id`` stays free; an accepted
        one keeps it for ever.
        """

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

    def cancel(self, order_id: str, *, owner: Owner) -> Order:
        """Cancel a resting order; ``order_not_found`` when it does not rest.

        What was open is the ``remaining`` that it had before.
        """

    def cancel_all(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
        shard: int | None = None,
    ) -> list[Order]:
        """Cancel every resting order that fits and may be cancelled, oldest first."""

    def order(self, order_id: str, *, account_id: str) -> Order:
        """An order of the account, resting or not; refuses ``order_not_found``."""

    def order_by_client_id(self, client_order_id: str, *, account_id: str) -> Order:
        """The order that took the client id; refuses ``order_not_found``."""

    def orders(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
        status: OrderStatus | None = None,
    ) -> list[Order]:
        """Orders of the account, newest first."""

    def fills(
        self,
        account_id: str,
        *,
        subaccount: int | None = None,
        market_id: str | None = None,
        order_id: str | None = None,
    ) -> list[Fill]:
        """Fills of the account, newest first."""

    def queue_position(self, order_id: str, *, account_id: str) -> Decimal:
        """Contracts ahead of a resting order at its price; 0 is first."""

    def forget(self, account_id: str, *, before_us: int) -> int:
        """Drop ended orders and fills of the account older than that; how many.

        Their client ids stay taken. For synthetic traders, whose past nobody reads.
        """

    # Groups

    def create_group(self, owner: Owner, limit: Decimal, *, shard: int = 0) -> Group:
        """A group that triggers when ``limit`` contracts fill within 15 seconds."""

    def group(self, group_id: str, *, owner: Owner) -> Group:
        """One group; refuses ``order_group_not_found``."""

    def groups(self, account_id: str, *, subaccount: int | None = None) -> list[Group]:
        """The groups of the account, oldest first."""

    def change_group_limit(
        self, group_id: str, limit: Decimal, *, owner: Owner
    ) -> Group:
        """Change the limit; triggers when the last 15 seconds reach it already."""

    def trigger_group(self, group_id: str, *, owner: Owner) -> Group:
        """Cancel the group's orders and refuse new ones until reset."""

    def reset_group(self, group_id: str, *, owner: Owner) -> Group:
        """Accept orders again and forget what was filled."""

    def delete_group(self, group_id: str, *, owner: Owner) -> None:
        """Cancel the group's orders and drop it."""

    # Public market data

    def levels(self, market_id: str, side: Side, *, depth: int = 0) -> list[Level]:
        """The levels of one side, best first; ``depth`` 0 is all."""

    def best(self, market_id: str, side: Side) -> Level | None:
        """The best level of one side; None when it is empty."""

    def trades(
        self, market_id: str | None = None, *, after: int = 0
    ) -> Sequence[Trade]:
        """Trades with ``sequence`` > ``after``, newest first, of one market or all."""

    def candles(
        self, market_id: str, *, start_us: int, end_us: int, minutes: int
    ) -> list[Candle]:
        """Candles whose end lies in [start, end], oldest first, none left out.

        Periods are aligned to the epoch; those that end before the market was listed,
        and the one that has not ended, are not told.
        """
