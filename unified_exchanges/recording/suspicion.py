"""What looks like a secret: named by its place, and covered where it stands in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from .fields import fields
from .held import held, without_held
from .randomness import has_random
from .redaction import (
    REDACTED,
    REDACTED_KEY,
    chain_words,
    is_secret_number,
    is_secret_text,
    is_surely_secret,
)
from .repeated import Repeated, read_json

__all__ = ["cover_words", "leaves", "suspects"]

_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|\beyJ[\w-]{10,512}\.[\w-]{10,}\.")
_MARKS = ("-----BEGIN", "eyJ")
_COVERS = frozenset({REDACTED, REDACTED_KEY})
_CHUNK = re.compile(r"\S+")
_PUBLIC_NAME = re.compile(
    r"(?i:(^|_|-)(ids?|markets?|symbols?|assets?|tickers?|slug|cursor|hash|url|image|icon"
    r"|logo|user-agent))$"
    r"|[a-z0-9](I[dD]s?|Markets?|Symbols?|Assets?|Tickers?|Slug|Cursor|Hash|Url|Image|Icon"
    r"|Logo)$"
)
_STRING = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?', re.DOTALL)
_HEADER = re.compile(
    r"(proxy-)?authorization|(set-)?cookie|(x-)?(api|access|private)[-_]?key"
    r"|pass(word|phrase|wd|code)|pwd|secret",
    re.IGNORECASE,
)
# What bears such a name has nothing in it that may be seen, objects included.
_WHOLE = re.compile(
    r"pass(word|phrase|wd|code)|pwd|secret|priv(ate)?.?key|mnemonic|seed.?phrase",
    re.IGNORECASE,
)
# A name as a value, and what its value is called then.
_NAMES = frozenset(("name", "key", "header", "field"))
_VALUES = frozenset({"value", "val", "text", "raw", "data", "content", "plain"})
_PAIR = 2
_UNNAMED = "a field whose name is not told"
_DEEPEST = 8
"""How often what stands in an address may be escaped: nobody does it that often."""


class _Text(NamedTuple):
    name: str
    text: str
    is_name: bool = False


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
    ``never``, also as an address has them; in names of fields as well, which are not told
    then.  Identifiers, hashes and cursors may be long and
    random.  A word of 32 bytes of a chain (0x and 64 digits) is an id if it is in ``known``,
    and a key otherwise; without ``known``, as in what a venue says, it is an id.
    """
    forbidden = [text for text in never if text]

    def is_found(name: str, text: str) -> bool:
        return _has_any(text, forbidden) or _is_suspect(name, text, known, signed_by)

    return [
        place if place == name or not is_found("", name) else _UNNAMED
        for place, name, text in _texts(url, headers, body)
        if is_found(name, text)
    ]


def _has_any(text: str, forbidden: list[str]) -> bool:
    """Whether a secret is in a text, or in what it is without the escapes of addresses.

    An address may stand anywhere, and be escaped in part or more than once.
    """
    if not forbidden:
        return False
    if "%" not in text and "+" not in text:
        return any(secret in text for secret in forbidden)
    seen: set[str] = set()
    waiting = {text}
    for _ in range(_DEEPEST):
        if any(secret in each for each in waiting for secret in forbidden):
            return True
        seen |= waiting
        waiting = {f(x) for x in waiting for f in (unquote, unquote_plus)} - seen
        if not waiting:
            return False
    # Escaped more often than anybody does: who knows what it is.
    return True


def _texts(
    url: str, headers: Mapping[str, Any], body: bytes
) -> Iterator[tuple[str, str, str]]:
    parts = urlsplit(url)
    yield "the path", "the path", parts.path
    for name, value in parse_qsl(parts.query):
        yield "the name of a parameter", "the name of a parameter", name
        yield f"query parameter {name!r}", name, value
    for name, value in headers.items():
        for text in value if isinstance(value, list) else [value]:
            yield f"header {name!r}", name, str(text)
    yield from _body_texts(body)


def _body_texts(body: bytes) -> Iterator[tuple[str, str, str]]:
    text = body.decode(errors="replace")
    try:
        content = read_json(text)
    except (ValueError, RecursionError):
        for found in _of_text("the body", text):
            yield "the body", found.name, found.text
        return
    names: set[str] = set()
    for found in leaves(content):
        if not found.is_name:
            yield f"field {found.name!r}", found.name, found.text
        elif found.text not in names:
            names.add(found.text)
            yield "the name of a field", "the name of a field", found.text


