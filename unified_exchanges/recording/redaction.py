"""What must not be stored: known secrets are taken out, suspected ones stop the saving."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from ..errors import BadRequest

__all__ = [
    "REDACTED",
    "REDACTED_KEY",
    "SuspectedSecret",
    "chain_words",
    "hide_owners",
    "is_secret",
    "is_secret_number",
    "key_in",
    "read_texts",
    "redact_body",
    "redact_headers",
    "suspects",
]

REDACTED = "REDACTED"
REDACTED_KEY = "REDACTED-KEY"
"""Stands for the id of the key that a request is made with, which bodies name as well."""

# A token's id and a kind of signature are none.
_SECRET_NAME = re.compile(
    r"authorization|cookie|credential|pass(word|phrase|wd)|secret"
    r"|signature(?!_?type)|token(?!s?_?ids?$)|session"
    r"|private.?key|api.?key|access.?key|mnemonic|^auth$",
    re.IGNORECASE,
)
# Numbers stand beside such words as well: of a price of a token the name goes on.
_NUMBER_NAME = re.compile(
    r"(pass(word|phrase|wd|code)|secret|token|session|private.?key|api.?key"
    r"|access.?key|authorization|cookie|credential)s?$",
    re.IGNORECASE,
)
_FEWEST_DIGITS = 4
_KEY_NAME = re.compile(r"(api|access).?key$", re.IGNORECASE)
_OWNER = re.compile(rb'("(?:\w+_)?owner"\s*:\s*)"((?:[^"\\]|\\.)+)"')
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|\beyJ[\w-]{10,}\.[\w-]{10,}\.")
_WORD = re.compile(r"[A-Za-z0-9+=_-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(0x)?(?=[0-9]*[a-fA-F])[0-9a-fA-F]{40,}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_CHAIN_WORD = re.compile(r"\b0x[0-9a-fA-F]{64}\b")
_PUBLIC_NAME = re.compile(
    r"(^|_|-)(id|ids|cursor|hash|ticker|url|image|icon|user-agent)$", re.IGNORECASE
)
_SHORTEST_KEY = 24
_ENTROPY = 3.5


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


def is_secret(name: str, signed_by: tuple[str, ...] = ()) -> bool:
    """Whether what bears this name is a secret, at any venue."""
    return name.upper().startswith(signed_by) or bool(_SECRET_NAME.search(name))


def is_secret_number(name: str, value: str) -> bool:
    """Whether a number that bears this name is a secret, and neither a count nor a price."""
    digits = sum(map(str.isdigit, value))
    return digits >= _FEWEST_DIGITS and bool(_NUMBER_NAME.search(name))


def redact_body(body: bytes) -> bytes:
    """Blank the fields of a JSON body whose name says that they hold a secret."""
    try:
        content = json.loads(body)
    except ValueError:
        return body
    clean = _redact(content)
    return body if clean == content else json.dumps(clean).encode()


def _redact(content: Any, cover: str = "") -> Any:
    if isinstance(content, dict):
        return {
            name: REDACTED
            if _is_number(value) and is_secret_number(name, str(value))
            else _redact(value, _cover(name))
            for name, value in content.items()
        }
    if isinstance(content, list):
        return [_redact(part, cover) for part in content]
    return cover if cover and isinstance(content, str) else content


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cover(name: str) -> str:
    """What to put in the place of what bears a name; "" for what may be seen."""
    if not is_secret(name):
        return ""
    return REDACTED_KEY if _KEY_NAME.search(name) else REDACTED


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


def suspects(
    url: str,
    headers: Mapping[str, Any],
    body: bytes,
    never: Iterable[str] = (),
    known: Container[str] | None = None,
    signed_by: tuple[str, ...] = (),
) -> list[str]:
    """Name the places that hold what looks like a secret; never the values.

    Looked for are private keys and signed tokens, long random words, and the texts in
    ``never``, also as an address has them.  Identifiers, hashes and cursors may be long and
    random.  A word of 32 bytes of a chain (0x and 64 digits) is an id if it is in ``known``,
    and a key otherwise; without ``known``, as in what a venue says, it is an id.
    """
    forbidden = [text for text in never if text]
    return [
        place
        for place, name, text in _texts(url, headers, body)
        if _has_any(text, forbidden) or _is_suspect(name, text, known, signed_by)
    ]


def _has_any(text: str, forbidden: list[str]) -> bool:
    """Whether a secret is in a text, or in what it is without the escapes of addresses.

    An address may stand anywhere, and be escaped in part or more than once.
    """
    if not forbidden:
        return False
    seen: set[str] = set()
    waiting = {text}
    while waiting:
        if any(secret in each for each in waiting for secret in forbidden):
            return True
        seen |= waiting
        # Each is shorter, or has fewer of the signs: it ends.
        waiting = {f(x) for x in waiting for f in (unquote, unquote_plus)} - seen
    return False


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
        yield from _leaves(_inner(content), name)
    elif _is_number(content) and is_secret_number(name, str(content)):
        yield name, str(content)


def _inner(text: str) -> Any:
    """What a text is that is JSON itself, and None for any other."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_suspect(
    name: str, text: str, known: Container[str] | None, signed_by: tuple[str, ...]
) -> bool:
    if _KEY.search(text):
        return True
    unknown = chain_words(text)
    if known is not None and any(x not in known and _varies(x) for x in unknown):
        return True
    if text in {REDACTED, REDACTED_KEY} or _PUBLIC_NAME.search(name):
        return False
    if text and is_secret(name, signed_by):
        return True
    return any(_is_random(word) for word in _WORD.findall(_CHAIN_WORD.sub("", text)))


def _varies(word: str) -> bool:
    """Whether it is more than one digit again and again, which stands for nothing."""
    return len(set(word[2:])) > 1


def _is_random(word: str) -> bool:
    if len(word) < _SHORTEST_KEY or _UUID.fullmatch(word) or _ADDRESS.fullmatch(word):
        return False
    if _HEX.fullmatch(word):
        return True
    kinds = (str.isupper, str.islower, str.isdigit)
    if not all(any(map(kind, word)) for kind in kinds):
        return False
    counts = Counter(word).values()
    shares = [count / len(word) for count in counts]
    return -math.fsum(share * math.log2(share) for share in shares) > _ENTROPY
