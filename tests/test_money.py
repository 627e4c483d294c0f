"""Money is exact whatever the caller does to the decimal context."""

from __future__ import annotations

from decimal import Decimal, Inexact, localcontext
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.money import (
    EXACT,
    ONE,
    complement,
    div,
    read_number,
    text,
    total,
)

FOUR_DECIMALS = [Decimal(n).scaleb(-4) for n in range(1, 10_000)]


def test_fault_16_every_four_decimal_price_survives_the_way_to_text_and_back() -> None:
    assert [Decimal(text(p, 4)) for p in FOUR_DECIMALS] == FOUR_DECIMALS


def test_every_four_decimal_price_is_written_with_four_decimals() -> None:
    assert {len(text(p, 4)) for p in FOUR_DECIMALS} == {6}


def test_fault_16_a_price_and_its_complement_are_one_dollar() -> None:
    assert {EXACT.add(p, complement(p)) for p in FOUR_DECIMALS} == {ONE}


def test_f02_a_float_is_read_through_its_shortest_text() -> None:
    cents = [read_number(n / 100) for n in range(1, 100)]
    assert cents == [Decimal(n).scaleb(-2) for n in range(1, 100)]


def test_p06_a_float_sum_keeps_its_dirt_so_that_a_grid_can_refuse_it() -> None:
    assert read_number(0.1 + 0.2) == Decimal("0.30000000000000004")


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "abc",
        "1,5",
        "0x10",
        "1e5",
        "nan",
        "inf",
        "--1",
        "1.2.3",
        "٣",
        True,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("Infinity"),
        None,
        1j,
        [1],
    ],
)
def test_what_is_not_a_plain_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_number(value)


class Lots(IntEnum):
    """A size by its name."""

    FEW = 10


class Shown(Decimal):
    """A Decimal that is shown otherwise."""

    def __repr__(self) -> str:
        return "shown"

    __str__ = __repr__


class Printed(float):
    """A float that is shown otherwise."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "printed"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.float64(0.01), "0.01"),
        (np.float64(0.1) + np.float64(0.2), "0.30000000000000004"),
        (Printed(0.01), "0.01"),
        (np.int64(-10), "-10"),
        (np.uint8(3), "3"),
        (Lots.FEW, "10"),
        (np.str_("0.10"), "0.10"),
        (Shown("0.10"), "0.10"),
    ],
)
def test_what_is_of_a_kind_of_number_is_read_as_that(value: Any, wanted: str) -> None:
    number = read_number(value)
    assert (type(number), repr(number)) == (Decimal, f"Decimal('{wanted}')")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble])
def test_a_float_of_another_width_is_refused_and_how_to_pass_it_is_said(
    kind: Any,
) -> None:
    with pytest.raises(
        ValueError, match=r"pass Decimal, str, int or float, such as str"
    ):
        read_number(kind(0.01))


@pytest.mark.parametrize(
    "value",
    [
        *(np.float64("nan"), np.float64("inf"), Printed("nan"), Shown("NaN")),
        *(np.bool_(True), np.complex128(1), np.timedelta64(3, "s")),
        *(np.datetime64("2026-11-30"), np.array([1]), np.array(3)),
    ],
)
def test_what_numpy_has_beside_numbers_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"not a finite number|pass Decimal, str"):
        read_number(value)


@pytest.mark.parametrize("value", [Decimal("1E+80"), 10**70, 1e308, Decimal("1E-70")])
def test_a_number_beyond_any_market_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="market"):
        read_number(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_text_round_trips_any_amount(amount: Decimal) -> None:
    assert Decimal(text(amount)) == amount


@given(st.lists(st.decimals(-1000, 1000, places=6), max_size=30))
def test_a_total_is_exact_under_a_caller_s_narrow_context(
    amounts: list[Decimal],
) -> None:
    millionths = sum(int(a.scaleb(6)) for a in amounts)
    with localcontext() as context:
        context.prec = 3
        result = total(amounts)
    assert result == Decimal(millionths).scaleb(-6)


def test_exact_arithmetic_refuses_to_round() -> None:
    with pytest.raises(Inexact):
        EXACT.divide(ONE, Decimal(3))


def test_a_ratio_may_round_to_28_digits() -> None:
    assert div(ONE, Decimal(3)) == Decimal("0.3333333333333333333333333333")
