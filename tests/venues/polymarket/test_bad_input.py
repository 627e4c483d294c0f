"""What a caller gets wrong is told, with what to do, and before it is sent if it can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

import unified_exchanges as ux
from tests.canary import guarded
from tests.watching.face import FAST, FREE, Face
from unified_exchanges.errors import (
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    DuplicateOrderId,
    EventNotFound,
    InsufficientFunds,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketNotFound,
    OrderNotFound,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket
from unified_exchanges.venues.polymarket.simulated.wallets import Wallet

KEY = f"{0x5EED_0F_A_7E57:064x}"
TICKER = "KXHIGHNY-26NOV21-T60"
FUNDER = "0x1111111111111111111111111111111111111111"
PASSWORD = "of-no-venue"
SLUG = "will-the-fed-cut-rates-in-december"


class Ear:
    """A venue that keeps what it is asked."""

    def __init__(self, venue: SimulatedPolymarket) -> None:
        self.venue = venue
        self.requests: list[Request] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.requests.append(request)
        return self.venue.handle(request, lag=lag)


@attrs.define
class Scene:
    """A simulated Polymarket on a real socket, and a trader who has read its markets."""

    ear: Ear
    url: str
    driver: str
    wallet: Wallet
    faces: list[Face] = attrs.field(factory=list)
    face: Any = None
    market: Any = None
    other: Any = None

    def made(self, **settings: Any) -> Face:
        options = {
            "funder": self.wallet.address,
            "signature_type": self.wallet.signature_type,
        }
        given = {"private_key": KEY, "options": options, **settings}
        guarded(**{k: v for k, v in given.items() if isinstance(v, str)})
        face = Face(
            self.driver,
            FAST,
            venue="polymarket",
            environment=self.url,
            limits=FREE,
            **given,
        )
        self.faces.append(face)
        return face

    @property
    def venue(self) -> SimulatedPolymarket:
        return self.ear.venue

    @property
    def asked(self) -> list[str]:
        """The requests that came since the trader was ready."""
        paths = (x.url.split("/", 3)[3] for x in self.ear.requests)
        return [
            f"{x.method} /{p}" for x, p in zip(self.ear.requests, paths, strict=True)
        ]

    def buy(self, **terms: Any) -> Any:
        usual = {
            "market_id": self.market.market_id,
            "outcome": self.market.outcomes[0].label,
            "side": "buy",
            "price": self.market.grid.lowest,
            "size": 10,
        }
        return self.face.call("create_order", **{**usual, **terms})

    def refused(self, kind: type[Exception], **terms: Any) -> str:
        """What is told of an order that is refused by an error of exactly this kind."""
        with pytest.raises(kind) as caught:
            self.buy(**terms)
        assert type(caught.value) is kind
        return str(caught.value).removeprefix("polymarket: ")


@pytest.fixture(params=["blocking", "aiohttp"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    venue = SimulatedPolymarket(enforce_limits=False)
    wallet = venue.add_account(int(KEY, 16))
    ear = Ear(venue)
    with SimulatorServer(ear) as server:
        scene = Scene(ear, server.url, request.param, wallet)
        scene.face = scene.made()
        markets: list[Market] = scene.face.call("fetch_markets")
        listed = venue.catalog.find(SLUG)
        [scene.market] = [m for m in markets if m.market_id == listed.condition_id]
        scene.other = next(m for m in markets if m.market_id != listed.condition_id)
        # What an order needs to know of its market, and the API key.
        order = scene.buy()
        scene.face.call("cancel_order", order.order_id)
        ear.requests.clear()
        yield scene
        for face in scene.faces:
            face.close()


# -- known before anything is sent -----------------------------------------------------


def test_a_token_of_another_market_is_no_outcome(scene: Scene) -> None:
    token = scene.other.outcomes[0].outcome_id
    yes, no = scene.market.outcomes
    assert scene.refused(InvalidOrder, outcome=token) == (
        f"market {scene.market.market_id} has no outcome {token!r}; it has: "
        f"{yes.label} ({yes.outcome_id}), {no.label} ({no.outcome_id})"
    )
    with pytest.raises(BadRequest, match=f"has no outcome '{token}'; it has: yes"):
        scene.face.call("fetch_order_book", scene.market.market_id, outcome=token)
    assert scene.asked == []


def test_an_outcome_itself_is_told_to_be_named_by_its_label(scene: Scene) -> None:
    first = scene.market.outcomes[0]
    told = f"pass its label, {first.label!r}"
    assert told in scene.refused(InvalidOrder, outcome=first)
    with pytest.raises(BadRequest, match=told):
        scene.face.call("fetch_order_book", scene.market.market_id, outcome=first)
    wrong: Any = first
    with pytest.raises(BadRequest, match=told):
        scene.market.outcome(wrong)
    assert scene.asked == []


def test_the_token_of_an_outcome_is_that_outcome(scene: Scene) -> None:
    second = scene.market.outcomes[1]
    order = scene.buy(outcome=second.outcome_id)
    assert (order.outcome, order.market_id) == (second.label, scene.market.market_id)


def test_a_price_off_the_grid_is_refused_with_the_nearest(scene: Scene) -> None:
    step = scene.market.grid.bands[0].step
    price = scene.market.grid.lowest + step + step / 2
    low, high = scene.market.grid.lowest + step, scene.market.grid.lowest + 2 * step
    assert scene.refused(InvalidPrice, price=price) == (
        f"price {price} is not on the market's grid; nearest: {low} or {high}"
    )


def test_cents_are_no_dollars(scene: Scene) -> None:
    assert scene.refused(InvalidPrice, price=29) == (
        "price 29 is not between 0 and 1 dollar; for 29 cents pass 0.29"
    )
    assert scene.asked == []


def test_a_size_under_the_minimum_is_refused(scene: Scene) -> None:
    assert scene.refused(InvalidSize, size=1) == (
        "size 1 is below the minimum of 5 contracts"
    )
    assert scene.refused(InvalidSize, size="5.001") == (
        "size 5.001 is not a multiple of 0.01; nearest: 5 or 5.01"
    )
    assert scene.asked == []


def test_what_takes_at_once_is_worth_a_dollar_in_whole_cents(scene: Scene) -> None:
    take = {"price": scene.market.ask, "time_in_force": "ioc"}
    poor = scene.refused(InvalidSize, size=1, **take)
    assert "costs less than a dollar" in poor
    assert "is the least size at this price" in poor
    broken = scene.refused(InvalidSize, size="33.33", **take)
    assert "in whole cents only; nearest sizes at this price: " in broken
    assert scene.asked == []


NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("terms", "kind", "told"),
    [
        (
            {"expires_at": NOW - timedelta(days=1)},
            InvalidOrder,
            "is too soon: an order",
        ),
        ({"expires_at": NOW + timedelta(seconds=30)}, InvalidOrder, "two minutes at"),
        ({"expires_at": datetime(2030, 1, 1)}, InvalidOrder, "no time zone"),  # noqa: DTZ001
        (
            {"expires_at": NOW + timedelta(hours=1), "time_in_force": "ioc"},
            InvalidOrder,
            "belongs to orders that rest",
        ),
        (
            {"post_only": True, "time_in_force": "fok"},
            InvalidOrder,
            "time_in_force must be gtc",
        ),
        ({"reduce_only": True}, InvalidOrder, "sell what is held"),
        ({"size": 1e-7}, InvalidSize, "size 0.0000001 is below the minimum of 5"),
        ({"price": 1e-7}, InvalidPrice, "not on the market's grid; nearest: 0.01"),
        ({"price": 0.1 + 0.2}, InvalidPrice, "nearest: 0.3 or 0.31"),
        ({"price": Decimal("NaN")}, InvalidPrice, "is not a finite number"),
        ({"price": float("inf")}, InvalidPrice, "is not a finite number"),
        ({"price": True}, InvalidPrice, "is a truth value, not a number"),
        ({"size": True}, InvalidSize, "is a truth value, not a number"),
        ({"size": Decimal("Infinity")}, InvalidSize, "is not a finite number"),
        ({"size": -10}, InvalidSize, "size -10 is below the minimum of 5"),
        ({"size": 0}, InvalidSize, "size 0 is below the minimum of 5"),
        ({"price": -0.5}, InvalidPrice, "not between 0 and 1 dollar"),
        ({"price": None}, ArgumentsRequired, "needs price=, dollars between 0 and 1"),
        ({"side": "long"}, InvalidOrder, "neither 'buy' nor 'sell'"),
        ({"client_order_id": ""}, InvalidOrder, "is not a printable text"),
    ],
)
def test_a_slip_in_what_is_ordered_is_told_before_anything_leaves(
    scene: Scene, terms: dict[str, Any], kind: type[Exception], told: str
) -> None:
    assert told in scene.refused(kind, **terms)
    assert scene.asked == []


def test_a_client_order_id_stands_for_one_order(scene: Scene) -> None:
    first = scene.buy(client_order_id="mine")
    assert scene.buy(client_order_id="mine").order_id == first.order_id
    told = scene.refused(DuplicateOrderId, client_order_id="mine", size=11)
    assert "nothing new was placed. Use a new id" in told
    assert [x.order_id for x in scene.face.call("fetch_open_orders")] == [
        first.order_id
    ]


IDS = (
    "Polymarket's are condition ids, 0x and 64 hexadecimal digits (Market.market_id); by "
    'a slug or a token they are found with fetch_markets(status="all", params={"slug": '
    '…}) or {"clob_token_ids": …}'
)


def test_a_ticker_of_kalshi_is_no_market(scene: Scene) -> None:
    told = f"no market {TICKER!r}: {IDS}"
    assert scene.refused(MarketNotFound, market_id=TICKER) == told
    for name in ("fetch_market", "fetch_order_book", "fetch_ticker", "fetch_trades"):
        with pytest.raises(MarketNotFound) as caught:
            scene.face.call(name, TICKER)
        assert str(caught.value) == f"polymarket: {told}"
    with pytest.raises(EventNotFound, match="Polymarket's are numbers"):
        scene.face.call("fetch_event", "KXHIGHNY-26NOV21")
    with pytest.raises(OrderNotFound, match="Polymarket's are hashes"):
        scene.face.call("cancel_order", "0f8fad5b-d9cd-469f-a165-70867728950e")
    assert scene.asked == []


@pytest.mark.parametrize("name", ["order_book", "ticker", "trades"])
def test_a_ticker_of_kalshi_is_not_followed(scene: Scene, name: str) -> None:
    with pytest.raises(MarketNotFound, match=f"no market '{TICKER}': Polymarket's are"):
        scene.face.watch(name, TICKER).next()
    assert scene.asked == []


def test_a_slug_and_a_token_are_no_market(scene: Scene) -> None:
    token = scene.market.outcomes[0].outcome_id
    for wrong in (SLUG, token):
        assert scene.refused(MarketNotFound, market_id=wrong) == (
            f"no market of {len(wrong)} characters: {IDS}"
        )
    assert scene.asked == []


SIZES = "64 hexadecimal digits"


@pytest.mark.parametrize(
    ("key", "kind", "told"),
    [
        (
            KEY[:-2],
            AuthenticationError,
            "has 62 hexadecimal digits; a private key has 64",
        ),
        (f"0x{KEY}00", AuthenticationError, "has 66 hexadecimal digits"),
        (
            FUNDER,
            AuthenticationError,
            "40 are an address, which belongs into options funder",
        ),
        ("0" * 64, AuthenticationError, "is outside the range of keys"),
        ("", AuthenticationError, "is empty"),
        (f"{KEY[:-1]}g", BadRequest, f"is neither {SIZES} nor a file that can be read"),
        (bytes.fromhex(KEY), BadRequest, f"is {SIZES} or a path, not bytes"),
        (int(KEY, 16), BadRequest, f"is {SIZES} or a path, not int"),
    ],
)
def test_what_is_no_key_is_told_without_showing_it(
    scene: Scene, key: Any, kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind) as caught:
        scene.made(private_key=key)
    assert type(caught.value) is kind
    said = str(caught.value)
    assert said.startswith("polymarket: private_key")
    assert told in said
    assert KEY[-12:-2] not in said
    assert scene.asked == []


@pytest.mark.parametrize("form", [KEY, f"0x{KEY}", f"0X{KEY.upper()}", f" {KEY}\n"])
def test_a_key_comes_with_or_without_0x(scene: Scene, form: str) -> None:
    assert scene.made(private_key=form).call("fetch_balance").available == 10_000


KINDS = (
    "0 (the key's own address), 1 (account made by e-mail), 2 (Gnosis Safe, account made "
    "with a browser's wallet) or 3 (deposit wallet, accounts since May 2026)"
)


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        (
            {"funder": "me", "signature_type": 3},
            BadRequest,
            "funder 'me' is not an address",
        ),
        ({"funder": 5, "signature_type": 3}, BadRequest, "funder is not an address"),
        (
            {
                "funder": "0xF39fd6e51aad88f6f4ce6ab8827279cfffb92266",
                "signature_type": 2,
            },
            BadRequest,
            "has a wrong checksum, so that a digit may be wrong",
        ),
        (
            {"funder": FUNDER, "signature_type": 0},
            BadRequest,
            f"leave funder away, or pass another type: {KINDS}",
        ),
        (
            {"funder": FUNDER, "signature_type": 4},
            BadRequest,
            f"signature_type is {KINDS}, not 4",
        ),
        (
            {"funder": FUNDER},
            ArgumentsRequired,
            f"options={{'signature_type': …}}: {KINDS}",
        ),
        ({"chain_id": 80002}, BadRequest, "settles on Polygon (chain 137)"),
        ({"chain": "amoy"}, BadRequest, "practise on the simulated venue"),
    ],
)
def test_a_wallet_that_cannot_be_is_refused_when_it_is_named(
    scene: Scene, options: dict[str, Any], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind) as caught:
        scene.made(options=options)
    assert type(caught.value) is kind
    assert told in str(caught.value)
    assert scene.asked == []


# -- what only the venue knows ---------------------------------------------------------


def test_a_grid_that_changed_is_told_by_the_venue_and_then_known(scene: Scene) -> None:
    fine = scene.market.grid.lowest
    coarse = Decimal("0.1")
    scene.venue.change_tick(scene.venue.catalog.find(SLUG), coarse)
    told = scene.refused(InvalidPrice, price=fine * 3)
    assert f"breaks minimum tick size rule: {coarse}" in told
    assert told.endswith(
        "The price is not on the market's grid, which may have changed: read the market "
        "again (market.grid)"
    )
    assert scene.asked == ["POST /clob/order"]
    # It was asked again, and what is off the new grid leaves no more.
    scene.ear.requests.clear()
    assert scene.refused(InvalidPrice, price=fine * 3) == (
        f"price {fine * 3} is not on the market's grid; nearest: 0.1"
    )
    assert [x for x in scene.asked if x.startswith("POST")] == []


def test_a_missing_allowance_is_told_with_the_contract(scene: Scene) -> None:
    scene.wallet.allowances.clear()
    told = scene.refused(InsufficientFunds)
    assert "(not enough balance / allowance)" in told
    listed = scene.venue.catalog.find(SLUG)
    assert f"the exchange's contract {listed.exchange.address} may take 0" in told
    assert "allow it more on chain (pUSD approve)" in told


def test_a_missing_approval_of_shares_is_told_with_the_contract(scene: Scene) -> None:
    take = {"price": scene.market.ask, "time_in_force": "ioc"}
    assert scene.buy(size=100, **take).filled > 0
    scene.wallet.approved.clear()
    told = scene.refused(
        InsufficientFunds, side="sell", price=scene.market.ask, size=10
    )
    assert "allow it more on chain (setApprovalForAll)" in told


def test_shares_that_are_not_held_are_told(scene: Scene) -> None:
    told = scene.refused(
        InsufficientFunds, side="sell", price=scene.market.ask, size=10
    )
    assert "Free are 0 shares of yes, and 10 are needed" in told


@pytest.mark.parametrize("kind", [1, 2])
def test_a_wrong_signature_type_is_refused_when_it_is_named(
    scene: Scene, kind: int
) -> None:
    options = {"funder": scene.wallet.address, "signature_type": kind}
    with pytest.raises(BadRequest, match=f"signature_type 3, not of {kind}"):
        scene.made(options=options)


@pytest.mark.parametrize("kind", [1, 2])
def test_a_wallet_of_another_type_is_told_to_be_one(scene: Scene, kind: int) -> None:
    scene.face = scene.made(options={"funder": FUNDER, "signature_type": kind})
    told = scene.refused(AuthenticationError)
    assert (
        "The order's wallet, its type, the private key and the API key do not belong "
        "together: check options['funder'] and options['signature_type'], as "
        "polymarket.com shows them for the account"
    ) in told
    assert f"makes for this private key with signature_type {kind}, which is 0x" in told


def test_a_wallet_of_somebody_else_is_told_to_be_one(scene: Scene) -> None:
    scene.face = scene.made(options={"funder": FUNDER, "signature_type": 3})
    told = scene.refused(AuthenticationError)
    assert "check options['funder'] and options['signature_type']" in told


@pytest.mark.parametrize("kind", ["safe", "proxy"])
def test_an_empty_wallet_is_told_with_how_it_was_found_and_the_one_that_may_be_meant(
    scene: Scene, kind: Any
) -> None:
    full = scene.wallet
    empty = scene.venue.add_account(int(KEY, 16), kind=kind, cash=0)
    number = empty.signature_type
    scene.face = scene.made(options={"signature_type": number})
    told = scene.refused(InsufficientFunds)
    assert (
        f"Nothing is free in the wallet {empty.address} (signature_type {number})"
    ) in told
    assert (
        "the wallet that Polymarket makes for this private key and type. No other was "
        "asked. The key's wallets of other types are 0 0x"
    ) in told
    assert f"{full.signature_type} {full.address}" in told
    assert f"{number} {empty.address}" not in told
    # What it says to do is what helps.
    scene.face = scene.made(options={"signature_type": full.signature_type})
    assert scene.buy().remaining == 10


def test_a_missing_allowance_names_the_wallet_that_has_to_give_it(scene: Scene) -> None:
    scene.wallet.allowances.clear()
    told = scene.refused(InsufficientFunds)
    assert f"Asked was the wallet {scene.wallet.address} (signature_type 3)" in told
    assert "other types" not in told


def test_a_sale_of_what_is_not_held_doubts_no_wallet(scene: Scene) -> None:
    told = scene.refused(InsufficientFunds, side="sell")
    assert told.endswith(
        f"Asked was the wallet {scene.wallet.address} (signature_type 3)"
    )
    assert "options" not in told


def test_a_market_that_never_was_is_told_without_an_order_leaving(scene: Scene) -> None:
    told = scene.refused(MarketNotFound, market_id="0x" + "ab" * 32)
    assert told.endswith(
        "neither open nor closed; fetch_markets() lists the ids, which are copied and "
        "not made"
    )
    assert {x.split()[0] for x in scene.asked} == {"GET"}


# -- the other way round ---------------------------------------------------------------


@pytest.mark.parametrize("make", [ux.exchange, ux.async_exchange])
def test_what_kalshi_has_is_not_taken_and_what_polymarket_has_is_not_there(
    make: Any,
) -> None:
    with pytest.raises(BadRequest, match="Kalshi has no secret: it takes api_key,"):
        make("kalshi", environment="demo", secret=PASSWORD)
    with pytest.raises(BadRequest, match="'demo' is neither one of local, production"):
        make("polymarket", environment="demo")
