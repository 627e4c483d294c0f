"""Strict reading of what money depends on, and the error that names what is wrong.

`read` and `read_all` are bytes → wire struct → model.  Whatever goes wrong below them
comes out as `VenueSchemaError` with the path of the field, never as a default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from ....errors import VenueSchemaError
from ....models import Side
from ....money import EXACT, ONE, ZERO, complement

__all__ = [
    "NOTHING",
    "PRICES",
    "Malformed",
    "Payload",
    "amount",
    "cents",
    "cost",
    "decode",
    "direction",
    "excerpt",
    "field_of",
    "joined",
    "milliseconds",
    "optional_price",
    "price",
    "read",
    "read_all",
    "same",
    "seconds",
    "size",
    "yes_price",
]

W = TypeVar("W")
M = TypeVar("M")

Payload = bytes | msgspec.Raw

NOTHING = b"{}"
"""The payload of a model that was asked not to keep its own."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MISSING = re.compile(r"missing required field `(\w+)`")
_AT = re.compile(r" - at `\$\.?([^`]*)`")
_PRIVATE = re.compile(rb'("(?:api_key_id|user_id|private_key|email)"\s*:\s*)"[^"]*"?')
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


def cents(count: int) -> Decimal:
    """Whole cents as dollars."""
    return EXACT.scaleb(Decimal(count), -2)


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


_BOOK_SIDES = {"bid": Side.BUY, "ask": Side.SELL}
_OUTCOME_SIDES = {"yes": Side.BUY, "no": Side.SELL}


def direction(book: str | None, outcome: str | None, prefix: str = "") -> Side:
    """Buy or sell in YES terms, from the fields that are not deprecated.

    Either may be absent one day; both absent, an unknown word or a contradiction is
    refused.  ``action`` and ``side`` are never read (docs.kalshi.com, order direction,
    2026-05).
    """
    names = f"{prefix}book_side", f"{prefix}outcome_side"
    if book is None and outcome is None:
        raise Malformed(names[0], f"is missing, and so is `{names[1]}`")
    by_book = _word(book, _BOOK_SIDES, names[0])
    by_outcome = _word(outcome, _OUTCOME_SIDES, names[1])
    if by_book and by_outcome and by_book is not by_outcome:
        problem = f"is {book!r}, which contradicts `{names[1]}` {outcome!r}"
        raise Malformed(names[0], problem)
    return by_book or by_outcome or Side.BUY


def _word(text: str | None, words: dict[str, Side], field: str) -> Side | None:
    if text is None:
        return None
    if text not in words:
        raise Malformed(field, f"is {text!r}, not one of {', '.join(words)}")
    return words[text]


def yes_price(yes: str, no: str | None) -> Decimal:
    """The YES price, checked against the NO price where that is sent too."""
    value = price(yes, "yes_price_dollars")
    if no is not None and price(no, "no_price_dollars") != complement(value):
        problem = f"is {no!r}, not 1 − `yes_price_dollars` {yes!r}"
        raise Malformed("no_price_dollars", problem)
    return value


def same(told: str | None, asked: str, field: str) -> None:
    """Refuse an answer that is about something else; one that does not tell may pass."""
    if told and told != asked:
        problem = f"is {told!r}, but {asked!r} was asked for: it answers something else"
        raise Malformed(field, problem)


def decode(decoder: msgspec.json.Decoder[W], body: bytes) -> W:
    """Decode an answer whose objects are read one by one afterwards."""
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise _schema_error(error, "", body) from error


def read(
    decoder: msgspec.json.Decoder[W],
    make: Callable[[W, bytes], M],
    payload: Payload,
    path: str = "",
) -> M:
    """Read one object; ``path`` is where it stands in the answer.

    ``make`` makes the model, from the decoded struct and the bytes that the model keeps.
    """
    own = bytes(payload)
    try:
        return make(decoder.decode(own), own)
    except _UNREADABLE as error:
        raise _schema_error(error, path, own) from error


def read_all(
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
        raise _schema_error(error, f"{path}[{len(made)}]", own) from error
    return made


def _schema_error(error: Exception, path: str, payload: bytes) -> VenueSchemaError:
    field = joined(path, field_of(error)) or "$"
    message = (
        f"cannot read `{field}` of the venue's answer: {_problem(error)}; nothing was "
        "assumed in its place. If the venue changed its API, look for a newer version"
    )
    return VenueSchemaError(
        message, venue="kalshi", field=field, payload=excerpt(payload)
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
