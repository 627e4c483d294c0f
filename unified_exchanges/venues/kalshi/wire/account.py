"""Balances, positions, settlements, limits and keys as Kalshi sends them."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw

from .base import Id, Time, Wire

__all__ = [
    "ApiKey",
    "ApiKeys",
    "Balance",
    "Bucket",
    "Costs",
    "EndpointCost",
    "IndexedBalance",
    "Limits",
    "Position",
    "PositionsPage",
    "Settlement",
    "SettlementsPage",
    "SubaccountBalance",
    "SubaccountBalances",
]


class Position(Wire, kw_only=True):
    """A position; ``position_fp`` is positive in YES and negative in NO."""

    ticker: Id
    position_fp: str
    market_exposure_dollars: str
    total_traded_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    last_updated_ts: Time | None = None
    exchange_index: int | None = None


class PositionsPage(Wire, kw_only=True):
    """A page of positions; those of whole events are sums that we do not need."""

    market_positions: list[Raw]
    cursor: str | None = None


class Settlement(Wire, kw_only=True):
    """A position that was paid; ``revenue`` and ``value`` are whole cents."""

    ticker: Id
    event_ticker: str | None = None
    market_result: str
    yes_count_fp: str
    yes_total_cost_dollars: str
    no_count_fp: str
    no_total_cost_dollars: str
    revenue: int
    value: int | None = None
    fee_cost: str
    settled_time: Time
    exchange_index: int | None = None


class SettlementsPage(Wire, kw_only=True):
    """A page of settlements."""

    settlements: list[Raw]
    cursor: str | None = None


class IndexedBalance(Wire, kw_only=True):
    """Cash on one shard."""

    exchange_index: int
    balance: str


class Balance(Wire, kw_only=True):
    """Cash; the cents beside ``balance_dollars`` are cut off, so they are not read."""

    balance_dollars: str
    portfolio_value: int | None = None
    updated_ts: int | None = None
    balance_breakdown: list[IndexedBalance] | None = None


class SubaccountBalance(Wire, kw_only=True):
    """Cash of one subaccount on one shard."""

    subaccount_number: int
    exchange_index: int | None = None
    balance: str


class SubaccountBalances(Wire, kw_only=True):
    """Cash of every subaccount."""

    subaccount_balances: list[SubaccountBalance]


class Bucket(Wire, kw_only=True):
    """A token bucket."""

    refill_rate: Decimal
    bucket_capacity: Decimal


class Limits(Wire, kw_only=True):
    """The account's tier and its two buckets."""

    usage_tier: str | None = None
    read: Bucket
    write: Bucket


class EndpointCost(Wire, kw_only=True):
    """What one endpoint costs, where it is not the default."""

    method: Id
    path: Id
    cost: Decimal


class Costs(Wire, kw_only=True):
    """What requests cost in tokens."""

    default_cost: Decimal
    endpoint_costs: list[EndpointCost]


class ApiKey(Wire, kw_only=True):
    """An API key and what it may do."""

    api_key_id: Id
    name: str | None = None
    scopes: list[str] | None = None
    subaccount: int | None = None


class ApiKeys(Wire, kw_only=True):
    """The keys, and when trading from this region ends, in Unix seconds."""

    api_keys: list[ApiKey]
    api_key_region_expiration_ts: int | None = None
