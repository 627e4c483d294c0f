"""A client that knows nothing of us follows a book here: pykalshi's feed, from PyPI."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

pykalshi = pytest.importorskip("pykalshi")

from pykalshi.enums import MarketStatus  # noqa: E402 - once it is there
from pykalshi.feed import OrderbookSnapshotMessage  # noqa: E402
from pykalshi.orderbook import OrderbookManager  # noqa: E402

from unified_exchanges.simulator.server import SimulatorServer  # noqa: E402
from unified_exchanges.venues.kalshi.simulated import (  # noqa: E402
    SimulatedKalshi,
    generate_key,
)

from ..contract import PREFIX  # noqa: E402

STREAM = "/trade-api/ws/v2"


@pytest.fixture(autouse=True)
def _unheard(caplog: pytest.LogCaptureFixture) -> None:
    # pykalshi lets its library write the handshake, and with it the key, at DEBUG.
    caplog.set_level(logging.INFO, logger="websockets.client")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[pykalshi.KalshiClient]:
    pair = generate_key("rsa")
    path = tmp_path / "kalshi.pem"
    path.write_text(pair.private_pem)
    kalshi = SimulatedKalshi(seed=7)
    key = kalshi.add_account(public_key=pair.public_key, tier="premier")
    with (
        SimulatorServer(kalshi) as server,
        pykalshi.KalshiClient(
            api_key_id=key.key_id,
            private_key_path=str(path),
            api_base=server.url + PREFIX,
            max_retries=0,
        ) as client,
    ):
        yield client


class Follower:
    """A book kept by pykalshi's own means, and the fills that came with it."""

    def __init__(self, client: pykalshi.KalshiClient, ticker: str) -> None:
        self.book = OrderbookManager(ticker)
        self.fills: list[object] = []
        self.changed = threading.Condition()
        self.feed = client.feed()
        # Its constructor takes no address.
        self.feed._ws_url = client.api_base.replace("http", "ws").replace(
            PREFIX, STREAM
        )
        self.feed.on("orderbook_delta", self.hear_book)
        self.feed.on("fill", self.hear_fill)
        self.feed.subscribe("orderbook_delta", market_ticker=ticker)
        self.feed.subscribe("fill")

    def hear_book(self, message) -> None:
        with self.changed:
            if isinstance(message, OrderbookSnapshotMessage):
                self.book.apply_snapshot(message.yes_dollars, message.no_dollars)
            else:
                self.book.apply_delta(
                    message.side, message.price_dollars, message.delta_fp
                )
            self.changed.notify()

    def hear_fill(self, message) -> None:
        with self.changed:
            self.fills.append(message)
            self.changed.notify()

    def levels(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        sides = (self.book.yes, self.book.no)
        return tuple({Decimal(p): Decimal(n) for p, n in s.items()} for s in sides)

    def until(self, holds) -> bool:
        with self.changed:
            return self.changed.wait_for(holds, timeout=10)


def first(client):
    listed = client.get_markets(status=MarketStatus.OPEN, series_ticker="KXHIGHNY")
    return listed[0].ticker


def rest_levels(client, ticker):
    book = client.get_market(ticker).get_orderbook().orderbook
    sides = (book.yes_dollars, book.no_dollars)
    return tuple({Decimal(p): Decimal(n) for p, n in s or ()} for s in sides)


def test_pykalshis_feed_follows_a_book_to_what_rest_says(client) -> None:
    ticker = first(client)
    follower = Follower(client, ticker)
    with follower.feed:
        assert follower.until(lambda: follower.book.yes)
        ask = client.get_market(ticker).yes_ask_dollars
        for price, size in (("0.0100", "5.00"), ("0.0200", "7.00"), (ask, "3.00")):
            client.portfolio.place_order(
                ticker, book_side="bid", price_dollars=price, count_fp=size
            )
        assert follower.until(lambda: follower.fills)
        expected = rest_levels(client, ticker)
        assert follower.until(lambda: follower.levels() == expected)
    assert follower.fills[0].count_fp == "3.00"


def test_pykalshis_feed_has_no_warning_about_any_message(client, caplog) -> None:
    ticker = first(client)
    follower = Follower(client, ticker)
    for channel in ("ticker", "trade", "user_orders", "market_positions"):
        follower.feed.subscribe(channel)
    with follower.feed:
        assert follower.until(lambda: follower.book.yes)
        ask = client.get_market(ticker).yes_ask_dollars
        client.portfolio.place_order(
            ticker, book_side="bid", price_dollars=ask, count_fp="1.00"
        )
        assert follower.until(lambda: follower.fills)
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []
