"""Kalshi's short answers to writes, joined with what was asked.

A receipt has no status: an order with contracts left rests, one that filled its size is
closed, and one with neither was cancelled at once (docs.kalshi.com, orders V2, 2026-10).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

import attrs
import msgspec

from ...errors import UnifiedExchangesError, VenueSchemaError
from ...models import Order, OrderStatus
from ...money import EXACT, ZERO, complement
from .drafts import Draft

__all__ = [
    "Canceled",
    "CanceledEntry",
    "Entry",
    "amended",
    "batch",
    "canceled",
    "canceled_batch",
    "created",
]

T = TypeVar("T")


class _Refused(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""
    details: str | None = None


class _Created(msgspec.Struct, frozen=True):
    order_id: str
    fill_count: Decimal
    remaining_count: Decimal
    client_order_id: str | None = None
    average_fill_price: Decimal | None = None
    ts_ms: int | None = None


class _BatchItem(msgspec.Struct, frozen=True):
    order_id: str | None = None
    client_order_id: str | None = None
    fill_count: Decimal | None = None
    remaining_count: Decimal | None = None
    average_fill_price: Decimal | None = None
    ts_ms: int | None = None
    error: _Refused | None = None


class _Amended(msgspec.Struct, frozen=True):
    order_id: str
    client_order_id: str | None = None
    remaining_count: Decimal | None = None
    fill_count: Decimal | None = None
    ts_ms: int | None = None


class _Cancel(msgspec.Struct, frozen=True):
    order_id: str
    reduced_by: Decimal
    ts_ms: int | None = None


class _CancelItem(msgspec.Struct, frozen=True):
    order_id: str | None = None
    reduced_by: Decimal | None = None
    ts_ms: int | None = None
    error: _Refused | None = None


class _Batch(msgspec.Struct, frozen=True):
    orders: list[_BatchItem]


class _CancelBatch(msgspec.Struct, frozen=True):
    orders: list[_CancelItem]


_CREATED = msgspec.json.Decoder(_Created)
_BATCH = msgspec.json.Decoder(_Batch)
_AMENDED = msgspec.json.Decoder(_Amended)
_CANCEL = msgspec.json.Decoder(_Cancel)
_CANCEL_BATCH = msgspec.json.Decoder(_CancelBatch)


@attrs.frozen(slots=True)
class Entry:
    """One entry of a batch create: an order, or a refusal in Kalshi's flat form."""

    order: Order | None
    error: bytes | None


@attrs.frozen(slots=True)
class Canceled:
    """What a cancel took off the book, and when."""

    order_id: str
    reduced_by: Decimal
    at: datetime | None


@attrs.frozen(slots=True)
class CanceledEntry:
    """One entry of a batch cancel: a receipt, a refusal, or a lost answer."""

    receipt: Canceled | None
    error: bytes | None
    lost: UnifiedExchangesError | None = None


def created(draft: Draft, body: bytes) -> Order:
    """The order that a create made, in the caller's terms."""
    receipt = _decode(_CREATED, body, f"answer to {draft.about}")
    return _order(draft, receipt, body)


def batch(body: bytes, drafts: Sequence[Draft]) -> list[Entry]:
    """The entries of a batch create, in the order of the drafts.

    Answers are matched by client order id; the order of the answer is only assumed by
    the documentation, so it is used where an entry carries no id.
    """
    items = _decode(_BATCH, body, "answer to a batch of orders").orders
    if len(items) != len(drafts):
        message = f"{len(drafts)} orders were sent and {len(items)} answered"
        raise VenueSchemaError(message, field="orders", venue="kalshi")
    by_key = {item.client_order_id: item for item in items if item.client_order_id}
    entries = []
    for draft, in_place in zip(drafts, items, strict=True):
        key = draft.intent.client_order_id
        item = by_key.get(key, in_place)
        if item.client_order_id not in (None, key):
            message = f"no entry of the answer belongs to client_order_id {key!r}"
            raise VenueSchemaError(message, field="client_order_id", venue="kalshi")
        entries.append(_entry(draft, item))
    return entries


