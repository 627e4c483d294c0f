"""Strict reading of what money depends on, in Kalshi's words."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ....models import Side
from ....money import EXACT, complement
from ....venue.reading import (
    NOTHING,
    PRICES,
    Malformed,
    Payload,
    Reader,
    amount,
    cost,
    excerpt,
    field_of,
    joined,
    milliseconds,
    optional_price,
    price,
    seconds,
    size,
)

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

_READER: Final = Reader("kalshi")
decode = _READER.decode
read = _READER.read
read_all = _READER.read_all


def cents(count: int) -> Decimal:
    """Whole cents as dollars."""
    return EXACT.scaleb(Decimal(count), -2)


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
