"""By what a request is found in a recording, and what of it differs by nature.

Method, address, query and body count.  Left out are headers, what is a secret by its name, and
in bodies what is another one each time: ids that the client gives, salts, times at which
something was signed, and the owner of a key.  The order of a query and of fields, and blanks,
do not count.  Bounds of time in a query, which often are those of "now", may have moved with
the clock: by as much as it stands elsewhere than when that was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from ..recording.redaction import REDACTED, is_secret, is_secret_text

__all__ = ["Key", "differences", "has_moved", "key_of", "loosened"]

_PASSING = frozenset(
    {
        "client_order_id",
        "nonce",
        "owner",
        "salt",
        "timestamp",
        "updated_client_order_id",
    }
)
_BOUNDS = frozenset({"after", "before", "end", "start"})
_NEAR = 5
"""Seconds by which "now" may be another: a request is made a moment after it is decided."""
_MILLISECONDS = 100_000_000_000
"""From here on a time is in milliseconds."""
_ABSENT = "left out"

# Numbers with a fraction stay as they are written: 0.10 is another request than 0.1.
_decode = msgspec.json.Decoder(float_hook=str).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class Key(NamedTuple):
    """What a request asks for; equal for requests that ask for the same."""

    method: str
    address: str
    query: tuple[tuple[str, str], ...]
    body: bytes

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query)
        body = f" {self.body.decode(errors='replace')}" if self.body else ""
        return f"{self.method} {self.address}{query and '?' + query}{body}"


def key_of(
    method: str, address: str, query: Iterable[tuple[str, str]], body: bytes
) -> Key:
    """The key of a request; ``address`` is its URL without the query."""
    pairs = sorted(
        (name, str(text)) for name, text in query if not _is_hidden(name, text)
    )
    return Key(method, address, tuple(pairs), _canonical(body) if body else b"")


def loosened(key: Key) -> Key:
    """The same with bounds of time that may be any."""
    if not any(_is_bound(name) for name, _ in key.query):
        return key
    pairs = ((name, "" if _is_bound(name) else text) for name, text in key.query)
    return key._replace(query=tuple(pairs))


def has_moved(asked: Key, recorded: Key, seconds: int) -> bool:
    """Whether each bound is the same, or is later by so many seconds.

    Both keys are the same but for bounds.  What is asked for another span of time than was
    recorded gets no answer of that.
    """
    pairs = zip(asked.query, recorded.query, strict=True)
    return all(
        one == other or _is_later(one[1], other[1], seconds)
        for one, other in pairs
        if _is_bound(one[0])
    )


def differences(asked: Key, recorded: Key) -> list[str]:
    """In what a request to an address differs from one that was recorded, in words.

    >>> one = key_of("GET", "/a", [("limit", "3")], b"")
    >>> differences(one, key_of("GET", "/a", [("limit", "1")], b""))
    ['limit was 1, not 3']
    >>> one = key_of("POST", "/a", [], b'{"order": {"size": 2}}')
    >>> differences(one, key_of("POST", "/a", [], b'{"order": {"size": 2, "tif": "ioc"}}'))
    ['order.tif was ioc, not left out']
    """
    ours, theirs = dict(_fields(asked)), dict(_fields(recorded))
    return [
        f"{name} was {theirs.get(name, _ABSENT)}, not {ours.get(name, _ABSENT)}"
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    ]


def _fields(key: Key) -> Iterator[tuple[str, str]]:
    """What is asked for, each value by its place."""
    for name in dict.fromkeys(name for name, _ in key.query):
        yield name, ",".join(text for other, text in key.query if other == name)
    if key.body:
        try:
            yield from _values("", msgspec.json.decode(key.body))
        except msgspec.MsgspecError:
            yield "the body", key.body.decode(errors="replace")


def _values(place: str, content: Any) -> Iterator[tuple[str, str]]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _values(f"{place}.{name}" if place else str(name), value)
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _values(f"{place}[{number}]", value)
    else:
        yield place or "the body", str(content)


def _is_later(asked: str, recorded: str, seconds: int) -> bool:
    if not (asked.isdecimal() and recorded.isdecimal()):
        return False
    moved = int(asked) - int(recorded)
    unit = 1000 if int(asked) >= _MILLISECONDS else 1
    return abs(moved - seconds * unit) <= _NEAR * unit


def _is_hidden(name: str, text: object) -> bool:
    """Whether a parameter was replaced when it was recorded, or would have been."""
    return text == REDACTED or is_secret_text(name, str(text))


def _is_bound(name: str) -> bool:
    return name in _BOUNDS or name.endswith("_ts")


def _canonical(body: bytes) -> bytes:
    try:
        return _encode(_without_passing(_decode(body)))
    except (msgspec.MsgspecError, RecursionError):
        return body


def _without_passing(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: _without_passing(value)
            for name, value in content.items()
            if name not in _PASSING and not is_secret(name)
        }
    if isinstance(content, list):
        return [_without_passing(part) for part in content]
    return content
