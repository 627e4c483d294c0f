"""Tickers and trades."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unified_exchanges.venues.kalshi.simulated.wire import market_uuid


def shown(market) -> dict[str, str]:
    """What REST tells of a market in the fields of a ticker."""
    names = ("yes_bid_dollars", "yes_ask_dollars", "yes_bid_size_fp", "yes_ask_size_fp")
    more = ("volume_fp", "open_interest_fp")
    fields = {name: market[name] for name in (*names, *more)}
    return fields | {"price_dollars": market["last_price_dollars"]}


def test_a_ticker_comes_with_a_change_and_says_what_rest_says(
    listener, ada, market, clock
) -> None:
    listener.subscribe("ticker", market_ticker=market["ticker"])
    clock.advance(2.5)
    ada.take(market, count="2")
    [body] = listener.bodies("ticker")
    now = ada.get(f"/markets/{market['ticker']}")["market"]
    assert {name: body[name] for name in shown(now)} == shown(now)
    assert (body["last_trade_size_fp"], body["market_id"]) == (
        "2.00",
        market_uuid(market["ticker"]),
    )
    assert body["ts_ms"] == round(clock.now() * 1000)
    assert (body["dollar_volume"], body["dollar_open_interest"]) == (1, 1)


def test_a_change_deep_in_the_book_is_no_news(listener, ada, market) -> None:
    listener.subscribe("ticker")
    ada.rest(market)
    assert listener.frames() == []


def test_a_first_ticker_comes_when_asked_for(listener, market) -> None:
    frames = listener.subscribe(
        "ticker", market_ticker=market["ticker"], send_initial_snapshot=True
    )
    assert [frame["type"] for frame in frames] == ["subscribed", "ticker"]
    body = frames[1]["msg"]
    assert {name: body[name] for name in shown(market)} == shown(market)


def test_no_first_tickers_of_all_markets(listener) -> None:
    assert len(listener.subscribe("ticker", send_initial_snapshot=True)) == 1


def test_added_markets_are_shown_when_asked_for(listener, market) -> None:
    sid = listener.follow("ticker", market_ticker="X")
    params = {"sid": sid, "action": "add_markets", "market_ticker": market["ticker"]}
    frames = listener.ask(
        "update_subscription", {**params, "send_initial_snapshot": True}
    )
    assert [frame["type"] for frame in frames] == ["ok", "ticker"]


def test_tickers_can_be_chosen_by_market_id(listener, ada, market) -> None:
    ids = [market_uuid(market["ticker"]), "00000000-0000-5000-8000-000000000000"]
    sid = listener.follow("ticker", market_ids=ids)
    ada.take(market)
    assert len(listener.bodies("ticker")) == 1
    params = {"sid": sid, "action": "delete_markets", "market_id": ids[0]}
    [ok] = listener.ask("update_subscription", params)
    assert ok["msg"] == {"market_ids": []}


def test_a_short_acknowledgement_can_be_chosen(listener) -> None:
    listener.follow("ticker", market_ticker="A", skip_ticker_ack=True)
    [ok] = listener.subscribe("ticker", market_ticker="B")
    assert ok["msg"] == {}


def test_a_ticker_follows_the_settlement(listener, ada, kalshi, market) -> None:
    ada.take(market, count="2")
    listener.subscribe("ticker", market_ticker=market["ticker"])
    kalshi.engine.void(market["ticker"], Decimal("0.5"))
    last = listener.bodies("ticker")[-1]
    assert (last["open_interest_fp"], last["yes_bid_size_fp"]) == ("0.00", "0.00")


def test_a_trade_is_told_in_both_moneys(listener, ada, market) -> None:
    listener.subscribe("trade", market_ticker=market["ticker"])
    ada.take(market, count="2")
    [body] = listener.bodies("trade")
    [trade] = ada.get("/markets/trades", ticker=market["ticker"], limit=1)["trades"]
    names = ("trade_id", "count_fp", "yes_price_dollars", "no_price_dollars")
    assert {name: body[name] for name in names} == {n: trade[n] for n in names}
    assert (body["taker_outcome_side"], body["taker_book_side"]) == ("yes", "bid")


def test_p04_a_sale_is_told_as_one(listener, ada, market) -> None:
    listener.subscribe("trade", market_ticker=market["ticker"])
    ada.take(market, side="ask", price=market["yes_bid_dollars"])
    [body] = listener.bodies("trade")
    assert (body["taker_outcome_side"], body["taker_book_side"]) == ("no", "ask")
    assert body["yes_price_dollars"] == market["yes_bid_dollars"]


def test_trades_of_all_markets_come_without_a_filter(listener, ada, market) -> None:
    listener.subscribe("trade")
    other = ada.market(shard=3)
    ada.take(market)
    ada.take(other)
    tickers = [body["market_ticker"] for body in listener.bodies("trade")]
    assert tickers == [market["ticker"], other["ticker"]]


@pytest.mark.parametrize("channel", ["trade", "ticker", "fill", "user_orders"])
def test_other_markets_are_left_out(listener, ada, market, channel) -> None:
    listener.subscribe(channel, market_ticker="OTHER")
    ada.take(market)
    assert listener.frames() == []
