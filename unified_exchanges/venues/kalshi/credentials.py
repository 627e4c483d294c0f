"""Signing: who we are, from a key id and an RSA or Ed25519 private key.

Kalshi signs ``timestamp + METHOD + path``, path from the root of the host and without
query; the body is not signed (docs.kalshi.com, API keys, 2026-10).  `cryptography` is
loaded with the first key, so that an exchange without one does not pay for it.
"""

from __future__ import annotations

import os
import re
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

from ...errors import ArgumentsRequired, AuthenticationError, BadRequest
from ...key_file import KeyFile

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from ...settings import PrivateKey

__all__ = ["Credentials", "load"]

_KEY_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_LEAST_RSA_BITS = 2048


class Credentials:
    """A key id and the means to sign with its private key; opaque to everything else.

    ``algorithm`` is ``"ed25519"`` or ``"rsa"``.  Signing is safe from many threads.
    The private key cannot be read back, printed, copied or pickled.
    """

    __slots__ = ("_sign", "algorithm", "key_id")

    def __init__(
        self, key_id: str, algorithm: str, sign: Callable[[bytes], bytes]
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self._sign = sign

    def sign(self, timestamp_ms: int, method: str, path: str) -> str:
        """The signature of a request in Base64; ``timestamp_ms`` is Unix milliseconds.

        ``path`` starts at the root of the host (``/trade-api/v2/…``); a query is cut.
        """
        text = f"{timestamp_ms}{method.upper()}{path.partition('?')[0]}"
        return b2a_base64(self._sign(text.encode()), newline=False).decode("ascii")

    def headers(self, timestamp_ms: int, method: str, path: str) -> dict[str, str]:
        """The three headers of a signed request or WebSocket handshake, a fresh dict."""
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": str(timestamp_ms),
            "KALSHI-ACCESS-SIGNATURE": self.sign(timestamp_ms, method, path),
        }

    def __repr__(self) -> str:
        return f"<Kalshi credentials: {self.algorithm} key>"

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, _: object) -> Credentials:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError(
            "Kalshi credentials are not pickled, so that the private key stays in this "
            "process: load them anew from a key file in the other one"
        )

    def __reduce_ex__(self, _: object) -> NoReturn:
        self.__getstate__()


class _Pem:
    """PEM bytes on their way to the parser, and where they came from."""

    __slots__ = ("data", "source")

    def __init__(self, data: bytes, source: str) -> None:
        self.data = data
        self.source = source


class _Password:
    __slots__ = ("data",)

    def __init__(self, text: str | None) -> None:
        self.data = text.encode() if text else None


def load(
    api_key: str | None,
    private_key: PrivateKey | None,
    password: str | None,
    environ: Mapping[str, str],
) -> Credentials | None:
    """Credentials from arguments, or else from environment variables; None without any.

    ``private_key`` is PEM text or the path of a file that only its owner may read.  The
    variables are KALSHI_API_KEY (or KALSHI_API_KEY_ID), KALSHI_PRIVATE_KEY (PEM text) or
    KALSHI_PRIVATE_KEY_PATH, and KALSHI_PRIVATE_KEY_PASSWORD.  Raises `AuthenticationError`
    for a key that cannot be used or that others may read, `BadRequest` for arguments
    that do not fit together.
    """
    secret = _Password(password or environ.get("KALSHI_PRIVATE_KEY_PASSWORD"))
    key_id = _find_key_id(api_key, environ)
    find = _finder(private_key, environ)
    # What stands in this frame could be printed with a traceback.
    del private_key, password
    if find is None:
        if key_id is None:
            return None
        raise ArgumentsRequired(
            "api_key came without a private key: pass private_key= (PEM text or path), "
            "or set KALSHI_PRIVATE_KEY_PATH",
            venue="kalshi",
        )
    if key_id is None:
        raise ArgumentsRequired(
            "private_key came without the id of its key: pass api_key= (the id that "
            "Kalshi shows beside the key), or set KALSHI_API_KEY",
            venue="kalshi",
        )
    algorithm, sign = _signer(find(), secret)
    return Credentials(_checked_key_id(key_id), algorithm, sign)


# -- the key id ------------------------------------------------------------------------


def _find_key_id(api_key: str | None, environ: Mapping[str, str]) -> str | None:
    if api_key is not None:
        return api_key
    names = ("KALSHI_API_KEY", "KALSHI_API_KEY_ID")
    found = {environ[name].strip() for name in names if environ.get(name, "").strip()}
    if len(found) > 1:
        raise BadRequest(
            f"{' and '.join(names)} hold different ids: unset one", venue="kalshi"
        )
    return found.pop() if found else None


