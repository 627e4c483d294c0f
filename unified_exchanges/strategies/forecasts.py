"""Probabilities that a strategy stated, and how they turned out: exact, in small space."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import attrs

from ..errors import BadRequest
from ..models.record import Flat
from ..money import EXACT, ONE, ZERO, complement, div

__all__ = ["CalibrationBin", "Forecasts", "read_probability"]

BINS: Final = 10


@attrs.frozen(kw_only=True, slots=True)
class CalibrationBin(Flat):
    """Forecasts of one tenth: how many, what they said on average, and what came.

    Of a forecaster that is right ``came`` is ``said``, as far as chance allows.
    """

    low: Decimal
    high: Decimal
    count: int
    said: Decimal
    came: Decimal


@attrs.define(eq=False)
class _Tally:
    """What was said of one market, of its first outcome."""

    count: int = 0
    said: Decimal = ZERO
    squares: Decimal = ZERO
    bins: list[tuple[int, Decimal]] = attrs.Factory(lambda: [(0, ZERO)] * BINS)


def read_probability(number: Decimal) -> Decimal:
    """A probability between 0 and 1; raises `BadRequest` for another number."""
    if not ZERO <= number <= ONE:
        raise BadRequest(f"probability {number} is not between 0 and 1")
    return number


class Forecasts:
    """Sums of what was said of each market: as much memory, however often it is said."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}
        self._values: dict[str, Decimal] = {}

    def add(self, market_id: str, probability: Decimal, *, is_first: bool) -> None:
        """Take down a probability between 0 and 1, as long as the market is not settled."""
        if market_id in self._values:
            return  # the outcome is known
        said = probability if is_first else complement(probability)
        tally = self._tallies.setdefault(market_id, _Tally())
        tally.count += 1
        tally.said = EXACT.add(tally.said, said)
        tally.squares = EXACT.add(tally.squares, EXACT.multiply(said, said))
        number = min(BINS - 1, int(EXACT.multiply(said, Decimal(BINS))))
        count, before = tally.bins[number]
        tally.bins[number] = count + 1, EXACT.add(before, said)

    def settle(self, market_id: str, value: Decimal) -> None:
        """The first outcome of a market came true (1), did not (0), or in part."""
        self._values.setdefault(market_id, value)

    @property
    def count(self) -> int:
        """How many forecasts have been judged."""
        return sum(tally.count for tally, _ in self._judged())

    @property
    def brier(self) -> Decimal | None:
        """The mean of squared errors: 0 is perfect, 0.25 is what always saying 0.5 gets.

        None before a market that was forecast is settled.
        """
        errors, count = ZERO, 0
        for tally, value in self._judged():
            # The sum of (p − v)²: what was said need not be kept for it.
            square = EXACT.multiply(Decimal(tally.count), EXACT.multiply(value, value))
            cross = EXACT.multiply(EXACT.multiply(Decimal(2), value), tally.said)
            found = EXACT.subtract(EXACT.add(tally.squares, square), cross)
            errors, count = EXACT.add(errors, found), count + tally.count
        return div(errors, Decimal(count)) if count else None

    def calibration(self) -> tuple[CalibrationBin, ...]:
        """Said against came, by tenths; empty ones are left out."""
        bins = []
        for number in range(BINS):
            count, said, came = 0, ZERO, ZERO
            for tally, value in self._judged():
                found, sum_said = tally.bins[number]
                count += found
                said = EXACT.add(said, sum_said)
                came = EXACT.add(came, EXACT.multiply(value, Decimal(found)))
            if count:
                bins.append(
                    CalibrationBin(
                        low=div(Decimal(number), Decimal(BINS)),
                        high=div(Decimal(number + 1), Decimal(BINS)),
                        count=count,
                        said=div(said, Decimal(count)),
                        came=div(came, Decimal(count)),
                    )
                )
        return tuple(bins)

    def _judged(self) -> list[tuple[_Tally, Decimal]]:
        return [
            (tally, self._values[market_id])
            for market_id, tally in self._tallies.items()
            if market_id in self._values
        ]
