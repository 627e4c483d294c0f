"""A client that knows nothing of us trades here: pykalshi, from PyPI."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

pykalshi = pytest.importorskip("pykalshi")

from pykalshi.enums import MarketStatus, OrderStatus  # noqa: E402 - once it is there
from pykalshi.exceptions import (  # noqa: E402
    AuthenticationError,
    InsufficientFundsError,
    KalshiAPIError,
    ResourceNotFoundError,
)

from unified_exchanges.simulator.server import SimulatorServer  # noqa: E402
from unified_exchanges.venues.kalshi.simulated import (  # noqa: E402
    SimulatedKalshi,
    generate_key,
)

from .contract import PREFIX  # noqa: E402


@pytest.fixture(scope="module")
def key_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, object]]:
    pair = generate_key("rsa")
    path = tmp_path_factory.mktemp("keys") / "kalshi.pem"
    path.write_text(pair.private_pem)
    return path, pair.public_key


@pytest.fixture
def client(key_path) -> Iterator[pykalshi.KalshiClient]:
    path, public_key = key_path
    kalshi = SimulatedKalshi(seed=7)
    key = kalshi.add_account(public_key=public_key, tier="premier", history=True)
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


@pytest.fixture
def market(client):
    """An open market on shard 0: pykalshi routes no cancels to other shards."""
    return client.get_markets(status=MarketStatus.OPEN, series_ticker="KXHIGHNY")[0]


def rest(client, market):
    return client.portfolio.place_order(
        market.ticker,
        book_side="bid",
        price_dollars="0.0100",
        count_fp="5.00",
        client_order_id="mine",
    )


def test_pykalshi_lists_all_pages_of_markets(client) -> None:
    one_page = client.get_markets(status=MarketStatus.OPEN, limit=1000)
    pages = client.get_markets(status=MarketStatus.OPEN, limit=7, fetch_all=True)
    assert [m.ticker for m in pages] == [m.ticker for m in one_page]


def test_pykalshi_reads_a_book(client, market) -> None:
    book = client.get_market(market.ticker).get_orderbook()
    best = Decimal(book.best_yes_bid)
    assert best == Decimal(market.yes_bid_dollars)


def test_pykalshi_rests_amends_decreases_and_cancels(client, market) -> None:
    order = rest(client, market)
    assert order.status == OrderStatus.RESTING
    order.amend(count_fp="8.00", price_dollars="0.0200")
    order.decrease("2.00")
    order.refresh()
    assert (order.yes_price_dollars, order.remaining_count_fp) == ("0.0200", "6.00")
    order.cancel()
    assert order.refresh().status == OrderStatus.CANCELED


def test_pykalshi_trades_and_finds_its_fill_and_its_position(client, market) -> None:
    order = client.portfolio.place_order(
        market.ticker,
        book_side="bid",
        price_dollars=market.yes_ask_dollars,
        count_fp="3.00",
    )
    assert order.status == OrderStatus.EXECUTED
    [fill] = client.portfolio.get_fills(order_id=order.order_id)
    assert (fill.count_fp, fill.yes_price_dollars) == ("3.00", market.yes_ask_dollars)
    [position] = client.portfolio.get_positions(ticker=market.ticker)
    assert position.position_fp == "3.00"


def test_pykalshi_places_and_cancels_a_batch(client, market) -> None:
    base = {
        "ticker": market.ticker,
        "action": "buy",
        "side": "yes",
        "count_fp": "1.00",
        "yes_price_dollars": "0.0100",
    }
    placed = client.portfolio.batch_place_orders([base, {**base, "count_fp": "2.00"}])
    cancelled = client.portfolio.batch_cancel_orders([o.order_id for o in placed])
    assert [o.order_id for o in cancelled] == [o.order_id for o in placed]
    assert client.portfolio.get_orders(status=OrderStatus.RESTING) == []


def test_pykalshi_reads_balance_status_and_settlements(client) -> None:
    assert client.portfolio.get_balance().balance == 4_000_000
    assert client.exchange.get_status().trading_active
    assert client.portfolio.get_settlements() != []


def test_pykalshi_understands_what_it_is_refused(client, market) -> None:
    with pytest.raises(InsufficientFundsError):
        client.portfolio.place_order(
            market.ticker, book_side="bid", price_dollars="0.5", count_fp="99999"
        )
    with pytest.raises(ResourceNotFoundError):
        client.portfolio.cancel_order("00000000-0000-0000-0000-000000000000")
    rest(client, market)
    with pytest.raises(KalshiAPIError, match="order already exists"):
        rest(client, market)


def test_pykalshi_with_an_unknown_key_is_refused(client) -> None:
    client.api_key_id = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(AuthenticationError):
        client.portfolio.get_balance()
