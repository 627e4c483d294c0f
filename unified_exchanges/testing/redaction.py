"""What must not be stored: known secrets are taken out, suspected ones stop the saving."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import BadRequest

__all__ = [
    "REDACTED",
    "SuspectedSecret",
    "redact_body",
    "redact_headers",
    "suspects",
]

REDACTED = "REDACTED"

_SECRET_NAME = re.compile(
    r"kalshi-access-|authorization|cookie|credential|pass(word|phrase|wd)|secret"
    r"|signature|token|session|private.?key|api.?key|access.?key|mnemonic|^auth$",
    re.IGNORECASE,
)
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|\beyJ[\w-]{10,}\.[\w-]{10,}\.")
_WORD = re.compile(r"[A-Za-z0-9+=_-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(0x)?[0-9a-fA-F]{40,}")
_PUBLIC_NAME = re.compile(
    r"(^|_|-)(id|ids|cursor|hash|ticker|url|user-agent)$", re.IGNORECASE
)
_SHORTEST_KEY = 24
_ENTROPY = 3.5


class SuspectedSecret(BadRequest):
    """A recording was about to be saved with something in it that looks like a secret."""


def redact_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Blank the headers whose name says that they hold a secret."""
    return {
        name: REDACTED if _SECRET_NAME.search(name) else value
        for name, value in headers.items()
    }


def redact_body(body: bytes) -> bytes:
    """Blank the fields of a JSON body whose name says that they hold a secret."""
    try:
        content = json.loads(body)
    except ValueError:
        return body
    clean = _redact(content)
    return body if clean == content else json.dumps(clean).encode()


def _redact(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: REDACTED
            if isinstance(value, str) and _SECRET_NAME.search(name)
            else _redact(value)
            for name, value in content.items()
        }
    return [_redact(part) for part in content] if isinstance(content, list) else content


def suspects(
    url: str, headers: Mapping[str, Any], body: bytes, never: Iterable[str] = ()
) -> list[str]:
    """Name the places that hold what looks like a secret; never the values.

    Looked for are private keys and signed tokens, long random words, and the texts in
    ``never``.  Identifiers, hashes and cursors may be long and random.
    """
    forbidden = [text for text in never if text]
    return [
        place
        for place, name, text in _texts(url, headers, body)
        if any(secret in text for secret in forbidden) or _is_suspect(name, text)
    ]


def _texts(
    url: str, headers: Mapping[str, Any], body: bytes
) -> Iterator[tuple[str, str, str]]:
    parts = urlsplit(url)
    yield "the path", "path", parts.path
    for name, value in parse_qsl(parts.query):
        yield f"query parameter {name!r}", name, value
    for name, value in headers.items():
        for text in value if isinstance(value, list) else [value]:
            yield f"header {name!r}", name, str(text)
    yield from _body_texts(body)


def _body_texts(body: bytes) -> Iterator[tuple[str, str, str]]:
    text = body.decode(errors="replace")
    try:
        content = json.loads(text)
    except ValueError:
        yield "the body", "body", text
    else:
        for name, value in _leaves(content):
            yield f"field {name!r}", name, value


def _leaves(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _leaves(value, str(key))
    elif isinstance(content, list):
        for value in content:
            yield from _leaves(value, name)
    elif isinstance(content, str):
        yield name, content


def _is_suspect(name: str, text: str) -> bool:
    if _KEY.search(text):
        return True
    if text == REDACTED or _PUBLIC_NAME.search(name):
        return False
    if text and _SECRET_NAME.search(name):
        return True
    return any(_is_random(word) for word in _WORD.findall(text))


def _is_random(word: str) -> bool:
    if len(word) < _SHORTEST_KEY or _UUID.fullmatch(word):
        return False
    if _HEX.fullmatch(word):
        return True
    kinds = (str.isupper, str.islower, str.isdigit)
    if not all(any(map(kind, word)) for kind in kinds):
        return False
    counts = Counter(word).values()
    shares = [count / len(word) for count in counts]
    return -math.fsum(share * math.log2(share) for share in shares) > _ENTROPY
