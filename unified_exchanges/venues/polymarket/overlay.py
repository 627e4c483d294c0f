"""Orders as they would be, had the writes of a dry run been carried out.

Rows are those of ``/data/orders`` in the CLOB's own words, so that what a dry run made or
changed is read by the same code as what is real.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from ...flow import Request
from .receipts import MARK

__all__ = ["Overlay", "Row"]

Row: TypeAlias = dict[str, Any]

_SINGLE: Final = "/clob/data/order/"
_LISTING: Final = "/clob/data/orders"
_LIVE: Final = "LIVE"
_END: Final = "LTE="
_MOST: Final = 10_000
"""Rows that are kept, besides those that rest."""


class _Page(msgspec.Struct):
    data: list[Row]
    next_cursor: str | None = None


class Overlay:
    """What a dry run has changed, by order id; reads are completed with it."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def put(self, row: Row) -> None:
        """Show an order like this from now on."""
        self._rows[row["id"]] = row
        if len(self._rows) > _MOST:
            ended = (key for key, x in self._rows.items() if x["status"] != _LIVE)
            self._rows.pop(next(ended, ""), None)

    def row(self, order_id: str) -> Row | None:
        """An order that a dry run has made or changed."""
        return self._rows.get(order_id)

    def alone(self, path: str) -> bytes | None:
        """The answer to a read of one order that only exists here."""
        order_id = path.removeprefix(_SINGLE)
        row = self._rows.get(order_id) if path.startswith(_SINGLE) else None
        if row is None or not order_id.startswith(MARK):
            return None
        return msgspec.json.encode(row)

    def completed(self, path: str, request: Request, body: bytes) -> bytes:
        """The answer to a read with what a dry run has changed."""
        if not self._rows:
            return body
        if path == _LISTING:
            return self._page(dict(request.query), body)
        row = self._rows.get(path.removeprefix(_SINGLE))
        if row is None or not path.startswith(_SINGLE):
            return body
        return msgspec.json.encode(row)

    def _page(self, query: Mapping[str, str], body: bytes) -> bytes:
        try:
            page = msgspec.json.decode(body, type=_Page)
        except msgspec.MsgspecError:
            # Whoever parses it says what is wrong with it.
            return body
        told = [self._rows.get(str(row.get("id")), row) for row in page.data]
        shown = [row for row in told if row.get("status") == _LIVE]
        if not query.get("next_cursor"):
            known = {row.get("id") for row in shown}
            mine = [row for row in self._matching(query) if row["id"] not in known]
            shown = [*reversed(mine), *shown]
        cursor = page.next_cursor or _END
        return msgspec.json.encode({"data": shown, "next_cursor": cursor})

    def _matching(self, query: Mapping[str, str]) -> Iterable[Row]:
        """Open rows of ours that a listing asks for."""
        for row in self._rows.values():
            is_wanted = all(
                query.get(name, "") in {"", row[name]}
                for name in ("id", "market", "asset_id")
            )
            if row["status"] == _LIVE and is_wanted:
                yield row
