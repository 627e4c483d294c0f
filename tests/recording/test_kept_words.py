"""What tells a reader what a message is, and of what: withheld with its line, never blanked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import exchange
from unified_exchanges.flow import Request, Response
from unified_exchanges.recording import Frame, Opened, Recorder, Rest, Withheld, read

from .sessions import plain

URL = "http://127.0.0.1:1/trade-api/v2"

DELTA = {
    "type": "orderbook_delta",
    "sid": 5,
    "seq": 3,
    "msg": {"market_ticker": "KXRAIN-26DEC05-R", "delta_fp": "10.00", "side": "yes"},
}
CHANGE = {
    "event_type": "price_change",
    "price_changes": [{"asset_id": "206822", "price": "0.4", "side": "SELL"}],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def told(path: Path, content: Any, never: str, way: Any = "in") -> Frame | Withheld:
    """What is recorded of a message of a stream."""
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=[never]) as recorder,
    ):
        connection = recorder.opened("ws://toy.test/")
        recorder.told(connection, way, [json.dumps(content)])
    [line] = [x for x in read(path) if isinstance(x, Frame | Withheld)]
    return line


NAMES = {
    "levels of a book": ({"msg": {"yes_dollars_fp": [["0.4", "1"]]}}, "yes_dollars"),
    "all of one": (CHANGE, "price_changes"),
    "a part of one": (DELTA, "delta"),
    "a side": (CHANGE, "side"),
    "within JSON": ({"data": json.dumps({"hunter2": 1})}, "hunter2"),
}


@pytest.mark.parametrize(("content", "never"), NAMES.values(), ids=NAMES)
def test_a_line_with_a_text_in_the_name_of_a_field_is_withheld(
    path: Path, content: object, never: str
) -> None:
    line = told(path, content, never)
    assert isinstance(line, Withheld)
    assert (line.where, line.lost_on) == (["the name of a field"], 1)
    assert never not in plain(path).decode()


WORDS = {
    "a type": ({"type": "orderbook_snapshot"}, "snapshot", "type"),
    "an event": ({"event_type": "last_trade_price"}, "last_trade", "type"),
    "a side": (CHANGE, "SELL", "side"),
    "a state": ({"order": {"status": "MATCHED"}}, "MATCHED", "status"),
    "a label": ({"outcomes": json.dumps(["Lakers", "Suns"])}, "Lakers", "outcomes"),
    "what happened": ({"params": {"action": "add_markets"}}, "add_markets", "action"),
    "whatever the name has": ({"order_type": "FOK-like"}, "FOK-like", "type"),
    "in one word": ({"orderType": "FOK-like"}, "FOK-like", "type"),
}


@pytest.mark.parametrize(("content", "never", "name"), WORDS.values(), ids=WORDS)
def test_a_line_with_a_text_in_a_word_that_tells_what_it_is_is_withheld(
    path: Path, content: object, never: str, name: str
) -> None:
    line = told(path, content, never)
    assert isinstance(line, Withheld)
    assert line.where == [f"a word that tells a reader the {name}"]


ASKED = {
    "a command": {"id": 1, "cmd": "subscribe", "params": {}},
    "channels": {"params": {"channels": ["subscribed_one"]}},
    "an operation": {"operation": "subscribe", "assets_ids": []},
}


@pytest.mark.parametrize("content", ASKED.values(), ids=ASKED)
def test_what_was_asked_is_withheld_where_its_words_would_change(
    path: Path, content: object
) -> None:
    line = told(path, content, "subscribe", "out")
    assert isinstance(line, Withheld)
    assert line.lost_on == 0


IDS = ("market_tickers", "tickers", "markets", "assets_ids", "symbols", "eventTickers")


@pytest.mark.parametrize("name", IDS)
def test_a_line_with_a_text_in_one_of_a_list_of_ids_is_withheld(
    path: Path, name: str
) -> None:
    line = told(path, {"params": {name: ["KXRAIN-26DEC05-R", "B"]}}, "KXRAIN", "out")
    assert isinstance(line, Withheld)
    assert line.where == ["a number or an id in a text"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", f"{URL}/markets", (("event_ticker", "KXHUNTER-26DEC05"),)),
        Request("GET", f"{URL}/markets", (("tickers", "KXHUNTER-26DEC05-R,B"),)),
        Request("GET", f"{URL}/markets", (("status", "HUNTER"),)),
        Request("GET", f"{URL}/HUNTER/orders".lower()),
    ],
)
def test_a_request_whose_words_would_change_is_withheld(
    path: Path, request_: Request
) -> None:
    """Nothing would find it: its path and its query are those of nothing that was asked."""
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=["HUNTER", "hunter"]) as recorder,
    ):
        recorder.answered(request_, Response(200, {}, b"{}"), recorder.begun())
    [line] = [x for x in read(path) if isinstance(x, Rest | Withheld)]
    assert isinstance(line, Withheld)
    assert "hunter" not in plain(path).decode().lower()


def test_that_a_stream_was_opened_is_told_and_that_its_address_is_not(
    path: Path,
) -> None:
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, never=["hunter"]) as recorder,
    ):
        recorder.opened("ws://toy.test/ws/hunter")
    lines = list(read(path))
    [withheld] = [x for x in lines if isinstance(x, Withheld)]
    assert (withheld.line, withheld.where) == ("opened", ["a word of the address"])
    [opened] = [x for x in lines if isinstance(x, Opened)]
    assert opened.url == "ws://toy.test"


def test_a_text_in_what_no_reader_needs_costs_that_alone(path: Path) -> None:
    line = told(
        path, {**DELTA, "title": "call hunter2", "note": ["hunter2"]}, "hunter2"
    )
    assert isinstance(line, Frame)
    assert json.loads(line.body.data) == {
        **DELTA,
        "title": "call REDACTED",
        "note": ["REDACTED"],
    }
