"""Balance, positions and limits: exact, complete, and an error when they are not."""

from __future__ import annotations

import logging
import threading
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    ExchangeNotAvailable,
    VenueSchemaError,
)
from unified_exchanges.money import total
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.venues.kalshi.venue import KalshiVenue

from .desk import (
    Desk,
    body,
    desk,
    markets,
    position,
    positions,
    refusal,
    simulated_desk,
)

D = Decimal
ONCE = RetryPolicy(attempts=1)
DISCOVERING = LimitPolicy()


def venue_of(at: Desk) -> KalshiVenue:
    assert isinstance(at.kalshi.venue, KalshiVenue)
    return at.kalshi.venue


# -- balance ---------------------------------------------------------------------------


BALANCE = {
    "balance": 9801,
    "balance_dollars": "98.0186",
    "portfolio_value": 198,
    "updated_ts": 1781159348,
    "balance_breakdown": [
        {"exchange_index": 0, "balance": "90.0186"},
        {"exchange_index": 2, "balance": "8.0000"},
    ],
}


def test_a_balance_is_exact_where_its_cents_are_cut_off() -> None:
    found = desk({"/portfolio/balance": BALANCE}).kalshi.fetch_balance()
    assert (found.available, found.position_value) == (D("98.0186"), D("1.98"))
    assert (found.on_shard(0), found.on_shard(2)) == (D("90.0186"), D(8))
    assert found.on_shard(1) == 0


def test_a_balance_is_of_the_subaccount_and_of_a_shard_if_asked() -> None:
    at = desk({"/portfolio/balance": BALANCE}, options={"subaccount": 3})
    at.kalshi.fetch_balance(params={"exchange_index": 2})
    assert at.queries("/portfolio/balance") == [
        {"subaccount": "3", "exchange_index": "2"}
    ]


def test_p08_a_balance_without_its_dollars_is_an_error() -> None:
    with pytest.raises(VenueSchemaError, match="balance_dollars"):
        desk({"/portfolio/balance": {"balance": 9801}}).kalshi.fetch_balance()


def test_a_balance_needs_a_key() -> None:
    at = desk(key_id=None)
    with pytest.raises(AuthenticationError, match="KALSHI_API_KEY"):
        at.kalshi.fetch_balance()
    assert at.asked == []


# -- positions -------------------------------------------------------------------------


def position_desk(*rows: dict[str, Any], **fields: Any) -> Desk:
    answers = {
        "/portfolio/positions": positions(*rows),
        "/markets": lambda query: markets(*query["tickers"].split(",")),
    }
    return desk(answers, **fields)


def test_p02_ten_contracts_short_of_yes_are_ten_of_no() -> None:
    (found,) = position_desk(position("RAIN", "-10.00")).kalshi.fetch_positions()
    assert (found.outcome, found.size) == ("no", D(10))
    assert (found.cost, found.entry_price) == (D(4), D("0.4"))
    assert found.exposure("yes") == D(-10)


def test_p04_a_no_position_is_marked_at_the_no_bid() -> None:
    (found,) = position_desk(position("RAIN", "-10.00")).kalshi.fetch_positions()
    # The best ask of YES is 0.52, so NO can be sold at 0.48.
    assert (found.mark_price, found.unrealized_pnl) == (D("0.48"), D("0.80"))
    assert found.computed == {"entry_price", "mark_price", "unrealized_pnl"}


def test_a_yes_position_is_marked_at_the_yes_bid() -> None:
    (found,) = position_desk(position("RAIN", "10.00")).kalshi.fetch_positions()
    assert (found.mark_price, found.unrealized_pnl) == (D("0.47"), D("0.70"))
    assert found.event_id == "KXRAIN-26NOV21"


@pytest.mark.parametrize(
    ("size", "field"), [("10.00", "yes_bid_size_fp"), ("-10.00", "yes_ask_size_fp")]
)
def test_where_nobody_bids_there_is_no_mark(size: str, field: str) -> None:
    at = position_desk(position("RAIN", size))
    at.answers["/markets"] = markets("RAIN", **{field: "0.00"})
    (found,) = at.kalshi.fetch_positions()
    assert (found.mark_price, found.unrealized_pnl) == (None, None)


