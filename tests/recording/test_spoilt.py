"""What cannot be read for what was redacted in it makes a gap, and is told of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from unified_exchanges.backtesting import backtest, recorded
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import Gap, OrderBook
from unified_exchanges.recording import Body, End, Frame, Opened
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert
from unified_exchanges.venues.polymarket.decoder import DECODER
from unified_exchanges.venues.polymarket.memory import Memory
from unified_exchanges.venues.polymarket.stream import MarketStream

from ..backtesting.test_sources import Watching, kalshi_contract
from ..research.test_conversion import DELTA, HEAD, SNAPSHOT
from ..venues.polymarket.stream import desk as poly

GONE = "REDACTED"
BEGUN = [
    {"assets_ids": [poly.YES, poly.NO], "type": "market"},
    poly.book(),
    poly.book(poly.NO, bids=(("0.48", "5"),), asks=(("0.55", "10"),)),
    poly.changes(
        poly.change("0.45", "11"), poly.change("0.55", "11", "SELL", token=poly.NO)
    ),
]


def journal(
    path: Path, venue: str, url: str, *said: Any, redacted: bool = True
) -> Path:
    """A recording of what was asked first and then told; the last of it was redacted."""
    lines: list[Any] = [structs.replace(HEAD, venue=venue), Opened(HEAD.at, 0, 1, url)]
    for n, content in enumerate(said, 1):
        text = (
            content
            if isinstance(content, str)
            else json.dumps(content, separators=(",", ":"))
        )
        is_last = n == len(said)
        body = Body.of(text, redacted=redacted and is_last)
        way: Any = "out" if n == 1 and venue == "polymarket" else "in"
        lines.append(Frame(HEAD.at + n, n, 1, way, body))
    lines.append(End(HEAD.at + 99, 99, len(lines), 0))
    path.write_bytes(b"".join(map(encode, lines)))
    return path


def gaps(events: Iterable[object]) -> int:
    return sum(isinstance(x, Gap) for x in events)


def two(**more: Any) -> dict[str, Any]:
    """Changes of both tokens of a market, as nearly all that comes."""
    told = poly.changes(
        poly.change("0.45", "12"),
        poly.change("0.55", "12", "SELL", token=poly.NO),
        at=2,
    )
    return {**told, **more}


def spoilt_change(name: str, number: int) -> dict[str, Any]:
    told = two()
    told["price_changes"][number][name] = GONE
    return told


SPOILT = {
    "the first token": spoilt_change("asset_id", 0),
    "the second token": spoilt_change("asset_id", 1),
    "a part of a token": two(
        price_changes=[poly.change("0.45", "12", token=f"1{GONE}1")]
    ),
    "a price": spoilt_change("price", 0),
    "a size": spoilt_change("size", 1),
    "a side": spoilt_change("side", 0),
    "the time": two(timestamp=GONE),
    "the changes": two(price_changes=GONE),
    "the market of changes": two(price_changes=GONE, market=GONE),
    "the token of a book": poly.book(GONE),
    "the token and the market of a book": poly.book(GONE, market=GONE),
    "the market of a book": poly.book(market=GONE),
    "levels": poly.book(bids=((GONE, "1"),)),
    "the type": two(event_type=GONE),
    "all of it": f"[{GONE}",
}


@pytest.mark.parametrize("said", SPOILT.values(), ids=SPOILT)
def test_a_message_of_books_that_was_spoilt_makes_a_gap(
    tmp_path: Path, said: object
) -> None:
    path = journal(
        tmp_path / "r.jsonl", "polymarket", "ws://poly.test/market", *BEGUN, said
    )
    told = [x for _, x in recorded(path)]
    assert gaps(told) >= 1
    last = max(n for n, x in enumerate(told) if isinstance(x, Gap))
    live = {x.outcome for x in told[last:] if isinstance(x, OrderBook)}
    # Of one whose own part was read the book is as good as ever.
    assert live <= {poly.NO}


@pytest.mark.parametrize(
    "said",
    [
        two(),
        # Of another market, or of a token that nobody follows.
        poly.changes(poly.change("0.1", "1", token=poly.OTHER), market=poly.B, at=2),
        two(
            price_changes=[
                poly.change("0.45", "12"),
                poly.change("0.4", "1", token=poly.OTHER),
            ]
        ),
        two(price_changes=[{**poly.change("0.45", "12"), "hash": GONE}]),
        poly.book(poly.OTHER, market=poly.B, bids=(("x", "1"),)),
        {"event_type": "something_new", "x": GONE},
        # The next quote replaces this one, as live.
        {
            "event_type": "best_bid_ask",
            "asset_id": GONE,
            "market": poly.A,
            "best_bid": "0.4",
            "best_ask": "0.6",
            "timestamp": str(poly.T0 + 9),
        },
    ],
)
def test_nothing_is_lost_where_all_that_is_followed_can_be_read(
    tmp_path: Path, said: object
) -> None:
    path = journal(
        tmp_path / "r.jsonl", "polymarket", "ws://poly.test/market", *BEGUN, said
    )
    assert gaps(x for _, x in recorded(path)) == 0


def test_a_live_stream_that_is_told_of_other_tokens_doubts_nothing() -> None:
    stream = MarketStream(clock=VirtualClock(), names=Memory())
    stream.tap([poly.YES])
    stream.connection_made()
    stream.data_to_send()
    for said in (*BEGUN[1:], two(), poly.book(poly.OTHER, market=poly.B)):
        assert gaps(stream.receive(json.dumps(said))) == 0
    assert gaps(stream.receive(json.dumps(spoilt_change("asset_id", 1)))) == 1


def test_a_market_that_is_none_is_not_taken_for_that_of_a_token() -> None:
    decoder = DECODER(VirtualClock())
    decoder.opened(1, "ws://poly.test/market")
    list(decoder.told(1, "out", json.dumps(BEGUN[0]).encode()))
    list(decoder.told(1, "in", json.dumps(two(market=GONE)).encode()))
    [book] = decoder.told(1, "in", json.dumps(poly.book()).encode())
    assert isinstance(book, OrderBook)
    assert book.market_id == poly.A


TICKER = '{"type":"ticker","sid":2,"msg":{"market_ticker":"M","yes_bid_dollars":"%s"}}'


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ((DELTA % (2, GONE)), 1),
        ((DELTA % (2, "1.00")).replace('"yes"', '"REDACTED"'), 1),
        ((DELTA % (2, "1.00")).replace('"seq":2', '"seq":"REDACTED"'), 1),
        ((DELTA % (2, "1.00")).replace("_delta", "_REDACTED"), 1),
        ((DELTA % (2, "1.00")).replace('"side":', '"REDACTED":'), 1),
        ((SNAPSHOT % 2).replace('"yes_dollars_fp":', '"yes_REDACTED":'), 1),
        # The next quote replaces it, as live.
        (TICKER % GONE, 0),
    ],
)
def test_what_was_spoilt_is_counted_in_a_report_and_by_convert(
    tmp_path: Path, said: str, lost: int
) -> None:
    path = journal(tmp_path / "r.jsonl", "kalshi", "ws://k.test", SNAPSHOT % 1, said)
    found = convert(path, tmp_path / "tables")
    assert found.gaps == lost
    assert found.spoilt == {"r.jsonl": 1}
    reports = [
        backtest(Watching(), data, contracts=[kalshi_contract("M")], cash=100)
        for data in (path, tmp_path / "tables")
    ]
    for report in reports:
        [note] = report.notes
        assert (
            "r.jsonl, 1 messages cannot be read without what was redacted" in note.text
        )
    assert reports[0].to_json() == reports[1].to_json()


def test_what_was_redacted_and_can_be_read_is_not_counted(tmp_path: Path) -> None:
    said = (DELTA % (2, "1.00")).replace('"x"', '"REDACTED"')
    path = journal(tmp_path / "r.jsonl", "kalshi", "ws://k.test", SNAPSHOT % 1, said)
    assert convert(path, tmp_path / "tables").spoilt == {}
    for data in (path, tmp_path / "tables"):
        assert gaps(x for _, x in events_of(data)) == 0
