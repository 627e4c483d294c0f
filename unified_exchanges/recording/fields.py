"""Fields of JSON as they stand in bytes, also in a string of JSON, in one pass.

What is looked for is a name, a colon and a text or a number. A name begins at a quote and is
short, and a value is passed over once: the time is linear in the length, whatever stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import attrs

from .spelling import unescaped

__all__ = ["Field", "fields", "replaced"]

# In a string of JSON a quote has one backslash, in a string of that three, and so on.
_NAMED = re.compile(
    rb'(?<!\\)(\\{0,7})"([^"\\]{1,128})\1"\s*:\s*'
    rb'(?:(?P<text>\1")|(?P<list>\[\s*\1")|(?P<number>-?[0-9][0-9.eE+-]*))'
)
_QUOTE = re.compile(rb'(?<!\\)(\\*)"')
_NEXT = re.compile(rb'\s*,\s*(\\{0,7})"')


@attrs.frozen(slots=True, eq=False)
class Field:
    """A value and its name; ``start`` and ``end`` are where it stands, without quotes."""

    name: str
    start: int
    end: int
    quote: bytes
    """What is before its quotes, in JSON within JSON."""
    is_number: bool


def fields(
    data: bytes, is_wanted: Callable[[str], bool], start: int = 0
) -> Iterator[Field]:
    """The fields whose names are wanted; those in a list of texts bear its name."""
    while (found := _NAMED.search(data, start)) is not None:
        start = found.end()
        name = found[2].decode(errors="replace")
        if not is_wanted(name):
            continue
        quote = found[1]
        if found["number"] is not None:
            yield Field(name, found.start("number"), start, quote, is_number=True)
            continue
        begin: int | None = start
        while begin is not None:
            end, start = _end(data, begin, len(quote))
            yield Field(name, begin, end, quote, is_number=False)
            begin = None
            if found["list"] is not None:
                more = _NEXT.match(data, start)
                if more is not None and more[1] == quote:
                    begin = more.end()


def _end(data: bytes, start: int, depth: int) -> tuple[int, int]:
    """Where a text ends, and where what follows it begins.

    A backslash in the text is doubled as often as it is a string in a string: what is left
    over of those before a quote tells whose it is.
    """
    for found in _QUOTE.finditer(data, start):
        over = len(found[1]) % (2 * depth + 2)
        if over <= depth:
            end = found.end(1) - over
            # One of a string around it: the text was cut there.
            return (end, found.end()) if over == depth else (end, end)
    return len(data), len(data)


def replaced(
    data: bytes,
    is_wanted: Callable[[str], bool],
    cover_of: Callable[[str, str, bool], str],
) -> bytes:
    """The same bytes with other texts in the place of some, by name and value.

    ``cover_of`` gives "" for what stays; it is told whether that is a number.
    """
    parts: list[bytes] = []
    done = 0
    for field in fields(data, is_wanted):
        value = data[field.start : field.end].decode(errors="replace")
        text = value if field.is_number else _plain(value, len(field.quote))
        cover = cover_of(field.name, text, field.is_number).encode()
        if not cover:
            continue
        quote = field.quote + b'"' if field.is_number else b""
        parts += [data[done : field.start], quote + cover + quote]
        done = field.end
    return b"".join((*parts, data[done:])) if parts else data


def _plain(value: str, depth: int) -> str:
    while depth >= 0 and "\\" in value:
        value, depth = unescaped(value), (depth - 1) // 2 if depth else -1
    return value