def _entry(draft: Draft, item: _BatchItem) -> Entry:
    if item.error is not None:
        return Entry(None, msgspec.json.encode(item.error))
    raw = msgspec.json.encode(item)
    return Entry(
        _order(draft, _decode(_CREATED, raw, f"answer to {draft.about}"), raw), None
    )


def amended(after: Order, body: bytes) -> Order:
    """The order after an amend; counts are there only if they changed."""
    receipt = _decode(_AMENDED, body, f"answer to the change of {after.order_id}")
    filled = after.filled if receipt.fill_count is None else receipt.fill_count
    remaining = receipt.remaining_count
    if remaining is None:
        remaining = EXACT.subtract(after.size, filled)
    return attrs.evolve(
        after,
        filled=filled,
        remaining=remaining,
        status=_status(after.size, filled, remaining),
        updated_at=_moment(receipt.ts_ms) or after.updated_at,
        raw_json=body,
    )


def canceled(body: bytes) -> Canceled:
    """What a single cancel did."""
    receipt = _decode(_CANCEL, body, "answer to a cancel")
    return Canceled(receipt.order_id, receipt.reduced_by, _moment(receipt.ts_ms))


def canceled_batch(body: bytes, count: int) -> list[CanceledEntry]:
    """The entries of a batch cancel, in the order sent."""
    items = _decode(_CANCEL_BATCH, body, "answer to a batch of cancels").orders
    if len(items) != count:
        message = f"{count} cancels were sent and {len(items)} answered"
        raise VenueSchemaError(message, field="orders", venue="kalshi")
    return [_canceled_entry(item) for item in items]


def _canceled_entry(item: _CancelItem) -> CanceledEntry:
    if item.error is not None:
        return CanceledEntry(None, msgspec.json.encode(item.error))
    if item.order_id is None or item.reduced_by is None:
        message = "an entry of a batch cancel has neither a receipt nor an error"
        raise VenueSchemaError(message, field="orders[].reduced_by", venue="kalshi")
    receipt = Canceled(item.order_id, item.reduced_by, _moment(item.ts_ms))
    return CanceledEntry(receipt, None)


def _order(draft: Draft, receipt: _Created, raw: bytes) -> Order:
    filled, remaining = receipt.fill_count, receipt.remaining_count
    request = draft.intent.request
    moment = _moment(receipt.ts_ms)
    average = receipt.average_fill_price
    if average is not None and not draft.is_first_outcome:
        average = complement(average)
    return Order(
        venue="kalshi",
        raw_json=raw,
        order_id=receipt.order_id,
        client_order_id=draft.intent.client_order_id,
        market_id=draft.intent.market_id,
        outcome=draft.outcome,
        side=draft.intent.side,
        price=draft.price,
        size=draft.size,
        filled=filled,
        remaining=remaining,
        status=_status(draft.size, filled, remaining),
        average_price=average if filled else None,
        # The receipt tells the fee per contract only, rounded: fills tell it exactly.
        fee=None if filled else ZERO,
        time_in_force=draft.intent.time_in_force,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        expires_at=request.expires_at,
        created_at=moment,
        updated_at=moment,
        shard=draft.shard,
    )


def _status(size: Decimal, filled: Decimal, remaining: Decimal) -> OrderStatus:
    if remaining:
        return OrderStatus.OPEN
    return OrderStatus.CLOSED if filled == size else OrderStatus.CANCELED


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    seconds, rest = divmod(milliseconds, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.replace(microsecond=rest * 1000)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        field = str(error).rpartition("`")[0].rpartition("`")[2] or None
        message = (
            f"{what} cannot be read ({error}); the venue may have changed, or the answer "
            "was cut off"
        )
        raise VenueSchemaError(
            message,
            field=field,
            venue="kalshi",
            payload=body[:200].decode("utf-8", "replace"),
        ) from error
