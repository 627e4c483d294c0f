"""Keccak-256 in pure Python, beside known digests and another implementation."""

from __future__ import annotations

import pytest
from Crypto.Hash import keccak
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.venues.polymarket.keccak import keccak_256

# The empty text's and Ethereum's best known: of transfer(address,uint256), and of the Keccak
# team's own file ShortMsgKAT_256 (Len = 8 and 16).
KNOWN = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    b"\xcc": "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a",
    b"\x41\xfb": "a8eaceda4d47b3281a795ad9e1ea2122b407baf9aabcb9e18b5717b7873537d2",
}


def other(data: bytes) -> bytes:
    return keccak.new(data=data, digest_bits=256).digest()


@pytest.mark.parametrize("data", KNOWN)
def test_known_digests(data):
    assert keccak_256(data).hex() == KNOWN[data]


def test_the_selector_of_a_transfer():
    assert keccak_256(b"transfer(address,uint256)")[:4].hex() == "a9059cbb"


@pytest.mark.parametrize("size", [0, 1, 134, 135, 136, 137, 271, 272, 273, 384, 1_000])
def test_sizes_about_whole_blocks(size):
    data = bytes(n % 251 for n in range(size))
    assert keccak_256(data) == other(data)


@given(st.binary(max_size=600))
def test_any_data(data):
    assert keccak_256(data) == other(data)


def test_it_is_not_sha3():
    import hashlib

    assert keccak_256(b"abc") != hashlib.sha3_256(b"abc").digest()
