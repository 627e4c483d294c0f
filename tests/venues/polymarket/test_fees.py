"""Fees by the schedules that markets are told with."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.desk import catalog, condition, desk, market, terms
from unified_exchanges import (
    ArgumentsRequired,
    BadRequest,
    InvalidPrice,
    InvalidSize,
    MarketNotFound,
    NotSupported,
)
from unified_exchanges.venues.polymarket import parse
from unified_exchanges.venues.polymarket.fees import fee_of
from unified_exchanges.venues.polymarket.parse import FeeTerms

D = Decimal
LISTING = "/gamma/markets/keyset"


def schedule(rate: Any, exponent: Any = 1, **fields: Any) -> dict[str, Any]:
    return {
        "feeSchedule": {"rate": rate, "exponent": exponent, "takerOnly": True, **fields}
    }


def fee(price: str, size: Any, *, maker: bool = False, **fields: Any) -> Decimal:
    told = desk(answers={LISTING: catalog(market(1, **fields))})
    found: Decimal = told(
        "estimate_fee", condition(1), "yes", "buy", price, size, maker=maker
    )
    return found


@pytest.mark.parametrize(
    ("price", "size", "rate", "expected"),
    [
        ("0.5", 100, 0.07, "1.75"),  # the vendor's own example
        ("0.5", 100, 0.05, "1.25"),
        ("0.01", 100, 0.05, "0.0495"),
        ("0.99", 100, 0.05, "0.0495"),
        ("0.33", "20.01", 0.04, "0.17697"),  # 0.1769684…
        ("0.01", "0.01", 0.05, "0"),  # 0.00000495 is nothing
        ("0.01", "0.02", 0.05, "0"),  # 0.0000099 is less than the least
        ("0.01", "0.03", 0.05, "0.00001"),  # 0.00001485
    ],
)
def test_a_fee_is_exact_to_five_digits(
    price: str, size: Any, rate: float, expected: str
) -> None:
    assert fee(price, size, **schedule(rate)) == D(expected)


def test_both_outcomes_and_sides_pay_alike(flavour: str) -> None:
    told = desk(flavour, {LISTING: catalog(market(1))})
    fees = {
        told("estimate_fee", condition(1), outcome, side, price, 10)
        for outcome, price in (("yes", "0.3"), ("no", "0.7"))
        for side in ("buy", "sell")
    }
    assert fees == {D("0.105")}


@pytest.mark.parametrize(
    ("price", "rate", "expected"),
    [
        ("0.01", 0.05, "0.00001"),  # 0.00000495: nothing for one, and not for two
        ("0.5", 0.07, "0.00018"),  # 0.000175
        ("0.5", 0.04, "0.0001"),  # exactly
        ("0.5", 0, "0"),
    ],
)
def test_a_lot_adds_its_fee_rounded_up(price: str, rate: float, expected: str) -> None:
    told = desk(answers={LISTING: catalog(market(1, **schedule(rate)))})
    rule = told("fetch_fee_rule", condition(1))
    assert rule.lot_fee("yes", "buy", D(price), D("0.01")) == D(expected)


def test_a_lot_adds_no_fee_where_there_is_none() -> None:
    free = market(1, feesEnabled=False, feeSchedule=None)
    rule = desk(answers={LISTING: catalog(free)})("fetch_fee_rule", condition(1))
    assert rule.lot_fee("yes", "buy", D("0.5"), D("0.01")) == 0


def test_makers_pay_nothing() -> None:
    assert fee("0.5", 100, maker=True) == 0


def test_a_market_without_fees_charges_nothing() -> None:
    assert fee("0.5", 100, feesEnabled=False, feeSchedule=None) == 0
    assert fee("0.5", 100, **schedule(0)) == 0


def test_a_schedule_that_gamma_does_not_tell_is_the_clob_s(flavour: str) -> None:
    answers = {
        LISTING: catalog(market(1, feeSchedule=None)),
        f"/clob/clob-markets/{condition(1)}": terms(
            1, fd={"r": 0.07, "e": 1, "to": True}
        ),
    }
    told = desk(flavour, answers)
    assert told("estimate_fee", condition(1), "yes", "buy", "0.5", 100) == D("1.75")


def test_a_market_whose_fees_are_not_enabled_charges_nothing_whatever_its_schedule(
    flavour: str,
) -> None:
    row = market(1, feesEnabled=False, **schedule(0.05))
    told = desk(flavour, {LISTING: catalog(row)})
    assert told("estimate_fee", condition(1), "yes", "buy", "0.5", 100) == 0
    assert told("fetch_fee_rule", condition(1)).terms is None


@pytest.mark.parametrize(
    "told",
    [
        {"rate": None, "exponent": None, "takerOnly": None},
        {"rate": 0.05, "exponent": None},
        {"exponent": 1},
        {},
    ],
)
def test_a_schedule_of_nulls_is_the_clob_s(flavour: str, told: dict[str, Any]) -> None:
    answers = {
        LISTING: catalog(market(1, feeSchedule=told)),
        f"/clob/clob-markets/{condition(1)}": terms(1, fd={"r": 0.07, "e": 1}),
    }
    asked = desk(flavour, answers)
    assert len(asked("fetch_markets")) == 1
    assert asked("estimate_fee", condition(1), "yes", "buy", "0.5", 100) == D("1.75")


@pytest.mark.parametrize(
    ("fd", "expected"),
    [
        ({"e": 1, "to": True}, "0"),
        ({"r": None, "e": None, "to": None}, "0"),
        ({}, "0"),
        (None, "0"),
        ({"r": 0.01, "to": True}, "1"),  # p × (1 − p) to the power of 0 is 1
        ({"r": 0.07, "e": 1}, "1.75"),
    ],
)
def test_what_the_clob_leaves_out_of_its_schedule_is_nought(
    fd: dict[str, Any] | None, expected: str
) -> None:
    body = json.dumps(terms(1, fd=fd)).encode()
    found = parse.terms(body, condition(1)).fees
    assert fee_of(found, D("0.5"), D(100), maker=False) == D(expected)
    assert fee_of(found, D("0.5"), D(100), maker=True) == 0


def test_another_exponent_is_a_power() -> None:
    assert fee("0.5", 100, **schedule(0.25, 2)) == D("1.5625")
    assert fee("0.5", 100, **schedule(0.01, 0)) == D("1")


@pytest.mark.parametrize(
    ("price", "exponent", "expected"),
    [
        ("0.5", 0.5, "2.5"),  # the root of 0.25
        ("0.2", 1.5, "0.32"),  # 0.4 ^ 3
        ("0.1", 0.25, "2.73861"),  # 2.738612787…
    ],
)
def test_an_exponent_need_not_be_whole(
    price: str, exponent: float, expected: str
) -> None:
    assert fee(price, 100, **schedule(0.05, exponent)) == D(expected)


def test_fine_prices_and_great_exponents_are_exact_too() -> None:
    # The eighth power of eight digits has more than sixty.
    terms = FeeTerms(D("0.07"), D(8))
    paid = fee_of(terms, D("0.4999"), D("12345678.91"), maker=False)
    assert paid == D("13.18660")


@pytest.mark.parametrize("exponent", [-0.5, -1, 8.5, 9])
def test_an_arithmetic_that_nobody_published_is_refused(exponent: float) -> None:
    with pytest.raises(NotSupported, match="exponent"):
        fee("0.5", 100, **schedule(0.05, exponent))


def test_what_makers_pay_if_they_do_is_not_published() -> None:
    with pytest.raises(NotSupported, match="makers"):
        fee("0.5", 100, maker=True, **schedule(0.05, takerOnly=False))


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ((None, "buy", "0.5", 10), ArgumentsRequired),
        (("maybe", "buy", "0.5", 10), BadRequest),
        (("yes", "hold", "0.5", 10), BadRequest),
        (("yes", "buy", "0.555", 10), InvalidPrice),
        (("yes", "buy", "1.5", 10), InvalidPrice),
        (("yes", "buy", "0.5", "0.001"), InvalidSize),
    ],
)
def test_what_the_market_would_not_take_has_no_fee(
    args: tuple[Any, ...], kind: type[BadRequest]
) -> None:
    told = desk(answers={LISTING: catalog(market(1))})
    with pytest.raises(kind) as caught:
        told("estimate_fee", condition(1), *args)
    assert caught.value.venue == "polymarket"


def test_a_rule_can_be_asked_without_a_request(flavour: str) -> None:
    told = desk(flavour, {LISTING: catalog(market(1))})
    rule = told("fetch_fee_rule", condition(1))
    asked = list(told.asked)
    assert rule.fee("yes", "buy", D("0.5"), D(100)) == D("1.25")
    assert rule.fee("no", "sell", D("0.5"), D(100), maker=True) == 0
    assert told.asked == asked


def test_a_rule_is_believed_for_five_minutes(flavour: str) -> None:
    told = desk(flavour, {LISTING: catalog(market(1))})
    for seconds in (0, 299, 2):
        told.clock.advance(seconds)
        told("fetch_fee_rule", condition(1))
    assert told.asked == [f"GET {LISTING}"] * 2


def test_no_more_than_so_many_rules_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unified_exchanges.venues.polymarket.tariffs._MOST", 2)
    told = desk(answers={LISTING: catalog(*map(market, range(1, 4)))})
    for number in (1, 2, 3, 3, 1):
        told("fetch_fee_rule", condition(number))
    assert len(told.asked) == 4


def test_a_market_that_is_nowhere_has_no_rule(flavour: str) -> None:
    with pytest.raises(MarketNotFound):
        desk(flavour, {LISTING: catalog()})("fetch_fee_rule", condition(1))
