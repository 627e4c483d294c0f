"""Signatures on secp256k1 that tell who signed: two ways, byte for byte the same.

The base needs `cryptography` alone; the fast way needs coincurve and pycryptodome, of the
extra ``[polymarket]``.  All three are loaded with the first key.  Both draw the nonce from
key and digest (RFC 6979), so that one order has one signature, and give the smaller of
the two valid ``s``, the only one that contracts accept (EIP-2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from ...errors import BadRequest, NotSupported
from ...hidden import told
from ...wording import installed_by
from .keccak import keccak_256

__all__ = ["ORDER", "Key", "Way", "key_maker"]

Way: TypeAlias = Literal["auto", "base", "fast"]
"""How to sign: by what is installed, by the base, or by the extra and not without it."""

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""How many points the curve has; a private key is a number from 1 to one less."""

_HALF = ORDER >> 1
_ENDINGS = (b"\x1b", b"\x1c")
_EXTRA = installed_by("polymarket")


@attrs.frozen(repr=False)
class Key:
    """A private key as what can be done with it, and the hash that is as fast.

    ``sign`` takes a hash of 32 bytes and gives ``r``, ``s`` and 27 or 28: 65 bytes.
    ``public`` is the point's x and y: 64 bytes.  Safe from many threads.
    """

    way: str
    public: bytes
    sign: Callable[[bytes], bytes]
    hash: Callable[[bytes], bytes]


def key_maker(way: Way = "auto") -> Callable[[bytes], Key]:
    """What makes a key of 32 bytes, which are asked for only when all else is there.

    Raises `NotSupported` if libraries for the way that is asked for are missing.
    """
    if way == "base":
        return _base()
    if way not in {"auto", "fast"}:
        message = f"option signing is 'auto', 'base' or 'fast', not {told(way)}"
        raise BadRequest(message, venue="polymarket")
    try:
        return _fast()
    except ImportError as error:
        if way == "auto":
            return _base()
        missing = error.name
    message = f"option signing='fast' needs {missing}, which is missing: {_EXTRA}"
    raise NotSupported(message, venue="polymarket")


def _fast() -> Callable[[bytes], Key]:
    from coincurve import PrivateKey  # noqa: PLC0415
    from Crypto.Hash import keccak  # noqa: PLC0415

    new = keccak.new

    def hashed(data: bytes) -> bytes:
        return new(data=data, digest_bits=256).digest()

    def make(secret: bytes) -> Key:
        key = PrivateKey(secret)
        sign_recoverable = key.sign_recoverable

        def sign(digest: bytes) -> bytes:
            signature = sign_recoverable(digest, None)
            return signature[:64] + _ENDINGS[signature[64]]

        public = key.public_key.format(compressed=False)[1:]
        return Key("fast", public, sign, hashed)

    return make


def _base() -> Callable[[bytes], Key]:
    # Loading cryptography takes longer than the rest of the package together.
    from cryptography.exceptions import (  # noqa: PLC0415
        InvalidSignature,
        UnsupportedAlgorithm,
    )
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import (  # noqa: PLC0415
        Prehashed,
        decode_dss_signature,
        encode_dss_signature,
    )
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    curve = ec.SECP256K1()
    # The name only says that a digest has 32 bytes; nothing is hashed with it.
    hashed = Prehashed(SHA256())
    verifiable = ec.ECDSA(hashed)
    from_encoded = ec.EllipticCurvePublicKey.from_encoded_point
    try:
        deterministic = ec.ECDSA(hashed, deterministic_signing=True)
    except UnsupportedAlgorithm:
        message = (
            "signing needs OpenSSL 3.2 or later behind cryptography, as in its wheels; "
            f"or the extra: {_EXTRA}"
        )
        raise NotSupported(message, venue="polymarket") from None

    def is_even(digest: bytes, r: int, s: int, x: int) -> bool:
        """Whether the point behind ``r`` has an even y, found from public numbers only.

        A signature says s·R = z·G + r·Q, of digest z, key Q and that point R.  Solved for
        Q this is a signature again, by the key R, with Q's ``x`` in the place of r.  So
        the library's own verification tells R from −R.  It could not if z were zero,
        which no hash is.
        """
        candidate = from_encoded(curve, b"\x02" + r.to_bytes(32, "big"))
        turn = pow(s, -1, ORDER) * x % ORDER
        turned = -turn * int.from_bytes(digest, "big") % ORDER
        signature = encode_dss_signature(x, turn * r % ORDER)
        try:
            candidate.verify(signature, turned.to_bytes(32, "big"), verifiable)
        except InvalidSignature:
            return False
        return True

    def make(secret: bytes) -> Key:
        key = ec.derive_private_key(int.from_bytes(secret, "big"), curve)
        point = key.public_key().public_numbers()
        x = point.x % ORDER

        def sign(digest: bytes) -> bytes:
            r, s = decode_dss_signature(key.sign(digest, deterministic))
            s = min(s, ORDER - s)
            ending = _ENDINGS[not is_even(digest, r, s, x)]
            return r.to_bytes(32, "big") + s.to_bytes(32, "big") + ending

        public = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
        return Key("base", public, sign, keccak_256)

    return make
