"""Our orders and fills out of the CLOB's answers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

import attrs
import msgspec

from ....models import (
    Fill,
    FillState,
    Liquidity,
    Order,
    OrderStatus,
    Side,
    TimeInForce,
)
from ....money import EXACT, ZERO
from ..wire import orders as wire
from .reading import (
    Malformed,
    decode,
    instant,
    label_of,
    nanoseconds,
    price,
    read,
    read_all,
    side_of,
    size,
    sizes,
)

__all__ = ["EXPIRY_MARGIN", "Ours", "fills_page", "order", "orders_page"]

EXPIRY_MARGIN: Final = timedelta(seconds=60)
"""The venue cancels an order that long before the ``expiration`` it was given
(docs.polymarket.com, order types, 2026-08)."""

_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}")
_END: Final = "LTE="
"""The cursor after the last page: -1 in Base64 (docs.polymarket.com, 2026-08)."""


# -- orders ----------------------------------------------------------------------------

_STATUSES: Final = {
    "LIVE": OrderStatus.OPEN,
    "DELAYED": OrderStatus.OPEN,
    "MATCHED": OrderStatus.CLOSED,
    "INVALID": OrderStatus.REJECTED,
    "CANCELED_EXPIRED_ORDER": OrderStatus.EXPIRED,
}
_TIMES: Final = {
    "GTC": TimeInForce.GTC,
    "GTD": TimeInForce.GTC,
    "FOK": TimeInForce.FOK,
    "FAK": TimeInForce.IOC,
}


def status_of(word: str) -> OrderStatus:
    """Where an order stands, from a word with or without its prefix.

    After ``CANCELED`` there may be anything, prose included (captures of 2026-05).
    """
    plain = word.removeprefix("ORDER_STATUS_")
    found = _STATUSES.get(plain)
    if found is not None:
        return found
    return OrderStatus.CANCELED if plain.startswith("CANCELED") else OrderStatus.UNKNOWN


def _order(w: wire.Order, payload: bytes) -> Order:
    whole, filled = sizes(w.original_size, w.size_matched)
    status = status_of(w.status)
    may_fill = status in (OrderStatus.OPEN, OrderStatus.UNKNOWN)
    return Order(
        venue="polymarket",
        raw_json=payload,
        order_id=w.id.lower(),
        client_order_id=None,
        market_id=w.market.lower(),
        outcome=label_of(w.outcome),
        side=side_of(w.side, "side"),
        price=price(w.price, "price"),
        size=whole,
        filled=filled,
        remaining=EXACT.subtract(whole, filled) if may_fill else ZERO,
        status=status,
        time_in_force=_TIMES.get(w.order_type or ""),
        # What is not held cannot be sold (docs.polymarket.com, 2026-08).
        reduce_only=True if w.side == "SELL" else None,
        expires_at=_expiry(w.expiration),
        created_at=_created(w.created_at),
    )


def _expiry(value: int | str | None) -> datetime | None:
    if value in (None, "", "0", 0):
        return None
    assert value is not None
    return instant(value, "expiration") - EXPIRY_MARGIN


def _created(value: int | str | None) -> datetime | None:
    return None if value is None or value == "" else instant(value, "created_at")


_ORDER: Final = msgspec.json.Decoder(wire.Order)
_PAGE: Final = msgspec.json.Decoder(wire.Page)


def order(body: bytes) -> Order | None:
    """One order; None where the answer says that there is none."""
    return None if body.strip() in (b"", b"null") else read(_ORDER, _order, body)


def orders_page(body: bytes) -> tuple[list[Order], str | None]:
    """The orders of a page and the next cursor."""
    page = decode(_PAGE, body)
    return read_all(_ORDER, _order, page.data, "data"), _next(page.next_cursor)


def _next(cursor: str | None) -> str | None:
    return None if cursor == _END else cursor or None


# -- fills -----------------------------------------------------------------------------

_STATES: Final = {"CONFIRMED": FillState.FINAL, "FAILED": FillState.FAILED}


@attrs.frozen(slots=True, eq=False, repr=False)
class Ours:
    """Whose part in a trade is ours: that of our wallet.

    An API key belongs to a signer, who may trade from several wallets, and the listings of
    a key tell of all of them; a wallet may have several keys.  The address beside an order
    is the wallet it spends from (docs.polymarket.com and captures, 2026-08), and so decides
    where it is told; the key decides where it is not.
    """

    key_id: str
    wallet: str

    def has(self, owner: str | None, address: str | None) -> bool:
        """Whether a part with that API key and that wallet beside it is ours."""
        if self.wallet and address and address.lower() == self.wallet:
            return True
        return self.is_key(owner) and not self.is_elsewhere(address)

    def without_key(self, payload: bytes) -> bytes:
        """A payload without our API key, which is printed and pickled with what it is of."""
        key = self.key_id.encode()
        return payload.replace(key, b"REDACTED") if key else payload

    def is_elsewhere(self, address: str | None) -> bool:
        """Whether that is an address, and not our wallet's."""
        if not (self.wallet and address and _ADDRESS.fullmatch(address)):
            return False
        return address.lower() != self.wallet

    def is_key(self, owner: str | None) -> bool:
        """Whether the part is of our API key, from whichever wallet."""
        return bool(owner) and owner == self.key_id


