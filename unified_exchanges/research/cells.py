"""Columns of a batch as lists, by the bytes that they are made of.

Of a column arrow makes one object after another, and asks each what it is: most of what
reading a table takes.  What is kept as whole numbers is read as such here, at once.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]

__all__ = ["microseconds", "millionths", "whole", "words"]

_PLACES: Final = 6
_INTEGER: Final = 8
_DECIMAL: Final = 16


def words(column: Any) -> list[str | None]:
    """Texts, each the same object for as long as it comes again in a batch."""
    found = column.dictionary_encode()
    names = [*found.dictionary.to_pylist(), None]
    places = found.indices.cast(pa.int64())
    if places.null_count:
        places = places.fill_null(len(names) - 1)
    return [names[x] for x in _integers(places)]


def microseconds(column: Any) -> list[int | None]:
    """Moments as microseconds since 1970."""
    return whole(column.cast(pa.timestamp("us", tz="UTC")))


def whole(column: Any) -> list[int | None]:
    """Whole numbers, or moments as the count of their unit; None where there is none."""
    numbers = column.cast(pa.int64())
    if not numbers.null_count:
        return [*_integers(numbers)]
    if numbers.null_count == len(numbers):
        return [None] * len(numbers)
    told: list[int | None] = numbers.to_pylist()
    return told


def millionths(column: Any) -> list[int]:
    """Decimals times a million, exactly; 0 where there is none.

    Raises ValueError where one has more places.
    """
    kind, numbers = column.type, column
    if not pa.types.is_decimal128(kind) or kind.scale != _PLACES:
        numbers = column.cast(pa.decimal128(38, _PLACES))
    if numbers.null_count:
        numbers = numbers.fill_null(0)
    halves = _integers(numbers, _DECIMAL)
    if not any(halves[1::2]) and min(halves, default=0) >= 0:
        return halves[::2]
    # Larger than any market has them, or less than nothing.
    return [int(x.scaleb(_PLACES)) for x in numbers.to_pylist()]


def _integers(column: Any, width: int = _INTEGER) -> list[int]:
    begin, end = column.offset * width, (column.offset + len(column)) * width
    return memoryview(column.buffers()[1])[begin:end].cast("b").cast("q").tolist()