def test_without_a_mark_no_quote_is_asked_for() -> None:
    at = position_desk(position("RAIN", "10.00"))
    (found,) = at.kalshi.fetch_positions(mark=False)
    assert (found.mark_price, at.asked) == (None, ["/portfolio/positions"])


def test_positions_are_all_pages_of_them() -> None:
    pages = [
        positions(
            *(position(f"M{n}", "1.00") for n in range(first, first + 100)), cursor=c
        )
        for first, c in ((0, "1"), (100, "2"), (200, ""))
    ]
    at = position_desk()
    at.answers["/portfolio/positions"] = pages
    found = at.kalshi.fetch_positions()
    assert [x.market_id for x in found] == [f"M{n}" for n in range(300)]
    assert at.asked.count("/markets") == 3


def test_what_was_closed_again_is_not_held() -> None:
    rows = position("RAIN", "10.00"), position("DRY", "0.00")
    at = position_desk(*rows)
    assert [x.market_id for x in at.kalshi.fetch_positions()] == ["RAIN"]
    every = at.kalshi.fetch_positions(params={"count_filter": "total_traded"})
    assert [(x.market_id, x.size) for x in every] == [("RAIN", D(10)), ("DRY", D(0))]
    told = [query["count_filter"] for query in at.queries("/portfolio/positions")]
    assert told == ["position", "total_traded"]


def test_positions_are_filtered_and_limited_as_asked() -> None:
    at = position_desk(
        position("A", "1.00"), position("A", "2.00"), options={"subaccount": 2}
    )
    found = at.kalshi.fetch_positions(
        market_id="A", event_id="E", limit=1, params={"exchange_index": 1}
    )
    assert [x.size for x in found] == [1]
    assert at.queries("/portfolio/positions") == [
        {
            "ticker": "A",
            "event_ticker": "E",
            "subaccount": "2",
            "exchange_index": "1",
            "count_filter": "position",
            "limit": "1",
        }
    ]


def test_paid_positions_come_from_the_archive_too() -> None:
    at = position_desk(position("A", "0.00"))
    at.answers["/historical/positions"] = positions(
        position("A", "0.00"), position("OLD", "0.00")
    )
    found = at.kalshi.fetch_positions(mark=False, params={"settlement_status": "all"})
    assert [x.market_id for x in found] == ["A", "OLD"]


@pytest.mark.parametrize(
    "trouble", [body({}, 503), body({"cursor": ""}), refusal(401, "x")]
)
def test_fault_25_a_failing_query_is_never_flat(trouble: Any) -> None:
    at = position_desk(retry=ONCE)
    at.answers["/portfolio/positions"] = trouble
    kinds = (ExchangeNotAvailable, VenueSchemaError, AuthenticationError)
    with pytest.raises(kinds):
        at.kalshi.fetch_positions()


def test_fault_25_a_page_that_fails_fails_all_positions() -> None:
    at = position_desk(retry=ONCE)
    at.answers["/portfolio/positions"] = [
        positions(position("A", "1.00"), cursor="2"),
        body({}, 500),
    ]
    with pytest.raises(ExchangeNotAvailable):
        at.kalshi.fetch_positions()


def test_fault_25_an_answer_without_positions_is_flat() -> None:
    at = position_desk()
    assert (at.kalshi.fetch_positions(), at.asked) == ([], ["/portfolio/positions"])


@pytest.mark.parametrize(
    "arguments", [{"limit": 0}, {"market_id": "A B"}, {"event_id": ""}]
)
def test_bad_arguments_are_refused(arguments: dict[str, Any]) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_positions(**arguments)
    assert at.asked == []


def test_positions_agree_with_fills_on_the_simulated_exchange() -> None:
    kalshi = simulated_desk().kalshi
    held = {x.market_id: x.exposure("yes") for x in kalshi.fetch_positions()}
    assert held
    for market_id, size in held.items():
        fills = kalshi.fetch_fills(market_id=market_id, outcome="yes")
        signed = (x.size if x.side == "buy" else -x.size for x in fills)
        assert total(signed) == size


# -- limits ----------------------------------------------------------------------------

