"""What we hold: balances, positions, settlements and the account's limits."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..money import EXACT, text, total
from .record import Record
from .terms import ActivityKind, Side

__all__ = [
    "AccountLimits",
    "Activity",
    "Allowance",
    "Balance",
    "BucketLimit",
    "Holding",
    "Position",
    "Settlement",
    "ShardBalance",
]


@attrs.frozen(slots=True)
class ShardBalance:
    """Cash in dollars on one shard of the venue."""

    shard: int
    available: Decimal


@attrs.frozen(slots=True)
class Allowance:
    """What a contract of the venue may take of the cash, in dollars; None is no bound.

    ``spender`` is its address.  Without one nothing trades there, whatever the cash.
    """

    spender: str
    amount: Decimal | None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Balance(Record):
    """Cash free to trade with, in dollars (``currency``).

    ``total`` is that and what open orders hold back, where the venue counts it.
    ``position_value`` is what the venue says that open positions are worth, None when
    it does not tell.  On a sharded venue an order can only use the cash of its market's
    shard, on a venue with contracts only what its ``allowances`` let them take.
    """

    available: Decimal
    total: Decimal | None = None
    position_value: Decimal | None = None
    currency: str = "USD"
    shards: tuple[ShardBalance, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    updated_at: datetime | None = None

    def on_shard(self, shard: int) -> Decimal:
        """Cash on one shard; all of it where the venue has no shards."""
        if not self.shards:
            return self.available
        return total(x.available for x in self.shards if x.shard == shard)

    def _summary(self) -> str:
        return f"{self.venue} {text(self.available)} {self.currency}"


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Position(Record):
    """Contracts of one outcome that we hold.

    Where outcomes net there is one position of a market; where each outcome has its own
    book, one of each outcome that is held.
    ``size`` is contracts, never negative: short YES is a position in NO.  ``cost`` is
    the dollars that the open position cost, ``entry_price`` is cost per contract,
    ``mark_price`` what one contract could be sold for now (the best bid of its
    outcome), on paper and in backtests what it will pay, once its market has told that.
    ``realized_pnl`` and ``fees_paid`` are dollars, fees not deducted.
    ``computed`` names the fields that the venue did not give and we worked out.
    """

    market_id: str
    outcome: str
    size: Decimal
    cost: Decimal
    entry_price: Decimal | None
    realized_pnl: Decimal
    fees_paid: Decimal
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    traded: Decimal | None = None
    event_id: str | None = None
    updated_at: datetime | None = None
    shard: int = 0
    computed: frozenset[str] = frozenset()

    def marked_at(self, price: Decimal | None) -> Position:
        """The position with its unrealised P&L at a price for its own outcome."""
        if price is None:
            return self
        value = EXACT.multiply(price, self.size)
        return attrs.evolve(
            self,
            mark_price=price,
            unrealized_pnl=EXACT.subtract(value, self.cost),
            computed=self.computed | {"mark_price", "unrealized_pnl"},
        )

    def exposure(self, first_outcome: str) -> Decimal:
        """Signed contracts: positive in ``first_outcome`` (YES), negative in the other."""
        return self.size if self.outcome == first_outcome else EXACT.minus(self.size)

    def _summary(self) -> str:
        entry = "–" if self.entry_price is None else text(self.entry_price)
        return (
            f"{self.venue}:{self.market_id} {text(self.size)} {self.outcome} @ {entry}"
        )


@attrs.frozen(slots=True)
class Holding:
    """``size`` contracts of one outcome that cost ``cost`` dollars, None if not known."""

    outcome: str
    size: Decimal
    cost: Decimal | None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Settlement(Record):
    """A position that was paid out.

    ``payout`` is dollars received, ``value`` what one contract of the first outcome
    paid (0–1, not only the two ends), ``result`` the outcome that won or the venue's
    word.  ``fee`` is what the account paid in this market, in dollars: for all of its
    trades, those that closed contracts before included, and for the payout; None where the
    venue does not tell.  ``profit`` is payout minus cost minus fee.  ``rounded`` names the
    fields that the venue told in coarser steps than it may have paid: a ledger books the
    cash by the balance, and ``profit`` is as coarse as ``payout``.  The exact value of a
    contract is `Market.settlement_price`, where the venue tells it.
    """

    market_id: str
    event_id: str | None
    result: str
    value: Decimal | None
    payout: Decimal
    holdings: tuple[Holding, ...]
    fee: Decimal | None
    settled_at: datetime
    shard: int = 0
    rounded: frozenset[str] = frozenset()

    def _summary(self) -> str:
        held = ", ".join(f"{text(x.size)} {x.outcome}" for x in self.holdings)
        paid = f"{held or 'nothing'} paid {text(self.payout)}"
        return f"{self.venue}:{self.market_id} {self.result}: {paid}"

    @property
    def cost(self) -> Decimal | None:
        """Dollars that the settled contracts had cost; None if that is not known."""
        costs = [x.cost for x in self.holdings if x.cost is not None]
        return total(costs) if len(costs) == len(self.holdings) else None

    @property
    def profit(self) -> Decimal | None:
        """Payout minus cost minus fee, in dollars; None if one of them is not known."""
        cost, fee = self.cost, self.fee
        if cost is None or fee is None:
            return None
        return EXACT.subtract(EXACT.subtract(self.payout, cost), fee)


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Activity(Record):
    """Something that an account did or was given: a trade, a split, a reward.

    ``cash`` is the dollars that it was about, as the venue tells them, never negative;
    ``cash_flow`` the same with its sign, below zero where it was paid, and None where the
    venue does not tell which way it went (conversions, migrations, what is not known).
    Fees of trades are in neither.  What has no market, outcome, side, size or price (a
    deposit) has None.  ``transaction`` is the venue's name for what several of them may
    be part of.
    """

    kind: ActivityKind
    venue_kind: str
    cash: Decimal
    cash_flow: Decimal | None
    happened_at: datetime
    transaction: str
    market_id: str | None = None
    outcome: str | None = None
    side: Side | None = None
    size: Decimal | None = None
    price: Decimal | None = None

    def _summary(self) -> str:
        what = "" if self.market_id is None else f" of {self.market_id}"
        return f"{self.venue} {self.kind} {text(self.cash)}{what}"


@attrs.frozen(slots=True)
class BucketLimit:
    """A token bucket of the venue: tokens per second and the most it holds."""

    name: str
    refill_rate: Decimal
    capacity: Decimal


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class AccountLimits(Record):
    """What the account may ask of the venue; ``costs`` are tokens by method and path."""

    tier: str | None
    buckets: tuple[BucketLimit, ...]
    default_cost: Decimal
    costs: tuple[tuple[str, Decimal], ...] = ()
