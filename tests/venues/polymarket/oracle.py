"""What eth-account makes of the same orders and keys: signing by other hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_account import Account
from eth_account.messages import (
    SignableMessage,
    _hash_eip191_message,
    encode_typed_data,
)

from unified_exchanges.venues.polymarket.contracts import Domain

__all__ = ["address", "auth", "order_id", "plain", "wrapped"]

ORDER = {
    "Order": [
        {"name": "salt", "type": "uint256"},
        {"name": "maker", "type": "address"},
        {"name": "signer", "type": "address"},
        {"name": "tokenId", "type": "uint256"},
        {"name": "makerAmount", "type": "uint256"},
        {"name": "takerAmount", "type": "uint256"},
        {"name": "side", "type": "uint8"},
        {"name": "signatureType", "type": "uint8"},
        {"name": "timestamp", "type": "uint256"},
        {"name": "metadata", "type": "bytes32"},
        {"name": "builder", "type": "bytes32"},
    ]
}
WRAPPER = ORDER | {
    "TypedDataSign": [
        {"name": "contents", "type": "Order"},
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
        {"name": "salt", "type": "bytes32"},
    ]
}
AUTH = {
    "ClobAuth": [
        {"name": "address", "type": "address"},
        {"name": "timestamp", "type": "string"},
        {"name": "nonce", "type": "uint256"},
        {"name": "message", "type": "string"},
    ]
}
STATEMENT = "This message attests that I control the given wallet"


def address(secret: bytes) -> str:
    return str(Account.from_key(secret).address)


def order_id(domain: Domain, order: Mapping[str, Any]) -> str:
    return "0x" + _hash_eip191_message(_order(domain, order)).hex()


def plain(secret: bytes, domain: Domain, order: Mapping[str, Any]) -> str:
    return _signed(secret, _order(domain, order))


def wrapped(secret: bytes, domain: Domain, order: Mapping[str, Any]) -> str:
    """The signature of a deposit wallet, put together as ERC-7739 says."""
    message = {
        "contents": order,
        "name": "DepositWallet",
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": order["maker"],
        "salt": bytes(32),
    }
    text = encode_typed_data(_domain(domain), WRAPPER, message)
    contents = _order(domain, order)
    kind = "".join(f"{field['type']} {field['name']}," for field in ORDER["Order"])
    kind = f"Order({kind[:-1]})"
    tail = (
        contents.header + contents.body + kind.encode() + len(kind).to_bytes(2, "big")
    )
    return _signed(secret, text) + tail.hex()


def auth(secret: bytes, chain_id: int, timestamp: int, nonce: int) -> str:
    domain = {"name": "ClobAuthDomain", "version": "1", "chainId": chain_id}
    message = {
        "address": address(secret),
        "timestamp": str(timestamp),
        "nonce": nonce,
        "message": STATEMENT,
    }
    return _signed(secret, encode_typed_data(domain, AUTH, message))


def _order(domain: Domain, order: Mapping[str, Any]) -> SignableMessage:
    return encode_typed_data(_domain(domain), ORDER, dict(order))


def _domain(domain: Domain) -> dict[str, Any]:
    return {
        "name": domain.name,
        "version": domain.version,
        "chainId": domain.chain_id,
        "verifyingContract": domain.contract,
    }


def _signed(secret: bytes, text: SignableMessage) -> str:
    return "0x" + Account.sign_message(text, secret).signature.hex()
