"""What must not be stored: known secrets are taken out, suspected ones stop the saving."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ..errors import BadRequest
from .fields import replaced
from .repeated import Repeated, read_json

__all__ = [
    "REDACTED",
    "REDACTED_KEY",
    "SuspectedSecret",
    "chain_words",
    "cover_of",
    "hide_owners",
    "is_secret",
    "is_secret_number",
    "is_secret_text",
    "is_surely_secret",
    "key_in",
    "read_texts",
    "redact_body",
    "redact_headers",
    "without_chain_words",
]

REDACTED = "REDACTED"
REDACTED_KEY = "REDACTED-KEY"
"""Stands for the id of the key that a request is made with, which bodies name as well."""

# A token's id and a kind of signature are none.
_SECRET_NAME = re.compile(
    r"authorization|cookie|credential|pass(word|phrase|wd|code)|pwd|secret"
    r"|signature(?!_?type)|token(?!s?_?ids?$)|session"
    r"|priv(ate)?.?key|api.?key|access.?key|mnemonic|seed.?phrase|jwt|^auth$"
    r"|(^|[_-])(otp|totp|bearer)($|[_-])",
    re.IGNORECASE,
)
# Numbers stand beside such words as well: of a price of a token the name goes on.
_NUMBER_NAME = re.compile(
    r"(pass(word|phrase|wd|code)|pwd|secret|token|session|priv(ate)?.?key|api.?key"
    r"|access.?key|authorization|cookie|credential|(^|[_-])t?otp)s?$",
    re.IGNORECASE,
)
# Whatever it holds: of the other words venues make names of what is public as well.
_SURE_NAME = re.compile(
    r"authorization|cookie|credential|pass(word|phrase|wd|code)|pwd|secret"
    r"|priv(ate)?.?key|api.?key|access.?key|mnemonic|seed.?phrase|jwt|(^|[_-])(otp|totp|bearer)($|[_-])",
    re.IGNORECASE,
)
# Ids of outcomes, addresses, and words of a chain such as hashes.
_PUBLIC = re.compile(r"0x(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40})|[0-9]{24,}")
_TOKEN = re.compile("token", re.IGNORECASE)
_FEWEST_DIGITS = 4
_KEY_NAME = re.compile(r"(api|access).?key$", re.IGNORECASE)
_OWNER = re.compile(rb'("(?:\w+_)?owner"\s*:\s*)"((?:[^"\\]|\\.)+)"')
_CHAIN_WORD = re.compile(r"\b0x[0-9a-fA-F]{64}\b")


class SuspectedSecret(BadRequest):
    """A recording was about to be saved with something in it that looks like a secret."""


def read_texts(name: str, given: object) -> list[str]:
    """Read texts that are secrets, or none; one by itself would be taken letter by letter."""
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        texts = [*given]
        if all(isinstance(x, str) for x in texts):
            if not all(map(str.strip, texts)):
                raise BadRequest(
                    f"{name}= has a text in which nothing is: leave it out, or look why "
                    "what should be in it is not there"
                )
            return texts
    # What was given may be a secret: it is not shown.
    raise BadRequest(f'{name}= must be a list of texts, such as ["my password"]')


def redact_headers(
    headers: Mapping[str, Any], signed_by: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Blank the headers whose name says that they hold a secret.

    ``signed_by`` is what the names begin with, in capitals, of those that requests are
    signed with.
    """
    return {
        name: REDACTED if is_secret(name, signed_by) else value
        for name, value in headers.items()
    }


def key_in(headers: Mapping[str, Any]) -> str:
    """The id of the key that a request is made with, or "" where none can be seen."""
    found = next((str(v) for k, v in headers.items() if _KEY_NAME.search(k)), "")
    return "" if found == REDACTED else found


@lru_cache(4096)
def is_secret(name: str, signed_by: tuple[str, ...] = ()) -> bool:
    """Whether what bears this name may be a secret, at any venue."""
    return name.upper().startswith(signed_by) or bool(_SECRET_NAME.search(name))


def is_surely_secret(name: str) -> bool:
    """Whether what bears this name is a secret whatever it holds."""
    return bool(_SURE_NAME.search(name))


def is_secret_text(name: str, text: str, signed_by: tuple[str, ...] = ()) -> bool:
    """Whether a text that bears this name is a secret, and not the id of something.

    Polymarket tells the ids of outcomes, digits alone, as ``token`` (data API, 2026-10).
    """
    if not text or not is_secret(name, signed_by):
        return False
    if is_surely_secret(name) or name.upper().startswith(signed_by):
        return True
    return not (_PUBLIC.fullmatch(text) or (text.isdigit() and _TOKEN.search(name)))


def is_secret_number(name: str, value: str) -> bool:
    """Whether a number that bears this name is a secret, and no count, price or id."""
    digits = sum(map(str.isdigit, value))
    if digits < _FEWEST_DIGITS or not _NUMBER_NAME.search(name):
        return False
    return is_surely_secret(name) or not _PUBLIC.fullmatch(value)


def cover_of(name: str, text: str, is_number: bool = False) -> str:  # noqa: FBT001, FBT002
    """What to put in the place of a value by its name; "" for what may be seen."""
    is_hidden = is_secret_number if is_number else is_secret_text
    if text in {REDACTED, REDACTED_KEY} or not is_hidden(name, text):
        return ""
    return REDACTED_KEY if not is_number and _KEY_NAME.search(name) else REDACTED


def redact_body(body: bytes) -> bytes:
    """Blank the fields of a JSON body whose name says that they hold a secret.

    All else, such as numbers, stays as it is written.
    """
    try:
        content = read_json(body)
    except ValueError:
        return body
    if _redact(content) == content:
        return body
    done = replaced(body, is_secret, cover_of)
    left = read_json(done)
    if _redact(left) == left:
        return done
    # Not found in place is a name with escapes, or a list in a list.
    return json.dumps(_redact(json.loads(body))).encode()


def _redact(content: Any, name: str = "") -> Any:
    if isinstance(content, dict):
        return {key: _redact(value, key) for key, value in content.items()}
    if isinstance(content, Repeated):
        return Repeated([(key, _redact(value, key)) for key, value in content.pairs])
    if isinstance(content, list):
        return [_redact(part, name) for part in content]
    if isinstance(content, str):
        return cover_of(name, content) or content
    if isinstance(content, int | float) and not isinstance(content, bool):
        return cover_of(name, str(content), is_number=True) or content
    return content


def hide_owners(body: bytes) -> bytes:
    """Blank who owns an order or a trade: Polymarket tells the API keys of both sides.

    Ours stands as `REDACTED_KEY` by then, by which a replay knows what is its own.
    """
    return _OWNER.sub(_hide_owner, body) if b"owner" in body else body


def _hide_owner(found: re.Match[bytes]) -> bytes:
    if found[2] == REDACTED_KEY.encode():
        return found[0]
    return b'%b"%b"' % (found[1], REDACTED.encode())


def chain_words(*texts: str) -> set[str]:
    """The words of 32 bytes in some texts, 0x and 64 digits: ids, hashes, or a key."""
    return {word.lower() for text in texts for word in _CHAIN_WORD.findall(text)}


def without_chain_words(text: str) -> str:
    """A text without the words of 32 bytes in it."""
    return _CHAIN_WORD.sub("", text)
