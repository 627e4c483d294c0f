"""The trading floor: all that the exchange knows, and the smallest changes to it."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Protocol
from uuid import UUID

import attrs

from ..money import EXACT, ZERO
from .accounts import Settlement
from .book import Book
from .groups import OrderGroup
from .history import History
from .ledger import Holding, Wallet
from .markets import Listing, Market, MarketStatus, Result
from .notices import BookDelta, MarketChange, MarketChanged, Notice, OrderChanged
from .orders import Fill, Order, OrderReason, Owner, Refusal, Trade

__all__ = ["Account", "Clock", "Floor", "Pause", "Pit"]


class Clock(Protocol):
    """Tells the (virtual) time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


@attrs.frozen(slots=True)
class Pause:
    """What pauses: one market, one shard, or everything; trading or the exchange."""

    market_id: str | None = None
    shard: int | None = None
    whole_exchange: bool = False


class Account:
    """One account: its orders, its past, and what it may not use again."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.subaccounts = 1
        self.orders: dict[str, Order] = {}
        self.open: dict[str, None] = {}
        self.client_ids: dict[str, str] = {}
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []
        self.holdings: list[Holding] = []
        self.groups: dict[str, OrderGroup] = {}


class Pit:
    """Where one market trades."""

    def __init__(self, listing: Listing, now_us: int, trades_kept: int) -> None:
        self.listing = listing
        self.grid = listing.grid
        self.status: MarketStatus = "initialized"
        self.open_us = now_us if listing.open_us is None else listing.open_us
        self.close_us = listing.close_us
        self.created_us = self.updated_us = now_us
        self.result: Result = ""
        self.yes_value: Decimal | None = None
        self.determined_us: int | None = None
        self.settled_us: int | None = None
        self.book = Book()
        self.history = History(now_us)
        self.holdings: dict[Owner, Holding] = {}
        self.trades: deque[Trade] = deque(maxlen=trades_kept)
        self.volume = self.value = self.open_interest = ZERO

    @property
    def market_id(self) -> str:
        """The id of the market."""
        return self.listing.market_id

    def snapshot(self, now_us: int, *, is_paused: bool) -> Market:
        """The market as it stands."""
        bid, ask, price = self.history.day_ago(now_us)
        last = self.trades[-1] if self.trades else None
        return Market(
            market_id=self.market_id,
            event_id=self.listing.event_id,
            grid=self.grid,
            lot=self.listing.lot,
            shard=self.listing.shard,
            status=self.status,
            is_paused=is_paused,
            created_us=self.created_us,
            updated_us=self.updated_us,
            open_us=self.open_us,
            close_us=self.close_us,
            settlement_timer_us=self.listing.settlement_timer_us,
            result=self.result,
            yes_value=self.yes_value,
            determined_us=self.determined_us,
            settled_us=self.settled_us,
            bid=self.book.side("bid").best(),
            ask=self.book.side("ask").best(),
            last_price=last.price if last else None,
            last_size=last.size if last else ZERO,
            previous_bid=bid,
            previous_ask=ask,
            previous_price=price,
            volume=self.volume,
            volume_24h=self.history.day_volume(now_us),
            open_interest=self.open_interest,
            traded_value=self.value,
        )


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
        return max(self.now_us, round(self._clock.now() * 1_000_000))

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
