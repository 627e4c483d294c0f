"""How equity and exposure went, over the points of a curve and nothing else: exact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

import attrs

from ..money import EXACT, ZERO, div
from .report import EquityPoint

__all__ = ["Course", "course_of"]

_MICROSECOND: Final = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class Course:
    """What a `Report` says of its curve, by the same names."""

    max_drawdown: Decimal
    max_drawdown_ratio: Decimal
    peak_exposure: Decimal
    average_exposure: Decimal


def course_of(points: Sequence[EquityPoint], cash: Decimal) -> Course:
    """Look at all points; ``cash`` is what it began with, the first height of equity.

    >>> course_of([], Decimal(5)).max_drawdown
    Decimal('0')
    """
    height, deepest, steepest = cash, ZERO, ZERO
    for point in points:
        height = max(height, point.equity)
        fall = EXACT.subtract(height, point.equity)
        deepest = max(deepest, fall)
        if height:
            steepest = max(steepest, div(fall, height))
    return Course(
        max_drawdown=deepest,
        max_drawdown_ratio=steepest,
        peak_exposure=max((point.exposure for point in points), default=ZERO),
        average_exposure=_average(points),
    )


def _average(points: Sequence[EquityPoint]) -> Decimal:
    """Exposure, each for as long as until the next point."""
    if not points:
        return ZERO
    span = (points[-1].at - points[0].at) // _MICROSECOND
    if not span:
        return points[-1].exposure
    area = ZERO
    for point, after in pairwise(points):
        lasted = Decimal((after.at - point.at) // _MICROSECOND)
        area = EXACT.add(area, EXACT.multiply(point.exposure, lasted))
    return div(area, Decimal(span))
