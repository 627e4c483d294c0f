"""Who may call: signers by their signature, API keys by their HMAC."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from tests.recorded import read_example
from unified_exchanges.flow import Request
from unified_exchanges.venues.polymarket.simulated.authentication import signature_of
from unified_exchanges.venues.polymarket.simulated.routes import Call

from .trader import HOST, Trader

NOBODY = "0x" + "0" * 40


def test_the_vectors_of_the_hmac_are_reproduced() -> None:
    for vector in read_example("signing_vectors.json", "polymarket")["l2_hmac"]:
        made = signature_of(
            vector["secret"],
            vector["timestamp"],
            vector["method"],
            vector["path"],
            vector["body"] or "",
        )
        assert made == vector["signature"]


def test_a_key_is_made_once_and_derived_ever_after(ada: Trader) -> None:
    first = ada.ask("POST", "/auth/api-key", headers=ada.l1(nonce=1))
    assert set(first.body) == {"apiKey", "secret", "passphrase"}
    again = ada.ask("POST", "/auth/api-key", headers=ada.l1(nonce=1))
    assert (again.status, again.error) == (400, "Could not create api key")
    derived = ada.ask("GET", "/auth/derive-api-key", headers=ada.l1(nonce=1))
    assert derived.body == first.body


def test_a_key_that_was_never_made_cannot_be_derived(ada: Trader) -> None:
    answer = ada.ask("GET", "/auth/derive-api-key", headers=ada.l1(nonce=9))
    assert (answer.status, answer.error) == (400, "Could not derive api key!")


@pytest.mark.parametrize(
    "changes",
    [
        {"POLY_ADDRESS": NOBODY},
        {"POLY_ADDRESS": "0xabc"},
        {"POLY_ADDRESS": "0x" + "z" * 40},
        {"POLY_SIGNATURE": "0x00"},
        {"POLY_SIGNATURE": "0xzz"},
        {"POLY_NONCE": "one"},
        {"POLY_TIMESTAMP": "now"},
    ],
)
def test_a_signature_of_somebody_else_is_refused(ada: Trader, changes) -> None:
    headers = ada.l1() | changes
    answer = ada.ask("GET", "/auth/derive-api-key", headers=headers)
    assert (answer.status, answer.error) == (401, "Invalid L1 Request headers")


def test_an_old_signature_is_refused(ada: Trader) -> None:
    answer = ada.ask("GET", "/auth/derive-api-key", headers=ada.l1(age=301))
    assert answer.status == 401


def test_keys_are_listed_and_one_ends_itself(ada: Trader) -> None:
    assert ada.get("/auth/api-keys") == {"apiKeys": [ada.key.key_id]}
    assert ada.ask("DELETE", "/auth/api-key").body == "OK"
    assert ada.ask("GET", "/auth/api-keys").status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"POLY_API_KEY": "nobody"},
        {"POLY_PASSPHRASE": "wrong"},
        {"POLY_ADDRESS": NOBODY},
        {"POLY_SIGNATURE": urlsafe_b64encode(bytes(32)).decode()},
        {"POLY_TIMESTAMP": "1"},
    ],
)
def test_a_request_that_is_not_signed_by_the_key_is_refused(
    ada: Trader, changes
) -> None:
    headers = ada.headers("GET", "/data/orders") | changes
    answer = ada.ask("GET", "/data/orders", headers=headers)
    assert (answer.status, answer.error) == (401, "Unauthorized/Invalid api key")


def test_the_query_is_not_signed(ada: Trader) -> None:
    headers = ada.headers("GET", "/data/orders")
    answer = ada.ask("GET", "/data/orders", headers=headers, market="0x1")
    assert answer.status == 200


def test_a_body_is_signed_to_the_byte(ada: Trader) -> None:
    headers = ada.headers("DELETE", "/order", '{"orderID":"0x1"}')
    request = Request(
        "DELETE", HOST + "/clob/order", headers=headers, body=b'{"orderID": "0x1"}'
    )
    assert ada.send(request).status == 401
    request = Request("DELETE", HOST + "/clob/order", headers=headers, body=b"\xff")
    assert ada.send(request).status == 401


def test_without_a_prefix_the_clob_answers_and_its_data_paths_are_its_own(
    ada: Trader,
) -> None:
    headers = ada.headers("GET", "/data/trades")
    plain = ada.ask("GET", "/data/trades", headers=headers, host="")
    assert plain.body["data"] == []
    assert ada.ask("GET", "/time", headers={}, host="").body == 1_795_200_000


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("PUT", "/order", 405),
        ("GET", "/markets-by-token/", 404),
        ("PUT", "/clob-markets/0x1", 405),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(
    ada: Trader, method, path, status
) -> None:
    assert ada.ask(method, path, headers={}).status == status


def test_a_call_without_a_key_has_none(polymarket) -> None:
    operation = polymarket.operations[0]
    call = Call(operation=operation, path={}, query={}, body=b"", now_us=0, headers={})
    with pytest.raises(LookupError, match="is open to anybody"):
        _ = call.key


def test_the_relayer_knows_which_wallets_are_there(ada: Trader) -> None:
    def deployed(address: str) -> bool:
        read = ada.read("/relayer/deployed", address=address, type="WALLET")
        return bool(read["deployed"])

    assert deployed(ada.wallet.address)
    assert not deployed(NOBODY)
