"""Whether what was replaced is missed: names, ids, numbers and words that readers go by.

A line with such a text would be read as another one, or passed over as one of no concern: it
is withheld as a whole, which readers are told of.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .redaction import REDACTED, REDACTED_KEY, is_secret
from .repeated import read_json
from .suspicion import leaves

__all__ = ["damage", "damage_in_path", "damage_of"]

_NUMBER_OR_ID = "a number or an id in a text"
_COVERS = {REDACTED, REDACTED_KEY}
# Texts that are nothing but a number or a time, and nothing but an id.
_NUMBER = re.compile(r"[-+.,:eETZ]*+[0-9][-+0-9.,:eETZ]*")
_ID = re.compile(r"(0x)?[0-9a-fA-F-]{32,}")
_ID_NAME = re.compile(
    r"(?i:(^|_|-)(ids?|markets?|symbols?|tickers?))$"
    r"|[a-z0-9](I[dD]s?|Markets?|Symbols?|Tickers?)$"
)
# What a message is, and what became of what it is about.
_WORD_NAME = re.compile(
    r"(?i:(^|_|-)(type|event|cmd|operation|action|channels?|side|status|result|outcomes?"
    r"|code|structure|force))$"
    r"|(?<=[a-z0-9])(Type|Event|Action|Side|Status|Result|Outcomes?)$"
)
# Of an address of an API; a secret has more than letters, or is replaced whole.
_PATH_WORD = re.compile(r"[a-z][a-z_-]*")


def damage(data: bytes, cleansed: bytes) -> list[str]:
    """Name where that which was replaced made something else of JSON.

    A secret of digits is in numbers and ids too, true may be one, and a word may be in the
    name of a field or in that of a market.
    """
    if data == cleansed:
        return []
    try:
        before = read_json(data)
    except (ValueError, RecursionError):
        return []
    try:
        after = read_json(cleansed)
    except (ValueError, RecursionError):
        return ["a number or a word outside the texts"]
    was, now = [*leaves(before)], [*leaves(after)]
    if len(was) != len(now):
        return ["a text that is not what it was"]
    pairs = [*zip(was, now, strict=True)]
    if any(x.is_name and x.text != y.text for x, y in pairs):
        return ["the name of a field"]
    places = (
        damage_of(one.text, other.text, one.name)
        for one, other in pairs
        if not (_is_hidden(one.name) and other.text in _COVERS)
    )
    return [*dict.fromkeys(filter(None, places))]


def damage_of(text: str, cleansed: str, name: str) -> str:
    """Name what nobody could read any more of a text that bears a name; "" if all is well."""
    if text == cleansed:
        return ""
    is_id = cleansed not in _COVERS and _ID.fullmatch(text)
    if is_id or _NUMBER.fullmatch(text):
        return _NUMBER_OR_ID
    if cleansed == REDACTED_KEY:
        return ""
    if _ID_NAME.search(name):
        return _NUMBER_OR_ID
    told = _told_by(name)
    return f"a word that tells a reader the {told}" if told else ""


def damage_in_path(path: str, cleansed: str) -> str:
    """Name what of a path nobody could read any more; "" if all is well."""
    for one, other in zip(path.split("/"), cleansed.split("/"), strict=False):
        if one != other:
            if damage_of(one, other, ""):
                return "a number or an id in the path"
            if _PATH_WORD.fullmatch(one):
                return "a word of the path"
    return ""


@lru_cache(4096)
def _told_by(name: str) -> str:
    # The end of it alone: what is before may be a secret itself.
    found = _WORD_NAME.search(name)
    return found[0].strip("_-").lower() if found else ""


def _is_hidden(name: str) -> bool:
    return is_secret(name) or name.endswith("owner")
