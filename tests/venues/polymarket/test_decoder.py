"""What a recording tells of Polymarket's books, by the names that are known then."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import OrderBook
from unified_exchanges.venues.polymarket.decoder import DECODER

from .stream import desk as poly

LISTED = {
    "event_type": "new_market",
    "id": "1",
    "question": "Rain?",
    "market": poly.A,
    "slug": "rain",
    "assets_ids": [poly.YES, poly.NO],
    "outcomes": ["Wet", "Dry"],
    "timestamp": "1795930000002",
}


def outcomes(*frames: dict[str, Any]) -> list[str]:
    """What each book is called."""
    decoder = DECODER(VirtualClock())
    decoder.opened(1, "ws://poly.test/ws/market")
    asked = json.dumps({"assets_ids": [poly.YES], "type": "market"})
    told: list[Iterable[object]] = [decoder.told(1, "out", asked.encode())]
    told += [decoder.told(1, "in", json.dumps(x).encode()) for x in frames]
    return [x.outcome for some in told for x in some if isinstance(x, OrderBook)]


def test_a_token_is_called_by_its_name_once_its_market_was_listed() -> None:
    book = poly.book(bids=(("0.40", "10.00"),), asks=(("0.60", "5.00"),))
    one, two = (poly.changes(poly.change("0.40", f"1{n}.00"), at=n) for n in (1, 2))
    assert outcomes(book, one, LISTED, two) == [poly.YES, poly.YES, "Wet"]
    assert outcomes(LISTED, book, one) == ["Wet", "Wet"]
    other = {**LISTED, "outcomes": ["Dry", "Wet"], "assets_ids": [poly.NO, poly.YES]}
    assert outcomes(other, book, one) == ["Wet", "Wet"]
