"""The order book channel: a naive book equals the venue's at any time."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from unified_exchanges.money import complement
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, StreamSettings

from ..trader import trader
from .listener import Listener, NaiveBooks

FAST = FlowSettings(actions_per_second=3, levels=4)


def venue_levels(trader, ticker, *, in_yes_price):
    """The book as REST tells it, NO levels in YES money if asked."""
    book = trader.get(f"/markets/{ticker}/orderbook")["orderbook_fp"]
    yes, no = (
        {Decimal(p): Decimal(n) for p, n in book[f"{side}_dollars"]}
        for side in ("yes", "no")
    )
    if in_yes_price:
        no = {complement(price): size for price, size in no.items()}
    return {"yes": yes, "no": no}


@pytest.mark.parametrize("in_yes_price", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_naive_book_equals_that_of_rest(clock, seed, in_yes_price) -> None:
    kalshi = SimulatedKalshi(
        seed=seed, clock=clock, enforce_limits=False, lively=True, flow=FAST
    )
    ada, rng, books = trader(kalshi, clock), Random(seed), NaiveBooks()
    listener = Listener(ada)
    markets = ada.get("/markets", status="open", limit=1000)["markets"][:8]
    tickers = [market["ticker"] for market in markets]
    flag = {"use_yes_price": True} if in_yes_price else {}
    frames = listener.subscribe("orderbook_delta", market_tickers=tickers[:5], **flag)
    resting: list[str] = []
    for step in range(40):
        clock.advance(rng.random() * 2)
        _trade(ada, rng, rng.choice(markets), resting)
        if step == 20:
            listener.post(
                "subscribe",
                {"channels": ["orderbook_delta"], "market_tickers": tickers, **flag},
            )
        frames += listener.frames()
    clock.advance(1)
    expected = {
        ticker: venue_levels(ada, ticker, in_yes_price=in_yes_price)
        for ticker in tickers
    }
    for frame in [*frames, *listener.frames()]:
        if "book" in frame["type"]:
            books.hear(frame)
    assert books.sides == expected
    assert Counter(f["type"] for f in frames)["orderbook_delta"] > 100


def _trade(ada, rng, market, resting) -> None:
    """Rest an order, hit a quote, or take an order back."""
    choice = rng.randrange(3)
    if choice == 2 and resting:
        order_id = resting.pop(rng.randrange(len(resting)))
        ada.ask("DELETE", f"/portfolio/events/orders/{order_id}")
        return
    quotes = ada.get(f"/markets/{market['ticker']}")["market"]
    name = "yes_ask_dollars" if choice else "yes_bid_dollars"
    side = rng.choice(["bid", "ask"])
    answer = ada.place(market, side=side, price=quotes[name], count="7.5")
    if answer.status == 201:
        resting.append(answer.body["order_id"])


def test_a_snapshot_is_the_book_of_rest_prices_ascending(listener, ada, market) -> None:
    ticker = market["ticker"]
    _, snapshot = listener.subscribe("orderbook_delta", market_ticker=ticker)
    book = ada.get(f"/markets/{ticker}/orderbook")["orderbook_fp"]
    assert snapshot["msg"]["yes_dollars_fp"] == book["yes_dollars"]
    assert snapshot["msg"]["no_dollars_fp"] == book["no_dollars"]


def test_with_yes_prices_the_no_side_is_that_of_the_asks(
    listener, kalshi, market
) -> None:
    ticker = market["ticker"]
    _, snapshot = listener.subscribe(
        "orderbook_delta", market_ticker=ticker, use_yes_price=True
    )
    asks = kalshi.engine.levels(ticker, "ask")
    prices = [Decimal(price) for price, _ in snapshot["msg"]["no_dollars_fp"]]
    assert prices == [ask.price for ask in asks] == sorted(prices)


def test_an_empty_side_is_left_out(listener, kalshi) -> None:
    empty = next(
        m for m in kalshi.engine.markets() if m.status == "initialized" and not m.bid
    )
    _, snapshot = listener.subscribe("orderbook_delta", market_ticker=empty.market_id)
    assert set(snapshot["msg"]) == {"market_ticker", "market_id"}


def test_p15_prices_have_four_decimals_and_counts_two(listener, ada, market) -> None:
    listener.subscribe("orderbook_delta", market_ticker=market["ticker"])
    ada.rest(market, price=market["yes_bid_dollars"], count="3")
    [body] = listener.bodies("orderbook_delta")
    assert (body["price_dollars"], body["delta_fp"]) == (
        market["yes_bid_dollars"],
        "3.00",
    )
    assert len(body["price_dollars"].partition(".")[2]) == 4


def test_p04_a_no_level_is_in_no_money_unless_asked_otherwise(ada, bob, market) -> None:
    plain, yes = Listener(ada), Listener(ada)
    plain.subscribe("orderbook_delta", market_ticker=market["ticker"])
    yes.subscribe("orderbook_delta", market_ticker=market["ticker"], use_yes_price=True)
    bob.rest(market, side="ask", price=market["yes_ask_dollars"])
    [one], [other] = (x.bodies("orderbook_delta") for x in (plain, yes))
    assert (one["side"], other["side"]) == ("no", "no")
    assert other["price_dollars"] == market["yes_ask_dollars"]
    assert Decimal(one["price_dollars"]) == 1 - Decimal(market["yes_ask_dollars"])


def test_a_change_says_when_it_happened(listener, ada, market, clock) -> None:
    listener.subscribe("orderbook_delta", market_ticker=market["ticker"])
    clock.advance(1.5)
    ada.rest(market)
    [body] = listener.bodies("orderbook_delta")
    assert body["ts_ms"] == round(clock.now() * 1000)
    assert body["ts"] == "2026-11-20T18:40:01.5Z"


def test_own_changes_carry_their_client_order_id(listener, other, ada, market) -> None:
    for each in (listener, other):
        each.subscribe("orderbook_delta", market_ticker=market["ticker"])
    ada.rest(market, client_order_id="mine")
    [seen], [foreign] = (x.bodies("orderbook_delta") for x in (listener, other))
    assert seen["client_order_id"] == "mine"
    assert "subaccount" not in seen
    assert foreign == {k: v for k, v in seen.items() if k != "client_order_id"}


def test_own_changes_carry_their_subaccount_where_there_are_some(
    listener, other, ada, market
) -> None:
    ada.ask("POST", "/portfolio/subaccounts", {})
    for each in (listener, other):
        each.subscribe("orderbook_delta", market_ticker=market["ticker"])
    ada.rest(market, client_order_id="mine")
    [seen], [foreign] = (x.bodies("orderbook_delta") for x in (listener, other))
    assert seen["subaccount"] == 0
    assert "subaccount" not in foreign


def test_an_amended_order_leaves_its_level_and_comes_to_another(
    listener, ada, market
) -> None:
    order_id = ada.rest(market, count="3")
    listener.subscribe("orderbook_delta", market_ticker=market["ticker"])
    ada.ask(
        "POST",
        f"/portfolio/events/orders/{order_id}/amend",
        ada.order(market, price=market["yes_bid_dollars"], count="4"),
    )
    bodies = listener.bodies("orderbook_delta")
    assert [body["delta_fp"] for body in bodies] == ["-3.00", "4.00"]


def test_a_market_that_is_listed_later_is_then_shown(listener, kalshi, clock) -> None:
    coming = kalshi._house._coming[-1]
    ticker = coming.listed.ticker
    assert len(listener.subscribe("orderbook_delta", market_ticker=ticker)) == 1
    clock.advance((coming.life.listed_us - kalshi._house.now_us) / 1_000_000 + 1)
    kalshi.advance()
    first = listener.frames()[0]
    assert (first["type"], first["msg"]["market_ticker"]) == (
        "orderbook_snapshot",
        ticker,
    )


def test_a_subscription_that_nobody_reads_overflows(clock) -> None:
    settings = StreamSettings(buffer_limit=3)
    kalshi = SimulatedKalshi(seed=7, clock=clock, enforce_limits=False, stream=settings)
    ada = trader(kalshi, clock)
    listener, market = Listener(ada), ada.market()
    listener.follow("orderbook_delta", market_ticker=market["ticker"])
    for _ in range(5):
        ada.rest(market)
    [error] = (listener.session.data_to_send(),)
    assert '"code":25' in error[0]
    assert '"seq":5' in error[0]
    assert listener.ask("list_subscriptions")[0]["msg"] == []


def test_what_overflows_does_not_spoil_other_subscriptions(clock) -> None:
    settings = StreamSettings(buffer_limit=3, sending_times=False)
    kalshi = SimulatedKalshi(seed=7, clock=clock, enforce_limits=False, stream=settings)
    ada = trader(kalshi, clock)
    listener, market = Listener(ada), ada.market()
    listener.follow("orderbook_delta", "trade", market_ticker=market["ticker"])
    for _ in range(2):
        ada.take(market, count="1")
    for _ in range(3):
        ada.rest(market)
    assert '"trade"' in "".join(listener.session.data_to_send())
