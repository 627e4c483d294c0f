"""Secrets that a text names itself: in a form, a header, or before the host of an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .redaction import REDACTED

__all__ = ["held", "hide_passwords", "without_held"]

# With a colon, and of names that say less, only what has letters and digits: people write of
# passwords as well. What is looked for has an end, so that the time is linear in the length.
_HELD = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?P<name>pass(?:word|phrase|wd|code)|pwd|(?:client_?)?secret|mnemonic|authorization"
    r"|(?:api|private|access)_?key)=(?:(?:bearer|basic|token)\s+)?"
    r"|(?P<head>authorization)\s{0,9}:\s{0,9}(?:bearer|basic|token)\s+"
    r"|(?:(?P<said>pass(?:word|phrase|wd|code)|pwd|client[ _-]?secret"
    r"|(?:api|private|access)[ _-]?key)'?\s{0,9}:\s{0,9}'?"
    r"|(?P<kept>(?:access|auth|refresh|id)?_?token|session(?:_?id)?|signature|jwt)="
    r"(?=[^&\s\"']{8}))"
    r"(?=[^&\s\"']{0,99}[0-9])(?=[^&\s\"']{0,99}[A-Za-z])"
    r")(?P<value>[^&\s\"']{4,})",
    re.IGNORECASE,
)
_NAMED = ("name", "head", "said", "kept")
_PASSWORD = re.compile(
    r"(?P<before>:(?:\\?/){2}[^\s/:@\"\\]{0,99}:)(?P<value>[^\s/@\"\\]{1,256})@"
)
_PASSWORD_BYTES = re.compile(_PASSWORD.pattern.encode())


def held(text: str) -> Iterator[tuple[str, str]]:
    """The secrets in a text, by their names."""
    if "=" in text or ":" in text:
        for found in _HELD.finditer(text):
            yield next(filter(None, found.group(*_NAMED))), found["value"]
    if _has_password(text):
        for found in _PASSWORD.finditer(text):
            yield "password", found["value"]


def _has_password(text: str) -> bool:
    """Whether there may be one before the host of an address."""
    return "@" in text and ":" in text and "/" in text


def without_held(text: str) -> str:
    """A text with the secrets in it covered."""
    return _PASSWORD.sub(_cover_password, _HELD.sub(_cover, text))


def hide_passwords(data: bytes) -> bytes:
    """Cover what stands before the host of an address, wherever that is."""
    if b"@" not in data or b":" not in data:
        return data
    return _PASSWORD_BYTES.sub(rb"\g<before>%b@" % REDACTED.encode(), data)


def _cover(found: re.Match[str]) -> str:
    start = found.start("value") - found.start()
    return f"{found[0][:start]}{REDACTED}"


def _cover_password(found: re.Match[str]) -> str:
    return f"{found['before']}{REDACTED}@"
