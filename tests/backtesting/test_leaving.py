"""Markets that a client left while it was recorded: from then on nothing is known of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
import pytest
from msgspec import structs

from unified_exchanges import Gap, OrderBook
from unified_exchanges.backtesting import Data, backtest, recorded
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.paper import FREE, Contract
from unified_exchanges.recording import Body, Frame, Opened
from unified_exchanges.recording.decoder import LEFT
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert
from unified_exchanges.strategies import Desk, Strategy

from ..paper import scene
from ..research.test_conversion import HEAD
from ..venues.polymarket.stream import desk as poly

Said: TypeAlias = "tuple[int, str, dict[str, Any]]"
"""A connection, ``in`` or ``out``, and what was said there."""
URL: Final = {"kalshi": "ws://kalshi.test", "polymarket": "ws://poly.test/ws/market"}


def journal(path: Path, venue: str, *said: Said, later: int = 0) -> Path:
    """A recording of these, a nanosecond apart."""
    began = HEAD.at + later
    head = structs.replace(HEAD, venue=venue, at=began)
    numbers = sorted({connection for connection, _, _ in said})
    lines: list[Any] = [head, *(Opened(began, 0, x, URL[venue]) for x in numbers)]
    for n, (connection, direction, content) in enumerate(said, 1):
        body = Body.of(json.dumps(content, separators=(",", ":")))
        lines.append(
            Frame(began + n, n, connection, direction, body)  # type: ignore[arg-type]
        )
    path.write_bytes(b"".join(map(encode, lines)))
    return path


def told(data: Iterable[tuple[int, object]]) -> list[tuple[object, ...]]:
    """The line of each event after the first ones, and what it is about."""
    found: list[tuple[object, ...]] = []
    for moment, event in data:
        line = moment - HEAD.at
        if isinstance(event, OrderBook):
            found.append((line, event.market_id))
        elif isinstance(event, Gap):
            found.append((line, "gap", *event.market_ids))
            assert event.reason == LEFT
    return found


@pytest.fixture
def heard(tmp_path: Path) -> Callable[..., list[tuple[object, ...]]]:
    """What a recording tells, and its tables just so."""

    def of(venue: str, *said: Said) -> list[tuple[object, ...]]:
        path = journal(tmp_path / "r.jsonl", venue, *said)
        convert(path, tmp_path / "tables")
        found = told(recorded(path))
        assert told(events_of(tmp_path / "tables")) == found
        return found

    return of


# -- Kalshi ----------------------------------------------------------------------------


def command(number: int, cmd: str, **params: Any) -> Said:
    return 1, "out", {"id": number, "cmd": cmd, "params": params}


def update(number: int, action: str, *names: str, sid: int = 1) -> Said:
    words = {"sid": sid, "market_tickers": names, "action": action}
    return command(number, "update_subscription", **words)


def ok(number: int, seq: int, sid: int = 1) -> Said:
    return 1, "in", {"type": "ok", "id": number, "sid": sid, "seq": seq, "msg": {}}


def snapshot(name: str, seq: int, *, sid: int = 1, connection: int = 1) -> Said:
    msg = {
        "market_ticker": name,
        "yes_dollars_fp": [["0.40", "10.00"]],
        "no_dollars_fp": [["0.60", "500.00"]],
    }
    return (
        connection,
        "in",
        {"type": "orderbook_snapshot", "sid": sid, "seq": seq, "msg": msg},
    )


def delta(name: str, seq: int, *, sid: int = 1, connection: int = 1) -> Said:
    msg = {
        "market_ticker": name,
        "price_dollars": "0.40",
        "delta_fp": "1.00",
        "side": "yes",
        "ts_ms": 1_795_930_000_000,
    }
    return (
        connection,
        "in",
        {"type": "orderbook_delta", "sid": sid, "seq": seq, "msg": msg},
    )


BOTH: Final = (snapshot("A", 1), snapshot("B", 2))


def test_one_of_two_markets_is_left_once_that_is_acknowledged(heard: Any) -> None:
    said = (*BOTH, update(7, "delete_markets", "A"), delta("A", 3), ok(7, 4))
    assert heard("kalshi", *said, delta("B", 5)) == [
        *((1, "A"), (2, "B"), (4, "A")),
        (5, "gap", "A"),
        (6, "B"),
    ]


def test_a_whole_subscription_is_left_with_its_markets(heard: Any) -> None:
    ended = 1, "in", {"type": "unsubscribed", "id": 7, "sid": 1, "seq": 3}
    said = (*BOTH, command(7, "unsubscribe", sids=[1]), ended)
    again = command(8, "subscribe", channels=["orderbook_delta"], market_tickers=["B"])
    assert heard("kalshi", *said, again, snapshot("B", 1, sid=2)) == [
        *((1, "A"), (2, "B")),
        (4, "gap", "A", "B"),
        (6, "B"),
    ]


def test_a_market_is_not_left_by_what_is_refused_or_of_another_kind(heard: Any) -> None:
    error = {"type": "error", "id": 7, "sid": 1, "seq": 3, "msg": {"code": 1}}
    refused = update(7, "delete_markets", "A"), (1, "in", error), delta("A", 4)
    read = update(8, "get_snapshot", "A"), ok(8, 5), delta("A", 6)
    other = update(9, "delete_markets", "A", sid=2), ok(9, 1, sid=2), delta("A", 7)
    quotes = {"type": "subscribed", "msg": {"channel": "ticker", "sid": 2}}
    said = *BOTH, *refused, *read, (1, "in", quotes), *other, delta("A", 8)
    found = heard("kalshi", *said)
    assert found == [(1, "A"), (2, "B"), *((line, "A") for line in (5, 8, 12, 13))]


@pytest.mark.parametrize("is_before", [True, False])
def test_a_snapshot_that_was_asked_for_before_does_not_bring_a_market_back(
    heard: Any, is_before: bool
) -> None:
    late = snapshot("A", 3 if is_before else 4)
    answers = (late, ok(7, 4)) if is_before else (ok(7, 3), late)
    said = (*BOTH, update(6, "get_snapshot", "A"), update(7, "delete_markets", "A"))
    found = heard("kalshi", *said, *answers, delta("A", 5), delta("B", 6))
    before = [(1, "A"), (2, "B")]
    gap = [(5, "A"), (6, "gap", "A")] if is_before else [(5, "gap", "A")]
    assert found == [*before, *gap, (8, "B")]


def test_a_market_that_is_added_again_begins_with_its_snapshot(heard: Any) -> None:
    said = (*BOTH, update(7, "delete_markets", "A"), ok(7, 3))
    again = update(8, "add_markets", "A"), ok(8, 4), snapshot("A", 5), delta("A", 6)
    assert heard("kalshi", *said, *again) == [
        *((1, "A"), (2, "B")),
        (4, "gap", "A"),
        *((7, "A"), (8, "A")),
    ]


@pytest.mark.parametrize("connection", [1, 2])
def test_a_market_that_another_subscription_tells_is_not_left(
    heard: Any, connection: int
) -> None:
    other = {"sid": 2, "connection": connection}
    said = (*BOTH, snapshot("A", 1, **other), update(7, "delete_markets", "A", "B"))
    assert heard("kalshi", *said, ok(7, 3), delta("A", 2, **other)) == [
        *((1, "A"), (2, "B"), (3, "A")),
        (5, "gap", "B"),
        (6, "A"),
    ]


# -- Polymarket ------------------------------------------------------------------------


def ask(operation: str, *tokens: str, connection: int = 1) -> Said:
    words = {"type": "market"} if not operation else {"operation": operation}
    return connection, "out", {"assets_ids": tokens, **words}


def whole(token: str, *, at: int = 0, connection: int = 1) -> Said:
    market = poly.B if token == poly.OTHER else poly.A
    return connection, "in", poly.book(token, at=at, market=market)


def changed(token: str, *, at: int) -> Said:
    market = poly.B if token == poly.OTHER else poly.A
    return (
        1,
        "in",
        poly.changes(poly.change("0.44", "3", token=token), at=at, market=market),
    )


TWO: Final = (ask("", poly.YES, poly.OTHER), whole(poly.YES), whole(poly.OTHER))


def test_a_token_is_left_once_it_is_not_asked_for(heard: Any) -> None:
    late = (changed(poly.YES, at=2), whole(poly.YES, at=3), changed(poly.YES, at=4))
    said = (*TWO, changed(poly.YES, at=1), ask("unsubscribe", poly.YES), *late)
    again = ask("subscribe", poly.YES), whole(poly.YES, at=6), changed(poly.YES, at=7)
    assert heard("polymarket", *said, changed(poly.OTHER, at=5), *again) == [
        *((2, poly.A), (3, poly.B), (4, poly.A)),
        (5, "gap", poly.A),
        (9, poly.B),
        *((11, poly.A), (12, poly.A)),
    ]


def test_a_token_that_is_asked_for_twice_is_left_all_the_same(heard: Any) -> None:
    # The venue passes the second over.
    said = (*TWO, ask("subscribe", poly.YES), ask("unsubscribe", poly.YES))
    assert heard("polymarket", *said)[2:] == [(5, "gap", poly.A)]


def test_a_token_that_another_connection_tells_is_not_left(heard: Any) -> None:
    other = ask("", poly.YES, connection=2), whole(poly.YES, connection=2)
    said = (*TWO, *other, ask("unsubscribe", poly.YES, poly.OTHER))
    assert heard("polymarket", *said)[3:] == [(6, "gap", poly.B)]


# -- a backtest ------------------------------------------------------------------------


class Late(Strategy):
    """Buys what was offered in one market when something is told of the other."""

    def on_start(self, desk: Desk) -> None:
        self.gaps: list[tuple[str, ...]] = []
        self.asked = 0

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.gaps.append(gap.market_ids)

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.asked += book.market_id == "B"
        if self.asked == 2 and not desk.decisions:
            desk.place("A", "yes", "buy", Decimal("0.60"), 10)


def contract(name: str) -> Contract:
    market = attrs.evolve(scene.market(name), venue="kalshi")
    return Contract(market=market, fees=FREE, nets=True)


def test_nothing_fills_in_a_market_that_was_left(tmp_path: Path) -> None:
    leaving = (update(7, "delete_markets", "A"), ok(7, 3))
    last = delta("B", 4), delta("B", 5)
    left = journal(tmp_path / "left.jsonl", "kalshi", *BOTH, *leaving, *last)
    stayed = tmp_path / "stayed.jsonl"
    journal(stayed, "kalshi", *BOTH, delta("B", 3), delta("B", 4))
    convert(left, tmp_path / "tables")
    contracts = [contract("A"), contract("B")]
    assert backtest(Late(), stayed, contracts=contracts).fills
    of: list[Data] = [left, tmp_path / "tables"]
    for data in of:
        strategy = Late()
        report = backtest(strategy, data, contracts=contracts)
        assert len(report.decisions) == 1
        assert report.fills == ()
        assert strategy.gaps == [("A",)]


class Between(Late):
    """The same by a timer alone, in the hour between two recordings."""

    def on_start(self, desk: Desk) -> None:
        super().on_start(desk)
        desk.timer("buy", timedelta(minutes=30))

    def on_book(self, desk: Desk, book: OrderBook) -> None: ...

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.place("A", "yes", "buy", Decimal("0.60"), 10, time_in_force="ioc")


def test_nothing_fills_between_two_recordings(tmp_path: Path) -> None:
    hour = 3600 * 10**9
    paths = [
        journal(tmp_path / str(x), "kalshi", *BOTH, delta("A", 3), later=x * hour)
        for x in range(2)
    ]
    folders = [tmp_path / f"tables{x}" for x in range(2)]
    for path, folder in zip(paths, folders, strict=True):
        convert(path, folder)
    contracts = [contract("A"), contract("B")]
    of: list[Data] = [paths, folders, [paths[0], folders[1]]]
    for data in of:
        strategy = Between()
        report = backtest(strategy, data, contracts=contracts)
        assert len(report.decisions) == 1
        assert report.fills == ()
        assert strategy.gaps == [("A", "B")]
    # Where a third was there all the time, nothing is missing.
    # Snapshots have no time of the venue: that it heard the same at once proves it.
    said = (*BOTH, delta("A", 3), delta("B", 4))
    third = journal(tmp_path / "third", "kalshi", *said)
    lines = third.read_bytes()
    assert backtest(Between(), [*paths, third], contracts=contracts).fills == ()
    last = f'"at":{HEAD.at + 4}'
    assert last.encode() in lines
    third.write_bytes(
        lines.replace(last.encode(), f'"at":{HEAD.at + hour + 2}'.encode())
    )
    strategy = Between()
    assert backtest(strategy, [*paths, third], contracts=contracts).fills
    assert strategy.gaps == []
