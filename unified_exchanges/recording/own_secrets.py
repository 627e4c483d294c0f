"""What an exchange was given to sign with, wherever it found that: it is recorded nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from ..settings import Settings

__all__ = ["own_secrets"]

_VARIABLE: Final = re.compile(r"_(PRIVATE_KEY(_PATH)?|SECRET|PASSWORD|PASSPHRASE)$")
_WALLET: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_LARGEST: Final = 4096
"""Bytes of a file that may hold the key of a wallet."""


def own_secrets(venue: str, settings: Settings) -> list[str]:
    """The texts of them, and the key of a wallet in all its spellings.

    What is PEM in a file looks like a secret by itself.
    """
    found: list[str] = []
    for given in _given(venue, settings):
        text = _text_of(given)
        digits = _WALLET.fullmatch(text)
        if digits is not None:
            # It is the same in either case, and with or without 0x.
            found += [digits[1].lower(), digits[1].upper()]
        found.append(text)
    return [text for text in dict.fromkeys(found) if text]


def _given(venue: str, settings: Settings) -> Iterator[str | PathLike[str]]:
    for given in (settings.private_key, settings.secret, settings.password):
        if isinstance(given, str | PathLike):
            yield given
    for name, value in settings.environ.items():
        if name.startswith(f"{venue.upper()}_") and _VARIABLE.search(name):
            yield value


def _text_of(given: str | PathLike[str]) -> str:
    """The text itself; of the path of a file, the key of a wallet in it, or else nothing."""
    try:
        path = Path(given)
        if not path.is_file():
            return "" if isinstance(given, PathLike) else given.strip()
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode(errors="replace").strip()
    except (OSError, ValueError):
        # Longer than a name may be: it is the key itself.
        return fspath(given).strip()
    return text if _WALLET.fullmatch(text) else ""
