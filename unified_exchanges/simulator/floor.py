"""The trading floor: all that the exchange knows, and the smallest changes to it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Protocol
from uuid import UUID

import attrs

from ..clock import microseconds
from ..money import EXACT, ZERO
from .groups import OrderGroup
from .ledger import Holding, Wallet
from .markets import Listing, Market
from .notices import BookDelta, MarketChange, MarketChanged, Notice, OrderChanged
from .orders import Order, OrderReason, Owner, Refusal
from .pit import Account, Pause, Pit

__all__ = ["Clock", "Floor"]


class Clock(Protocol):
    """Tells the (virtual) time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class Floor:
    """The state of the exchange. As a context: first what is due, last the notices."""

    def __init__(self, *, clock: Clock, rng: Random, trades_kept: int) -> None:
        self.now_us = 0
        self.fees = self.deposited = ZERO
        self.pits: dict[str, Pit] = {}
        self.accounts: dict[str, Account] = {}
        self.wallets: dict[tuple[Owner, int], Wallet] = {}
        self.pauses: set[Pause] = set()
        self.listeners: list[Callable[[Notice], None]] = []
        self._clock = clock
        self._rng = rng
        self._trades_kept = trades_kept
        self._as_of_us: int | None = None
        self._sequence = 0
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._outbox: list[Notice] = []
        self._touched: dict[str, Pit] = {}

    def __enter__(self) -> None:
        self.advance()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._quote()
        notices, self._outbox = self._outbox, []
        for notice in notices:
            for listener in tuple(self.listeners):
                listener(notice)

    def read_clock(self) -> int:
        """The clock's time in microseconds; never before a time already told."""
        told = self._as_of_us
        if told is None:
            told = microseconds(self._clock.now())
        return max(self.now_us, told)

    @contextmanager
    def as_of(self, time_us: int) -> Generator[None, None, None]:
        """Let it be that time instead of the clock's."""
        before, self._as_of_us = self._as_of_us, time_us
        try:
            yield
        finally:
            self._as_of_us = before

    def advance(self) -> None:
        """Do what is due until now, each thing at its own time."""
        now_us = self.read_clock()
        while self._due and self._due[0][0] <= now_us:
            due_us, _, action = heapq.heappop(self._due)
            self.now_us = max(self.now_us, due_us)
            action()
            self._quote()
        self.now_us = now_us

    def at(self, due_us: int, action: Callable[[], None]) -> None:
        """Have something done when its time comes."""
        heapq.heappush(self._due, (due_us, self.sequence(), action))

    def sequence(self) -> int:
        """The next number: what happens later has a higher one."""
        self._sequence += 1
        return self._sequence

    def new_id(self) -> str:
        """A random identifier in the form of a UUID."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def emit(self, notice: Notice) -> None:
        """Tell the listeners at the end of the present request."""
        self._outbox.append(notice)

    def emit_market(self, pit: Pit, change: MarketChange) -> None:
        """Tell that a market changed."""
        pit.updated_us = self.now_us
        market = self.snapshot(pit)
        self.emit(MarketChanged(market=market, change=change, time_us=self.now_us))

    def add_pit(self, listing: Listing) -> Pit:
        """Make room for a market."""
        pit = Pit(listing, self.now_us, self._trades_kept)
        self.pits[listing.market_id] = pit
        return pit

    def pit(self, market_id: str) -> Pit:
        """Where a market trades."""
        pit = self.pits.get(market_id)
        if pit is None:
            raise Refusal("market_not_found", f"no market {market_id}")
        return pit

    def snapshot(self, pit: Pit) -> Market:
        """A market as it stands."""
        now_us = self.read_clock()
        return pit.snapshot(now_us, is_paused=self.is_paused(pit))

    def account(self, account_id: str) -> Account:
        """An account."""
        account = self.accounts.get(account_id)
        if account is None:
            raise Refusal("account_not_found", f"no account {account_id}")
        return account

    def account_of(self, owner: Owner) -> Account:
        """The account of an owner whose subaccount is open."""
        account = self.account(owner.account_id)
        if not 0 <= owner.subaccount < account.subaccounts:
            raise Refusal("subaccount_not_found", f"no subaccount {owner.subaccount}")
        return account

    def wallet(self, owner: Owner, shard: int) -> Wallet:
        """The money of an owner on a shard."""
        return self.wallets.setdefault((owner, shard), Wallet())

    def holding(self, pit: Pit, owner: Owner) -> Holding:
        """What an owner has in a market."""
        holding = pit.holdings.get(owner)
        if holding is None:
            listing = pit.listing
            wallet = self.wallet(owner, listing.shard)
            holding = Holding(
                owner, pit.market_id, listing.event_id, listing.shard, wallet
            )
            pit.holdings[owner] = holding
            self.account(owner.account_id).holdings.append(holding)
        return holding

    def group(self, group_id: str, owner: Owner) -> OrderGroup:
        """A group of the owner."""
        group = self.account_of(owner).groups.get(group_id)
        if group is None or group.owner != owner:
            raise Refusal("order_group_not_found", f"no order group {group_id}")
        return group

    def group_of(self, owner: Owner, group_id: str | None) -> OrderGroup | None:
        """The group of an order, None without one or when it was deleted."""
        if group_id is None:
            return None
        return self.accounts[owner.account_id].groups.get(group_id)

    def is_paused(self, pit: Pit) -> bool:
        """Whether trading of a market pauses, for whatever reason."""
        own = Pause(pit.market_id) in self.pauses
        return own or not self.is_trading(pit.listing.shard)

    def is_trading(self, shard: int | None) -> bool:
        """Whether neither trading nor the exchange pauses."""
        scopes = (Pause(), Pause(shard=shard))
        return self.is_open(shard) and self.pauses.isdisjoint(scopes)

    def is_open(self, shard: int | None) -> bool:
        """Whether the exchange does not pause."""
        scopes = (Pause(whole_exchange=True), Pause(shard=shard, whole_exchange=True))
        return self.pauses.isdisjoint(scopes)

    def resting(self, pit: Pit) -> Iterator[Order]:
        """The resting orders of a market as they are now, oldest first."""
        return iter(sorted(pit.book, key=lambda order: order.sequence))

    def rest(self, order: Order) -> None:
        """Put an order on the book."""
        pit = self.pits[order.market_id]
        pit.book.side(order.side).add(order)
        self.holding(pit, order.owner).add(order)
        account = self.accounts[order.owner.account_id]
        account.orders[order.order_id] = order
        account.open[order.order_id] = None
        group = self.group_of(order.owner, order.group_id)
        if group is not None:
            group.order_ids[order.order_id] = None
        self._delta(pit, order, order.remaining)

    def change_resting(self, before: Order, after: Order) -> None:
        """Change a resting order in its place; off the book when nothing remains."""
        pit = self.pits[before.market_id]
        ladder = pit.book.side(before.side)
        holding = self.holding(pit, before.owner)
        if after.is_open:
            ladder.replace(after)
            holding.replace(after)
        else:
            ladder.remove(before)
            holding.remove(before)
        self.record(after)
        self._delta(pit, after, EXACT.subtract(after.remaining, before.remaining))

    def take_off(self, order: Order) -> None:
        """Take an order off the book that will go on elsewhere."""
        pit = self.pits[order.market_id]
        pit.book.side(order.side).remove(order)
        self.holding(pit, order.owner).remove(order)
        self._unlist(order)
        self._delta(pit, order, order.remaining.copy_negate())

    def record(self, order: Order) -> None:
        """Remember how an order stands."""
        self.accounts[order.owner.account_id].orders[order.order_id] = order
        if not order.is_open:
            self._unlist(order)

    def tell(self, order: Order) -> None:
        """Tell how an order stands."""
        self.emit(OrderChanged(order=order, reason=order.reason))

    def end(self, order: Order, reason: OrderReason) -> Order:
        """Cancel a resting order."""
        ended = self.ended(order, reason)
        self.change_resting(order, ended)
        self.tell(ended)
        return ended

    def ended(self, order: Order, reason: OrderReason) -> Order:
        """The order, cancelled."""
        return attrs.evolve(
            order,
            status="canceled",
            remaining=ZERO,
            reason=reason,
            updated_us=self.now_us,
        )

    def touch(self, pit: Pit) -> None:
        """Note that the quotes of a market may have moved."""
        self._touched[pit.market_id] = pit

    def _unlist(self, order: Order) -> None:
        account = self.accounts[order.owner.account_id]
        account.open.pop(order.order_id, None)
        group = self.group_of(order.owner, order.group_id)
        if group is not None:
            group.order_ids.pop(order.order_id, None)

    def _delta(self, pit: Pit, order: Order, delta: Decimal) -> None:
        self.touch(pit)
        if not delta:
            return
        self.emit(
            BookDelta(
                market_id=order.market_id,
                side=order.side,
                price=order.price,
                delta=delta,
                size=pit.book.side(order.side).size_at(order.price),
                owner=order.owner,
                client_order_id=order.client_order_id,
                time_us=self.now_us,
            )
        )

    def _quote(self) -> None:
        for pit in self._touched.values():
            bid = pit.book.side("bid").best_price()
            ask = pit.book.side("ask").best_price()
            pit.history.quote(self.now_us, bid, ask)
        self._touched.clear()
