"""Placing orders on Polymarket: what is signed and sent, and what comes of each answer."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import attrs
import msgspec
import pytest

from tests.venues.polymarket.scene import Scene, answer, lost, said, unheard
from unified_exchanges.errors import (
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    DuplicateOrderId,
    ExchangeNotAvailable,
    InsufficientFunds,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    MarketNotFound,
    NotSupported,
    OnMaintenance,
    OrderRejected,
    OrderUnknown,
    PermissionDenied,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Response
from unified_exchanges.grid import PriceGrid
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import OrderRequest, OrderStatus, TimeInForce
from unified_exchanges.money import EXACT
from unified_exchanges.policy import RetryPolicy

D = Decimal


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture
def one() -> Scene:
    """One flavour: the flow is the same."""
    return Scene()


# -- what is sent ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["eoa", "proxy", "safe", "deposit"])
def test_every_kind_of_wallet_places_orders_that_the_venue_verifies(kind: str) -> None:
    scene = Scene(kind=kind)
    order = scene.trader.rest(scene.market)
    assert order.is_open
    body = scene.bodies[0]["order"]
    number = ["eoa", "proxy", "safe", "deposit"].index(kind)
    assert (body["signatureType"], body["maker"]) == (number, scene.wallet.address)


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        ("standard", lambda x: x.version == "v1" and not x.neg_risk_id),
        ("neg-risk", lambda x: x.version == "v1" and bool(x.neg_risk_id)),
        ("protocol v2", lambda x: x.version == "v2"),
    ],
)
def test_every_contract_takes_orders_for_both_outcomes(
    one: Scene, name: str, is_so: Any
) -> None:
    market = one.markets(is_so)[0]
    for outcome in market.outcomes:
        for given in (outcome.label.upper(), outcome.outcome_id):
            order = one.trader.rest(market, outcome=given)
            assert (order.outcome, order.is_open) == (outcome.label, True), name
            assert one.bodies[-1]["order"]["tokenId"] == outcome.outcome_id


def test_an_orders_id_is_its_hash_and_was_known_before_it_left(scene: Scene) -> None:
    venue = scene.trader.exchange.venue
    request = OrderRequest(
        market_id=scene.market.market_id,
        outcome="yes",
        side="buy",
        price=scene.market.grid.lowest,
        size=10,
        client_order_id="mine",
    )
    ticket = venue.tickets.read(request, rng=venue.rng)
    ready = scene.trader.do(
        lambda: scene.trader.exchange._driver.run(venue.draft(ticket))
    )
    placed = scene.trader.rest(scene.market, 10, client_order_id="mine")
    assert placed.order_id == ready.order_id


def test_a_resting_order_says_so_in_the_venues_words(one: Scene) -> None:
    one.trader.rest(one.market, 10, post_only=True)
    body = one.bodies[0]
    key = one.ground.sandbox.api_key
    assert {name: body[name] for name in body if name != "order"} == {
        "deferExec": False,
        "orderType": "GTC",
        "owner": key,
        "postOnly": True,
    }
    order = body["order"]
    assert sorted(order) == sorted(
        [
            *("builder", "expiration", "maker", "makerAmount", "metadata", "salt"),
            *("side", "signature", "signatureType", "signer", "takerAmount"),
            *("timestamp", "tokenId"),
        ]
    )
    assert (order["makerAmount"], order["takerAmount"]) == ("10000", "10000000")
    assert order["side"] == "BUY"
    assert type(order["salt"]) is int
    assert 0 <= order["salt"] < 2**53


@pytest.mark.parametrize(
    ("word", "kind"), [("gtc", "GTC"), ("ioc", "FAK"), ("fok", "FOK")]
)
def test_each_time_in_force_has_its_word(one: Scene, word: str, kind: str) -> None:
    one.trader.lift(one.market, 10, time_in_force=word)
    assert one.bodies[0]["orderType"] == kind


# -- expiry ----------------------------------------------------------------------------


def now(scene: Scene) -> datetime:
    return datetime.fromtimestamp(int(scene.ground.clock.now()), UTC)


def test_an_expiry_is_sent_a_minute_later_since_the_venue_cancels_before_it(
    scene: Scene,
) -> None:
    ends = now(scene) + timedelta(seconds=200)
    order = scene.trader.rest(scene.market, expires_at=ends)
    body = scene.bodies[0]
    assert (body["orderType"], body["order"]["expiration"]) == (
        "GTD",
        str(int(ends.timestamp()) + 60),
    )
    assert scene.trader.fetch_order(order.order_id).expires_at == ends
    scene.advance(199)
    assert scene.trader.fetch_order(order.order_id).is_open
    scene.advance(2)
    assert not scene.trader.fetch_order(order.order_id).is_open


def test_an_order_that_would_end_too_soon_is_refused_unsent(one: Scene) -> None:
    trader = one.trader
    with pytest.raises(InvalidOrder, match="two minutes at least") as caught:
        trader.rest(one.market, expires_at=now(one) + timedelta(seconds=119))
    assert (caught.value.maybe_executed, trader.writes) == (False, [])
    soonest = now(one) + timedelta(seconds=121)
    assert f"{soonest}" in str(caught.value)
    assert trader.rest(one.market, expires_at=soonest).is_open


@pytest.mark.parametrize("hours", [-3, 3])
def test_an_expiry_is_judged_by_the_venue_s_clock(scene: Scene, hours: int) -> None:
    told = now(scene)
    serve = scene.ground.venue.handle
    ours = scene.ground.clock
    shift = timedelta(hours=hours)

    # The venue's day is another than ours: its answers say so.
    def elsewhere(request: Any) -> Response:
        response = serve(request)
        there = datetime.fromtimestamp(ours.now(), UTC) + shift
        return attrs.evolve(response, headers={"date": format_datetime(there, True)})

    scene.ground.venue.handle = elsewhere  # type: ignore[method-assign]
    other = scene.another()
    soonest = told + shift + timedelta(seconds=130)
    with pytest.raises(InvalidOrder, match=r"too soon|in the past"):
        other.rest(scene.market, expires_at=told + shift - timedelta(seconds=60))
    assert other.writes == []
    shown = other.preview_order(
        scene.market.market_id,
        "yes",
        "buy",
        scene.market.grid.lowest,
        10,
        expires_at=soonest,
    )
    assert '"orderType":"GTD"' in shown.body


def test_what_takes_at_once_has_no_expiry(one: Scene) -> None:
    ends = now(one) + timedelta(seconds=300)
    with pytest.raises(InvalidOrder, match="rest"):
        one.trader.lift(one.market, expires_at=ends)


# -- sizes and prices ------------------------------------------------------------------


def test_less_than_the_minimum_may_not_rest_but_may_be_taken(one: Scene) -> None:
    with pytest.raises(InvalidSize) as caught:
        one.trader.rest(one.market, "4.99")
    assert caught.value.nearest == (D(5),)
    best = one.trader.book(one.market).ask
    assert best is not None
    tick = D(10) * best.price
    assert tick > 1
    bought = one.trader.lift(one.market, 10)
    sold = one.trader.create_order(
        one.market.market_id,
        "yes",
        "sell",
        one.market.grid.lowest,
        "0.5",
        time_in_force="ioc",
    )
    assert (bought.filled, sold.filled) == (10, D("0.5"))


def test_a_purchase_at_once_of_less_than_a_dollar_is_refused_unsent(
    one: Scene,
) -> None:
    with pytest.raises(InvalidSize, match="less than a dollar") as caught:
        one.trader.lift(one.market, "1")
    assert one.trader.writes == []
    (least,) = caught.value.nearest
    assert one.trader.lift(one.market, least).filled == least


def test_a_purchase_at_once_is_in_whole_cents(one: Scene) -> None:
    with pytest.raises(InvalidSize, match="whole cents") as caught:
        one.trader.lift(one.market, "10.01")
    assert one.trader.writes == []
    for size in caught.value.nearest:
        assert one.trader.lift(one.market, size).filled == size


def test_a_price_off_the_grid_is_judged_by_the_grid_as_it_is_now(scene: Scene) -> None:
    trader, market = scene.trader, scene.market
    trader.rest(market, price="0.012")
    scene.venue.change_tick(scene.listed(), "0.01")
    scene.advance(3)
    # Remembered it is on the grid; the venue says no, and then it is asked for again.
    with pytest.raises(InvalidPrice, match="grid"):
        trader.rest(market, price="0.013")
    with pytest.raises(InvalidPrice) as caught:
        trader.rest(market, price="0.013")
    assert caught.value.nearest == (D("0.01"), D("0.02"))
    assert len(trader.writes) == 2
    scene.venue.change_tick(scene.listed(), "0.001")
    scene.advance(3)
    # Remembered it is off the grid, which is asked for before it is refused.
    assert trader.rest(market, price="0.013").price == D("0.013")


@pytest.mark.parametrize(
    "words", ["order_version_mismatch", "Size (5) lower than the minimum: 15"]
)
def test_an_order_after_a_refusal_by_other_rules_reads_them_anew(
    scene: Scene, words: str
) -> None:
    trader, market = scene.trader, scene.market
    trader.rest(market)
    trader.rest(market)
    terms = f"/clob-markets/{market.market_id}"

    def readings() -> int:
        return sum(x.url.endswith(terms) for x in trader.transport.requests)

    assert readings() == 1
    scene.then(answer(400, {"error": words}))
    with pytest.raises(UnifiedExchangesError):
        trader.rest(market)
    assert readings() == 1
    trader.rest(market)
    assert readings() == 2


def test_a_stream_that_tells_of_a_new_grid_is_believed(one: Scene) -> None:
    trader, market = one.trader, one.market
    trader.rest(market, price="0.012")
    trader.exchange.venue.memory.learn_grid(market.market_id, PriceGrid.of("0.01"))
    one.venue.change_tick(one.listed(), "0.01")
    with pytest.raises(InvalidPrice):
        trader.rest(market, price="0.013")
    assert len(trader.writes) == 1


@pytest.mark.parametrize("reading", ["fetch_order_book", "fetch_order_books"])
def test_a_book_that_was_read_tells_of_a_new_grid_as_a_stream_does(
    scene: Scene, reading: str
) -> None:
    trader, market = scene.trader, scene.market
    trader.rest(market, price="0.012")
    scene.venue.change_tick(scene.listed(), "0.01")
    several = reading == "fetch_order_books"
    getattr(trader, reading)([market.market_id] if several else market.market_id)
    with pytest.raises(InvalidPrice) as caught:
        trader.rest(market, price="0.013")
    assert caught.value.nearest == (D("0.01"), D("0.02"))
    assert len(trader.writes) == 1


def test_a_price_that_we_choose_is_on_the_grid_of_the_book_it_is_chosen_by(
    scene: Scene,
) -> None:
    trader, market = scene.trader, scene.market
    trader.lift(market, 20)
    scene.venue.change_tick(scene.listed(), "0.01")
    bought = trader.create_order(
        market.market_id, "yes", "buy", None, 10, type="market", max_slippage="0.055"
    )
    assert (bought.price in PriceGrid.of("0.01"), bought.filled) == (True, 10)
    scene.venue.change_tick(scene.listed(), "0.1")
    sold = trader.close_position(market.market_id, max_slippage="0.2")
    assert (sold.price in PriceGrid.of("0.1"), sold.filled) == (True, 30)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"outcome": "1" * 70}, BadRequest, r"it has: yes \(\d+\), no"),
        ({"outcome": "maybe"}, BadRequest, r"it has: yes \(\d+\), no"),
        ({"reduce_only": True}, InvalidOrder, "sell what is held"),
        ({"params": {"salt": 5}}, BadRequest, "salt"),
        ({"params": {"subaccount": 5}}, BadRequest, "subaccount"),
        ({"price": "0.0005"}, InvalidPrice, "grid"),
    ],
)
def test_what_makes_no_sense_is_refused_unsent(
    one: Scene, wrong: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        one.trader.rest(one.market, **wrong)
    assert one.trader.writes == []


def test_a_ticker_of_another_venue_is_no_market(one: Scene) -> None:
    with pytest.raises(MarketNotFound, match="condition ids"):
        one.trader.create_order("KXBTCD-26NOV2222-T84000", "yes", "buy", "0.5", 10)
    with pytest.raises(MarketNotFound):
        one.trader.create_order(one.ground.missing_market, "yes", "buy", "0.5", 10)
    assert one.trader.writes == []


def test_an_order_cannot_be_changed(one: Scene) -> None:
    order = one.trader.rest(one.market)
    with pytest.raises(NotSupported, match="edit_order"):
        one.trader.exchange.edit_order(order.order_id, size=20)
    assert one.trader.describe().edit == "none"


def test_an_order_needs_a_key(one: Scene) -> None:
    keyless = one.ground.exchange(
        "blocking",
        clock=one.ground.clock,
        transport=one.trader.transport,
        environment="local",
    )
    with pytest.raises(AuthenticationError, match="needs a key"):
        keyless.create_order(one.market.market_id, "yes", "buy", "0.3", 10)
    assert one.trader.writes == []


# -- answers ---------------------------------------------------------------------------


def echo(**fields: object) -> Any:
    """The venue does what is asked, and tells it in other words."""

    def turn(_: Any, serve: Any) -> Any:
        response = serve()
        told = msgspec.json.decode(response.body)
        return type(response)(200, {}, msgspec.json.encode({**told, **fields}))

    return turn


def test_an_order_that_fills_in_part_and_rests_is_open(scene: Scene) -> None:
    best = scene.trader.book(scene.market).ask
    assert best is not None
    order = scene.trader.lift(
        scene.market, best.size + 10, price=best.price, time_in_force="gtc"
    )
    assert (order.status, order.filled, order.remaining) == (
        OrderStatus.OPEN,
        best.size,
        10,
    )
    assert order.average_price == best.price


def test_one_that_takes_what_is_there_ends_with_that(one: Scene) -> None:
    best = one.trader.book(one.market).ask
    assert best is not None
    order = one.trader.lift(one.market, one.trader.above(best.size), price=best.price)
    assert (order.status, order.filled, order.remaining) == (
        OrderStatus.CANCELED,
        best.size,
        0,
    )
    assert order.time_in_force is TimeInForce.IOC


def test_fault_20_amounts_in_other_units_are_not_believed_but_read(one: Scene) -> None:
    one.then(echo(makingAmount="4630000", takingAmount="10000000"))
    order = one.trader.lift(one.market, 10)
    assert (order.filled, order.status) == (10, OrderStatus.CLOSED)
    assert len(one.trader.writes) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "unmatched"},
        {"status": "novel"},
        {"orderID": "0x" + "9" * 64},
        {"makingAmount": "x"},
        {"status": "matched", "makingAmount": "1", "takingAmount": "0"},
        {"status": "matched", "makingAmount": "0", "takingAmount": "0"},
        {"success": False},
    ],
)
def test_fault_08_an_answer_that_tells_nothing_sure_is_looked_up(
    one: Scene, fields: dict[str, Any]
) -> None:
    one.then(echo(**{"status": "matched", **fields}))
    order = one.trader.lift(one.market, 10)
    assert (order.filled, order.status) == (10, OrderStatus.CLOSED)
    sent = one.trader.transport.requests
    assert [x for x in sent if x.url.endswith(f"/data/order/{order.order_id}")]
    (fill,) = one.trader.fetch_fills()
    assert fill.order_id == order.order_id
    assert len(one.trader.writes) == 1


def test_fault_20_more_than_a_resting_order_asked_for_is_not_believed(
    one: Scene,
) -> None:
    best = one.trader.book(one.market).ask
    assert best is not None
    one.then(echo(makingAmount="0.1", takingAmount="11"))
    order = one.trader.lift(one.market, 10, price=best.price, time_in_force="gtc")
    assert (order.size, order.filled) == (10, 10)


@pytest.mark.parametrize(("shares", "dollars"), [("11", "10"), ("10", "10.5")])
def test_fault_20_what_a_sale_cannot_have_brought_is_not_believed(
    one: Scene, shares: str, dollars: str
) -> None:
    one.trader.lift(one.market, 20)
    one.then(echo(makingAmount=shares, takingAmount=dollars))
    order = one.trader.create_order(
        one.market.market_id, "yes", "sell", "0.01", 10, time_in_force="ioc"
    )
    assert order.filled == 10
    assert order.average_price is not None
    assert order.average_price < 1


def test_a_delayed_order_is_open_until_its_fate_is_known(scene: Scene) -> None:
    (market, *_) = scene.markets(lambda x: bool(x.seconds_delay))
    order = scene.trader.lift(market, 10, outcome=market.outcomes[0].label)
    assert (order.status, order.filled) == (OrderStatus.OPEN, 0)
    with pytest.raises(UnifiedExchangesError, match="delay"):
        scene.trader.cancel_order(order.order_id)
    scene.advance(60)
    assert scene.trader.fetch_order(order.order_id).filled == 10


def refused(scene: Scene, status: int, text: str | None, **more: Any) -> Any:
    payload = None if text is None else {"error": text, **more}
    scene.always(answer(status, payload))
    with pytest.raises(UnifiedExchangesError) as caught:
        scene.trader.rest(scene.market, client_order_id="intent")
    return caught.value


_TEXTS: list[tuple[int, str, type[UnifiedExchangesError], str]] = [
    (401, "Unauthorized/Invalid api key", AuthenticationError, "API key"),
    (400, "order 0x is invalid. Price (0.525) breaks minimum tick size rule: 0.01",
     InvalidPrice, "grid"),
    (400, "order 0x is invalid. Size (3) lower than the minimum: 5", InvalidSize, "minimum"),
    (400, "Maximum lot size is 2", InvalidSize, "decimals"),
    (400, "invalid amount for a marketable BUY order ($0.5), min size: $1",
     InvalidSize, "dollar"),
    (400, "invalid expiration", InvalidOrder, "two minutes"),
    (400, "Invalid order payload", InvalidOrder, "Change"),
    (400, "invalid post-only order: order crosses book", OrderRejected, "post_only"),
    (400, "order_version_mismatch", OrderRejected, "market again"),
    (400, "maker address not allowed, please use the deposit wallet flow",
     AuthenticationError, "signature_type"),
    (400, "the order signer address has to be the address of the API KEY",
     AuthenticationError, "funder"),
    (400, "the order owner has to be the owner of the API KEY", AuthenticationError, "API"),
    (400, "'0xf39F' address banned", PermissionDenied, "banned"),
    (400, "'0xf39F' address in closed only mode", PermissionDenied, "close"),
    (400, "the market is not yet ready to process new orders", MarketClosed, "later"),
    (404, "No orderbook exists for the requested token id", MarketClosed, "closed"),
    (403, "Trading restricted in your region", PermissionDenied, "geoblock"),
    (429, "Too Many Requests", RateLimitExceeded, "less"),
    (500, "order timed out", ExchangeNotAvailable, "again"),
    (503, "Trading is currently cancel-only. New orders", OnMaintenance, "cancels are"),
    (503, "Trading is currently disabled. Check polymarket.com", OnMaintenance, "Nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "text", "kind", "advice"), _TEXTS)
def test_fault_14_each_refusal_is_typed_final_and_says_what_to_do(
    one: Scene, status: int, text: str, kind: type[UnifiedExchangesError], advice: str
) -> None:
    error = refused(one, status, text)
    assert type(error) is kind
    assert advice in str(error)
    assert error.client_order_id == "intent"
    assert not error.maybe_executed
    one.relieve()
    # Nothing stands under the id, so that it may be used again, for anything.
    assert one.trader.rest(one.market, 20, client_order_id="intent").is_open


def test_a_restart_and_its_drill_are_typed_with_when_to_come_back(scene: Scene) -> None:
    trader, market = scene.trader, scene.market
    scene.venue.restart(seconds=30)
    with pytest.raises(ExchangeNotAvailable) as caught:
        trader.rest(market, client_order_id="intent")
    assert (caught.value.status, caught.value.maybe_executed) == (425, False)
    scene.advance(40)
    with pytest.raises(OnMaintenance, match="post_only") as paused:
        trader.lift(market, 10)
    assert paused.value.retry_after is not None
    assert 0 < paused.value.retry_after <= 120
    assert trader.rest(market, post_only=True, client_order_id="intent").is_open


def test_a_restart_is_over_once_an_order_is_taken(scene: Scene) -> None:
    trader, market = scene.trader, scene.market
    scene.venue.restart(seconds=30)
    with pytest.raises(ExchangeNotAvailable) as caught:
        trader.rest(market)
    assert caught.value.retry_after == 1
    assert not trader.fetch_status().is_trading
    scene.advance(31)
    # Post-only is what follows for two minutes: it proves no more.
    trader.rest(market, post_only=True)
    assert not trader.fetch_status().is_trading
    scene.venue.set_mode("normal")
    trader.rest(market)
    assert trader.fetch_status().is_trading


@pytest.mark.parametrize("mode", ["disabled", "cancel_only"])
def test_another_mode_is_over_once_a_post_only_order_is_taken(
    scene: Scene, mode: Any
) -> None:
    scene.venue.set_mode(mode)
    with pytest.raises(OnMaintenance):
        scene.trader.rest(scene.market)
    scene.venue.set_mode("normal")
    scene.trader.rest(scene.market, post_only=True)
    assert scene.trader.fetch_status().is_trading


def test_post_only_is_over_once_an_order_that_takes_met_the_book(scene: Scene) -> None:
    trader, market = scene.trader, scene.market
    scene.venue.set_mode("post_only")
    with pytest.raises(OnMaintenance):
        trader.rest(market)
    scene.venue.set_mode("normal")
    killed = trader.create_order(
        market.market_id, "yes", "buy", "0.01", 100, time_in_force="ioc"
    )
    assert killed.filled == 0
    assert trader.fetch_status().is_trading


def test_what_a_restart_refused_is_tried_again_after_a_second_each(
    scene: Scene,
) -> None:
    order = scene.trader.rest(scene.market)
    scene.venue.restart(seconds=90)
    began = scene.ground.clock.monotonic()
    with pytest.raises(ExchangeNotAvailable):
        scene.trader.cancel_order(order.order_id)
    assert scene.ground.clock.monotonic() - began >= 4


def test_an_allowance_that_is_missing_names_who_must_be_allowed(one: Scene) -> None:
    listed = one.listed()
    one.wallet.allowances[listed.exchange.address] = 1_000_000
    with pytest.raises(InsufficientFunds, match="approve") as caught:
        one.trader.lift(one.market, 10)
    assert listed.exchange.address in str(caught.value)
    assert "may take 1:" in str(caught.value)


def test_an_allowance_of_just_what_is_needed_is_enough(scene: Scene) -> None:
    trader, listed = scene.trader, scene.listed()
    price = scene.market.grid.lowest
    needed = EXACT.multiply(price, D(10))
    units = int(EXACT.scaleb(needed, 6))
    scene.wallet.allowances[listed.exchange.address] = units - 1
    with pytest.raises(InsufficientFunds, match="approve"):
        trader.rest(scene.market, 10, price=price)
    scene.wallet.allowances[listed.exchange.address] = units
    assert trader.rest(scene.market, 10, price=price).is_open


def test_an_allowance_that_is_enough_is_not_said_to_be_missing(one: Scene) -> None:
    price = D("0.9")
    one.venue.bring_to(one.wallet, 3)
    one.wallet.allowances[one.listed().exchange.address] = 9_000_000
    with pytest.raises(InsufficientFunds, match="Free are 3 dollars") as caught:
        one.trader.lift(one.market, 10, price=price)
    assert "approve" not in str(caught.value)


def test_cash_that_is_missing_is_told_beside_what_is_needed(one: Scene) -> None:
    one.venue.bring_to(one.wallet, 3)
    with pytest.raises(InsufficientFunds, match="Free are 3 dollars") as caught:
        one.trader.lift(one.market, 10)
    assert "are needed" in str(caught.value)
    assert "approve" not in str(caught.value)


def test_what_is_not_held_cannot_be_sold_with_or_without_reduce_only(
    one: Scene,
) -> None:
    sale = one.market.market_id, "yes", "sell", one.market.grid.lowest, 10
    for flag in (True, False):
        with pytest.raises(InsufficientFunds, match="shares of yes"):
            one.trader.create_order(*sale, time_in_force="ioc", reduce_only=flag)
    one.trader.lift(one.market, 10)
    one.wallet.approved.discard(one.listed().exchange.address)
    with pytest.raises(InsufficientFunds, match="setApprovalForAll"):
        one.trader.create_order(*sale, time_in_force="ioc")


def test_a_balance_that_cannot_be_read_leaves_the_refusal_as_it_is(one: Scene) -> None:
    one.venue.bring_to(one.wallet, 3)
    one.trader.rest(one.market)
    one.trader.suffer("503", 1000, reads=True, writes=False)
    terms = one.market.market_id, "yes", "buy", "0.9", 10
    with pytest.raises(InsufficientFunds) as caught:
        one.trader.create_order(*terms)
    assert "Free are" not in str(caught.value)


# -- lost answers ----------------------------------------------------------------------


def test_fault_02_a_lost_answer_is_looked_up_by_the_hash_before_anything_is_resent(
    scene: Scene,
) -> None:
    scene.then(lost)
    order = scene.trader.lift(scene.market, 10)
    assert (order.filled, len(scene.trader.writes)) == (10, 1)


def test_fault_03_what_never_arrived_is_sent_again_byte_for_byte(scene: Scene) -> None:
    scene.then(unheard, unheard)
    order = scene.trader.rest(scene.market)
    first, second, third = scene.bodies
    assert first == second == third
    assert order.is_open


def test_fault_02_a_match_that_is_delayed_is_looked_up(one: Scene) -> None:
    def delayed(_: Any, serve: Any) -> Any:
        serve()
        return answer(400, {"error": "order match delayed due to market conditions"})(
            _, serve
        )

    one.then(delayed)
    order = one.trader.lift(one.market, 10)
    assert (order.filled, len(one.trader.writes)) == (10, 1)


def test_fault_07_duplicated_means_that_it_is_there(one: Scene) -> None:
    one.then(lost)
    # The look before sending again fails, so that it is sent, and is duplicated.
    one.trader.suffer("503", 1, reads=True, writes=False)
    order = one.trader.rest(one.market)
    assert (order.is_open, len(one.trader.fetch_open_orders())) == (True, 1)


def test_fault_04_one_that_found_nothing_after_a_lost_answer_is_looked_for(
    one: Scene,
) -> None:
    one.then(lost, answer(400, {"error": "no orders found to match with FAK order."}))
    one.trader.suffer("503", 1, reads=True, writes=False)
    order = one.trader.lift(one.market, 10)
    assert order.filled == 10


KILLED = "no orders found to match with FAK order. FAK orders are partially filled or …"


def killed_again(scene: Scene, lag: float) -> None:
    """The next order arrives and its answer is lost, reads show it ``lag`` seconds later.

    Whatever is sent after it finds nothing: the first has taken what was there.
    """
    clock, serve = scene.ground.clock, scene.ground.venue.handle
    arrived: list[float] = []

    def handle(request: Any) -> Any:
        if request.method == "POST" and re.search("/clob/orders?$", request.url):
            if not arrived:
                serve(request)
                arrived.append(clock.monotonic())
                raise ConnectionLost("connection reset by peer")
            if request.url.endswith("/clob/order"):
                return answer(400, {"error": KILLED})(request, lambda: serve(request))
        is_behind = arrived and clock.monotonic() - arrived[0] < lag
        if is_behind and "/clob/data/order/" in request.url:
            return Response(404, {}, b'{"error":"order not found"}')
        if is_behind and "/clob/data/" in request.url:
            return Response(200, {}, b'{"next_cursor":"LTE=","data":[]}')
        return serve(request)

    scene.ground.venue.handle = handle  # type: ignore[method-assign]


@pytest.mark.parametrize("word", ["ioc", "fok"])
@pytest.mark.parametrize("lag", [0.0, 0.5, 1.0, 2.0])
def test_fault_04_28_what_filled_unheard_is_found_though_its_copy_found_nothing(
    scene: Scene, lag: float, word: str
) -> None:
    killed_again(scene, lag)
    order = scene.trader.lift(scene.market, 10, time_in_force=word)
    assert (order.status, order.filled) == (OrderStatus.CLOSED, 10)


@pytest.mark.parametrize("word", ["ioc", "fok"])
@pytest.mark.parametrize("lag", [0.0, 0.5, 1.0, 2.0])
def test_fault_04_20_28_so_is_each_of_a_batch(
    scene: Scene, lag: float, word: str
) -> None:
    best = scene.trader.book(scene.market).ask
    assert best is not None
    taking = [
        attrs.evolve(x, price=best.price, size=10, time_in_force=word)
        for x in batch(scene, 3)
    ]
    killed_again(scene, lag)
    results = scene.trader.create_orders(taking)
    assert [x.order and x.order.filled for x in results] == [10] * 3


@pytest.mark.parametrize("word", ["ioc", "fok"])
def test_fault_03_04_what_is_shown_too_late_is_unknown_and_counts_until_it_is(
    scene: Scene, word: str
) -> None:
    killed_again(scene, 8)
    best = scene.trader.book(scene.market).ask
    assert best is not None
    mine = {"time_in_force": word, "price": best.price, "client_order_id": "mine"}
    with pytest.raises(OrderUnknown, match="a second try brought"):
        scene.trader.lift(scene.market, 10, **mine)
    assert scene.trader.exchange.exposure().total == 10 * best.price
    # Sent again with its id it finds nothing once more, which proves no more than before.
    with pytest.raises(UnifiedExchangesError) as caught:
        scene.trader.lift(scene.market, 10, **mine)
    assert caught.value.maybe_executed
    assert scene.trader.exchange.exposure().total == 10 * best.price
    (found,) = scene.trader.reconcile().found
    assert (found.filled, found.client_order_id) == (10, "mine")
    assert scene.trader.exchange.exposure().total == 10 * best.price


def test_fault_03_20_of_a_batch_too_a_second_no_proves_nothing(scene: Scene) -> None:
    best = scene.trader.book(scene.market).ask
    assert best is not None
    (asked,) = batch(scene, 1)
    taking = attrs.evolve(asked, price=best.price, size=10, time_in_force="ioc")
    killed_again(scene, 8)
    with pytest.raises(OrderUnknown):
        scene.trader.lift(
            scene.market, 10, price=best.price, client_order_id=taking.client_order_id
        )
    serve = scene.ground.venue.handle

    def handle(request: Any) -> Any:
        if request.method == "POST" and request.url.endswith("/clob/orders"):
            told = {"success": False, "errorMsg": KILLED, "orderID": "", "status": ""}
            return Response(200, {}, msgspec.json.encode([told]))
        return serve(request)

    scene.ground.venue.handle = handle  # type: ignore[method-assign]
    (result,) = scene.trader.create_orders([taking])
    assert result.order is None
    assert result.error.maybe_executed


def test_fault_03_04_one_that_is_nowhere_after_its_time_is_absent_and_its_id_free(
    scene: Scene,
) -> None:
    scene.then(unheard, answer(400, {"error": KILLED}))
    with pytest.raises(OrderUnknown):
        scene.trader.lift(scene.market, 10, client_order_id="mine")
    assert [x.client_order_id for x in scene.trader.reconcile().absent] == ["mine"]
    assert scene.trader.exchange.exposure().total == 0
    order = scene.trader.lift(scene.market, 10, client_order_id="mine")
    assert (order.status, order.filled) == (OrderStatus.CLOSED, 10)


def test_fault_04_one_that_found_nothing_has_ended_and_stands_under_its_id(
    one: Scene,
) -> None:
    one.then(answer(400, {"error": KILLED}))
    order = one.trader.lift(one.market, 10, client_order_id="mine")
    assert (order.status, order.filled) == (OrderStatus.CANCELED, 0)
    again = one.trader.lift(one.market, 10, client_order_id="mine")
    assert (again.order_id, again.status) == (order.order_id, OrderStatus.CANCELED)
    assert len(one.trader.writes) == 1


def test_all_or_nothing_that_gets_nothing_is_refused_as_elsewhere(one: Scene) -> None:
    best = one.trader.book(one.market).ask
    assert best is not None
    more = one.trader.above(best.size)
    with pytest.raises(OrderRejected, match="fill it whole"):
        one.trader.lift(one.market, more, price=best.price, time_in_force="fok")


def test_fault_03_a_timeout_of_the_engine_is_no_doubt(one: Scene) -> None:
    one.then(answer(500, {"error": "order timed out"}))
    assert one.trader.rest(one.market).is_open
    assert len(one.trader.writes) == 2


def test_fault_03_any_other_failure_of_the_server_is(one: Scene) -> None:
    one.always(answer(500, {"error": "could not insert order"}))
    with pytest.raises(OrderUnknown):
        one.trader.rest(one.market)


def after(status: int, body: bytes) -> Any:
    """The venue does what is asked, and says this."""

    def turn(_: Any, serve: Any) -> Response:
        serve()
        return Response(status, {}, body)

    return turn


_WORDLESS: list[tuple[int, bytes]] = [
    (200, b""),
    (200, b"{}"),
    (200, b'{"success":false,"errorMsg":"","orderID":"","status":""}'),
    (200, b'{"success":true,"errorMsg":" ","orderID":null}'),
    (400, b""),
    (400, b"{}"),
    (400, b'{"error":""}'),
    (400, b'{"error":null,"success":false}'),
    (400, b"<html>400 Bad Request</html>"),
    (404, b""),
    (409, b"[]"),
    (422, b""),
    (500, b""),
]


@pytest.mark.parametrize(("status", "body"), _WORDLESS)
def test_fault_02_a_refusal_without_a_reason_is_no_proof_and_looked_up(
    scene: Scene, status: int, body: bytes
) -> None:
    scene.then(after(status, body))
    order = scene.trader.lift(scene.market, 10)
    assert (order.filled, len(scene.trader.writes)) == (10, 1)


@pytest.mark.parametrize(("status", "body"), _WORDLESS)
def test_fault_03_what_is_refused_without_a_reason_for_good_stays_unknown(
    one: Scene, status: int, body: bytes
) -> None:
    one.always(lambda _, __: Response(status, {}, body))
    with pytest.raises(OrderUnknown):
        one.trader.rest(one.market)
    assert len(set(map(msgspec.json.encode, one.bodies))) == 1


@pytest.mark.parametrize("status", [401, 403, 429])
def test_fault_14_a_status_that_is_a_reason_by_itself_refuses(
    one: Scene, status: int
) -> None:
    error = refused(one, status, None)
    assert not isinstance(error, OrderUnknown)
    assert not error.maybe_executed


def test_fault_02_a_reason_beside_an_order_that_is_there_is_looked_up(
    one: Scene,
) -> None:
    one.then(echo(errorMsg="what"))
    order = one.trader.lift(one.market, 10)
    assert (order.filled, len(one.trader.writes)) == (10, 1)


@pytest.mark.parametrize("status", ["unmatched", "novel"])
@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_fault_02_a_reason_that_proves_nothing_beside_an_order_is_looked_up(
    one: Scene, status: str, *, batch: bool
) -> None:
    """It rests, and the answer has its id, words that nobody knows, and no clear status."""
    words = {"errorMsg": "what", "status": status, "success": False}

    def turn(_: Any, serve: Any) -> Any:
        response = serve()
        told = msgspec.json.decode(response.body)
        said = [{**x, **words} for x in told] if batch else {**told, **words}
        return type(response)(200, {}, msgspec.json.encode(said))

    one.then(turn)
    terms = one.market.market_id, "yes", "buy", "0.001", 10
    names = "market_id", "outcome", "side", "price", "size"
    if batch:
        asked = OrderRequest(**dict(zip(names, terms, strict=True)))
        (result,) = one.trader.create_orders([asked])
        order = result.order
    else:
        order = one.trader.create_order(*terms)
    assert order is not None
    assert [x.order_id for x in one.trader.fetch_open_orders()] == [order.order_id]
    assert order.is_open


def test_fault_14_a_known_refusal_beside_an_id_is_a_refusal(one: Scene) -> None:
    text = "no orders found to match with FAK order."
    payload = {"errorMsg": text, "orderID": "0x" + "1" * 64, "status": "unmatched"}
    one.always(answer(200, payload))
    order = one.trader.lift(one.market, 10)
    assert (order.status, len(one.trader.writes)) == (OrderStatus.CANCELED, 1)


@pytest.mark.parametrize("field", ["errorMsg", "error"])
def test_fault_14_a_reason_in_a_success_is_a_refusal(one: Scene, field: str) -> None:
    one.always(answer(200, {field: "Maximum lot size is 2"}))
    with pytest.raises(InvalidSize) as caught:
        one.trader.rest(one.market)
    assert not caught.value.maybe_executed


# -- price improvement -----------------------------------------------------------------


def test_a_purchase_at_once_takes_no_more_than_it_names(scene: Scene) -> None:
    trader, market = scene.trader, scene.market
    before = trader.fetch_balance().available
    best = trader.book(market).ask
    assert best is not None
    order = trader.lift(market, 100, price="0.9")
    assert (order.filled, order.price) == (100, D("0.9"))
    assert order.average_price == best.price
    spent = EXACT.subtract(before, trader.fetch_balance().available)
    assert spent < EXACT.multiply(D("0.6"), D(100))


def test_where_dollars_count_it_takes_no_more_dollars_and_tells_all_shares(
    scene: Scene,
) -> None:
    # Reported by users of the vendor's clients, 2026-07.
    scene.venue.settings.spends_all = True
    trader = scene.trader
    before = trader.fetch_balance().available
    order = trader.lift(scene.market, 100, price="0.9")
    assert (order.status, order.remaining) == (OrderStatus.CLOSED, 0)
    assert order.filled == order.size > 100
    told = scene.another().fetch_order(order.order_id)
    assert told.raw["original_size"] == "100"
    assert (told.size, told.filled, told.status) == (
        order.size,
        order.filled,
        order.status,
    )
    spent = EXACT.subtract(before, trader.fetch_balance().available)
    fees = sum(fill.fee for fill in trader.fetch_fills())
    assert spent - fees <= 90
    held = trader.fetch_positions(market_id=scene.market.market_id)
    assert [x.size for x in held] == [order.filled]
    known = trader.exchange.orders.find(order_id=order.order_id)
    assert (known.state, known.filled) == ("filled", order.filled)
    assert (known.remaining, known.at_risk) == (0, 0)


def test_an_order_that_brought_more_than_it_named_keeps_nothing_from_being_read(
    scene: Scene,
) -> None:
    scene.venue.settings.spends_all = True
    scene.trader.lift(scene.market, 100, price="0.9")
    other = scene.another(guards=GuardPolicy(max_exposure=D(500)))
    (order,) = other.fetch_orders()
    assert order.filled == order.size > 100
    assert other.fetch_closed_orders() == [order]
    assert other.fetch_open_orders() == []
    assert other.fetch_balance().available
    assert other.cancel_all_orders().is_complete
    assert other.rest(scene.market).is_open


# -- batches ---------------------------------------------------------------------------


def batch(scene: Scene, count: int) -> list[OrderRequest]:
    return [
        OrderRequest(
            market_id=scene.market.market_id,
            outcome="yes",
            side="buy",
            price=scene.market.grid.lowest,
            size=10 + n,
            client_order_id=f"entry-{n}",
        )
        for n in range(count)
    ]


def test_fault_20_many_orders_go_fifteen_at_a_time(scene: Scene) -> None:
    results = scene.trader.create_orders(batch(scene, 32))
    assert [r.order.size for r in results] == [10 + n for n in range(32)]
    assert [len(body) for body in scene.bodies] == [15, 15, 2]


def test_fault_20_each_entry_has_what_became_of_it(one: Scene) -> None:
    best = one.trader.book(one.market).ask
    assert best is not None
    first, second, third, fourth = batch(one, 4)
    crossing = attrs.evolve(second, price=best.price, post_only=True)
    taking = attrs.evolve(third, price=best.price, size=10, time_in_force="ioc")
    nobody = attrs.evolve(fourth, price=one.market.bid, size=10, time_in_force="ioc")
    results = one.trader.create_orders([first, crossing, taking, nobody])
    assert results[0].order.is_open
    assert isinstance(results[1].error, OrderRejected)
    assert (results[2].order.filled, results[2].order.status) == (
        10,
        OrderStatus.CLOSED,
    )
    assert (results[3].order.filled, results[3].order.status) == (
        0,
        OrderStatus.CANCELED,
    )


@pytest.mark.parametrize(
    "payload", [[], {"error": "x"}, [{"orderID": "0x" + "1" * 64}]]
)
def test_fault_20_a_batch_whose_answer_cannot_be_used_is_resolved_one_by_one(
    one: Scene, payload: object
) -> None:
    one.then(said(payload))
    results = one.trader.create_orders(batch(one, 3))
    assert [r.error for r in results] == [None] * 3
    assert len(one.trader.fetch_open_orders()) == 3


def test_fault_20_an_entry_that_is_unclear_is_looked_up_alone(one: Scene) -> None:
    def turn(request: Any, serve: Any) -> Any:
        rows = msgspec.json.decode(serve().body)
        rows[1]["status"] = "unmatched"
        return answer(200, rows)(request, serve)

    one.then(turn)
    results = one.trader.create_orders(batch(one, 3))
    assert [r.error for r in results] == [None] * 3
    assert len(one.trader.writes) == 1


def test_fault_02_a_batch_of_which_nothing_is_found_is_waited_for_once(
    scene: Scene,
) -> None:
    scene.always(unheard)
    before = scene.ground.clock.monotonic()
    results = scene.trader.create_orders(batch(scene, 15))
    assert [type(r.error) for r in results] == [OrderUnknown] * 15
    # Of the call's own deadline, and then of looking for what may have left last.
    assert scene.ground.clock.monotonic() - before < 10 + 2 * 3.1


def test_fault_27_what_left_again_by_itself_is_waited_for_anew(one: Scene) -> None:
    clock, serve = one.ground.clock, one.ground.venue.handle
    arrived: dict[str, float] = {}

    def late(request: Any) -> Any:
        # What is sent alone arrives, its answer is lost, and it is shown 2 s later.
        if request.url.endswith("/clob/order") and request.method == "POST":
            made = serve(request)
            arrived[msgspec.json.decode(made.body)["orderID"]] = clock.monotonic()
            raise ConnectionLost("connection reset by peer")
        since = clock.monotonic() - 2
        name = request.url.rpartition("/")[2]
        if "/data/order/" in request.url and arrived.get(name, since) > since:
            return Response(404, {}, b'{"error":"order not found"}')
        return serve(request)

    trader = one.another(retry=RetryPolicy(attempts=1))
    one.then(unheard)
    one.ground.venue.handle = late  # type: ignore[method-assign]
    results = trader.create_orders(batch(one, 3))
    assert [r.error for r in results] == [None] * 3


def test_fault_20_an_entry_that_says_nothing_is_looked_up_alone(scene: Scene) -> None:
    def turn(request: Any, serve: Any) -> Any:
        rows = msgspec.json.decode(serve().body)
        rows[1] = {"success": True, "errorMsg": "", "orderID": "", "status": ""}
        return answer(200, rows)(request, serve)

    scene.then(turn)
    results = scene.trader.create_orders(batch(scene, 3))
    assert [r.error for r in results] == [None] * 3
    assert len(scene.trader.writes) == 1


# -- previews --------------------------------------------------------------------------


def test_a_preview_shows_the_body_without_what_would_let_others_send_it(
    scene: Scene,
) -> None:
    market = scene.market
    arguments = market.market_id, "yes", "buy", "0.3", 10
    preview = scene.trader.preview_order(*arguments, client_order_id="mine")
    assert scene.trader.writes == []
    address = scene.trader.exchange.venue.environment.address("/clob/order")
    assert (preview.cost, preview.url) == (3, address)
    scene.trader.create_order(*arguments, client_order_id="mine")
    body = scene.bodies[0]
    body["owner"] = body["order"]["signature"] = "REDACTED"
    assert msgspec.json.decode(preview.body) == body
    assert set(preview.headers.values()) == {"REDACTED", "application/json"}


def test_a_preview_tells_the_highest_fee_that_can_be_met(one: Scene) -> None:
    (market, *_) = one.markets(lambda x: x.fees is not None)
    rate = one.listed(market).fees.rate
    half = EXACT.multiply(rate, D(25))
    name = market.outcomes[0].label

    def fee(side: str, price: str, **more: Any) -> Decimal:
        found: Decimal = one.trader.preview_order(
            market.market_id, name, side, price, 100, **more
        ).fee
        return found

    assert fee("buy", "0.9") == half
    assert fee("buy", "0.1") == EXACT.multiply(rate, D(9))
    assert fee("sell", "0.1") == half
    assert fee("buy", "0.1", post_only=True) == 0


def test_a_sale_costs_nothing(one: Scene) -> None:
    preview = one.trader.preview_order(one.market.market_id, "yes", "sell", "0.3", 10)
    assert preview.cost == 0


def test_the_id_of_a_preview_may_be_used_for_something_else(one: Scene) -> None:
    market = one.market.market_id
    one.trader.preview_order(market, "yes", "buy", "0.3", 10, client_order_id="mine")
    order = one.trader.rest(one.market, 20, client_order_id="mine")
    assert order.size == 20
    with pytest.raises(DuplicateOrderId, match="stands for another order"):
        one.trader.rest(one.market, 30, client_order_id="mine")


# -- closing ---------------------------------------------------------------------------


def test_closing_sells_what_the_chain_has_not_what_lagging_positions_show(
    scene: Scene,
) -> None:
    scene.venue.settings.data_lag = 3600
    scene.trader.lift(scene.market, 20)
    order = scene.trader.close_position(scene.market.market_id, max_slippage="0.1")
    assert (order.side, order.filled) == ("sell", 20)


def test_closing_leaves_less_than_can_be_sold(one: Scene) -> None:
    one.venue.split(one.wallet, one.listed(), "10.005")
    market = one.market.market_id
    one.trader.create_order(market, "no", "sell", "0.001", 10, time_in_force="ioc")
    order = one.trader.close_position(market, max_slippage="0.1")
    assert order.filled == 10
    assert one.trader.close_position(market, max_slippage="0.1") is None


def test_closing_sells_the_outcome_that_is_named_where_both_are_held(
    scene: Scene,
) -> None:
    scene.venue.split(scene.wallet, scene.listed(), "20")
    trader, market = scene.trader, scene.market.market_id
    with pytest.raises(ArgumentsRequired, match="outcome="):
        trader.close_position(market, max_slippage="0.1")
    assert trader.writes == []
    order = trader.close_position(market, outcome="NO", max_slippage="0.1")
    assert (order.outcome, order.side, order.filled) == ("no", "sell", 20)
    assert [x.outcome for x in trader.fetch_positions(market_id=market)] == ["yes"]
    assert trader.close_position(market, outcome="no", max_slippage="0.1") is None
    with pytest.raises(InvalidOrder, match="has no outcome 'maybe'"):
        trader.close_position(market, outcome="maybe", max_slippage="0.1")
    # An outcome has an id of its own, too.
    yes = scene.market.outcomes[0].outcome_id
    assert trader.close_position(market, outcome=yes, max_slippage="0.1").filled == 20


def test_fault_28_positions_that_were_read_before_a_fill_count_it_once(
    scene: Scene,
) -> None:
    trader = scene.trader
    trader.fetch_positions()
    trader.lift(scene.market, 10)
    (held,) = trader.fetch_positions()
    exposure = trader.exchange.exposure()
    assert (exposure.orders, exposure.positions) == (0, held.cost)


def test_fault_28_those_first_read_after_it_may_lag_and_count_no_less(
    scene: Scene,
) -> None:
    # Whether the ten that are told are those that filled, or ten from before, is not told.
    trader = scene.trader
    trader.lift(scene.market, 10)
    (held,) = trader.fetch_positions()
    exposure = trader.exchange.exposure()
    assert exposure.orders + exposure.positions == 2 * held.cost
    # Until a read surely has them, however late that may be.
    late = trader.exchange.venue.positions_late
    assert late is not None
    scene.advance(late - 2)
    trader.fetch_positions()
    exposure = trader.exchange.exposure()
    assert exposure.orders + exposure.positions == 2 * held.cost
    scene.advance(4)
    trader.fetch_positions()
    exposure = trader.exchange.exposure()
    assert (exposure.orders, exposure.positions) == (0, held.cost)


# -- what is found ---------------------------------------------------------------------


def test_what_is_found_after_a_lost_answer_has_its_average_price_and_fee(
    scene: Scene,
) -> None:
    scene.then(lost)
    order = scene.trader.lift(scene.market, 10)
    fills = scene.trader.fetch_fills(order_id=order.order_id)
    assert order.fee == sum(x.fee for x in fills)
    assert order.average_price == fills[0].price
    # Found only by looking for it after all tries.
    another = scene.another(retry=RetryPolicy(attempts=1))
    scene.then(lost)
    order = another.lift(scene.market, 10)
    assert order.average_price is not None
    assert order.fee is not None


def test_fills_that_cannot_be_read_do_not_hide_the_order(one: Scene) -> None:
    serve = one.ground.venue.handle

    def without_trades(request: Any) -> Response:
        if "/data/trades" in request.url:
            return Response(400, {}, b'{"error":"what"}')
        return serve(request)

    one.ground.venue.handle = without_trades  # type: ignore[method-assign]
    one.then(lost)
    order = one.trader.lift(one.market, 10)
    assert (order.filled, order.average_price, len(one.trader.writes)) == (10, None, 1)


def test_an_empty_wallet_is_named_with_what_decides_which_it_is(scene: Scene) -> None:
    scene.venue.bring_to(scene.wallet, 0)
    with pytest.raises(
        InsufficientFunds, match=r"Nothing is free in the wallet"
    ) as told:
        scene.trader.lift(scene.market, 10)
    assert "options['signature_type']" in str(told.value)


# -- slips -----------------------------------------------------------------------------


def test_an_outcome_in_place_of_a_market_is_told_how_to_say_it(scene: Scene) -> None:
    outcome: Any = scene.market.outcomes[0]
    with pytest.raises(BadRequest, match=r"\.market_id.*\.label"):
        scene.trader.create_order(outcome, "yes", "buy", "0.5", 10)
    with pytest.raises(BadRequest, match="not an Outcome"):
        scene.trader.fetch_order_book(outcome)


def test_the_venue_is_not_pickled_and_says_why(scene: Scene) -> None:
    with pytest.raises(TypeError, match="keys and connections stay in this process"):
        pickle.dumps(scene.trader.exchange.venue)
