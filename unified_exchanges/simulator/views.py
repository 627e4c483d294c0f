"""What can be read from the exchange: markets, books, orders, fills, money."""

from __future__ import annotations

from decimal import Decimal
from itertools import takewhile
from operator import attrgetter

from ..money import total
from .accounts import Books, Cash, Position, Settlement
from .floor import Floor
from .ledger import Wallet
from .markets import Candle, Level, Market
from .orders import Fill, Group, Order, OrderStatus, Owner, Refusal, Side, Trade

__all__ = ["Views"]

_SEQUENCE = attrgetter("sequence")


class Views:
    """The reading half of an `Engine`. A read changes nothing and does not advance."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def now_us(self) -> int:
        """The clock's time in microseconds."""
        return self._floor.read_clock()

    def market(self, market_id: str) -> Market:
        """One market as it stands; refuses ``market_not_found``."""
        return self._floor.snapshot(self._floor.pit(market_id))

    def markets(self) -> list[Market]:
        """All markets in the order of their listing."""
        return [self._floor.snapshot(pit) for pit in self._floor.pits.values()]

    @property
    def market_count(self) -> int:
        """How many markets were ever listed."""
        return len(self._floor.pits)

    def market_ids(self) -> list[str]:
        """The ids of all markets in the order of their listing."""
        return list(self._floor.pits)

    def is_trading(self, shard: int | None = None) -> bool:
        """Whether orders are accepted (on the shard); no pause of either kind."""
        return self._floor.is_trading(shard)

    def is_exchange_open(self, shard: int | None = None) -> bool:
        """Whether anything is accepted (on the shard); no pause of the exchange."""
        return self._floor.is_open(shard)

    def subaccounts(self, account_id: str) -> list[int]:
        """The numbers of the subaccounts, ascending."""
        return list(range(self._floor.account(account_id).subaccounts))

    def cash(self, owner: Owner, *, shard: int = 0) -> Cash:
        """The money of a subaccount on one shard."""
        self._floor.account_of(owner)
        wallet = self._floor.wallets.get((owner, shard), Wallet())
        return Cash(
            owner=owner, shard=shard, total=wallet.total, reserved=wallet.reserved
        )

    def cashes(self, account_id: str) -> list[Cash]:
        """The money of every subaccount on every shard that ever held some."""
        self._floor.account(account_id)
        found = [
            self.cash(owner, shard=shard)
            for (owner, shard), wallet in self._floor.wallets.items()
            if owner.account_id == account_id and wallet.is_used
        ]
        return sorted(found, key=lambda cash: (cash.owner.subaccount, cash.shard))

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
        return Books(
            cash=total(wallet.total for wallet in self._floor.wallets.values()),
            fees=self._floor.fees,
            locked=total(pit.open_interest for pit in self._floor.pits.values()),
            deposited=self._floor.deposited,
        )

    def order(self, order_id: str, *, account_id: str) -> Order:
        """An order of the account, resting or not; refuses ``order_not_found``."""
        order = self._floor.account(account_id).orders.get(order_id)
        if order is None:
            raise Refusal("order_not_found", f"no order {order_id}")
        return order

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

    def group(self, group_id: str, *, owner: Owner) -> Group:
        """One group; refuses ``order_group_not_found``."""
        return self._floor.group(group_id, owner).snapshot()

    def groups(self, account_id: str, *, subaccount: int | None = None) -> list[Group]:
        """The groups of the account, oldest first."""
        return [
            group.snapshot()
            for group in self._floor.account(account_id).groups.values()
            if subaccount in {None, group.owner.subaccount}
        ]

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

        Periods are aligned to the epoch and hold their end, not their start; those that
        end before the market was listed, and the one still running, are not told.
        """
        return self._floor.pit(market_id).history.candles(
            start_us=start_us,
            end_us=end_us,
            now_us=self._floor.read_clock(),
            minutes=minutes,
        )
