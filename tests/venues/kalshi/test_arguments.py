"""Words that nothing would read are refused, and every argument is read when it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unified_exchanges.errors import BadRequest
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.venues.kalshi import Kalshi
from unified_exchanges.venues.kalshi.arguments import read_params

from .desk import desk, simulated_desk

READS: dict[str, Callable[[Kalshi, Any], object]] = {
    "markets": lambda kalshi, words: kalshi.fetch_markets(params=words),
    "events": lambda kalshi, words: kalshi.fetch_events(params=words),
    "trades": lambda kalshi, words: kalshi.fetch_trades(params=words),
    "orders": lambda kalshi, words: kalshi.fetch_orders(params=words),
    "open orders": lambda kalshi, words: kalshi.fetch_open_orders(params=words),
    "closed orders": lambda kalshi, words: kalshi.fetch_closed_orders(params=words),
    "fills": lambda kalshi, words: kalshi.fetch_fills(params=words),
    "settlements": lambda kalshi, words: kalshi.fetch_settlements(params=words),
    "positions": lambda kalshi, words: kalshi.fetch_positions(params=words),
    "balance": lambda kalshi, words: kalshi.fetch_balance(params=words),
}

LISTINGS: dict[str, Callable[[Kalshi], object]] = {
    "markets": lambda kalshi: kalshi.iter_markets(limit=0),
    "events": lambda kalshi: kalshi.iter_events(limit=0),
    "trades": lambda kalshi: kalshi.iter_trades(limit=0),
    "orders": lambda kalshi: kalshi.iter_orders(limit=0),
    "fills": lambda kalshi: kalshi.iter_fills(limit=0),
}


@pytest.mark.parametrize("name", READS)
def test_a_word_that_kalshi_would_ignore_is_refused(name: str) -> None:
    at = desk()
    with pytest.raises(BadRequest, match="'sttus' is not known here; known: "):
        READS[name](at.kalshi, {"sttus": "open"})
    assert at.asked == []


@pytest.mark.parametrize("name", READS)
def test_params_that_are_no_mapping_are_refused(name: str) -> None:
    at = desk()
    with pytest.raises(BadRequest, match="mapping"):
        READS[name](at.kalshi, ["subaccount"])
    assert at.asked == []


@pytest.mark.parametrize("value", [1.0, [1], None, "1", True])
def test_a_value_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(BadRequest, match=r"subaccount=.* must be int"):
        read_params({"subaccount": value}, (), {"subaccount": int})


def test_the_closest_word_is_named() -> None:
    with pytest.raises(BadRequest, match="Did you mean subaccount") as caught:
        read_params({"subacount": 1}, ("limit",), {"subaccount": int, "other": str})
    assert "known: other, subaccount." in str(caught.value)
    assert "request()" in str(caught.value)


def test_known_words_come_back_as_they_were_given() -> None:
    given = {"subaccount": 3, "is_block_trade": True}
    assert read_params(given, (), {"subaccount": int, "is_block_trade": bool}) == given


def test_an_option_that_nothing_reads_is_refused() -> None:
    with pytest.raises(BadRequest, match="Did you mean subaccount"):
        desk(options={"subacount": 1})


@pytest.mark.parametrize("value", ["false", 0, None])
def test_keep_raw_is_true_or_false(value: Any) -> None:
    with pytest.raises(BadRequest, match="keep_raw"):
        desk(options={"keep_raw": value})


@pytest.mark.parametrize("name", ["reads", "write:", "write:x", "read:1"])
def test_a_bucket_that_nothing_takes_from_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match="known: read, write"):
        desk(limits=LimitPolicy(buckets={name: (1.0, 1.0)}))


@pytest.mark.parametrize("name", ["read", "write", "write:2"])
def test_the_buckets_of_kalshi_may_be_set(name: str) -> None:
    at = desk(limits=LimitPolicy(buckets={name: (1.0, 7.0)}, discover=False))
    assert at.kalshi.venue.settings.limits.buckets == {name: (1.0, 7.0)}


@pytest.mark.parametrize("name", LISTINGS)
def test_a_lazy_listing_refuses_bad_arguments_when_it_is_made(name: str) -> None:
    with pytest.raises(BadRequest, match="limit 0"):
        LISTINGS[name](desk().kalshi)


def test_a_raw_path_that_repeats_the_address_is_refused() -> None:
    at = desk()
    with pytest.raises(BadRequest, match="without that address"):
        at.kalshi.request("GET", "/trade-api/v2/markets")
    assert at.asked == []


# -- ids -------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Kalshi, Any], object]] = {
    "market": lambda kalshi, given: kalshi.fetch_market(given),
    "ticker": lambda kalshi, given: kalshi.fetch_ticker(given),
    "book": lambda kalshi, given: kalshi.fetch_order_book(given),
    "trades": lambda kalshi, given: kalshi.fetch_trades(given),
    "candles": lambda kalshi, given: kalshi.fetch_ohlcv(given, "1h"),
    "orders": lambda kalshi, given: kalshi.fetch_orders(market_id=given),
    "fills": lambda kalshi, given: kalshi.fetch_fills(market_id=given),
    "positions": lambda kalshi, given: kalshi.fetch_positions(market_id=given),
    "settlements": lambda kalshi, given: kalshi.fetch_settlements(market_id=given),
    "create": lambda kalshi, given: kalshi.create_order(given, "yes", "buy", "0.5", 1),
}
MANY: dict[str, Callable[[Kalshi, Any], Any]] = {
    "markets": lambda kalshi, given: kalshi.fetch_markets(market_ids=given),
    "tickers": lambda kalshi, given: kalshi.fetch_tickers(given),
    "books": lambda kalshi, given: kalshi.fetch_order_books(given),
}


@pytest.fixture(scope="module")
def two() -> list[Any]:
    return list(simulated_desk().kalshi.fetch_markets(limit=2))


@pytest.mark.parametrize("name", CALLS)
def test_c2_a_market_in_place_of_an_id_is_refused_naming_the_id(
    name: str, two: list[Any]
) -> None:
    at = desk()
    with pytest.raises(
        BadRequest, match=r"takes ids, not a Market: pass its \.market_id"
    ):
        CALLS[name](at.kalshi, two[0])
    assert at.asked == []


@pytest.mark.parametrize("name", MANY)
def test_c2_markets_in_place_of_ids_are_refused_naming_the_id(
    name: str, two: list[Any]
) -> None:
    at = desk()
    for given in (two[0], two, iter(two)):
        with pytest.raises(BadRequest, match=r"not a Market: pass its \.market_id"):
            MANY[name](at.kalshi, given)
    assert at.asked == []


@pytest.mark.parametrize("name", MANY)
def test_c3_ids_are_read_in_their_order_and_of_a_set_by_name(
    name: str, two: list[Any]
) -> None:
    kalshi = simulated_desk().kalshi
    ids = sorted((x.market_id for x in two), reverse=True)

    def told(given: Any) -> list[str]:
        found = MANY[name](kalshi, given)
        return list(found) if isinstance(found, dict) else [x.market_id for x in found]

    assert told(x for x in ids) == ids
    assert told(tuple(ids)) == ids
    assert told(set(ids)) == told(frozenset(ids)) == sorted(ids)


@pytest.mark.parametrize("given", [7, None, "KX-1"])
def test_c3_what_is_no_list_of_ids_is_refused(given: Any) -> None:
    with pytest.raises(BadRequest, match="market_ids is a list of ids, not "):
        desk().kalshi.fetch_order_books(given)
