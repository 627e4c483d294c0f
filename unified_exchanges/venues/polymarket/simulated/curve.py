"""secp256k1 of the simulated venue: who signed, and which address a key has.

Plain Python in Jacobian coordinates, a signature in a few milliseconds; where coincurve
is installed it does the work. Nothing here is constant in time: the venue recovers
public data, and the keys it makes are for practice.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

from .keccak import keccak256

__all__ = ["ORDER", "address_of", "checksummed", "point_of", "pure_recover", "recover"]

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_FIELD = 2**256 - 2**32 - 977
_BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_SIGNATURE_BYTES = 65
_FIRST_MARK = 27

_Point: TypeAlias = tuple[int, int]
_Jacobian: TypeAlias = tuple[int, int, int]
_INFINITY: _Jacobian = (0, 1, 0)


def _doubled(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if not y or not z:
        return _INFINITY
    square = y * y % _FIELD
    middle = 4 * x * square % _FIELD
    slope = 3 * x * x % _FIELD
    new_x = (slope * slope - 2 * middle) % _FIELD
    new_y = (slope * (middle - new_x) - 8 * square * square) % _FIELD
    return new_x, new_y, 2 * y * z % _FIELD


def _added(one: _Jacobian, other: _Jacobian) -> _Jacobian:
    """The sum; ``other`` is not the point at infinity."""
    if not one[2]:
        return other
    x1, y1, z1 = one
    x2, y2, z2 = other
    square1, square2 = z1 * z1 % _FIELD, z2 * z2 % _FIELD
    u1, u2 = x1 * square2 % _FIELD, x2 * square1 % _FIELD
    s1, s2 = y1 * square2 * z2 % _FIELD, y2 * square1 * z1 % _FIELD
    if u1 == u2:
        return _doubled(one) if s1 == s2 else _INFINITY
    h, r = u2 - u1, s2 - s1
    h2 = h * h % _FIELD
    h3 = h * h2 % _FIELD
    v = u1 * h2 % _FIELD
    x = (r * r - h3 - 2 * v) % _FIELD
    return x, (r * (v - x) - s1 * h3) % _FIELD, h * z1 * z2 % _FIELD


def _flat(point: _Jacobian) -> _Point | None:
    if not point[2]:
        return None
    inverse = pow(point[2], -1, _FIELD)
    square = inverse * inverse % _FIELD
    return point[0] * square % _FIELD, point[1] * square * inverse % _FIELD


def _combined(pairs: list[tuple[int, _Point]]) -> _Point | None:
    """The sum of multiples of points, doubling once for all of them."""
    result = _INFINITY
    for bit in reversed(range(256)):
        result = _doubled(result)
        for factor, (x, y) in pairs:
            if factor >> bit & 1:
                result = _added(result, (x, y, 1))
    return _flat(result)


def point_of(factor: int) -> tuple[int, int]:
    """The base point so many times: the public key of a private one."""
    point = _combined([(factor % ORDER, _BASE)])
    if point is None:
        raise ValueError("not a private key")
    return point


def pure_recover(digest: bytes, signature: bytes) -> bytes | None:
    """The public key that signed, 64 bytes; None if none did. In plain Python."""
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:64], "big")
    y = _height(r)
    if not 0 < r < ORDER or not 0 < s < ORDER or y is None:
        return None
    if y & 1 != signature[64] - _FIRST_MARK:
        y = _FIELD - y
    inverse = pow(r, -1, ORDER)
    hashed = int.from_bytes(digest, "big")
    point = _combined(
        [(-hashed * inverse % ORDER, _BASE), (s * inverse % ORDER, (r, y))]
    )
    if point is None:
        return None
    return point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def _height(x: int) -> int | None:
    """One of the two heights of the curve over ``x``; None where it has no point."""
    square = (pow(x, 3, _FIELD) + 7) % _FIELD
    root = pow(square, (_FIELD + 1) // 4, _FIELD)
    return root if root * root % _FIELD == square else None


def _fastest() -> Callable[[bytes, bytes], bytes | None]:
    if find_spec("coincurve") is None:
        return pure_recover
    public_key = import_module("coincurve").PublicKey

    def compiled(digest: bytes, signature: bytes) -> bytes | None:
        mark = bytes([signature[64] - _FIRST_MARK])
        try:
            key = public_key.from_signature_and_message(
                signature[:64] + mark, digest, hasher=None
            )
        except Exception:  # noqa: BLE001 - coincurve raises bare Exception, ValueError
            return None
        found: bytes = key.format(compressed=False)[1:]
        return found

    return compiled


_recovered = _fastest()


def recover(digest: bytes, signature: bytes) -> str | None:
    """The checksummed address whose key signed the digest; None if none did.

    ``signature`` is r, s and 27 or 28: 65 bytes. A high ``s`` is refused, as the
    contracts do.
    """
    if len(signature) != _SIGNATURE_BYTES or signature[64] not in {27, 28}:
        return None
    if int.from_bytes(signature[32:64], "big") > ORDER // 2:
        return None
    key = _recovered(digest, signature)
    return None if key is None else _address(key)


def address_of(private_key: int) -> str:
    """The checksummed address of a private key.

    >>> address_of(1)
    '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf'
    """
    x, y = point_of(private_key)
    return _address(x.to_bytes(32, "big") + y.to_bytes(32, "big"))


def _address(public_key: bytes) -> str:
    return checksummed(keccak256(public_key)[12:])


def checksummed(address: bytes) -> str:
    """An address with the capitals of EIP-55."""
    plain = address.hex()
    marks = keccak256(plain.encode()).hex()
    return "0x" + "".join(
        letter.upper() if mark in "89abcdef" else letter
        for letter, mark in zip(plain, marks, strict=False)
    )
