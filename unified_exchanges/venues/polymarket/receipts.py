"""The CLOB's answers to writes, joined with what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

import attrs
import msgspec

from ...errors import ExchangeNotAvailable, VenueSchemaError
from ...models import Order, OrderStatus, Side, TimeInForce
from ...money import EXACT, ZERO, div
from .drafts import Draft
from .parse.reading import Malformed, cost, decode, read
from .reasons import reason_in
from .wire import receipts as wire

__all__ = [
    "MARK",
    "Answer",
    "Canceled",
    "answers",
    "canceled",
    "expected_beat",
    "killed",
    "placed",
]

_LIVE: Final = ("live", "matched", "delayed")
_UNCLEAR: Final = "unmatched"
MARK: Final = "dry-run-"
"""What the id of every order begins with that was only rehearsed."""
_ROUNDED: Final = Decimal("0.0001")
"""Dollars by which told amounts may be off what a price makes of them."""


@attrs.frozen(slots=True, eq=False, repr=False)
class Answer:
    """What became of one order: it is there, or in the venue's words why not."""

    order: Order | None
    refusal: bytes


@attrs.frozen(slots=True, eq=False, repr=False)
class Canceled:
    """Which orders a cancel has ended, and the reasons of others, both by id."""

    done: frozenset[str]
    reasons: Mapping[str, str]


def placed(draft: Draft, body: bytes) -> Answer:
    """What the answer to a create says.

    Raises `ExchangeNotAvailable` where it says neither that the order is there nor that it
    is not: then it has to be looked up.
    """
    return read(_PLACED, partial(_answer, draft), body)


def answers(
    drafts: Sequence[Draft], body: bytes
) -> list[Answer | ExchangeNotAvailable]:
    """The entries of a batch, in the order of the drafts.

    That is the order of the answer (docs.polymarket.com, place multiple orders, 2026-08);
    an entry that bears the id of another order is no answer to this one.
    """
    entries = decode(_ENTRIES, body)
    if len(entries) != len(drafts):
        message = f"the answer has {len(entries)} entries for {len(drafts)} orders"
        raise VenueSchemaError(message, field="$", venue="polymarket")
    found: list[Answer | ExchangeNotAvailable] = []
    for draft, entry in zip(drafts, entries, strict=True):
        try:
            found.append(read(_PLACED, partial(_answer, draft), entry, "[]"))
        except ExchangeNotAvailable as error:
            found.append(error)
    return found


def _answer(draft: Draft, w: wire.Placed, raw: bytes) -> Answer:
    status = w.status or ""
    why = _said(w)
    if why and _is_refused(w, why):
        # ``success`` is true of a refused entry of a batch (clob-openapi, 2026-08).
        return Answer(None, raw)
    if why or not w.order_id or not status:
        # Only a reason proves that it was refused, and only of what is not there as well.
        told = f"says {why!r} of an order that is {status}" if why else "says nothing"
        message = f"{draft}: Polymarket {told}, so it is looked up"
        raise ExchangeNotAvailable(message, venue="polymarket", maybe_executed=True)
    order_id = w.order_id.lower()
    if order_id != draft.order_id and not order_id.startswith(MARK):
        raise Malformed("orderID", f"is {order_id}, and {draft.order_id} was sent")
    if status == _UNCLEAR:
        # Resting after a delay, or refused: docs.polymarket.com, 2026-08, and the vendor's
        # SDK, 2026-10, do not agree.
        message = f"{draft}: Polymarket says 'unmatched', so it is looked up"
        raise ExchangeNotAvailable(message, venue="polymarket", maybe_executed=True)
    if not w.success or status not in _LIVE:
        raise Malformed("status", f"is {status!r} with success {w.success}")
    return Answer(_order(draft, w, order_id, raw), raw)


def _is_refused(w: wire.Placed, why: str) -> bool:
    """Whether a reason proves that there is no order.

    Beside an id and a status it may be told of one that rests, unless it is known for a
    refusal.
    """
    if not w.order_id or not w.status:
        return True
    return w.status not in _LIVE and reason_in(why) is not None


