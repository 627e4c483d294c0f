"""An order before it is sent: what is checked, and how Kalshi is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.kalshi.answers import read
from unified_exchanges.errors import ArgumentsRequired, InvalidOrder, MarketClosed
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import MarketStatus, OrderRequest, Side, TimeInForce
from unified_exchanges.money import complement
from unified_exchanges.settings import Settings
from unified_exchanges.venue.ticket import Ticket
from unified_exchanges.venues.kalshi.drafts import TICKETS, Draft
from unified_exchanges.venues.kalshi.memory import MarketRules
from unified_exchanges.venues.kalshi.venue import KalshiVenue

MARKET = read("market")
CENT = Decimal("0.01")


def rules(**fields: Any) -> MarketRules:
    told = {
        "market_id": "RAIN",
        "event_id": "RAIN-1",
        "grid": PriceGrid.of("0.01"),
        "lot": CENT,
        "minimum_size": CENT,
        "outcomes": MARKET.outcomes,
        "status": MarketStatus.OPEN,
        "shard": 0,
        "is_combination": False,
        "seen_at": 0.0,
        **fields,
    }
    return MarketRules(**told)


def ticket(**terms: Any) -> Ticket:
    wanted = {
        "market_id": "RAIN",
        "outcome": "yes",
        "side": "buy",
        "price": "0.30",
        "size": 10,
        **terms,
    }
    return TICKETS.read(OrderRequest(**wanted), rng=Random(7))


def venue(subaccount: int | None) -> KalshiVenue:
    options = {} if subaccount is None else {"subaccount": subaccount}
    return KalshiVenue(Settings(environment="demo", options=options))


def drafted(*, subaccount: int | None = None, **terms: Any) -> Draft:
    return venue(subaccount).drafted(ticket(**terms), rules(), None)


@pytest.mark.parametrize("word", ["buy", "BUY", "Buy", Side.BUY])
def test_a_side_is_read_in_any_case(word: Any) -> None:
    assert TICKETS.read_side(word) is Side.BUY


@pytest.mark.parametrize("word", ["", "hold", None, 1])
def test_another_side_is_refused(word: Any) -> None:
    with pytest.raises(InvalidOrder, match="neither 'buy' nor 'sell'"):
        TICKETS.read_side(word)


@pytest.mark.parametrize("word", ["ioc", "IOC", TimeInForce.IOC])
def test_a_time_in_force_is_read_in_any_case(word: Any) -> None:
    assert TICKETS.read_time_in_force(word) is TimeInForce.IOC


@pytest.mark.parametrize("word", ["day", "", None, 5])
def test_another_time_in_force_is_refused(word: Any) -> None:
    with pytest.raises(InvalidOrder, match="gtc, ioc, fok"):
        TICKETS.read_time_in_force(word)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"type": "stop"}, InvalidOrder),
        ({"type": None}, InvalidOrder),
        ({"price": None}, ArgumentsRequired),
        ({"max_slippage": "0.1"}, InvalidOrder),
        ({"type": "market", "price": None}, ArgumentsRequired),
        ({"type": "market", "max_slippage": "0.1"}, InvalidOrder),
        ({"type": "market", "time_in_force": "gtc"}, InvalidOrder),
        ({"post_only": True, "time_in_force": "fok"}, InvalidOrder),
        ({"post_only": 1}, InvalidOrder),
        ({"post_only": "no"}, InvalidOrder),
        ({"reduce_only": None}, InvalidOrder),
        ({"reduce_only": True}, InvalidOrder),
        ({"reduce_only": True, "time_in_force": "fok"}, InvalidOrder),
        (
            {"time_in_force": "ioc", "expires_at": datetime(2027, 1, 1, tzinfo=UTC)},
            InvalidOrder,
        ),
        ({"client_order_id": ""}, InvalidOrder),
        ({"client_order_id": "  "}, InvalidOrder),
        ({"client_order_id": "a\nb"}, InvalidOrder),
        ({"client_order_id": 7}, InvalidOrder),
    ],
    ids=str,
)
def test_fault_14_terms_that_make_no_sense_are_refused(
    terms: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ticket(**terms)


@pytest.mark.parametrize(
    ("type_", "word", "wanted"),
    [
        ("limit", None, "gtc"),
        ("limit", "fok", "fok"),
        ("market", None, "ioc"),
        ("market", "fok", "fok"),
    ],
)
def test_a_time_in_force_has_a_default(
    type_: str, word: str | None, wanted: str
) -> None:
    assert ticket(type=type_, time_in_force=word).time_in_force == wanted


def test_an_expiry_is_whole_seconds_in_utc() -> None:
    there = timezone(timedelta(hours=-5))
    moment = datetime(2026, 12, 24, 12, tzinfo=there)
    assert TICKETS.read_expiry(moment) == int(moment.timestamp())
    between = moment.replace(microsecond=500_000)
    with pytest.raises(InvalidOrder) as caught:
        TICKETS.read_expiry(between)
    assert str(caught.value) == (
        f"kalshi: expires_at {between} is no whole second, such as "
        "2026-12-24 17:00:00+00:00"
    )


@given(st.integers(0, 2**128 - 1))
def test_an_id_of_our_own_is_a_random_uuid(bits: int) -> None:
    class Fixed(Random):
        def getrandbits(self, _: int) -> int:
            return bits

    request = OrderRequest(
        market_id="RAIN", outcome="yes", side="buy", price="0.3", size=1
    )
    key = TICKETS.read(request, rng=Fixed()).client_order_id
    assert str(UUID(key)) == key
    assert UUID(key).version == 4


def test_ids_are_drawn_from_the_generator_given() -> None:
    assert ticket().client_order_id == ticket().client_order_id


# -- against a market ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["no", "NO", "No", "RAIN:no"])
def test_an_outcome_is_found_by_label_or_id_in_any_case(name: str) -> None:
    outcomes = MARKET.outcomes
    wanted = outcomes[1].outcome_id if ":" in name else name
    assert drafted(outcome=wanted).outcome == "no"


def test_an_outcome_that_the_market_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(InvalidOrder, match="it has: yes, no"):
        drafted(outcome="maybe")


@pytest.mark.parametrize(
    "status", [x for x in MarketStatus if x is not MarketStatus.OPEN]
)
def test_a_market_that_does_not_trade_is_refused(status: MarketStatus) -> None:
    with pytest.raises(MarketClosed, match=str(status)):
        venue(None).drafted(ticket(), rules(status=status), None)


@given(st.integers(1, 99), st.sampled_from(["buy", "sell"]))
def test_p07_an_order_for_no_is_the_complement_of_one_for_yes(
    cents: int, side: str
) -> None:
    price = Decimal(cents) / 100
    mine = drafted(outcome="no", side=side, price=price)
    other = "sell" if side == "buy" else "buy"
    same = drafted(outcome="yes", side=other, price=complement(price))
    assert mine.body() == same.body()
    assert mine.collateral == same.collateral


@pytest.mark.parametrize(
    ("outcome", "side", "wanted"),
    [
        ("yes", "buy", "3.00"),
        ("yes", "sell", "7.00"),
        ("no", "buy", "3.00"),
        ("no", "sell", "7.00"),
    ],
)
def test_an_order_costs_its_price_or_a_dollar_less_it(
    outcome: str, side: str, wanted: str
) -> None:
    assert drafted(outcome=outcome, side=side).collateral == Decimal(wanted)


def test_every_flag_is_sent() -> None:
    moment = datetime(2026, 12, 24, tzinfo=UTC)
    body = drafted(
        post_only=True, expires_at=moment, params={"order_group_id": "g1"}
    ).body()
    assert (body["post_only"], body["expiration_time"]) == (
        True,
        int(moment.timestamp()),
    )
    assert body["order_group_id"] == "g1"
    ioc = drafted(reduce_only=True, time_in_force="ioc").body()
    assert ioc["reduce_only"] is True


@pytest.mark.parametrize(
    ("default", "params", "wanted"),
    [
        (None, None, None),
        (4, None, 4),
        (4, {"subaccount": 0}, 0),
        (None, {"subaccount": 9}, 9),
    ],
)
def test_a_subaccount_is_the_order_s_or_the_object_s(
    default: int | None, params: Any, wanted: int | None
) -> None:
    made = drafted(subaccount=default, params=params)
    assert made.subaccount == wanted
    assert made.body().get("subaccount") == wanted


@pytest.mark.parametrize(
    ("params", "wanted"),
    [(None, 0), ({"exchange_index": 2}, 2), ({"exchange_index": -1}, None)],
)
def test_a_shard_is_the_market_s_unless_one_is_named(
    params: Any, wanted: int | None
) -> None:
    assert drafted(params=params).shard == wanted


def test_a_draft_reads_as_what_is_asked() -> None:
    assert str(drafted()) == "buy 10 yes of RAIN at 0.3"
    assert str(ticket()) == "buy order on RAIN"
