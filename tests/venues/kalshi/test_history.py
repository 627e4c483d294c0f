"""Trades, orders, fills and settlements: live and archived as one, in the caller's terms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.errors import (
    BadRequest,
    ExchangeNotAvailable,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.models import BUY, SELL, OrderStatus
from unified_exchanges.policy import RetryPolicy
from unified_exchanges.venues.kalshi.venue import KalshiVenue

from .desk import (
    NOW,
    Desk,
    body,
    cutoff,
    desk,
    fill,
    fills,
    markets,
    order,
    orders,
    settlement,
    simulated_desk,
    trade,
    trades,
)

D = Decimal
ONCE = RetryPolicy(attempts=1)
LIVE, OLD = "2026-11-20T10:00:00Z", "2026-10-20T10:00:00Z"
EDGE = NOW - timedelta(days=14)


@pytest.fixture(scope="module")
def venue() -> Desk:
    return simulated_desk()


def known(at: Desk) -> KalshiVenue:
    assert isinstance(at.kalshi.venue, KalshiVenue)
    return at.kalshi.venue


def tiers(
    name: str, live: Callable[..., Any], archived: Callable[..., Any]
) -> dict[str, Any]:
    """Answers of a live and an archived endpoint."""
    path = "/markets/trades" if name == "trades" else f"/portfolio/{name}"
    return {path: live, f"/historical/{name}": archived}


# -- without a cliff -------------------------------------------------------------------

LISTINGS: dict[str, Callable[..., list[Any]]] = {
    "trades": lambda kalshi, **given: kalshi.fetch_trades(**given),
    "orders": lambda kalshi, **given: kalshi.fetch_orders(**given),
    "closed orders": lambda kalshi, **given: kalshi.fetch_closed_orders(**given),
    "fills": lambda kalshi, **given: kalshi.fetch_fills(**given),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_live_and_archive_are_one_list_newest_first(venue: Desk, name: str) -> None:
    moments = [x.created_at for x in LISTINGS[name](venue.kalshi)]
    assert moments == sorted(moments, reverse=True)
    assert moments[0] > EDGE > moments[-1]


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.parametrize("limit", [1, 2, 17])
def test_a_limit_gives_exactly_the_newest(venue: Desk, name: str, limit: int) -> None:
    assert (
        LISTINGS[name](venue.kalshi, limit=limit)
        == (LISTINGS[name](venue.kalshi)[:limit])
    )


@pytest.mark.parametrize("name", LISTINGS)
def test_any_span_gives_exactly_what_is_in_it(venue: Desk, name: str) -> None:
    every = LISTINGS[name](venue.kalshi)
    middle = [x.created_at for x in every][:: max(1, len(every) // 6)]
    for until in middle:
        for since in (x for x in middle if x <= until):
            found = LISTINGS[name](venue.kalshi, since=since, until=until)
            assert found == [x for x in every if since <= x.created_at <= until]


def test_open_and_closed_orders_are_all_orders(venue: Desk) -> None:
    kalshi = venue.kalshi
    every = {x.order_id for x in kalshi.fetch_orders()}
    parts = [*kalshi.fetch_open_orders(), *kalshi.fetch_closed_orders()]
    assert {x.order_id for x in parts} == every
    assert len(parts) == len(every)


def test_the_archive_is_not_asked_for_what_is_recent() -> None:
    answers = tiers("trades", lambda _: trades(trade("1", LIVE)), _unexpected)
    at = desk(answers)
    since = NOW - timedelta(days=3)
    assert len(at.kalshi.fetch_trades(since=since)) == 1
    assert at.asked == ["/historical/cutoff", "/markets/trades"]


def test_the_archive_is_not_asked_once_the_limit_is_reached() -> None:
    answers = tiers(
        "trades", lambda _: trades(trade("1", LIVE), trade("2", LIVE)), _unexpected
    )
    assert len(desk(answers).kalshi.fetch_trades(limit=2)) == 2


def _unexpected(_: dict[str, str]) -> Any:
    raise AssertionError("the archive was asked in vain")


def test_the_cutoff_is_asked_for_once_a_minute() -> None:
    at = desk(tiers("trades", lambda _: trades(), lambda _: trades()))
    at.kalshi.fetch_trades()
    at.kalshi.fetch_trades()
    assert at.asked.count("/historical/cutoff") == 1
    at.clock.advance(60)
    at.kalshi.fetch_trades()
    assert at.asked.count("/historical/cutoff") == 2


def test_what_moves_to_the_archive_while_we_read_is_not_lost() -> None:
    moved = datetime(2026, 11, 6, 12, tzinfo=UTC)
    text = moved.isoformat()
    answers = tiers(
        "trades",
        lambda _: trades(trade("1", LIVE)),
        lambda _: trades(trade("2", text)),
    )
    found = desk(answers).kalshi.fetch_trades(since=moved - timedelta(minutes=1))
    assert [x.trade_id for x in found] == ["1", "2"]


def test_an_item_in_both_tiers_comes_once() -> None:
    answers = tiers(
        "trades",
        lambda _: trades(trade("1", LIVE), trade("2", OLD)),
        lambda _: trades(trade("2", OLD), trade("3", OLD)),
    )
    found = desk(answers).kalshi.fetch_trades()
    assert [x.trade_id for x in found] == ["1", "2", "3"]


def test_an_old_order_that_rests_stands_in_its_place_among_archived_ones() -> None:
    resting = order("rests", status="resting", created_time="2026-10-10T00:00:00Z")
    answers = tiers(
        "orders",
        lambda _: orders(order("new"), resting),
        lambda _: orders(
            order("old", created_time="2026-10-20T00:00:00Z"),
            order("older", created_time="2026-10-01T00:00:00Z"),
        ),
    )
    found = desk(answers).kalshi.fetch_orders()
    assert [x.order_id for x in found] == ["new", "old", "rests", "older"]


@pytest.mark.parametrize("name", ["trades", "orders", "fills"])
def test_fault_26_a_failing_archive_fails_the_listing(name: str) -> None:
    live = {"trades": trades(), "orders": orders(), "fills": fills()}[name]
    answers = tiers(name, lambda _: live, lambda _: body({}, 503))
    with pytest.raises(ExchangeNotAvailable):
        LISTINGS[name](desk(answers, retry=ONCE).kalshi)


@pytest.mark.parametrize("name", ["trades", "orders", "fills"])
def test_fault_26_a_cursor_of_the_archive_that_comes_back_is_an_error(
    name: str,
) -> None:
    page = {"trades": trades, "orders": orders, "fills": fills}[name]
    answers = tiers(name, lambda _: page(), lambda _: page(cursor="again"))
    with pytest.raises(VenueSchemaError, match="does not end"):
        LISTINGS[name](desk(answers).kalshi)


@given(
    moments=st.lists(st.integers(0, 4_000_000), max_size=40),
    split=st.integers(0, 4_000_000),
    span=st.tuples(st.integers(0, 4_000_000), st.integers(0, 4_000_000)),
    size=st.integers(1, 9),
)
def test_sub_second_borders_lose_nothing(
    moments: list[int], split: int, span: tuple[int, int], size: int
) -> None:
    # Microseconds of four seconds; the venue filters by whole ones, and excludes them.
    start = datetime(2026, 10, 1, tzinfo=UTC)
    rows = {f"t{n}": start + timedelta(microseconds=x) for n, x in enumerate(moments)}
    since, until = (start + timedelta(microseconds=x) for x in sorted(span))

    def tier(*, archived: bool) -> Callable[[dict[str, str]], Any]:
        def answer(query: dict[str, str]) -> Any:
            low, high = int(query["min_ts"]), int(query["max_ts"])
            fit = [
                trade(name, at.isoformat())
                for name, at in sorted(rows.items(), key=lambda x: x[1], reverse=True)
                if ((at - start) < timedelta(microseconds=split)) is archived
                and low < at.timestamp() < high
            ]
            first = int(query.get("cursor", "0"))
            more = first + size < len(fit)
            return trades(
                *fit[first : first + size], cursor=str(first + size) if more else ""
            )

        return answer

    answers = tiers("trades", tier(archived=False), tier(archived=True))
    answers["/historical/cutoff"] = cutoff(
        (start + timedelta(microseconds=split)).isoformat()
    )
    found = desk(answers).kalshi.fetch_trades(since=since, until=until)
    assert sorted(x.trade_id for x in found) == sorted(
        name for name, at in rows.items() if since <= at <= until
    )
    moments_found = [x.created_at for x in found]
    assert moments_found == sorted(moments_found, reverse=True)


# -- bad arguments ---------------------------------------------------------------------

NAIVE = datetime(2026, 11, 1)  # noqa: DTZ001 - that is the fault


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.parametrize(
    "arguments",
    [
        {"since": NAIVE},
        {"until": NAIVE},
        {"since": "2026-11-01"},
        {"since": NOW, "until": NOW - timedelta(microseconds=1)},
        {"limit": 0},
        {"limit": -5},
        {"limit": 2.5},
        {"limit": True},
        {"market_id": "A B"},
        {"market_id": ""},
        {"params": {"cursor": "x"}},
        {"params": {"limit": 5}},
        {"params": {"min_ts": 5}},
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_sent(
    name: str, arguments: dict[str, Any]
) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        LISTINGS[name](at.kalshi, **arguments)
    assert at.asked == []


@pytest.mark.parametrize(
    "arguments", [{"since": NAIVE}, {"limit": 0}, {"event_id": "a b"}]
)
def test_settlements_check_their_arguments_too(arguments: dict[str, Any]) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_settlements(**arguments)
    assert at.asked == []


# -- trades ----------------------------------------------------------------------------


def test_p04_trades_of_no_carry_the_no_price_and_the_other_side() -> None:
    answers = tiers("trades", lambda _: trades(trade("1", LIVE)), lambda _: trades())
    (yes,) = desk(answers).kalshi.fetch_trades("RAIN")
    (no,) = desk(answers).kalshi.fetch_trades("RAIN", outcome="No")
    assert (yes.outcome, yes.price, yes.taker_side) == ("yes", D("0.30"), BUY)
    assert (no.outcome, no.price, no.taker_side) == ("no", D("0.70"), SELL)
    assert no.size == yes.size


def test_trades_of_one_market_are_asked_for_by_its_id(venue: Desk) -> None:
    name = venue.kalshi.fetch_trades(limit=1)[0].market_id
    assert {x.market_id for x in venue.kalshi.fetch_trades(name)} == {name}


def test_block_trades_may_be_asked_for_alone() -> None:
    at = desk(tiers("trades", lambda _: trades(), lambda _: trades()))
    at.kalshi.fetch_trades(params={"is_block_trade": True})
    told = [at.queries(x)[0]["is_block_trade"] for x in at.asked[1:]]
    assert told == ["true", "true"]


# -- orders ----------------------------------------------------------------------------


def order_desk(*rows: dict[str, Any], **fields: Any) -> Desk:
    return desk(tiers("orders", lambda _: orders(*rows), lambda _: orders()), **fields)


def test_orders_are_told_in_yes_terms() -> None:
    at = order_desk(order("1"), order("2", book_side="ask", outcome_side="no"))
    told = [(x.outcome, x.side, x.price) for x in at.kalshi.fetch_orders()]
    assert told == [("yes", BUY, D("0.30")), ("yes", SELL, D("0.30"))]


def test_an_outcome_tells_all_orders_in_its_terms() -> None:
    at = order_desk(order("1"), order("2"))
    found = at.kalshi.fetch_orders(outcome="NO")
    assert {(x.outcome, x.side, x.price) for x in found} == {("no", SELL, D("0.70"))}


def test_every_order_leaves_where_it_lives() -> None:
    at = order_desk(order("1", exchange_index=2, subaccount_number=5), order("2"))
    at.kalshi.fetch_orders()
    first, second = (known(at).memory.route(x) for x in "12")
    assert first is not None
    assert second is not None
    assert (first.market_id, first.shard, first.subaccount) == ("RAIN", 2, 5)
    assert (second.shard, second.subaccount) == (0, None)


def test_open_orders_are_resting_ones_and_need_no_archive() -> None:
    at = order_desk(order("1", status="resting"))
    (found,) = at.kalshi.fetch_open_orders(market_id="RAIN", event_id="E")
    assert found.status is OrderStatus.OPEN
    assert at.queries("/portfolio/orders") == [
        {"ticker": "RAIN", "event_ticker": "E", "status": "resting", "limit": "1000"}
    ]
    assert at.asked == ["/portfolio/orders"]


def test_closed_orders_are_filled_and_cancelled_ones_in_order() -> None:
    done = [
        order("1", created_time="2026-11-20T12:00:00Z"),
        order("3", created_time="2026-11-20T10:00:00Z"),
    ]
    gone = [order("2", created_time="2026-11-20T11:00:00Z", status="canceled")]
    by_status = {"executed": done, "canceled": gone}
    answers = tiers(
        "orders", lambda query: orders(*by_status[query["status"]]), lambda _: orders()
    )
    found = desk(answers).kalshi.fetch_closed_orders()
    assert [x.order_id for x in found] == ["1", "2", "3"]


def test_the_archive_of_an_event_is_read_market_by_market() -> None:
    def archived(query: dict[str, str]) -> Any:
        created = {"A": "2026-10-01T00:00:00Z", "B": "2026-10-02T00:00:00Z"}
        name = query["ticker"]
        return orders(order(f"of {name}", ticker=name, created_time=created[name]))

    answers = {
        "/portfolio/orders": orders(order("new")),
        "/historical/orders": archived,
        "/markets": markets("A"),
        "/historical/markets": markets("B"),
    }
    at = desk(answers)
    found = at.kalshi.fetch_orders(event_id="E")
    assert [x.order_id for x in found] == ["new", "of B", "of A"]


def test_until_is_never_asked_of_kalshi_for_orders() -> None:
    # Whether its times are of creation or of the last change is not documented.
    at = order_desk(
        order("late", created_time=LIVE),
        order("early", created_time="2026-11-18T00:00:00Z"),
    )
    until = datetime(2026, 11, 19, tzinfo=UTC)
    found = at.kalshi.fetch_orders(until=until, limit=1)
    assert [x.order_id for x in found] == ["early"]
    told = at.queries("/portfolio/orders")[0]
    assert ("max_ts" in told, told["limit"]) == (False, "1000")


def test_a_shard_filters_both_tiers() -> None:
    answers = tiers(
        "orders",
        lambda _: orders(order("1", exchange_index=2)),
        lambda _: orders(
            order("2", exchange_index=2, created_time=OLD),
            order("3", exchange_index=0, created_time=OLD),
        ),
    )
    at = desk(answers)
    found = at.kalshi.fetch_orders(params={"exchange_index": 2})
    assert [x.order_id for x in found] == ["1", "2"]
    assert "exchange_index" not in at.queries("/historical/orders")[0]


@pytest.mark.parametrize(
    ("options", "params", "told"),
    [
        ({}, None, None),
        ({"subaccount": 3}, None, "3"),
        ({"subaccount": 3}, {"subaccount": 4}, "4"),
        ({"subaccount": 0}, None, "0"),
    ],
)
def test_the_subaccount_is_asked_for_in_both_tiers(
    options: Any, params: Any, told: str | None
) -> None:
    at = order_desk(options=options)
    at.kalshi.fetch_orders(params=params)
    paths = ("/portfolio/orders", "/historical/orders")
    assert [at.queries(x)[0].get("subaccount") for x in paths] == [told, told]


def test_an_order_without_a_time_is_not_lost() -> None:
    at = order_desk(order("1", created_time=None), order("2"))
    found = at.kalshi.fetch_orders(since=NOW - timedelta(days=2))
    assert [x.order_id for x in found] == ["1", "2"]


def test_archived_orders_can_be_read_alone() -> None:
    answers = tiers("orders", _unexpected, lambda _: orders(order("1")))
    at = desk(answers)
    listing = known(at).archived_orders(market_id="RAIN")
    found = list(BlockingDriver(at.transport).pages(listing))
    assert [x.order_id for x in found] == ["1"]
    assert at.queries("/historical/orders")[0]["ticker"] == "RAIN"


def test_fault_27_an_order_missing_from_the_open_list_is_not_taken_for_closed() -> None:
    resting = order("1", status="resting")
    at = desk(
        {
            "/portfolio/orders": [orders(resting), orders()],
            "/portfolio/orders/1": {"order": resting},
        }
    )
    (before,) = at.kalshi.fetch_open_orders()
    assert at.kalshi.fetch_open_orders() == []
    assert at.kalshi.fetch_order("1") == before


def test_p08_a_missing_list_is_an_error_not_an_empty_one() -> None:
    at = desk({"/portfolio/orders": {"cursor": ""}})
    with pytest.raises(VenueSchemaError, match="orders"):
        at.kalshi.fetch_open_orders()


def test_p08_an_order_without_its_price_is_an_error() -> None:
    broken = order("1")
    del broken["yes_price_dollars"]
    with pytest.raises(VenueSchemaError, match="yes_price_dollars"):
        order_desk(broken).kalshi.fetch_orders()


# -- fills -----------------------------------------------------------------------------


def fill_desk(*rows: dict[str, Any], **more: Any) -> Desk:
    answers = tiers("fills", lambda _: fills(*rows), lambda _: fills())
    return desk(answers | more)


def test_p04_fills_are_told_for_the_outcome_asked() -> None:
    (yes,) = fill_desk(fill("1")).kalshi.fetch_fills()
    (no,) = fill_desk(fill("1")).kalshi.fetch_fills(outcome="no")
    assert (yes.side, yes.price, yes.proceeds) == (BUY, D("0.30"), D("-1.50"))
    assert (no.side, no.price, no.proceeds) == (SELL, D("0.70"), D("3.50"))
    assert no.fee == yes.fee == D("0.075")


def test_a_fill_names_our_own_id_if_its_order_was_seen() -> None:
    at = fill_desk(
        fill("1"),
        **{"/portfolio/orders": orders(order("o1")), "/historical/orders": orders()},
    )
    at.kalshi.fetch_orders()
    (found,) = at.kalshi.fetch_fills()
    assert (found.outcome, found.client_order_id) == ("yes", "client-o1")


def test_two_subaccounts_trading_with_each_other_have_a_fill_each() -> None:
    at = fill_desk(
        fill("1", order_id="bought"),
        fill("1", order_id="sold", book_side="ask", outcome_side="no"),
    )
    assert [x.order_id for x in at.kalshi.fetch_fills()] == ["bought", "sold"]


def test_the_fills_of_a_recent_order_need_no_archive() -> None:
    at = fill_desk(fill("1"), **{"/portfolio/orders/o1": {"order": order("o1")}})
    assert len(at.kalshi.fetch_fills(order_id="o1")) == 1
    assert "/historical/fills" not in at.asked
    assert at.queries("/portfolio/fills")[0]["order_id"] == "o1"


def test_the_fills_of_an_old_resting_order_come_from_both_tiers() -> None:
    old = order("o1", created_time=OLD, status="resting")
    answers = tiers(
        "fills",
        lambda _: fills(fill("2")),
        lambda _: fills(
            fill("1", created_time=OLD), fill("x", created_time=OLD, order_id="o2")
        ),
    )
    at = desk(answers | {"/portfolio/orders/o1": {"order": old}})
    assert [x.fill_id for x in at.kalshi.fetch_fills(order_id="o1")] == ["2", "1"]
    told = at.queries("/historical/fills")[0]
    assert (told["ticker"], "order_id" in told) == ("RAIN", False)


def test_the_fills_of_an_archived_order_are_found_without_its_market() -> None:
    answers = tiers(
        "fills", lambda _: fills(), lambda _: fills(fill("1", created_time=OLD))
    )
    assert [x.fill_id for x in desk(answers).kalshi.fetch_fills(order_id="o1")] == ["1"]


def test_the_fills_of_an_archived_order_that_was_seen_are_asked_by_its_market() -> None:
    answers = tiers(
        "fills", lambda _: fills(), lambda _: fills(fill("1", created_time=OLD))
    ) | tiers(
        "orders", lambda _: orders(), lambda _: orders(order("o1", created_time=OLD))
    )
    at = desk(answers)
    at.kalshi.fetch_orders()
    at.kalshi.fetch_fills(order_id="o1")
    assert at.queries("/historical/fills")[0]["ticker"] == "RAIN"


def test_the_fills_of_every_order_add_up_to_it(venue: Desk) -> None:
    for x in venue.kalshi.fetch_orders(limit=12):
        found = venue.kalshi.fetch_fills(order_id=x.order_id)
        assert sum(f.size for f in found) == x.filled
        assert {f.order_id for f in found} <= {x.order_id}


# -- settlements -----------------------------------------------------------------------


def test_fault_29_a_settlement_may_pay_any_share_of_a_dollar() -> None:
    part = settlement("RAIN", market_result="scalar", value=37, revenue=370)
    at = desk({"/portfolio/settlements": {"settlements": [part], "cursor": ""}})
    (found,) = at.kalshi.fetch_settlements()
    assert (found.value, found.payout, found.result) == (D("0.37"), D("3.70"), "scalar")
    assert found.profit == D("0.55")


def test_equal_settlements_of_two_subaccounts_are_two() -> None:
    row = settlement("RAIN")
    at = desk({"/portfolio/settlements": {"settlements": [row, row], "cursor": ""}})
    assert len(at.kalshi.fetch_settlements()) == 2


SEAM = [
    {"settlements": [settlement("A"), settlement("B")], "cursor": "2"},
    {"settlements": [settlement("B"), settlement("C")], "cursor": ""},
]


def test_equal_settlements_of_two_subaccounts_are_two_on_two_pages_too() -> None:
    found = desk({"/portfolio/settlements": [*SEAM]}).kalshi.fetch_settlements()
    assert [x.market_id for x in found] == ["A", "B", "B", "C"]


def test_a_settlement_of_one_subaccount_on_two_pages_comes_once() -> None:
    at = desk({"/portfolio/settlements": [*SEAM]}, options={"subaccount": 0})
    found = at.kalshi.fetch_settlements()
    assert [x.market_id for x in found] == ["A", "B", "C"]


def test_fault_26_settlements_that_repeat_for_ever_are_an_error() -> None:
    pages = [{"settlements": [settlement("A")], "cursor": str(n)} for n in range(200)]
    at = desk({"/portfolio/settlements": pages})
    with pytest.raises(VenueSchemaError, match="does not end"):
        at.kalshi.fetch_settlements()


def test_settlements_are_filtered_to_the_microsecond() -> None:
    early, late = (
        settlement(name, settled_time=f"2026-11-19T10:00:00.{digits}Z")
        for name, digits in (("EARLY", "1"), ("LATE", "2"))
    )
    page = {"settlements": [late, early], "cursor": ""}
    at = desk({"/portfolio/settlements": page})
    since = datetime(2026, 11, 19, 10, 0, 0, 150_000, tzinfo=UTC)
    found = at.kalshi.fetch_settlements(since=since, market_id="M", event_id="E")
    assert [x.market_id for x in found] == ["LATE"]
    told = at.queries("/portfolio/settlements")[0]
    assert (told["ticker"], told["event_ticker"]) == ("M", "E")
    assert int(told["min_ts"]) < since.timestamp() - 0.15


def test_settlements_of_the_simulated_exchange_are_newest_first(venue: Desk) -> None:
    moments = [x.settled_at for x in venue.kalshi.fetch_settlements()]
    assert len(moments) > 3
    assert moments == sorted(moments, reverse=True)


# -- keys ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orders", "closed orders", "fills"])
def test_private_listings_need_a_key(name: str) -> None:
    at = desk(key_id=None)
    with pytest.raises(UnifiedExchangesError, match="needs a key"):
        LISTINGS[name](at.kalshi)
    assert set(at.asked) <= {"/historical/cutoff"}


# -- what the fills of an order tell ---------------------------------------------------


def asked_for_its_average(at: Desk, outcome: str = "yes") -> Any:
    venue = known(at)
    found = at.kalshi.fetch_orders()[0].in_terms_of(outcome)
    return found, BlockingDriver(at.transport).run(venue.average_from_fills(found))


def ask_in_two_fills(*prices: str) -> Desk:
    sold = {"book_side": "ask", "outcome_side": "no"}
    rows = [
        fill(f"f{i}", yes_price_dollars=p, no_price_dollars=f"{1 - D(p):.4f}", **sold)
        for i, p in enumerate(prices)
    ]
    return desk(
        {
            "/portfolio/orders": orders(order("o1", **sold)),
            "/historical/orders": orders(),
            "/portfolio/orders/o1": {"order": order("o1", **sold)},
            "/portfolio/fills": fills(*rows),
            "/historical/fills": fills(),
        }
    )


def test_the_average_and_fee_of_a_filled_ask_come_from_its_fills() -> None:
    given, found = asked_for_its_average(ask_in_two_fills("0.3000", "0.3300"))
    assert given.average_price is None
    assert (found.average_price, found.fee) == (D("0.315"), D("0.15"))


def test_the_average_is_in_the_terms_of_the_order() -> None:
    _, found = asked_for_its_average(ask_in_two_fills("0.3000", "0.3300"), "no")
    assert found.average_price == D("0.685")


def test_an_order_whose_fills_lag_behind_keeps_what_it_had() -> None:
    given, found = asked_for_its_average(ask_in_two_fills("0.3000"))
    assert found == given


def test_a_scalar_settlement_is_told_as_rounded_and_its_market_has_the_exact_price() -> (
    None
):
    ground = KalshiGround()
    trader = ground.trader("blocking")
    market = trader.quoted_market()
    assert trader.lift(market, "1").filled == 1
    before = trader.fetch_balance().available
    ground.kalshi.engine.void(market.market_id, D("0.3762"))
    (paid,) = trader.fetch_settlements(market_id=market.market_id)
    exact = trader.fetch_market(market.market_id).settlement_price
    assert (paid.rounded, exact) == ({"payout", "value"}, D("0.3762"))
    assert trader.fetch_balance().available - before == exact
    assert (paid.value, paid.payout) == (D("0.37"), D("0.37"))
