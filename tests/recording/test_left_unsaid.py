"""What Kalshi was told to leave, where neither the asking nor all of the answer is recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import exchange
from unified_exchanges.backtesting import recorded
from unified_exchanges.recording import Recorder, Withheld, read

from .sessions import in_force, plain, stage
from .test_withheld import _is_lost, both, delta, named, snapshot, trade

BOOKS, TRADES = "orderbook_delta", "trade"
SID = {BOOKS: 5, TRADES: 4}
HIDDEN = "KXHUNTER"
M, N = ("book", "M"), ("book", "N")
OF_M = ("trade", "M")
ANY_BOOK, ANY_TRADES = ("gap", "order_book"), ("gap", "trades")


def asked(number: int, channel: str, *markets: str) -> tuple[str, Any]:
    """To be told of these markets."""
    params = {"channels": [channel], "market_tickers": markets}
    return "out", {"id": number, "cmd": "subscribe", "params": params}


def update(number: int, action: str, channel: str, *markets: str) -> tuple[str, Any]:
    params = {"sid": SID[channel], "market_tickers": markets, "action": action}
    return "out", {"id": number, "cmd": "update_subscription", "params": params}


def ended(number: int, channel: str, seq: int) -> list[tuple[str, Any]]:
    """The whole subscription is given up."""
    sid = SID[channel]
    asked = {"id": number, "cmd": "unsubscribe", "params": {"sids": [sid]}}
    told = {"type": "unsubscribed", "id": number, "sid": sid, "seq": seq}
    return [("out", asked), ("in", told)]


def granted(
    number: int | None, channel: str, seq: int, *markets: str
) -> tuple[str, Any]:
    told: dict[str, Any] = {"type": "ok", "sid": SID[channel], "seq": seq}
    if number is not None:
        told["id"] = number
    if markets:
        told["msg"] = {"market_tickers": markets}
    return "in", told


def come(*frames: Any) -> list[tuple[str, Any]]:
    return [("in", x) for x in frames]


def told_of(
    path: Path, never: Sequence[str], said: Iterable[tuple[str, Any]]
) -> list[tuple[Any, ...]]:
    """What a recording of one connection tells, and its tables."""
    with (
        exchange("kalshi", environment="http://127.0.0.1:1/v2") as ex,
        Recorder(ex, path, never=never) as recorder,
    ):
        connection = recorder.opened("wss://toy.test")
        for way, content in said:
            recorder.told(connection, way, [json.dumps(content)])
    for text in never:
        assert text not in plain(path).decode()
    return both(path)


@pytest.mark.parametrize(
    "never", [["market_tickers"], ["ket_tickers"], ["delete_markets", HIDDEN]]
)
def test_any_book_may_be_left_where_nothing_says_which_there_are(
    tmp_path: Path, never: list[str]
) -> None:
    said = [
        asked(1, BOOKS, "M", "N", HIDDEN),
        *come(named(5, BOOKS, 1), snapshot(1), snapshot(2, "N")),
        update(2, "delete_markets", BOOKS, "M"),
        granted(2, BOOKS, 3, "N", HIDDEN),
        *come(delta(4, "N"), snapshot(5, "N"), delta(6, "N")),
    ]
    assert told_of(tmp_path / "r.jsonl", never, said) == [M, N, ANY_BOOK, N, N]


def test_books_of_other_subscriptions_are_as_good_as_before(tmp_path: Path) -> None:
    other = {**snapshot(1, "N"), "sid": 6}
    said = [
        asked(1, BOOKS, "M"),
        *come(named(5, BOOKS, 1), snapshot(1), named(6, BOOKS, 1), other),
        update(2, "delete_markets", BOOKS, "M"),
        granted(2, BOOKS, 2, HIDDEN),
    ]
    never = ["delete_markets", HIDDEN]
    assert told_of(tmp_path / "r.jsonl", never, said) == [M, N, ANY_BOOK, N]


def test_trades_of_any_market_may_be_left_as_well(tmp_path: Path) -> None:
    said = [
        asked(1, TRADES, "M", HIDDEN),
        *come(named(4, TRADES, 1), trade(1)),
        update(2, "delete_markets", TRADES, "M"),
        granted(2, TRADES, 2, HIDDEN),
        *ended(3, TRADES, 3),
    ]
    told = told_of(tmp_path / "r.jsonl", ["delete_markets", HIDDEN], said)
    # Which are left at the end is not known either.
    assert told == [OF_M, ANY_TRADES, ANY_TRADES]


def test_trades_may_be_left_where_no_channel_is_known(tmp_path: Path) -> None:
    said = [
        asked(1, TRADES, "M", HIDDEN),
        *come(named(4, TRADES, 1)),
        update(2, "delete_markets", TRADES, "M"),
        granted(2, TRADES, 1, HIDDEN),
    ]
    told = told_of(tmp_path / "r.jsonl", ["trade", "delete_markets", HIDDEN], said)
    assert told == [ANY_TRADES]


@pytest.mark.parametrize("is_numbered", [True, False])
def test_what_is_granted_without_its_subscription_or_number_may_be_any(
    tmp_path: Path, is_numbered: bool
) -> None:
    answer = granted(2 if is_numbered else None, BOOKS, 2)[1]
    if is_numbered:
        del answer["sid"], answer["seq"]
    said = [
        asked(1, BOOKS, "M"),
        *come(named(5, BOOKS, 1), snapshot(1), answer),
    ]
    assert told_of(tmp_path / "r.jsonl", [], said) == [M, ANY_BOOK]


def test_a_list_of_subscriptions_leaves_nothing(tmp_path: Path) -> None:
    listed = {"type": "ok", "id": 7, "msg": [{"channel": BOOKS, "sid": 5}]}
    said = [
        asked(1, BOOKS, "M"),
        *come(named(5, BOOKS, 1), snapshot(1), listed, delta(2)),
    ]
    assert told_of(tmp_path / "r.jsonl", [], said) == [M, M]


def test_a_command_that_is_recorded_says_itself_what_it_left(tmp_path: Path) -> None:
    said = [
        asked(1, BOOKS, "M", "N"),
        *come(named(5, BOOKS, 1), snapshot(1), snapshot(2, "N")),
        update(2, "delete_markets", BOOKS, "M"),
        granted(2, BOOKS, 3),
        *come(delta(4, "N")),
    ]
    expected = [M, N, ("gap", "order_book", "M"), N]
    assert told_of(tmp_path / "r.jsonl", [], said) == expected


@pytest.mark.parametrize("never", ["add_markets", "delete_markets", "action"])
def test_trades_are_left_though_what_asked_for_them_is_withheld(
    tmp_path: Path, never: str
) -> None:
    said = [
        asked(1, TRADES, "M"),
        *come(named(4, TRADES, 1), trade(1)),
        update(2, "add_markets", TRADES, "N"),
        granted(2, TRADES, 2, "M", "N"),
        *come(trade(3)),
        update(3, "delete_markets", TRADES, "N"),
        granted(3, TRADES, 4, "M"),
        *ended(4, TRADES, 5),
    ]
    left_n, left_m = ("gap", "trades", "N"), ("gap", "trades", "M")
    told = told_of(tmp_path / "r.jsonl", [never], said)
    assert told == [OF_M, OF_M, left_n, left_m]


@pytest.mark.parametrize("never", [TRADES, "subscribed"])
def test_trades_are_left_though_no_channel_is_known(tmp_path: Path, never: str) -> None:
    said = [
        asked(1, TRADES, "M"),
        *come(named(4, TRADES, 1)),
        update(2, "add_markets", TRADES, "N"),
        granted(2, TRADES, 1, "M", "N"),
        update(3, "delete_markets", TRADES, "N"),
        granted(3, TRADES, 2, "M"),
    ]
    told = told_of(tmp_path / "r.jsonl", [never], said)
    assert told == [("gap", "trades", "N")]


def test_any_trades_may_be_left_where_it_was_not_known_which_there_were(
    tmp_path: Path,
) -> None:
    never = ["channel", "delete_markets"]
    said = [
        asked(1, TRADES, "M", "N"),
        *come(named(4, TRADES, 1), trade(1)),
        update(2, "delete_markets", TRADES, "N"),
        granted(2, TRADES, 2, "M"),
        *ended(3, TRADES, 3),
    ]
    told = told_of(tmp_path / "r.jsonl", never, said)
    assert told == [OF_M, ANY_TRADES, ("gap", "trades", "M")]


def test_all_are_left_where_the_answer_lists_none(tmp_path: Path) -> None:
    nothing = {"type": "ok", "id": 2, "sid": 5, "seq": 3, "msg": {"market_tickers": []}}
    said = [
        asked(1, BOOKS, "M", "N"),
        *come(named(5, BOOKS, 1), snapshot(1), snapshot(2, "N")),
        update(2, "delete_markets", BOOKS, "M", "N"),
        *come(nothing),
    ]
    told = told_of(tmp_path / "r.jsonl", ["delete_markets"], said)
    assert told == [M, N, ("gap", "order_book", "M", "N")]


@pytest.mark.parametrize("never", [TRADES, "channel"])
def test_trades_of_any_market_are_left_with_a_subscription_that_nobody_knows(
    tmp_path: Path, never: str
) -> None:
    said = [
        asked(1, TRADES, "M"),
        *come(named(4, TRADES, 1)),
        *ended(2, TRADES, 1),
    ]
    assert told_of(tmp_path / "r.jsonl", [never], said) == [ANY_TRADES]


def test_a_replay_tells_that_any_book_may_have_been_left(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with stage("kalshi") as at, exchange(at.venue, **at.account) as ex:
        markets = [x for x in ex.fetch_markets() if x.bid and x.ask][:3]
        names = [x.market_id for x in markets]
        with Recorder(ex, path, never=["delete_markets", names[2]]):
            books = [ex.watch_order_book(x) for x in names]
            for each in books:
                each.next(timeout=30)
            in_force(ex)
            books[0].close()
            in_force(ex)
            time.sleep(0.2)  # until the venue has acknowledged it
            books[1].close()
    assert sum(isinstance(x, Withheld) for x in read(path))
    assert _is_lost(names[0], (x for _, x in recorded(path)))
    with (
        exchange("replay", path=path) as ex,
        ex.watch_order_book(names[0], events=True, policy="every") as first,
        ex.watch_order_book(names[1], policy="every"),
    ):
        assert _is_lost(names[0], first)
