"""Somebody who listens to a channel and keeps a book as the documents say."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from unified_exchanges.flow import Request
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

__all__ = ["BookKeeper", "Listener"]


class Listener:
    """One connection."""

    def __init__(self, polymarket: SimulatedPolymarket, path: str) -> None:
        session = polymarket.connect(Request("GET", f"ws://127.0.0.1{path}"))
        assert hasattr(session, "receive"), session
        self.session = session

    def say(self, **command: Any) -> None:
        """Send a command."""
        self.session.receive(json.dumps(command))

    def frames(self) -> list[str]:
        """What came, as text."""
        return list(self.session.data_to_send())

    def hear(self) -> list[Any]:
        """What came, decoded; a list is its items."""
        found: list[Any] = []
        for frame in self.frames():
            read = json.loads(frame)
            found += read if isinstance(read, list) else [read]
        return found

    def kinds(self) -> list[str]:
        """The event types of what came."""
        return [event["event_type"] for event in self.hear()]


class BookKeeper:
    """Books by token, out of `book` and `price_change`; checks the best prices."""

    def __init__(self) -> None:
        self.books: dict[str, dict[str, dict[Decimal, Decimal]]] = {}

    def take(self, event: Any) -> None:
        if event["event_type"] == "book":
            self.books[event["asset_id"]] = {
                side: {Decimal(r["price"]): Decimal(r["size"]) for r in event[name]}
                for side, name in (("BUY", "bids"), ("SELL", "asks"))
            }
        elif event["event_type"] == "price_change":
            for change in event["price_changes"]:
                self._change(change)

    def _change(self, change: Any) -> None:
        book = self.books.get(change["asset_id"])
        if book is None:
            return
        price, size = Decimal(change["price"]), Decimal(change["size"])
        if size:
            book[change["side"]][price] = size
        else:
            del book[change["side"]][price]
        assert max(book["BUY"], default=Decimal(0)) == Decimal(change["best_bid"])
        assert min(book["SELL"], default=Decimal(1)) == Decimal(change["best_ask"])
