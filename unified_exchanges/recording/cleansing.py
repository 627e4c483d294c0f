"""Takes secrets out of what is recorded, byte for byte else, and looks for those left over.

Numbers must stay as the venue wrote them, so JSON is not written anew: what is replaced is
replaced in the text, and what cannot be replaced there is a suspect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from string import ascii_letters, digits

from .fields import fields, replaced
from .held import hide_passwords
from .randomness import SHORTEST_KEY, SHORTEST_SLASHED
from .redaction import (
    REDACTED,
    REDACTED_KEY,
    cover_of,
    hide_owners,
    is_secret,
    is_secret_text,
    key_in,
)
from .spelling import escaped, in_addresses, unescaped
from .suspicion import cover_words, suspects

__all__ = ["Cleansing"]

_SHORTEST = 8
"""What is shorter and was not given stands for something else as well, somewhere."""
SHORTEST_GIVEN = 4
"""What is shorter and was given is in every word: nothing would be left."""
FEWEST_DIGITS = 6
"""The same of digits alone, which are in times, prices and ids."""
# Looked for in everything that comes: `in` is thirty times as fast as an expression.
_NAMES = (
    *(b"auth", b"cookie", b"credential", b"pass", b"secret", b"signature"),
    *(b"token", b"session", b"key", b"mnemonic", b"pwd", b"jwt", b"otp", b"bearer"),
    b"seed",
)
_PASSING = ("signature", "timestamp", "nonce")
"""Headers that are other ones with each request: only their names tell them."""
_MARKS = (b"-----BEGIN", b"eyJ")
_CODE = re.compile(rb"%[0-9a-fA-F]{2}")
_COVERS = {REDACTED, REDACTED_KEY}


def _all_but(kept: str) -> bytes:
    """A table that leaves these and makes blanks of all others."""
    kept += ascii_letters + digits
    return bytes(code if chr(code) in kept else ord(" ") for code in range(256))


_WORDS, _SLASHED = _all_but("+=_-"), _all_but("+=/")
# What is long and public, wherever it stands: ids of markets, orders and accounts.
_PUBLIC = re.compile(
    rb"0x(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40})|[0-9]+"
    rb"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)


class Cleansing:
    """Knows the secrets of one exchange, as far as they were seen; not for several threads.

    ``credentials`` are the names of the fields in which the venue tells, and is told, keys.
    From nothing else that is told any secret is learned: venues name what is public like
    secrets, too, and it would be taken out of everything that follows.
    """

    def __init__(
        self,
        key: str | None = None,
        never: Iterable[str] = (),
        credentials: Iterable[str] = (),
    ) -> None:
        self._known: dict[str, str] = {}
        self._covers: list[tuple[bytes, bytes]] = []
        # Looked for only where there is a mark of theirs at all.
        self._marked: dict[bytes, list[tuple[bytes, bytes]]] = {b"\\": [], b"%": []}
        self._credentials = frozenset(credentials)
        self._learn(key or "", REDACTED_KEY, SHORTEST_GIVEN)
        for text in never:
            self._learn(text, REDACTED, SHORTEST_GIVEN)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take what a request was signed with for secret from now on."""
        key = key_in(headers)
        for name, value in headers.items():
            if is_secret(name) and not name.lower().endswith(_PASSING):
                self._learn(value, REDACTED_KEY if value == key else REDACTED)

    def learn_credentials(self, data: bytes) -> None:
        """Take the keys that the venue gives, or is given, for secret from now on."""
        if not _is_named(data):
            return
        for field in fields(data, self._credentials.__contains__):
            text = unescaped(data[field.start : field.end].decode(errors="replace"))
            self._learn(text, cover_of(field.name, text) or REDACTED)

    def clean(self, data: bytes) -> bytes:
        """The same bytes with known secrets, and those that their names tell, replaced."""
        if _is_named(data):
            data = replaced(data, is_secret, cover_of)
        for secret, cover in self._covers:
            if secret in data:
                data = data.replace(secret, cover)
        for mark, covers in self._marked.items():
            if covers and mark in data:
                for secret, cover in covers:
                    data = data.replace(secret, cover)
        return hide_owners(hide_passwords(data))

    def clean_words(self, data: bytes) -> bytes:
        """The same JSON without what looks random in its texts; see `cover_words`."""
        return cover_words(data) if _is_json(data) else data

    def clean_query(self, query: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The same pairs, with secrets replaced."""
        return [
            (name, REDACTED)
            if is_secret_text(name, value)
            else (name, self.clean_text(value))
            for name, value in query
        ]

    def clean_text(self, text: str) -> str:
        """The same text, with known secrets replaced."""
        return self.clean(text.encode()).decode(errors="replace")

    def suspects(self, data: bytes, url: str = "") -> list[str]:
        """Name the places of what was cleansed that still look like a secret."""
        # Without an escape, what is known and stands there was replaced.
        is_escaped = b"\\" in data or self._may_be_address(data)
        if not (url or is_escaped or _is_named(data) or _is_odd(data)):
            return []
        return suspects(url, {}, data, self._known)

    def suspect_pairs(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """Name the headers that look like a secret."""
        return suspects("", dict(pairs), b"", self._known)

    def _may_be_address(self, data: bytes) -> bool:
        """Whether something known may be in it that is written as in an address."""
        has_spaces = b"+" in data and any(" " in x for x in self._known)
        return has_spaces or (b"%" in data and _CODE.search(data) is not None)

    def _learn(self, text: str, cover: str, shortest: int = _SHORTEST) -> None:
        if len(text) < shortest or text in _COVERS or text in self._known:
            return
        self._known[text] = cover
        _add(self._covers, [text], cover)
        _add(self._marked[b"\\"], escaped(text), cover)
        _add(self._marked[b"%"], in_addresses(text), cover)


def _add(covers: list[tuple[bytes, bytes]], texts: Iterable[str], cover: str) -> None:
    covers += [(text.encode(errors="replace"), cover.encode()) for text in texts]
    # Of one that is a part of another the rest would be left.
    covers.sort(key=lambda pair: (-len(pair[0]), pair))


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _is_named(data: bytes) -> bool:
    """Whether a name in it may be that of a secret."""
    small = data.lower()
    return any(name in small for name in _NAMES)


def _is_odd(data: bytes) -> bool:
    """Whether anything in it is long and no id, or begins as a key does."""
    if any(mark in data for mark in _MARKS):
        return True
    words = data.translate(_WORDS).split()
    if any(len(x) >= SHORTEST_KEY and not _PUBLIC.fullmatch(x) for x in words):
        return True
    if b"/" not in data:
        return False
    return any(
        len(x) >= SHORTEST_SLASHED and b"/" in x
        for x in data.translate(_SLASHED).split()
    )
