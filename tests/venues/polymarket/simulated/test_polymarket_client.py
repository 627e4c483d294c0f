"""The vendor's newer SDK trades here too, its sockets included: polymarket-client.

It wants an older `websockets` than the test group has, so it has an environment of its
own: ``tox -e sdk``. Only its addresses are changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

sdk = pytest.importorskip("polymarket")

from polymarket.environments import (  # noqa: E402 - once it is there
    PRODUCTION,
    _create_environment,
)
from polymarket.errors import RequestRejectedError  # noqa: E402
from polymarket.streams import MarketSpec, UserSpec  # noqa: E402

from unified_exchanges.simulator.server import SimulatorServer  # noqa: E402
from unified_exchanges.venues.polymarket.simulated import (  # noqa: E402
    PolymarketSettings,
    SimulatedPolymarket,
)

pytestmark = pytest.mark.filterwarnings("ignore")

KEY = 0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80
SLUG = "will-the-fed-cut-rates-in-december"


@pytest.fixture
def polymarket() -> SimulatedPolymarket:
    settings = PolymarketSettings(mined=0.05, confirmed=0.1)
    return SimulatedPolymarket(seed=7, settings=settings)


@pytest.fixture
def environment(polymarket: SimulatedPolymarket) -> Iterator[Any]:
    with SimulatorServer(polymarket) as server:
        socket = server.url.replace("http", "ws", 1)
        config = replace(
            PRODUCTION._config,
            clob_url=server.url + "/clob",
            gamma_url=server.url + "/gamma",
            data_url=server.url + "/data",
            relayer_url=server.url + "/relayer",
            clob_market_ws_url=socket + "/ws/market",
            clob_user_ws_url=socket + "/ws/user",
        )
        yield _create_environment(name="simulated", config=config)


@pytest.fixture(params=["eoa", "proxy", "safe", "deposit"])
def client(request, polymarket, environment) -> Iterator[Any]:
    wallet = polymarket.add_account(KEY, kind=request.param)
    made = sdk.SecureClient.create(
        private_key=f"0x{KEY:064x}", wallet=wallet.address, environment=environment
    )
    yield made
    made.close()


def test_it_finds_the_default_wallet_by_itself(polymarket, environment) -> None:
    wallet = polymarket.add_account(KEY)
    made = sdk.SecureClient.create(private_key=f"0x{KEY:064x}", environment=environment)
    assert str(made.wallet) == wallet.address
    made.close()


def test_it_reads_the_catalog(client) -> None:
    markets = client.list_markets().first_page().items
    assert len(markets) == 15
    event = client.get_event(slug="who-will-be-the-next-mayor-of-springfield")
    assert len(event.markets) == 4
    assert client.get_market(slug=SLUG).outcomes.yes.label == "Yes"
    assert client.search(q="mayor").first_page().items[0].events[0].id == event.id
    assert client.list_tags().first_page().items != ()
    assert client.get_sports()[0].sport == "nba"


def test_it_reads_closed_markets_and_their_results(client) -> None:
    closed = client.list_markets(closed=True).first_page().items
    assert {m.slug: m.outcomes.yes.price for m in closed} == {
        "will-globex-be-the-largest-company": Decimal(1),
        "will-initech-be-the-largest-company": Decimal(0),
        "nba-chi-bos": Decimal("0.5"),
    }


def test_it_trades_and_reads_what_came_of_it(client, polymarket) -> None:
    token = polymarket.catalog.find(SLUG).tokens[0]
    resting = client.place_limit_order(
        token_id=token, price="0.4", size="10", side="BUY"
    )
    assert (resting.ok, resting.status) == (True, "live")
    [order] = client.list_open_orders().first_page().items
    assert (order.id, order.price) == (resting.order_id, Decimal("0.4"))
    taken = client.place_market_order(token_id=token, amount="10", side="BUY")
    assert taken.status == "matched"
    [trade] = client.list_account_trades().first_page().items
    assert trade.id == taken.trade_ids[0]
    gone = client.cancel_all()
    assert gone.canceled == (resting.order_id,)


def test_it_trades_on_every_contract(client, polymarket) -> None:
    for slug in (
        "will-ada-quimby-be-the-next-mayor-of-springfield",
        "bitcoin-above-120k-on-friday",
        "nba-gsw-lal-spread-home-3pt5",
    ):
        token = polymarket.catalog.find(slug).tokens[1]
        placed = client.place_limit_order(
            token_id=token, price="0.1", size="10", side="BUY"
        )
        assert placed.status == "live"


def test_it_reads_the_data_api(client, polymarket) -> None:
    token = polymarket.catalog.find(SLUG).tokens[0]
    client.place_market_order(token_id=token, amount="10", side="BUY")
    polymarket.settings.mined = 0
    [position] = client.list_positions().first_page().items
    assert position.asset_id == token
    assert client.get_portfolio_value().value > 0
    history = client.list_price_history(asset_id=token, interval="1w").first_page()
    assert history.items != ()
    assert client.get_notifications() != ()
    assert client.get_closed_only_mode() is False


def test_it_understands_what_it_is_refused(client, polymarket) -> None:
    token = polymarket.catalog.find(SLUG).tokens[0]
    with pytest.raises(RequestRejectedError, match="not enough balance"):
        client.place_limit_order(token_id=token, price="0.4", size="99999", side="BUY")


async def test_it_follows_the_sockets(polymarket, environment) -> None:
    wallet = polymarket.add_account(KEY)
    listed = polymarket.catalog.find(SLUG)
    async with await sdk.AsyncSecureClient.create(
        private_key=f"0x{KEY:064x}", wallet=wallet.address, environment=environment
    ) as client:
        market = await client.subscribe(
            MarketSpec(asset_ids=listed.tokens, custom_feature_enabled=True)
        )
        user = await client.subscribe(UserSpec())
        await asyncio.sleep(0.3)
        await client.place_market_order(
            token_id=listed.tokens[0], amount="10", side="BUY"
        )
        await client.place_limit_order(
            token_id=listed.tokens[0], price="0.4", size="10", side="BUY"
        )
        public = await heard(market, "price_change")
        private = await heard(user, "CONFIRMED")
    assert public == ["book", "last_trade_price", "price_change"]
    assert private == ["MATCHED", "MINED", "CONFIRMED"]


async def heard(stream: Any, last: str) -> list[str]:
    """The kinds of what came, each once, until the last one."""
    found: dict[str, None] = {}
    async with asyncio.timeout(10):
        async for event in stream:
            payload = event.payload
            word = getattr(payload, "status", None) or event.type
            if word in {"best_bid_ask", "LIVE"} or event.type == "order":
                continue
            found[str(word)] = None
            if word == last:
                return list(found)
    return list(found)
