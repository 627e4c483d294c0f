"""Trades of a market that nobody follows for a while are missed, and that is told."""

from __future__ import annotations

import time
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Exchange, exchange
from unified_exchanges.backtesting import recorded
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.models import Gap, Subject, Trade
from unified_exchanges.recording import Recorder
from unified_exchanges.research import convert

from .sessions import Stage, in_force, stage


def told_of(name: str, events: Any) -> list[str]:
    """What is told of the trades of a market: each, and each gap."""
    found = []
    for event in events:
        if isinstance(event, Trade) and event.market_id == name:
            found.append("trade")
        elif isinstance(event, Gap) and event.subject is Subject.TRADES:
            assert event.market_ids in {(), (name,)}
            found.append("gap")
    return found


def until_left(at: Stage, name: str) -> None:
    """Wait until the venue tells nobody of the trades of a market any more."""
    end = time.monotonic() + 60
    while ("trade", name) in told_by(at):
        assert time.monotonic() < end
        time.sleep(0.005)


def told_by(at: Stage) -> set[tuple[str, str]]:
    """What the venue tells, by channel and market."""
    with at.server.lock:
        return {
            (told.channel.name, name)
            for session in at.simulated.sessions
            for told in session._register._subscriptions.values()
            for name in told.markets
        }


@pytest.mark.parametrize("others", [True, False])
def test_a_watch_of_trades_that_was_closed_for_a_while_is_a_gap(
    tmp_path: Path,
    others: bool,
) -> None:
    path = tmp_path / "r.jsonl"
    with (
        stage("kalshi") as at,
        exchange(at.venue, **at.account) as ex,
        exchange(at.venue, **at.account) as trader,
        Recorder(ex, path),
    ):
        markets = [x for x in ex.fetch_markets() if x.bid and x.ask][:2]
        name, first = markets[0].market_id, markets[0].outcomes[0].label
        if others:
            kept = ex.watch_trades(markets[1].market_id)
        books = ex.watch_order_book(name)

        def trade() -> None:
            ask = trader.fetch_order_book(name).ask
            assert ask is not None
            trader.create_order(name, first, "buy", ask.price, 5)

        trades = ex.watch_trades(name)
        in_force(ex)
        trade()
        trades.next(timeout=30)
        trades.close()
        until_left(at, name)
        trade()
        trades = ex.watch_trades(name)
        in_force(ex)
        trade()
        trades.next(timeout=30)
        books.close()
        if others:
            kept.close()
    expected = ["trade", "gap", "trade"]
    assert told_of(name, (x for _, x in recorded(path))) == expected
    convert(path, tmp_path / "tables")
    assert told_of(name, (x for _, x in events_of(tmp_path / "tables"))) == expected
    # A stream says of a subscription that ended both that and when it is back, as live.
    words = [key for key, _ in groupby(replayed(path, name))]
    assert words == expected


def replayed(path: Path, name: str) -> list[str]:
    """What a program is told that follows them all the time."""
    told: list[Any] = []
    with exchange("replay", path=path) as ex:
        assert isinstance(ex, Exchange)
        trades = ex.watch_trades(name, events=True, policy="every")
        told += trades
    return told_of(name, told)
