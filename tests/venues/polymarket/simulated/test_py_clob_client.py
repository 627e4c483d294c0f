"""A client that knows nothing of us trades here: the vendor's py-clob-client-v2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

clob = pytest.importorskip("py_clob_client_v2")

from py_clob_client_v2.clob_types import (  # noqa: E402 - once it is there
    AssetType,
    BalanceAllowanceParams,
    BookParams,
    MarketOrderArgs,
    OpenOrderParams,
    OrderArgs,
    OrderMarketCancelParams,
    OrderPayload,
    OrderType,
    PartialCreateOrderOptions,
    PostOrdersV2Args,
    PricesHistoryParams,
    TradeParams,
)
from py_clob_client_v2.exceptions import PolyApiException  # noqa: E402

from unified_exchanges.simulator.server import SimulatorServer  # noqa: E402
from unified_exchanges.venues.polymarket.simulated import (  # noqa: E402
    SimulatedPolymarket,
)

KEY = 0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80
KINDS = ("eoa", "proxy", "safe", "deposit")


@pytest.fixture
def polymarket() -> SimulatedPolymarket:
    return SimulatedPolymarket(seed=7)


@pytest.fixture
def url(polymarket: SimulatedPolymarket) -> Iterator[str]:
    with SimulatorServer(polymarket) as server:
        yield server.url + "/clob"


def client_of(polymarket: SimulatedPolymarket, url: str, kind: Any) -> Any:
    """A client that has made its own API key."""
    wallet = polymarket.add_account(KEY, kind=kind)
    client = clob.ClobClient(
        url,
        chain_id=137,
        key=f"0x{KEY:064x}",
        signature_type=wallet.signature_type,
        funder=wallet.address,
    )
    client.set_api_creds(client.create_or_derive_api_key())
    return client


@pytest.fixture
def client(polymarket: SimulatedPolymarket, url: str) -> Any:
    return client_of(polymarket, url, "deposit")


@pytest.fixture
def listed(polymarket: SimulatedPolymarket) -> Any:
    return polymarket.catalog.find("will-the-fed-cut-rates-in-december")


def test_it_makes_a_key_once_and_finds_it_again(client) -> None:
    assert client.derive_api_key() == client.create_or_derive_api_key()
    assert client.get_api_keys()["apiKeys"] == [client.creds.api_key]


def test_it_reads_books_and_prices(client, listed) -> None:
    token, other = listed.tokens
    book = client.get_order_book(token)
    bid, ask = book["bids"][-1]["price"], book["asks"][-1]["price"]
    assert client.get_midpoint(token) == {"mid": "0.555"}
    assert client.get_price(token, "BUY") == {"price": ask}
    assert client.get_spread(token) == {"spread": "0.01"}
    mirrored = client.get_order_books([BookParams(token_id=other)])
    assert mirrored[0]["asks"][-1]["price"] == str(round(1 - float(bid), 2))


def test_its_hash_of_a_book_is_ours(client, listed) -> None:
    book = client.get_order_book(listed.tokens[0])
    from py_clob_client_v2.utilities import (
        generate_orderbook_summary_hash,
        parse_raw_orderbook_summary,
    )

    parsed = parse_raw_orderbook_summary(book)
    assert generate_orderbook_summary_hash(parsed) == book["hash"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_rests_reads_and_cancels_with_every_kind_of_wallet(
    polymarket, url, listed, kind
) -> None:
    client = client_of(polymarket, url, kind)
    order = OrderArgs(token_id=listed.tokens[0], price=0.4, size=10, side="BUY")
    receipt = client.create_and_post_order(order)
    assert receipt["status"] == "live"
    [row] = client.get_open_orders(OpenOrderParams(market=listed.condition_id))
    assert (row["id"], row["price"], row["size_matched"]) == (
        receipt["orderID"],
        "0.4",
        "0",
    )
    gone = client.cancel_order(OrderPayload(orderID=receipt["orderID"]))
    assert gone == {"canceled": [receipt["orderID"]], "not_canceled": {}}
    assert client.get_open_orders() == []


@pytest.mark.parametrize(
    "slug",
    [
        "will-ada-quimby-be-the-next-mayor-of-springfield",
        "nba-gsw-lal-spread-home-3pt5",
        "ethereum-up-or-down-quarter",
    ],
)
def test_it_signs_for_every_contract_and_tick(client, polymarket, slug) -> None:
    market = polymarket.catalog.find(slug)
    order = OrderArgs(token_id=market.tokens[1], price=0.1, size=10, side="BUY")
    assert client.create_and_post_order(order)["status"] == "live"


def test_it_signs_for_protocol_v2_by_the_id_of_a_position(client, polymarket) -> None:
    market = polymarket.catalog.find("bitcoin-above-120k-on-friday")
    order = OrderArgs(position_id=market.tokens[1], price=0.1, size=10, side="BUY")
    assert client.create_and_post_order(order)["status"] == "live"


def test_it_signs_for_another_contract_and_is_told_so(client, polymarket) -> None:
    market = polymarket.catalog.find("bitcoin-above-120k-on-friday")
    order = OrderArgs(token_id=market.tokens[1], price=0.1, size=10, side="BUY")
    with pytest.raises(PolyApiException, match="order_version_mismatch"):
        client.create_and_post_order(order)


def test_it_takes_and_finds_its_trade_and_its_balances(client, listed) -> None:
    order = MarketOrderArgs(token_id=listed.tokens[0], amount=10, side="BUY", price=0.6)
    receipt = client.create_and_post_market_order(order, order_type=OrderType.FAK)
    assert receipt["status"] == "matched"
    [trade] = client.get_trades(TradeParams(market=listed.condition_id))
    assert (trade["id"], trade["trader_side"]) == (receipt["tradeIDs"][0], "TAKER")
    held = client.get_balance_allowance(
        BalanceAllowanceParams(
            asset_type=AssetType.CONDITIONAL, token_id=listed.tokens[0]
        )
    )
    shares = receipt["takingAmount"]
    assert int(held["balance"]) == round(float(shares) * 1_000_000)


def test_it_posts_a_batch_and_cancels_a_market(client, listed) -> None:
    args = [
        OrderArgs(token_id=listed.tokens[0], price=price, size=10, side="BUY")
        for price in (0.3, 0.31)
    ]
    orders = [
        PostOrdersV2Args(order=client.create_order(each), orderType=OrderType.GTC)
        for each in args
    ]
    results = client.post_orders(orders)
    assert [result["status"] for result in results] == ["live", "live"]
    gone = client.cancel_market_orders(
        OrderMarketCancelParams(market=listed.condition_id)
    )
    assert sorted(gone["canceled"]) == sorted(r["orderID"] for r in results)


def test_it_understands_what_it_is_refused(client, listed) -> None:
    order = OrderArgs(token_id=listed.tokens[0], price=0.4, size=99_999, side="BUY")
    with pytest.raises(PolyApiException, match="not enough balance / allowance"):
        client.create_and_post_order(order)
    order = OrderArgs(token_id=listed.tokens[0], price=0.9, size=10, side="BUY")
    with pytest.raises(PolyApiException, match="order crosses book"):
        client.create_and_post_order(
            order, PartialCreateOrderOptions(), OrderType.GTC, post_only=True
        )


def test_it_reads_markets_history_and_its_heartbeat(client, listed) -> None:
    assert client.get_market(listed.condition_id)["condition_id"] == listed.condition_id
    assert client.get_markets()["count"] > 10
    assert client.get_clob_market_info(listed.condition_id)["mts"] == 0.01
    history = client.get_prices_history(
        PricesHistoryParams(market=listed.tokens[0], interval="1w", fidelity=60)
    )
    assert history["history"] != []
    first = client.post_heartbeat("")["heartbeat_id"]
    assert client.post_heartbeat(first)["heartbeat_id"] != first
    assert client.get_closed_only_mode() == {"closed_only": False}
