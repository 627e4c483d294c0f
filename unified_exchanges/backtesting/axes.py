"""Where the lines of a chart stand, and what is written beside them: dollars and times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final

from ..money import EXACT, ZERO, div

__all__ = ["depth_ticks", "dollar_ticks", "microseconds", "time_ticks"]

_SHOWN: Final = 3
"""Digits of the deepest fall: more are not read from a chart, and are told beside it."""
_CENTS: Final = -2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_NICE: Final = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_UNITS: Final = ((12, "T"), (9, "B"), (6, "M"), (0, ""))
_STEPS: Final = (
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(_SECOND * 60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(_SECOND * 3_600 * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)


def dollar_ticks(low: Decimal, high: Decimal, most: int) -> list[tuple[Decimal, str]]:
    """Round amounts from the lowest up, with how they are written.

    >>> [told for _, told in dollar_ticks(Decimal("985.83"), Decimal(1000), 4)]
    ['$990', '$995', '$1,000']
    >>> [told for _, told in dollar_ticks(Decimal("-0.02"), Decimal("0.01"), 4)]
    ['-$0.02', '-$0.01', '$0.00', '$0.01']
    >>> [told for _, told in dollar_ticks(Decimal(100), Decimal(100), 4)]
    ['$100']
    >>> [told for _, told in dollar_ticks(Decimal(10000), Decimal(10001), 2)]
    ['$10,000.00', '$10,000.50', '$10,001.00']
    >>> [told for _, told in dollar_ticks(Decimal(249900000), Decimal(250100000), 2)]
    ['$249.9M', '$250.0M', '$250.1M']
    """
    if low == high:
        exponent = low.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        return [(low, _dollars(low, exponent, low))]
    rough = div(EXACT.subtract(high, low), Decimal(most))
    power = rough.adjusted()
    step = next(x for nice in _NICE if (x := nice.scaleb(power)) >= rough)
    tick = EXACT.multiply(
        div(low, step).to_integral_value(rounding=ROUND_CEILING), step
    )
    found = []
    largest = max(low.copy_abs(), high.copy_abs())
    while tick <= high:
        found.append((tick, _dollars(tick, step.adjusted(), largest)))
        tick = EXACT.add(tick, step)
    return found


def depth_ticks(deepest: Decimal) -> list[tuple[Decimal, str]]:
    """Nothing and the deepest fall: round amounts between the two may be none.

    >>> [told for _, told in depth_ticks(Decimal("-0.448"))]
    ['$0', '-$0.448']
    """
    found = [(ZERO, "$0")]
    if deepest:
        exponent = deepest.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        last = max(deepest.adjusted() - _SHOWN + 1, min(exponent, _CENTS))
        found.append((deepest, _dollars(deepest, last, deepest)))
    return found


def time_ticks(
    began: datetime, ended: datetime, most: int
) -> list[tuple[datetime, Sequence[str]]]:
    """Round times, UTC, each with the lines that are written at it: a time and its day.

    Where none lies between the two, it is the first of them.

    >>> noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    >>> [told for _, told in time_ticks(noon, noon + timedelta(minutes=70), 3)]
    [('12:00', '2026-11-29'), ('12:30', '2026-11-29'), ('13:00', '2026-11-29')]
    >>> [told for _, told in time_ticks(noon, noon + timedelta(days=10), 2)]
    [('2026-12-03',)]
    """
    first, last = microseconds(_EPOCH, began), microseconds(_EPOCH, ended)
    steps = (*_STEPS, (last - first) // most + 1)
    step = next(x for x in steps if (last - first) // x < most)
    places = range(-(-first // step) * step, last + 1, step)
    if not places:
        return [(began, (f"{began:%H:%M:%S}", f"{began:%Y-%m-%d}"))]
    moments = [_EPOCH + timedelta(microseconds=x) for x in places]
    if step >= _DAY:
        return [(x, (f"{x:%Y-%m-%d}",)) for x in moments]
    form = "%H:%M" if step % (60 * _SECOND) == 0 else "%H:%M:%S"
    return [(x, (x.strftime(form), f"{x:%Y-%m-%d}")) for x in moments]


def microseconds(began: datetime, ended: datetime) -> int:
    """How many there are between two moments."""
    passed = ended - began
    return (passed.days * 86_400 + passed.seconds) * _SECOND + passed.microseconds


def _dollars(amount: Decimal, last: int, largest: Decimal) -> str:
    """To the power of ten ``last``, in the unit that fits the largest beside it."""
    size = largest.copy_abs()
    power, unit = next(x for x in _UNITS if size >= Decimal(1).scaleb(x[0]) or not x[0])
    sign = "-" if amount < ZERO else ""
    shown = EXACT.scaleb(amount.copy_abs(), -power)
    places = max(0, power - last)
    if not unit and places == 1:
        places = 2  # cents, as dollars are written
    return f"{sign}${shown:,.{places}f}{unit}"
