"""What is signed, hashed as EIP-712 says: orders, their wrapper, and who one is.

Everything is encoded from the type's own text, field by field, so that this shares no
shortcut with a client that hashes one fixed layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from .chain import CHAIN, Exchange
from .keccak import keccak256

__all__ = [
    "ORDER_TYPE",
    "auth_digest",
    "exchange_separator",
    "order_digest",
    "order_hash",
    "wrapped",
    "wrapper_digest",
]

ORDER_TYPE = (
    "Order(uint256 salt,address maker,address signer,uint256 tokenId,"
    "uint256 makerAmount,uint256 takerAmount,uint8 side,uint8 signatureType,"
    "uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_WRAPPER_TYPE = (
    "TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    "address verifyingContract,bytes32 salt)"
)
_AUTH_TYPE = "ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_ATTESTATION = "This message attests that I control the given wallet"
_NOTHING = bytes(32)

_Value = int | str | bytes


def _word(kind: str, value: _Value) -> bytes:
    """One field as 32 bytes."""
    if kind == "string":
        assert isinstance(value, str)
        return keccak256(value.encode())
    if isinstance(value, int):
        return value.to_bytes(32, "big")
    if isinstance(value, str):
        value = bytes.fromhex(value.removeprefix("0x"))
    return value.rjust(32, b"\0") if kind == "address" else value


@lru_cache(maxsize=32)
def _fields(type_text: str) -> tuple[tuple[str, str], ...]:
    inside = type_text[type_text.index("(") + 1 : type_text.index(")")]
    pairs = (part.split(" ") for part in inside.split(","))
    return tuple((kind, name) for kind, name in pairs)


@lru_cache(maxsize=32)
def _type_hash(type_text: str, extra: str = "") -> bytes:
    return keccak256((type_text + extra).encode())


def _struct_hash(
    type_text: str, values: Mapping[str, _Value], extra: str = ""
) -> bytes:
    words = [_word(kind, values[name]) for kind, name in _fields(type_text)]
    return keccak256(_type_hash(type_text, extra) + b"".join(words))


def _digest(separator: bytes, struct_hash: bytes) -> bytes:
    return keccak256(b"\x19\x01" + separator + struct_hash)


def _separator(fields: Sequence[tuple[str, str, _Value]]) -> bytes:
    declared = ",".join(f"{kind} {name}" for kind, name, _ in fields)
    values = {name: value for _, name, value in fields}
    return _struct_hash(f"EIP712Domain({declared})", values)


@lru_cache(maxsize=8)
def exchange_separator(exchange: Exchange) -> bytes:
    """The domain of a contract that settles."""
    return _separator(
        (
            ("string", "name", "Polymarket CTF Exchange"),
            ("string", "version", exchange.version),
            ("uint256", "chainId", CHAIN),
            ("address", "verifyingContract", exchange.address),
        )
    )


@lru_cache(maxsize=1)
def _auth_separator() -> bytes:
    return _separator(
        (
            ("string", "name", "ClobAuthDomain"),
            ("string", "version", "1"),
            ("uint256", "chainId", CHAIN),
        )
    )


def order_hash(order: Mapping[str, _Value]) -> bytes:
    """The hash of the order alone, whatever the contract."""
    return _struct_hash(ORDER_TYPE, order)


def order_digest(exchange: Exchange, contents: bytes) -> bytes:
    """What the signer of an order signs, and the order's id."""
    return _digest(exchange_separator(exchange), contents)


def wrapper_digest(exchange: Exchange, contents: bytes, wallet: str) -> bytes:
    """What the owner of a deposit wallet signs (ERC-7739)."""
    values: dict[str, _Value] = {
        "contents": contents,
        "name": "DepositWallet",
        "version": "1",
        "chainId": CHAIN,
        "verifyingContract": wallet,
        "salt": _NOTHING,
    }
    struct_hash = _struct_hash(_WRAPPER_TYPE, values, ORDER_TYPE)
    return _digest(exchange_separator(exchange), struct_hash)


def wrapped(inner: bytes, exchange: Exchange, contents: bytes) -> bytes:
    """The 317 bytes that a deposit wallet's signature consists of."""
    named = ORDER_TYPE.encode()
    size = len(named).to_bytes(2, "big")
    return inner + exchange_separator(exchange) + contents + named + size


def auth_digest(address: str, timestamp: str, nonce: int) -> bytes:
    """What a signer signs to show who it is."""
    values: dict[str, _Value] = {
        "address": address,
        "timestamp": timestamp,
        "nonce": nonce,
        "message": _ATTESTATION,
    }
    return _digest(_auth_separator(), _struct_hash(_AUTH_TYPE, values))
