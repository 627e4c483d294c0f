"""Addresses with their checksum: capitals tell a slip of the finger (EIP-55)."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...errors import BadRequest
from .keccak import keccak_256

__all__ = ["address_of", "checksummed", "read_address"]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_SHOWN = 42
_CAPITAL_FROM = "8"


def read_address(value: object, name: str) -> str:
    """A caller's address as its checksummed form; ``name`` says in errors what it is.

    Without capitals, or without small letters, an address has no checksum to verify.

    >>> read_address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "funder")
    '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
    """
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value.strip()):
        # What is longer may be a private key in the wrong place.
        is_short = isinstance(value, str) and len(value) <= _SHOWN
        shown = f" {value!r}" if is_short else ""
        raise BadRequest(
            f"{name}{shown} is not an address, which is 0x and 40 hexadecimal digits",
            venue="polymarket",
        )
    given = value.strip()
    digits = given[2:]
    address = checksummed(digits.lower())
    if digits not in {digits.lower(), digits.upper()} and given != address:
        raise BadRequest(
            f"{name} {given} has a wrong checksum, so that a digit may be wrong: copy it "
            "anew, or write it in small letters if you are certain",
            venue="polymarket",
        )
    return address


def checksummed(digits: str) -> str:
    """The address of 40 small hexadecimal digits, with capitals where they belong."""
    marks = keccak_256(digits.encode()).hex()
    capitals = (
        digit.upper() if mark >= _CAPITAL_FROM else digit
        for digit, mark in zip(digits, marks, strict=False)
    )
    return f"0x{''.join(capitals)}"


def address_of(public: bytes, hashed: Callable[[bytes], bytes] = keccak_256) -> str:
    """The address of a public key, which is 64 bytes: x and y."""
    return checksummed(hashed(public)[-20:].hex())
