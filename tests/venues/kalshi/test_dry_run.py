"""A dry run: strategies go on as ever, and nothing but reads reaches the venue."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.kalshi.blotter import rain
from tests.venues.kalshi.desk import desk, order, orders, position, positions
from tests.venues.kalshi.desk import market as market_row
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    DuplicateOrderId,
    InvalidOrder,
    InvalidPrice,
    OrderNotFound,
    OrderUnknown,
    RateLimitExceeded,
    ReadOnly,
)
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import (
    DryRunReport,
    Market,
    OrderRequest,
    OrderStatus,
    ReconcileReport,
)
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.venues.kalshi.overlay import Overlay

FREE = LimitPolicy(enabled=False, discover=False)
ORDERS = "/portfolio/events/orders"


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class Locked(KalshiGround):
    """A venue that fails on whatever is no read, unless it is let through."""

    locked = False

    def server(self) -> Any:
        kalshi = super().server()
        ground = self

        class Lock:
            def handle(self, request: Any, **lag: Any) -> Any:
                if ground.locked and request.method != "GET":
                    raise AssertionError(f"{request.method} {request.url} left")
                return kalshi.handle(request, **lag)

        return Lock()


@pytest.fixture
def ground() -> Locked:
    ground = Locked(enforce_limits=False)
    ground.clock.advance(60)
    return ground


@pytest.fixture
def real(ground: Locked, flavour: str) -> Trader:
    """The same account, without the dry run."""
    return ground.trader(flavour, limits=FREE)


@pytest.fixture
def trader(ground: Locked, real: Trader, flavour: str) -> Trader:
    return ground.trader(flavour, limits=FREE, dry_run=True)


@pytest.fixture
def market(trader: Trader) -> Market:
    return trader.quoted_market()


def requests_for(market: Market, count: int) -> list[OrderRequest]:
    return [
        OrderRequest(
            market_id=market.market_id,
            outcome="yes",
            side="buy",
            price=market.grid.lowest,
            size=size,
        )
        for size in range(1, count + 1)
    ]


def everything(trader: Trader, market: Market) -> None:
    """Every write there is, one after another."""
    resting = trader.rest(market)
    trader.edit_order(resting.order_id, size=3)
    trader.create_orders(requests_for(market, 3))
    trader.lift(market)
    trader.cancel_order(resting.order_id)
    trader.cancel_orders([o.order_id for o in trader.fetch_open_orders()[:2]])
    trader.cancel_all_orders()
    trader.close_position(market.market_id, max_slippage="0.05")
    for method, path in (
        ("POST", ORDERS),
        ("POST", f"{ORDERS}/batched"),
        ("DELETE", f"{ORDERS}/batched"),
        ("DELETE", ORDERS),
        ("POST", "/portfolio/order_groups/create"),
        ("PUT", "/portfolio/order_groups/g1/limit"),
        ("DELETE", "/portfolio/order_groups/g1"),
        ("POST", "/communications/rfqs"),
        ("DELETE", f"{ORDERS}/nobody"),
        ("POST", f"{ORDERS}/nobody/decrease"),
        ("PUT", f"{ORDERS}/nobody/some/thing"),
    ):
        try:
            trader.request(method, path, body={"some": "thing"})
        except (BadRequest, OrderNotFound):
            continue


# -- the journal -----------------------------------------------------------------------


def test_a_dry_run_does_not_make_the_file_of_its_journal(
    ground: Locked, real: Trader, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    trader = ground.trader(flavour, limits=FREE, dry_run=True, journal=path)
    market = real.quoted_market()
    ground.locked = True
    everything(trader, market)
    assert trader.unresolved_intents() == []
    assert trader.reconcile() == ReconcileReport()
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_open_holds_no_dry_run_back_and_stays_open(
    ground: Locked, real: Trader, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    market = real.quoted_market()
    crashed = ground.trader(flavour, limits=FREE, journal=path)
    crashed.suffer("lost before", 1000)
    with pytest.raises(OrderUnknown):
        crashed.rest(market, client_order_id="left")
    trader = ground.trader(flavour, limits=FREE, dry_run=True, journal=path)
    assert trader.rest(market).is_open
    assert trader.reconcile() == ReconcileReport()
    (left,) = crashed.unresolved_intents()
    assert left.client_order_id == "left"
    crashed.aclose() if flavour == "async" else crashed.close()


# -- nothing leaves --------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"environment": "production", "live": True}],
    ids=["demo", "production"],
)
def test_fault_51_no_write_ever_reaches_the_transport(
    ground: Locked, real: Trader, flavour: str, settings: dict[str, Any]
) -> None:
    market = real.quoted_market()
    real.lift(market)
    before = ground.kalshi.engine.orders(ground.key.user_id)
    ground.locked = True
    trader = ground.trader(flavour, limits=FREE, dry_run=True, **settings)
    everything(trader, market)
    assert {request.method for request in trader.transport.requests} == {"GET"}
    assert ground.kalshi.engine.orders(ground.key.user_id) == before
    assert len(trader.exchange.dry_runs) >= 15


def test_fault_51_production_without_live_refuses_as_in_a_real_run(
    ground: Locked, flavour: str
) -> None:
    trader = ground.trader(flavour, environment="production", dry_run=True)
    market = trader.quoted_market()
    for write in (
        lambda: trader.rest(market),
        lambda: trader.create_orders(requests_for(market, 1)),
        lambda: trader.cancel_order("o1"),
        trader.cancel_all_orders,
        lambda: trader.edit_order("o1", size=1),
        lambda: trader.close_position(market.market_id, price="0.01"),
        lambda: trader.request("POST", ORDERS, body={}),
    ):
        with pytest.raises(ReadOnly, match="live=True"):
            write()
    assert trader.exchange.dry_runs == []
    assert {request.method for request in trader.transport.requests} == {"GET"}


def test_a_dry_run_says_so(trader: Trader, real: Trader) -> None:
    assert repr(trader.exchange).endswith("demo (play money, dry run)>")
    assert real.exchange.dry_runs == []


# -- a strategy goes on ----------------------------------------------------------------


def test_an_order_rests_marked_and_unfilled(trader: Trader, market: Market) -> None:
    placed = trader.rest(market, size="7", client_order_id="mine")
    assert placed.order_id.startswith("dry-run-")
    assert (placed.status, placed.filled, placed.remaining, placed.client_order_id) == (
        OrderStatus.OPEN,
        0,
        7,
        "mine",
    )


def test_what_was_placed_is_read_like_any_order(trader: Trader, market: Market) -> None:
    placed = trader.rest(market, client_order_id="mine")
    terms = placed.market_id, placed.side, placed.price, placed.size, placed.status
    by_id = trader.fetch_order(placed.order_id)
    by_key = trader.fetch_order(client_order_id="mine")
    for read in (
        by_id,
        by_key,
        *trader.fetch_open_orders(),
        *trader.fetch_open_orders(market_id=market.market_id),
        *trader.fetch_open_orders(event_id=market.event_id),
        *trader.fetch_orders(market_id=market.market_id, limit=1),
    ):
        assert (read.order_id, read.created_at) == (placed.order_id, by_id.created_at)
        assert (
            read.market_id,
            read.side,
            read.price,
            read.size,
            read.status,
        ) == terms
    events = {m.event_id for m in trader.fetch_markets(limit=200)} - {market.event_id}
    assert trader.fetch_open_orders(event_id=min(events)) == []
    assert trader.fetch_closed_orders(market_id=market.market_id) == []


def test_a_cancelled_order_is_cancelled_and_again(
    trader: Trader, market: Market
) -> None:
    placed = trader.rest(market)
    ended = trader.cancel_order(placed.order_id)
    again = trader.cancel_order(placed.order_id)
    assert (ended.status, ended.remaining, again.status) == (
        OrderStatus.CANCELED,
        0,
        OrderStatus.CANCELED,
    )
    assert trader.fetch_open_orders() == []
    (closed,) = trader.fetch_closed_orders(market_id=market.market_id)
    assert closed.order_id == placed.order_id


def test_an_order_is_changed_in_place(trader: Trader, market: Market) -> None:
    placed = trader.rest(market, size="5")
    price = market.grid.lowest + market.grid.step_at(market.grid.lowest)
    expires = datetime.fromtimestamp(trader.ground.clock.now(), UTC).replace(
        microsecond=0
    ) + timedelta(hours=1)
    trader.edit_order(placed.order_id, outcome="yes", price=price)
    trader.edit_order(placed.order_id, size=9)
    trader.edit_order(placed.order_id, expires_at=expires)
    trader.edit_order(placed.order_id, params={"updated_client_order_id": "new"})
    read = trader.fetch_order(client_order_id="new")
    assert (read.price, read.size, read.remaining, read.expires_at) == (
        price,
        9,
        9,
        expires,
    )
    trader.edit_order(placed.order_id, params={"expiration_time": 0})
    assert trader.fetch_order(placed.order_id).expires_at is None


def test_an_immediate_order_ends_unfilled(trader: Trader, market: Market) -> None:
    taken = trader.lift(market)
    assert (taken.status, taken.filled) == (OrderStatus.CANCELED, 0)


def test_a_batch_gives_each_its_order_and_cancel_all_ends_them(
    trader: Trader, market: Market
) -> None:
    results = trader.create_orders(requests_for(market, 4))
    ids = [result.order.order_id for result in results]
    assert [order.order_id for order in trader.fetch_open_orders()] == ids[::-1]
    report = trader.cancel_all_orders()
    assert {order.order_id for order in report.canceled} == set(ids)
    assert (report.is_complete, trader.fetch_open_orders()) == (True, [])


def test_real_orders_change_in_the_eyes_of_the_dry_run_only(
    ground: Locked, real: Trader, flavour: str
) -> None:
    market = real.quoted_market()
    resting = [real.rest(market, size=str(n)) for n in (3, 4, 5)]
    ground.locked = True
    trader = ground.trader(flavour, limits=FREE, dry_run=True)
    changed = trader.edit_order(resting[0].order_id, size=2)
    one = trader.cancel_order(resting[1].order_id)
    assert (changed.remaining, one.status) == (2, OrderStatus.CANCELED)
    assert {o.order_id for o in trader.fetch_open_orders()} == {
        resting[0].order_id,
        resting[2].order_id,
    }
    assert trader.cancel_all_orders().is_complete
    assert trader.fetch_open_orders() == []
    assert [o.remaining for o in real.fetch_open_orders()] == [5, 4, 3]


def test_one_key_stands_for_one_order(trader: Trader, market: Market) -> None:
    one = trader.rest(market, client_order_id="mine")
    assert trader.rest(market, client_order_id="mine").order_id == one.order_id
    with pytest.raises(DuplicateOrderId):
        trader.rest(market, size="6", client_order_id="mine")
    assert len(trader.exchange.dry_runs) == 1


def test_closing_sells_what_is_really_held(
    ground: Locked, real: Trader, flavour: str
) -> None:
    market = real.quoted_market()
    real.lift(market, size="2")
    ground.locked = True
    trader = ground.trader(flavour, limits=FREE, dry_run=True)
    closing = trader.close_position(market.market_id, max_slippage="0.05")
    (report,) = trader.exchange.dry_runs
    assert (closing.side, closing.size, closing.filled) == ("sell", 2, 0)
    assert json.loads(report.body)["reduce_only"] is True
    (held,) = real.fetch_positions(market_id=market.market_id)
    assert (report.cost, report.exposure) == (0, held.cost)


def test_reading_ahead_shows_what_was_rehearsed(
    ground: Locked, real: Trader, flavour: str
) -> None:
    market = real.quoted_market()
    results = real.create_orders(requests_for(market, 6))
    ids = [result.order.order_id for result in results]
    trader = ground.trader(flavour, limits=FREE, dry_run=True)
    trader.cancel_order(ids[0])
    made = trader.rest(market)
    listed = trader.take(20, "iter_orders", market_id=market.market_id)
    assert [o.order_id for o in listed[:1]] == [made.order_id]
    assert {o.order_id: o.status for o in listed}[ids[0]] is OrderStatus.CANCELED
    assert len(listed) == 7


# -- the checks of a real run ----------------------------------------------------------


def test_fault_14_the_checks_of_a_real_run_hold(
    ground: Locked, real: Trader, flavour: str
) -> None:
    market = real.quoted_market()
    guards = GuardPolicy(max_order_cost=Decimal("0.01"), max_orders=1)
    trader = ground.trader(flavour, limits=FREE, dry_run=True, guards=guards)
    with pytest.raises(InvalidPrice):
        trader.rest(market, price="0.00001")
    with pytest.raises(InvalidOrder, match="above the cap"):
        trader.rest(market, size="1000")
    assert trader.exchange.dry_runs == []
    trader.rest(market, size="1")
    with pytest.raises(RateLimitExceeded):
        trader.rest(market, size="1")
    assert len(trader.exchange.dry_runs) == 1


def test_an_order_needs_a_key_as_in_a_real_run(ground: Locked, flavour: str) -> None:
    keyless: Any = {"api_key": None, "private_key": None}
    trader = ground.trader(flavour, dry_run=True, **keyless)
    with pytest.raises(AuthenticationError):
        trader.rest(trader.quoted_market())


def test_an_unknown_order_is_unknown(trader: Trader, market: Market) -> None:
    with pytest.raises(OrderNotFound):
        trader.cancel_order("o1", market_id=market.market_id)
    (refused,) = trader.cancel_orders(["dry-run-none"])
    assert isinstance(refused.error, OrderNotFound)


# -- reports ---------------------------------------------------------------------------


def test_a_write_leaves_a_report(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "unified_exchanges.drivers.dry_run"):
        placed = trader.rest(market, size="10", client_order_id="mine")
    (report,) = trader.exchange.dry_runs
    preview = trader.preview_order(
        market.market_id,
        "yes",
        "buy",
        market.grid.lowest,
        "10",
        client_order_id="mine",
    )
    assert isinstance(report, DryRunReport)
    assert (report.method, report.url) == (preview.method, preview.url)
    assert (report.body, report.headers) == (preview.body, preview.headers)
    assert (report.cost, report.fee) == (preview.cost, preview.fee)
    assert (report.market_ids, report.order_ids, report.client_order_ids) == (
        (market.market_id,),
        (placed.order_id,),
        ("mine",),
    )
    assert (report.exposure, report.status) == (report.cost, 201)
    logged = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    assert logged == [str(report)]
    assert report.body in str(report)
    assert "REDACTED" in str(report)
    assert report.to_dict()["cost"] == "0.01"


def test_fault_48_a_report_holds_no_secret(
    ground: Locked, trader: Trader, market: Market
) -> None:
    trader.rest(market)
    (report,) = trader.exchange.dry_runs
    assert ground.key.key_id not in str(report) + repr(report)
    assert set(report.headers.values()) == {"REDACTED", "application/json"}


def test_exposure_counts_what_is_held_and_what_rests(
    ground: Locked, real: Trader, flavour: str
) -> None:
    market = real.quoted_market()
    real.lift(market, size="4")
    real.rest(market, size="5")
    (held,) = real.fetch_positions(market_id=market.market_id)
    ground.locked = True
    trader = ground.trader(flavour, limits=FREE, dry_run=True)
    lowest = market.grid.lowest
    trader.rest(market, size="3")
    # Sells the 4 that are held, and opens 6 NO.
    trader.rest(market, side="sell", price=market.grid.highest, size="10")
    first, second = trader.exchange.dry_runs
    assert (first.cost, first.exposure) == (3 * lowest, held.cost + 8 * lowest)
    opened = 6 * (1 - market.grid.highest)
    assert (second.cost, second.exposure) == (
        opened,
        held.cost + 8 * lowest + opened,
    )


@pytest.mark.parametrize("outcome", ["yes", "no"])
def test_what_takes_at_once_is_exposure_though_it_ends_unfilled(
    trader: Trader, market: Market, outcome: str
) -> None:
    price, ioc = market.grid.lowest, {"time_in_force": "ioc"}
    trader.create_order(market.market_id, outcome, "buy", price, 4, **ioc)
    assert trader.exchange.dry_runs[-1].exposure == 4 * price
    trader.create_order(
        market.market_id, outcome, "buy", price, 4, **ioc, reduce_only=True
    )
    assert trader.exchange.dry_runs[-1].exposure == 0


def test_an_order_that_only_makes_pays_a_maker_s_fee(
    trader: Trader, market: Market
) -> None:
    fees = []
    for post_only in (True, False):
        trader.create_order(
            market.market_id,
            "yes",
            "buy",
            market.grid.lowest,
            100,
            post_only=post_only,
        )
        fees.append(trader.exchange.dry_runs[-1].fee)
    assert fees[0] < fees[1]


def test_a_batch_reports_its_sum(trader: Trader, market: Market) -> None:
    trader.create_orders(requests_for(market, 3))
    (report,) = trader.exchange.dry_runs
    assert (len(report.order_ids), report.cost) == (3, 6 * market.grid.lowest)
    assert report.exposure == report.cost
    assert len(json.loads(report.body)["orders"]) == 3


def test_fault_25_what_could_not_be_read_is_not_known_rather_than_nought() -> None:
    at = desk(rain(), dry_run=True)
    at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 10)
    (report,) = at.kalshi.dry_runs
    assert (report.cost, report.exposure, report.fee) == (None, None, None)
    assert "exposure not known" in str(report)


def test_of_several_markets_one_may_not_be_known() -> None:
    told = rain(**{"/markets/SNOW": {"market": market_row("SNOW")}})
    told["/portfolio/positions"] = lambda query: (
        None if query["ticker"] == "RAIN" else positions(position("SNOW", "4.00"))
    )
    at = desk(told, dry_run=True)
    at.kalshi.create_orders(
        [
            OrderRequest(market_id=x, outcome="yes", side="buy", price="0.30", size=10)
            for x in ("RAIN", "SNOW")
        ]
    )
    (report,) = at.kalshi.dry_runs
    assert (report.cost, report.exposure) == (None, None)
    assert report.exposures == {"SNOW": 7}


def test_a_raw_batch_of_cancels_tells_what_is_not_there(
    trader: Trader, market: Market
) -> None:
    placed = trader.rest(market)
    ids = [{"order_id": placed.order_id}, {"order_id": "nobody"}]
    told = trader.request("DELETE", f"{ORDERS}/batched", body={"orders": ids})
    first, second = told["orders"]
    assert first["reduced_by"] == "5.00"
    assert (second["reduced_by"], second["error"]["code"]) == ("0.00", "not_found")


def test_a_cancel_costs_nothing(trader: Trader, market: Market) -> None:
    trader.cancel_order(trader.rest(market).order_id)
    report = trader.exchange.dry_runs[-1]
    assert (report.method, report.body, report.cost, report.fee) == (
        "DELETE",
        None,
        0,
        0,
    )
    assert report.exposure == 0


# -- raw requests ----------------------------------------------------------------------


def test_order_groups_are_rehearsed(trader: Trader, market: Market) -> None:
    made = trader.request(
        "POST", "/portfolio/order_groups/create", body={"contracts_limit": 10}
    )
    group = made["order_group_id"]
    placed = trader.rest(market, params={"order_group_id": group})
    path = f"/portfolio/order_groups/{group}"
    assert trader.request("GET", path)["orders"] == [placed.order_id]
    trader.request("PUT", f"{path}/trigger")
    assert trader.fetch_order(placed.order_id).status is OrderStatus.CANCELED


def test_a_raw_decrease_takes_contracts_off(trader: Trader, market: Market) -> None:
    placed = trader.rest(market, size="5")
    path = f"{ORDERS}/{placed.order_id}/decrease"
    left = trader.request("POST", path, body={"reduce_by": "2.00"})
    assert left["remaining_count"] == "3.00"
    trader.request("POST", path, body={"reduce_to": "1.00"})
    assert trader.fetch_order(placed.order_id).remaining == 1
    trader.request("POST", path, body={"reduce_to": "0.00"})
    assert trader.fetch_order(placed.order_id).status is OrderStatus.CANCELED


def raw(market: Market, **fields: Any) -> dict[str, Any]:
    return {
        "ticker": market.market_id,
        "client_order_id": "raw",
        "side": "bid",
        "count": "2.00",
        "price": "0.0100",
        "time_in_force": "good_till_canceled",
        **fields,
    }


def test_a_raw_create_is_an_order(trader: Trader, market: Market) -> None:
    told = trader.request("POST", ORDERS, body=raw(market))
    assert trader.fetch_order(told["order_id"]).remaining == 2
    with pytest.raises(DuplicateOrderId):
        trader.request("POST", ORDERS, body=raw(market))


@pytest.mark.parametrize(
    "fields", [{"price": None}, {"price": "dear"}, {"count": "x"}, {"side": 1}]
)
def test_a_raw_create_that_makes_no_sense_is_refused(
    trader: Trader, market: Market, fields: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        trader.request("POST", ORDERS, body=raw(market, **fields))
    batch = {"orders": [raw(market, **fields), {"strange": True}]}
    told = trader.request("POST", f"{ORDERS}/batched", body=batch)
    assert ["error" in entry for entry in told["orders"]] == [True, True]


def test_a_raw_amend_is_held_against_the_order(trader: Trader, market: Market) -> None:
    placed = trader.rest(market)
    path = f"{ORDERS}/{placed.order_id}/amend"
    for wrong in ({"ticker": "OTHER"}, {"count": "0.00"}):
        with pytest.raises(BadRequest):
            trader.request("POST", path, body=raw(market, **wrong))


def test_raw_cancel_all_takes_a_subaccount(trader: Trader, market: Market) -> None:
    trader.rest(market)
    trader.request("DELETE", ORDERS, query={"subaccount": 0})
    assert trader.fetch_open_orders() == []


def test_what_has_ended_long_ago_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unified_exchanges.venues.kalshi.overlay._MOST", 2)
    overlay = Overlay(lambda _: None)
    for name, status in (("a", "resting"), ("b", "canceled"), ("c", "canceled")):
        overlay.put({"order_id": name, "status": status})
    assert [row["order_id"] for row in overlay.rows()] == ["a", "c"]
    for name in ("d", "e"):
        overlay.put({"order_id": name, "status": "resting"})
    assert [row["order_id"] for row in overlay.rows()] == ["a", "d", "e"]


# -- listings of a real account --------------------------------------------------------


def test_pages_of_real_orders_keep_their_order_and_their_cursor() -> None:
    def page(query: dict[str, str]) -> Any:
        if query.get("status") != "resting":
            return orders()
        fields: Any = {
            "status": "resting",
            "fill_count_fp": "0.00",
            "remaining_count_fp": "10.00",
        }
        if query.get("cursor"):
            return orders(order("o2", **fields))
        undated = order("o1", **fields)
        del undated["created_time"]
        return orders(undated, cursor="more")

    told = rain(**{"/portfolio/orders": page, "/portfolio/positions": positions()})
    at = desk(told, dry_run=True)
    made = at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 10)
    listed = at.kalshi.fetch_open_orders()
    assert [o.order_id for o in listed] == [made.order_id, "o1", "o2"]


def test_a_listing_that_cannot_be_read_says_so() -> None:
    told = rain(**{"/portfolio/positions": positions(position("RAIN", "-5.00"))})
    at = desk(told, dry_run=True)
    at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 10)
    assert at.kalshi.dry_runs[0].cost == Decimal("1.5")
    at.answers["/portfolio/orders"] = {"orders": 5}
    with pytest.raises(Exception, match="orders"):
        at.kalshi.fetch_open_orders()
