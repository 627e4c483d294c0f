"""Balances, positions, activity and tiers."""

from __future__ import annotations

from .base import Address, ConditionId, Hash, Number, TokenId, Wire

__all__ = ["Act", "Activity", "Balance", "Position", "Tier"]


class Balance(Wire, kw_only=True):
    """A balance and what contracts may take of it, in millionths."""

    balance: str | int
    allowances: dict[str, str | int] | None = None


class Position(Wire, kw_only=True):
    """What a wallet holds of one token."""

    token_id: TokenId
    condition_id: ConditionId
    current_size: Number
    avg_price: Number
    entry_cost_usdc: Number
    entry_fees_usdc: Number
    current_price: Number
    total_size: Number
    realized_pnl: Number
    status: str
    outcome: str | None = None
    event_id: str | int | None = None
    last_event_at: int | None = None


class Activity(Wire, kw_only=True):
    """Something that happened to a wallet; which fields there are depends on ``type``."""

    proxy_wallet: Address
    type: str
    timestamp: int
    transaction_hash: Hash
    condition_id: ConditionId
    usdc_size: Number
    size: Number | None = None
    token_id: str | None = None
    outcome: str | None = None


class Act(Wire, kw_only=True):
    """Any row of activity: texts are empty, or missing, where there is nothing to tell."""

    type: str
    timestamp: int
    transaction_hash: str
    usdc_size: Number
    condition_id: str | None = None
    token_id: str | None = None
    outcome: str | None = None
    side: str | None = None
    size: Number | None = None
    price: Number | None = None


class Tier(Wire, kw_only=True):
    """The tier of an account's limits; nobody has recorded this answer (2026-11)."""

    tier: str
