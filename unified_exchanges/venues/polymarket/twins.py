"""Public trades on Polymarket that are told by equal rows, kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

import attrs

from ...flow import Flow
from ...models import Trade

__all__ = ["Row", "Twins"]

Row: TypeAlias = tuple[str, Trade]
"""The token of a trade, and the trade."""


class Twins:
    """Names the trades of one listing, whose rows have no id.

    Rows may be equal in all that is told, and each is a trade all the same.  The n-th of
    them is the n-th on whatever page it comes, wherever a listing begins or ends: they are
    of one transaction, so of one second, and stand together.

    A row may also come again, if pages overlap.  The venue's do not, by their documentation
    (a walk by second and sequence, docs.polymarket.com, Data API, 2026-11), but the rows do
    not show it.  What comes again of a transaction that another followed was told before.
    Only the transaction that a page ends with may go on: if a row of it comes again,
    ``alike`` asks how many of the kind there are.
    """

    def __init__(self, alike: Callable[[Trade], Flow[int]]) -> None:
        self._alike = alike
        self._told: Counter[str] = Counter()
        self._open: str | None = None
        """The transaction of the last row so far."""

    def numbered(self, rows: list[Row]) -> Flow[list[Row]]:
        """The trades of a page; what was told before has the name that it had."""
        here = Counter(trade.trade_id for _, trade in rows)
        last = dict.fromkeys(here, 0)
        again = {
            trade.trade_id: trade
            for _, trade in rows
            if trade.transaction == self._open and self._told[trade.trade_id]
        }
        for name, trade in again.items():
            counted = yield from self._alike(trade)
            most = self._told[name] + here[name]
            if counted < max(self._told[name], here[name]):
                # That answer is older than these pages, which do not overlap.
                counted = most
            last[name] = min(counted, most) - here[name]
        named: list[Row] = []
        for token, trade in rows:
            last[trade.trade_id] += 1
            named.append((token, _with_number(trade, last[trade.trade_id])))
        for name, number in last.items():
            self._told[name] = max(self._told[name], number)
        if rows:
            self._open = rows[-1][1].transaction
        return named


def _with_number(trade: Trade, number: int) -> Trade:
    if number == 1:
        return trade
    return attrs.evolve(trade, trade_id=f"{trade.trade_id}-{number}")
