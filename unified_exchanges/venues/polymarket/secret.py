"""Secrets on their way to whoever checks them, and the refusal to let them leave."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import NoReturn

from .curve import ORDER

__all__ = ["Secret", "refuse_pickling"]

_HEX_KEY = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,256}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_LEAST = 8
_URL_SAFE = str.maketrans("+/", "-_")


class Secret:
    """A secret text on its way to whoever checks it: a traceback shows names' values."""

    __slots__ = ("source", "text")

    def __init__(self, text: object, source: str) -> None:
        self.text = text.strip() if isinstance(text, str) else ""
        self.source = source

    def is_token(self) -> bool:
        """Whether it can be a header's value: a line break would begin another header."""
        return bool(_TOKEN.fullmatch(self.text))

    def is_base64(self) -> bool:
        """Whether it is Base64 of either alphabet."""
        # One character more than whole groups of four is less than a byte.
        is_whole = len(self.text.rstrip("=")) % 4 != 1
        return is_whole and bool(_BASE64.fullmatch(self.text))

    def is_cut_off(self) -> bool:
        """Whether it is too short to sign anything with."""
        return len(self.text.rstrip("=")) < _LEAST

    def decoded(self) -> bytes:
        """The bytes behind Base64 of either alphabet, its padding there or not."""
        text = self.text.translate(_URL_SAFE).rstrip("=")
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))

    def is_key(self) -> bool:
        """Whether it has the form of a private key."""
        return bool(_HEX_KEY.fullmatch(self.text))

    def is_in_range(self) -> bool:
        """Whether the curve has a key of this number."""
        return 0 < int(self.text, 16) < ORDER

    def scalar(self) -> bytes:
        """The private key's 32 bytes."""
        return int(self.text, 16).to_bytes(32, "big")


def refuse_pickling() -> NoReturn:
    """Say that what holds a key is not pickled."""
    raise TypeError(
        "Polymarket credentials are not pickled, so that keys stay in this process: load "
        "them anew from a key file in the other one"
    )
