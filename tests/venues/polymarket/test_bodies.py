"""What leaves is what the vendor's own client would have sent for the same order."""

from __future__ import annotations

from typing import Any

import pytest

clob = pytest.importorskip("py_clob_client_v2")

from py_clob_client_v2.order_utils.exchange_order_builder_v2 import (  # noqa: E402
    ExchangeOrderBuilderV2,
)
from py_clob_client_v2.order_utils.model.order_data_v2 import (  # noqa: E402
    OrderDataV2,
    order_to_json_v2,
)
from py_clob_client_v2.order_utils.model.side import Side  # noqa: E402
from py_clob_client_v2.order_utils.model.signature_type_v2 import (  # noqa: E402
    SignatureTypeV2,
)
from py_clob_client_v2.signer import Signer  # noqa: E402

from tests.venues.polymarket.scene import Scene  # noqa: E402
from unified_exchanges.venues.polymarket.simulated.catalog import Listed  # noqa: E402

CONTRACTS = {
    "standard": ("0xE111180000d2663C0091e4f400237545B87B996B", "2"),
    "neg-risk": ("0xe2222d279d744050d28e00520010520000310F59", "2"),
    "v2": ("0xe3333700cA9d93003F00f0F71f8515005F6c00Aa", "3"),
}


def is_of(contract: str, listed: Listed) -> bool:
    if contract == "v2":
        return listed.version == "v2"
    return listed.version == "v1" and bool(listed.neg_risk_id) is (
        contract == "neg-risk"
    )


def as_theirs(scene: Scene, sent: dict[str, Any], contract: str) -> dict[str, Any]:
    """The same order out of the vendor's client."""
    order = sent["order"]
    address, version = CONTRACTS[contract]
    signer = Signer(scene.ground.sandbox.private_key, 137)
    builder = ExchangeOrderBuilderV2(
        address,
        137,
        signer,
        generate_salt=lambda: str(order["salt"]),
        domain_version=version,
    )
    signed = builder.build_signed_order(
        OrderDataV2(
            maker=order["maker"],
            tokenId=order["tokenId"],
            makerAmount=order["makerAmount"],
            takerAmount=order["takerAmount"],
            side=Side.BUY if order["side"] == "BUY" else Side.SELL,
            signer=order["signer"],
            signatureType=SignatureTypeV2(order["signatureType"]),
            timestamp=order["timestamp"],
            expiration=order["expiration"],
        )
    )
    body: dict[str, Any] = order_to_json_v2(
        signed,
        owner=scene.ground.sandbox.api_key,
        order_type=sent["orderType"],
        post_only=sent.get("postOnly", False),
    )
    return body


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("kind", ["eoa", "proxy", "safe", "deposit"])
def test_the_vendors_client_signs_and_writes_the_same(kind: str, contract: str) -> None:
    scene = Scene(kind=kind)
    (market, *_) = scene.markets(lambda x: is_of(contract, x) and not x.seconds_delay)
    scene.trader.rest(market, 10, post_only=True)
    scene.trader.lift(market, 100)
    best = market.grid.lowest
    for word in ("ioc", "fok"):
        scene.trader.create_order(
            market.market_id,
            market.outcomes[0].label,
            "sell",
            best,
            "7.77",
            time_in_force=word,
        )
    for sent in scene.bodies:
        assert {"postOnly": False, **sent} == as_theirs(scene, sent, contract)
