"""The answers that writes would get, had they been sent, in the shape of the real ones.

Nothing fills here: what may rest rests, and an immediate order ends unfilled
(docs.kalshi.com, orders V2, 2026-10).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

import attrs
import msgspec

from ...flow import Flow, Request, collect
from ...money import EXACT, ZERO, complement, read_number, text
from .lookup import Lookup
from .overlay import MARK, Overlay, Row, instant

__all__ = ["Deed", "Rehearsal"]

_ORDERS: Final = "/portfolio/events/orders"
_GROUPS: Final = "/portfolio/order_groups"
_OK, _CREATED, _EMPTY, _REFUSED, _ABSENT, _TAKEN = 200, 201, 204, 400, 404, 409
_MOST: Final = 1_000_000
"""Contracts that the limit of a group may be."""
_NOTHING: Final = "0.00"
_RESTS: Final = "good_till_canceled"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEEDED: Final = ("ticker", "side", "count", "price", "time_in_force")

_Body: TypeAlias = "dict[str, Any]"


class _Refused(Exception):
    """The venue would have said no, in these words."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.words = {"code": code, "message": code}


@attrs.define(slots=True)
class Deed:
    """What a write was answered, which orders it made or priced anew, which it changed."""

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
        self.overlay = Overlay(self._event_of)

    def _event_of(self, market_id: str) -> str | None:
        rules = self._venue.memory.rules(market_id)
        return None if rules is None else rules.event_id

    def answer(self, method: str, path: str, request: Request) -> Flow[Deed]:
        """Do a write here, and what it is answered; ``path`` is below the base URL."""
        try:
            return (yield from self._done(method, path, request))
        except _Refused as refused:
            return Deed({"error": refused.words}, refused.status)

    def _done(self, method: str, path: str, request: Request) -> Flow[Deed]:  # noqa: PLR0911 - one line for each write
        body, query = _read(request.body), dict(request.query)
        rest = path.removeprefix(_ORDERS)
        if rest == path:
            return (yield from self._elsewhere(method, path, body))
        match method, rest.strip("/").split("/"):
            case "POST", [""]:
                row = self._created(body)
                return Deed(self._receipt(row), _CREATED, made=[row])
            case "POST", ["batched"]:
                return self._batch(_items(body))
            case "DELETE", ["batched"]:
                return (yield from self._canceled_batch(_items(body)))
            case "DELETE", [""]:
                changed = yield from self._all_canceled(query.get("subaccount"))
                return Deed(None, _EMPTY, changed=changed)
            case "DELETE", [order_id]:
                row, receipt = yield from self._canceled(order_id)
                return Deed(receipt, changed=[row])
            case "POST", [order_id, "amend"]:
                return (yield from self._amended(order_id, body))
            case "POST", [order_id, "decrease"]:
                return (yield from self._decreased(order_id, body))
            case _:
                return Deed({})

    def _elsewhere(self, method: str, path: str, body: _Body) -> Flow[Deed]:
        """Order groups; of other writes no answer is documented that we could give."""
        if (method, path) == ("POST", f"{_GROUPS}/create"):
            group_id = self._new_id()
            self.overlay.put_group(group_id, _limit(body))
            return Deed({"order_group_id": group_id}, _CREATED)
        group_id, _, act = path.removeprefix(f"{_GROUPS}/").partition("/")
        deed = Deed({})
        if act == "trigger" or method == "DELETE":
            for row in self.overlay.grouped(group_id):
                after, _ = yield from self._canceled(row["order_id"])
                deed.changed.append(after)
        return deed

    def _new_id(self) -> str:
        return f"{MARK}{self._venue.rng.getrandbits(64):016x}"

    def _now(self) -> datetime:
        return self._venue.venue_now()

    def _created(self, body: _Body) -> Row:
        for name in _NEEDED:
            if not isinstance(body.get(name), str):
                raise _Refused(_REFUSED, "bad_request")
        if body["side"] not in {"bid", "ask"} or _amount(body, "count") <= ZERO:
            raise _Refused(_REFUSED, "bad_request")
        expires = _moment(body)
        key = str(body.get("client_order_id") or "")
        if key and self.overlay.has_key(key):
            raise _Refused(_TAKEN, "order_already_exists")
        rests = body["time_in_force"] == _RESTS
        now = instant(self._now())
        row: Row = {
            "order_id": self._new_id(),
            "client_order_id": key,
            "ticker": body["ticker"],
            "type": "limit",
            "status": "resting" if rests else "canceled",
            "outcome_side": "yes" if body["side"] == "bid" else "no",
            "book_side": body["side"],
            "initial_count_fp": body["count"],
            "fill_count_fp": _NOTHING,
            "remaining_count_fp": body["count"] if rests else _NOTHING,
            "taker_fill_cost_dollars": _NOTHING,
            "maker_fill_cost_dollars": _NOTHING,
            "taker_fees_dollars": _NOTHING,
            "maker_fees_dollars": _NOTHING,
            "created_time": now,
            "last_update_time": now,
            "expiration_time": expires or None,
            "self_trade_prevention_type": body.get("self_trade_prevention_type"),
            "order_group_id": body.get("order_group_id"),
            "cancel_order_on_pause": body.get("cancel_order_on_pause", False),
            "subaccount_number": body.get("subaccount", self._venue.subaccount) or 0,
            "exchange_index": self._shard_of(body),
            "reduce_only": body.get("reduce_only", False),
            "post_only": body.get("post_only", False),
            **_prices(body),
        }
        self.overlay.put(row)
        return row

    def _shard_of(self, body: _Body) -> int:
        named = body.get("exchange_index")
        if isinstance(named, int) and named >= 0:
            return named
        rules = self._venue.memory.rules(body["ticker"])
        return 0 if rules is None else rules.shard

    def _receipt(self, row: Row) -> dict[str, object]:
        return {
            "order_id": row["order_id"],
            "client_order_id": row["client_order_id"],
            "fill_count": row["fill_count_fp"],
            "remaining_count": row["remaining_count_fp"],
            "ts_ms": _milliseconds(row["last_update_time"]),
        }

    def _batch(self, items: Sequence[_Body]) -> Deed:
        entries: list[object] = []
        made: list[Row] = []
        for item in items:
            try:
                row = self._created(item)
            except _Refused as refused:
                entries.append(_entry(refused, item.get("client_order_id")))
            else:
                made.append(row)
                entries.append(self._receipt(row))
        return Deed({"orders": entries}, _CREATED, made=made)

    def _resting(self, order_id: str) -> Flow[Row]:
        """An order that is open, made here or real, as Kalshi shows it."""
        row = self.overlay.row(order_id)
        if row is None:
            found = yield from self._venue.read_order(order_id)
            row = None if found is None else dict(found.raw)
        if row is None or row["status"] != "resting":
            raise _Refused(_ABSENT, "not_found")
        return row

    def _changed(self, row: Row, **fields: object) -> Row:
        after = {**row, **fields, "last_update_time": instant(self._now())}
        self.overlay.put(after)
        return after

    def _canceled(self, order_id: str) -> Flow[tuple[Row, dict[str, object]]]:
        before = yield from self._resting(order_id)
        after = self._changed(before, status="canceled", remaining_count_fp=_NOTHING)
        return after, {
            "order_id": order_id,
            "client_order_id": before.get("client_order_id"),
            "reduced_by": before["remaining_count_fp"],
            "ts_ms": _milliseconds(after["last_update_time"]),
        }

    def _canceled_batch(self, items: Sequence[_Body]) -> Flow[Deed]:
        deed = Deed(None)
        entries: list[object] = []
        for item in items:
            try:
                row, receipt = yield from self._canceled(str(item.get("order_id")))
            except _Refused as refused:
                entries.append(
                    {**item, "reduced_by": _NOTHING, **_entry(refused, None)}
                )
            else:
                deed.changed.append(row)
                entries.append(receipt)
        deed.answer = {"orders": entries}
        return deed

    def _all_canceled(self, subaccount: str | None) -> Flow[list[Row]]:
        scope = None if subaccount is None else {"subaccount": int(subaccount)}
        rows = []
        for order in (yield from collect(self._venue.resting_orders(None, scope))):
            row, _ = yield from self._canceled(order.order_id)
            rows.append(row)
        return rows

    def _amended(self, order_id: str, body: _Body) -> Flow[Deed]:
        before = yield from self._resting(order_id)
        if body.get("ticker") != before["ticker"]:
            raise _Refused(_REFUSED, "order_ticker_mismatch")
        left = EXACT.subtract(_amount(body, "count"), Decimal(before["fill_count_fp"]))
        if left <= ZERO:
            raise _Refused(_REFUSED, "invalid_order")
        fields: dict[str, object] = {
            "initial_count_fp": body["count"],
            "remaining_count_fp": text(left, 2),
            **_prices(body),
        }
        expires = _moment(body)
        if expires is not None:
            fields["expiration_time"] = expires or None
        if key := body.get("updated_client_order_id"):
            fields["client_order_id"] = key
        row = self._changed(before, **fields)
        return Deed({**self._receipt(row), "fill_count": _NOTHING}, made=[row])

    def _decreased(self, order_id: str, body: _Body) -> Flow[Deed]:
        before = yield from self._resting(order_id)
        left = Decimal(before["remaining_count_fp"])
        if body.get("reduce_to") is not None:
            left = min(left, _amount(body, "reduce_to"))
        else:
            left = EXACT.subtract(left, _amount(body, "reduce_by"))
        if left <= ZERO:
            row, _ = yield from self._canceled(order_id)
        else:
            row = self._changed(before, remaining_count_fp=text(left, 2))
        receipt = self._receipt(row)
        del receipt["fill_count"]
        return Deed(receipt, changed=[row])


