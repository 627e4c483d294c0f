"""Strict reading of what money depends on, and the error that names what is wrong.

`Reader` is bytes → wire struct → model.  Whatever goes wrong below it comes
out as `VenueSchemaError` with the path of the field, never as a default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import attrs
import msgspec

from ..errors import VenueSchemaError
from ..money import ONE, ZERO

__all__ = [
    "NOTHING",
    "PRICES",
    "Malformed",
    "Payload",
    "Reader",
    "amount",
    "cost",
    "excerpt",
    "field_of",
    "joined",
    "milliseconds",
    "optional_price",
    "price",
    "seconds",
    "size",
]

W = TypeVar("W")
M = TypeVar("M")

Payload = bytes | msgspec.Raw

NOTHING = b"{}"
"""The payload of a model that was asked not to keep its own."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MISSING = re.compile(r"missing required field `(\w+)`")
_AT = re.compile(r" - at `\$\.?([^`]*)`")
_PRIVATE = re.compile(
    rb'("(?:api_key_id|user_id|private_key|email|apiKey|secret|passphrase|owner)"\s*:\s*)"[^"]*"?'
)
_MOST_PRICES = 20_000


class Malformed(Exception):
    """A field whose value cannot be trusted; it never leaves `parse`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"`{field}` {problem}")
        self.field = field


# A nested object that was read by its own reader has its error already.
_UNREADABLE = (msgspec.MsgspecError, Malformed, VenueSchemaError)


def _number(text: str) -> Decimal:
    # Decimal alone would also read "NaN", "1e5", " 1" and "1_0".
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"is {text!r}, not a decimal number")
    return Decimal(text)


class _Prices(dict[str, Decimal]):
    """Prices by their text.

    A page of markets has thousands of prices and few distinct ones: finding one here is
    a quarter of the work of making it, and what is here was checked once.
    """

    def __missing__(self, text: str) -> Decimal:
        value = _number(text)
        if not ZERO <= value <= ONE:
            raise ValueError(f"is {text!r}, not between 0 and 1 dollar")
        if len(self) < _MOST_PRICES:
            self[text] = value
        return value


PRICES = _Prices()


def price(text: str, field: str) -> Decimal:
    """A price in dollars, 0 and 1 included: a settled market quotes those."""
    try:
        return PRICES[text]
    except ValueError as error:
        raise Malformed(field, str(error)) from error


def optional_price(text: str | None, field: str) -> Decimal | None:
    """A price where the venue may send null."""
    return None if text is None else price(text, field)


def amount(text: str, field: str) -> Decimal:
    """Dollars or contracts of either sign."""
    try:
        return _number(text)
    except ValueError as error:
        raise Malformed(field, str(error)) from error


def cost(text: str, field: str) -> Decimal:
    """Dollars or contracts that cannot be negative."""
    value = amount(text, field)
    if value < ZERO:
        raise Malformed(field, f"is {text!r}, below zero")
    return value


size = cost
"""Contracts: the same check as for a cost."""


def seconds(count: int, field: str) -> datetime:
    """A moment given in Unix seconds."""
    try:
        return datetime.fromtimestamp(count, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise Malformed(field, f"is {count}, not a moment in seconds") from error


def milliseconds(count: int, field: str) -> datetime:
    """A moment given in Unix milliseconds, exactly."""
    whole, rest = divmod(count, 1000)
    return seconds(whole, field) + timedelta(milliseconds=rest)


@attrs.frozen(slots=True, eq=False)
class Reader:
    """Bytes → wire struct → model, for one venue that its errors name."""

    venue: str

    def decode(self, decoder: msgspec.json.Decoder[W], body: bytes) -> W:
        """Decode an answer whose objects are read one by one afterwards."""
        try:
            return decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise self._schema_error(error, "", body) from error

    def read(
        self,
        decoder: msgspec.json.Decoder[W],
        make: Callable[[W, bytes], M],
        payload: Payload,
        path: str = "",
    ) -> M:
        """Read one object; ``path`` is where it stands in the answer.

        ``make`` makes the model, from the decoded struct and the bytes that it keeps.
        """
        own = bytes(payload)
        try:
            return make(decoder.decode(own), own)
        except _UNREADABLE as error:
            raise self._schema_error(error, path, own) from error

    def read_all(
        self,
        decoder: msgspec.json.Decoder[W],
        make: Callable[[W, bytes], M],
        payloads: Iterable[Payload],
        path: str,
    ) -> list[M]:
        """Read the objects of a list, each keeping its own bytes."""
        made: list[M] = []
        own = NOTHING
        decode_one, keep = decoder.decode, made.append
        try:
            for payload in payloads:
                own = bytes(payload)
                keep(make(decode_one(own), own))
        except _UNREADABLE as error:
            place = f"{path}[{len(made)}]"
            raise self._schema_error(error, place, own) from error
        return made

    def read_each(
        self,
        decoder: msgspec.json.Decoder[W],
        make: Callable[[W, bytes], M],
        payloads: Iterable[Payload],
        path: str,
    ) -> tuple[list[M], list[tuple[bytes, VenueSchemaError]]]:
        """Read what can be read of a list; what cannot comes beside it, with its error."""
        made: list[M] = []
        unread: list[tuple[bytes, VenueSchemaError]] = []
        for index, payload in enumerate(payloads):
            own = bytes(payload)
            try:
                made.append(make(decoder.decode(own), own))
            except _UNREADABLE as error:
                problem = self._schema_error(error, f"{path}[{index}]", own)
                problem.__cause__ = error
                unread.append((own, problem))
        return made, unread

    def _schema_error(
        self, error: Exception, path: str, payload: bytes
    ) -> VenueSchemaError:
        field = joined(path, field_of(error)) or "$"
        message = (
            f"cannot read `{field}` of the venue's answer: {_problem(error)}; nothing "
            "was assumed in its place. If the venue changed its API, look for a newer "
            "version"
        )
        return VenueSchemaError(
            message, venue=self.venue, field=field, payload=excerpt(payload)
        )


def _problem(error: BaseException | None) -> str:
    return (
        _problem(error.__cause__) if isinstance(error, VenueSchemaError) else str(error)
    )


def field_of(error: Exception) -> str:
    """The path of the field that an error is about, as far as it is known."""
    if isinstance(error, Malformed | VenueSchemaError):
        return error.field or ""
    at, missing = _AT.search(str(error)), _MISSING.search(str(error))
    inner = at[1].replace("[...]", "[]") if at else ""
    return joined(inner, missing[1]) if missing else inner


def joined(path: str, rest: str) -> str:
    """Two parts of a path; an index follows its list without a dot."""
    return f"{path}.{rest}" if path and rest and rest[0] != "[" else path + rest


def excerpt(payload: bytes) -> str:
    """The beginning of a payload for people, without who somebody is."""
    hidden = _PRIVATE.sub(rb'\1"***"', payload[:2000])
    return hidden[:300].decode("utf-8", "replace")
