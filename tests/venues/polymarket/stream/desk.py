"""A conversation with Polymarket's sockets, frame by frame, on a virtual clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from unified_exchanges.clock import VirtualClock
from unified_exchanges.hidden import Hidden
from unified_exchanges.models import Gap, OrderBook, Outcome, Subject
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.streams.protocol import BookWanted
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.memory import Memory
from unified_exchanges.venues.polymarket.parse import FeeTerms, Ours
from unified_exchanges.venues.polymarket.stream import (
    MarketStream,
    UserStream,
    Whose,
)

__all__ = [
    "KEY",
    "NO",
    "OTHER",
    "T0",
    "WALLET",
    "YES",
    "A",
    "B",
    "MarketDesk",
    "UserDesk",
    "book",
    "change",
    "changes",
    "levels",
    "user_order",
    "user_trade",
]

A = "0x" + "a" * 64
B = "0x" + "b" * 64
YES, NO, OTHER = "111", "222", "333"
T0 = 1_795_262_400_000
KEY = "00000000-0000-0000-0000-00000000000a"
WALLET = "0x" + "1" * 40
INTRODUCTION = Hidden('{"auth":{"apiKey":"k","secret":"s3cr3t"},"type":"user"}')


def outcomes(*tokens: str) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(label=label, outcome_id=token, title=label)
        for label, token in zip(("yes", "no"), tokens, strict=True)
    )


# -- frames ----------------------------------------------------------------------------


def book(
    token: str = YES,
    bids: Iterable[tuple[str, str]] = (("0.45", "10"),),
    asks: Iterable[tuple[str, str]] = (("0.52", "5"),),
    *,
    at: int = 0,
    market: str = A,
    **more: Any,
) -> dict[str, Any]:
    """A whole book, best level last."""
    return {
        "event_type": "book",
        "asset_id": token,
        "market": market,
        "bids": [{"price": p, "size": s} for p, s in bids],
        "asks": [{"price": p, "size": s} for p, s in asks],
        "timestamp": str(T0 + at),
        "hash": "h",
        **more,
    }


def change(
    price: str,
    size: str,
    side: str = "BUY",
    *,
    token: str = YES,
    best: tuple[str, str] | None = None,
    mark: str = "",
) -> dict[str, Any]:
    """One level's new total."""
    told = {
        "asset_id": token,
        "price": price,
        "size": size,
        "side": side,
        "hash": mark or f"{price}-{size}",
    }
    if best is not None:
        told |= {"best_bid": best[0], "best_ask": best[1]}
    return told


def changes(*entries: dict[str, Any], at: int = 1, market: str = A) -> dict[str, Any]:
    return {
        "event_type": "price_change",
        "market": market,
        "price_changes": list(entries),
        "timestamp": str(T0 + at),
    }


def user_order(**more: Any) -> dict[str, Any]:
    return {
        "event_type": "order",
        "type": "PLACEMENT",
        "id": "0x" + "c" * 64,
        "owner": KEY,
        "order_owner": KEY,
        "market": A,
        "asset_id": YES,
        "side": "BUY",
        "price": "0.513",
        "original_size": "5",
        "size_matched": "0",
        "outcome": "Yes",
        "order_type": "GTC",
        "status": "LIVE",
        "created_at": "1725842520",
        "expiration": "0",
        "associate_trades": None,
        "maker_address": WALLET,
        "timestamp": "1725842520990",
        **more,
    }


def maker(**more: Any) -> dict[str, Any]:
    return {
        "order_id": "0x" + "d" * 64,
        "owner": KEY,
        "maker_address": WALLET,
        "matched_amount": "5",
        "price": "0.4",
        "fee_rate_bps": "0",
        "asset_id": YES,
        "outcome": "Yes",
        "side": "BUY",
        **more,
    }