def leaves(content: Any, name: str = "") -> Iterator[_Text]:
    """Every text in JSON by its name, and the names; of numbers those that are secret."""
    # Not by calling itself: what is nested too deeply for that may be told as well.
    waiting = [(name, content)]
    while waiting:
        of, value = waiting.pop()
        if isinstance(value, dict | Repeated):
            pairs = value.items() if isinstance(value, dict) else value.pairs
            for key, _ in pairs:
                yield _Text("", key, is_name=True)
            waiting += reversed(_of_object(pairs, of))
        elif isinstance(value, list):
            names = ["", value[0]] if _is_header(value) else [of] * len(value)
            waiting += reversed([*zip(names, value, strict=True)])
        elif isinstance(value, str):
            yield from _of_text(of, value)
        elif _is_number(value) and is_secret_number(of, str(value)):
            yield _Text(of, str(value))


def _of_object(pairs: Collection[tuple[str, Any]], name: str) -> list[tuple[str, Any]]:
    """What is in an object, by what each is called there, or what tells its name."""
    if _WHOLE.search(name):
        return [(name, value) for _, value in pairs]
    told = _told_name(pairs) or (name if is_surely_secret(name) else "")
    return [
        (told or key if key.lower() in _VALUES else key, value) for key, value in pairs
    ]


def _of_text(name: str, text: str) -> Iterator[_Text]:
    """A text, and what is in it that has a name of its own."""
    yield _Text(name, text)
    for inside, value in held(text):
        yield _Text(inside, value)
    if '"' not in text:
        return
    inner = _inner(text)
    if inner is not None:
        yield from leaves(inner, name)
        return
    data = text.encode(errors="replace")
    for field in fields(data, is_surely_secret):
        yield _Text(field.name, data[field.start : field.end].decode(errors="replace"))


def _told_name(pairs: Collection[tuple[str, Any]]) -> str:
    """What a pair of a name and a value is called, if that is the name of a secret."""
    for key, value in pairs:
        if key in _NAMES and isinstance(value, str) and _HEADER.fullmatch(value):
            return value
    return ""


def _is_header(content: list[Any]) -> bool:
    return (
        len(content) == _PAIR
        and all(isinstance(x, str) for x in content)
        and _HEADER.fullmatch(content[0]) is not None
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _inner(text: str) -> Any:
    """What a text is that is JSON itself, and None for any other."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        return None


def _is_suspect(
    name: str, text: str, known: Container[str] | None, signed_by: tuple[str, ...]
) -> bool:
    if any(mark in text for mark in _MARKS) and _KEY.search(text):
        return True
    if known is not None and any(
        x not in known and _varies(x) for x in chain_words(text)
    ):
        return True
    if text in _COVERS or _is_public(name):
        return False
    return is_secret_text(name, text, signed_by) or has_random(text)


@lru_cache(4096)
def _is_public(name: str) -> bool:
    return _PUBLIC_NAME.search(name) is not None


def _varies(word: str) -> bool:
    """Whether it is more than one digit again and again, which stands for nothing."""
    return len(set(word[2:])) > 1


def cover_words(data: bytes) -> bytes:
    """The same JSON with what looks random covered in its texts, all else as written.

    A link, or an address of another chain, in what people wrote of one market would
    otherwise cost a listing of hundreds.  What is around such a word, up to a blank, is
    covered as well, as a secret may have signs in it.  Of what is none, the same.
    """
    parts: list[bytes] = []
    done, name = 0, ""
    for found in _STRING.finditer(data):
        if found[2] is not None:
            name = _read(found[1])
        elif cover := _covered(name, found[1]):
            parts += [data[done : found.start()], cover]
            done = found.end()
    return b"".join((*parts, data[done:])) if parts else data


def _covered(name: str, raw: bytes) -> bytes:
    """What to write for a text, with its quotes; nothing if it stays."""
    text = _read(raw)
    is_public = _is_public(name)
    if not is_public and is_secret_text(name, text):
        # In a list that bears the name of a secret.
        return b"" if text in _COVERS else b'"%b"' % REDACTED.encode()
    if _inner(text) is not None:
        told = cover_words(text.encode(errors="replace")).decode()
    else:
        told = without_held(text)
        if not is_public and has_random(told):
            told = _CHUNK.sub(_cover_chunk, told)
    return json.dumps(told).encode() if told != text else b""


def _cover_chunk(found: re.Match[str]) -> str:
    return REDACTED if has_random(found[0]) else found[0]


def _read(raw: bytes) -> str:
    return str(json.loads(b'"%b"' % raw, strict=False))
