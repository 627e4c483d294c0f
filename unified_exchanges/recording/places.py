"""That recordings which are read together are of one market: a venue has several by name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from ..errors import BadRequest
from .format import Header
from .reading import read

__all__ = ["Place", "check_places", "is_there", "place_of"]

Place: TypeAlias = tuple[str, str, str]
"""The name of a recording, its venue, and the environment of that."""


def place_of(path: Path) -> Place:
    """Read of a recording where it was made; raises as `read` does."""
    head = next(read(path))
    assert isinstance(head, Header)
    return path.name, head.venue, head.environment


def is_there(path: Path) -> bool:
    """Whether a file or a folder is at a path.

    Raises `BadRequest` where nobody may or can know, and for what is neither, such as a
    pipe: it is read more than once, and to open one would wait for whoever writes to it.
    """
    try:
        if not path.exists():
            return False
        is_readable = path.is_file() or path.is_dir()
    except OSError as error:
        raise BadRequest(
            f"{path} cannot be looked at: {error.strerror or error}; give another path"
        ) from error
    if not is_readable:
        raise BadRequest(
            f"{path} is no file: write what comes out of it to one first, since a recording "
            "is read more than once"
        )
    return True


def check_places(places: Iterable[Place]) -> None:
    """Refuse two environments of a venue, whose markets have the same names.

    Raises `BadRequest`.
    """
    first: dict[str, tuple[str, str]] = {}
    for name, venue, environment in places:
        other, known = first.setdefault(venue, (name, environment))
        if known != environment:
            raise BadRequest(
                f"{other} is of {venue} at {known} and {name} of {venue} at {environment}, "
                "whose markets are not the same: give those of one of them at a time"
            )
