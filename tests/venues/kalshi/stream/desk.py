"""A tiny venue that speaks Kalshi's stream, and a client on it, in one process.

`Desk` keeps books as anybody would, in Decimals and NO money turned to YES prices, and
answers commands at once unless a test takes them itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import OrderBook, Subject
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.venues.kalshi.stream import KalshiStream

__all__ = ["A", "B", "C", "Desk", "levels"]

A, B, C = "KXA-26NOV21-T1", "KXB-26NOV21-T2", "KXC-26NOV21-T3"

_Side = dict[Decimal, Decimal]


class Desk:
    """One connection, its venue, and all that it led to."""

    def __init__(self, **policy: Any) -> None:
        self.clock = VirtualClock()
        self.stream = KalshiStream(
            clock=self.clock,
            policy=StreamPolicy(**policy),
            subaccount=None,
        )
        self.commands: list[dict[str, Any]] = []
        self.events: list[Any] = []
        self.sids: dict[str, int] = {}
        self.held: dict[str, set[str]] = {}
        self.seqs: dict[int, int] = {}
        self.books: dict[str, dict[str, _Side]] = {}
        self.unknown: set[str] = set()
        """Markets that are kept in silence, as Kalshi does."""
        self.snapshots = True
        self._last_sid = 0

    # -- the client -----------------------------------------------------------------

    def connect(self) -> Desk:
        self.sids.clear()
        self.held.clear()
        self.seqs.clear()
        self.events += self.stream.connection_made()
        return self

    def follow(self, *markets: str, subject: Subject = Subject.ORDER_BOOK) -> Desk:
        self.stream.follow(subject, markets or None)
        return self

    def sent(self) -> list[dict[str, Any]]:
        """The commands that are sent now."""
        sent = [json.loads(text) for text in self.stream.data_to_send()]
        self.commands += sent
        return sent

    def hear(self, frame: dict[str, Any]) -> list[Any]:
        events = list(self.stream.receive(json.dumps(frame)))
        self.events += events
        return events

    def wait(self, seconds: float, *, pings: bool = True) -> list[Any]:
        """Let time pass, with the venue's pings."""
        events: list[Any] = []
        while seconds > 0:
            step = min(seconds, 1.0)
            self.clock.advance(step)
            seconds -= step
            if pings:
                self.stream.heard()
            events += self.stream.poll()
        self.events += events
        return events

    def run(self) -> Desk:
        """Answer commands until there are none."""
        while commands := self.sent():
            for command in commands:
                self.answer(command)
        return self

    # -- the venue ------------------------------------------------------------------

    def number(self, channel: str) -> int:
        """The next number of a channel."""
        sid = self.sids[channel]
        self.seqs[sid] += 1
        return self.seqs[sid]

    def push(self, channel: str, kind: str, msg: dict[str, Any], **more: Any) -> Any:
        """Send a numbered message of a channel."""
        envelope = {"type": kind, "sid": self.sids[channel], "msg": msg}
        return self.hear(envelope | {"seq": self.number(channel)} | more)

    def tell(self, channel: str, kind: str, msg: dict[str, Any], **more: Any) -> Any:
        """Send a message of a channel that is not numbered."""
        return self.hear({"type": kind, "sid": self.sids[channel], "msg": msg} | more)

    def answer(self, command: dict[str, Any]) -> None:
        """Carry a command out, as the venue does."""
        params = command.get("params", {})
        markets = params.get("market_tickers", [])
        if command["cmd"] == "subscribe":
            [channel] = params["channels"]
            self.open(command["id"], channel, markets)
            if channel == "orderbook_delta":
                self.snapshot(*markets)
        elif command["cmd"] == "unsubscribe":
            [sid] = params["sids"]
            channel = self.channel_of(sid)
            seq = self.number(channel)
            del self.sids[channel], self.held[channel]
            self.hear(
                {"id": command["id"], "sid": sid, "seq": seq, "type": "unsubscribed"}
            )
        else:
            self.update(command["id"], params["action"], params["sid"], markets)

    def open(self, number: int, channel: str, markets: Iterable[str] = ()) -> int:
        """Acknowledge a subscription."""
        self._last_sid += 1
        sid = self.sids[channel] = self._last_sid
        self.seqs[sid] = 0
        self.held[channel] = set(markets)
        told = {"channel": channel, "sid": sid}
        self.hear({"type": "subscribed", "id": number, "msg": told})
        return sid

    def channel_of(self, sid: int) -> str:
        return next(name for name, value in self.sids.items() if value == sid)

    def update(self, number: int, action: str, sid: int, markets: list[str]) -> None:
        channel = self.channel_of(sid)
        if action == "get_snapshot":
            self.snapshot(*markets, number=number)
            return
        held = self.held[channel]
        new = [x for x in markets if x not in held]
        if action == "add_markets":
            held.update(markets)
        else:
            held.difference_update(markets)
        self.ok(number, channel)
        if action == "add_markets" and channel == "orderbook_delta":
            self.snapshot(*new)

    def ok(self, number: int, channel: str, listed: list[str] | None = None) -> Any:
        """Acknowledge with the full list."""
        names = sorted(self.held[channel]) if listed is None else listed
        frame = {"type": "ok", "id": number, "sid": self.sids[channel]}
        seq = self.number(channel)
        return self.hear(frame | {"seq": seq, "msg": {"market_tickers": names}})

    def fail(self, command: dict[str, Any], code: int, **more: Any) -> list[Any]:
        """Refuse a command."""
        msg = {"code": code, "msg": f"Error {code}", **more}
        return self.hear({"type": "error", "id": command["id"], "msg": msg})

    def kill(self, channel: str, code: int) -> list[Any]:
        """End a subscription."""
        sid, seq = self.sids[channel], self.number(channel)
        del self.sids[channel]
        msg = {"code": code, "msg": "Channel error"}
        return self.hear({"type": "error", "sid": sid, "seq": seq, "msg": msg})

    def book(self, market: str) -> dict[str, _Side]:
        return self.books.setdefault(market, {"yes": {}, "no": {}})

    def snapshot(self, *markets: str, number: int | None = None) -> list[Any]:
        events: list[Any] = []
        for market in markets:
            if market in self.unknown or not self.snapshots:
                continue
            more = {} if number is None else {"id": number}
            msg = {"market_ticker": market, "market_id": "uuid", **self.sides(market)}
            events += self.push("orderbook_delta", "orderbook_snapshot", msg, **more)
        return events

    def sides(self, market: str) -> dict[str, Any]:
        return {
            f"{side}_dollars_fp": [[f"{p:.4f}", f"{n:.2f}"] for p, n in rows.items()]
            for side, rows in self.book(market).items()
            if rows
        }

    def change(self, market: str, side: str, price: str, by: str) -> dict[str, Any]:
        """Change a book; the message that tells of it."""
        rows = self.book(market)[side]
        rows[Decimal(price)] = rows.get(Decimal(price), Decimal(0)) + Decimal(by)
        if not rows[Decimal(price)]:
            del rows[Decimal(price)]
        return {
            "market_ticker": market,
            "market_id": "uuid",
            "price_dollars": price,
            "delta_fp": by,
            "side": side,
            "ts_ms": 1_795_200_000_123,
        }

    def delta(
        self, market: str, side: str, price: str, by: str, **more: Any
    ) -> list[Any]:
        """Change a book and tell of it."""
        msg = self.change(market, side, price, by)
        events: list[Any] = self.push("orderbook_delta", "orderbook_delta", msg, **more)
        return events

    # -- looking --------------------------------------------------------------------

    def agrees(self, market: str) -> bool:
        """Whether the client's book is the venue's."""
        book = self.stream.order_book(market)
        return book is not None and levels(book) == self.book(market)

    def is_stale(self, market: str) -> bool:
        book = self.stream.order_book(market)
        assert book is not None
        return book.stale


def levels(book: OrderBook) -> dict[str, _Side]:
    """A book as two dictionaries."""
    return {
        "yes": {x.price: x.size for x in book.bids},
        "no": {x.price: x.size for x in book.asks},
    }
