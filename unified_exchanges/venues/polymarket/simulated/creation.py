"""Where the wallets of a signer are: addresses that follow from the signer's (CREATE2).

Factories and code of docs.polymarket.com resources/contracts, 2026-08, and of the
vendor's polymarket-client 0.14.0, 2026-10.
"""

from __future__ import annotations

from .curve import checksummed
from .keccak import keccak256
from .wallets import Kind

__all__ = ["address_of_wallet"]

_PROXY_FACTORY = bytes.fromhex("aB45c5A4B0c941a2F231C04C3f49182e1A254052")
_PROXY_CODE = bytes.fromhex("44e999d5c2F66Ef0861317f9A4805AC2e90aEB4f")
_SAFE_FACTORY = bytes.fromhex("aacFeEa03eb1561C4e67d661e40682Bd20E3541b")
_SAFE_HASH = bytes.fromhex(
    "2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf"
)
_DEPOSIT_FACTORY = bytes.fromhex("00000000000Fb5C9ADea0298D729A0CB3823Cc07")
_DEPOSIT_BEACON = bytes.fromhex("7A18EDfe055488A3128f01F563e5B479D92ffc3a")

_CLONE_BEFORE = bytes.fromhex("3d3d606380380380913d393d73")
_CLONE_BETWEEN = bytes.fromhex(
    "5af4602a57600080fd5b602d8060366000396000f3363d3d373d3d3d363d73"
)
_CLONE_AFTER = bytes.fromhex("5af43d82803e903d91602b57fd5bf352e831dd")
_BEACON_BEFORE = 0x6100523D8160233D3973
_BEACON_AFTER = bytes.fromhex(
    "60195155f3363d3d373d3d363d602036600436635c60da"
    "1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c"
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
)


def _created(factory: bytes, salt: bytes, code_hash: bytes) -> str:
    return checksummed(keccak256(b"\xff" + factory + salt + code_hash)[12:])


def _proxy(signer: bytes) -> str:
    tail = (32).to_bytes(32, "big") + bytes(32)
    code = _CLONE_BEFORE + _PROXY_FACTORY + _CLONE_BETWEEN + _PROXY_CODE
    code_hash = keccak256(code + _CLONE_AFTER + tail)
    return _created(_PROXY_FACTORY, keccak256(signer), code_hash)


def _safe(signer: bytes) -> str:
    return _created(_SAFE_FACTORY, keccak256(signer.rjust(32, b"\0")), _SAFE_HASH)


def _deposit(signer: bytes) -> str:
    arguments = _DEPOSIT_FACTORY.rjust(32, b"\0") + signer.rjust(32, b"\0")
    before = _BEACON_BEFORE + (len(arguments) << 56)
    code = before.to_bytes(10, "big") + _DEPOSIT_BEACON + _BEACON_AFTER + arguments
    return _created(_DEPOSIT_FACTORY, keccak256(arguments), keccak256(code))


def address_of_wallet(kind: Kind, signer: str) -> str:
    """The checksummed address of a signer's wallet of that kind."""
    if kind == "eoa":
        return signer
    address = bytes.fromhex(signer.removeprefix("0x"))
    return {"proxy": _proxy, "safe": _safe, "deposit": _deposit}[kind](address)
