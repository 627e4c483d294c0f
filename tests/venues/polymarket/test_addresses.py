"""Addresses: read with their checksum, written with it."""

from __future__ import annotations

import pytest
from eth_utils import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import BadRequest
from unified_exchanges.venues.polymarket.addresses import (
    address_of,
    checksummed,
    read_address,
)

from . import oracle
from .keys import ADDRESS, SECRET, SECRET_KEY, key

# The examples of EIP-55 itself.
KNOWN = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
]


@pytest.mark.parametrize("address", KNOWN)
def test_a_known_checksum(address):
    assert checksummed(address[2:].lower()) == address
    assert read_address(address, "funder") == address


@given(st.binary(min_size=20, max_size=20))
def test_any_checksum_is_that_of_eth_utils(raw):
    assert checksummed(raw.hex()) == to_checksum_address(raw)


@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_an_address_without_a_checksum_gets_one(change):
    given = "0x" + change(KNOWN[0][2:])
    assert read_address(f" {given}\n", "funder") == KNOWN[0]


@pytest.mark.parametrize(
    "place", [place for place in range(2, 42) if KNOWN[0][place].isalpha()]
)
def test_a_changed_capital_is_refused(place):
    wrong = KNOWN[0][:place] + KNOWN[0][place].swapcase() + KNOWN[0][place + 1 :]
    with pytest.raises(BadRequest, match=r"funder 0x.* has a wrong checksum"):
        read_address(wrong, "funder")


@pytest.mark.parametrize(
    "wrong", ["", "0x12", KNOWN[0][2:], KNOWN[0][:-1] + "g", "name.eth"]
)
def test_what_is_no_address_is_refused_and_shown(wrong):
    with pytest.raises(BadRequest, match="is not an address") as caught:
        read_address(wrong, "funder")
    assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize("wrong", [SECRET_KEY, 5, None, b"0x"])
def test_what_may_be_a_key_is_not_shown(wrong):
    with pytest.raises(BadRequest) as caught:
        read_address(wrong, "funder")
    assert caught.value.message.startswith("funder is not an address")


def test_the_address_of_a_public_key():
    assert address_of(key("base").public) == ADDRESS == oracle.address(SECRET)
