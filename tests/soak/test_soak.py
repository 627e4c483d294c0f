"""Minutes at thousands of messages a second, broken in every way, and nothing is wrong.

``UNIFIED_EXCHANGES_SOAK_MINUTES`` says how long (10), ``…_SOAK_FLAVOUR`` on what:
``websockets``, ``aiohttp`` or ``blocking``; ``…_SOAK_ACTIONS`` what each market does in
a second. Every storm is followed by a calm, in which all that was told must be what the
venue says over REST.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import Exchange, LimitPolicy, exchange

from .client import Client, connect
from .trader import Trader

MINUTES = float(os.environ.get("UNIFIED_EXCHANGES_SOAK_MINUTES", "10"))
FLAVOUR = os.environ.get("UNIFIED_EXCHANGES_SOAK_FLAVOUR", "websockets")
ACTIONS = os.environ.get("UNIFIED_EXCHANGES_SOAK_ACTIONS", "28")
STORM = 40.0
PATIENCE = 40.0
MEGABYTE = 1024 * 1024


@attrs.define
class Venue:
    """The process of the venue."""

    process: subprocess.Popen[str]
    account: dict[str, str]
    struck: Counter[str] = attrs.field(factory=Counter)

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        self.struck = Counter(json.loads(self.process.stdout.readline())["struck"])


@pytest.fixture
def venue() -> Iterator[Venue]:
    command = [sys.executable, "-m", "tests.soak.venue", "7", ACTIONS]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        account = {"environment": told.pop("url"), **told}
        yield Venue(process, account)
        process.stdin.close()


@attrs.define
class Gauge:
    """What the process of the client uses; the most of it since it was warm."""

    client: Client
    peak: dict[str, float] = attrs.field(factory=dict)
    first: dict[str, float] = attrs.field(factory=dict)

    def read(self) -> dict[str, float]:
        found = {
            "rss": _resident(),
            "threads": threading.active_count(),
            "files": len(os.listdir("/proc/self/fd")),
            "tasks": self.client.tasks(),
            "waiting": self.client.waiting(),
        }
        self.first = self.first or found
        self.peak = {k: max(v, self.peak.get(k, v)) for k, v in found.items()}
        return found


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


@contextmanager
def watched(client: Client) -> Iterator[Client]:
    try:
        yield client
    finally:
        client.close()


def until(is_so: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.25)
    return is_so()


def is_calm(client: Client) -> bool:
    """Whether the stream lives, every book is whole and nothing comes any more."""
    before = client.health()
    time.sleep(0.5)
    now = client.health()
    # Degraded is what flapped a moment ago.
    is_whole = now.state in {"live", "degraded"} and not now.stale_books
    return is_whole and now.messages == before.messages and not client.waiting()


def differing(client: Client, rest: Exchange, markets: list[str]) -> list[str]:
    """Markets whose streamed book is not the venue's."""
    read = rest.fetch_order_books(markets)
    return [
        name
        for name in markets
        if (book := client.books.get(name)) is None
        or book.stale
        or (book.bids, book.asks) != (read[name].bids, read[name].asks)
    ]


def unlike(client: Client, rest: Exchange, since: Any) -> dict[str, Any]:
    """Fills and orders since a time that the client was told otherwise."""
    fills = [(x.trade_id, x.order_id) for x in rest.fetch_fills(since=since)]
    orders = rest.fetch_orders(since=since)
    told = client.orders
    return {
        "fills": [key for key in fills if client.fills[key] != 1],
        "orders": [
            (x.order_id, str(x.status), told.get(x.order_id))
            for x in orders
            if (mine := told.get(x.order_id)) is None
            or (mine.status, mine.filled) != (x.status, x.filled)
        ],
    }


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 * 4 + 600)
def test_minutes_of_storms_leave_nothing_wrong(
    venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = LimitPolicy(enabled=False, discover=False)
    with exchange("kalshi", **venue.account, limits=limits) as rest:
        markets = [m for m in rest.fetch_markets() if m.bid and m.ask]
        names = [market.market_id for market in markets]
        begun = time.time()
        with watched(connect(FLAVOUR, venue.account, names)) as client:
            trader = Trader(rest, markets)
            try:
                told = _soak(venue, client, trader, rest, names, begun)
            finally:
                trader.close()
        with capsys.disabled():
            sys.stdout.write("\n" + "\n".join(told) + "\n")


def _soak(
    venue: Venue,
    client: Client,
    trader: Trader,
    rest: Exchange,
    names: list[str],
    begun: float,
) -> list[str]:
    from datetime import UTC, datetime, timedelta

    since = datetime.fromtimestamp(begun, UTC) - timedelta(seconds=5)
    gauge = Gauge(client)
    busy = stormy = 0.0
    messages = calms = 0
    wall = time.monotonic()
    while stormy < MINUTES * 60:
        length = min(STORM, MINUTES * 60 - stormy + 0.01)
        before, cpu = client.health().messages, time.process_time()
        venue.tell("storm")
        trader.resume()
        end = time.monotonic() + length
        while time.monotonic() < end:
            time.sleep(1)
            gauge.read()
        trader.pause()
        stormy += length
        busy += time.process_time() - cpu
        messages += client.health().messages - before
        venue.tell("calm")
        calms += 1

        assert until(lambda: is_calm(client)), client.health()
        until(lambda: not differing(client, rest, names))
        assert differing(client, rest, names) == []
        nothing: dict[str, Any] = {"fills": [], "orders": []}
        until(lambda: unlike(client, rest, since) == nothing)
        assert unlike(client, rest, since) == nothing
        assert client.failures == []
        assert client.fell_back == 0
        assert [key for key, count in client.fills.items() if count > 1] == []
        assert [key for key, count in client.states.items() if count > 1] == []
        if calms == 1:
            # What is warm by now is the measure.
            gauge.first = gauge.read()
        sys.stderr.write(f"calm {calms} after {stormy:.0f} s: {gauge.read()}\n")
    assert gauge.peak["rss"] - gauge.first["rss"] < 40
    assert gauge.peak["threads"] - gauge.first["threads"] <= 6
    assert gauge.peak["files"] - gauge.first["files"] <= 12
    assert gauge.peak["tasks"] <= 30
    assert gauge.peak["waiting"] <= len(names) + 1000
    health = client.health()
    faults = sum(venue.struck.values())
    return [
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{os.cpu_count()} cores, flavour {FLAVOUR}",
        f"{stormy / 60:.1f} minutes of storm in {calms} pieces, "
        f"{(time.monotonic() - wall) / 60:.1f} minutes in all, {len(names)} markets",
        f"{messages:,} messages in storms, {messages / stormy:,.0f} a second; "
        f"{client.told:,} books taken, {health.folded:,} folded",
        f"{faults:,} faults: "
        + ", ".join(f"{k} {v}" for k, v in venue.struck.most_common()),
        f"{health.connections} connections, {health.gaps} gaps, {health.duplicates} "
        f"duplicates, {health.missed} orders and fills found over REST, "
        f"{health.reconciliations} reconciliations",
        f"{len(client.fills):,} fills once each, {len(client.states):,} order states of "
        f"{len(client.orders):,} orders once each, books equal at {calms} calm points",
        f"CPU {busy / stormy:.0%} of one core; RSS {gauge.first['rss']:.0f} MB when warm, "
        f"{gauge.peak['rss']:.0f} MB at most; threads {gauge.peak['threads']:.0f}, tasks "
        f"{gauge.peak['tasks']:.0f}, files {gauge.peak['files']:.0f}, waiting "
        f"{gauge.peak['waiting']:.0f} at most",
    ]
