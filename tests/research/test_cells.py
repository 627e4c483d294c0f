"""Columns read by their bytes hold what arrow says that they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.research.cells import microseconds, millionths, whole, words

PLACES = 6


def cut(column: Any, begin: int) -> Any:
    """The same column, of which it is no longer the first bytes."""
    return column.slice(begin)


optional_numbers = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))


@given(optional_numbers, st.integers(0, 5))
def test_whole_numbers_are_what_they_were(told: list[int | None], begin: int) -> None:
    column = cut(pa.array(told, pa.int64()), begin)
    assert whole(column) == told[begin:]


@given(st.lists(st.integers(-(2**31), 2**31 - 1)), st.integers(0, 5))
def test_shorter_numbers_are_what_they_were(told: list[int], begin: int) -> None:
    assert whole(cut(pa.array(told, pa.int32()), begin)) == told[begin:]


@given(st.lists(st.none() | st.sampled_from(["yes", "no", "", "é"])), st.integers(0, 5))
def test_texts_are_what_they_were(told: list[str | None], begin: int) -> None:
    assert words(cut(pa.array(told, pa.string()), begin)) == told[begin:]


@given(
    st.lists(
        st.none()
        | st.decimals(0, 10**6, places=PLACES)
        | st.decimals(-(10**17), 10**17, places=PLACES)
    ),
    st.integers(0, 5),
)
def test_decimals_are_exactly_what_they_were(
    told: list[Decimal | None], begin: int
) -> None:
    column = cut(pa.array(told, pa.decimal128(24, PLACES)), begin)
    expected = [int((x or Decimal(0)) * 10**PLACES) for x in told[begin:]]
    assert millionths(column) == expected


def test_decimals_of_another_column_are_not_rounded() -> None:
    held = [Decimal("0.25"), Decimal("12.5")]
    assert millionths(pa.array(held, pa.decimal128(9, 2))) == [250_000, 12_500_000]
    assert millionths(pa.array(held, pa.decimal256(40, 6))) == [250_000, 12_500_000]
    with pytest.raises(ValueError, match="data loss"):
        millionths(pa.array([Decimal("0.1234567")], pa.decimal128(9, 7)))


def test_moments_of_any_unit_are_microseconds() -> None:
    moment = datetime(2026, 11, 24, 10, 0, 0, 1_000, tzinfo=UTC)
    for unit in ("ms", "us", "ns"):
        column = pa.array([moment, None], pa.timestamp(unit, tz="UTC"))
        assert microseconds(column) == [1_795_514_400_001_000, None]
