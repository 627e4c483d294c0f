"""Signed orders and statements, byte for byte as other implementations sign them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recorded import read_example
from unified_exchanges.models import BUY, SELL
from unified_exchanges.venues.polymarket.contracts import (
    AMOY,
    POLYGON,
    Domain,
    exchange_domain,
)
from unified_exchanges.venues.polymarket.eip712 import (
    AUTH_TYPE,
    ORDER_TYPE,
    WRAPPER_TYPE,
    auth_struct,
    domain_separator,
)
from unified_exchanges.venues.polymarket.keccak import keccak_256
from unified_exchanges.venues.polymarket.signing import (
    SignatureType,
    SignedOrder,
    Signer,
    Wallet,
)

from . import oracle
from .keys import ADDRESS, ASSET, FUNDER, SECRET, WAYS, key

OWN = json.loads((Path(__file__).parent / "signing_vectors.json").read_text())
ZERO = "0x" + bytes(32).hex()
UINT256 = st.integers(0, (1 << 256) - 1)
AMOUNTS = st.integers(1, 10**15)
DOMAINS = st.builds(
    exchange_domain,
    st.sampled_from([POLYGON, AMOY]),
    st.sampled_from([ASSET, str(1 << 248 | 1 << 120 | 1)]),
    neg_risk=st.booleans(),
)


def signer(way, secret: bytes, kind: int, maker: str, **given: Any) -> Signer:
    wallet = Wallet(maker, SignatureType(kind))
    return Signer(key(way, secret), wallet, given.pop("chain_id", 137), **given)


def signed(mine: Signer, domain: Domain, order: dict[str, Any]) -> SignedOrder:
    return mine.order(
        domain,
        (BUY, SELL)[order["side"]],
        str(order["tokenId"]),
        (int(order["makerAmount"]), int(order["takerAmount"])),
        salt=int(order["salt"]),
        timestamp_ms=int(order["timestamp"]),
    )


def domain_of(words: dict[str, Any]) -> Domain:
    return Domain(
        name=words["name"],
        version=words["version"],
        chain_id=words["chainId"],
        contract=words["verifyingContract"],
    )


# -- vectors ---------------------------------------------------------------------------


def recorded() -> Any:
    return read_example("signing_vectors.json", "polymarket")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(5))
def test_a_golden_order_is_reproduced(way, number):
    vectors = recorded()
    vector = vectors["orders"][number]
    order, secret = vector["order"], bytes.fromhex(vectors["private_key"][2:])
    mine = signer(way, secret, order["signatureType"], order["maker"])
    found = signed(mine, domain_of(vector["domain"]), order)
    order_id = vector.get("digest_is_order_id") or vector["order_digest"]
    assert found == SignedOrder(order_id, vector["signature"])
    assert mine.party == order["signer"]


def test_every_golden_order_is_among_those():
    assert len(recorded()["orders"]) == 5


@pytest.mark.parametrize("way", WAYS)
def test_the_golden_statement_is_reproduced(way):
    vectors = recorded()
    words, secret = vectors["clob_auth"], bytes.fromhex(vectors["private_key"][2:])
    mine = signer(way, secret, 0, vectors["address"])
    message = words["message"]
    assert mine.address == vectors["address"]
    assert mine.auth(int(message["timestamp"]), message["nonce"]) == words["signature"]


def test_the_golden_separators_are_reproduced():
    vectors = recorded()["orders"]
    domains = [(domain_of(v["domain"]), v.get("domain_separator")) for v in vectors]
    checked = [(d, text) for d, text in domains if text]
    assert len(checked) == 4
    assert [f"0x{domain_separator(d).hex()}" for d, _ in checked] == [
        text for _, text in checked
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("vector", OWN["orders"], ids=lambda v: v["name"])
def test_an_order_of_our_own_is_reproduced(way, vector):
    order = vector["order"]
    mine = signer(
        way,
        SECRET,
        order["signatureType"],
        order["maker"],
        chain_id=vector["domain"]["chainId"],
        builder=bytes.fromhex(order["builder"][2:]),
    )
    found = signed(mine, domain_of(vector["domain"]), order)
    assert found == SignedOrder(vector["order_id"], vector["signature"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("vector", OWN["statements"], ids=lambda v: v["nonce"])
def test_a_statement_of_our_own_is_reproduced(way, vector):
    mine = signer(way, SECRET, 0, ADDRESS, chain_id=vector["chain_id"])
    assert mine.auth(vector["timestamp"], vector["nonce"]) == vector["signature"]


# -- eth-account -----------------------------------------------------------------------


@settings(max_examples=60)
@given(
    domain=DOMAINS,
    kind=st.sampled_from(SignatureType),
    side=st.sampled_from([0, 1]),
    salt=st.integers(0, (1 << 53) - 1),
    asset=UINT256.filter(bool),
    amounts=st.tuples(AMOUNTS, AMOUNTS),
    timestamp=st.integers(0, 10**14),
    builder=st.binary(min_size=32, max_size=32),
)
def test_any_order_is_signed_as_eth_account_does(
    domain, kind, side, salt, asset, amounts, timestamp, builder
):
    maker = FUNDER if kind else ADDRESS
    order = {
        "salt": salt,
        "maker": maker,
        "signer": maker if kind is SignatureType.DEPOSIT_WALLET else ADDRESS,
        "tokenId": asset,
        "makerAmount": amounts[0],
        "takerAmount": amounts[1],
        "side": side,
        "signatureType": int(kind),
        "timestamp": timestamp,
        "metadata": bytes(32),
        "builder": builder,
    }
    sign = oracle.wrapped if kind is SignatureType.DEPOSIT_WALLET else oracle.plain
    expected = SignedOrder(oracle.order_id(domain, order), sign(SECRET, domain, order))
    given = {"chain_id": domain.chain_id, "builder": builder}
    assert [
        signed(signer(way, SECRET, kind, maker, **given), domain, order) for way in WAYS
    ] == [expected, expected]


@settings(max_examples=40)
@given(
    secret=st.binary(min_size=32, max_size=32).filter(lambda b: 0 < b[0] < 255),
    chain=st.sampled_from([POLYGON, AMOY]),
    timestamp=st.integers(0, 10**11),
    nonce=UINT256,
)
def test_any_statement_is_signed_as_eth_account_does(secret, chain, timestamp, nonce):
    expected = oracle.auth(secret, chain.id, timestamp, nonce)
    made = [signer(way, secret, 2, FUNDER, chain_id=chain.id) for way in WAYS]
    assert [mine.address for mine in made] == [oracle.address(secret)] * 2
    assert [mine.auth(timestamp, nonce) for mine in made] == [expected] * 2


# -- what the parts are ----------------------------------------------------------------


def test_the_hashes_that_are_written_down_are_those_of_the_texts():
    mine = signer("base", SECRET, 3, FUNDER)
    struct = mine._encoder.struct(BUY, ASSET, (1, 2), 3, 4)
    assert struct[:32] == keccak_256(ORDER_TYPE)
    assert mine._wrapper.struct(b"")[:32] == keccak_256(WRAPPER_TYPE)
    statement = auth_struct(ADDRESS, 5, 6)
    assert statement[:32] == keccak_256(AUTH_TYPE)
    assert statement[-32:] == keccak_256(oracle.STATEMENT.encode())


def test_a_wrapped_signature_has_317_bytes():
    mine = signer("fast", SECRET, 3, FUNDER)
    domain = exchange_domain(POLYGON, ASSET, neg_risk=False)
    order = mine.order(domain, BUY, ASSET, (1, 2), salt=3, timestamp_ms=4)
    raw = bytes.fromhex(order.signature[2:])
    assert (len(raw), raw[65:97], raw[-2:]) == (
        317,
        domain_separator(domain),
        b"\0\xba",
    )


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_plain_signature_has_65_bytes(kind):
    mine = signer("fast", SECRET, kind, FUNDER if kind else ADDRESS)
    domain = exchange_domain(POLYGON, ASSET, neg_risk=False)
    order = mine.order(domain, BUY, ASSET, (1, 2), salt=3, timestamp_ms=4)
    assert len(bytes.fromhex(order.signature[2:])) == 65


def test_the_id_does_not_depend_on_the_wrapper():
    order = {"salt": 1, "side": 0, "tokenId": ASSET, "timestamp": 5}
    order |= {"makerAmount": 2, "takerAmount": 3, "maker": FUNDER, "signer": FUNDER}
    order |= {"signatureType": 3, "metadata": bytes(32), "builder": bytes(32)}
    domain = exchange_domain(POLYGON, ASSET, neg_risk=True)
    found = signed(signer("fast", SECRET, 3, FUNDER), domain, order)
    typed = order | {"tokenId": int(ASSET)}
    assert found.order_id == oracle.order_id(domain, typed)


@pytest.mark.parametrize("way", WAYS)
def test_many_threads_sign_with_one_key(way):
    mine = signer(way, SECRET, 0, ADDRESS)
    domain = exchange_domain(POLYGON, ASSET, neg_risk=False)

    def sign() -> SignedOrder:
        return mine.order(domain, BUY, ASSET, (1, 2), salt=3, timestamp_ms=4)

    expected, found = sign(), []
    threads = [
        threading.Thread(target=lambda: found.extend(sign() for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 20


def test_a_signer_shows_its_address_only():
    assert repr(signer("fast", SECRET, 0, ADDRESS)) == f"<Polymarket signer {ADDRESS}>"
