"""Balances, positions, redemptions and tiers out of Polymarket's answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs
import msgspec

from ....models import Allowance, Balance, Position
from ....money import div
from ..wire import account as wire
from ..wire import base
from .reading import (
    bound,
    decode,
    dollars,
    label_of,
    number,
    price_of,
    read,
    read_all,
    seconds,
    units,
)

__all__ = [
    "Redemption",
    "balance",
    "claims_page",
    "positions_page",
    "redemptions_page",
    "tier",
    "told_price",
]


# -- balance ---------------------------------------------------------------------------


def _balance(w: wire.Balance, payload: bytes) -> Balance:
    gross = units(w.balance, "balance")
    return Balance(
        venue="polymarket",
        raw_json=payload,
        available=gross,
        total=gross,
        currency="pUSD",
        allowances=tuple(
            Allowance(spender, bound(amount, f"allowances.{spender}"))
            for spender, amount in (w.allowances or {}).items()
        ),
    )


_BALANCE: Final = msgspec.json.Decoder(wire.Balance)


def balance(body: bytes) -> Balance:
    """All cash, or all shares of a token; what open orders hold back is not subtracted."""
    return read(_BALANCE, _balance, body)


# -- positions -------------------------------------------------------------------------


def _position(w: wire.Position, payload: bytes) -> tuple[str, Position]:
    held = dollars(w.current_size, "current_size")
    paid = dollars(w.entry_cost_usdc, "entry_cost_usdc")
    return w.token_id, Position(
        venue="polymarket",
        raw_json=payload,
        market_id=w.condition_id.lower(),
        event_id=str(w.event_id) if w.event_id not in (None, "", "0", 0) else None,
        outcome=label_of(w.outcome or ""),
        size=held,
        cost=paid,
        # Not avg_price: that is rounded to four digits (vendor's example, 2026-10).
        entry_price=div(paid, held) if held else None,
        realized_pnl=number(w.realized_pnl, "realized_pnl"),
        fees_paid=dollars(w.entry_fees_usdc, "entry_fees_usdc"),
        updated_at=seconds(w.last_event_at, "last_event_at")
        if w.last_event_at
        else None,
        computed=frozenset({"entry_price"}) if held else frozenset(),
    )


_POSITION: Final = msgspec.json.Decoder(wire.Position)
_PAGE: Final = msgspec.json.Decoder(base.DataPage)


def told_price(row: bytes) -> Decimal | None:
    """What the venue values a share at, by the row of its position; None if untold."""
    return read(_POSITION, lambda w, _: _told_price(w), row)


def _told_price(w: wire.Position) -> Decimal | None:
    price = price_of(w.current_price, "current_price")
    # "0" is also how a value that is absent is told (docs, 2026-10).
    return price if price or w.status == "REDEEMABLE" else None


def positions_page(body: bytes) -> tuple[list[tuple[str, Position]], str | None]:
    """The positions of a page with the token of each, and the next cursor."""
    page = decode(_PAGE, body)
    found = read_all(_POSITION, _position, page.data, "data")
    return found, page.pagination.next_cursor


def _claim(w: wire.Position, _: bytes) -> tuple[str, Decimal]:
    return w.token_id, price_of(w.avg_price, "avg_price")


def claims_page(body: bytes) -> tuple[list[tuple[str, Decimal]], str | None]:
    """What each token of a page had cost on average, and the next cursor.

    Nothing costs nothing: an average of 0 means that there is none.
    """
    page = decode(_PAGE, body)
    found = read_all(_POSITION, _claim, page.data, "data")
    return [x for x in found if x[1]], page.pagination.next_cursor


# -- redemptions -----------------------------------------------------------------------


@attrs.frozen(kw_only=True, slots=True)
class Redemption:
    """Shares that were turned into ``payout`` dollars; ``size`` is None if not told."""

    market_id: str
    outcome: str
    token_id: str | None
    size: Decimal | None
    payout: Decimal
    at: datetime
    transaction: str
    raw_json: bytes


def _redemption(w: wire.Activity, payload: bytes) -> Redemption:
    return Redemption(
        market_id=w.condition_id.lower(),
        outcome=label_of(w.outcome or ""),
        token_id=w.token_id or None,
        size=None if w.size is None else dollars(w.size, "size"),
        payout=dollars(w.usdc_size, "usdc_size"),
        at=seconds(w.timestamp, "timestamp"),
        transaction=w.transaction_hash.lower(),
        raw_json=payload,
    )


_ACTIVITY: Final = msgspec.json.Decoder(wire.Activity)


def redemptions_page(body: bytes) -> tuple[list[Redemption], str | None]:
    """The redemptions of a page, and the next cursor."""
    page = decode(_PAGE, body)
    found = read_all(_ACTIVITY, _redemption, page.data, "data")
    return found, page.pagination.next_cursor


# -- tiers -----------------------------------------------------------------------------

_TIER: Final = msgspec.json.Decoder(wire.Tier)


def tier(body: bytes) -> str:
    """The name of the tier that an account is in."""
    return read(_TIER, lambda w, _: w.tier, body)
