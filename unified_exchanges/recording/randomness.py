"""Whether a text has a word in it that looks random, as keys do.

Passed over is what venues say that is as long: tickers, addresses, words of a chain, UUIDs.
Not found are letters alone, and what signs other than those of base64 cut into short pieces.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from string import digits
from urllib.parse import unquote

from .redaction import without_chain_words

__all__ = ["SHORTEST_KEY", "SHORTEST_SLASHED", "has_random"]

SHORTEST_KEY = 24
SHORTEST_SLASHED = 32
"""Of base64 with slashes, which are in the paths of addresses as well."""
# Other than behind a word, = stands between a name and its value.
_WORD = re.compile(r"[A-Za-z0-9+_-]+={0,2}")
_PART = re.compile(r"[A-Za-z0-9]{32,}")
_CODE = re.compile(r"%[0-9a-fA-F]{2}")
_SLASHED = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(0x)?(?=[0-9]*[a-fA-F])[0-9a-fA-F]{32,}")
_ADDRESS = re.compile(
    r"0x(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40})|bc1[02-9ac-hj-np-z]{39,59}"
)
# Of a market, such as KXTOPSONG-26NOV30-TaylorSwift1.
_TICKER = re.compile(r"[A-Z][A-Z0-9]{2,}(-[A-Z0-9]+)+-[A-Za-z0-9]+")
# Base32, and small letters with digits, with nothing in between.
_ONE_CASE = re.compile(r"[A-Z0-9]{32,}|[a-z0-9]{32,}")
# As of a path of words, and hardly of anything random.
_NATURAL = re.compile(r"[a-z]{7}")
_DEEPEST = 8
"""How often what stands in an address may be escaped: nobody does it that often."""
_BLOCK = 4
_ENTROPY = 3.5
_ENTROPY_SLASHED = 4.2


def has_random(text: str) -> bool:
    """Whether any word of a text looks random, also without the escapes of addresses."""
    if len(text) < SHORTEST_KEY:
        return False
    if _has_random(text):
        return True
    waiting = {text} if "%" in text else set()
    for _ in range(_DEEPEST):
        waiting = {unquote(piece) for each in waiting for piece in _escaped(each)}
        if any(map(_has_random, waiting)):
            return True
        if not waiting:
            break
    return False


def _escaped(text: str) -> list[str]:
    """What of a text has escapes: all of it, and by itself what is between slashes.

    One that is escaped may be of a word, of which what is around it is no part.
    """
    pieces = [text, *text.split("/")]
    return [x for x in pieces if len(x) >= SHORTEST_KEY and _CODE.search(x)]


def _has_random(text: str) -> bool:
    plain = without_chain_words(text)
    if any(map(_is_random, _WORD.findall(plain))):
        return True
    return "/" in plain and any(map(_is_base64, _SLASHED.findall(plain)))


def _is_random(word: str) -> bool:
    if len(word) < SHORTEST_KEY or _is_public(word):
        return False
    if _is_mixed(word) and _entropy(word) > _ENTROPY:
        return True
    # Of one case is a part as well, behind a beginning such as sk_live_.
    return any(map(_is_of_one_case, _PART.findall(word)))


def _is_of_one_case(word: str) -> bool:
    if _HEX.fullmatch(word):
        return not _is_public(word) and len(set(word)) > 1
    # A name in one case ends in a number at most, such as that of a year.
    is_of_one = _ONE_CASE.fullmatch(word) and any(map(str.isdigit, word.rstrip(digits)))
    return bool(is_of_one) and _entropy(word) > _ENTROPY


def _is_public(word: str) -> bool:
    return any(kind.fullmatch(word) for kind in (_UUID, _ADDRESS, _TICKER))


def _is_base64(word: str) -> bool:
    return (
        "/" in word
        and len(word) % _BLOCK == 0
        and _is_mixed(word)
        and not _NATURAL.search(word)
        and _entropy(word) > _ENTROPY_SLASHED
    )


def _is_mixed(word: str) -> bool:
    kinds = (str.isupper, str.islower, str.isdigit)
    return all(any(map(kind, word)) for kind in kinds)


def _entropy(word: str) -> float:
    shares = [count / len(word) for count in Counter(word).values()]
    return -math.fsum(share * math.log2(share) for share in shares)
