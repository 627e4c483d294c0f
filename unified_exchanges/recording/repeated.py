"""JSON with all that stands in it: of two fields of one name others know the last alone."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

__all__ = ["Repeated", "read_json"]


class Repeated(NamedTuple):
    """An object in which a name stands more than once."""

    pairs: list[tuple[str, Any]]


def read_json(data: str | bytes) -> Any:
    """Read it as `json.loads` does, but for what is `Repeated`; raises as that does.

    >>> read_json('[{"a": 1}, {"a": 1, "a": 2}]')
    [{'a': 1}, Repeated(pairs=[('a', 1), ('a', 2)])]
    """
    if isinstance(data, bytes):
        data = data.decode(json.detect_encoding(data), "surrogatepass")
    return _DECODER.decode(data)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Repeated:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(pairs)


# Made once: `json.loads` makes one each time that it is given a hook.
_DECODER = json.JSONDecoder(object_pairs_hook=_object)
