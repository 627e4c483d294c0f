"""What a recording tells to be missed is what the stream told, message by message."""

from __future__ import annotations

import json
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges.models import Gap, MarketChange, OrderBook, Subject, Trade
from unified_exchanges.venues.polymarket.decoder import DECODER
from unified_exchanges.venues.polymarket.stream import BookChange, BookSnapshot

from .stream import desk as poly
from .test_decoder import LISTED

SPOILT: Final = {
    "book": "bids",
    "price_change": "timestamp",
    "last_trade_price": "size",
    "tick_size_change": "new_tick_size",
    "market_resolved": "winning_asset_id",
}
"""A field of each kind of message without which it cannot be read."""
SUBJECTS: Final = {
    "book": Subject.ORDER_BOOK,
    "price_change": Subject.ORDER_BOOK,
    "last_trade_price": Subject.TRADES,
    "tick_size_change": Subject.MARKET_STATUS,
    "market_resolved": Subject.MARKET_STATUS,
}
FOLLOWED: Final = [Subject.ORDER_BOOK, Subject.TRADES, Subject.MARKET_STATUS]


def facts(event: object) -> Any:
    """What two ways of reading must have in common; of the first outcome's book alone."""
    if isinstance(event, Gap):
        names = tuple(sorted(event.market_ids))
        return event.outcome != "no" and ("gap", event.subject, names, event.reason)
    if isinstance(event, OrderBook | BookChange | BookSnapshot):
        return event.outcome == "yes" and ("book", event.market_id)
    if isinstance(event, Trade):
        return "trade", event.trade_id
    return isinstance(event, MarketChange) and ("change", event.change)


class Recorded(poly.MarketDesk):
    """A desk whose messages are recorded, and read from there as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = DECODER(self.clock)
        self.decoder.opened(1, "ws://poly.test/ws/market")
        listed = LISTED | {"outcomes": ["yes", "no"]}
        list(self.decoder.told(1, "in", json.dumps(listed).encode()))
        self.times = count(1)
        for subject in FOLLOWED:
            self.follow(subject=subject)
        self.connect()

    def sent(self) -> list[str]:
        texts = super().sent()
        for text in texts:
            assert not [*self.decoder.told(1, "out", text.encode())]
        return texts

    def tell(self, *frames: Any) -> list[Any]:
        found: list[Any] = []
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            live = list(self.stream.receive(text))
            read = list(self.decoder.told(1, "in", text.encode()))
            told = [[x for x in map(facts, some) if x] for some in (live, read)]
            assert told[0] == told[1]
            found += live
            self.sent()
        return found

    def message(self, kind: str) -> dict[str, Any]:
        at = next(self.times)
        if kind == "book":
            return poly.book(at=at)
        if kind == "price_change":
            one = poly.change("0.45", f"{at}")
            other = poly.change("0.55", f"{at}", "SELL", token=poly.NO)
            return poly.changes(one, other, at=at)
        told: dict[str, dict[str, Any]] = {
            "last_trade_price": {
                "price": "0.5",
                "size": "5",
                "side": "BUY",
                "fee_rate_bps": "0",
                "transaction_hash": f"0x{at}",
            },
            "tick_size_change": {"old_tick_size": "0.01", "new_tick_size": "0.001"},
            "market_resolved": {
                "id": "1",
                "assets_ids": [poly.YES, poly.NO],
                "winning_asset_id": poly.YES,
                "winning_outcome": "yes",
            },
        }
        base = {"event_type": kind, "market": poly.A, "asset_id": poly.YES}
        return base | {"timestamp": str(poly.T0 + at)} | told[kind]

    def come(self, kind: str, how: str) -> list[Any]:
        """A message comes, or does not."""
        msg = self.message(kind)
        if how == "missing":
            return []
        if how == "cut":
            return self.tell(json.dumps(msg)[:-9])
        if how == "again":
            self.tell(msg)
        elif how == "spoilt":
            msg[SPOILT[kind]] = [7]
        elif how == "of nothing":
            del msg["market"]
            msg.pop("asset_id", None)
            msg[SPOILT[kind]] = [7]
        elif how == "new":
            msg["event_type"] = "weather"
        return self.tell(msg)


HOW: Final = ["well", "missing", "again", "spoilt", "of nothing", "new", "cut"]


def known() -> Recorded:
    desk = Recorded()
    desk.tell(poly.book(), poly.book(poly.NO, (("0.48", "5"),), (("0.55", "10"),)))
    return desk


@pytest.mark.parametrize("kind", SUBJECTS)
def test_an_unreadable_message_is_told_by_what_it_is_of(kind: str) -> None:
    [gap] = known().come(kind, "spoilt")
    assert (gap.subject, gap.market_ids) == (SUBJECTS[kind], (poly.A,))


def test_of_what_cannot_be_read_at_all_anything_may_be_missed() -> None:
    [gap] = known().come("last_trade_price", "cut")
    assert (gap.subject, gap.market_ids) == (None, ())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(list(SUBJECTS)), st.sampled_from(HOW)), max_size=20
    )
)
def test_a_recording_tells_what_the_stream_told(drawn: list[tuple[str, str]]) -> None:
    desk = known()
    for kind, how in drawn:
        desk.come(kind, how)
