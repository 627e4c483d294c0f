"""Who we are: a private key that signs orders, a wallet it spends from, an API key.

Orders are signed by the private key (`signing`); every private call also bears an HMAC by
the secret of an API key, which the venue gives to whoever signs that the key's address is
theirs (docs.polymarket.com, authentication, 2026-08).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from os import PathLike, fsdecode
from typing import TYPE_CHECKING, NoReturn, cast

from ...errors import ArgumentsRequired, AuthenticationError, BadRequest
from ...key_file import KeyFile
from .addresses import address_of
from .api_key import ApiKey
from .contracts import Chain, Domain, chain_of
from .curve import Key, Way, key_maker
from .eip712 import ZERO_WORD
from .misplaced import refuse_same
from .secret import Secret, refuse_pickling
from .signing import SignedOrder, Signer
from .wallets import other_wallets, read_wallet, unlike_made

if TYPE_CHECKING:
    from ...models import Side
    from ...settings import Settings

__all__ = ["OPTIONS", "Credentials", "load"]

OPTIONS = ("builder", "funder", "signature_type", "signing")
"""The words of ``options`` that are read here."""

_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]+")
_BUILDER = re.compile(r"0x[0-9a-fA-F]{64}")
_FORM = "64 hexadecimal digits"
_TRIPLE = {
    "api_key": "POLYMARKET_API_KEY",
    "secret": "POLYMARKET_API_SECRET",
    "password": "POLYMARKET_API_PASSPHRASE",
}
_VARIABLES = {
    "funder": "POLYMARKET_FUNDER",
    "signature_type": "POLYMARKET_SIGNATURE_TYPE",
}


class Credentials:
    """A signer, and an API key once there is one; opaque to everything else.

    ``address`` is the private key's, ``wallet`` where the money lies.  Nothing secret can
    be read back, printed, copied or pickled.
    """

    __slots__ = ("_signer", "address", "api", "wallet", "way")

    def __init__(self, signer: Signer, api: ApiKey | None, way: str) -> None:
        self._signer = signer
        self.address = signer.address
        self.wallet = signer.wallet
        self.api = api
        self.way = way

    @property
    def builder(self) -> str:
        """The builder's code that orders bear, 0x and 64 digits."""
        return f"0x{self._signer.builder.hex()}"

    @property
    def chain(self) -> Chain:
        """The chain on which orders are settled."""
        return chain_of(self._signer.chain_id)

    @property
    def suspicion(self) -> str:
        """What speaks against the wallet being the key's; "" where nothing does."""
        return unlike_made(self.wallet, self.address)

    @property
    def alternatives(self) -> str:
        """How the wallet was found, and which others the key may spend from."""
        return other_wallets(self.wallet, self.address)

    @property
    def party(self) -> str:
        """The address that orders name as their signer."""
        return self._signer.party

    def sign_order(
        self,
        domain: Domain,
        side: Side,
        asset_id: str,
        amounts: tuple[int, int],
        *,
        salt: int,
        timestamp_ms: int,
    ) -> SignedOrder:
        """An order's id and signature; see `Signer.order`."""
        return self._signer.order(
            domain, side, asset_id, amounts, salt=salt, timestamp_ms=timestamp_ms
        )

    def first_headers(self, timestamp: int, nonce: int = 0) -> dict[str, str]:
        """The headers with which an API key is made or derived (level 1)."""
        return {
            "POLY_ADDRESS": self.address,
            "POLY_SIGNATURE": self._signer.auth(timestamp, nonce),
            "POLY_TIMESTAMP": str(timestamp),
            "POLY_NONCE": str(nonce),
        }

    def headers(
        self, timestamp: int, method: str, path: str, body: bytes = b""
    ) -> dict[str, str]:
        """The headers of a private call (level 2); see `ApiKey.headers`."""
        if self.api is None:
            raise ArgumentsRequired(
                f"{method} {path.partition('?')[0]} needs an API key: pass api_key=, "
                "secret= and password=, or let one be derived from the private key",
                venue="polymarket",
            )
        return self.api.headers(self.address, timestamp, method, path, body)

    def __repr__(self) -> str:
        return f"<Polymarket credentials: {self.wallet.kind.name.lower()} wallet>"

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, _: object) -> Credentials:
        return self

    def __getstate__(self) -> NoReturn:
        refuse_pickling()

    def __reduce_ex__(self, _: object) -> NoReturn:
        refuse_pickling()


def load(settings: Settings, chain_id: int = 137) -> Credentials | None:
    """Credentials from settings, or else from environment variables; None without any.

    ``private_key`` is 64 hexadecimal digits, or the path of a file that holds them and
    that only its owner may read; ``api_key``, ``secret`` and ``password`` are the API
    key, its secret and its passphrase.  ``options`` take ``signature_type`` (0 to 3),
    ``funder`` (the wallet's address; default the one that is made for the key),
    ``builder`` (a builder's code) and ``signing`` (``"auto"``, ``"base"`` or ``"fast"``).
    The variables are POLYMARKET_PRIVATE_KEY or POLYMARKET_PRIVATE_KEY_PATH,
    POLYMARKET_API_KEY, POLYMARKET_API_SECRET, POLYMARKET_API_PASSPHRASE,
    POLYMARKET_FUNDER and POLYMARKET_SIGNATURE_TYPE.

    Raises `AuthenticationError` for a key that cannot be used or that others may read,
    `BadRequest` and `ArgumentsRequired` for what does not fit together.
    """
    chain_of(chain_id)
    find = _finder(settings)
    api = _api_key(settings)
    if find is None:
        if api is None and not _given_options(settings):
            return None
        raise ArgumentsRequired(
            "an API key, funder or signature_type came without the private key, which "
            f"signs and whose address each call bears: pass private_key= ({_FORM}, or "
            "the path of a file that holds them), or set POLYMARKET_PRIVATE_KEY_PATH",
            venue="polymarket",
        )
    builder = _builder(settings)
    found = find()
    refuse_same(settings, found)
    key = _key(found, cast("Way", settings.options.get("signing", "auto")))
    wallet = read_wallet(
        _option(settings, "signature_type"),
        _option(settings, "funder"),
        address_of(key.public, key.hash),
        key.hash,
    )
    return Credentials(Signer(key, wallet, chain_id, builder), api, key.way)


