"""Dry runs on Polymarket: nothing leaves, and what is shown could not be sent by others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.polymarket.scene import Scene
from unified_exchanges.errors import (
    OrderNotFound,
    OrderRejected,
    UnifiedExchangesError,
)
from unified_exchanges.models import OrderRequest, OrderStatus
from unified_exchanges.testing.conformance.ground import Trader

D = Decimal


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture
def dry(scene: Scene) -> Trader:
    return scene.another(dry_run=True)


def test_fault_51_what_is_shown_of_an_order_has_no_signature_and_no_key(
    scene: Scene, dry: Trader
) -> None:
    dry.rest(scene.market, 10, client_order_id="mine")
    (report,) = dry.exchange.dry_runs
    body = msgspec.json.decode(report.body)
    assert (body["owner"], body["order"]["signature"]) == ("REDACTED", "REDACTED")
    assert set(report.headers.values()) == {"REDACTED", "application/json"}
    assert (report.client_order_ids, report.market_ids) == (
        ("mine",),
        (scene.market.market_id,),
    )
    assert (report.cost, report.exposure) == (D("0.01"), D("0.01"))
    assert scene.ground.sandbox.api_key not in str(report)


def test_orders_that_take_at_once_find_nothing(scene: Scene, dry: Trader) -> None:
    order = dry.lift(scene.market, 10)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, 0)
    with pytest.raises(OrderRejected):
        dry.lift(scene.market, 10, time_in_force="fok")
    first, second = dry.exchange.dry_runs
    assert first.cost == second.cost > 4
    assert first.exposure == first.cost
    assert dry.fetch_order(order.order_id).status is OrderStatus.CANCELED


def test_a_batch_is_answered_entry_by_entry(scene: Scene, dry: Trader) -> None:
    terms = {"market_id": scene.market.market_id, "outcome": "yes", "side": "buy"}
    wanted = [
        OrderRequest(**terms, price="0.3", size=10),
        OrderRequest(**terms, price="0.4", size=10, time_in_force="ioc"),
        OrderRequest(**terms, price="0.4", size=10, time_in_force="fok"),
    ]
    resting, taken, whole = dry.create_orders(wanted)
    assert (resting.order.is_open, taken.order.filled) == (True, 0)
    assert isinstance(whole.error, OrderRejected)
    (report,) = dry.exchange.dry_runs
    assert report.cost == D(11)
    bodies = msgspec.json.decode(report.body)
    assert {x["order"]["signature"] for x in bodies} == {"REDACTED"}


def test_what_is_cancelled_here_is_open_there(scene: Scene, dry: Trader) -> None:
    real = scene.trader.rest(scene.market)
    mine = dry.rest(scene.market)
    assert {o.order_id for o in dry.fetch_open_orders()} == {
        real.order_id,
        mine.order_id,
    }
    results = dry.cancel_orders([real.order_id, mine.order_id])
    assert [r.order.status for r in results] == [OrderStatus.CANCELED] * 2
    assert dry.fetch_open_orders() == []
    assert dry.fetch_order(real.order_id).status is OrderStatus.CANCELED
    assert scene.trader.fetch_order(real.order_id).is_open
    assert dry.cancel_order(real.order_id).status is OrderStatus.CANCELED


def test_all_of_a_market_or_everything_is_cancelled_here(
    scene: Scene, dry: Trader
) -> None:
    other = next(m for m in scene.markets(lambda _: True) if m != scene.market)
    real, mine = scene.trader.rest(scene.market), dry.rest(scene.market)
    kept = dry.rest(other)
    report = dry.cancel_all_orders(market_id=scene.market.market_id)
    assert {o.order_id for o in report.canceled} == {real.order_id, mine.order_id}
    assert [o.order_id for o in dry.fetch_open_orders()] == [kept.order_id]
    assert dry.fetch_open_orders(market_id=scene.market.market_id) == []
    assert dry.cancel_all_orders().is_complete
    assert scene.trader.fetch_order(real.order_id).is_open


def test_a_sale_costs_nothing_and_heartbeats_stay_here(
    scene: Scene, dry: Trader
) -> None:
    scene.trader.lift(scene.market, 10)
    dry.create_order(scene.market.market_id, "yes", "sell", "0.9", 10)
    dry.cancel_all_orders_after(10)
    dry.cancel_all_orders_after(10)
    report = dry.exchange.dry_runs[0]
    assert report.cost == 0
    assert report.exposure is not None
    assert report.exposure > 4
    assert dry.writes == []


@pytest.mark.parametrize("tif", ["gtc", "ioc"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_report_tells_the_exposure_beside_both_outcomes_that_are_held(
    scene: Scene, dry: Trader, place: int, tif: str
) -> None:
    market = scene.market
    scene.venue.split(scene.wallet, scene.listed(), D(100))
    scene.trader.lift(market, 20)
    scene.trader.create_order(
        market.market_id, "no", "buy", market.grid.lowest, 50, client_order_id="real"
    )
    scene.advance(60)
    held = {x.outcome: x for x in scene.trader.fetch_positions()}
    assert [held[x].size for x in ("yes", "no")] == [120, 100]
    before = held["yes"].cost + held["no"].cost + 50 * market.grid.lowest
    outcome = ("yes", "no")[place]
    ask = market.ask if outcome == "yes" else 1 - market.bid
    # Neither nets with the other, and no sale opens, however much it asks for.
    for side, size, more in (
        ("buy", 10, 10 * ask),
        ("buy", 200, 200 * ask),
        ("sell", 10, D(0)),
        ("sell", held[outcome].size, D(0)),
        ("sell", held[outcome].size + 20, D(0)),
    ):
        dry.create_order(market.market_id, outcome, side, ask, size, time_in_force=tif)
        report = dry.exchange.dry_runs[-1]
        assert (report.cost, report.exposure) == (more, before + more)
        dry.cancel_all_orders(market_id=market.market_id)
        assert dry.exchange.dry_runs[-1].exposure == before - 50 * market.grid.lowest
        dry = scene.another(dry_run=True)
    assert len(scene.trader.fetch_open_orders()) == 1


def test_orders_of_a_dry_run_add_up_in_its_reports(scene: Scene, dry: Trader) -> None:
    market_id = scene.market.market_id
    scene.venue.split(scene.wallet, scene.listed(), D(100))
    scene.advance(60)
    found = []
    for outcome, side, price, size in (
        ("yes", "buy", "0.30", 10),
        ("no", "buy", "0.20", 10),
        ("yes", "sell", "0.90", 60),
        ("yes", "sell", "0.95", 60),
        ("no", "sell", "0.90", 10),
        ("yes", "buy", "0.10", 10),
    ):
        dry.create_order(market_id, outcome, side, price, size)
        found.append(dry.exchange.dry_runs[-1].exposure)
    assert found == [103, 105, 105, 105, 105, 106]


def test_an_api_key_is_derived_but_none_is_made(scene: Scene) -> None:
    secrets: dict[str, Any] = {"api_key": None, "secret": None, "password": None}
    dry = scene.another(dry_run=True, **secrets)
    assert dry.rest(scene.market).is_open
    assert [r.method for r in dry.transport.requests if "/auth/" in r.url] == ["GET"]
    scene.venue._house.keys.clear()
    fresh = scene.another(dry_run=True, **secrets)
    with pytest.raises(UnifiedExchangesError, match="make one on polymarket"):
        fresh.rest(scene.market)
    assert fresh.writes == []
    assert fresh.exchange.dry_runs == []


def test_raw_writes_are_answered_in_the_venues_words(scene: Scene, dry: Trader) -> None:
    venue = dry.exchange.venue

    def raw(method: str, path: str, body: Any) -> Any:
        flow = venue.request(method, path, body=body)
        return dry.do(lambda: dry.exchange._driver.run(flow))

    with pytest.raises(Exception, match="Invalid order payload"):
        raw("POST", "/clob/order", {"order": {"side": "HOLD"}})
    amounts = {"makerAmount": "3000000", "takerAmount": "10000000", "side": "BUY"}
    with pytest.raises(Exception, match="Invalid token id"):
        raw("POST", "/clob/order", {"order": {**amounts, "tokenId": "5"}})
    done = raw("DELETE", "/clob/order", {"orderID": scene.ground.missing_order})
    told = msgspec.json.decode(done.body)
    assert told["not_canceled"] == {
        scene.ground.missing_order: "already canceled or matched"
    }
    assert msgspec.json.decode(raw("DELETE", "/clob/notifications", None).body) == {}
    assert dry.writes == []


def test_an_order_of_a_dry_run_is_unknown_elsewhere(scene: Scene, dry: Trader) -> None:
    placed = dry.rest(scene.market, client_order_id="mine")
    assert dry.fetch_order(client_order_id="mine").order_id == placed.order_id
    again = dry.rest(scene.market, client_order_id="mine")
    assert again.order_id == placed.order_id
    with pytest.raises(OrderNotFound):
        scene.trader.fetch_order(placed.order_id)


def test_what_cannot_be_read_is_not_known_in_the_report(
    scene: Scene, dry: Trader
) -> None:
    terms = scene.market.market_id, "yes", "buy", "0.001", 10
    dry.preview_order(*terms)
    dry.suffer("503", 1000, reads=True, writes=False)
    dry.create_order(*terms)
    (report,) = dry.exchange.dry_runs
    assert (report.cost, report.exposure) == (D("0.01"), None)
    dry.relieve()
