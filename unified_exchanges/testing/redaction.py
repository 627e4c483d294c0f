"""What must not be stored of a cassette, whose headers are those of any venue there is."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cache
from typing import Any

from ..recording import redaction, suspicion
from ..recording.redaction import (
    REDACTED,
    REDACTED_KEY,
    SuspectedSecret,
    chain_words,
    hide_owners,
    key_in,
    read_texts,
    redact_body,
)
from ..registry import exchanges, folder

__all__ = [
    "REDACTED",
    "REDACTED_KEY",
    "SuspectedSecret",
    "chain_words",
    "hide_owners",
    "key_in",
    "read_texts",
    "redact_body",
    "redact_headers",
    "suspects",
]


def redact_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Blank the headers whose name says that they hold a secret, at any venue."""
    return redaction.redact_headers(headers, _key_headers())


def suspects(
    url: str,
    headers: Mapping[str, Any],
    body: bytes,
    never: Iterable[str] = (),
    known: Container[str] | None = None,
) -> list[str]:
    """Name the places that hold what looks like a secret, at any venue."""
    return suspicion.suspects(url, headers, body, never, known, _key_headers())


@cache
def _key_headers() -> tuple[str, ...]:
    """What the names of the headers begin with that venues are asked and signed with."""
    found = (folder(name, "description").FACTS.key_headers for name in exchanges)
    return tuple(name.upper() for names in found for name in names)
