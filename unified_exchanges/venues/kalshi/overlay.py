"""Orders as they would be, had the writes of a dry run been carried out.

Rows are those of ``/portfolio/orders`` in Kalshi's own words, so that what a dry run made
or changed is read by the same code as what is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from ...flow import Request

__all__ = ["MARK", "Overlay", "Row", "instant", "is_rehearsed"]

MARK = "dry-run-"
"""What the id of everything that was only rehearsed begins with."""

Row: TypeAlias = dict[str, Any]

_SINGLE = "/portfolio/orders/"
_GROUP = "/portfolio/order_groups/"
_LISTING = "/portfolio/orders"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_MOST = 10_000
"""Rows that are kept, besides those that rest."""


class _Page(msgspec.Struct):
    orders: list[Row]
    cursor: str | None = None


def is_rehearsed(order_id: str) -> bool:
    """Whether an id was given by a dry run."""
    return order_id.startswith(MARK)


def instant(moment: datetime) -> str:
    """A time in Kalshi's words, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Overlay:
    """What a dry run has changed, by order id; reads are completed with it."""

    def __init__(self, event_of: Callable[[str], str | None]) -> None:
        self._event_of = event_of
        self._rows: dict[str, Row] = {}
        self._groups: dict[str, str] = {}

    def put(self, row: Row) -> None:
        """Show an order like this from now on."""
        self._rows[row["order_id"]] = row
        if len(self._rows) > _MOST:
            ended = (key for key, x in self._rows.items() if x["status"] != "resting")
            self._rows.pop(next(ended, ""), None)

    def row(self, order_id: str) -> Row | None:
        """An order that a dry run has made or changed."""
        return self._rows.get(order_id)

    def rows(self) -> list[Row]:
        """All of them, oldest first."""
        return list(self._rows.values())

    def put_group(self, group_id: str, limit: str) -> None:
        """Know an order group that only exists here."""
        self._groups[group_id] = limit

    def grouped(self, group_id: str) -> list[Row]:
        """The open orders of a group that were made or changed here."""
        return [
            row
            for row in self.rows()
            if row.get("order_group_id") == group_id and row["status"] == "resting"
        ]

    def has_key(self, client_order_id: str) -> bool:
        """Whether an order that was made here has that client order id."""
        return any(row["client_order_id"] == client_order_id for row in self.rows())

    def alone(self, path: str) -> bytes | None:
        """The answer to a read of one order or group that only exists here."""
        group_id = path.removeprefix(_GROUP)
        if path.startswith(_GROUP) and group_id in self._groups:
            return msgspec.json.encode(
                {
                    "orders": [row["order_id"] for row in self.grouped(group_id)],
                    "contracts_limit_fp": self._groups[group_id],
                    "is_auto_cancel_enabled": True,
                }
            )
        order_id = path.removeprefix(_SINGLE)
        row = self._rows.get(order_id) if path.startswith(_SINGLE) else None
        if row is None or not is_rehearsed(order_id):
            return None
        return msgspec.json.encode({"order": row})

    def completed(self, path: str, request: Request, body: bytes) -> bytes:
        """The answer to a read with what a dry run has changed."""
        if not self._rows:
            return body
        if path == _LISTING:
            return self._page(dict(request.query), body)
        row = self._rows.get(path.removeprefix(_SINGLE))
        if row is None or not path.startswith(_SINGLE):
            return body
        return msgspec.json.encode({"order": row})

    def _page(self, query: Mapping[str, str], body: bytes) -> bytes:
        try:
            page = msgspec.json.decode(body, type=_Page)
        except msgspec.ValidationError:
            # Whoever parses it says what is wrong with it.
            return body
        status = query.get("status", "")
        told = [self._rows.get(str(row.get("order_id")), row) for row in page.orders]
        shown = [row for row in told if status in {"", row.get("status")}]
        if not query.get("cursor"):
            known = {row.get("order_id") for row in shown}
            ours = [r for r in self._matching(query) if r["order_id"] not in known]
            # Of the same moment, what was made last comes first.
            shown = [*reversed(ours), *shown]
            shown.sort(key=_created, reverse=True)
        return msgspec.json.encode({"orders": shown, "cursor": page.cursor or ""})

    def _matching(self, query: Mapping[str, str]) -> Iterable[Row]:
        """Rows of ours that a listing asks for."""
        events = {name for name in query.get("event_ticker", "").split(",") if name}
        for row in self.rows():
            if (
                query.get("status", "") in {"", row["status"]}
                and query.get("ticker", "") in {"", row["ticker"]}
                and query.get("subaccount", "") in {"", str(row["subaccount_number"])}
                and int(query.get("min_ts", "0")) <= _created(row).timestamp()
                and (not events or self._event_of(row["ticker"]) in events)
            ):
                yield row


def _created(row: Row) -> datetime:
    """When an order was made; one that does not tell comes last."""
    try:
        return datetime.fromisoformat(str(row.get("created_time")))
    except ValueError:
        return _EPOCH
