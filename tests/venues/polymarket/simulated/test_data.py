"""The Data API: positions, trades and activity, late and on the chain only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

from .trader import Trader, trader

GLOBEX = "will-globex-be-the-largest-company"


def own(museum: Trader, path: str, **query: Any) -> list[Any]:
    """The rows of the museum's wallet."""
    read = museum.read(path, user=museum.wallet.address, **query)
    return read["data"] if isinstance(read, dict) else read


def test_both_outcomes_of_a_market_are_positions(museum: Trader) -> None:
    rows = own(museum, "/data/v2/positions", status="OPEN", title="fed")
    told = [(row["outcome"], row["current_size"], row["mergeable"]) for row in rows]
    assert told == [("Yes", 50, True), ("No", 15, True)]
    assert rows[0]["opposite_token_id"] == rows[1]["token_id"]


def test_a_position_tells_what_it_cost_and_is_worth(museum: Trader) -> None:
    [row] = own(museum, "/data/v2/positions", title="120,000")
    assert (row["avg_price"], row["entry_cost_usdc"]) == (Decimal("0.6"), 15)
    assert row["entry_fees_usdc"] == Decimal("0.42")
    assert row["total_cost_usdc"] == Decimal("15.42")
    assert row["current_value"] == 25 * row["current_price"]
    assert row["unrealized_pnl"] == row["current_value"] - 15


def test_positions_are_filtered_and_sorted(museum: Trader) -> None:
    rows = own(museum, "/data/v2/positions")
    assert len(rows) == 6
    values = [row["current_value"] for row in rows]
    assert values == sorted(values, reverse=True)
    fed = museum.market().condition_id
    assert len(own(museum, "/data/v2/positions", condition_id=fed)) == 2
    assert len(museum.read("/data/v2/positions", condition_id=fed)["data"]) == 2
    event = rows[0]["event_id"]
    assert all(
        r["event_id"] == event
        for r in own(museum, "/data/v2/positions", event_id=event)
    )
    assert len(own(museum, "/data/v2/positions", status="CLOSED")) == 3
    assert len(own(museum, "/data/v2/positions", status="MERGEABLE")) == 2
    assert own(museum, "/data/v2/positions", status="REDEEMABLE") == []
    big = own(museum, "/data/v2/positions", filter_type="TOKENS", filter_amount="20")
    assert [row["current_size"] for row in big] == [50, 25]
    rich = own(museum, "/data/v2/positions", filter_type="CASH", filter_amount="20")
    assert [row["current_size"] for row in rich] == [50]
    by_size = own(museum, "/data/v2/positions", sort_by="TOKENS", sort_direction="ASC")
    assert [row["current_size"] for row in by_size] == [0, 0, 0, 15, 25, 50]
    assert own(museum, "/data/v2/positions", start="1795200000") == []
    assert own(museum, "/data/v2/positions", end="1") == []


def test_a_trade_reaches_the_data_api_once_it_is_mined(ada: Trader, fed, clock) -> None:
    ada.placed(fed, "BUY", "0.56", "10")
    assert own(ada, "/data/v2/trades") == []
    assert len(own(ada, "/data/v2/positions")) == 1
    clock.advance(2)
    [row] = own(ada, "/data/v2/trades")
    assert (row["side"], row["size"], row["price"]) == ("BUY", 10, Decimal("0.56"))
    assert row["proxy_wallet"] == ada.wallet.address.lower()


def test_the_data_api_may_be_late(polymarket, ada: Trader, fed, clock) -> None:
    polymarket.settings.data_lag = 30.0
    ada.placed(fed, "BUY", "0.56", "10")
    clock.advance(29)
    assert own(ada, "/data/v2/trades") == own(ada, "/data/v2/positions") == []
    ada.placed(fed, "BUY", "0.56", "5")
    clock.advance(2)
    assert [row["size"] for row in own(ada, "/data/v2/trades")] == [10]
    assert [row["current_size"] for row in own(ada, "/data/v2/positions")] == [10]


def test_fault_44_what_is_mined_is_shown_also_once_the_clock_was_set_back(
    ada: Trader, fed, clock
) -> None:
    ada.placed(fed, "BUY", "0.56", "10")
    clock.advance(60)
    assert len(own(ada, "/data/v2/positions")) == 1
    clock.step(-120)
    assert len(own(ada, "/data/v2/trades")) == len(own(ada, "/data/v2/positions")) == 1


