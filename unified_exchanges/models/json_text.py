"""JSON as text that can be written anywhere UTF-8 can."""

from __future__ import annotations

import json
import re
from typing import Final

__all__ = ["encode_json"]

_COMPACT: Final = (",", ":")
_HALVES: Final = re.compile("[\ud800-\udfff]")
"""Halves of characters, as text that was cut has them."""


def encode_json(told: object, *, indent: int | None = None) -> str:
    r"""Write it; half a character, which has no form in UTF-8, is escaped.

    >>> encode_json({"said": "no \ud800"}).encode()
    b'{"said":"no \\ud800"}'
    """
    separators = _COMPACT if indent is None else None
    written = json.dumps(told, indent=indent, ensure_ascii=False, separators=separators)
    return _HALVES.sub(lambda found: f"\\u{ord(found[0]):x}", written)
