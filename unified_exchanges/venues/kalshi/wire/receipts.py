"""The short answers to order writes (V2), alone and as entries of a batch."""

from __future__ import annotations

from msgspec import Raw

from .base import Id, Wire

__all__ = [
    "AmendedReceipt",
    "BatchReceipt",
    "CanceledReceipt",
    "CreatedReceipt",
    "EntryError",
]


class CreatedReceipt(Wire, kw_only=True):
    """What a create, or an entry of a batch create, is answered with."""

    order_id: Id
    fill_count: str
    remaining_count: str
    client_order_id: str | None = None
    average_fill_price: str | None = None
    ts_ms: int | None = None


class AmendedReceipt(Wire, kw_only=True):
    """What an amend is answered with; counts are there only if they changed."""

    order_id: Id
    remaining_count: str | None = None
    fill_count: str | None = None
    ts_ms: int | None = None


class CanceledReceipt(Wire, kw_only=True):
    """What a cancel, or an entry of a batch cancel, is answered with."""

    order_id: Id
    reduced_by: str
    ts_ms: int | None = None


class EntryError(Wire, kw_only=True):
    """What every entry of a batch is looked at for first; no error is null."""

    client_order_id: str | None = None
    # Raw does not go together with None: a union of both takes nothing but null.
    error: Raw = Raw(b"null")


class BatchReceipt(Wire, kw_only=True):
    """The entries of a batch."""

    orders: list[Raw]
