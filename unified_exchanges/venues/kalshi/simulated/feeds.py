"""Values that come from elsewhere: indices of CF Benchmarks, prices of Pyth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal

import attrs

from ....money import total
from .wire import SECOND

__all__ = ["Average", "Feeds", "IndexTold", "PriceTold"]

_MINUTE_US = 60 * SECOND
_QUARTER_US = 15 * _MINUTE_US
_MS = 1_000
_LISTED_US = 120 * _MINUTE_US
_AVERAGES = Context(prec=60, rounding=ROUND_HALF_EVEN)


@attrs.frozen(slots=True)
class Average:
    """An average over ticks from ``start_us`` to before ``end_us``."""

    value: Decimal
    ticks: int
    start_us: int
    end_us: int


@attrs.frozen(kw_only=True, slots=True)
class IndexTold:
    """An index has a value; ``closing`` in the last minute of a quarter of an hour."""

    index_id: str
    value: Decimal
    time_us: int
    average: Average
    closing: Average | None


@attrs.frozen(kw_only=True, slots=True)
class PriceTold:
    """An underlying has a price."""

    underlying: str
    value: Decimal
    time_us: int


class Feeds:
    """What was told last, for the averages and to tell only what is newer."""

    def __init__(self) -> None:
        self._ticks: dict[str, deque[tuple[int, Decimal]]] = {}
        self._priced: dict[str, int] = {}

    @property
    def index_ids(self) -> list[str]:
        """The indices that there are."""
        return sorted(self._ticks)

    def underlyings(self, now_us: int) -> list[str]:
        """The underlyings that were told of in the last two hours."""
        since_us = now_us - _LISTED_US
        return sorted(name for name, at in self._priced.items() if at >= since_us)

    def index(self, index_id: str, value: Decimal, time_us: int) -> IndexTold | None:
        """Take a value; None where it is not newer than the last."""
        ticks = self._ticks.setdefault(index_id, deque())
        if ticks and time_us // _MS <= ticks[-1][0] // _MS:
            return None
        while ticks and ticks[0][0] < time_us - _MINUTE_US:
            ticks.popleft()
        before = [told for _, told in ticks]
        ticks.append((time_us, value))
        return IndexTold(
            index_id=index_id,
            value=value,
            time_us=time_us,
            average=Average(
                _mean(before or [value]), len(before), time_us - _MINUTE_US, time_us
            ),
            closing=_closing(ticks, time_us),
        )

    def price(self, underlying: str, value: Decimal, time_us: int) -> PriceTold | None:
        """Take a price; None where it is not newer than the last."""
        last_us = self._priced.get(underlying)
        if last_us is not None and time_us // _MS <= last_us // _MS:
            return None
        self._priced[underlying] = time_us
        return PriceTold(underlying=underlying, value=value, time_us=time_us)


def _closing(ticks: Iterable[tuple[int, Decimal]], time_us: int) -> Average | None:
    """The average since a minute before the close, without the tick of that moment.

    Where its window ends meanwhile is not documented: after the tick that is told.
    """
    close_us = -(-time_us // _QUARTER_US) * _QUARTER_US
    start_us = close_us - _MINUTE_US
    if time_us <= start_us:
        return None
    counted = [value for at, value in ticks if at > start_us]
    return Average(_mean(counted), len(counted), start_us, time_us + _MS)


def _mean(values: list[Decimal]) -> Decimal:
    return _AVERAGES.divide(total(values), Decimal(len(values)))
