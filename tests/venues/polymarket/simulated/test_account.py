"""Balances, heartbeats, notifications, and the venue as one call."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import BadRequest
from unified_exchanges.venues.polymarket.simulated import simulated
from unified_exchanges.venues.polymarket.simulated.chain import NEG_RISK, STANDARD, V3

from .trader import Trader


def test_balances_are_gross_and_in_millionths(ada: Trader, fed) -> None:
    ada.placed(fed, "BUY", "0.4", "10")
    told = ada.get("/balance-allowance", asset_type="COLLATERAL", signature_type=3)
    assert told["balance"] == "10000000000"
    assert set(told["allowances"]) == {e.address for e in (STANDARD, NEG_RISK, V3)}
    again = ada.get(
        "/balance-allowance/update", asset_type="COLLATERAL", signature_type=3
    )
    assert again == told


def test_tokens_are_told_with_their_approvals(polymarket, ada: Trader, fed) -> None:
    polymarket.split(ada.wallet, fed, "12.5")
    ada.wallet.approved.discard(NEG_RISK.address)
    told = ada.get(
        "/balance-allowance",
        asset_type="CONDITIONAL",
        token_id=fed.tokens[1],
        signature_type=3,
    )
    assert told["balance"] == "12500000"
    assert told["allowances"] == {
        STANDARD.address: str(2**256 - 1),
        NEG_RISK.address: "0",
    }
    modern = ada.market("bitcoin-above-120k-on-friday").tokens[0]
    told = ada.get(
        "/balance-allowance",
        asset_type="CONDITIONAL-V2",
        token_id=modern,
        signature_type=3,
    )
    assert list(told["allowances"]) == [V3.address]


def test_another_kind_of_wallet_of_the_signer_holds_nothing(ada: Trader, fed) -> None:
    told = ada.get("/balance-allowance", asset_type="COLLATERAL", signature_type=0)
    assert told["balance"] == "0"
    assert set(told["allowances"].values()) == {"0"}
    told = ada.get(
        "/balance-allowance", asset_type="CONDITIONAL", token_id=fed.tokens[0]
    )
    assert told["balance"] == "0"
    assert ada.get("/notifications") == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"asset_type": "GOLD"}, "Invalid asset type"),
        ({"asset_type": "COLLATERAL", "signature_type": "4"}, "Invalid signature_type"),
        ({"asset_type": "COLLATERAL", "signature_type": "x"}, "invalid signature_type"),
        (
            {"asset_type": "CONDITIONAL", "token_id": "5"},
            "No orderbook exists for the requested token id",
        ),
    ],
)
def test_a_balance_that_cannot_be_read_is_refused(ada: Trader, query, error) -> None:
    assert ada.ask("GET", "/balance-allowance", **query).error == error


# The dead man's switch


def beat(ada: Trader, heartbeat_id: str = "") -> str:
    answer = ada.ask("POST", "/v1/heartbeats", {"heartbeat_id": heartbeat_id})
    assert answer.status == 200, answer
    return str(answer.body["heartbeat_id"])


def test_orders_live_as_long_as_heartbeats_come(ada: Trader, bob: Trader, fed, clock):
    ada.placed(fed, "BUY", "0.4", "10")
    bob.placed(fed, "BUY", "0.4", "10")
    clock.advance(60)
    first = beat(ada)
    clock.advance(9)
    beat(ada, first)
    clock.advance(9)
    assert ada.get("/data/orders")["count"] == 1
    clock.advance(1)
    assert ada.get("/data/orders")["count"] == 0
    assert bob.get("/data/orders")["count"] == 1


def test_a_wrong_heartbeat_is_told_the_right_one(ada: Trader) -> None:
    expected = beat(ada)
    answer = ada.ask("POST", "/v1/heartbeats", {"heartbeat_id": "x"})
    assert (answer.status, answer.body) == (
        400,
        {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected},
    )
    assert beat(ada, expected) != expected


def test_a_heartbeat_may_say_nothing(ada: Trader) -> None:
    assert ada.ask("POST", "/heartbeats", []).status == 200


# Notifications


def test_a_member_is_told_of_fills_and_cancels(ada: Trader, fed) -> None:
    ada.placed(fed, "BUY", "0.56", "10")
    ada.placed(fed, "BUY", "0.4", "10")
    ada.ask("DELETE", "/cancel-all")
    told = ada.get("/notifications", signature_type=3)
    assert [(n["type"], n["payload"]["matched_size"]) for n in told] == [
        (2, "10"),
        (1, "0"),
    ]
    assert told[0]["payload"]["trade_id"] != ""
    assert told[1]["payload"]["trade_id"] == ""
    ids = ",".join(str(n["id"]) for n in told[:1])
    assert ada.ask("DELETE", "/notifications", ids=ids).body == "OK"
    assert ada.get("/notifications", signature_type=3) == told[1:]
    assert ada.ask("DELETE", "/notifications", ids="x").error == "Invalid ids"


# As one call


def test_a_sandbox_brings_all_that_one_signs_in_with() -> None:
    box = simulated(clock=VirtualClock())
    assert box.private_key.startswith("0x")
    assert set(box.variables) == {
        "POLYMARKET_API_SECRET",
        "POLYMARKET_API_PASSPHRASE",
        "POLYMARKET_FUNDER",
        "POLYMARKET_SIGNATURE_TYPE",
    }
    shown = repr(box)
    for secret in (
        box.private_key,
        box.variables["POLYMARKET_API_SECRET"],
        box.variables["POLYMARKET_API_PASSPHRASE"],
    ):
        assert secret not in shown


def test_a_sandbox_may_have_a_past() -> None:
    clock = VirtualClock()
    box = simulated(clock=clock, history=True, lively=True)
    venue = box.venue
    wallet = venue.add_account(venue.resident_key)
    one = Trader(venue, clock, venue.resident_key, wallet, venue.add_key(wallet))
    assert one.get("/data/trades")["count"] == 8
    assert one.cash == Decimal(10_000)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"key_type": "rsa"}, "key type 'rsa' is not one of eoa, proxy, safe, deposit"),
        ({"history": True, "key_type": "eoa"}, "is of the key type deposit"),
    ],
)
def test_a_sandbox_that_cannot_be_is_refused(options, text) -> None:
    with pytest.raises(BadRequest, match=text):
        simulated(**options)
