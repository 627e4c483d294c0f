"""Lives of markets and events, of combinations apart."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from unified_exchanges.venues.kalshi.simulated.catalog import GRIDS
from unified_exchanges.venues.kalshi.simulated.tariff import Terms

LIVES = ("market_lifecycle_v2", "multivariate_market_lifecycle")


@pytest.fixture
def ticker(market) -> str:
    return market["ticker"]


def life(listener) -> list:
    return listener.bodies("market_lifecycle_v2")


def test_a_close_that_moves_is_told(listener, kalshi, ticker) -> None:
    listener.subscribe(*LIVES)
    close_us = kalshi.engine.market(ticker).close_us + 60_000_000
    kalshi.engine.change_close(ticker, close_us)
    assert life(listener) == [
        {
            "event_type": "close_date_updated",
            "market_ticker": ticker,
            "close_ts": close_us // 1_000_000,
        }
    ]


def test_a_market_taken_out_of_trading_and_back_is_told(
    listener, kalshi, ticker
) -> None:
    listener.subscribe(*LIVES)
    kalshi.engine.deactivate(ticker)
    kalshi.engine.activate(ticker)
    assert [(b["event_type"], b["is_deactivated"]) for b in life(listener)] == [
        ("deactivated", True),
        ("activated", False),
    ]


def test_a_pause_of_one_market_is_told_and_a_wider_one_is_not(
    listener, kalshi, ticker
) -> None:
    listener.subscribe(*LIVES)
    kalshi.engine.pause(market_id=ticker)
    kalshi.engine.resume(market_id=ticker)
    kalshi.engine.pause(shard=0)
    kalshi.engine.pause(whole_exchange=True)
    bodies = life(listener)
    assert [(b["market_ticker"], b["is_deactivated"]) for b in bodies] == [
        (ticker, True),
        (ticker, False),
    ]


def test_a_result_and_its_payment_are_told(listener, kalshi, ticker, clock) -> None:
    listener.subscribe(*LIVES)
    now = round(clock.now())
    kalshi.engine.determine(ticker, Decimal(1))
    kalshi.engine.settle(ticker)
    assert life(listener) == [
        {
            "event_type": "determined",
            "market_ticker": ticker,
            "result": "yes",
            "determination_ts": now,
            "settlement_value": "1.0000",
        },
        {"event_type": "settled", "market_ticker": ticker, "settled_ts": now},
    ]


def test_an_amended_result_is_told_again_and_a_dispute_is_not(
    listener, kalshi, ticker
) -> None:
    listener.subscribe(*LIVES)
    kalshi.engine.determine(ticker, Decimal(1))
    kalshi.engine.dispute(ticker)
    kalshi.engine.determine(ticker, Decimal("0.25"))
    told = [(b["event_type"], b["result"]) for b in life(listener)]
    assert told == [("determined", "yes"), ("determined", "scalar")]


def test_another_grid_is_told_with_its_bands(listener, kalshi, ticker) -> None:
    listener.subscribe(*LIVES)
    kalshi.engine.change_grid(ticker, GRIDS["linear_cent"])
    [body] = life(listener)
    assert body["event_type"] == "price_level_structure_updated"
    assert body["price_level_structure"] == "linear_cent"
    assert body["price_ranges"] == [
        {"start": "0.0000", "end": "1.0000", "step": "0.0100"}
    ]


def test_what_is_written_about_a_market_can_change(
    listener, kalshi, ada, ticker
) -> None:
    listener.subscribe(*LIVES)
    kalshi.change_metadata(ticker, floor_strike=Decimal(95000), yes_sub_title="above")
    assert life(listener) == [
        {
            "event_type": "metadata_updated",
            "market_ticker": ticker,
            "floor_strike": 95000,
            "yes_sub_title": "above",
        }
    ]
    assert ada.get(f"/markets/{ticker}")["market"]["yes_sub_title"] == "above"


def test_new_events_and_markets_are_told_once_each(listener, kalshi, clock) -> None:
    listener.subscribe(*LIVES)
    plan = kalshi._house._coming[-1]
    clock.advance((plan.life.listed_us - kalshi._house.now_us) / 1_000_000 + 1)
    kalshi.advance()
    frames = listener.frames()
    created = [
        f["msg"]["market_ticker"]
        for f in frames
        if f["msg"].get("event_type") == "created"
    ]
    events = [
        f["msg"]["event_ticker"] for f in frames if f["type"] == "event_lifecycle"
    ]
    assert plan.listed.ticker in created
    assert plan.listed.event_ticker in events
    assert len(events) == len(set(events))
    kinds = [f["type"] for f in frames]
    assert kinds.index("event_lifecycle") < kinds.index("market_lifecycle_v2")


def test_a_new_market_is_described(listener, kalshi, clock) -> None:
    listener.subscribe(*LIVES)
    plan = kalshi._house._coming[-1]
    clock.advance((plan.life.listed_us - kalshi._house.now_us) / 1_000_000 + 1)
    kalshi.advance()
    body = next(
        b
        for b in life(listener)
        if b["market_ticker"] == plan.listed.ticker and b["event_type"] == "created"
    )
    assert body["open_ts"] == plan.life.open_us // 1_000_000
    assert body["close_ts"] == plan.life.close_us // 1_000_000
    assert body["price_level_structure"] == plan.listed.structure
    assert body["additional_metadata"]["title"] == plan.listed.title


def test_a_market_of_the_engine_alone_disturbs_nobody(
    listener, kalshi, ticker, ada
) -> None:
    listener.subscribe(*LIVES, "ticker", "trade")
    listing = kalshi.engine._floor.pits[ticker].listing
    kalshi.engine.add_market(attrs.evolve(listing, market_id="BARE", event_id="NONE"))
    assert life(listener) == []


# Fees


def test_fees_of_an_event_are_told_as_they_change(listener, kalshi, market) -> None:
    listener.subscribe(*LIVES)
    event = market["event_ticker"]
    kalshi.change_fees(event, Terms("quadratic", Decimal("0.5")))
    kalshi.change_fees(event, None)
    assert listener.bodies("event_fee_update") == [
        {
            "event_ticker": event,
            "fee_type_override": "quadratic",
            "fee_multiplier_override": 0.5,
        },
        {
            "event_ticker": event,
            "fee_type_override": None,
            "fee_multiplier_override": None,
        },
    ]


def test_a_scheduled_change_of_fees_is_told_when_it_comes(
    listener, kalshi, market, clock
) -> None:
    listener.subscribe("market_lifecycle_v2")
    due_us = kalshi._house.now_us + 60_000_000
    kalshi.change_fees(market["event_ticker"], Terms("flat"), time_us=due_us)
    assert listener.bodies("event_fee_update") == []
    clock.advance(61)
    kalshi.advance()
    kalshi.advance()
    assert len(listener.bodies("event_fee_update")) == 1


# Combinations


def test_a_combination_is_told_on_a_channel_of_its_own(listener, combo) -> None:
    listener.subscribe("multivariate_market_lifecycle")
    made = combo()
    event, created, *_ = listener.frames()
    assert (event["type"], event["msg"]["event_ticker"]) == (
        "event_lifecycle",
        made["event_ticker"],
    )
    assert created["type"] == "multivariate_market_lifecycle"
    assert created["msg"]["market_ticker"] == made["market_ticker"]


def test_a_combination_is_not_told_among_the_others(listener, combo) -> None:
    listener.subscribe("market_lifecycle_v2")
    combo()
    assert listener.frames() == []


def test_pauses_and_texts_of_a_combination_are_told_there_too(
    listener, kalshi, combo
) -> None:
    ticker = combo()["market_ticker"]
    listener.subscribe(*LIVES)
    kalshi.engine.pause(market_id=ticker)
    kalshi.change_metadata(ticker, yes_sub_title="both")
    kinds = {frame["type"] for frame in listener.frames()}
    assert kinds == {"multivariate_market_lifecycle"}
