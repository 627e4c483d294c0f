"""What a strategy asks of its desk, read where it is written: what is wrong raises at once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from ..errors import BadRequest
from ..models import Side, TimeInForce
from ..money import Number, read_number

__all__ = ["check_terms", "read_amount", "read_id", "read_word", "wanted"]

_T = TypeVar("_T", Side, TimeInForce)


def check_terms(post_only: object, reduce_only: object, expires_at: object) -> None:
    """Refuse a flag that is none, and an expiry that is no moment."""
    for name, flag in (("post_only", post_only), ("reduce_only", reduce_only)):
        if flag is not True and flag is not False:
            raise wanted(name, flag, "True or False")
    is_moment = isinstance(expires_at, datetime) and expires_at.tzinfo is not None
    if expires_at is not None and not is_moment:
        advice = "a datetime with a time zone, such as desk.now + timedelta(hours=1)"
        raise wanted("expires_at", expires_at, advice)


def wanted(name: str, given: object, what: str) -> BadRequest:
    """The error that says what was given, and what is wanted in its place."""
    return BadRequest(f"{name}={given!r}: give {what}")


def read_id(name: str, given: object) -> str:
    """An id or a key."""
    if not isinstance(given, str):
        raise wanted(name, given, "an id, which is a text")
    return given


def read_amount(value: Number) -> Decimal:
    """A price, a size or a probability, exactly."""
    try:
        number = read_number(value)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return number


def read_word(kind: type[_T], value: _T | str) -> _T:
    """A side or a time in force."""
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(str(word) for word in kind)
        raise BadRequest(f"{value!r} is none of {known}") from error
