"""Takes secrets out of what is recorded, byte for byte else, and looks for those left over.

Numbers must stay as the venue wrote them, so JSON is not written anew: what is replaced is
replaced in the text, and what cannot be replaced there is a suspect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import ascii_letters, digits

from .redaction import (
    REDACTED,
    REDACTED_KEY,
    hide_owners,
    is_secret,
    key_in,
    suspects,
)

__all__ = ["Cleansing"]

_SHORTEST = 8
"""Shorter texts stand for something else as well, somewhere in a recording."""
_FIELD = re.compile(rb'("((?:[^"\\]|\\.)*)"\s*:\s*)"((?:[^"\\]|\\.)+)"')
# Looked for in everything that comes: `in` is thirty times as fast as an expression.
_NAMES = (
    *(b"auth", b"cookie", b"credential", b"pass", b"secret", b"signature"),
    *(b"token", b"session", b"key", b"mnemonic"),
)
_PASSING = ("signature", "timestamp", "nonce")
"""Headers that are other ones with each request: only their names tell them."""
_MARKS = (b"-----BEGIN", b"eyJ")
_LONG = 24
_WORDS = bytes(
    code if chr(code) in f"{ascii_letters}{digits}+=_-" else ord(" ")
    for code in range(256)
)
# What is long and public, wherever it stands: ids of markets, orders and accounts.
_PUBLIC = re.compile(
    rb"0x(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40})|[0-9]+"
    rb"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)


class Cleansing:
    """Knows the secrets of one exchange, as far as they were seen; not for several threads."""

    def __init__(self, key: str | None = None, never: Iterable[str] = ()) -> None:
        self._known: dict[bytes, bytes] = {}
        self._learn(key or "", REDACTED_KEY)
        for text in never:
            self._learn(text, REDACTED)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take what a request was signed with for secret from now on."""
        key = key_in(headers)
        for name, value in headers.items():
            if is_secret(name) and not name.lower().endswith(_PASSING):
                self._learn(value, REDACTED_KEY if value == key else REDACTED)

    def clean(self, data: bytes) -> bytes:
        """The same bytes with known secrets, and those that their names tell, replaced."""
        if _is_named(data):
            data = _FIELD.sub(self._field, data)
        for secret, cover in self._known.items():
            if secret in data:
                data = data.replace(secret, cover)
        return hide_owners(data)

    def clean_query(self, query: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The same pairs, with secrets replaced."""
        return [
            (name, REDACTED if value and is_secret(name) else self.clean_text(value))
            for name, value in query
        ]

    def clean_text(self, text: str) -> str:
        """The same text, with known secrets replaced."""
        return self.clean(text.encode()).decode(errors="replace")

    def suspects(self, data: bytes, url: str = "") -> list[str]:
        """Name the places of what was cleansed that still look like a secret."""
        if not url and not _is_named(data) and not _is_odd(data):
            return []
        never = [secret.decode() for secret in self._known]
        return suspects(url, {}, data, never)

    def suspect_pairs(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """Name the headers that look like a secret."""
        return suspects("", dict(pairs), b"")

    def _field(self, found: re.Match[bytes]) -> bytes:
        name, value = found[2].decode(errors="replace"), found[3]
        if not is_secret(name) or value in {REDACTED.encode(), REDACTED_KEY.encode()}:
            return found[0]
        is_key = bool(key_in({name: "x"}))
        cover = REDACTED_KEY if is_key else REDACTED
        if not name.lower().endswith(_PASSING):
            self._learn(value.decode(errors="replace"), cover)
        return found[1] + b'"' + cover.encode() + b'"'

    def _learn(self, text: str, cover: str) -> None:
        if len(text) >= _SHORTEST and text not in {REDACTED, REDACTED_KEY}:
            self._known.setdefault(text.encode(), cover.encode())


def _is_named(data: bytes) -> bool:
    """Whether a name in it may be that of a secret."""
    small = data.lower()
    return any(name in small for name in _NAMES)


def _is_odd(data: bytes) -> bool:
    """Whether anything in it is long and no id, or begins as a key does."""
    if any(mark in data for mark in _MARKS):
        return True
    words = data.translate(_WORDS).split()
    return any(len(word) >= _LONG and not _PUBLIC.fullmatch(word) for word in words)