def test_makers_are_told_on_request(ada: Trader, bob: Trader, fed, clock) -> None:
    ada.placed(fed, "BUY", "0.54", "10")
    bob.polymarket.split(bob.wallet, fed, 1000)
    bob.placed(fed, "SELL", "0.54", "900")
    clock.advance(10)
    assert own(ada, "/data/v2/trades") == []
    [row] = own(ada, "/data/v2/trades", taker_only="false")
    assert (row["side"], row["size"]) == ("BUY", 10)


def test_trades_of_everybody_are_filtered(museum: Trader) -> None:
    rows = museum.read("/data/v2/trades", limit=1000)["data"]
    assert len(rows) > 300
    listed = museum.market()
    some = museum.read(
        "/data/v2/trades",
        limit=1000,
        condition_id=listed.condition_id,
        side="SELL",
        filter_type="TOKENS",
        filter_amount="50",
    )["data"]
    assert some
    assert all(
        row["condition_id"] == listed.condition_id
        and row["side"] == "SELL"
        and row["size"] >= 50
        for row in some
    )
    event = museum.read("/data/v2/trades", event_id=listed.event_id, limit=1000)["data"]
    assert {row["condition_id"] for row in event} == {listed.condition_id}
    moment = rows[10]["timestamp"]
    early = museum.read("/data/v2/trades", end=moment, limit=1)["data"]
    assert early[0]["timestamp"] <= moment
    assert museum.read("/data/v2/trades", start="1795200000")["data"] == []


def test_pages_say_whether_there_is_more(museum: Trader) -> None:
    first = museum.read("/data/v2/trades", limit=10)
    assert (first["pagination"]["has_more"], first["pagination"]["offset"]) == (True, 0)
    second = museum.read(
        "/data/v2/trades", limit=10, cursor=first["pagination"]["next_cursor"]
    )
    assert second["pagination"]["offset"] == 10
    assert (
        first["data"] + second["data"]
        == museum.read("/data/v2/trades", limit=20)["data"]
    )


def test_activity_tells_trades_and_redemptions(museum: Trader) -> None:
    rows = own(museum, "/data/v2/activity")
    kinds = [row["type"] for row in rows]
    assert (kinds.count("TRADE"), kinds.count("REDEEM")) == (8, 3)
    [redeemed] = [
        row for row in rows if row["type"] == "REDEEM" and row["slug"] == GLOBEX
    ]
    assert (redeemed["size"], redeemed["usdc_size"]) == (60, 60)
    assert own(museum, "/data/v2/activity", type="REDEEM,SPLIT") == [
        row for row in rows if row["type"] == "REDEEM"
    ]


def test_splits_and_merges_are_activity(polymarket, ada: Trader, fed) -> None:
    polymarket.split(ada.wallet, fed, 100)
    polymarket.merge(ada.wallet, fed, 40)
    kinds = [(r["type"], r["size"]) for r in own(ada, "/data/v2/activity")]
    assert kinds == [("MERGE", 40), ("SPLIT", 100)]
    assert (ada.tokens(fed), ada.tokens(fed, 1), ada.cash) == (60, 60, 9940)


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("/v2/positions", {}, "user"),
        ("/v2/positions", {"user": "0x1", "status": "LOST"}, "status"),
        ("/v2/positions", {"user": "0x1", "sort_by": "LUCK"}, "sort_by"),
        ("/v2/trades", {"limit": "1001"}, "limit"),
        ("/v2/trades", {"cursor": "!"}, "cursor"),
        ("/v2/trades", {"side": "UP"}, "side"),
        ("/v2/activity", {}, "user"),
        ("/v2/prices-history", {}, "token_id"),
    ],
)
def test_a_query_that_is_not_valid_names_its_parameter(
    museum: Trader, path, query, parameter
) -> None:
    answer = museum.ask("GET", path, host="/data", headers={}, **query)
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert answer.body["parameter"] == parameter
    assert answer.headers["x-trace-id"] == answer.body["trace_id"]


def test_the_past_is_told_in_buckets(museum: Trader) -> None:
    token = museum.market().tokens[0]
    path = "/data/v2/prices-history"
    week = museum.read(path, token_id=token, interval="1w", bucket_seconds=43200)
    rows = week["data"]
    assert len(rows) >= 8
    # The last is the latest price, wherever it lies.
    assert {row["resolution_seconds"] for row in rows[:-1]} == {43200}
    assert rows[-1]["resolution_seconds"] == 60
    window = museum.read(
        path,
        token_id=token,
        start=rows[0]["timestamp"],
        end=rows[1]["timestamp"],
        bucket_seconds=43200,
    )
    told = [row for row in window["data"] if row["resolution_seconds"] == 43200]
    assert told == rows[:1]
    assert window["data"][-1]["timestamp"] == rows[1]["timestamp"] - 60
    open_end = museum.read(
        path, token_id=token, start=rows[-1]["timestamp"], bucket_seconds=43200
    )
    assert open_end["data"] == rows[-1:]
    moment = museum.read(path, token_id=token, as_of=rows[-1]["timestamp"])["data"]
    assert [row["price"] for row in moment] == [rows[-1]["price"]]


