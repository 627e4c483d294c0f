"""What the refusals of any venue have in common: a class, an advice, clean words, a pause.

A venue's table of errors stands on this; what its words mean is in its own folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from ..errors import UnifiedExchangesError

__all__ = ["LONGEST", "Reason", "clean", "clock_offset", "header", "pause"]

LONGEST: Final = 4_096
"""Characters of an answer that are looked at."""

_EXCERPT: Final = 300
_LONGEST_PAUSE: Final = 3_600

# Ids of markets, tokens and orders may look like a signature, and say what is wrong.
_SECRETS: Final = re.compile(
    r"""-----BEGIN.*?(?:-----END[^-]*-----|\Z)  # keys
    | (?<![A-Za-z0-9+/])(?!0x[0-9a-f]+\b|\d+\b)[A-Za-z0-9+/]{64,}={0,2}  # signatures
    | \b0x[0-9a-f]{65,}                       # signatures
    | eyJ[\w-]+\.[\w-]+\.[\w-]*             # tokens
    | (?<=bearer\s)\S+
    | (?<=basic\s)\S+
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_SECRET_FIELDS: Final = re.compile(
    r"""((?:kalshi-access-|poly[_-]|authorization|cookie|api[_-]?key|private[_-]?key
        |pass(?:word|phrase)|secret|signature|token(?!\s*_?id))[\w-]*[\\"']*\s*[:=]\s*)
    (?:\\*["'][^"']*|[^\s"',;<>&}]+)  # quotes may be escaped: JSON within JSON
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Reason(NamedTuple):
    """The class of an error and the advice that ends its message.

    ``name`` is for whoever must tell reasons of one class apart.
    """

    kind: type[UnifiedExchangesError]
    advice: str
    name: str = ""


def clean(text: str) -> str:
    """One line of at most 300 characters without anything that looks like a secret."""
    hidden = _SECRETS.sub("REDACTED", text[:LONGEST])
    hidden = _SECRET_FIELDS.sub(r"\1REDACTED", hidden)
    line = " ".join("".join(c if c.isprintable() else " " for c in hidden).split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"


def header(headers: Mapping[str, str], wanted: str) -> str | None:
    """A header by its name in lower case, however it is spelt."""
    for name, value in headers.items():
        if name.lower() == wanted:
            return value
    return None


def clock_offset(date: str | None, now: float) -> int | None:
    """The venue's clock minus ours in milliseconds, to the second that a header tells."""
    seconds = _seconds(date)
    return None if seconds is None else round((seconds - now) * 1000)


def pause(retry_after: str | None, now: float) -> float | None:
    """Seconds to wait, from a number or a date: an hour at most."""
    told = (retry_after or "").strip()
    if told.isascii() and told.isdigit():
        return min(int(told[:9]), _LONGEST_PAUSE)
    seconds = _seconds(told)
    return None if seconds is None else min(max(0, seconds - now), _LONGEST_PAUSE)


def _seconds(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
