"""The answers that writes would get, had they been sent, in the shape of the real ones.

Nothing fills here: what may rest rests, and what takes at once finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import msgspec

from ...errors import InvalidOrder
from ...flow import Flow, Request, collect
from ...models import Order, Side
from ...money import text
from .amounts import Amounts, price_of, size_of
from .lookup import Lookup
from .overlay import Overlay, Row
from .receipts import MARK

__all__ = ["Deed", "Rehearsal"]

_OK, _REFUSED = 200, 400
_LIVE: Final = "LIVE"
_GONE: Final = "CANCELED"
_KILLED: Final = {
    "FAK": "no orders found to match with FAK order. FAK orders are partially filled or "
    "killed if no match is found.",
    "FOK": "order couldn't be fully filled. FOK orders are fully filled or killed.",
}
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_MOST_ORDERS: Final = 15
_NOT_OPEN: Final = "already canceled or matched"
_BEAT: Final = f"{MARK}heartbeat"


class _Refusal(Exception):
    """The venue would have said no, in these words."""


class _Unreadable(_Refusal):
    """What was sent is none of what the endpoint takes."""

    def __init__(self) -> None:
        super().__init__("Invalid order payload")


@attrs.define(slots=True)
class Deed:
    """What a write was answered, which orders it made, and which it changed."""

    answer: object
    status: int = _OK
    made: list[Row] = attrs.field(factory=list)
    changed: list[Row] = attrs.field(factory=list)

    @property
    def rows(self) -> list[Row]:
        """All of them."""
        return [*self.made, *self.changed]


class Rehearsal:
    """Carries out writes on an overlay, and reads of the venue what it must know."""

    def __init__(self, venue: Lookup) -> None:
        self._venue = venue
        self.overlay = Overlay()

    def answer(self, method: str, path: str, request: Request) -> Flow[Deed]:
        """Do a write here, and what it is answered; ``path`` begins with the service."""
        try:
            return (yield from self._done(method, path, request))
        except _Refusal as refusal:
            return Deed({"error": str(refusal)}, _REFUSED)

    def _done(self, method: str, path: str, request: Request) -> Flow[Deed]:  # noqa: PLR0911 - one line for each write
        sent = msgspec.json.decode(request.body) if request.body else None
        match method, path:
            case "POST", "/clob/order":
                return (yield from self._one(sent))
            case "POST", "/clob/orders":
                return (yield from self._several(sent))
            case "DELETE", "/clob/order":
                named = sent.get("orderID") if isinstance(sent, dict) else None
                if not isinstance(named, str) or not named:
                    raise _Refusal("Invalid orderID")
                return (yield from self._canceled([named]))
            case "DELETE", "/clob/orders":
                if not isinstance(sent, list) or not all(type(x) is str for x in sent):
                    raise _Unreadable
                return (yield from self._canceled(sent))
            case "DELETE", "/clob/cancel-all":
                return (yield from self._all_canceled())
            case "DELETE", "/clob/cancel-market-orders":
                return (yield from self._market_canceled(sent))
            case "POST", "/clob/v1/heartbeats":
                return Deed({"heartbeat_id": _BEAT})
            case _:
                return Deed({})

    def _one(self, sent: Any) -> Flow[Deed]:
        row = yield from self._made(sent)
        if row["status"] == _LIVE:
            return Deed(_receipt(row), made=[row])
        return Deed({"error": _KILLED[row["order_type"]]}, _REFUSED, made=[row])

    def _several(self, sent: Any) -> Flow[Deed]:
        if not isinstance(sent, list) or not sent:
            raise _Unreadable
        if len(sent) > _MOST_ORDERS:
            most = f"max allowed: {_MOST_ORDERS}"
            raise _Refusal(f"Too many orders in payload: {len(sent)}, {most}")
        deed = Deed(None)
        entries: list[object] = []
        for item in sent:
            try:
                row = yield from self._made(item)
            except _Refusal as refusal:
                entries.append(_rejected(str(refusal)))
                continue
            deed.made.append(row)
            is_live = row["status"] == _LIVE
            killed = _KILLED.get(row["order_type"], "")
            entries.append(_receipt(row) if is_live else _rejected(killed))
        deed.answer = entries
        return deed

    def _made(self, sent: Any) -> Flow[Row]:
        """The row that an order would have; a raw one may be anything."""
        try:
            order, kind = sent["order"], str(sent.get("orderType", "GTC"))
            side = _SIDES[order["side"]]
            amounts = Amounts(int(order["makerAmount"]), int(order["takerAmount"]))
            price, size = price_of(side, amounts), size_of(side, amounts)
            token = str(order["tokenId"])
        except (AttributeError, InvalidOrder, KeyError, TypeError, ValueError):
            raise _Unreadable from None
        market = self._venue.market_of(token)
        if market is None:
            raise _Refusal("Invalid token id")
        yield from ()
        venue = self._venue
        row: Row = {
            "id": f"{MARK}0x{venue.rng.getrandbits(256):064x}",
            "market": market.market_id,
            "asset_id": token,
            "owner": str(sent.get("owner", "")),
            "maker_address": str(order.get("maker", "")),
            "side": order["side"],
            "price": text(price),
            "original_size": text(size),
            "size_matched": "0",
            "outcome": next(x.label for x in market.outcomes if x.outcome_id == token),
            "order_type": kind,
            "status": _GONE if kind in _KILLED else _LIVE,
            "associate_trades": [],
            "created_at": int(venue.venue_now().timestamp()),
            "expiration": str(order.get("expiration", "0")),
            "post_only": sent.get("postOnly") is True,
            "salt": order.get("salt"),
        }
        self.overlay.put(row)
        return row

    def _canceled(self, order_ids: Sequence[Any]) -> Flow[Deed]:
        done: list[str] = []
        reasons: dict[str, str] = {}
        deed = Deed({"canceled": done, "not_canceled": reasons})
        for given in dict.fromkeys(map(str, order_ids)):
            row = self.overlay.row(given)
            if row is None:
                found = yield from self._venue.read_order(given)
                row = None if found is None else dict(found.raw)
            if row is None or row.get("status") != _LIVE:
                reasons[given] = _NOT_OPEN
                continue
            after = {**row, "status": _GONE}
            self.overlay.put(after)
            deed.changed.append(after)
            done.append(given)
        return deed

    def _market_canceled(self, sent: Any) -> Flow[Deed]:
        """Those of a market, of one token, or of what both name."""
        named = sent if isinstance(sent, dict) else {}
        market, token = named.get("market") or None, named.get("asset_id") or None
        if not market and not token:
            raise _Unreadable
        found: list[Order] = yield from collect(self._venue.open_orders(market))
        chosen = [x for x in found if token in (None, x.raw.get("asset_id"))]
        return (yield from self._canceled([order.order_id for order in chosen]))

    def _all_canceled(self) -> Flow[Deed]:
        found: list[Order] = yield from collect(self._venue.open_orders(None))
        return (yield from self._canceled([order.order_id for order in found]))


def _receipt(row: Row) -> dict[str, object]:
    return {
        "success": True,
        "errorMsg": "",
        "orderID": row["id"],
        "status": "live",
        "makingAmount": "",
        "takingAmount": "",
        "tradeIDs": [],
    }


def _rejected(words: str) -> dict[str, object]:
    # A rejected entry says success all the same (clob-openapi, 2026-08).
    return {"success": True, "errorMsg": words, "orderID": "", "status": ""}
