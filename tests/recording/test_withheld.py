"""A line that is not in a recording costs what it can have told, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from unified_exchanges import exchange
from unified_exchanges.backtesting import backtest, recorded
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.models import Gap, OrderBook, Trade
from unified_exchanges.recording import (
    Body,
    End,
    Frame,
    Opened,
    Recorder,
    Withheld,
    read,
)
from unified_exchanges.recording.format import encode
from unified_exchanges.recording.outline import asked_outline, outline_of
from unified_exchanges.registry import folder
from unified_exchanges.research import convert

from ..backtesting.test_sources import Watching, kalshi_contract
from ..research.test_conversion import HEAD
from ..venues.polymarket.stream import desk as poly
from .sessions import in_force, plain, stage

VENUES = ["kalshi", "polymarket"]
ASKED = {
    "id": 3,
    "cmd": "subscribe",
    "params": {"channels": ["orderbook_delta"], "market_tickers": ["M", "N"]},
}
KEY = "-----BEGIN PRIVATE KEY"


def named(sid: int, channel: str, number: int = 0) -> dict[str, Any]:
    return {"type": "subscribed", "id": number, "msg": {"channel": channel, "sid": sid}}


def snapshot(seq: int, market: str = "M") -> dict[str, Any]:
    levels = {"yes_dollars_fp": [["0.40", "10.00"]], "no_dollars_fp": [["0.60", "5"]]}
    return {
        "type": "orderbook_snapshot",
        "sid": 5,
        "seq": seq,
        "msg": {"market_ticker": market, "market_id": "x", **levels},
    }


def delta(seq: int, market: str = "M") -> dict[str, Any]:
    msg = {"price_dollars": "0.40", "delta_fp": "1.00", "side": "yes"}
    return {
        "type": "orderbook_delta",
        "sid": 5,
        "seq": seq,
        "msg": {"market_ticker": market, "market_id": "x", **msg, "ts_ms": 1},
    }


def trade(seq: int, market: str = "M") -> dict[str, Any]:
    msg = {
        "trade_id": f"t{seq}",
        "market_ticker": market,
        "yes_price_dollars": "0.40",
        "no_price_dollars": "0.60",
        "count_fp": "1.00",
        "taker_side": "yes",
        "taker_outcome_side": "yes",
        "taker_book_side": "bid",
        "is_block_trade": False,
        "ts": 1_795_930_000,
        "ts_ms": 1_795_930_000_000,
    }
    return {"type": "trade", "sid": 4, "seq": seq, "msg": msg}


BEGUN = [
    named(1, "fill"),
    named(4, "trade"),
    named(5, "orderbook_delta", 3),
    snapshot(1),
    snapshot(2, "N"),
    trade(1),
]
AFTER = [delta(4), delta(5, "N"), trade(3)]


def outlined(content: object, venue: str = "kalshi") -> bytes:
    paths = folder(venue, "description").FACTS.outline
    return outline_of(json.dumps(content).encode(), paths, lambda _, value: value)


def withheld(at: int, outline: bytes) -> Withheld:
    line = Withheld(at, at - HEAD.at, "frame", "connection 1, in", ["x"], 1)
    return structs.replace(line, outline=msgspec.Raw(outline)) if outline else line


def journal(
    path: Path, begun: list[Any], outline: bytes, after: list[Any], **how: Any
) -> Path:
    """A recording of which one message was withheld, and no asking is recorded if not."""
    head = structs.replace(HEAD, venue=how.get("venue", "kalshi"))
    asked = how.get("asked", ASKED)
    url = how.get("url", "ws://venue.test")
    lines: list[Any] = [head, Opened(HEAD.at, 0, 1, url)]
    said = [("out", asked)] if asked else []
    said += [("in", x) for x in begun] + [("", outline)] + [("in", x) for x in after]
    for number, (way, content) in enumerate(said, 1):
        at = HEAD.at + number
        if way:
            body = Body.of(json.dumps(content, separators=(",", ":")))
            lines.append(Frame(at, number, 1, way, body))  # type: ignore[arg-type]
        else:
            lines.append(withheld(at, content))
    lines.append(End(HEAD.at + 99, 99, len(lines), 1))
    path.write_bytes(b"".join(map(encode, lines)))
    return path


def described(events: Iterator[Any]) -> list[tuple[Any, ...]]:
    """What was told, in words."""
    told: list[tuple[Any, ...]] = []
    for _, event in events:
        if isinstance(event, Gap):
            subject = event.subject and event.subject.value
            told.append(("gap", subject, *event.market_ids))
        elif isinstance(event, OrderBook):
            told.append(("book", event.market_id))
        elif isinstance(event, Trade):
            told.append(("trade", event.market_id))
    return told


def both(path: Path) -> list[tuple[Any, ...]]:
    """What a recording tells, which its tables tell as well."""
    tables = path.with_suffix(".tables")
    convert(path, tables)
    told = described(iter(recorded(path)))
    assert described(iter(events_of(tables))) == told
    return told


class Hearing(Watching):
    gaps = 0

    def on_gap(self, desk: object, gap: Gap) -> None:
        self.gaps += 1


M, N = ("book", "M"), ("book", "N")
OF_M, OF_N = ("trade", "M"), ("trade", "N")

COSTS: dict[str, tuple[object, list[Any], list[tuple[Any, ...]]]] = {
    "a fill": (
        {"type": "fill", "sid": 1, "msg": {"market_ticker": "M"}},
        [delta(3), trade(2)],
        [("gap", "fills", "M"), M, OF_M],
    ),
    "a quote": (
        {"type": "ticker", "sid": 3, "msg": {"market_ticker": "M"}},
        [delta(3), trade(2)],
        [M, OF_M],
    ),
    "a trade": (trade(2), [delta(3), trade(3)], [("gap", "trades", "M"), M, OF_M]),
    "a change": (
        delta(3),
        [delta(4), delta(5, "N"), snapshot(6)],
        [("gap", "order_book", "M"), N, M],
    ),
    "a change of a kind that is hidden": (
        {**delta(3), "type": "orderbook_REDACTED"},
        [delta(4), delta(5, "N")],
        [("gap", "order_book", "M"), N],
    ),
    # To a command that is not recorded: any book may have been left by it.
    "an answer": (
        {"type": "ok", "id": 9, "sid": 5, "seq": 3},
        [delta(4), snapshot(5)],
        [("gap", "order_book"), M],
    ),
    "what tells nothing": ({"note": KEY}, [delta(3), delta(4, "N")], [M, N]),
}


@pytest.mark.parametrize(("lost", "after", "expected"), COSTS.values(), ids=COSTS)
def test_a_message_of_kalshi_that_is_withheld_costs_what_it_can_have_told(
    tmp_path: Path, lost: object, after: list[Any], expected: list[tuple[Any, ...]]
) -> None:
    told = both(journal(tmp_path / "r.jsonl", BEGUN, outlined(lost), after))
    assert told == [M, N, OF_M, *expected]


def test_books_are_doubted_until_a_number_shows_that_none_was_changed(
    tmp_path: Path,
) -> None:
    told = both(journal(tmp_path / "r.jsonl", BEGUN, b"", [delta(3), delta(4, "N")]))
    assert told == [M, N, OF_M, ("gap", None), M, N, M, N]


def test_books_stay_lost_where_a_number_shows_that_one_was_changed(
    tmp_path: Path,
) -> None:
    told = both(journal(tmp_path / "r.jsonl", BEGUN, b"", [delta(4), delta(5, "N")]))
    assert told == [M, N, OF_M, ("gap", None), ("gap", "order_book", "M", "N")]


def test_a_market_whose_name_is_hidden_has_a_gap_and_the_others_have_their_books(
    tmp_path: Path,
) -> None:
    begun = [named(5, "orderbook_delta", 3), snapshot(1, "N")]
    lost = outlined(delta(2, "KXREDACTED"))
    path = journal(tmp_path / "r.jsonl", begun, lost, [delta(3, "N")], asked=None)
    # Who asks for it is told, and who asks for another has its book at once again.
    assert both(path) == [N, ("gap", "order_book"), N, N]
    strategy = Hearing()
    backtest(strategy, path, contracts=[kalshi_contract("M")], cash=100)
    assert strategy.gaps == 1


def test_a_hole_is_of_all_markets_where_it_is_not_known_which_were_asked_for(
    tmp_path: Path,
) -> None:
    begun = [named(5, "orderbook_delta", 3), snapshot(1)]
    lost = outlined({"type": "orderbook_delta", "sid": 5, "seq": 2})
    path = journal(tmp_path / "r.jsonl", begun, lost, [], asked=None)
    assert both(path) == [M, ("gap", "order_book")]


def test_who_told_something_whose_channel_is_not_recorded_may_have_told_anything(
    tmp_path: Path,
) -> None:
    lost = outlined({"sid": 7, "seq": 1, "msg": {"market_ticker": "M"}})
    told = both(journal(tmp_path / "r.jsonl", BEGUN, lost, [delta(3, "N")]))
    assert told == [M, N, OF_M, ("gap", None, "M"), N]


def test_books_are_lost_where_the_kind_and_the_channel_are_both_hidden(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.jsonl"
    told = [named(5, "orderbook_delta", 3), snapshot(1), snapshot(2, "N"), delta(3)]
    told += [snapshot(4), delta(5)]
    with exchange("kalshi") as ex, Recorder(ex, path, never=["delta"]) as recorder:
        connection = recorder.opened("wss://toy.test")
        recorder.told(connection, "out", [json.dumps(ASKED)])
        recorder.told(connection, "in", map(json.dumps, told))
    gap = ("gap", "order_book", "M")
    assert both(path) == [M, N, gap, M, gap]


def test_anything_may_be_lost_where_no_message_says_which_channel_it_was(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.jsonl"
    told = [named(5, "orderbook_delta", 3), snapshot(1), snapshot(2, "N"), delta(3)]
    with exchange("kalshi") as ex, Recorder(ex, path, never=["order"]) as recorder:
        connection = recorder.opened("wss://toy.test")
        recorder.told(connection, "in", map(json.dumps, told))
    assert both(path) == [("gap", None, x) for x in ("M", "N", "M")]


@pytest.mark.parametrize(
    ("lost", "expected"), [(delta(1), ("order_book", "M")), (None, (None,))]
)
def test_something_is_lost_also_where_nothing_says_what_was_subscribed(
    tmp_path: Path, lost: Any, expected: tuple[Any, ...]
) -> None:
    outline = outlined(lost) if lost else b""
    told = both(journal(tmp_path / "r.jsonl", [], outline, [], asked=None))
    assert told == [("gap", *expected)]


def test_what_was_withheld_is_counted_in_a_report_and_by_convert(
    tmp_path: Path,
) -> None:
    path = journal(tmp_path / "r.jsonl", BEGUN, outlined(trade(2)), AFTER)
    found = convert(path, tmp_path / "tables")
    assert found.withheld == {"r.jsonl": 1}
    reports = [
        backtest(Watching(), data, contracts=[kalshi_contract("M")], cash=100)
        for data in (path, tmp_path / "tables")
    ]
    for report in reports:
        [note] = report.notes
        assert "in the recording r.jsonl, 1 lines were withheld" in note.text
    assert reports[0].to_json() == reports[1].to_json()


def poly_gaps(tmp_path: Path, lost: object) -> list[tuple[Any, ...]]:
    begun = [poly.book(), poly.book(poly.NO), poly.book(poly.OTHER, market=poly.B)]
    path = journal(
        tmp_path / "r.jsonl",
        begun,
        outlined(lost, "polymarket"),
        [],
        venue="polymarket",
        url="ws://poly.test/market",
        asked={"assets_ids": [poly.YES, poly.NO, poly.OTHER], "type": "market"},
    )
    return [x for x in both(path) if x[0] == "gap"]


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ({"event_type": "last_trade_price", "market": poly.A}, [("trades", poly.A)]),
        (poly.book(), [("order_book", poly.A)]),
        (poly.changes(poly.change("0.4", "1")), [("order_book", poly.A)] * 2),
        ([poly.book(), poly.book(poly.NO)], [("order_book", poly.A)] * 2),
        ({"event_type": "best_bid_ask", "asset_id": poly.YES}, []),
        ({"event_type": "REDACTED", "market": poly.A}, [(None,)]),
        ({"note": KEY}, [(None,)]),
    ],
)
def test_a_message_of_polymarket_that_is_withheld_costs_what_it_can_have_told(
    tmp_path: Path, lost: object, expected: list[tuple[Any, ...]]
) -> None:
    assert poly_gaps(tmp_path, lost) == [("gap", *x) for x in expected]


def test_something_is_lost_at_polymarket_also_where_nobody_knows_what_is_followed(
    tmp_path: Path,
) -> None:
    hidden = outlined({"note": KEY}, "polymarket")
    how: dict[str, Any] = {"venue": "polymarket", "asked": None}
    path = tmp_path / "r.jsonl"
    journal(path, [], hidden, [], url="ws://poly.test/market", **how)
    assert both(path) == [("gap", None)]


def test_a_recorder_keeps_of_a_message_what_says_which_one_it_was(
    tmp_path: Path,
) -> None:
    said = {**delta(7), "note": KEY}
    hidden = delta(8, "KXSECRETNAME-1")
    answer = '{"sid": "SECRETNAME", "type": true, "seq": [1]}'
    with stage("kalshi") as at, exchange(at.venue, **at.account) as ex:
        recorder = Recorder(ex, tmp_path / "r", never=["SECRETNAME"])
        number = recorder.opened("wss://x")
        for each in (json.dumps(said), json.dumps(hidden), f"{KEY}", answer):
            recorder.told(number, "in", [each])
        recorder.told(number, "out", [json.dumps(said)])
        recorder.close()
    assert b"SECRETNAME" not in b"".join(map(encode, _dated(tmp_path / "r")))
    found = [bytes(x.outline) for x in _dated(tmp_path / "r") if _is_withheld(x)]
    assert found[0] == outlined(said)
    assert found[1] == outlined(delta(8, "KXREDACTED-1"))
    assert found[2] == b""
    assert found[-1] == b""
    on = [(x.lost_on, x.sent_on) for x in _dated(tmp_path / "r") if _is_withheld(x)]
    assert on == [(1, 0)] * (len(on) - 1) + [(0, 1)]


def _is_withheld(line: Any) -> bool:
    return isinstance(line, Withheld)


def _dated(path: Path) -> list[Any]:
    return list(read(path))


# -- what was asked ----------------------------------------------------------------------


def poly_told(path: Path, never: str, *told: Any) -> list[tuple[Any, ...]]:
    """What a recording tells of one market, of which words may not be told."""
    with exchange("polymarket") as ex, Recorder(ex, path, never=[never]) as recorder:
        connection = recorder.opened("wss://poly.test/market")
        for way, content in told:
            recorder.told(connection, way, [json.dumps(content)])
    return both(path)


def poly_trade(token: str, market: str) -> dict[str, Any]:
    return {
        "event_type": "last_trade_price",
        "asset_id": token,
        "market": market,
        "price": "0.46",
        "size": "3",
        "side": "BUY",
        "fee_rate_bps": "0",
        "timestamp": str(poly.T0 + 2),
        "transaction_hash": "0x" + "d" * 64,
    }


def poly_asked(operation: str, *tokens: str) -> dict[str, Any]:
    return {"operation": operation, "assets_ids": tokens}


OF_A, OF_B = ("book", poly.A), ("book", poly.B)
BEGINNING = {"assets_ids": [poly.YES], "type": "market"}


@pytest.mark.parametrize("never", ["assets_ids", "subscribe"])
def test_what_is_told_was_asked_for_where_the_asking_is_withheld(
    tmp_path: Path, never: str
) -> None:
    told = poly_told(
        tmp_path / "r.jsonl",
        never,
        ("out", BEGINNING),
        ("in", poly.book()),
        ("out", poly_asked("subscribe", poly.OTHER)),
        ("in", poly.book(poly.OTHER, market=poly.B)),
        ("in", poly_trade(poly.OTHER, poly.B)),
        ("in", poly.changes(poly.change("0.4", "1", token=poly.OTHER), market=poly.B)),
    )
    doubt = [("gap", None)] if never == "subscribe" else []
    assert told == [OF_A, *doubt, OF_B, ("trade", poly.B), OF_B]


HIDDEN = {
    "kalshi": (
        {
            "id": 3,
            "cmd": "subscribe",
            "params": {"channels": ["orderbook_delta"], "market_tickers": ["KXA", "B"]},
        },
        (
            '{"id":3,"cmd":"subscribe","params":{"channels":["orderbook_delta"],'
            '"market_tickers":["REDACTED","B"]}}'
        ),
    ),
    "polymarket": (
        {"assets_ids": ["KXA", "22"], "type": "market", "custom": True},
        '{"type":"market","assets_ids":["REDACTED","22"]}',
    ),
}


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_recorder_keeps_of_what_was_asked_the_ids_that_it_may_tell(
    tmp_path: Path, venue: str, is_whole: bool
) -> None:
    said, expected = HIDDEN[venue]
    never = ["KXA!"] if is_whole else ["KXA!", "assets_i", "market_t"]
    text = json.dumps(said).replace("KXA", "KXA!")
    with exchange(venue) as ex, Recorder(ex, tmp_path / "r", never=never) as recorder:
        recorder.told(recorder.opened("wss://x"), "out", [text])
    [line] = [x for x in read(tmp_path / "r") if isinstance(x, Withheld)]
    outline = bytes(line.outline)
    assert line.sent_on == 1
    if is_whole:
        assert outline.decode() == expected
    else:
        # Nobody is to take it for all that was asked.
        assert b"[" not in outline


@pytest.mark.parametrize(
    ("venue", "never", "way", "said", "expected"),
    [
        ("kalshi", "params", "out", HIDDEN["kalshi"][0], b'{"id":3,"cmd":"subscribe"}'),
        ("kalshi", "arams", "out", {"params": {"sids": []}}, b""),
        ("kalshi", "sids", "out", {"params": {"sids": []}}, b""),
        ("kalshi", "market_", "out", {"params": {"market_tickers": []}}, b""),
        ("kalshi", "msg.", "in", {"msg.": 1, "msg": {"sid": 5}}, b'{"msg":{"sid":5}}'),
        ("kalshi", '":3,"cmd', "out", HIDDEN["kalshi"][0], b""),
        ("kalshi", '{"sid":5,"seq', "in", {"sid": 5, "seq": 1}, b""),
        ("polymarket", "assets_", "out", {"assets_ids": []}, b""),
    ],
)
def test_no_name_above_what_is_kept_is_kept_if_it_may_not_be_told(
    tmp_path: Path, venue: str, never: str, way: Any, said: object, expected: bytes
) -> None:
    path = tmp_path / "r"
    with exchange(venue) as ex, Recorder(ex, path, never=[never]) as recorder:
        text = json.dumps(said, separators=(",", ":"))
        recorder.told(recorder.opened("wss://x"), way, [text])
    [line] = [x for x in read(path) if isinstance(x, Withheld)]
    assert bytes(line.outline) == expected
    assert never not in plain(path).decode()


@pytest.mark.parametrize("never", ["assets_ids", "unsubscribe", "operation"])
def test_a_book_may_be_left_by_what_is_withheld(tmp_path: Path, never: str) -> None:
    told = poly_told(
        tmp_path / "r.jsonl",
        never,
        ("out", BEGINNING),
        ("in", poly.book()),
        ("out", poly_asked("unsubscribe", poly.YES)),
    )
    assert told == [OF_A, ("gap", None)]


LEFT_M = {
    "id": 4,
    "cmd": "update_subscription",
    "params": {"sids": [5], "action": "delete_markets", "market_tickers": ["M"]},
}


def test_what_kalshi_tells_no_more_is_left_though_the_asking_is_withheld(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.jsonl"
    granted = {"type": "ok", "id": 4, "sid": 5, "seq": 3}
    back = {"type": "ok", "id": 5, "sid": 5, "seq": 5}
    told: list[tuple[Any, Any]] = [
        ("out", ASKED),
        *(("in", x) for x in (named(5, "orderbook_delta", 3), snapshot(1))),
        ("in", snapshot(2, "N")),
        ("out", LEFT_M),
        ("in", {**granted, "msg": {"market_tickers": ["N"]}}),
        ("in", delta(4, "N")),
        ("in", {**back, "msg": {"market_tickers": ["M", "N"]}}),
        ("in", snapshot(6)),
    ]
    with exchange("kalshi") as ex, Recorder(ex, path, never=["delete_"]) as recorder:
        connection = recorder.opened("wss://toy.test")
        for way, content in told:
            recorder.told(connection, way, [json.dumps(content)])
    assert both(path) == [M, N, ("gap", "order_book", "M"), N, M]


# -- a replay ----------------------------------------------------------------------------


def session(path: Path, venue: str) -> str:
    """Record books, trades and orders; gives the market."""
    with (
        stage(venue) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        market = next(x for x in ex.fetch_markets() if x.bid and x.ask)
        assert market.bid is not None
        name, first = market.market_id, market.outcomes[0].label
        books = ex.watch_order_book(name, policy="every")
        trades = ex.watch_trades(name)
        account = ex.watch_orders(), ex.watch_fills()
        in_force(ex)
        books.next(timeout=30)
        for _ in range(3):
            ask = ex.fetch_order_book(name).ask
            assert ask is not None
            rest = ex.create_order(name, first, "buy", market.bid, 10)
            ex.create_order(name, first, "buy", ask.price, 20)
            trades.next(timeout=30)
            ex.cancel_order(rest.order_id)
        books.next(timeout=30)
        for each in account:
            each.close()
    return name


def without(path: Path, number: int, venue: str) -> Path:
    """The same recording without one of its lines."""
    lines = list(read(path))
    line = lines[number]
    assert isinstance(line, Frame)
    outline = outlined(json.loads(line.body.data), venue)
    about = f"connection {line.connection}, in"
    lost = Withheld(line.at, line.mono, "frame", about, ["x"], line.connection)
    lines[number] = structs.replace(lost, outline=msgspec.Raw(outline))
    other = path.with_name("less.jsonl")
    other.write_bytes(b"".join(encode(x) for x in lines))  # type: ignore[arg-type]
    return other


KINDS = {
    "kalshi": ["fill", "user_order", "trade", "orderbook_delta"],
    "polymarket": ["order", "last_trade_price", "price_change"],
}


@pytest.mark.parametrize("venue", VENUES)
def test_a_replay_tells_the_books_that_a_backtest_is_told(
    tmp_path: Path, venue: str
) -> None:
    name = session(tmp_path / "r.jsonl", venue)
    lines = list(read(tmp_path / "r.jsonl"))
    whole = told_books(tmp_path / "r.jsonl", name)
    for kind in KINDS[venue]:
        word = f'type":"{kind}"'.encode()
        found = [
            number
            for number, x in enumerate(lines)
            if isinstance(x, Frame) and x.direction == "in" and word in x.body.data
        ]
        assert found, (kind, {x.body.data[:60] for x in lines if isinstance(x, Frame)})
        less = without(tmp_path / "r.jsonl", found[len(found) // 2], venue)
        books = told_books(less, name)
        assert books == replayed_books(less, name)
        is_lost = kind in {"orderbook_delta", "price_change"}
        assert (books != whole) is is_lost


def told_books(path: Path, name: str) -> list[Any]:
    """What is told of the book of the first outcome."""
    first = {"yes"}
    return [
        (x.bids, x.asks)
        for _, x in recorded(path)
        if isinstance(x, OrderBook) and x.market_id == name and x.outcome in first
    ]


def replayed_books(path: Path, name: str) -> list[Any]:
    with exchange("replay", path=path) as ex:
        if ex.id == "polymarket":
            ex.fetch_markets()
        return [(x.bids, x.asks) for x in ex.watch_order_book(name, policy="every")]


@pytest.mark.parametrize(
    ("venue", "never"), [("kalshi", "delete_markets"), ("polymarket", "unsubscribe")]
)
def test_a_replay_tells_that_a_book_was_left_by_what_is_withheld(
    tmp_path: Path, venue: str, never: str
) -> None:
    path = tmp_path / "r.jsonl"
    with (
        stage(venue) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path, never=[never]),
    ):
        markets = [x for x in ex.fetch_markets() if x.bid and x.ask][:2]
        names = [x.market_id for x in markets]
        books = [ex.watch_order_book(x) for x in names]
        for each in books:
            each.next(timeout=30)
        in_force(ex)
        books[0].close()
        in_force(ex)
        time.sleep(0.2)  # until the venue has acknowledged it
        books[1].close()
    assert _is_lost(names[0], (x for _, x in recorded(path)))
    with exchange("replay", path=path) as ex:
        if venue == "polymarket":
            ex.fetch_markets()
        with (
            ex.watch_order_book(names[0], events=True, policy="every") as first,
            ex.watch_order_book(names[1], policy="every"),
        ):
            assert _is_lost(names[0], first)


def _is_lost(name: str, told: Iterable[Any]) -> bool:
    """Whether something says after the last book that it is known no more."""
    is_lost = False
    for event in told:
        if isinstance(event, OrderBook) and event.market_id == name:
            is_lost = event.stale
        elif isinstance(event, Gap) and name in (event.market_ids or (name,)):
            is_lost = True
    return is_lost


@pytest.mark.parametrize("venue", VENUES)
def test_a_replay_has_the_markets_that_were_asked_for_beside_a_hidden_one(
    tmp_path: Path, venue: str
) -> None:
    path, less = tmp_path / "r.jsonl", tmp_path / "less.jsonl"
    with (
        stage(venue) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        markets = [x for x in ex.fetch_markets() if x.bid and x.ask][:3]
        names = [x.market_id for x in markets]
        books = [ex.watch_order_book(x) for x in names]
        in_force(ex)
        for each in books:
            each.next(timeout=30)
            each.close()
    first = markets[0].outcomes[0].outcome_id if venue == "polymarket" else names[0]
    paths = folder(venue, "description").FACTS.asked
    lines = list(read(path))
    for number, line in enumerate(lines):
        if isinstance(line, Frame) and first.encode() in line.body.data:
            if line.direction == "in":
                continue
            outline = asked_outline(
                line.body.data, paths, lambda _, x: "REDACTED" if x == first else x
            )
            gone = Withheld(line.at, line.mono, "frame", "x", ["x"], sent_on=1)
            lines[number] = structs.replace(gone, outline=msgspec.Raw(outline))
    assert sum(map(_is_withheld, lines))
    less.write_bytes(b"".join(encode(x) for x in lines))  # type: ignore[arg-type]
    for name in names[1:]:
        told = told_books(less, name)
        assert told == told_books(path, name)
        assert replayed_books(less, name) == told
