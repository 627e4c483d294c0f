"""Minutes at thousands of messages a second, broken in every way, and nothing is wrong.

``UNIFIED_EXCHANGES_SOAK_MINUTES`` says how long (10), ``…_SOAK_VENUE`` where (``kalshi``,
``polymarket``), ``…_SOAK_FLAVOUR`` on what: ``websockets``, ``aiohttp`` or ``blocking``;
``…_SOAK_ACTIONS`` what each market does in a second. Every storm is followed by a calm, in
which all that was told must be what the venue says over REST.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from unified_exchanges import Exchange, LimitPolicy, Order, exchange

from .client import Client, connect
from .gauge import Gauge, Tally
from .trader import Trader

MINUTES = float(os.environ.get("UNIFIED_EXCHANGES_SOAK_MINUTES", "10"))
VENUE = os.environ.get("UNIFIED_EXCHANGES_SOAK_VENUE", "kalshi")
FLAVOUR = os.environ.get("UNIFIED_EXCHANGES_SOAK_FLAVOUR", "websockets")
ACTIONS = os.environ.get("UNIFIED_EXCHANGES_SOAK_ACTIONS", "7")
STORM = 40.0
PATIENCE = 40.0
FREE = LimitPolicy(enabled=False, discover=False)


@attrs.define
class Venue:
    """The process of the venue."""

    process: subprocess.Popen[str]
    account: dict[str, Any]
    struck: Counter[str] = attrs.field(factory=Counter)

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        self.struck = Counter(json.loads(self.process.stdout.readline())["struck"])


@pytest.fixture
def venue() -> Iterator[Venue]:
    command = [sys.executable, "-m", "tests.soak.venue", VENUE, "7", ACTIONS]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Venue(process, json.loads(process.stdout.readline()))
        process.stdin.close()


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 * 4 + 600)
def test_minutes_of_storms_leave_nothing_wrong(
    venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    with exchange(VENUE, **venue.account, limits=FREE) as rest:
        since = datetime.now(UTC) - timedelta(seconds=5)
        markets = [m for m in rest.fetch_markets() if m.bid and m.ask]
        names = [market.market_id for market in markets]
        tally = Tally(f"{VENUE}, {FLAVOUR}", len(names))
        began = time.monotonic()
        with _closing(connect(FLAVOUR, VENUE, venue.account, names)) as client:
            gauge = Gauge(client)
            with _closing(Trader(rest, markets)) as trader:
                while tally.storm < MINUTES * 60:
                    _weather(venue, client, trader, gauge, tally)
                    _check_stream(client, rest, names)
                    _check_account(client, rest, since)
                    if tally.calms == 1:
                        gauge.warm = gauge.read()
            tally.wall = time.monotonic() - began
            report = tally.report(client, gauge, venue.struck)
        with capsys.disabled():
            sys.stdout.write(report)
    assert gauge.growth("rss") < 40
    assert gauge.growth("threads") <= 6
    assert gauge.growth("files") <= 12
    assert gauge.peak["tasks"] <= 30
    assert gauge.peak["waiting"] <= len(names) + 1000


def _weather(
    venue: Venue, client: Client, trader: Trader, gauge: Gauge, tally: Tally
) -> None:
    """A storm, and the calm that begins after it."""
    length = min(STORM, MINUTES * 60 - tally.storm + 0.01)
    messages, cpu = client.health().messages, time.process_time()
    venue.tell("storm")
    trader.resume()
    end = time.monotonic() + length
    while time.monotonic() < end:
        time.sleep(1)
        assert client.failures == []
        gauge.read()
    trader.pause()
    tally.storm += length
    tally.cpu += time.process_time() - cpu
    tally.messages += client.health().messages - messages
    venue.tell("calm")
    tally.calms += 1


def _check_stream(client: Client, rest: Exchange, names: list[str]) -> None:
    assert client.failures == []
    assert _until(lambda: _is_calm(client)), client.health()
    _until(lambda: not _differing(client, rest, names))
    assert _differing(client, rest, names) == []


def _check_account(client: Client, rest: Exchange, since: datetime) -> None:
    _until(lambda: not _unlike(client, rest, since))
    assert _unlike(client, rest, since) == []
    assert client.failures == []
    assert client.fell_back == 0
    assert [key for key, count in client.fills.items() if count > 1] == []
    assert [key for key, count in client.states.items() if count > 1] == []


def _is_calm(client: Client) -> bool:
    """Whether the stream lives, every book is whole and nothing comes any more."""
    before = client.health()
    time.sleep(0.5)
    now = client.health()
    # Degraded is what flapped a moment ago.
    is_whole = now.state in {"live", "degraded"} and not now.stale_books
    return is_whole and now.messages == before.messages and not client.waiting()


def _differing(client: Client, rest: Exchange, markets: list[str]) -> list[str]:
    """Markets whose streamed book is not the venue's."""
    read = rest.fetch_order_books(markets)
    return [
        name
        for name in markets
        if (book := client.books.get(name)) is None
        or book.stale
        or (book.bids, book.asks) != (read[name].bids, read[name].asks)
    ]


def _unlike(client: Client, rest: Exchange, since: datetime) -> list[object]:
    """Fills that were not told once, and orders whose last state was not told."""
    fills = [(x.trade_id, x.order_id) for x in rest.fetch_fills(since=since)]
    told = client.orders
    return [
        *(key for key in fills if client.fills[key] != 1),
        *(
            order
            for order in rest.fetch_orders(since=since)
            if _is_findable(order)
            and (
                (mine := told.get(order.order_id)) is None
                or (mine.status, mine.filled) != (order.status, order.filled)
            )
        ),
    ]


def _is_findable(order: Order) -> bool:
    """Whether another program than the one that placed it can find an order."""
    return VENUE != "polymarket" or order.is_open or order.filled > 0


def _until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.25)
    return is_so()


@contextmanager
def _closing(what: Any) -> Iterator[Any]:
    try:
        yield what
    finally:
        what.close()
