"""Who signs, and whether the signature, its clock and its scopes are good.

docs.kalshi.com API keys, 2026-10; answers as recorded in 2026-06.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from typing import TypeAlias

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from .errors import (
    incorrect_signature,
    missing_header,
    timestamp_expired,
    unfit,
    unknown_key,
)

__all__ = [
    "SCOPES",
    "ApiKey",
    "KeyPair",
    "PublicKey",
    "check_signature",
    "generate_key",
    "load_public_key",
    "may",
]

PublicKey: TypeAlias = rsa.RSAPublicKey | ed25519.Ed25519PublicKey

SCOPES = (
    "read",
    "write",
    "read::block_trade_accept",
    "read::portfolio_balance",
    "write::trade",
    "write::transfer",
    "write::fcm_risk",
    "write::block_trade_accept",
)

OLDEST_MS = -15_000
NEWEST_MS = 30_000
_PSS = padding.PSS(
    mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH
)
_HEADERS = {
    "signature": "kalshi-access-signature",
    "timestamp": "kalshi-access-timestamp",
    "key": "kalshi-access-key",
}


@attrs.frozen(kw_only=True, slots=True)
class ApiKey:
    """A key as the venue knows it."""

    key_id: str
    name: str
    user_id: str
    public_key: PublicKey = attrs.field(repr=False)
    scopes: tuple[str, ...] = ("read", "write")
    subaccount: int | None = None


@attrs.frozen(kw_only=True, slots=True)
class KeyPair:
    """A generated key: the private half as PEM text, the public half ready to use."""

    private_pem: str = attrs.field(repr=False)
    public_key: PublicKey = attrs.field(repr=False)


def generate_key(kind: str = "rsa") -> KeyPair:
    """A new ``rsa`` key (2048 bit, PKCS#1) or ``ed25519`` key (PKCS#8).

    >>> generate_key("ed25519").private_pem.splitlines()[0]
    '-----BEGIN PRIVATE KEY-----'
    """
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if kind == "ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
        form = serialization.PrivateFormat.PKCS8
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = private.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )
    return KeyPair(private_pem=pem.decode(), public_key=private.public_key())


def load_public_key(pem: str) -> PublicKey:
    """Read a PEM public key; another kind of key is refused as a 400."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, TypeError) as error:
        raise unfit("public_key is not a PEM public key") from error
    if not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise unfit("public_key must be RSA or Ed25519")
    return key


def check_signature(
    keys: Mapping[str, ApiKey],
    headers: Mapping[str, str],
    *,
    method: str,
    path: str,
    now_ms: int,
) -> ApiKey:
    """The key that signed the request, or the recorded 401.

    The signed text is ``timestamp + METHOD + path``, the path without its query.
    """
    for name, header in _HEADERS.items():
        if not headers.get(header):
            raise missing_header(name)
    timestamp = headers["kalshi-access-timestamp"]
    age = _milliseconds(timestamp) - now_ms
    if not OLDEST_MS <= age <= NEWEST_MS:
        raise timestamp_expired()
    key = keys.get(headers["kalshi-access-key"])
    if key is None:
        raise unknown_key()
    text = f"{timestamp}{method}{path}".encode()
    _verify(key.public_key, _signature(headers["kalshi-access-signature"]), text)
    return key


def _milliseconds(timestamp: str) -> int:
    if not timestamp.isascii() or not timestamp.isdigit():
        raise timestamp_expired()
    return int(timestamp)


def _signature(header: str) -> bytes:
    try:
        return b64decode(header.encode(), validate=True)
    except (Error, ValueError) as error:
        raise incorrect_signature() from error


def _verify(key: PublicKey, signature: bytes, text: bytes) -> None:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, _PSS, hashes.SHA256())
        else:
            key.verify(signature, text)
    except InvalidSignature as error:
        raise incorrect_signature() from error


def may(key: ApiKey, scope: str) -> bool:
    """Whether the key has the scope itself or its parent (``read::x`` under ``read``)."""
    return scope in key.scopes or scope.partition("::")[0] in key.scopes
