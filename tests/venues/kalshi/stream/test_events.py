"""Frames become unified models in YES terms, or Kalshi's own typed events."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import (
    Fill,
    Liquidity,
    MarketStatus,
    Order,
    OrderStatus,
    Position,
    Side,
    Subject,
    Ticker,
    Trade,
)
from unified_exchanges.venues.kalshi.stream import (
    EventFeeUpdate,
    EventLifecycle,
    KalshiStream,
    OrderGroupUpdate,
    QuoteAccepted,
    QuoteCreated,
    QuoteExecuted,
    RfqCreated,
    RfqDeleted,
)

from .desk import A, B, Desk
from .test_misreading import FILL, TRADE

ORDER = {
    "order_id": "o1",
    "user_id": "u1",
    "ticker": A,
    "status": "resting",
    "outcome_side": "yes",
    "book_side": "bid",
    "yes_price_dollars": "0.3500",
    "fill_count_fp": "4.00",
    "remaining_count_fp": "6.00",
    "initial_count_fp": "10.00",
    "taker_fill_cost_dollars": "1.4000",
    "maker_fill_cost_dollars": "0.0000",
    "taker_fees_dollars": "0.0700",
    "maker_fees_dollars": "0.0000",
    "client_order_id": "mine",
    "created_ts_ms": 1_733_047_200_000,
    "last_updated_ts_ms": 1_733_047_200_500,
    "expiration_ts_ms": 1_733_050_800_000,
    "subaccount_number": 0,
}
POSITION = {
    "user_id": "u1",
    "market_ticker": A,
    "position_fp": "-100.00",
    "position_cost_dollars": "30.0000",
    "realized_pnl_dollars": "-10.0000",
    "fees_paid_dollars": "1.0000",
    "position_fee_cost_dollars": "0.5000",
    "volume_fp": "15.00",
}
TICKER = {
    "market_ticker": A,
    "price_dollars": "0.480",
    "yes_bid_dollars": "0.450",
    "yes_ask_dollars": "0.530",
    "volume_fp": "33896.00",
    "open_interest_fp": "20422.00",
    "yes_bid_size_fp": "300.00",
    "yes_ask_size_fp": "150.00",
    "ts_ms": 1_669_149_841_001,
}


def following(*subjects: Subject) -> Desk:
    desk = Desk()
    for subject in subjects:
        desk.follow(subject=subject)
    return desk.connect().run()


def test_a_ticker() -> None:
    desk = following(Subject.TICKER)
    [ticker] = desk.tell("ticker", "ticker", TICKER)
    assert ticker == Ticker(
        venue="kalshi",
        market_id=A,
        outcome="yes",
        bid=Decimal("0.45"),
        ask=Decimal("0.53"),
        bid_size=Decimal(300),
        ask_size=Decimal(150),
        last_price=Decimal("0.48"),
        volume=Decimal(33896),
        open_interest=Decimal(20422),
        timestamp=datetime(2022, 11, 22, 20, 44, 1, 1000, UTC),
    )
    assert ticker.raw["msg"]["market_ticker"] == A


def test_an_absent_quote_is_told_by_its_size() -> None:
    desk = following(Subject.TICKER)
    empty = {"yes_bid_size_fp": "0.00", "yes_bid_dollars": "0.00", "price_dollars": "0"}
    [ticker] = desk.tell("ticker", "ticker", TICKER | empty)
    assert (ticker.bid, ticker.ask, ticker.last_price) == (None, Decimal("0.53"), None)


def test_a_trade() -> None:
    desk = following(Subject.TRADES)
    [trade] = desk.push("trade", "trade", TRADE)
    assert trade == Trade(
        venue="kalshi",
        trade_id="t1",
        market_id=A,
        outcome="yes",
        price=Decimal("0.36"),
        size=Decimal(136),
        taker_side=Side.SELL,
        created_at=datetime(2022, 11, 22, 20, 44, 1, tzinfo=UTC),
    )


def test_a_fill() -> None:
    desk = following(Subject.FILLS)
    told = FILL | {"client_order_id": "mine", "exchange_index": 2}
    [fill] = desk.tell("fill", "fill", told)
    assert fill == Fill(
        venue="kalshi",
        fill_id="t1",
        trade_id="t1",
        order_id="o1",
        client_order_id="mine",
        market_id=A,
        outcome="yes",
        side=Side.BUY,
        price=Decimal("0.75"),
        size=Decimal(278),
        fee=Decimal("1.23"),
        liquidity=Liquidity.TAKER,
        created_at=datetime(2022, 12, 24, 16, 29, 57, tzinfo=UTC),
        shard=2,
    )


def test_an_order() -> None:
    desk = following(Subject.ORDERS)
    [order] = desk.tell("user_orders", "user_order", ORDER)
    assert isinstance(order, Order)
    assert (order.order_id, order.client_order_id, order.market_id) == ("o1", "mine", A)
    assert (order.side, order.price, order.status) == (
        Side.BUY,
        Decimal("0.35"),
        OrderStatus.OPEN,
    )
    assert (order.filled, order.remaining, order.size) == (4, 6, 10)
    assert (order.average_price, order.fee) == (Decimal("0.35"), Decimal("0.07"))
    assert order.updated_at == datetime(2024, 12, 1, 10, 0, 0, 500_000, UTC)


def test_an_order_whose_time_ran_out_is_expired() -> None:
    desk = following(Subject.ORDERS)
    end = {"status": "canceled", "last_update_reason": "ExpiryCancel"}
    [order] = desk.tell("user_orders", "user_order", ORDER | end)
    assert order.status is OrderStatus.EXPIRED


def test_a_position_below_nothing_is_held_in_no() -> None:
    desk = following(Subject.POSITIONS)
    [held] = desk.tell(
        "market_positions", "market_position", POSITION, sending_ts_ms=1_000
    )
    assert held == Position(
        venue="kalshi",
        market_id=A,
        outcome="no",
        size=Decimal(100),
        cost=Decimal(30),
        entry_price=Decimal("0.3"),
        realized_pnl=Decimal(-10),
        fees_paid=Decimal(1),
        updated_at=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        computed=frozenset({"entry_price"}),
    )


def test_a_position_that_was_closed_has_no_entry() -> None:
    desk = following(Subject.POSITIONS)
    flat = {"position_fp": "0.00", "position_cost_dollars": "0.0000"}
    [held] = desk.tell("market_positions", "market_position", POSITION | flat)
    assert (held.size, held.entry_price, held.computed) == (0, None, frozenset())
    assert held.updated_at == datetime(2026, 11, 20, 18, 40, tzinfo=UTC)


# -- whose, and of what ----------------------------------------------------------------


def of_account(subaccount: int | None) -> Desk:
    desk = Desk()
    desk.stream = KalshiStream(clock=VirtualClock(), subaccount=subaccount)
    for subject in (Subject.FILLS, Subject.ORDERS, Subject.POSITIONS):
        desk.follow(subject=subject)
    desk.stream.subscribe("order_group_updates")
    return desk.connect().run()


@pytest.mark.parametrize(
    ("chosen", "told"),
    [(None, [0, 3, 0, 3, 0]), (0, [0, 0, 0]), (3, [3, 3, 3])],
)
def test_only_what_the_subaccount_has_is_told(
    chosen: int | None, told: list[int]
) -> None:
    """As over REST: without a choice all orders and fills, but the primary's positions."""
    desk = of_account(chosen)
    seen: list[int] = []
    for channel, kind, msg, field in (
        ("fill", "fill", FILL, "subaccount"),
        ("user_orders", "user_order", ORDER, "subaccount_number"),
        ("market_positions", "market_position", POSITION, "subaccount"),
    ):
        for number in (0, 3):
            events = desk.tell(channel, kind, msg | {field: number})
            seen += [number] * len(events)
    assert seen == told


