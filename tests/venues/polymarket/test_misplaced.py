"""A private key where something else belongs: refused before anything, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import told_by
from tests.venues.polymarket.keys import (
    API_KEY,
    API_SECRET,
    FUNDER,
    PASSPHRASE,
    SECRET_KEY,
)
from unified_exchanges import BadRequest, exchange
from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.venues.polymarket import AsyncPolymarket, Polymarket

TRIPLE = {"api_key": API_KEY, "secret": API_SECRET, "password": PASSPHRASE}
KEY = SECRET_KEY
DIGITS = SECRET_KEY[2:]
OTHER = "0x" + "9" * 64

PLACES: list[dict[str, Any]] = [
    {"api_key": KEY},
    {"api_key": DIGITS.upper()},
    {"secret": DIGITS},
    {"password": KEY},
    {"password": DIGITS},
    {"api_key": OTHER},
    {"secret": OTHER},
    {"password": OTHER},
    {"environment": KEY},
    {"environment": DIGITS},
    {"options": {"funder": KEY}},
    {"options": {"wallet": KEY}},
    {"options": {"signature_type": DIGITS}},
    {"options": {"signature_type": int(DIGITS, 16)}},
    {"options": {"signing": KEY}},
    {"options": {"builder": KEY}},
    {"options": {"private_key": KEY}},
    {"options": {"chain_id": KEY}},
    {"options": {KEY: 1}},
    {"environ": {"POLYMARKET_API_KEY": KEY}},
    {"environ": {"POLYMARKET_API_SECRET": KEY}},
    {"environ": {"POLYMARKET_API_PASSPHRASE": DIGITS}},
    {"environ": {"POLYMARKET_FUNDER": KEY}},
    {"environ": {"POLYMARKET_SIGNATURE_TYPE": DIGITS}},
]


@pytest.fixture(params=[Polymarket, AsyncPolymarket])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("place", PLACES)
def test_a_private_key_in_another_place_is_refused_and_not_shown(
    kind: Any, place: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"private_key": KEY, **TRIPLE, **place}
    for name, value in given.pop("environ", {}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadRequest, match="looks like a private key") as caught:
        kind(**given)
    told = told_by(caught.value)
    assert DIGITS.lower() not in told.lower()
    assert OTHER[2:] not in told
    assert str(int(DIGITS, 16)) not in told


@pytest.mark.parametrize("place", PLACES[:1])
def test_one_is_refused_without_any_in_its_own_place(
    kind: Any, place: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest, match="belongs in private_key="):
        kind(**{**TRIPLE, **place})


def test_what_has_its_form_and_belongs_there_is_taken(kind: Any) -> None:
    # A passphrase is 64 digits, a builder's code 0x and 64.
    given = {**TRIPLE, "password": "ab" * 32}
    made = kind(
        private_key=KEY,
        options={"builder": "0x" + "cd" * 32},
        **given,
    )
    assert made.venue.credentials.builder == "0x" + "cd" * 32


@pytest.mark.parametrize("name", ["signature_type", "signing", "funder", "wallet"])
def test_a_long_value_of_an_option_is_not_shown(kind: Any, name: str) -> None:
    phrase = "legal winner thank year wave sausage worth useful legal winner yellow"
    options = {"funder": FUNDER, name: phrase}
    with pytest.raises(BadRequest) as caught:
        kind(private_key=KEY, options=options)
    assert "sausage" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
        f"-----BEGIN {'sausage' * 20}",
        KEY + " sausage",
    ],
)
@pytest.mark.parametrize("method", ["fetch_market", "fetch_order", "cancel_order"])
def test_a_long_text_that_is_no_id_is_not_shown(method: str, value: str) -> None:
    made = Polymarket(private_key=KEY, environment="local", **TRIPLE)
    with pytest.raises(UnifiedExchangesError) as caught:
        getattr(made, method)(value)
    assert "sausage" not in str(caught.value)


@pytest.mark.parametrize("secret", [API_SECRET, PASSPHRASE, API_KEY, DIGITS])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("fetch_market", "market_id"),
        ("fetch_event", "event_id"),
        ("fetch_order", "order_id"),
        ("fetch_order_books", "market_ids"),
    ],
)
def test_a_secret_that_is_given_as_an_id_is_not_told(
    method: str, name: str, secret: str
) -> None:
    with Polymarket(environment="local", private_key=KEY, **TRIPLE) as polymarket:
        for given in (secret, f"{secret}=", f"{secret} x"):
            with pytest.raises(UnifiedExchangesError) as caught:
                getattr(polymarket, method)(**{name: given})
            assert secret not in told_by(caught.value)
            assert f"of {len(given)} characters" in caught.value.message


def test_a_secret_that_is_given_as_an_id_to_another_venue_is_not_told() -> None:
    with exchange("kalshi", environment="local") as kalshi:
        for given in (f"{API_SECRET} x", f"0x{DIGITS}"):
            with pytest.raises(UnifiedExchangesError) as caught:
                kalshi.fetch_market(given)
            assert given not in told_by(caught.value)
