"""Private keys that stand where something else belongs: refused, and never shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...errors import BadRequest
from .secret import Secret

if TYPE_CHECKING:
    from ...settings import Settings

__all__ = ["refuse_misplaced", "refuse_same"]

_PLACES: Final = {
    "api_key": "POLYMARKET_API_KEY",
    "secret": "POLYMARKET_API_SECRET",
    "password": "POLYMARKET_API_PASSPHRASE",
}
_OPTIONS: Final = {
    "funder": "POLYMARKET_FUNDER",
    "signature_type": "POLYMARKET_SIGNATURE_TYPE",
}
_OF_SAME_FORM: Final = ("password", "builder")
"""A passphrase is 64 hexadecimal digits and a builder's code 0x and 64, as a key may be."""


def refuse_misplaced(settings: Settings) -> None:
    """Refuse what has the form of a private key where nothing of that form belongs.

    Before anything else looks at the settings, whose errors name what they were given.
    """
    for name, given in _given(settings):
        is_free = name == "builder"
        if name == "password":
            # A passphrase has no 0x before its digits.
            is_free = not given.text.lower().startswith("0x")
        if given.is_key() and not is_free:
            raise _misplaced(given)
    if any(Secret(name, "").is_key() for name in settings.options):
        raise _misplaced(Secret("", "the name of an option"))


def refuse_same(settings: Settings, key: Secret) -> None:
    """Refuse the private key itself in places where its form alone tells nothing."""
    for name, given in _given(settings):
        are_keys = given.is_key() and key.is_key()
        is_same = are_keys and given.scalar() == key.scalar()
        if name in _OF_SAME_FORM and is_same:
            raise _misplaced(given)


def _given(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """All places with the texts that stand there."""
    yield "environment", Secret(settings.environment, "environment=")
    for name, variable in _PLACES.items():
        yield name, Secret(getattr(settings, name), f"{name}=")
        yield name, Secret(settings.environ.get(variable), variable)
    for name, value in settings.options.items():
        yield name, Secret(_text(value), f"option {name!r}")
    for name, variable in _OPTIONS.items():
        yield name, Secret(settings.environ.get(variable), variable)


def _text(value: object) -> str:
    """A key may also be given as the number that it is."""
    is_large = isinstance(value, int) and value > _LARGE
    return f"{value:064x}" if is_large else str(value)


_LARGE: Final = 1 << 64


def _misplaced(given: Secret) -> BadRequest:
    return BadRequest(
        f"{given.source} looks like a private key, which belongs in private_key= only; it "
        "was neither kept nor sent, but whatever wrote it there may have shown it",
        venue="polymarket",
    )
