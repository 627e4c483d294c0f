"""Who calls: a signer by its signature (L1), an API key by its HMAC (L2).

docs.polymarket.com authentication, 2026-08. Vectors of both are in the tests.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping
from hashlib import sha256

from .curve import recover
from .documents import auth_digest
from .errors import Failure, unauthorized
from .wallets import ApiKey
from .wire import SECOND

__all__ = ["check_key", "check_signer", "signature_of"]

_ADDRESS = 42
_MOST_DIGITS = 15


def _is_address(word: str) -> bool:
    if len(word) != _ADDRESS or not word.startswith("0x"):
        return False
    return all(letter in "0123456789abcdefABCDEF" for letter in word[2:])


def _number(word: str) -> int | None:
    is_whole = word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS
    return int(word) if is_whole else None


def _is_timely(timestamp: str, now_us: int, skew: float) -> bool:
    moment = _number(timestamp)
    return moment is not None and abs(moment - now_us / SECOND) <= skew


def _bad_signer() -> Failure:
    return unauthorized("Invalid L1 Request headers")


def check_signer(
    headers: Mapping[str, str], *, now_us: int, skew: float
) -> tuple[str, int]:
    """The checksummed address that signed an L1 request, and its nonce."""
    address = headers.get("poly_address", "")
    timestamp = headers.get("poly_timestamp", "")
    nonce = _number(headers.get("poly_nonce", "0"))
    if nonce is None or not _is_address(address):
        raise _bad_signer()
    if not _is_timely(timestamp, now_us, skew):
        raise _bad_signer()
    try:
        signature = bytes.fromhex(headers.get("poly_signature", "").removeprefix("0x"))
    except ValueError as error:
        raise _bad_signer() from error
    found = recover(auth_digest(address, timestamp, nonce), signature)
    if found is None or found.lower() != address.lower():
        raise _bad_signer()
    return found, nonce


def signature_of(secret: str, timestamp: str, method: str, path: str, body: str) -> str:
    """The HMAC of a request; ``path`` without host and query.

    >>> signature_of("AAAA", "1713398400", "GET", "/data/orders", "")[:8]
    'QUISMCPW'
    """
    key = urlsafe_b64decode(secret)
    text = f"{timestamp}{method}{path}{body}".encode()
    return urlsafe_b64encode(hmac.new(key, text, sha256).digest()).decode()


def check_key(
    keys: Mapping[str, ApiKey],
    headers: Mapping[str, str],
    *,
    method: str,
    path: str,
    body: bytes,
    now_us: int,
    skew: float,
) -> ApiKey:
    """The API key that signed an L2 request."""
    key = keys.get(headers.get("poly_api_key", ""))
    timestamp = headers.get("poly_timestamp", "")
    if key is None or headers.get("poly_passphrase") != key.passphrase:
        raise unauthorized()
    if headers.get("poly_address", "").lower() != key.address.lower():
        raise unauthorized()
    if not _is_timely(timestamp, now_us, skew):
        raise unauthorized()
    try:
        text = body.decode()
        wanted = signature_of(key.secret, timestamp, method, path, text)
    except (UnicodeDecodeError, Error) as error:
        raise unauthorized() from error
    if not hmac.compare_digest(wanted, headers.get("poly_signature", "")):
        raise unauthorized()
    return key