def user_trade(**more: Any) -> dict[str, Any]:
    """A trade in which we took."""
    return {
        "event_type": "trade",
        "type": "TRADE",
        "id": "trade-1",
        "taker_order_id": "0x" + "e" * 64,
        "market": A,
        "asset_id": YES,
        "side": "BUY",
        "size": "5",
        "price": "0.52",
        "fee_rate_bps": "0",
        "status": "MATCHED",
        "match_time": "1725958681",
        "last_update": "1725958682",
        "outcome": "Yes",
        "owner": KEY,
        "trade_owner": KEY,
        "maker_address": WALLET,
        "transaction_hash": "",
        "bucket_index": 0,
        "maker_orders": [],
        "trader_side": "TAKER",
        "timestamp": "1725958682125",
        **more,
    }


def levels(book: OrderBook | None) -> tuple[list[Any], list[Any]]:
    """Prices and sizes of both sides, best first."""
    assert book is not None
    return tuple(  # type: ignore[return-value]
        [(x.price.normalize(), x.size.normalize()) for x in side]
        for side in (book.bids, book.asks)
    )


# -- desks -----------------------------------------------------------------------------


class MarketDesk:
    """The market channel; market A is known from the beginning, B is not."""

    def __init__(self, **policy: Any) -> None:
        self.clock = VirtualClock()
        self.memory = Memory()
        self.memory.learn_market(A, outcomes(YES, NO))
        self.stream = MarketStream(
            clock=self.clock, names=self.memory, policy=StreamPolicy(**policy)
        )

    def follow(
        self,
        *markets: str,
        subject: Subject = Subject.ORDER_BOOK,
        outcome: str | None = None,
    ) -> MarketDesk:
        self.stream.follow(subject, markets or (A,), outcome)
        return self

    def connect(self) -> list[str]:
        list(self.stream.connection_made())
        return self.sent()

    def sent(self) -> list[str]:
        return self.stream.data_to_send()

    def asked(self) -> list[Any]:
        """What is sent now, decoded, without pings."""
        return [json.loads(x) for x in self.sent() if x != "PING"]

    def tell(self, *frames: Any) -> list[Any]:
        """Give frames to the stream, each as text; what it tells."""
        return [
            event
            for frame in frames
            for event in self.stream.receive(
                frame if isinstance(frame, str | bytes) else json.dumps(frame)
            )
        ]

    def pass_time(self, seconds: float) -> list[Any]:
        """Let time pass, second by second, with pongs."""
        events: list[Any] = []
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self.stream.heard()
            events += self.stream.poll()
        return events

    def overdue(self) -> MarketDesk:
        """Let no book come, until REST is asked for it."""
        for _ in range(60):
            self.sent()
            if any(isinstance(x, BookWanted) for x in self.pass_time(1)):
                return self
        raise AssertionError("REST was not asked")

    def live(self, *frames: Any) -> MarketDesk:
        """Connect, and take these books."""
        self.connect()
        self.tell(*(frames or (book(),)), "PONG")
        return self

    def book(self, outcome: str | None = None) -> OrderBook:
        found = self.stream.order_book(A, outcome)
        assert found is not None
        return found

    @property
    def is_live(self) -> bool:
        return not self.book().stale


class UserDesk:
    """The user channel, which knows the fees of market A."""

    def __init__(self, *subjects: Subject, has_key: bool = True) -> None:
        self.clock = VirtualClock()
        self.has_key = has_key
        self.fees: dict[str, FeeTerms | None] = {
            A: FeeTerms(Decimal("0.05"), Decimal(1))
        }
        self.client_ids: dict[str, str] = {}
        whose = Whose(
            ours=lambda: Ours(KEY, WALLET),
            label=lambda market, token: {YES: "yes", NO: "no"}.get(token),
            fees=lambda x: Fees(self.fees[x]) if x in self.fees else None,
            client_id=self.client_ids.get,
        )
        self.stream = UserStream(
            clock=self.clock,
            introduce=lambda: INTRODUCTION if self.has_key else None,
            whose=whose,
        )
        for subject in subjects or (Subject.ORDERS, Subject.FILLS):
            self.stream.follow(subject, None)
        list(self.stream.connection_made())

    def tell(self, *frames: Any) -> list[Any]:
        return [
            event
            for frame in frames
            for event in self.stream.receive(
                frame if isinstance(frame, str | bytes) else json.dumps(frame)
            )
        ]


def gaps(events: Iterable[Any]) -> list[Gap]:
    return [x for x in events if isinstance(x, Gap)]
