"""A grid accepts what a market accepts and names the neighbours of what it does not."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import (
    BadRequest,
    InvalidPrice,
    InvalidSize,
    VenueSchemaError,
)
from unified_exchanges.grid import PriceBand, PriceGrid, read_price, read_size
from unified_exchanges.money import ONE, ZERO, complement

CENT = PriceGrid.of("0.01")
EDGES = ["0.0001", "0.0005", "0.001", "0.002", "0.005", "0.01"]
MIDDLES = ["0.001", "0.002", "0.005", "0.01"]


def tapered(edge: str, middle: str) -> PriceGrid:
    return PriceGrid.of(f"0 0.1 {edge}", f"0.1 0.9 {middle}", f"0.9 1 {edge}")


UNEVEN = [PriceGrid.of("0.03"), PriceGrid.of("0 0.1 0.03", "0.1 1 0.07")]
GRIDS = [PriceGrid.of(step) for step in EDGES] + [
    tapered(edge, middle) for edge in EDGES for middle in MIDDLES
]
grids = st.sampled_from(GRIDS)
prices = st.decimals("0.0001", "0.9999", places=4)


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        (["0.01"], "0.01"),
        (
            ["0 0.1 0.001", "0.1 0.9 0.01", "0.9 1 0.001"],
            "0.01 (0.001 below 0.10 and above 0.90)",
        ),
        (
            ["0 0.05 0.001", "0.05 0.2 0.005", "0.2 1 0.01"],
            "0.01 (0.001 below 0.05, 0.005 from 0.05 to 0.20)",
        ),
        (["0 0.5 0.01", "0.5 1 0.01"], "0.01"),
        (["0.1 0.9 0.02"], "0.02 (only from 0.10 to 0.90)"),
    ],
)
def test_a_grid_is_told_as_traders_do(bands: list[str], said: str) -> None:
    assert str(PriceGrid.of(*bands)) == said


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_a_grid_accepts_exactly_the_prices_it_lists(grid: PriceGrid) -> None:
    listed = set(grid.prices())
    every = [Decimal(n).scaleb(-4) for n in range(10_001)]
    assert {p for p in every if p in grid} == listed


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_whole_cents_are_valid_on_every_structure(grid: PriceGrid) -> None:
    assert all(Decimal(n).scaleb(-2) in grid for n in range(1, 100))


def test_nought_and_one_are_not_orderable() -> None:
    assert Decimal(0) not in CENT
    assert Decimal(1) not in CENT


@given(grids, prices)
def test_the_nearest_prices_are_the_neighbours_in_the_list(
    grid: PriceGrid, price: Decimal
) -> None:
    listed = sorted(grid.prices())
    below = [p for p in listed if p <= price][-1:]
    above = [p for p in listed if p >= price][:1]
    assert grid.nearest(price) == tuple(dict.fromkeys(below + above))


@given(grids, prices)
def test_snapping_goes_the_way_it_is_told(grid: PriceGrid, price: Decimal) -> None:
    down, up = grid.snap(price, "down"), grid.snap(price, "up")
    assert down is None or down <= price
    assert up is None or up >= price


@given(grids, prices)
def test_a_price_is_on_a_grid_if_its_complement_is_on_the_mirrored_one(
    grid: PriceGrid, price: Decimal
) -> None:
    assert (price in grid) == (complement(price) in grid.complement())


@pytest.mark.parametrize("grid", UNEVEN, ids=str)
def test_a_step_that_does_not_divide_its_band_is_mirrored_exactly(
    grid: PriceGrid,
) -> None:
    every = [Decimal(n).scaleb(-2) for n in range(101)]
    mirror = grid.complement()
    assert [p in mirror for p in every] == [complement(p) in grid for p in every]
    assert set(mirror.prices()) == {complement(p) for p in grid.prices()}


@st.composite
def odd_grids(draw: st.DrawFn) -> PriceGrid:
    """Any bands on twentieths of a dollar, with steps that divide them or do not."""
    cuts = sorted(draw(st.sets(st.integers(0, 20), min_size=2, max_size=4)))
    steps = st.sampled_from([1, 2, 3, 5, 7, 30, 60])
    return PriceGrid(
        tuple(
            PriceBand(
                start=Decimal(5 * start).scaleb(-2),
                end=Decimal(5 * end).scaleb(-2),
                step=Decimal(draw(steps)).scaleb(-2),
            )
            for start, end in itertools.pairwise(cuts)
        )
    )


@given(grid=odd_grids(), mirrored=st.booleans(), cents=st.integers(-5, 105))
def test_p06_whatever_the_bands_every_answer_is_that_of_trying_each_price(
    grid: PriceGrid, *, mirrored: bool, cents: int
) -> None:
    every = [Decimal(n).scaleb(-2) for n in range(-5, 106)]
    valid = [p for p in every if p in grid]
    if mirrored:
        grid, valid = grid.complement(), [complement(p) for p in reversed(valid)]
    price = Decimal(cents).scaleb(-2)
    below = max((p for p in valid if p <= price), default=None)
    above = min((p for p in valid if p >= price), default=None)
    assert [p for p in every if p in grid] == valid
    assert list(grid.prices()) == valid
    assert (grid.snap(price, "down"), grid.snap(price, "up")) == (below, above)
    assert set(grid.nearest(price)) == {below, above} - {None}
    if valid:
        assert (grid.lowest, grid.highest) == (valid[0], valid[-1])


def test_a_grid_without_a_price_says_so_when_asked_for_one() -> None:
    grid = PriceGrid.of("0.1 0.9 2").complement()
    assert list(grid.prices()) == [Decimal("0.9")]
    empty = PriceGrid.of("1")
    assert list(empty.prices()) == []
    assert empty.nearest(Decimal("0.5")) == ()
    with pytest.raises(VenueSchemaError, match="no price"):
        assert empty.lowest


@given(grids)
def test_mirroring_twice_is_the_same_grid(grid: PriceGrid) -> None:
    assert grid.complement().complement() == grid


def test_nothing_lies_below_the_lowest_or_above_the_highest() -> None:
    assert CENT.snap(Decimal("0.001"), "down") is None
    assert CENT.snap(Decimal("0.999"), "up") is None
    assert CENT.nearest(Decimal("0.001")) == (Decimal("0.01"),)
    assert CENT.nearest(Decimal(5)) == (Decimal("0.99"),)


def test_the_step_at_a_seam_is_the_finer_one() -> None:
    assert tapered("0.001", "0.01").step_at(Decimal("0.1")) == Decimal("0.001")


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        (0.1 + 0.2, ("0.3", "0.31")),
        ("0.295", ("0.29", "0.3")),
        ("0.004", ("0.01",)),
        (Decimal("0.999"), ("0.99",)),
    ],
)
def test_p06_an_off_grid_price_is_refused_with_the_nearest_valid_ones(
    value: object, nearest: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidPrice) as caught:
        read_price(value, CENT)  # type: ignore[arg-type]
    assert caught.value.nearest == tuple(map(Decimal, nearest))
    assert all(price in str(caught.value) for price in nearest)


def test_p06_a_price_in_cents_is_refused_and_the_dollars_are_named() -> None:
    with pytest.raises(InvalidPrice, match=r"for 29 cents pass 0\.29"):
        read_price(29, CENT)


@pytest.mark.parametrize("value", ["0", "1", "-0.5", "1.01", "x", None, True])
def test_a_price_outside_nought_to_one_or_no_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidPrice):
        read_price(value)  # type: ignore[arg-type]


def test_a_float_on_the_grid_is_accepted() -> None:
    assert [read_price(n / 100, CENT) for n in range(1, 100)] == [
        Decimal(n).scaleb(-2) for n in range(1, 100)
    ]


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("2.505", ("2.5", "2.51")),
        ("0.005", ("0.01",)),
        (0, ("0.01",)),
        ("-1", ("0.01",)),
    ],
)
def test_fault_14_a_size_off_the_lot_is_refused_with_the_nearest_valid_ones(
    value: object, nearest: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidSize) as caught:
        read_size(value, lot=Decimal("0.01"), minimum=Decimal("0.01"))  # type: ignore[arg-type]
    assert caught.value.nearest == tuple(map(Decimal, nearest))


def test_a_size_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidSize, match="a number of contracts"):
        read_size("ten", lot=Decimal("0.01"), minimum=Decimal("0.01"))


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        ("0.5", "0.5", "0.01"),
        ("-0.1", "1", "0.01"),
        ("0", "1.1", "0.01"),
        ("0", "1", "0"),
    ],
)
def test_a_band_must_be_one(start: str, end: str, step: str) -> None:
    with pytest.raises(ValueError, match="not a band"):
        PriceBand(start=Decimal(start), end=Decimal(end), step=Decimal(step))


@pytest.mark.parametrize("bands", [(), ("0 0.5 0.01", "0.6 1 0.01")])
def test_the_bands_of_a_grid_must_adjoin(bands: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest, match="adjoin"):
        PriceGrid.of(*bands)


WRITTEN: list[Any] = [0.01, 1, True, None, [], "", "x", "nan", "0 1", "1 0 0.01", "0"]


@pytest.mark.parametrize("written", WRITTEN, ids=repr)
def test_what_is_no_grid_is_refused_by_how_one_is_written(written: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        PriceGrid.of(written)
    assert caught.value.message.startswith(
        'PriceGrid.of takes texts in dollars, "step" such as "0.01", or "start end step" '
        f"for each band, not {written!r}: "
    )


@pytest.mark.parametrize("value", [0.1, 1, "0.1", None, Decimal("NaN")], ids=repr)
@pytest.mark.parametrize("name", ["start", "end", "step"])
def test_a_band_is_of_decimals(name: str, value: Any) -> None:
    band: dict[str, Any] = {"start": ZERO, "end": ONE, "step": Decimal("0.01")}
    with pytest.raises(BadRequest) as caught:
        PriceBand(**{**band, name: value})
    assert caught.value.message == (
        f"PriceBand.{name} must be dollars as a finite Decimal, not {value!r}"
    )


@pytest.mark.parametrize("bands", [None, "0.01", [1], (1,)], ids=repr)
def test_a_grid_is_of_bands(bands: Any) -> None:
    with pytest.raises(BadRequest, match="bands must be a tuple of PriceBand, not "):
        PriceGrid(bands)


def test_anything_but_a_decimal_is_not_in_a_grid() -> None:
    assert 0.55 not in CENT


def test_the_ends_of_a_grid_are_worked_out_once() -> None:
    # A strategy asks for them at each book; a grid of other bands has others.
    first = PriceGrid.of("0.0005")
    again, other = PriceGrid.of("0.0005"), PriceGrid.of("0.002")
    assert again.lowest is first.lowest
    assert again.highest is first.highest
    assert other.lowest != first.lowest
