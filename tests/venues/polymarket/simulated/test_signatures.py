"""Keccak, secp256k1 and EIP-712 of the simulated venue against what is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import read_example
from unified_exchanges.venues.polymarket.simulated import curve, keccak
from unified_exchanges.venues.polymarket.simulated.chain import STANDARD, Exchange
from unified_exchanges.venues.polymarket.simulated.creation import address_of_wallet
from unified_exchanges.venues.polymarket.simulated.documents import (
    auth_digest,
    exchange_separator,
    order_digest,
    order_hash,
    wrapped,
    wrapper_digest,
)

from .trader import NOTHING, sign

# The first development key of Hardhat and Anvil, known to everybody.
KEY = 0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
TEXTS = {"maker", "signer", "metadata", "builder"}


def fields(order: dict[str, Any]) -> dict[str, Any]:
    return {n: v if n in TEXTS else int(v) for n, v in order.items()}


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak_pads_as_ethereum_does(text: bytes, digest: str) -> None:
    assert keccak.pure_keccak256(text).hex() == digest


@given(st.binary(max_size=500) | st.just(b"x" * 135) | st.just(b"x" * 136))
def test_both_keccaks_agree(data: bytes) -> None:
    pytest.importorskip("Crypto")
    assert keccak.pure_keccak256(data) == keccak.keccak256(data)


def test_keccak_does_without_pycryptodome(monkeypatch) -> None:
    monkeypatch.setattr(keccak, "find_spec", lambda _: None)
    assert keccak._fastest() is keccak.pure_keccak256


def test_the_curve_does_without_coincurve(monkeypatch) -> None:
    monkeypatch.setattr(curve, "find_spec", lambda _: None)
    assert curve._fastest() is curve.pure_recover


def test_both_curves_agree() -> None:
    pytest.importorskip("coincurve")
    digest = bytes(range(32))
    signature = sign(KEY, digest)
    assert curve._fastest()(digest, signature) == curve.pure_recover(digest, signature)
    assert curve._fastest()(digest, b"\xff" * 64 + b"\x1b") is None


def test_an_address_has_capitals() -> None:
    assert curve.address_of(KEY) == ADDRESS


def test_a_key_of_nought_is_none() -> None:
    with pytest.raises(ValueError, match="not a private key"):
        curve.point_of(curve.ORDER)


@given(st.integers(1, curve.ORDER - 1), st.binary(min_size=32, max_size=32))
def test_who_signed_is_found(key: int, digest: bytes) -> None:
    assert curve.recover(digest, sign(key, digest)) == curve.address_of(key)


def test_the_mirrored_signature_is_refused() -> None:
    digest = bytes(32)
    signature = sign(KEY, digest)
    s = curve.ORDER - int.from_bytes(signature[32:64], "big")
    mirrored = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])
    assert curve.recover(digest, mirrored) is None


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(65),
        bytes(64) + b"\x1b",
        # No point of the curve has this x.
        (5).to_bytes(32, "big") + (1).to_bytes(32, "big") + b"\x1b",
    ],
)
def test_what_is_no_signature_has_no_signer(signature: bytes) -> None:
    assert curve.recover(bytes(32), signature) is None


@pytest.mark.parametrize(
    "signature",
    [bytes(65), (5).to_bytes(32, "big") + (1).to_bytes(32, "big") + b"\x1b"],
)
def test_in_plain_python_what_is_no_signature_has_no_signer(signature: bytes) -> None:
    assert curve.pure_recover(bytes(32), signature) is None


def test_in_plain_python_who_signed_is_found() -> None:
    for number in range(8):
        digest = bytes([number]) * 32
        point = curve.pure_recover(digest, sign(KEY, digest))
        assert point == b"".join(n.to_bytes(32, "big") for n in curve.point_of(KEY))


def test_a_signature_of_the_infinite_point_has_no_signer() -> None:
    x, y = curve.point_of(1)
    digest = (1).to_bytes(32, "big")
    signature = x.to_bytes(32, "big") + (1).to_bytes(32, "big") + bytes([27 + y % 2])
    assert curve.pure_recover(digest, signature) is None


def test_an_order_has_the_documented_id() -> None:
    order = {
        "salt": 479249096354,
        "maker": ADDRESS,
        "signer": ADDRESS,
        "tokenId": int(TOKEN),
        "makerAmount": 5_200_000,
        "takerAmount": 10_000_000,
        "side": 0,
        "signatureType": 0,
        "timestamp": 1713398400000,
        "metadata": NOTHING,
        "builder": NOTHING,
    }
    digest = order_digest(STANDARD, order_hash(order))
    assert digest.hex() == (
        "df1c6bd25b4bf910c2e1eae6a99805743ab542a7503ce1ebc79ac6e468b8f22e"
    )


def vectors() -> Any:
    return read_example("signing_vectors.json", "polymarket")


def test_every_vector_of_an_order_is_reproduced_and_its_signer_found() -> None:
    for vector in vectors()["orders"]:
        domain, order = vector["domain"], fields(vector["order"])
        exchange = Exchange(domain["verifyingContract"], domain["version"])
        contents = order_hash(order)
        digest = "0x" + order_digest(exchange, contents).hex()
        separator = "0x" + exchange_separator(exchange).hex()
        if "inner_signature" in vector:
            inner = bytes.fromhex(vector["inner_signature"][2:])
            inside = wrapper_digest(exchange, contents, order["maker"])
            whole = "0x" + wrapped(inner, exchange, contents).hex()
            assert whole == vector["signature"]
            assert digest == vector["order_digest"]
            assert separator == vector["app_domain_separator"]
        else:
            inner = bytes.fromhex(vector["signature"][2:])
            inside = order_digest(exchange, contents)
            assert digest == vector["digest_is_order_id"]
            assert separator == vector["domain_separator"]
        assert curve.recover(inside, inner) == ADDRESS


def test_the_vector_of_who_one_is_is_reproduced() -> None:
    vector = vectors()["clob_auth"]
    message = vector["message"]
    digest = auth_digest(message["address"], message["timestamp"], message["nonce"])
    assert "0x" + digest.hex() == vector["digest"]
    signature = bytes.fromhex(vector["signature"][2:])
    assert curve.recover(digest, signature) == ADDRESS


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        # As the vendor's polymarket-client 0.14.0 derives them (2026-10).
        ("eoa", ADDRESS),
        ("proxy", "0x365f0CA36Ae1f641E02fE3B7743673da42A13A70"),
        ("safe", "0xd93B25cb943D14d0d34FBaF01Fc93a0f8b5F6E47"),
        ("deposit", "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50"),
    ],
)
def test_a_wallet_is_where_its_signer_puts_it(kind: Any, address: str) -> None:
    assert address_of_wallet(kind, ADDRESS) == address