LIMITS = {
    "usage_tier": "expert",
    "read": {"refill_rate": 600, "bucket_capacity": 1200},
    "write": {"refill_rate": 300, "bucket_capacity": 900},
    "grants": [],
}
COSTS = {
    "default_cost": 7,
    "endpoint_costs": [
        {"method": "GET", "path": "/trade-api/v2/portfolio/balance", "cost": 3}
    ],
}
STATUS = {"exchange_active": True, "trading_active": True}
KEYS = {"api_keys": [], "api_key_region_expiration_ts": 1_795_200_060}


def limits_desk(**fields: Any) -> Desk:
    answers = {
        "/account/limits": LIMITS,
        "/account/endpoint_costs": COSTS,
        "/api_keys": KEYS,
        "/portfolio/balance": BALANCE,
    }
    fields.setdefault("limits", DISCOVERING)
    return desk(answers, **fields)


def rates(at: Desk) -> dict[str, float]:
    """Seconds that each bucket needs for a thousand tokens."""
    names = ("read", "write", "write:1", "write:2", "write:3")
    return {name: venue_of(at).bucket(name).seconds_for(1_000) for name in names}


def test_limits_are_told_and_kept_to_from_then_on() -> None:
    at = limits_desk()
    found = at.kalshi.fetch_limits()
    assert (found.tier, found.default_cost) == ("expert", 7)
    assert [(x.name, x.refill_rate, x.capacity) for x in found.buckets] == [
        ("read", 600, 1200),
        ("write", 300, 900),
    ]
    writes = {f"write:{shard}" for shard in (1, 2, 3)} | {"write"}
    expected = {"read": 1_000 / 600} | dict.fromkeys(writes, 1_000 / 300)
    assert rates(at) == pytest.approx(expected)


def test_costs_are_kept_to_from_then_on() -> None:
    at = limits_desk()
    at.kalshi.fetch_limits()
    call = venue_of(at).read("/portfolio/balance", about="balance")
    other = venue_of(at).read("/markets", about="markets")
    assert (call.charges, other.charges) == ((("read", 3),), (("read", 7),))


def test_limits_that_the_user_set_are_not_overruled() -> None:
    at = limits_desk(limits=LimitPolicy(buckets={"write": (50, 50)}))
    at.kalshi.fetch_limits()
    own = [venue_of(at).bucket(name) for name in ("write", "write:2")]
    assert [x.seconds_for(1_000) for x in own] == pytest.approx([20, 20])
    assert rates(at)["read"] == pytest.approx(1_000 / 600)


def test_the_expiry_of_the_key_shows_in_health() -> None:
    at = limits_desk()
    at.kalshi.fetch_limits()
    assert at.kalshi.health().reasons == ()
    at.clock.advance(61)
    assert "lapsed" in at.kalshi.health().reasons[0]


def test_a_key_that_may_not_list_keys_still_learns_its_limits() -> None:
    at = limits_desk()
    at.answers["/api_keys"] = refusal(403, "permission_denied")
    assert at.kalshi.fetch_limits().tier == "expert"
    assert at.kalshi.health().key_expires_at is None


def discover(at: Desk) -> None:
    BlockingDriver(at.transport).run(venue_of(at).discover_limits())


def test_limits_are_discovered_once() -> None:
    at = limits_desk()
    discover(at)
    discover(at)
    at.clock.advance(3_600)
    discover(at)
    assert at.asked == ["/account/limits", "/account/endpoint_costs"]


@pytest.mark.parametrize(
    "fields",
    [
        {"key_id": None},
        {"limits": LimitPolicy(discover=False)},
    ],
)
def test_nothing_is_discovered_without_a_key_or_against_the_policy(fields: Any) -> None:
    at = limits_desk(**fields)
    discover(at)
    assert at.asked == []


def test_limits_that_were_fetched_are_not_discovered_again() -> None:
    at = limits_desk()
    at.kalshi.fetch_limits()
    asked = len(at.asked)
    discover(at)
    assert len(at.asked) == asked


