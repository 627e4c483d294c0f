"""Where the wallets of a signer are, and what is said of an account that has another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.polymarket.scene import Scene, answer
from unified_exchanges.errors import AuthenticationError, InsufficientFunds
from unified_exchanges.venues.polymarket.addresses import checksummed
from unified_exchanges.venues.polymarket.signing import SignatureType
from unified_exchanges.venues.polymarket.simulated.creation import address_of_wallet
from unified_exchanges.venues.polymarket.wallets import made_wallet

# The first development key of Hardhat and Anvil, known to everybody.
SIGNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
STRANGE = "0x1111111111111111111111111111111111111111"
KINDS = {
    SignatureType.EOA: "eoa",
    SignatureType.PROXY: "proxy",
    SignatureType.SAFE: "safe",
    SignatureType.DEPOSIT_WALLET: "deposit",
}


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        # As the vendor's polymarket-client 0.14.0 derives them (2026-10).
        (0, SIGNER),
        (1, "0x365f0CA36Ae1f641E02fE3B7743673da42A13A70"),
        (2, "0xd93B25cb943D14d0d34FBaF01Fc93a0f8b5F6E47"),
        (3, "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50"),
    ],
)
def test_a_wallet_is_where_the_vendors_client_derives_it(
    kind: int, address: str
) -> None:
    assert made_wallet(SignatureType(kind), SIGNER) == address


@given(st.binary(min_size=20, max_size=20), st.sampled_from(SignatureType))
def test_both_ends_derive_the_same_wallet(signer: bytes, kind: SignatureType) -> None:
    address: Any = checksummed(signer.hex())
    expected = address_of_wallet(KINDS[kind], address)  # type: ignore[arg-type] # by name
    assert made_wallet(kind, address) == expected


def test_without_a_funder_the_wallet_of_the_type_trades(scene: Scene) -> None:
    made = scene.ground.sandbox.variables["POLYMARKET_FUNDER"]
    trader = scene.another(options={"signature_type": 3})
    assert trader.rest(scene.market).is_open
    assert made.lower() == trader.exchange.venue.own_wallet


def test_a_refusal_of_the_wallet_says_that_it_is_not_the_one_made_for_the_key(
    scene: Scene,
) -> None:
    options = {"signature_type": 3, "funder": STRANGE}
    trader = scene.another(options=options)
    text = "maker address not allowed, please use the deposit wallet flow"
    scene.always(answer(400, {"error": text}))
    made = scene.ground.sandbox.variables["POLYMARKET_FUNDER"]
    with pytest.raises(AuthenticationError, match=f"{STRANGE} is not the.*{made}"):
        trader.rest(scene.market)


def test_an_empty_wallet_that_is_not_the_one_made_for_the_key_is_suspected(
    scene: Scene,
) -> None:
    trader = scene.another(options={"signature_type": 3, "funder": STRANGE})
    scene.venue.bring_to(scene.wallet, 0)
    scene.always(answer(400, {"error": "not enough balance / allowance"}))
    made = scene.ground.sandbox.variables["POLYMARKET_FUNDER"]
    with pytest.raises(InsufficientFunds, match=f"{STRANGE} is not the.*{made}"):
        trader.rest(scene.market)


def test_a_refusal_of_the_wallet_made_for_the_key_does_not_suspect_it(
    scene: Scene,
) -> None:
    scene.always(answer(400, {"error": "maker address not allowed"}))
    with pytest.raises(AuthenticationError) as caught:
        scene.trader.rest(scene.market)
    assert "makes for this" not in str(caught.value)
