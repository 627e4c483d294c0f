"""The prices and sizes a market accepts: bands of ticks, a lot, and their neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

import attrs

from .errors import BadRequest, InvalidPrice, InvalidSize, VenueSchemaError
from .fields import is_such
from .money import EXACT, ONE, ZERO, Number, complement, read_number, text

__all__ = ["PriceBand", "PriceGrid", "Rounding", "read_price", "read_size"]

Rounding: TypeAlias = Literal["down", "up"]

_CENTS = 100
_FLOOR = Context(prec=60, rounding=ROUND_FLOOR)
_CEILING = Context(prec=60, rounding=ROUND_CEILING)


_EXACT = is_such(
    lambda value: isinstance(value, Decimal) and value.is_finite(),
    "dollars as a finite Decimal",
)


@attrs.frozen(kw_only=True, slots=True, cache_hash=True)
class PriceBand:
    """Prices from ``start`` to ``end`` dollars in steps of ``step``."""

    start: Decimal = attrs.field(validator=_EXACT)
    end: Decimal = attrs.field(validator=_EXACT)
    step: Decimal = attrs.field(validator=_EXACT)
    anchor: Decimal = attrs.field(
        default=attrs.Factory(lambda band: band.start, takes_self=True),
        validator=_EXACT,
    )
    """A price from which the steps count: the start, or for a mirrored band the end."""

    def __attrs_post_init__(self) -> None:
        if not ZERO <= self.start < self.end <= ONE or self.step <= ZERO:
            message = f"not a band of prices: {self.start}..{self.end} by {self.step}"
            raise ValueError(message)

    def contains(self, price: Decimal) -> bool:
        """Whether the price is on a step of this band, its two ends included."""
        if not self.start <= price <= self.end:
            return False
        return not EXACT.remainder(EXACT.subtract(price, self.anchor), self.step)

    def at_or_below(self, price: Decimal) -> Decimal | None:
        """The highest orderable step of this band that is not above ``price``."""
        found = self._step(min(price, self.end), _FLOOR)
        if found == ONE:
            found = EXACT.subtract(found, self.step)
        return found if found >= self.start and found > ZERO else None

    def at_or_above(self, price: Decimal) -> Decimal | None:
        """The lowest orderable step of this band that is not below ``price``."""
        found = self._step(max(price, self.start), _CEILING)
        if found == ZERO:
            found = EXACT.add(found, self.step)
        return found if found <= self.end and found < ONE else None

    def _step(self, price: Decimal, context: Context) -> Decimal:
        steps = context.divide(EXACT.subtract(price, self.anchor), self.step)
        whole = steps.to_integral_value(context.rounding)
        return EXACT.add(self.anchor, EXACT.multiply(whole, self.step))


@attrs.frozen(slots=True, cache_hash=True)
class PriceGrid:
    """The prices between 0 and 1 dollar that a market accepts; 0 and 1 are not orderable.

    >>> grid = PriceGrid.of("0.01")
    >>> Decimal("0.55") in grid, Decimal("0.555") in grid
    (True, False)
    >>> grid.nearest(Decimal("0.555"))
    (Decimal('0.55'), Decimal('0.56'))
    >>> print(PriceGrid.of("0 0.1 0.001", "0.1 0.9 0.01", "0.9 1 0.001"))
    0.01 (0.001 below 0.10 and above 0.90)
    """

    bands: tuple[PriceBand, ...] = attrs.field(
        validator=is_such(
            lambda value: (
                isinstance(value, tuple)
                and all(isinstance(band, PriceBand) for band in value)
            ),
            "a tuple of PriceBand",
        )
    )

    def __attrs_post_init__(self) -> None:
        ends = [band.end for band in self.bands]
        starts = [band.start for band in self.bands]
        if not self.bands or starts[1:] != ends[:-1]:
            message = f"the bands of a price grid must adjoin: {self.bands}"
            raise ValueError(message)

    @classmethod
    def of(cls, *bands: str) -> PriceGrid:
        """A grid written as ``"step"`` or as ``"start end step"`` for each band.

        Raises `BadRequest` for what is written otherwise.
        """
        try:
            return cls(tuple(_band(band) for band in bands))
        except (ValueError, BadRequest) as error:
            raise _unwritten(bands, str(error)) from error

    def __str__(self) -> str:
        return _in_words(self)

    def __contains__(self, price: object) -> bool:
        return isinstance(price, Decimal) and _on_grid(self, price)

    def step_at(self, price: Decimal) -> Decimal:
        """The step of the band that holds the price; at a seam, the finer one."""
        return min(b.step for b in self.bands if b.start <= price <= b.end)

    def nearest(self, price: Decimal) -> tuple[Decimal, ...]:
        """The closest valid prices, lower first: one if ``price`` is valid, else ≤ 2."""
        if price in self:
            return (price,)
        return tuple(
            found
            for found in (self.snap(price, "down"), self.snap(price, "up"))
            if found is not None
        )

    def snap(self, price: Decimal, rounding: Rounding) -> Decimal | None:
        """The valid price at or next to ``price`` in the direction the caller names.

        None when there is none: nothing is below the lowest or above the highest.
        """
        if rounding == "down":
            below = [band.at_or_below(price) for band in self.bands]
            return max((p for p in below if p is not None), default=None)
        above = [band.at_or_above(price) for band in self.bands]
        return min((p for p in above if p is not None), default=None)

    @property
    def lowest(self) -> Decimal:
        """The lowest orderable price."""
        return _ends(self)[0]

    @property
    def highest(self) -> Decimal:
        """The highest orderable price."""
        return _ends(self)[1]

    def complement(self) -> PriceGrid:
        """The grid of the other outcome: the same steps, seen from the other end."""
        return _mirrored(self)

    def prices(self) -> Iterator[Decimal]:
        """Every valid price, ascending."""
        last = ZERO
        for band in self.bands:
            price = band.at_or_above(band.start)
            while price is not None and price <= band.end and price < ONE:
                if price > last:
                    last = price
                    yield price
                price = EXACT.add(price, band.step)


def _band(written: object) -> PriceBand:
    if not isinstance(written, str) or not written.split():
        raise ValueError(f"{written!r} is no text of numbers")
    try:
        *ends, step = [Decimal(part) for part in written.split()]
    except ArithmeticError:
        raise ValueError(f"{written!r} is not made of decimal numbers") from None
    if len(ends) not in {0, 2}:
        raise ValueError(f"{written!r} is neither one number nor three")
    start, end = ends or (ZERO, ONE)
    return PriceBand(start=start, end=end, step=step)


def _unwritten(bands: tuple[str, ...], why: str) -> BadRequest:
    given = ", ".join(map(repr, bands)) or "nothing"
    return BadRequest(
        f'PriceGrid.of takes texts in dollars, "step" such as "0.01", or "start end '
        f'step" for each band, not {given}: {why}'
    )


@lru_cache(maxsize=65_536)
def _on_grid(grid: PriceGrid, price: Decimal) -> bool:
    return ZERO < price < ONE and any(band.contains(price) for band in grid.bands)


def _in_words(grid: PriceGrid) -> str:
    """The step of the most prices first, as it is traded; then those of the others."""
    widths: dict[Decimal, Decimal] = {}
    for band in grid.bands:
        width = EXACT.subtract(band.end, band.start)
        widths[band.step] = EXACT.add(widths.get(band.step, ZERO), width)
    usual = max(widths, key=lambda step: widths[step])
    others = [
        f"{text(step, 2)} {' and '.join(_place(x) for x in grid.bands if x.step == step)}"
        for step in widths
        if step != usual
    ]
    lowest, highest = grid.bands[0].start, grid.bands[-1].end
    if (lowest, highest) != (ZERO, ONE):
        others.append(f"only from {text(lowest, 2)} to {text(highest, 2)}")
    return text(usual, 2) + (f" ({', '.join(others)})" if others else "")


def _place(band: PriceBand) -> str:
    if band.start == ZERO:
        return f"below {text(band.end, 2)}"
    if band.end == ONE:
        return f"above {text(band.start, 2)}"
    return f"from {text(band.start, 2)} to {text(band.end, 2)}"


@lru_cache(maxsize=1_024)
def _ends(grid: PriceGrid) -> tuple[Decimal, Decimal]:
    lowest, highest = grid.snap(ZERO, "up"), grid.snap(ONE, "down")
    if lowest is None or highest is None:
        message = f"no price between 0 and 1 dollar is on the grid {grid.bands}"
        raise VenueSchemaError(message, field="price_ranges")
    return lowest, highest


@lru_cache(maxsize=1_024)
def _mirrored(grid: PriceGrid) -> PriceGrid:
    return PriceGrid(
        tuple(
            PriceBand(
                start=complement(b.end),
                end=complement(b.start),
                step=b.step,
                anchor=complement(b.anchor),
            )
            for b in reversed(grid.bands)
        )
    )


def read_price(value: Number, grid: PriceGrid | None = None) -> Decimal:
    """Read a caller's price in dollars; refuse what the grid refuses, naming neighbours.

    >>> read_price(0.55, PriceGrid.of("0.01"))
    Decimal('0.55')
    """
    try:
        price = read_number(value)
    except ValueError as error:
        message = f"price {error}; a price is dollars between 0 and 1, such as 0.55"
        raise InvalidPrice(message) from error
    if not ZERO < price < ONE:
        message = f"price {text(price)} is not between 0 and 1 dollar"
        if ONE <= price < _CENTS:
            message += f"; for {text(price)} cents pass {text(EXACT.scaleb(price, -2))}"
        nearest = grid.nearest(price) if grid else ()
        raise InvalidPrice(message, nearest=nearest)
    if grid is not None and price not in grid:
        nearest = grid.nearest(price)
        valid = " or ".join(text(p) for p in nearest)
        message = f"price {text(price)} is not on the market's grid; nearest: {valid}"
        raise InvalidPrice(message, nearest=nearest)
    return price


def read_size(value: Number, *, lot: Decimal, minimum: Decimal) -> Decimal:
    """Read a caller's size in contracts; refuse what the lot or the minimum refuses.

    >>> read_size("2.50", lot=Decimal("0.01"), minimum=Decimal("0.01"))
    Decimal('2.50')
    """
    try:
        size = read_number(value)
    except ValueError as error:
        message = f"size {error}; a size is a number of contracts, such as 10"
        raise InvalidSize(message) from error
    if size < minimum:
        message = f"size {text(size)} is below the minimum of {text(minimum)} contracts"
        raise InvalidSize(message, nearest=(minimum,))
    if EXACT.remainder(size, lot):
        steps = _FLOOR.divide(size, lot).to_integral_value(ROUND_FLOOR)
        below = EXACT.multiply(steps, lot)
        nearest = tuple(s for s in (below, EXACT.add(below, lot)) if s >= minimum)
        valid = " or ".join(text(s) for s in nearest)
        message = (
            f"size {text(size)} is not a multiple of {text(lot)}; nearest: {valid}"
        )
        raise InvalidSize(message, nearest=nearest)
    return size