@pytest.mark.parametrize("trouble", [body({}, 503), ConnectionLost("gone"), body({})])
def test_a_failed_discovery_is_told_and_does_not_hold_up_the_next_call(
    trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    at = limits_desk(retry=ONCE)
    at.answers["/account/limits"] = trouble
    with caplog.at_level(logging.WARNING):
        discover(at)
        asked = len(at.asked)
        discover(at)
    assert len(at.asked) == asked
    assert "basic is assumed" in caplog.text
    at.answers["/account/limits"] = LIMITS
    at.clock.advance(60)
    discover(at)
    assert at.asked[asked:] == ["/account/limits", "/account/endpoint_costs"]


def test_discovery_gives_up_after_two_seconds() -> None:
    at = limits_desk()
    at.answers["/account/limits"] = body({}, 503)
    before = at.clock.monotonic()
    discover(at)
    assert at.clock.monotonic() - before <= 2


def test_a_key_without_a_region_has_no_expiry() -> None:
    at = limits_desk()
    at.answers["/api_keys"] = {"api_keys": []}
    at.kalshi.fetch_limits()
    assert at.kalshi.health().key_expires_at is None


def test_a_health_check_learns_once_when_the_key_s_rights_lapse() -> None:
    at = limits_desk()
    at.answers["/exchange/status"] = STATUS
    found = at.kalshi.check_health().key_expires_at
    assert found is not None
    assert found.timestamp() == 1_795_200_060
    at.clock.advance(600)
    at.kalshi.check_health()
    assert at.asked.count("/api_keys") == 1


@pytest.mark.parametrize(
    ("trouble", "times"), [(refusal(403, "permission_denied"), 1), (body({}, 503), 2)]
)
def test_a_key_that_does_not_tell_its_expiry_is_no_reason(
    trouble: Any, times: int
) -> None:
    at = limits_desk(retry=ONCE)
    at.answers.update({"/exchange/status": STATUS, "/api_keys": trouble})
    told = at.kalshi.check_health()
    assert told.key_expires_at is None
    assert not any("asked" in reason for reason in told.reasons)
    at.clock.advance(61)
    at.kalshi.check_health()
    assert at.asked.count("/api_keys") == times


def test_a_check_without_a_key_asks_for_no_key() -> None:
    at = limits_desk(key_id=None)
    at.answers["/exchange/status"] = STATUS
    assert at.kalshi.check_health().is_healthy
    assert at.asked == ["/exchange/status"]


def test_the_first_private_call_discovers_and_a_public_one_does_not() -> None:
    at = limits_desk()
    at.answers["/markets"] = markets("A")
    at.kalshi.fetch_markets()
    assert at.asked == ["/markets"]
    at.kalshi.fetch_balance()
    at.kalshi.fetch_balance()
    assert at.asked[1:] == [
        "/account/limits",
        "/account/endpoint_costs",
        "/portfolio/balance",
        "/portfolio/balance",
    ]


def test_one_of_many_threads_discovers() -> None:
    at = limits_desk()
    threads = [threading.Thread(target=discover, args=(at,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at.asked == ["/account/limits", "/account/endpoint_costs"]


def test_a_position_whose_market_was_taken_down_stays_told() -> None:
    at = desk(
        {
            "/portfolio/positions": POSITIONS_OF_A_LOST_MARKET,
            "/markets": {"markets": [], "cursor": ""},
            "/historical/markets": {"markets": [], "cursor": ""},
        }
    )
    (held,) = at.kalshi.fetch_positions()
    assert (held.market_id, held.size, held.mark_price) == ("GONE", 3, None)


def test_one_lost_market_leaves_the_others_marked() -> None:
    at = position_desk(position("RAIN", "1.00"), position("GONE", "2.00"))
    at.answers["/markets"] = lambda query: markets(
        *[x for x in query["tickers"].split(",") if x != "GONE"]
    )
    at.answers["/historical/markets"] = markets()
    rain, gone = at.kalshi.fetch_positions()
    assert (rain.mark_price, gone.mark_price) == (D("0.47"), None)
    assert "mark_price" in rain.computed - gone.computed


POSITIONS_OF_A_LOST_MARKET = {
    "market_positions": [
        {
            "ticker": "GONE",
            "position_fp": "3.00",
            "market_exposure_dollars": "1.500000",
            "total_traded_dollars": "1.500000",
            "realized_pnl_dollars": "0.000000",
            "fees_paid_dollars": "0.020000",
            "last_updated_ts": "2026-11-21T10:00:00Z",
        }
    ],
    "event_positions": [],
    "cursor": "",
}
