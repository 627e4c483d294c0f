"""What is given to make an exchange on paper, read before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from ..errors import BadRequest
from ..money import ZERO, Number, read_number
from ..paper import Delays
from .file import StateFile
from .terms import Terms

__all__ = ["ACCOUNT", "read_path", "read_terms", "refuse_account"]

ACCOUNT: Final = ("api_key", "private_key", "secret", "password", "environment")
"""Whose account it is, and where: a source that is none of a venue has its own."""
_CASH: Final = "10000"
_DEFAULT: Final = "production"


def read_terms(
    cash: Number | None, delays: Delays | None, path: str | PathLike[str] | None
) -> Terms:
    """Read the terms; raises `BadRequest` that names the argument."""
    try:
        dollars = read_number(_CASH if cash is None else cash)
    except ValueError as error:
        raise BadRequest(f"cash= is not a number of dollars: {error}") from error
    if dollars < ZERO:
        raise BadRequest(f"cash= of {cash} dollars is less than nothing")
    way = _read_delays(delays)
    file = None if path is None else StateFile(_read_file(path))
    return Terms(cash=dollars, delays=way, file=file)


def _read_delays(delays: object) -> Delays:
    if delays is None:
        return Delays()
    if isinstance(delays, Delays):
        return delays
    message = (
        "delays= must be Delays(order=…, event=…) of unified_exchanges.paper, in "
        f"nanoseconds, not {delays!r}"
    )
    raise BadRequest(message)


def read_path(path: object) -> Path:
    """Read the path of a file; raises `BadRequest` for what is none."""
    name = fspath(path) if isinstance(path, PathLike) else path
    if not isinstance(name, str) or not name.strip():
        raise BadRequest(f"path= must be the path of a file, not {path!r}")
    return Path(name)


def _read_file(path: object) -> Path:
    found = read_path(path)
    if found.is_dir():
        raise BadRequest(f"path={str(found)!r} is a folder: give that of a file")
    if not found.parent.is_dir():
        raise BadRequest(f"path={str(found)!r} is in a folder that does not exist")
    return found


def refuse_account(source: str | None, how: Mapping[str, object]) -> None:
    """Refuse what a source would ignore that is none of a venue."""
    strange = [
        f"{name}="
        for name in ACCOUNT
        if how[name] not in (None, _DEFAULT if name == "environment" else None)
    ]
    if strange:
        message = (
            f"source={source!r} has an account and an environment of its own: leave "
            f"{', '.join(strange)} away"
        )
        raise BadRequest(message)