def test_what_has_no_subaccount_is_told_to_all() -> None:
    desk = of_account(3)
    msg = {"event_type": "created", "order_group_id": "g", "ts_ms": 1}
    assert len(desk.push("order_group_updates", "order_group_updates", msg)) == 1


def test_only_markets_that_are_followed_are_told_of() -> None:
    desk = Desk().follow(A, subject=Subject.FILLS)
    desk.follow(A, subject=Subject.MARKET_STATUS).connect().run()
    assert desk.tell("fill", "fill", FILL | {"market_ticker": B}) == []
    assert len(desk.tell("fill", "fill", FILL)) == 1
    life = {"event_type": "activated", "market_ticker": B}
    name = "market_lifecycle_v2"
    assert desk.push(name, name, life) == []
    assert len(desk.push(name, name, life | {"market_ticker": A})) == 1
    desk.stream.unfollow(Subject.MARKET_STATUS, [A])
    assert desk.push(name, name, life | {"market_ticker": A}) == []


# -- lives -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("msg", "expected"),
    [
        ({"event_type": "activated"}, {"status": MarketStatus.OPEN}),
        (
            {"event_type": "deactivated", "is_deactivated": True},
            {"status": MarketStatus.PAUSED},
        ),
        (
            {"event_type": "created", "open_ts": 1, "close_ts": 1_795_300_000},
            {
                "status": MarketStatus.OPEN,
                "closes_at": datetime(2026, 11, 21, 22, 26, 40, tzinfo=UTC),
            },
        ),
        (
            {"event_type": "created", "open_ts": 1_795_300_000},
            {"status": MarketStatus.UNOPENED},
        ),
        (
            {"event_type": "close_date_updated", "close_ts": 60},
            {"status": None, "closes_at": datetime(1970, 1, 1, 0, 1, tzinfo=UTC)},
        ),
        (
            {
                "event_type": "determined",
                "result": "yes",
                "settlement_value": "1.0000",
                "determination_ts": 60,
            },
            {
                "status": MarketStatus.CLOSED,
                "result": "yes",
                "value": Decimal(1),
                "timestamp": datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
            },
        ),
        (
            {"event_type": "settled", "settled_ts": 60},
            {
                "status": MarketStatus.SETTLED,
                "timestamp": datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
            },
        ),
        (
            {
                "event_type": "price_level_structure_updated",
                "price_ranges": [{"start": "0.00", "end": "1.00", "step": "0.001"}],
            },
            {"status": None, "grid": PriceGrid.of("0.001")},
        ),
        ({"event_type": "metadata_updated", "price_ranges": None}, {"status": None}),
    ],
)
@pytest.mark.parametrize(
    "channel", ["market_lifecycle_v2", "multivariate_market_lifecycle"]
)
def test_a_change_of_a_market(
    msg: dict[str, Any], expected: dict[str, Any], channel: str
) -> None:
    desk = Desk()
    desk.stream.subscribe(channel)
    desk.connect().run()
    [change] = desk.push(channel, channel, {"market_ticker": A} | msg)
    assert (change.market_id, change.change) == (A, msg["event_type"])
    told = {name: getattr(change, name) for name in expected}
    assert told == expected


