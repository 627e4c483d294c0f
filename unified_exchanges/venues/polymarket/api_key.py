"""The API key, by whose secret every private call is signed (level 2).

docs.polymarket.com, authentication, 2026-08.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hmac import digest
from typing import NoReturn

import msgspec

from ...errors import BadRequest
from ...hidden import Hidden
from .secret import Secret, refuse_pickling

__all__ = ["ApiKey"]

_encode = msgspec.json.Encoder().encode


class ApiKey:
    """An API key with its secret and passphrase; only the key itself can be read back."""

    __slots__ = ("_headers", "_secret", "key")

    def __init__(self, key: str, secret: str, passphrase: str) -> None:
        name = Secret(key, "api_key")
        hidden = Secret(secret, "secret")
        phrase = Secret(passphrase, "password (the API key's passphrase)")
        # What stands in this frame could be printed with a traceback.
        del key, secret, passphrase
        for given in (name, phrase):
            if not given.is_token():
                raise BadRequest(
                    f"{given.source} is not one word of plain characters, as Polymarket "
                    "gives it",
                    venue="polymarket",
                )
        if not hidden.is_base64():
            raise BadRequest(
                "secret is not Base64, as Polymarket gives it beside the API key",
                venue="polymarket",
            )
        if hidden.is_cut_off():
            raise BadRequest(
                "secret is too short to be what Polymarket gives beside the API key: was "
                "it cut off?",
                venue="polymarket",
            )
        self.key = name.text
        self._secret = hidden.decoded()
        self._headers = {"POLY_API_KEY": name.text, "POLY_PASSPHRASE": phrase.text}

    def headers(
        self, address: str, timestamp: int, method: str, path: str, body: bytes = b""
    ) -> dict[str, str]:
        """The five headers of a private call, a fresh dict; ``timestamp`` is seconds.

        ``method`` is in capitals; ``path`` starts at the root of the host, and a query is
        cut, as it is not signed.
        ``body`` is exactly what is sent.
        """
        text = f"{timestamp}{method}{path.partition('?')[0]}".encode() + body
        signature = urlsafe_b64encode(digest(self._secret, text, "sha256"))
        return {
            "POLY_ADDRESS": address,
            "POLY_SIGNATURE": signature.decode("ascii"),
            "POLY_TIMESTAMP": str(timestamp),
            **self._headers,
        }

    def introduction(self) -> Hidden:
        """The frame that tells the user channel who we are."""
        auth = {
            "apiKey": self.key,
            "secret": urlsafe_b64encode(self._secret).decode("ascii"),
            "passphrase": self._headers["POLY_PASSPHRASE"],
        }
        return Hidden(_encode({"auth": auth, "type": "user"}).decode())

    def __repr__(self) -> str:
        return "<Polymarket API key>"

    def __copy__(self) -> ApiKey:
        return self

    def __deepcopy__(self, _: object) -> ApiKey:
        return self

    def __getstate__(self) -> NoReturn:
        refuse_pickling()

    def __reduce_ex__(self, _: object) -> NoReturn:
        refuse_pickling()