def _read(body: bytes | None) -> _Body:
    decoded = msgspec.json.decode(body) if body else {}
    return decoded if isinstance(decoded, dict) else {}


def _items(body: _Body) -> list[_Body]:
    items = body.get("orders")
    if not isinstance(items, list) or not items:
        raise _Refused(_REFUSED, "bad_request")
    if not all(isinstance(item, dict) for item in items):
        raise _Refused(_REFUSED, "bad_request")
    return items


def _entry(refused: _Refused, key: object) -> dict[str, object]:
    error: dict[str, object] = {"error": refused.words}
    return {"client_order_id": key, **error} if key else error


def _amount(body: _Body, name: str) -> Decimal:
    """A number of a raw request, which nobody has checked yet."""
    try:
        return read_number(body.get(name))
    except ValueError:
        raise _Refused(_REFUSED, "bad_request") from None


def _moment(body: _Body) -> str | None:
    """When an order is to expire; "" is never, None that nothing is said of it."""
    seconds = body.get("expiration_time")
    if seconds is None:
        return None
    try:
        if type(seconds) is int:
            return instant(datetime.fromtimestamp(seconds, UTC)) if seconds else ""
    except (OverflowError, OSError, ValueError):
        pass
    raise _Refused(_REFUSED, "bad_request")


def _limit(body: _Body) -> str:
    """The contracts of a group: whole, or as text; given in both, they must agree."""
    whole, word = body.get("contracts_limit"), body.get("contracts_limit_fp")
    is_whole = whole is None or type(whole) is int
    if not is_whole or not (word is None or type(word) is str) or whole is word is None:
        raise _Refused(_REFUSED, "bad_request")
    limit = _amount(body, "contracts_limit" if word is None else "contracts_limit_fp")
    if not 1 <= limit <= _MOST or whole not in {None, limit}:
        raise _Refused(_REFUSED, "bad_request")
    return str(whole if word is None else word)


def _prices(body: _Body) -> dict[str, object]:
    yes = _amount(body, "price")
    return {
        "yes_price_dollars": text(yes, 4),
        "no_price_dollars": text(complement(yes), 4),
    }


def _milliseconds(moment: str) -> int:
    # Never later than the moment itself, by which it is compared with reads.
    since = datetime.fromisoformat(moment) - _EPOCH
    return since // timedelta(milliseconds=1)
