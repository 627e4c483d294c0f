"""What a caller configures, checked when it is made: a refusal names field and value."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import inf
from typing import Any, TypeAlias

import attrs

from .errors import BadRequest

__all__ = [
    "Validator",
    "is_a",
    "is_age",
    "is_amount",
    "is_count",
    "is_flag",
    "is_milliseconds",
    "is_one_of",
    "is_seconds",
    "is_share",
    "is_such",
]

Validator: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"
"""What attrs calls with the new object, the field and its value."""


def is_a(kind: type, words: str) -> Validator:
    """Of a type, which ``words`` describe."""
    return is_such(lambda value: isinstance(value, kind), words)


def is_seconds(*, or_none: bool = False) -> Validator:
    """A time to wait: above 0, and not for ever."""
    words = "a number above 0, in seconds"
    return is_such(
        lambda value: _is_number(value) and 0 < value < inf, words, or_none=or_none
    )


def is_milliseconds(*, or_none: bool = False) -> Validator:
    """A time that something may take: above 0, and not for ever."""
    words = "a number above 0, in milliseconds"
    return is_such(
        lambda value: _is_number(value) and 0 < value < inf, words, or_none=or_none
    )


def is_age(*, or_none: bool = False) -> Validator:
    """How old something may be; nought for what must be new."""
    words = "a number of at least 0, in seconds"
    return is_such(
        lambda value: _is_number(value) and 0 <= value < inf, words, or_none=or_none
    )


def is_count(*, or_none: bool = False) -> Validator:
    """A number of things, of which there is at least one."""
    words = "a whole number of at least 1"
    return is_such(
        lambda value: type(value) is int and value >= 1, words, or_none=or_none
    )


def is_share(*, or_none: bool = False) -> Validator:
    """A part of a whole, and not all of it."""
    words = "a number of at least 0 and below 1"
    return is_such(
        lambda value: _is_number(value) and 0 <= value < 1, words, or_none=or_none
    )


def is_amount(*, or_none: bool = False) -> Validator:
    """Money, exactly."""

    def is_right(value: Any) -> bool:
        return type(value) is Decimal and value.is_finite() and value > 0

    return is_such(is_right, "a finite Decimal above 0", or_none=or_none)


def is_flag() -> Validator:
    """True or False; what merely counts as one is more likely a slip."""
    return is_such(lambda value: type(value) is bool, "True or False")


def is_one_of(*allowed: str) -> Validator:
    """One of some words."""
    words = " or ".join(map(repr, allowed))
    return is_such(lambda value: type(value) is str and value in allowed, words)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def is_such(
    is_right: Callable[[Any], bool], words: str, *, or_none: bool = False
) -> Validator:
    """Right by any rule, which ``words`` describe."""

    def check(made: object, field: attrs.Attribute[Any], value: object) -> None:
        if (or_none and value is None) or is_right(value):
            return
        allowed = f"{words}, or None" if or_none else words
        # What has no place in a representation may be a secret.
        told = repr(value) if field.repr else f"a {type(value).__name__}"
        name = f"{type(made).__name__}.{field.name}"
        raise BadRequest(f"{name} must be {allowed}, not {told}")

    return check