# -- the private key -------------------------------------------------------------------


def _finder(settings: Settings) -> Callable[[], Secret] | None:
    """How to get the key's text, if there is one."""
    if settings.private_key is not None:
        return _from_argument(settings)
    environ = settings.environ
    text = Secret(environ.get("POLYMARKET_PRIVATE_KEY", ""), "POLYMARKET_PRIVATE_KEY")
    path = environ.get("POLYMARKET_PRIVATE_KEY_PATH", "").strip()
    if text.text and path:
        raise BadRequest(
            "POLYMARKET_PRIVATE_KEY and POLYMARKET_PRIVATE_KEY_PATH are both set: unset "
            "one",
            venue="polymarket",
        )
    if text.text:
        return lambda: text
    return _from_file(path, "POLYMARKET_PRIVATE_KEY_PATH") if path else None


def _from_argument(settings: Settings) -> Callable[[], Secret]:
    if isinstance(settings.private_key, PathLike):
        return _from_file(fsdecode(settings.private_key), "private_key", shown=True)
    if not isinstance(settings.private_key, str):
        raise BadRequest(
            f"private_key is {_FORM} or a path, not "
            f"{type(settings.private_key).__name__}",  # never its value
            venue="polymarket",
        )
    text = Secret(settings.private_key, "private_key")
    # Digits of another number are a key with a slip, not the name of a file.
    if not text.text or _HEX.fullmatch(text.text) or "-----BEGIN" in text.text:
        return lambda: text
    return _from_file(text.text, "private_key")


def _from_file(name: str, source: str, *, shown: bool = False) -> Callable[[], Secret]:
    file = KeyFile(name, source, form=_FORM, venue="polymarket", shown=shown)
    return lambda: Secret(file.read().decode("utf-8", "replace"), file.label)


def _key(secret: Secret, way: Way) -> Key:
    make = key_maker(way)
    if not secret.is_key():
        raise _unusable(secret)
    if not secret.is_in_range():
        raise AuthenticationError(
            f"{secret.source} is outside the range of keys: it is no key of a wallet. "
            "Nothing was sent",
            venue="polymarket",
        )
    return make(secret.scalar())


def _unusable(secret: Secret) -> AuthenticationError:
    """Say what is there instead of a key, where that can be told; never its value."""
    text = secret.text
    if not text:
        what = "is empty"
    elif "-----BEGIN" in text:
        what = f"is PEM; Polymarket's key is the wallet's, which is {_FORM}"
    elif _HEX.fullmatch(text):
        digits = len(text) - 2 * text.lower().startswith("0x")
        what = f"has {digits} hexadecimal digits; a private key has 64"
        if digits == 40:  # noqa: PLR2004 - an address
            what += ", and 40 are an address, which belongs into options funder"
    else:
        what = f"is not {_FORM}, with or without 0x; a phrase of words is not taken"
    return AuthenticationError(
        f"{secret.source} {what}. Nothing was sent", venue="polymarket"
    )


# -- the wallet ------------------------------------------------------------------------


def _given_options(settings: Settings) -> bool:
    return any(_option(settings, name) is not None for name in _VARIABLES)


def _option(settings: Settings, name: str) -> object:
    """An option, or else the variable that stands for it."""
    if name in settings.options:
        return settings.options[name]
    return settings.environ.get(_VARIABLES[name], "").strip() or None


def _builder(settings: Settings) -> bytes:
    given = settings.options.get("builder")
    if given is None:
        return ZERO_WORD
    if isinstance(given, str) and _BUILDER.fullmatch(given):
        return bytes.fromhex(given[2:])
    raise BadRequest(
        "option builder is not a builder's code, which is 0x and 64 hexadecimal digits",
        venue="polymarket",
    )


# -- the API key -----------------------------------------------------------------------


def _api_key(settings: Settings) -> ApiKey | None:
    named = [Secret(getattr(settings, name), f"{name}=") for name in _TRIPLE]
    kept = [Secret(settings.environ.get(name), name) for name in _TRIPLE.values()]
    is_named = any(each.text for each in named)
    # A command line names the key alone: secrets have no place there.
    pairs = zip(named, kept, strict=True)
    given = [one if one.text or not other.text else other for one, other in pairs]
    missing = [
        (one if is_named else other).source
        for one, other, each in zip(named, kept, given, strict=True)
        if not each.text
    ]
    if len(missing) == len(_TRIPLE):
        return None
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ArgumentsRequired(
            f"an API key is three things, and {' and '.join(missing)} {verb} missing: give "
            "key, secret and passphrase, or none of them, and one is derived from the "
            "private key",
            venue="polymarket",
        )
    return ApiKey(*(each.text for each in given))
