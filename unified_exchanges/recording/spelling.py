"""How a text may stand in JSON, in JSON within JSON, and in the address of a request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

__all__ = ["escaped", "in_addresses", "unescaped"]

_CODE = re.compile(r"\\u[0-9a-f]{4}")
# What writers escape that need not: slashes, and what Go does for the sake of HTML.
_MARKUP = {"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"}


def escaped(text: str) -> set[str]:
    r"""The ways in which a string of JSON may hold it that are not the text itself.

    >>> r"caf\u00e9" in escaped("caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    True
    """
    once = _written([text])
    return (once | _written(once)) - {text}


def _written(texts: Iterable[str]) -> set[str]:
    found = {
        json.dumps(text, ensure_ascii=is_ascii)[1:-1]
        for text in texts
        for is_ascii in (True, False)
    }
    found |= {_marked(text) for text in found}
    found |= {_CODE.sub(_capital, text) for text in found}
    return found | {text.replace("/", r"\/") for text in found}


def _marked(text: str) -> str:
    for mark, code in _MARKUP.items():
        text = text.replace(mark, code)
    return text


def _capital(found: re.Match[str]) -> str:
    return r"\u" + found[0][2:].upper()


def unescaped(value: str) -> str:
    """What a string of JSON holds, without its quotes; one that is none as it stands."""
    if "\\" not in value:
        return value
    try:
        return str(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return value


def in_addresses(text: str) -> set[str]:
    """The ways in which a path or a query may hold it that are not the text itself."""
    return {*_quoted(text)} - {text}


def _quoted(text: str) -> Iterator[str]:
    for quoted in (quote(text), quote(text, safe=""), quote_plus(text)):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