def _said(w: wire.Placed) -> str:
    """Why not, if that is told."""
    return (w.problem or "").strip() or (w.error or "").strip()


def _order(draft: Draft, w: wire.Placed, order_id: str, raw: bytes) -> Order:
    filled, average = ZERO, None
    if w.status == "matched":
        filled, average = _traded(draft, w)
    # Who pays in dollars may get more shares for them than were asked for.
    size = max(draft.size, filled)
    left = EXACT.subtract(size, filled)
    status = OrderStatus.OPEN if left else OrderStatus.CLOSED
    if left and w.status == "matched" and draft.is_immediate:
        status, left = OrderStatus.CANCELED, ZERO
    ticket = draft.ticket
    return Order(
        venue="polymarket",
        raw_json=raw,
        order_id=order_id,
        client_order_id=draft.client_order_id,
        market_id=draft.market_id,
        outcome=draft.outcome,
        side=draft.side,
        price=draft.price,
        size=size,
        filled=filled,
        remaining=left,
        status=status,
        average_price=average,
        time_in_force=ticket.time_in_force,
        post_only=ticket.request.post_only,
        reduce_only=draft.reduce_only or None,
        expires_at=ticket.request.expires_at,
        # Not when it came, which is not told, but surely before it traded.
        created_at=draft.made_at,
    )


def _traded(draft: Draft, w: wire.Placed) -> tuple[Decimal, Decimal]:
    """Shares that were traded at once, and dollars for one of them.

    One capture has decimals and the specification millionths (2026-08): what does not fit
    the order is not believed, and the order is read.
    """
    given, got = (
        cost(w.making or "", "makingAmount"),
        cost(w.taking or "", "takingAmount"),
    )
    is_purchase = draft.side is Side.BUY
    dollars, shares = (given, got) if is_purchase else (got, given)
    limit = EXACT.multiply(draft.price, shares)
    most = EXACT.multiply(draft.price, draft.size)
    if is_purchase:
        fits = dollars <= min(EXACT.add(limit, _ROUNDED), most)
        fits = fits and (shares <= draft.size or draft.is_immediate)
    else:
        fits = dollars >= EXACT.subtract(limit, _ROUNDED) and shares <= draft.size
        fits = fits and dollars <= shares
    if not (fits and shares):
        problem = f"are {w.making!r} and {w.taking!r}, which is not what was ordered"
        raise Malformed("makingAmount, takingAmount", problem)
    return shares, div(dollars, shares)


_PLACED: Final = msgspec.json.Decoder(wire.Placed)
_ENTRIES: Final = msgspec.json.Decoder(list[msgspec.Raw])


def killed(draft: Draft, raw: bytes) -> Order:
    """An order that found nothing at once, and has ended."""
    assert draft.order_id is not None
    return Order(
        venue="polymarket",
        raw_json=raw,
        order_id=draft.order_id,
        client_order_id=draft.client_order_id,
        market_id=draft.market_id,
        outcome=draft.outcome,
        side=draft.side,
        price=draft.price,
        size=draft.size,
        filled=ZERO,
        remaining=ZERO,
        status=OrderStatus.CANCELED,
        time_in_force=TimeInForce.IOC,
        post_only=False,
        reduce_only=draft.reduce_only or None,
        created_at=draft.made_at,
    )


# -- cancels ---------------------------------------------------------------------------


def _canceled(w: wire.Canceled, _: bytes) -> Canceled:
    reasons = {
        name.lower(): reason or "" for name, reason in (w.not_canceled or {}).items()
    }
    return Canceled(frozenset(name.lower() for name in w.canceled), reasons)


_CANCELED: Final = msgspec.json.Decoder(wire.Canceled)


def canceled(body: bytes) -> Canceled:
    """What a cancel says of each order."""
    return read(_CANCELED, _canceled, body)


# -- heartbeats ------------------------------------------------------------------------

_BEAT: Final = msgspec.json.Decoder(wire.Heartbeat)


def expected_beat(body: bytes) -> str:
    """The id that the next heartbeat must bear."""
    return read(_BEAT, lambda w, _: w.heartbeat_id, body)
