"""Members of the simulated exchange as Kalshi knows them: user, keys, tier, transfers."""

from __future__ import annotations

from decimal import Decimal

import attrs

from .limits import Buckets

__all__ = ["Account", "SubaccountTransfer", "Transfer"]


@attrs.frozen(kw_only=True, slots=True)
class Transfer:
    """Money that went from shard to shard."""

    transfer_id: str
    source_shard: int
    target_shard: int
    amount: Decimal
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class SubaccountTransfer:
    """Money that went from subaccount to subaccount, in cents."""

    transfer_id: str
    source: int
    target: int
    cents: int
    shard: int
    time_us: int


@attrs.define(kw_only=True, slots=True)
class Account:
    """What the dialect remembers of a member; its money and orders are the engine's."""

    user_id: str
    public_id: str
    tier: str = "basic"
    buckets: Buckets | None = None
    region_expires_us: int | None = None
    created_us: int = 0
    netting: dict[int, bool] = attrs.field(factory=dict)
    transfers: list[Transfer] = attrs.field(factory=list)
    subaccount_transfers: list[SubaccountTransfer] = attrs.field(factory=list)
    transfer_ids: set[str] = attrs.field(factory=set)
    allocation: dict[int, int] = attrs.field(factory=dict)
    reservation: str = "sum"
    next_allocation_us: int = 0
