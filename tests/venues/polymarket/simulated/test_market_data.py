"""The CLOB's public data: books of both tokens, prices, what a market is."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.recorded import read_example
from unified_exchanges.money import complement
from unified_exchanges.venues.polymarket.simulated.quotes import book_hash

from .trader import Trader

UNKNOWN = "12345"


def token(museum: Trader, index: int = 0) -> str:
    return museum.market().tokens[index]


def post(museum: Trader, path: str, body: Any) -> Any:
    answer = museum.ask("POST", path, body, headers={})
    assert answer.status == 200, answer
    return answer.body


def test_the_best_price_of_a_book_is_the_last(museum: Trader) -> None:
    book = museum.read("/clob/book", token_id=token(museum))
    bids = [Decimal(row["price"]) for row in book["bids"]]
    asks = [Decimal(row["price"]) for row in book["asks"]]
    assert bids == sorted(bids)
    assert asks == sorted(asks, reverse=True)
    assert (book["min_order_size"], book["tick_size"]) == ("5", "0.01")


def test_both_books_mirror_each_other(museum: Trader) -> None:
    yes, no = (museum.read("/clob/book", token_id=token(museum, n)) for n in (0, 1))
    mirrored = [(complement(Decimal(row["price"])), row["size"]) for row in yes["bids"]]
    assert [(Decimal(row["price"]), row["size"]) for row in no["asks"]] == mirrored


def test_the_hash_of_a_book_is_the_documented_one() -> None:
    vector = read_example("signing_vectors.json", "polymarket")["book_hash"]
    assert book_hash(vector["input"]) == vector["sha1"]


def test_prices_come_one_and_many(museum: Trader) -> None:
    yes, no = token(museum), token(museum, 1)
    asked = [
        {"token_id": t, "side": s} for t in (yes, no, UNKNOWN) for s in ("BUY", "SELL")
    ]
    prices = post(museum, "/prices", asked)
    assert prices == {
        yes: {"BUY": Decimal("0.56"), "SELL": Decimal("0.55")},
        no: {"BUY": Decimal("0.45"), "SELL": Decimal("0.44")},
    }
    assert museum.read("/clob/price", token_id=yes, side="sell") == {"price": "0.55"}
    assert museum.read("/clob/midpoint", token_id=no) == {"mid": "0.445"}
    assert post(museum, "/midpoints", asked) == {yes: "0.555", no: "0.445"}
    assert museum.read("/clob/spread", token_id=no) == {"spread": "0.01"}
    assert post(museum, "/spreads", asked) == {yes: "0.01", no: "0.01"}
    last = museum.read("/clob/last-trade-price", token_id=yes)
    other = museum.read("/clob/last-trade-price", token_id=no)
    assert Decimal(other["price"]) == complement(Decimal(last["price"]))
    assert {last["side"], other["side"]} == {"BUY", "SELL"}
    rows = post(museum, "/last-trades-prices", asked)
    assert rows[0] == {"token_id": yes, **last}
    books = post(museum, "/books", asked)
    assert books[0] == museum.read("/clob/book", token_id=yes)


def test_an_empty_book_has_no_middle(museum: Trader) -> None:
    closed = museum.market("will-the-be-sharps-be-number-one").tokens[0]
    asked = [{"token_id": closed, "side": "BUY"}]
    for path, error in (
        ("/midpoint", "error getting the mid price"),
        ("/spread", "error getting the spread"),
    ):
        answer = museum.ask("GET", path, headers={}, token_id=closed)
        assert (answer.status, answer.error) == (404, error)
    for path in ("/prices", "/midpoints", "/spreads"):
        assert post(museum, path, asked) == {}
    assert museum.read("/clob/price", token_id=closed, side="BUY") == {"price": "0"}
    assert museum.read("/clob/last-trade-price", token_id=closed) == {
        "price": "0.5",
        "side": "",
    }
    assert post(museum, "/last-trades-prices", asked) == []
    assert museum.read("/clob/book", token_id=closed)["last_trade_price"] == ""


@pytest.mark.parametrize(
    ("path", "query", "status", "error"),
    [
        ("/book", {"token_id": "x"}, 400, "Invalid token id"),
        ("/book", {}, 400, "Invalid token id"),
        (
            "/book",
            {"token_id": UNKNOWN},
            404,
            "No orderbook exists for the requested token id",
        ),
        ("/tick-size", {"token_id": UNKNOWN}, 404, "market not found"),
        ("/clob-markets/0x1", {}, 404, "market not found"),
        ("/markets/0x1", {}, 404, "market not found"),
    ],
)
def test_what_is_unknown_is_refused(museum: Trader, path, query, status, error) -> None:
    answer = museum.ask("GET", path, headers={}, **query)
    assert (answer.status, answer.error) == (status, error)


def test_a_resolved_market_has_no_book(museum: Trader) -> None:
    gone = museum.market("nba-chi-bos").tokens[0]
    assert museum.ask("GET", "/book", headers={}, token_id=gone).status == 404
    assert post(museum, "/books", [{"token_id": gone}]) == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "Invalid payload"),
        ([1], "Invalid payload"),
        ([{"token_id": "1"}] * 501, "Payload exceeds the limit"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused(museum: Trader, body, error) -> None:
    answer = museum.ask("POST", "/books", body, headers={})
    assert (answer.status, answer.error) == (400, error)


def test_a_side_is_one_of_two(museum: Trader) -> None:
    answer = museum.ask("GET", "/price", headers={}, token_id=token(museum), side="UP")
    assert (answer.status, answer.error) == (400, "Invalid side")


def test_a_market_is_told_in_short(museum: Trader) -> None:
    listed = museum.market("nba-gsw-lal")
    told = museum.read(f"/clob/clob-markets/{listed.condition_id}")
    assert [row["o"] for row in told["t"]] == ["Warriors", "Lakers"]
    assert (told["mos"], told["mts"], told["sd"]) == (5, Decimal("0.01"), 3)
    assert told["fd"] == {"r": Decimal("0.05"), "e": 1, "to": True}
    assert "nr" not in told
    assert "itode" not in told
    crypto = museum.market("ethereum-up-or-down-quarter")
    told = museum.read(f"/clob/clob-markets/{crypto.condition_id}")
    assert (told["itode"], "gst" in told) == (True, False)
    free = museum.market("ceasefire-in-freedonia-by-the-end-of-the-year")
    assert "fd" not in museum.read(f"/clob/clob-markets/{free.condition_id}")


def test_a_market_is_told_at_length(museum: Trader) -> None:
    listed = museum.market("will-globex-be-the-largest-company")
    told = museum.read(f"/clob/markets/{listed.condition_id}")
    assert [(row["outcome"], row["winner"]) for row in told["tokens"]] == [
        ("Yes", True),
        ("No", False),
    ]
    assert (told["closed"], told["enable_order_book"]) == (True, False)
    even = museum.market("nba-chi-bos")
    told = museum.read(f"/clob/markets/{even.condition_id}")
    assert told["is_50_50_outcome"]
    game = museum.market("nba-gsw-lal")
    assert museum.read(f"/clob/markets/{game.condition_id}")["game_start_time"]


def test_a_market_is_found_by_either_token(museum: Trader) -> None:
    listed = museum.market()
    for name in listed.tokens:
        assert museum.read(f"/clob/markets-by-token/{name}") == {
            "condition_id": listed.condition_id,
            "primary_token_id": listed.tokens[0],
            "secondary_token_id": listed.tokens[1],
        }


def test_what_a_signer_needs_is_told(museum: Trader) -> None:
    yes = token(museum)
    mayor = museum.market("will-ada-quimby-be-the-next-mayor-of-springfield")
    free = museum.market("ceasefire-in-freedonia-by-the-end-of-the-year")
    read = museum.read
    assert read("/clob/tick-size", token_id=yes) == {
        "minimum_tick_size": Decimal("0.01")
    }
    assert read(f"/clob/tick-size/{yes}") == read("/clob/tick-size", token_id=yes)
    assert read(f"/clob/neg-risk/{yes}") == {"neg_risk": False}
    assert read("/clob/neg-risk", token_id=mayor.tokens[1]) == {"neg_risk": True}
    assert read("/clob/fee-rate", token_id=yes) == {"base_fee": 1000}
    assert read(f"/clob/fee-rate/{free.tokens[0]}") == {"base_fee": 0}
    assert read("/clob/fees/builder-fees/0x1") == {
        "builder_maker_fee_rate_bps": 0,
        "builder_taker_fee_rate_bps": 0,
    }


def test_markets_are_listed_long_and_short(museum: Trader) -> None:
    everything = museum.read("/clob/markets")
    assert (everything["count"], everything["next_cursor"]) == (18, "LTE=")
    assert museum.read("/clob/sampling-markets")["count"] == 15
    assert museum.read("/clob/simplified-markets")["count"] == 18
    short = museum.read("/clob/sampling-simplified-markets")["data"][0]
    assert set(short) == {
        "condition_id",
        "rewards",
        "tokens",
        "active",
        "closed",
        "archived",
        "accepting_orders",
    }
    assert museum.read("/clob/markets", next_cursor="LTE=")["data"] == []
    second = museum.read("/clob/markets", next_cursor="MTc=")
    assert second["data"] == everything["data"][17:]
    answer = museum.ask("GET", "/markets", headers={}, next_cursor="?")
    assert answer.error == "Invalid next_cursor"


def test_the_venue_lives(museum: Trader) -> None:
    assert museum.read("/clob/time") == 1_795_200_000
    assert museum.read("/clob/ok") == museum.read("/clob/") == "OK"
    assert museum.read("/clob/version") == {"version": 2}


def test_the_past_of_a_price_is_told_in_steps(museum: Trader) -> None:
    yes, no = token(museum), token(museum, 1)
    week = museum.read("/clob/prices-history", market=yes, interval="1w", fidelity=720)[
        "history"
    ]
    assert 8 <= len(week) <= 14
    assert {later["t"] - row["t"] for row, later in pairwise(week)} == {720 * 60}
    other = museum.read("/clob/prices-history", market=no, interval="1w", fidelity=720)[
        "history"
    ]
    assert [complement(row["p"]) for row in other] == [row["p"] for row in week]
    batch = post(
        museum,
        "/batch-prices-history",
        {"markets": [yes], "interval": "1w", "fidelity": 720},
    )
    assert batch == {"history": {yes: week}}
    window = museum.read(
        "/clob/prices-history",
        market=yes,
        startTs=week[0]["t"],
        endTs=week[1]["t"],
        fidelity=720,
    )["history"]
    assert window == week[:2]
    assert museum.read(
        "/clob/prices-history", market=yes, startTs=week[-1]["t"], fidelity=720
    )["history"] == [week[-1]]


@pytest.mark.parametrize(
    "query",
    [
        {"interval": "2w"},
        {"interval": "1m", "fidelity": "1"},
        {},
        {"startTs": "1", "endTs": "99999999"},
    ],
)
def test_a_past_that_cannot_be_told_is_refused(museum: Trader, query) -> None:
    answer = museum.ask(
        "GET", "/prices-history", headers={}, market=token(museum), **query
    )
    assert answer.status == 400


def test_a_batch_of_pasts_has_at_most_twenty(museum: Trader) -> None:
    for body in ([], {"markets": []}, {"markets": ["1"] * 21}):
        answer = museum.ask("POST", "/batch-prices-history", body, headers={})
        assert answer.status == 400