@pytest.mark.parametrize(
    "broken",
    [
        {"price_ranges": [{"start": "0"}]},
        {"settlement_value": "2.0"},
        {"close_ts": 10**18},
    ],
)
def test_a_malformed_change_of_a_market_is_a_gap(broken: dict[str, Any]) -> None:
    desk = following(Subject.MARKET_STATUS)
    msg = {"event_type": "determined", "market_ticker": A} | broken
    [gap] = desk.push("market_lifecycle_v2", "market_lifecycle_v2", msg)
    assert (gap.subject, gap.market_ids) == (Subject.MARKET_STATUS, (A,))


def test_a_new_event_and_its_fees() -> None:
    desk = following(Subject.MARKET_STATUS)
    [event] = desk.push(
        "market_lifecycle_v2",
        "event_lifecycle",
        {"event_ticker": "E", "series_ticker": "S", "title": "T", "strike_date": 60},
    )
    assert isinstance(event, EventLifecycle)
    assert (event.event_id, event.series_id, event.title) == ("E", "S", "T")
    assert event.strike_at == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    told = []
    for kind, factor in (("quadratic", 1.5), (None, None)):
        [fees] = desk.push(
            "market_lifecycle_v2",
            "event_fee_update",
            {
                "event_ticker": "E",
                "fee_type_override": kind,
                "fee_multiplier_override": factor,
            },
        )
        assert isinstance(fees, EventFeeUpdate)
        told.append((fees.fee_type, fees.fee_multiplier))
    assert told == [("quadratic", Decimal("1.5")), (None, None)]


