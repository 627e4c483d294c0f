"""The body of a raw request, read before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from ..errors import BadRequest

__all__ = ["RawBody", "read_body", "require_none"]

RawBody: TypeAlias = Mapping[str, object] | Sequence[object]
"""What `request` sends as JSON: an object or, where the venue takes one, a list."""


def read_body(
    body: RawBody | None,
    about: str,
    *,
    venue: str,
    encode: Callable[[object], bytes],
    takes_lists: bool,
) -> dict[str, object] | list[object] | None:
    """The body as it is sent; an empty list stays one, and is no body that is left out."""
    read: dict[str, object] | list[object]
    if body is None:
        return None
    if isinstance(body, Mapping):
        read = dict(body)
    elif takes_lists and isinstance(body, list | tuple):
        read = list(body)
    else:
        kinds = (
            "a mapping or a list" if takes_lists else "a mapping (no call takes a list)"
        )
        message = f"{about}: body= is {kinds}, not {type(body).__name__}"
        raise BadRequest(message, venue=venue)
    try:
        encode(read)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        message = f"{about}: body= cannot be sent as JSON: {error}"
        raise BadRequest(message, venue=venue) from error
    return read


def require_none(body: RawBody | None, about: str, *, venue: str) -> None:
    """Refuse a body where none is sent; an empty mapping says nothing, a list does."""
    if body is None or (isinstance(body, Mapping) and not body):
        return
    message = f"{about} has no body: pass query= instead of body="
    raise BadRequest(message, venue=venue)
