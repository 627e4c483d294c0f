"""Kalshi's short answers to writes, joined with what was asked and held against it.

A receipt has no status: an order with contracts left rests, one that filled its size is
closed, and one with neither was cancelled at once (docs.kalshi.com, orders V2, 2026-10).
One that names another order or cannot be true is no answer: the order is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import attrs
import msgspec

from ...errors import VenueSchemaError
from ...models import Order, OrderStatus
from ...money import EXACT, ZERO, complement, text
from .drafts import Draft
from .parse.reading import Malformed, cost, price, read, same
from .wire import receipts as wire

__all__ = [
    "Amended",
    "Canceled",
    "CanceledEntry",
    "Entry",
    "amended",
    "batch",
    "canceled",
    "canceled_batch",
    "created",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen(slots=True, eq=False, repr=False)
class Entry:
    """One entry of a batch create: an order, or a refusal in Kalshi's flat form."""

    order: Order | None
    error: bytes | None


@attrs.frozen(slots=True, eq=False, repr=False)
class Amended:
    """When an amend took effect, and what was left then, if it says so."""

    remaining: Decimal | None
    at: datetime | None
    raw: bytes


@attrs.frozen(slots=True, eq=False, repr=False)
class Canceled:
    """What a cancel took off the book, and when."""

    order_id: str
    reduced_by: Decimal
    at: datetime | None


@attrs.frozen(slots=True, eq=False, repr=False)
class CanceledEntry:
    """One entry of a batch cancel: a receipt or a refusal."""

    receipt: Canceled | None
    error: bytes | None


def created(draft: Draft, body: bytes) -> Order:
    """The order that a create made, in the caller's terms."""
    return read(_CREATED, lambda w, raw: _order(w, raw, draft), body)


def batch(body: bytes, drafts: Sequence[Draft]) -> list[Entry]:
    """The entries of a batch create, in the order of the drafts.

    Answers are matched by client order id; the order of the answer is only assumed by
    the documentation, so it is used where an entry carries no id.
    """
    items = _entries(body, len(drafts))
    by_key = {key: (key, error, own) for key, error, own in items if key is not None}
    entries = []
    for draft, in_place in zip(drafts, items, strict=True):
        wanted = draft.intent.client_order_id
        key, error, own = by_key.get(wanted, in_place)
        if key not in (None, wanted):
            message = f"no entry of the answer belongs to client_order_id {wanted!r}"
            raise VenueSchemaError(message, field="client_order_id", venue="kalshi")
        order = None
        if error is None:
            order = read(_CREATED, partial(_order, draft=draft), own, "orders[]")
        entries.append(Entry(order, error))
    ids = [entry.order.order_id for entry in entries if entry.order is not None]
    if len(set(ids)) < len(ids):
        message = "two entries of the answer are one order"
        raise VenueSchemaError(message, field="orders[].order_id", venue="kalshi")
    return entries


def amended(body: bytes, asked: Order) -> Amended:
    """What an amend did; ``asked`` is the order with its new terms."""
    return read(_AMENDED, partial(_amended, asked=asked), body)


def canceled(body: bytes, order_id: str) -> Canceled:
    """What a single cancel did."""

    def make(w: wire.CanceledReceipt, raw: bytes) -> Canceled:
        same(w.order_id, order_id, "order_id")
        return _canceled(w, raw)

    return read(_CANCELED, make, body)


def canceled_batch(body: bytes, count: int) -> list[CanceledEntry]:
    """The entries of a batch cancel, in the order sent."""
    return [
        CanceledEntry(
            None if error else read(_CANCELED, _canceled, own, "orders[]"), error
        )
        for _, error, own in _entries(body, count)
    ]


def _entries(body: bytes, count: int) -> list[tuple[str | None, bytes | None, bytes]]:
    """Client order id, refusal and own bytes of each entry of a batch."""
    items = read(_BATCH, lambda w, _: w.orders, body)
    if len(items) != count:
        message = f"a batch of {count} orders was answered with {len(items)} entries"
        raise VenueSchemaError(message, field="orders", venue="kalshi")
    return [read(_ENTRY, _entry, item, "orders[]") for item in items]


def _entry(w: wire.EntryError, own: bytes) -> tuple[str | None, bytes | None, bytes]:
    error = bytes(w.error)
    refused = None if error == b"null" else error
    return w.client_order_id or None, refused, own


def _order(w: wire.CreatedReceipt, raw: bytes, draft: Draft) -> Order:
    same(w.client_order_id, draft.intent.client_order_id, "client_order_id")
    filled = cost(w.fill_count, "fill_count")
    remaining = cost(w.remaining_count, "remaining_count")
    _check_counts(filled, remaining, draft.size)
    average = None
    if filled and w.average_fill_price is not None:
        average = price(w.average_fill_price, "average_fill_price")
        average = average if draft.is_first_outcome else complement(average)
    request = draft.intent.request
    moment = _moment(w.ts_ms)
    return Order(
        venue="kalshi",
        raw_json=raw,
        order_id=w.order_id,
        client_order_id=draft.intent.client_order_id,
        market_id=draft.intent.market_id,
        outcome=draft.outcome,
        side=draft.intent.side,
        price=draft.price,
        size=draft.size,
        filled=filled,
        remaining=remaining,
        status=_status(draft.size, filled, remaining),
        average_price=average,
        # The receipt tells the fee per contract only, rounded: fills tell it exactly.
        fee=None if filled else ZERO,
        time_in_force=draft.intent.time_in_force,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        expires_at=request.expires_at,
        created_at=moment,
        updated_at=moment,
        shard=draft.rules.shard if draft.shard is None else draft.shard,
    )


def _amended(w: wire.AmendedReceipt, raw: bytes, asked: Order) -> Amended:
    same(w.order_id, asked.order_id, "order_id")
    left, now = w.remaining_count, w.fill_count
    remaining = None if left is None else cost(left, "remaining_count")
    filled = ZERO if now is None else cost(now, "fill_count")
    _check_counts(max(filled, asked.filled), remaining or ZERO, asked.size)
    return Amended(remaining, _moment(w.ts_ms), raw)


def _canceled(w: wire.CanceledReceipt, _: bytes) -> Canceled:
    return Canceled(w.order_id, cost(w.reduced_by, "reduced_by"), _moment(w.ts_ms))


def _check_counts(filled: Decimal, remaining: Decimal, size: Decimal) -> None:
    """Refuse more than there is: an order fills, rests or ends, and never grows."""
    if EXACT.add(filled, remaining) > size:
        problem = f"is {text(remaining)}, with {text(filled)} filled of {text(size)}"
        raise Malformed("remaining_count", problem)


def _status(size: Decimal, filled: Decimal, remaining: Decimal) -> OrderStatus:
    if remaining:
        return OrderStatus.OPEN
    return OrderStatus.CLOSED if filled == size else OrderStatus.CANCELED


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


_CREATED = msgspec.json.Decoder(wire.CreatedReceipt)
_AMENDED = msgspec.json.Decoder(wire.AmendedReceipt)
_CANCELED = msgspec.json.Decoder(wire.CanceledReceipt)
_ENTRY = msgspec.json.Decoder(wire.EntryError)
_BATCH = msgspec.json.Decoder(wire.BatchReceipt)
