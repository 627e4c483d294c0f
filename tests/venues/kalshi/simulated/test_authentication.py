"""Signatures, clocks, scopes, keys."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from tests.recorded import read_example
from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request
from unified_exchanges.venues.kalshi.simulated import (
    SimulatedKalshi,
    generate_key,
    load_public_key,
)

from .contract import PREFIX
from .trader import HOST, Trader, trader

PATH = "/portfolio/balance"


def bodies() -> dict[str, Any]:
    recorded = read_example("errors/recorded_errors.json")
    return {c["case"]: (c["status"], c["body"]) for c in recorded}


def signed_with_rsa(pem: str, text: bytes, salt: int) -> str:
    key: Any = serialization.load_pem_private_key(pem.encode(), None)
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt)
    return b64encode(key.sign(text, scheme, hashes.SHA256())).decode()


@pytest.mark.parametrize(
    ("salt", "status"),
    [(padding.PSS.DIGEST_LENGTH, 200), (padding.PSS.MAX_LENGTH, 401)],
)
def test_an_rsa_signature_needs_a_salt_as_long_as_the_digest(
    kalshi: SimulatedKalshi, clock: VirtualClock, salt: Any, status: int
) -> None:
    pair = generate_key("rsa")
    key = kalshi.add_account(public_key=pair.public_key)
    stamp = str(round(clock.now() * 1000))
    text = f"{stamp}GET{PREFIX}{PATH}".encode()
    headers = {
        "KALSHI-ACCESS-KEY": key.key_id,
        "KALSHI-ACCESS-TIMESTAMP": stamp,
        "KALSHI-ACCESS-SIGNATURE": signed_with_rsa(pair.private_pem, text, salt),
    }
    request = Request("GET", HOST + PREFIX + PATH, headers=headers)
    assert kalshi.handle(request).status == status


def test_a_generated_rsa_key_is_pkcs1_and_an_ed25519_key_pkcs8() -> None:
    assert generate_key("rsa").private_pem.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert generate_key("ed25519").private_pem.startswith("-----BEGIN PRIVATE KEY-----")


def test_the_query_is_not_signed(idle: Trader) -> None:
    assert idle.ask("GET", "/portfolio/orders", limit=5).status == 200


@pytest.mark.parametrize(
    ("wrong", "case"),
    [
        ({"KALSHI-ACCESS-SIGNATURE": "AAAA"}, "auth__bad_signature"),
        ({"KALSHI-ACCESS-SIGNATURE": "not base64!"}, "auth__bad_signature"),
        ({"KALSHI-ACCESS-KEY": "unknown"}, "auth__unknown_key_id"),
        ({"KALSHI-ACCESS-SIGNATURE": ""}, "auth__missing_signature_header"),
        ({"KALSHI-ACCESS-TIMESTAMP": "yesterday"}, "auth__skew_minus5min"),
    ],
)
def test_f12_a_bad_signature_is_answered_as_recorded(
    idle: Trader, wrong: dict[str, str], case: str
) -> None:
    answer = idle.ask("GET", PATH, headers=wrong)
    assert (answer.status, answer.body) == bodies()[case]


@pytest.mark.parametrize(
    ("age_ms", "status"), [(15_000, 200), (15_001, 401), (-30_000, 200), (-30_001, 401)]
)
def test_f7_a_timestamp_may_be_15_s_old_and_30_s_early(
    idle: Trader, age_ms: int, status: int
) -> None:
    headers = idle.headers("GET", PREFIX + PATH, age_ms=age_ms)
    assert idle.ask("GET", PATH, headers=headers).status == status


def test_an_expired_timestamp_is_answered_as_recorded(idle: Trader) -> None:
    headers = idle.headers("GET", PREFIX + PATH, age_ms=30_001)
    answer = idle.ask("GET", PATH, headers=headers)
    assert (answer.status, answer.body) == bodies()["auth__skew_minus30s"]


def test_every_answer_tells_the_time(idle: Trader) -> None:
    assert idle.ask("GET", PATH).headers["date"] == "Fri, 20 Nov 2026 18:40:00 GMT"


@pytest.mark.parametrize("path", ["/markets", "/exchange/status", "/historical/cutoff"])
def test_public_data_need_no_key(idle: Trader, path: str) -> None:
    answer = idle.ask("GET", path, signed=False)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "public, max-age=15"


def test_a_bad_signature_is_refused_on_public_data_too(idle: Trader) -> None:
    wrong = {"KALSHI-ACCESS-SIGNATURE": "AAAA"}
    assert idle.ask("GET", "/markets", headers=wrong).status == 401


# Scopes and bound keys


def with_key(ada: Trader, **key: Any) -> Trader:
    made = ada.kalshi.add_key(
        ada.account_id, public_key=ada.private_key.public_key(), **key
    )
    return Trader(ada.kalshi, ada.clock, ada.private_key, made.key_id)


def test_a_key_without_write_may_read_only(ada: Trader, market: Any) -> None:
    reader = with_key(ada, scopes=["read"])
    assert reader.ask("GET", PATH).status == 200
    answer = reader.place(market)
    assert (answer.status, answer.code) == (403, "permission_denied")


def test_a_child_scope_opens_its_part_only(ada: Trader, market: Any) -> None:
    partial = with_key(ada, scopes=["read::portfolio_balance", "write::trade"])
    assert partial.ask("GET", PATH).status == 200
    assert partial.place(market).status == 201
    assert partial.ask("GET", "/portfolio/orders").status == 403
    assert partial.ask("POST", "/portfolio/subaccounts").status == 403


def test_a_key_bound_to_a_subaccount_implies_it(ada: Trader, market: Any) -> None:
    ada.ask("POST", "/portfolio/subaccounts")
    transfer = {
        "client_transfer_id": "11111111-1111-4111-8111-111111111111",
        "from_subaccount": 0,
        "to_subaccount": 1,
        "amount_cents": 5000,
    }
    assert ada.ask("POST", "/portfolio/subaccounts/transfer", transfer).status == 200
    bound = with_key(ada, subaccount=1)
    order_id = bound.rest(market)
    order = bound.get(f"/portfolio/orders/{order_id}")["order"]
    assert order["subaccount_number"] == 1
    assert bound.get("/portfolio/balance")["balance_dollars"] < "50.0000"


def test_a_bound_key_does_not_see_orders_of_others(ada: Trader, market: Any) -> None:
    ada.ask("POST", "/portfolio/subaccounts")
    order_id = ada.rest(market)
    bound = with_key(ada, subaccount=1)
    assert bound.ask("GET", f"/portfolio/orders/{order_id}").status == 404


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/portfolio/orders", {"subaccount": 0}),
        ("GET", "/portfolio/subaccounts/balances", {}),
        ("POST", "/portfolio/subaccounts", {}),
        ("GET", "/api_keys", {}),
    ],
)
def test_a_bound_key_is_refused_elsewhere(
    ada: Trader, method: str, path: str, query: dict[str, Any]
) -> None:
    ada.ask("POST", "/portfolio/subaccounts")
    bound = with_key(ada, subaccount=1)
    answer = bound.ask(method, path, **query)
    assert answer.status == 403
    assert "restricted to a single sub-account" in answer.body["error"]["details"]


def test_p1_a_batch_that_leaves_the_bound_subaccount_is_refused_whole(
    ada: Trader, market: Any
) -> None:
    ada.ask("POST", "/portfolio/subaccounts")
    bound = with_key(ada, subaccount=1)
    orders = [ada.order(market), ada.order(market, subaccount=0)]
    answer = bound.ask("POST", "/portfolio/events/orders/batched", {"orders": orders})
    assert answer.status == 403
    assert ada.get("/portfolio/orders")["orders"] == []


def test_a_lapsed_attestation_closes_sports_but_not_weather(ada: Trader) -> None:
    account = ada.kalshi.account(ada.account_id)
    account.region_expires_us = round(ada.clock.now()) * 1_000_000 - 1
    assert ada.place(ada.market(shard=3)).status == 403
    assert ada.place(ada.market(series="KXHIGHNY")).status == 201
    assert "api_key_region_expiration_ts" in ada.get("/api_keys")


# Keys


def test_a_generated_key_signs(ada: Trader) -> None:
    asked = {"name": "bot", "key_type": "ed25519"}
    answer = ada.ask("POST", "/api_keys/generate", asked)
    assert (answer.status, answer.body["key_type"]) == (201, "ed25519")
    private: Any = serialization.load_pem_private_key(
        answer.body["private_key"].encode(), None
    )
    bot = Trader(ada.kalshi, ada.clock, private, answer.body["api_key_id"])
    assert bot.ask("GET", PATH).status == 200


def test_an_uploaded_key_signs_until_it_is_deleted(ada: Trader) -> None:
    pem = ada.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = {"name": "mine", "public_key": pem.decode(), "scopes": ["read"]}
    made = ada.ask("POST", "/api_keys", body)
    assert made.status == 201
    key_id = made.body["api_key_id"]
    mine = Trader(ada.kalshi, ada.clock, ada.private_key, key_id)
    assert {"api_key_id": key_id, "name": "mine", "scopes": ["read"]} in mine.get(
        "/api_keys"
    )["api_keys"]
    assert ada.ask("DELETE", f"/api_keys/{key_id}").status == 204
    assert mine.ask("GET", PATH).body["error"]["details"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_key": "PEM"},
        {"scopes": ["fly"]},
        {"scopes": ["write"]},
        {"subaccount": 9},
        {"subaccount": 64},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    idle: Trader, wrong: dict[str, Any]
) -> None:
    pem = idle.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = {"name": "mine", "public_key": pem.decode(), **wrong}
    assert idle.ask("POST", "/api_keys", body).status == 400


def test_a_key_of_another_kind_is_refused() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(Exception, match="400"):
        load_public_key(pem.decode())


def test_an_unknown_key_cannot_be_deleted(ada: Trader, bob: Trader) -> None:
    assert ada.ask("DELETE", f"/api_keys/{bob.key_id}").status == 404


def test_a_key_type_that_does_not_exist_is_refused(idle: Trader) -> None:
    body = {"name": "x", "key_type": "dsa"}
    assert idle.ask("POST", "/api_keys/generate", body).status == 400


def test_an_account_can_be_given_its_key_as_pem(clock: VirtualClock) -> None:
    kalshi = SimulatedKalshi(clock=clock)
    ada = trader(kalshi, clock)
    pem = ada.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = kalshi.add_account(public_key=pem.decode(), key_id="mine")
    again = Trader(kalshi, clock, ada.private_key, key.key_id)
    assert again.ask("GET", PATH).status == 200
