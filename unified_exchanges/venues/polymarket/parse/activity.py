"""What wallets did and were given, out of Polymarket's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from ....errors import VenueSchemaError
from ....models import Activity, ActivityKind, Side
from ....money import EXACT
from ..wire import account as wire
from ..wire import base
from .reading import (
    Malformed,
    decode,
    dollars,
    label_of,
    price_of,
    read_all,
    seconds,
    side_of,
)

__all__ = ["KINDS", "activity_page"]

KINDS: Final[Mapping[str, ActivityKind]] = MappingProxyType(
    {
        "TRADE": ActivityKind.TRADE,
        "SPLIT": ActivityKind.SPLIT,
        "MERGE": ActivityKind.MERGE,
        "REDEEM": ActivityKind.REDEMPTION,
        "CONVERSION": ActivityKind.CONVERSION,
        "MIGRATION": ActivityKind.MIGRATION,
        "DEPOSIT": ActivityKind.DEPOSIT,
        "WITHDRAWAL": ActivityKind.WITHDRAWAL,
        "REWARD": ActivityKind.REWARD,
        "YIELD": ActivityKind.YIELD,
        "MAKER_REBATE": ActivityKind.MAKER_REBATE,
        "TAKER_REBATE": ActivityKind.TAKER_REBATE,
        "REFERRAL_REWARD": ActivityKind.REFERRAL_REWARD,
        "TIP": ActivityKind.TIP,
    }
)
"""The venue's words (vendor's SDK 0.14.0, 2026-10)."""

_PAID: Final = frozenset({ActivityKind.SPLIT, ActivityKind.WITHDRAWAL})
_GOT: Final = frozenset(
    {
        ActivityKind.MERGE,
        ActivityKind.REDEMPTION,
        ActivityKind.DEPOSIT,
        ActivityKind.REWARD,
        ActivityKind.YIELD,
        ActivityKind.MAKER_REBATE,
        ActivityKind.TAKER_REBATE,
        ActivityKind.REFERRAL_REWARD,
    }
)
_TIPS: Final = {"IN": True, "OUT": False}


def _is_income(kind: ActivityKind, w: wire.Act, side: Side | None) -> bool | None:
    """Whether cash came; None if the venue does not tell."""
    if kind is ActivityKind.TIP:
        return _TIPS.get(w.side or "")
    if side is not None:
        return side is Side.SELL
    return True if kind in _GOT else False if kind in _PAID else None


def _activity(w: wire.Act, payload: bytes) -> Activity:
    kind = KINDS.get(w.type, ActivityKind.UNKNOWN)
    is_trade = kind is ActivityKind.TRADE
    if is_trade and (w.size is None or w.price is None or not w.condition_id):
        raise Malformed("type", "is TRADE, without its market, size or price")
    side = side_of(w.side or "", "side") if is_trade else None
    cash = dollars(w.usdc_size, "usdc_size")
    income = _is_income(kind, w, side)
    return Activity(
        venue="polymarket",
        raw_json=payload,
        kind=kind,
        venue_kind=w.type,
        cash=cash,
        cash_flow=None if income is None else cash if income else EXACT.minus(cash),
        happened_at=seconds(w.timestamp, "timestamp"),
        transaction=w.transaction_hash.lower(),
        market_id=(w.condition_id or "").lower() or None,
        outcome=label_of(w.outcome) if w.outcome else None,
        side=side,
        size=_size(w, kind),
        # Of what is no trade it is 0, or left out.
        price=price_of(w.price, "price") if is_trade and w.price is not None else None,
    )


_TOLD_BY_CASH: Final = frozenset({ActivityKind.SPLIT, ActivityKind.MERGE})


def _size(w: wire.Act, kind: ActivityKind) -> Decimal | None:
    """Contracts; of a credit there are none, though the venue may repeat the dollars."""
    if w.size is None or not w.condition_id:
        return None
    size = dollars(w.size, "size")
    return None if kind in _TOLD_BY_CASH and not size else size


_ACT: Final = msgspec.json.Decoder(wire.Act)
_PAGE: Final = msgspec.json.Decoder(base.DataPage)


_MOST_ALIKE: Final = 100
"""Pages of one row that may say the same; a page is asked for with up to 1,000 rows."""


def activity_page(
    body: bytes, alone: Counter[bytes]
) -> tuple[list[tuple[Hashable, Activity]], str | None]:
    """The activity of a page, each with a name of its own, and the next cursor.

    Rows have no id, and two may say the same, as of two makers' orders at one price in one
    transaction: each counts, on one page or on two.  Pages by cursor do not overlap: they
    are stable against what is added meanwhile (the vendor's specification of the Data API,
    2026-10).  So a row is named by its place, and only a page of several that comes again
    whole, as from a listing that never ends, brings nothing new.  ``alone`` counts for a
    listing the rows that were a page each.
    """
    page = decode(_PAGE, body)
    found = read_all(_ACT, _activity, page.data, "data")
    whole = b"".join(each.raw_json for each in found)
    if len(found) == 1:
        alone[whole] += 1
    copy = alone[whole]
    if copy > _MOST_ALIKE:
        message = (
            f"activity: the listing does not end ({_MOST_ALIKE + 1} pages of one row, "
            "which say the same); the items so far are not complete"
        )
        raise VenueSchemaError(message, field="data", venue="polymarket")
    named: list[tuple[Hashable, Activity]] = [
        ((whole, copy, place), each) for place, each in enumerate(found)
    ]
    return named, page.pagination.next_cursor