def _checked_key_id(key_id: object) -> str:
    # It becomes a header: a line break in it would be another header.
    if isinstance(key_id, str) and _KEY_ID.fullmatch(key_id.strip()):
        return key_id.strip()
    hint = ""
    if "-----BEGIN" in str(key_id):
        hint = "; it holds a PEM key, which belongs into private_key"
    raise BadRequest(
        "api_key is not a key id (a UUID such as "
        f"a952bcbe-ec3b-4b5b-b8f9-11dae589608c){hint}",
        venue="kalshi",
    )


# -- the private key's text ------------------------------------------------------------


def _finder(
    private_key: PrivateKey | None, environ: Mapping[str, str]
) -> Callable[[], _Pem] | None:
    """How to get the PEM, if there is one."""
    if private_key is not None:
        return _from_argument(private_key)
    text = environ.get("KALSHI_PRIVATE_KEY", "").strip()
    path = environ.get("KALSHI_PRIVATE_KEY_PATH", "").strip()
    if text and path:
        raise BadRequest(
            "KALSHI_PRIVATE_KEY and KALSHI_PRIVATE_KEY_PATH are both set: unset one",
            venue="kalshi",
        )
    if text:
        pem = _Pem(_unescaped(text), "KALSHI_PRIVATE_KEY")
        return lambda: pem
    if path:
        return _from_file(path, "KALSHI_PRIVATE_KEY_PATH")
    return None


def _from_argument(private_key: object) -> Callable[[], _Pem]:
    if isinstance(private_key, os.PathLike):
        return _from_file(os.fsdecode(private_key), "private_key", shown=True)
    if not isinstance(private_key, str):
        raise BadRequest(
            "private_key is PEM text or a path, not "
            f"{type(private_key).__name__}",  # never its value
            venue="kalshi",
        )
    if "-----BEGIN" in private_key or not private_key.strip():
        pem = _Pem(_unescaped(private_key), "private_key")
        return lambda: pem
    return _from_file(private_key.strip(), "private_key")


def _unescaped(text: str) -> bytes:
    # One-line settings files write the line breaks of a PEM as backslash and n.
    return text.replace("\\n", "\n").encode()


def _from_file(name: str, source: str, *, shown: bool = False) -> Callable[[], _Pem]:
    file = KeyFile(name, source, form="PEM text", venue="kalshi", shown=shown)
    return lambda: _Pem(file.read(), file.label)


# -- the private key -------------------------------------------------------------------


def _signer(pem: _Pem, password: _Password) -> tuple[str, Callable[[bytes], bytes]]:
    """The algorithm and a function that signs bytes with everything prepared."""
    # Loading cryptography takes longer than the rest of the package together.
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import (  # noqa: PLC0415
        ed25519,
        padding,
        rsa,
    )

    key = _parse(pem, password)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519", key.sign
    if not isinstance(key, rsa.RSAPrivateKey):
        kind = type(key).__name__.removesuffix("PrivateKey")
        raise _unusable(pem, f"is a key of type {kind}; Kalshi takes RSA and Ed25519")
    if key.key_size < _LEAST_RSA_BITS:
        raise _unusable(
            pem,
            f"is an RSA key of {key.key_size} bits; {_LEAST_RSA_BITS} are the least",
        )
    digest = hashes.SHA256()
    pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH)
    sign = key.sign
    return "rsa", lambda text: sign(text, pss, digest)


def _parse(pem: _Pem, password: _Password) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    _check_form(pem)
    is_encrypted = b"ENCRYPTED" in pem.data
    if is_encrypted and password.data is None:
        raise ArgumentsRequired(
            f"{pem.source} is encrypted: pass password=, or set "
            "KALSHI_PRIVATE_KEY_PASSWORD",
            venue="kalshi",
        )
    try:
        return serialization.load_pem_private_key(
            # A password for a key that needs none does no harm.
            pem.data,
            password.data if is_encrypted else None,
        )
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        if is_encrypted:
            what = "cannot be decrypted: the password is wrong or the PEM is damaged"
        else:
            what = "is not a usable PEM private key: it is damaged or cut"
        raise _unusable(pem, what) from error


def _check_form(pem: _Pem) -> None:
    """Say what is there instead of a PEM private key, where that can be told."""
    if not pem.data.strip():
        raise _unusable(pem, "is empty")
    if b"-----BEGIN" not in pem.data:
        raise _unusable(pem, "holds no PEM (no line -----BEGIN … PRIVATE KEY-----)")
    if b"BEGIN OPENSSH" in pem.data:
        raise _unusable(
            pem,
            "is in OpenSSH's own form; convert it: ssh-keygen -p -m PKCS8 -f <file>",
        )
    if b"PRIVATE KEY" not in pem.data:
        raise _unusable(pem, "is not a private key; give the half that stays secret")


def _unusable(pem: _Pem, what: str) -> AuthenticationError:
    return AuthenticationError(f"{pem.source} {what}. Nothing was sent", venue="kalshi")