def test_the_past_is_told_in_pages(museum: Trader) -> None:
    query = {
        "token_id": museum.market().tokens[0],
        "interval": "1w",
        "bucket_seconds": 43200,
    }
    path = "/data/v2/prices-history"
    whole = museum.read(path, **query)["data"]
    first = museum.read(path, **query, limit=5)
    cursor = first["pagination"]["next_cursor"]
    assert first["pagination"]["has_more"] is True
    rest = museum.read(path, **query, cursor=cursor)
    assert first["data"] + rest["data"] == whole
    assert rest["pagination"]["next_cursor"] is None


def test_what_is_fine_is_kept_for_days_only() -> None:
    clock = VirtualClock()
    polymarket = SimulatedPolymarket(seed=7, clock=clock, enforce_limits=False)
    museum = trader(polymarket, clock, polymarket.resident_key)
    clock.advance(20 * 86_400)
    now = int(clock.now())
    token, path = museum.market().tokens[0], "/data/v2/prices-history"
    span = {"start": now - 12 * 86_400, "end": now}
    fine = museum.read(path, token_id=token, bucket_seconds=60, **span)["data"]
    coarse = museum.read(path, token_id=token, bucket_seconds=10_800, **span)["data"]
    assert fine[0]["timestamp"] >= now - 7 * 86_400
    assert coarse[0]["timestamp"] < now - 11 * 86_400


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"interval": "1d", "start": "1"},
        {"interval": "2d"},
        {"interval": "1w", "bucket_seconds": "60"},
        {"interval": "1d", "limit": "10001"},
        {"interval": "1d", "cursor": "!"},
        {"start": "1", "end": "99999999"},
    ],
)
def test_a_past_that_cannot_be_told_is_refused(museum: Trader, query) -> None:
    token = museum.market().tokens[0]
    answer = museum.ask(
        "GET", "/v2/prices-history", host="/data", headers={}, token_id=token, **query
    )
    assert answer.status == 400


def test_what_is_held_is_worth_something(museum: Trader) -> None:
    rows = own(museum, "/data/v2/positions")
    worth = sum(row["current_value"] for row in rows)
    value = museum.read("/data/v2/value", user=museum.wallet.address)["data"]
    assert value["value"] == worth
    [old] = own(museum, "/data/value")
    assert old["value"] == worth
    assert museum.read("/data/v2/status") == {"status": "ok"}
    assert museum.read("/data/") == {"data": "OK"}


def test_the_first_version_answers_still(museum: Trader) -> None:
    rows = own(museum, "/data/positions")
    assert {(row["outcome"], row["size"]) for row in rows} == {
        ("Yes", 50),
        ("No", 15),
        ("Yes", 25),
    }
    fed = museum.market().condition_id
    assert len(own(museum, "/data/positions", market=fed)) == 2
    assert own(museum, "/data/positions", sizeThreshold="51") == []
    assert own(museum, "/data/positions", redeemable="true") == []
    assert len(own(museum, "/data/positions", redeemable="false", limit=2)) == 2
    assert len(own(museum, "/data/closed-positions")) == 3
    assert len(own(museum, "/data/trades", takerOnly="false")) == 8
    assert len(own(museum, "/data/trades", side="SELL")) == 2
    assert len(museum.read("/data/trades", market=fed, offset=1)) > 20
    assert len(own(museum, "/data/activity", type="REDEEM")) == 3
    assert len(own(museum, "/data/activity")) == 11


def test_holders_and_interest_are_told(museum: Trader) -> None:
    fed = museum.market()
    [yes, no] = museum.read("/data/holders", market=fed.condition_id)
    assert yes["holders"][0]["proxyWallet"] == museum.wallet.name
    assert (yes["holders"][0]["amount"], no["holders"][0]["amount"]) == (50, 15)
    [row] = museum.read("/data/oi", market=fed.condition_id)
    assert row["value"] > 15
    assert museum.read("/data/oi", market="0x1") == []


def test_the_first_version_wants_a_user(museum: Trader) -> None:
    for path in ("/positions", "/activity", "/value"):
        answer = museum.ask("GET", path, host="/data", headers={})
        assert answer.status == 400