# -- Kalshi's own ----------------------------------------------------------------------


def test_an_order_group() -> None:
    desk = Desk()
    desk.stream.subscribe("order_group_updates")
    desk.connect().run()
    msg = {
        "event_type": "limit_updated",
        "order_group_id": "g1",
        "contracts_limit_fp": "150.00",
        "ts_ms": 1_000,
    }
    [update] = desk.push("order_group_updates", "order_group_updates", msg)
    assert isinstance(update, OrderGroupUpdate)
    assert update.to_dict() == {
        "venue": "kalshi",
        "group_id": "g1",
        "change": "limit_updated",
        "limit": "150",
        "timestamp": "1970-01-01T00:00:01Z",
    }


RFQ = {
    "id": "rfq_1",
    "creator_id": "",
    "market_ticker": A,
    "event_ticker": "E",
    "contracts_fp": "100.00",
    "target_cost_dollars": "0.35",
    "created_ts": "2024-12-01T10:00:00Z",
    "deleted_ts": "2024-12-01T10:05:00Z",
}
QUOTE = {
    "quote_id": "q1",
    "rfq_id": "rfq_1",
    "quote_creator_id": "c1",
    "market_ticker": A,
    "yes_bid_dollars": "0.35",
    "no_bid_dollars": "0.60",
    "yes_contracts_offered_fp": "100.00",
    "created_ts": "2024-12-01T10:02:00Z",
    "accepted_side": "no",
    "contracts_accepted_fp": "50.00",
    "order_id": "o1",
    "client_order_id": "mine",
    "executed_ts": "2024-12-01T10:05:00Z",
}


def test_requests_for_quotes_and_quotes() -> None:
    desk = Desk()
    desk.stream.subscribe("communications")
    desk.connect().run()
    told = [
        desk.push("communications", kind, msg)[0]
        for kind, msg in (
            ("rfq_created", RFQ),
            ("rfq_deleted", RFQ),
            ("quote_created", QUOTE),
            ("quote_accepted", QUOTE),
            ("quote_executed", QUOTE),
        )
    ]
    assert [type(x) for x in told] == [
        RfqCreated,
        RfqDeleted,
        QuoteCreated,
        QuoteAccepted,
        QuoteExecuted,
    ]
    created, deleted, quote, accepted, executed = told
    assert (created.size, created.cost) == (Decimal(100), Decimal("0.35"))
    assert deleted.timestamp == datetime(2024, 12, 1, 10, 5, tzinfo=UTC)
    assert (quote.yes_bid, quote.no_bid, quote.yes_size, quote.no_size) == (
        Decimal("0.35"),
        Decimal("0.60"),
        Decimal(100),
        None,
    )
    assert (accepted.accepted_outcome, accepted.accepted_size) == ("no", Decimal(50))
    assert (executed.order_id, executed.client_order_id) == ("o1", "mine")


def test_a_quote_that_was_accepted_on_no_side_is_malformed() -> None:
    desk = Desk()
    desk.stream.subscribe("communications")
    desk.connect().run()
    msg = QUOTE | {"accepted_side": "both"}
    [gap] = desk.push("communications", "quote_accepted", msg)
    assert (gap.subject, gap.market_ids) == (None, (A,))


def test_a_gap_does_not_swallow_the_message_that_shows_it() -> None:
    desk = Desk()
    desk.stream.subscribe("communications")
    desk.connect().run()
    desk.number("communications")
    gap, rfq = desk.push("communications", "rfq_created", RFQ)
    assert (gap.subject, type(rfq)) == (None, RfqCreated)
