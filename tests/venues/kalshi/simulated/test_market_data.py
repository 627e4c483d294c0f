"""Series, events, markets, books, trades, candles, combos and what is around them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .contract import PREFIX
from .trader import HOST, Trader, trader

DAY = 86_400
COLLECTIONS = "/multivariate_event_collections"


def tickers(page: dict[str, Any]) -> set[str]:
    return {market["ticker"] for market in page["markets"]}


# Markets


def test_every_status_is_there(idle: Trader) -> None:
    found = {m["status"] for m in idle.get("/markets", limit=1000)["markets"]}
    assert found == {
        "initialized",
        "active",
        "inactive",
        "closed",
        "determined",
        "finalized",
    }


@pytest.mark.parametrize(
    ("word", "statuses"),
    [
        ("unopened", {"initialized"}),
        ("open", {"active"}),
        ("paused", {"inactive"}),
        ("closed", {"closed", "determined"}),
        ("settled", {"finalized"}),
    ],
)
def test_the_filter_words_are_not_the_field_words(
    idle: Trader, word: str, statuses: set[str]
) -> None:
    page = idle.get("/markets", status=word, limit=1000)
    assert {m["status"] for m in page["markets"]} == statuses


@pytest.mark.parametrize("word", ["finalized", "active", "resting"])
def test_a_field_word_is_no_filter(idle: Trader, word: str) -> None:
    answer = idle.ask("GET", "/markets", status=word)
    assert answer.status == 400
    assert "invalid status filter" in answer.body["error"]["details"]


def test_all_grids_and_shards_are_there(idle: Trader) -> None:
    markets = idle.get("/markets", limit=1000)["markets"]
    assert {m["exchange_index"] for m in markets} == {0, 2, 3}
    assert len({m["price_level_structure"] for m in markets}) == 11
    taper = next(
        m for m in markets if m["price_level_structure"] == "tapered_deci_cent"
    )
    assert [band["step"] for band in taper["price_ranges"]] == [
        "0.0010",
        "0.0100",
        "0.0010",
    ]


def test_p7_markets_of_an_event_share_their_title(idle: Trader) -> None:
    event = idle.get("/events", series_ticker="KXMAYORLA", with_nested_markets=True)
    [markets] = [e["markets"] for e in event["events"]]
    assert len({m["title"] for m in markets}) == 1
    assert len({m["yes_sub_title"] for m in markets}) == len(markets) == 5


def test_an_empty_book_is_told_by_its_sizes(idle: Trader) -> None:
    unopened = idle.get("/markets", status="unopened")["markets"][0]
    settled = idle.get("/markets", status="settled")["markets"][0]
    names = ("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars")
    assert [unopened[n] for n in names] == ["0.0000", "0.0000", "1.0000", "1.0000"]
    assert [settled[n] for n in names] == ["0.0000", "1.0000", "0.0000", "1.0000"]
    assert unopened["yes_ask_size_fp"] == settled["yes_bid_size_fp"] == "0.00"


def test_markets_are_filtered_by_event_series_and_ticker(idle: Trader) -> None:
    market = idle.market(series="KXHIGHNY")
    event = market["event_ticker"]
    assert market["ticker"] in tickers(idle.get("/markets", event_ticker=event))
    assert len(tickers(idle.get("/markets", event_ticker=event))) == 6
    found = tickers(idle.get("/markets", series_ticker="KXHIGHNY", limit=1000))
    assert all(ticker.startswith("KXHIGHNY") for ticker in found)
    two = f"{market['ticker']},NONE"
    assert tickers(idle.get("/markets", tickers=two)) == {market["ticker"]}


def test_markets_are_filtered_by_one_kind_of_time(idle: Trader) -> None:
    now = round(idle.clock.now())
    soon = idle.get(
        "/markets", min_close_ts=now, max_close_ts=now + 2 * DAY, limit=1000
    )
    assert 0 < len(soon["markets"]) < 104
    settled = idle.get("/markets", status="settled", min_settled_ts=now - 3 * DAY)
    assert settled["markets"] != []
    assert idle.get("/markets", min_settled_ts=now - 3 * DAY) == settled
    created = idle.get("/markets", status="open", min_created_ts=now - 5 * DAY)
    assert created["markets"] != []
    updated = {"min_updated_ts": now - DAY, "mve_filter": "exclude"}
    assert idle.get("/markets", **updated)["markets"] != []


@pytest.mark.parametrize(
    "query",
    [
        {"min_close_ts": 1, "min_created_ts": 1},
        {"min_close_ts": 1, "status": "open"},
        {"min_settled_ts": 1, "status": "closed"},
        {"max_created_ts": 1, "status": "settled"},
        {"min_updated_ts": 1},
        {"min_updated_ts": 1, "mve_filter": "exclude", "status": "open"},
        {"min_updated_ts": 1, "mve_filter": "exclude", "min_close_ts": 1},
    ],
)
def test_filters_that_exclude_each_other_are_refused(
    idle: Trader, query: dict[str, Any]
) -> None:
    assert idle.ask("GET", "/markets", **query).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/markets/NONE",
        "/markets/NONE/orderbook",
        "/events/NONE",
        "/events/NONE/metadata",
        "/series/NONE",
        "/milestones/none",
        "/structured_targets/none",
        f"{COLLECTIONS}/NONE",
        "/historical/markets/NONE",
    ],
)
def test_what_is_unknown_is_not_found(idle: Trader, path: str) -> None:
    assert idle.ask("GET", path).status == 404


def test_p12_a_market_is_in_one_tier_only(idle: Trader) -> None:
    live = tickers(idle.get("/markets", limit=1000))
    old = tickers(idle.get("/historical/markets", limit=1000))
    assert (live & old, old != set()) == (set(), True)
    one = next(iter(old))
    assert idle.ask("GET", f"/markets/{one}").status == 404
    assert idle.get(f"/historical/markets/{one}")["market"]["ticker"] == one
    current = next(iter(live))
    assert idle.ask("GET", f"/historical/markets/{current}").status == 404


def test_a_change_of_the_grid_is_told(ada: Trader) -> None:
    market = ada.market(series="KXHIGHNY")
    from unified_exchanges.venues.kalshi.simulated.catalog import GRIDS

    ada.kalshi.engine.change_grid(market["ticker"], GRIDS["deci_cent"])
    changed = ada.get(f"/markets/{market['ticker']}")["market"]
    assert changed["price_level_structure"] == "deci_cent"
    assert changed["price_ranges"][0]["step"] == "0.0010"


# Life


def test_a_market_closes_is_determined_and_pays_by_the_clock(ada: Trader) -> None:
    game = ada.market(series="KXATPMATCH")
    ada.take(game, count="5")
    path = f"/markets/{game['ticker']}"
    ada.clock.advance(6 * DAY)
    market = ada.get(path)["market"]
    assert market["status"] == "finalized"
    assert market["result"] in {"yes", "no"}
    [settlement] = ada.get("/portfolio/settlements")["settlements"]
    assert settlement["market_result"] == market["result"]


def test_exactly_one_market_of_an_exclusive_event_wins(ada: Trader) -> None:
    event = ada.market(series="KXHIGHNY")["event_ticker"]
    ada.clock.advance(3 * DAY)
    found = ada.get("/markets", event_ticker=event)["markets"]
    assert sorted(m["result"] for m in found) == ["no"] * 5 + ["yes"]


def test_what_has_not_been_listed_yet_is_not_shown(ada: Trader) -> None:
    for event in ada.get("/events", limit=200)["events"]:
        assert ada.kalshi.catalog.markets_of(event["event_ticker"]) != []


def test_the_same_seed_gives_the_same_venue() -> None:
    def page(seed: int) -> bytes:
        kalshi = SimulatedKalshi(seed=seed, clock=VirtualClock())
        url = f"{HOST}{PREFIX}/markets?limit=1000"
        return kalshi.handle(Request("GET", url)).body

    assert page(1) == page(1)
    assert page(1) != page(2)


def test_a_lively_venue_trades_by_itself(clock: VirtualClock) -> None:
    ada = trader(SimulatedKalshi(clock=clock, lively=True, enforce_limits=False), clock)
    before = len(ada.get("/markets/trades", limit=1000)["trades"])
    clock.advance(60)
    assert len(ada.get("/markets/trades", limit=1000)["trades"]) > before


def test_a_calm_venue_stands_still(ada: Trader, market: Any) -> None:
    path = f"/markets/{market['ticker']}/orderbook"
    before = ada.get(path)
    ada.clock.advance(600)
    assert ada.get(path) == before


# Books, trades, candles


def test_p2_a_book_is_two_lists_of_bids_best_last(idle: Trader, shown: Any) -> None:
    book = idle.get(f"/markets/{shown['ticker']}/orderbook")["orderbook_fp"]
    for side, price in (("yes_dollars", "yes_bid"), ("no_dollars", "no_bid")):
        prices = [Decimal(level[0]) for level in book[side]]
        assert prices == sorted(prices)
        assert book[side][-1][0] == shown[f"{price}_dollars"]


def test_a_book_can_be_cut(idle: Trader, shown: Any) -> None:
    path = f"/markets/{shown['ticker']}/orderbook"
    book = idle.get(path, depth=2)["orderbook_fp"]
    assert [len(side) for side in book.values()] == [2, 2]
    assert book["yes_dollars"][-1][0] == shown["yes_bid_dollars"]


def test_several_books_come_at_once(idle: Trader, shown: Any) -> None:
    names = [shown["ticker"], idle.market(shard=2)["ticker"], "NONE"]
    request = Request(
        "GET",
        f"{HOST}{PREFIX}/markets/orderbooks",
        query=tuple(("tickers", name) for name in names),
    )
    books = idle.send(request).body["orderbooks"]
    assert [book["ticker"] for book in books] == names[:2]


def test_trades_are_filtered(ada: Trader, market: Any) -> None:
    ada.take(market)
    [trade] = ada.get("/markets/trades", ticker=market["ticker"])["trades"]
    assert (trade["taker_outcome_side"], trade["taker_book_side"]) == ("yes", "bid")
    assert trade["yes_price_dollars"] == market["yes_ask_dollars"]
    now = round(ada.clock.now())
    assert ada.get("/markets/trades", min_ts=now)["trades"] == [trade]
    assert trade not in ada.get("/markets/trades", max_ts=now - 1)["trades"]
    assert ada.get("/markets/trades", is_block_trade=True)["trades"] == []
    assert ada.get("/markets/trades", ticker="NONE")["trades"] == []


def candles(ada: Trader, path: str, **query: Any) -> Any:
    now = round(ada.clock.now())
    span = {"start_ts": now - 3600, "end_ts": now, "period_interval": 1}
    return ada.ask("GET", path, **{**span, **query})


def test_a_candle_tells_the_trades_of_its_period(ada: Trader, market: Any) -> None:
    series = ada.get(f"/events/{market['event_ticker']}")["event"]["series_ticker"]
    path = f"/series/{series}/markets/{market['ticker']}/candlesticks"
    ada.take(market, count="5")
    ada.clock.advance(120)
    found = candles(ada, path).body["candlesticks"]
    traded = [c for c in found if c["volume_fp"] == "5.00"]
    assert traded[0]["price"]["close_dollars"] == market["yes_ask_dollars"]
    quiet = found[-1]
    assert "close_dollars" not in quiet["price"]
    assert quiet["price"]["previous_dollars"] == market["yes_ask_dollars"]
    assert quiet["yes_bid"]["close_dollars"] == market["yes_bid_dollars"]
    start = round(ada.clock.now()) - 60
    extra = candles(ada, path, start_ts=start, include_latest_before_start=True)
    plain = candles(ada, path, start_ts=start)
    more = len(extra.body["candlesticks"]) - len(plain.body["candlesticks"])
    assert more == 1


@pytest.mark.parametrize(
    "query",
    [{"period_interval": 5}, {"end_ts": 1}, {"start_ts": 0}],
)
def test_candles_that_make_no_sense_are_refused(
    idle: Trader, query: dict[str, Any]
) -> None:
    ticker = idle.market(series="KXHIGHNY")["ticker"]
    path = f"/series/KXHIGHNY/markets/{ticker}/candlesticks"
    assert candles(idle, path, **query).status == 400


def test_candles_need_the_right_series(idle: Trader) -> None:
    ticker = idle.market(series="KXHIGHNY")["ticker"]
    path = f"/series/KXBTCD/markets/{ticker}/candlesticks"
    assert candles(idle, path).status == 404


def test_candles_come_for_several_markets(idle: Trader, shown: Any) -> None:
    names = f"{shown['ticker']},NONE"
    answer = candles(idle, "/markets/candlesticks", market_tickers=names)
    assert [m["market_ticker"] for m in answer.body["markets"]] == [shown["ticker"]]
    many = {"market_tickers": ",".join([*idle.kalshi.catalog.markets][-40:])}
    now = round(idle.clock.now())
    wide = candles(idle, "/markets/candlesticks", start_ts=now - 5 * DAY, **many)
    assert wide.status == 400


def test_candles_of_an_event_are_cut_where_they_become_too_many(idle: Trader) -> None:
    event = idle.market(series="KXHIGHNY")["event_ticker"]
    path = f"/series/KXHIGHNY/events/{event}/candlesticks"
    now = round(idle.clock.now())
    answer = candles(idle, path, start_ts=now - 6 * DAY)
    assert len(answer.body["market_tickers"]) == 6
    assert answer.body["adjusted_end_ts"] < now
    whole = candles(idle, path, period_interval=60)
    assert whole.body["adjusted_end_ts"] == now
    assert candles(idle, "/series/KXHIGHNY/events/NONE/candlesticks").status == 400


def test_p12_old_candles_have_other_names(idle: Trader) -> None:
    old = idle.get("/historical/markets", series_ticker="KXHIGHNY")["markets"][0]
    path = f"/historical/markets/{old['ticker']}/candlesticks"
    now = round(idle.clock.now())
    found = candles(idle, path, start_ts=now - 60 * DAY, period_interval=60).body
    traded = [c for c in found["candlesticks"] if c["volume"] != "0.00"]
    assert set(traded[0]["price"]) == {
        "open",
        "low",
        "high",
        "close",
        "mean",
        "previous",
    }


def test_there_are_no_forecasts(idle: Trader) -> None:
    event = idle.market(series="KXHIGHNY")["event_ticker"]
    path = f"/series/KXHIGHNY/events/{event}/forecast_percentile_history"
    answer = candles(idle, path, percentiles=5000, period_interval=60)
    assert answer.body == {"forecast_history": []}


# Series and events


def test_series_are_filtered(idle: Trader) -> None:
    crypto = idle.get("/series", category="Crypto")["series"]
    assert [s["ticker"] for s in crypto] == ["KXBTCD"]
    tagged = idle.get("/series", tags="Baseball,Tennis", include_product_metadata=True)
    assert {s["ticker"] for s in tagged["series"]} == {"KXMLBGAME", "KXATPMATCH"}
    assert "product_metadata" in tagged["series"][0]
    baseball = idle.get("/series/KXMLBGAME", include_volume=True)["series"]
    assert baseball["fee_multiplier"] == Decimal("0.5")
    assert Decimal(baseball["volume_fp"]) > 0


def test_every_fee_type_is_there(idle: Trader) -> None:
    kinds = {series["fee_type"] for series in idle.get("/series")["series"]}
    assert kinds == {
        "quadratic",
        "quadratic_with_maker_fees",
        "quadratic_with_combo_maker_fees",
    }


def test_fee_changes_are_announced_and_remembered(idle: Trader) -> None:
    [coming] = idle.get("/series/fee_changes")["series_fee_change_arr"]
    assert (coming["series_ticker"], coming["fee_multiplier"]) == ("KXHIGHNY", 2)
    both = idle.get("/series/fee_changes", show_historical=True)
    assert len(both["series_fee_change_arr"]) == 2
    overrides = idle.get("/events/fee_changes")["event_fee_changes"]
    assert [o["fee_type_override"] for o in overrides] == [
        "quadratic_with_maker_fees",
        None,
    ]


def test_an_event_override_wins_over_its_series(ada: Trader) -> None:
    [event] = ada.get("/events", series_ticker="KXFEDDECISION")["events"]
    assert event["fee_multiplier_override"] == Decimal("0.5")
    market = ada.market(series="KXFEDDECISION")
    ada.take(market, count="100", price=market["yes_ask_dollars"])
    [fill] = ada.get("/portfolio/fills")["fills"]
    price = Decimal(market["yes_ask_dollars"])
    exact = Decimal("0.07") * Decimal("0.5") * 100 * price * (1 - price)
    assert 0 <= Decimal(fill["fee_cost"]) - exact < Decimal("0.0002")


def test_a_scheduled_fee_change_takes_effect(idle: Trader) -> None:
    catalog = idle.kalshi.catalog
    event = idle.market(series="KXHIGHNY")["event_ticker"]
    now = round(idle.clock.now()) * 1_000_000
    assert catalog.terms(event, now).multiplier == 1
    assert catalog.terms(event, now + 31 * DAY * 1_000_000).multiplier == 2


def test_a_waived_market_costs_nothing(ada: Trader) -> None:
    market = ada.market(series="KXTOPALBUM")
    assert market["fee_waiver_expiration_time"] > market["open_time"]
    ada.take(market)
    assert ada.get("/portfolio/fills")["fills"][0]["fee_cost"] == "0.000000"


def test_events_fit_a_status_when_one_market_does(idle: Trader) -> None:
    for word in ("unopened", "open", "closed", "settled"):
        assert idle.get("/events", status=word)["events"] != []
    paused = idle.get("/events", status="open", series_ticker="KXBESTPICTURE")
    assert len(paused["events"]) == 1


def test_events_bring_markets_and_milestones(idle: Trader) -> None:
    page = idle.get(
        "/events",
        series_ticker="KXMLBGAME",
        with_nested_markets=True,
        with_milestones=True,
    )
    assert all("markets" in event for event in page["events"])
    assert len(page["milestones"]) == 4
    now = round(idle.clock.now())
    later = idle.get("/events", min_close_ts=now + 30 * DAY, min_updated_ts=1)["events"]
    assert 0 < len(later) < len(idle.get("/events")["events"])


def test_an_event_has_its_markets_inside_or_beside(idle: Trader) -> None:
    event = idle.market(series="KXMLBGAME")["event_ticker"]
    beside = idle.get(f"/events/{event}")
    inside = idle.get(f"/events/{event}", with_nested_markets=True)
    assert beside["markets"] == inside["event"]["markets"]
    metadata = idle.get(f"/events/{event}/metadata")
    assert metadata["competition_scope"] == "Game"
    assert len(metadata["market_details"]) == 2


# Combos


def legs(ada: Trader, count: int = 2) -> list[dict[str, str]]:
    [collection] = ada.get(COLLECTIONS)["multivariate_contracts"]
    found = []
    for event in collection["associated_event_tickers"]:
        [first, *_] = ada.get("/markets", event_ticker=event)["markets"]
        if first["status"] == "active":
            found.append(
                {
                    "market_ticker": first["ticker"],
                    "event_ticker": event,
                    "side": "yes",
                }
            )
    return found[:count]


def combine(ada: Trader, selected: list[dict[str, str]], **more: Any) -> Any:
    body = {"selected_markets": selected, **more}
    return ada.ask("POST", f"{COLLECTIONS}/KXMVESPORTS-R", body)


def test_p9_a_combo_is_made_once_and_trades(ada: Trader, bob: Trader) -> None:
    made = combine(ada, legs(ada), with_market_payload=True).body
    again = combine(ada, list(reversed(legs(ada)))).body
    assert made["market_ticker"] == again["market_ticker"]
    market = made["market"]
    assert market["exchange_index"] == 1
    assert market["price_level_structure"] == "center_deci_edge_centi_cent"
    assert len(market["mve_selected_legs"]) == 2
    bob.rest(market, side="ask", price="0.3000", count="4")
    assert ada.take(market, price="0.3000", count="4")["fill_count"] == "4.00"


def test_p9_combos_are_told_apart(ada: Trader) -> None:
    ticker = combine(ada, legs(ada)).body["market_ticker"]
    assert tickers(ada.get("/markets", mve_filter="only")) == {ticker}
    assert ticker not in tickers(ada.get("/markets", mve_filter="exclude", limit=1000))
    [event] = ada.get("/events/multivariate", with_nested_markets=True)["events"]
    assert event["markets"][0]["ticker"] == ticker
    by_collection = {"collection_ticker": "KXMVESPORTS-R"}
    assert len(ada.get("/events/multivariate", **by_collection)["events"]) == 1
    both = {**by_collection, "series_ticker": "KXMVESPORTS"}
    assert ada.ask("GET", "/events/multivariate", **both).status == 400
    events = {e["event_ticker"] for e in ada.get("/events")["events"]}
    assert event["event_ticker"] not in events


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda a, b: [a, a], "duplicated_legs"),
        (lambda a, b: [a, {**a, "side": "no"}], "conflicting_leg_outcomes"),
        (lambda a, b: [a], "invalid_market_combination"),
        (lambda a, b: [a, {**b, "side": "up"}], "invalid_market_combination"),
        (lambda a, b: [a, {**b, "market_ticker": "X"}], "invalid_market_combination"),
        (lambda a, b: [a, {"side": "yes"}], "invalid_parameters"),
    ],
)
def test_a_combination_that_cannot_be_is_refused(
    idle: Trader, change: Any, code: str
) -> None:
    answer = combine(idle, change(*legs(idle)))
    assert (answer.status, answer.code) == (400, code)


def test_a_combination_in_an_unknown_collection_is_refused(idle: Trader) -> None:
    body = {"selected_markets": legs(idle)}
    assert idle.ask("POST", f"{COLLECTIONS}/NONE", body).status == 400


def test_a_combo_waits_for_its_last_leg(ada: Trader) -> None:
    chosen = legs(ada)
    ticker = combine(ada, chosen).body["market_ticker"]
    ada.kalshi.engine.determine(chosen[0]["market_ticker"], Decimal(1))
    ada.get("/exchange/status")
    assert ada.get(f"/markets/{ticker}")["market"]["status"] == "active"


def test_a_result_given_by_hand_is_not_overruled(ada: Trader) -> None:
    market = ada.market(series="KXHIGHNY")
    ada.kalshi.engine.determine(market["ticker"], Decimal("0.5"))
    ada.clock.advance(3 * DAY)
    found = ada.get(f"/markets/{market['ticker']}")["market"]
    assert (found["result"], found["settlement_value_dollars"]) == ("scalar", "0.5000")


@pytest.mark.parametrize(("values", "value"), [((1, 1), "1.0000"), ((1, 0), "0.0000")])
def test_a_combo_pays_when_every_leg_wins(
    ada: Trader, values: tuple[int, int], value: str
) -> None:
    chosen = legs(ada)
    ticker = combine(ada, chosen).body["market_ticker"]
    for leg, worth in zip(chosen, values, strict=True):
        ada.kalshi.engine.determine(leg["market_ticker"], Decimal(worth))
    ada.get("/exchange/status")
    market = ada.get(f"/markets/{ticker}")["market"]
    assert market["settlement_value_dollars"] == value


def test_collections_are_filtered(idle: Trader) -> None:
    event = legs(idle)[0]["event_ticker"]
    for query, count in (
        ({"status": "open"}, 1),
        ({"status": "closed"}, 0),
        ({"associated_event_ticker": event}, 1),
        ({"associated_event_ticker": "NONE"}, 0),
        ({"series_ticker": "NONE"}, 0),
    ):
        found = idle.get(COLLECTIONS, **query)["multivariate_contracts"]
        assert len(found) == count
    one = idle.get(f"{COLLECTIONS}/KXMVESPORTS-R")["multivariate_contract"]
    assert one["size_min"] == 2


def test_a_collection_opens_and_closes(ada: Trader) -> None:
    collections = ada.kalshi.catalog.collections
    [(ticker, collection)] = collections.items()
    now = round(ada.clock.now()) * 1_000_000
    collections[ticker] = attrs.evolve(collection, open_us=now + 5)
    assert len(ada.get(COLLECTIONS, status="unopened")["multivariate_contracts"]) == 1
    collections[ticker] = attrs.evolve(collection, close_us=now)
    assert len(ada.get(COLLECTIONS, status="closed")["multivariate_contracts"]) == 1


def test_an_unopened_market_is_listed_later(ada: Trader) -> None:
    before = tickers(ada.get("/markets", limit=1000))
    ada.clock.advance(3 * DAY)
    ada.kalshi.advance()
    listed = {m.market_id for m in ada.kalshi.engine.markets()}
    assert before < listed


# Around the markets


def test_milestones_are_filtered(idle: Trader) -> None:
    everything = idle.get("/milestones", limit=500)["milestones"]
    one = everything[0]
    for name, value in (
        ("category", "Sports"),
        ("type", one["type"]),
        ("competition", one["details"]["competition"]),
        ("source_id", one["source_id"]),
        ("related_event_ticker", one["related_event_tickers"][0]),
        ("minimum_start_date", "2026-01-01T00:00:00Z"),
        ("min_updated_ts", 1),
    ):
        assert one in idle.get("/milestones", limit=500, **{name: value})["milestones"]
    assert idle.get("/milestones", limit=5, category="Chess")["milestones"] == []
    assert idle.get(f"/milestones/{one['id']}")["milestone"] == one


def test_structured_targets_are_filtered(idle: Trader) -> None:
    everything = idle.get("/structured_targets")["structured_targets"]
    one = everything[0]
    for query in ({"ids": one["id"]}, {"type": one["type"]}):
        found = idle.get("/structured_targets", **query)["structured_targets"]
        assert one in found
        assert len(found) < len(everything)
    path = f"/structured_targets/{one['id']}"
    assert idle.get(path)["structured_target"] == one


def test_incentives_are_filtered(idle: Trader) -> None:
    programs = {
        word: idle.get("/incentive_programs", status=word)["incentive_programs"]
        for word in ("all", "active", "upcoming", "closed", "paid_out")
    }
    assert [len(found) for found in programs.values()] == [4, 1, 1, 1, 1]
    volume = idle.get("/incentive_programs", type="volume")["incentive_programs"]
    assert {p["incentive_type"] for p in volume} == {"volume"}


def test_words_to_search_by(idle: Trader) -> None:
    tags = idle.get("/search/tags_by_categories")["tags_by_categories"]
    assert tags["Sports"] == ["Baseball", "Tennis", "Basketball"]
    sports = idle.get("/search/filters_by_sport")
    assert sports["sport_ordering"] == ["Baseball", "Tennis", "Basketball"]


def test_the_schedule_rests_on_thursday(idle: Trader) -> None:
    [week] = idle.get("/exchange/schedule")["schedule"]["standard_hours"]
    assert week["thursday"] == [
        {"open_time": "00:00", "close_time": "03:00"},
        {"open_time": "05:00", "close_time": "00:00"},
    ]