def _fills(w: wire.Trade, payload: bytes, ours: Ours) -> list[Fill]:
    """Our part in a trade: what we took of it, and each order of ours that it took.

    Fees are not told: ``fee_rate_bps`` is left over from before (docs.polymarket.com,
    fees, 2026-08).  The caller works them out.
    """
    makers, payload = w.maker_orders or (), ours.without_key(payload)
    fills = [_made(w, x, payload) for x in makers if ours.has(x.owner, x.maker_address)]
    is_elsewhere = any(ours.is_key(x.owner) for x in makers)
    if w.trader_side == "TAKER":
        # That it is the key's is said; the wallet alone may be another.
        if not ours.is_elsewhere(w.maker_address):
            fills.append(_taken(w, payload))
        is_elsewhere = True
    elif w.trader_side != "MAKER":
        raise Malformed("trader_side", f"is {w.trader_side!r}, not TAKER or MAKER")
    if not (fills or is_elsewhere):
        raise Malformed("maker_orders", "holds no order of this key or wallet")
    return fills


def _taken(w: wire.Trade, payload: bytes) -> Fill:
    return _fill(
        w,
        payload,
        order_id=w.taker_order_id,
        outcome=w.outcome,
        side=side_of(w.side, "side"),
        paid=price(w.price, "price"),
        shares=size(w.size, "size"),
        liquidity=Liquidity.TAKER,
    )


def _made(w: wire.Trade, maker: wire.MakerOrder, payload: bytes) -> Fill:
    return _fill(
        w,
        payload,
        order_id=maker.order_id,
        outcome=maker.outcome,
        side=_side(w, maker),
        paid=price(maker.price, "maker_orders[].price"),
        shares=size(maker.matched_amount, "maker_orders[].matched_amount"),
        liquidity=Liquidity.MAKER,
    )


def _side(w: wire.Trade, maker: wire.MakerOrder) -> Side:
    """The maker's side: the taker's own in the other token, against it in the same."""
    if maker.side is not None:
        return side_of(maker.side, "maker_orders[].side")
    taker = side_of(w.side, "side")
    return taker.opposite if maker.asset_id == w.asset_id else taker


def _fill(
    w: wire.Trade,
    payload: bytes,
    *,
    order_id: str,
    outcome: str,
    side: Side,
    paid: Decimal,
    shares: Decimal,
    liquidity: Liquidity,
) -> Fill:
    return Fill(
        venue="polymarket",
        raw_json=payload,
        # Not by price, size and time, which two trades may share.  Nor by ``bucket_index``:
        # each part of a match that is split on chain is a trade with an id of its own, and
        # a trade is told with bucket 0 until it is mined (the user channel's specification,
        # 2026-08).
        fill_id=f"{w.id}:{order_id.lower()}",
        trade_id=w.id,
        order_id=order_id.lower(),
        market_id=w.market.lower(),
        outcome=label_of(outcome),
        side=side,
        price=paid,
        size=shares,
        fee=None,
        liquidity=liquidity,
        created_at=_moment(w),
        # A word that is not known is no end: the fill may still fail.
        state=_STATES.get(w.status.removeprefix("TRADE_STATUS_"), FillState.PENDING),
    )


def _moment(w: wire.Trade) -> datetime:
    told = instant(w.match_time, "match_time")
    return nanoseconds(w.match_time_nano) or told


_TRADE: Final = msgspec.json.Decoder(wire.Trade)


def fills_page(body: bytes, ours: Ours) -> tuple[list[Fill], str | None]:
    """Our fills in the trades of a page, without their fees, and the next cursor."""
    page = decode(_PAGE, body)
    found = read_all(_TRADE, partial(_fills, ours=ours), page.data, "data")
    return [fill for fills in found for fill in fills], _next(page.next_cursor)
