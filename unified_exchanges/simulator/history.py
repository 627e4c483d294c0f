"""The past of a market, a row per minute in which something happened."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from decimal import Decimal
from operator import attrgetter

import attrs

from ..money import EXACT, ZERO, div, total
from .markets import Candle, Range

__all__ = ["MINUTE_US", "Bar", "History"]

MINUTE_US = 60_000_000
_DAY = 1440
_MINUTE = attrgetter("minute")


@attrs.define(slots=True)
class Track:
    """The course of one quantity within a minute; None while there is none."""

    open: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    close: Decimal | None = None

    @classmethod
    def starting(cls, value: Decimal | None) -> Track:
        """A course that begins at a value."""
        return cls(value, value, value, value)

    def move(self, value: Decimal | None) -> None:
        """Go on to a value."""
        self.close = value
        if value is None:
            return
        if self.low is None or self.high is None:
            self.open = self.low = self.high = value
        self.low = min(self.low, value)
        self.high = max(self.high, value)


@attrs.define(slots=True)
class Bar:
    """A minute of a market, counted from the epoch; it holds its end, not its start."""

    minute: int
    bid: Track
    ask: Track
    price: Track
    open_interest: Decimal
    volume: Decimal = ZERO
    value: Decimal = ZERO
    last_price: Decimal | None = None


class History:
    """Quotes, trades and open interest by the minute; bounded to ``kept`` minutes."""

    def __init__(self, created_us: int, *, kept: int = 14 * _DAY) -> None:
        self._kept = kept
        self._first = _minute_of(created_us)
        self._bars = [_bar_after(None, self._first)]
        self._day = 0
        self._day_volume = ZERO

    def quote(self, time_us: int, bid: Decimal | None, ask: Decimal | None) -> None:
        """Tell the best prices of now."""
        last = self._bars[-1]
        if last.bid.close == bid and last.ask.close == ask:
            return
        bar = self._bar(time_us)
        bar.bid.move(bid)
        bar.ask.move(ask)

    def trade(
        self, time_us: int, price: Decimal, size: Decimal, open_interest: Decimal
    ) -> None:
        """Tell a trade, and the open interest after it."""
        bar = self._bar(time_us)
        bar.price.move(price)
        bar.last_price = price
        bar.volume = EXACT.add(bar.volume, size)
        bar.value = EXACT.add(bar.value, EXACT.multiply(price, size))
        bar.open_interest = open_interest
        self._day_volume = EXACT.add(self._day_volume, size)

    def day_volume(self, now_us: int) -> Decimal:
        """Contracts traded within the last 24 hours, to the minute."""
        self._leave_yesterday(now_us)
        return self._day_volume

    def day_ago(
        self, now_us: int
    ) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """Bid, ask and last price of 24 hours ago."""
        self._leave_yesterday(now_us)
        if not self._day:
            return None, None, None
        bar = self._bars[self._day - 1]
        return bar.bid.close, bar.ask.close, bar.last_price

    def candles(
        self, *, start_us: int, end_us: int, now_us: int, minutes: int
    ) -> list[Candle]:
        """The candles whose end lies in [start, end] and is past, oldest first."""
        first = max(-(-start_us // MINUTE_US), self._first + 1)
        first = -(-first // minutes) * minutes
        last = min(end_us, now_us - 1) // MINUTE_US
        return [
            self._candle(end - minutes, end) for end in range(first, last + 1, minutes)
        ]

    def _candle(self, start: int, end: int) -> Candle:
        low = bisect_left(self._bars, start, key=_MINUTE)
        bars = self._bars[low : bisect_left(self._bars, end, key=_MINUTE)]
        before = self._bars[low - 1] if low else None
        latest = bars[-1] if bars else before
        volume = total(bar.volume for bar in bars)
        value = total(bar.value for bar in bars)
        return Candle(
            end_us=end * MINUTE_US,
            bid=_range([bar.bid for bar in bars], before.bid.close if before else None),
            ask=_range([bar.ask for bar in bars], before.ask.close if before else None),
            price=_range([bar.price for bar in bars], None),
            mean=div(value, volume) if volume else None,
            previous=before.last_price if before else None,
            volume=volume,
            open_interest=latest.open_interest if latest else ZERO,
        )

    def _bar(self, time_us: int) -> Bar:
        minute = _minute_of(time_us)
        last = self._bars[-1]
        if last.minute >= minute:
            return last
        bar = _bar_after(last, minute)
        self._bars.append(bar)
        if len(self._bars) > 2 * self._kept:
            self._leave_yesterday(time_us)
            dropped = min(self._kept, self._day - 1)
            del self._bars[:dropped]
            self._day -= dropped
        return bar

    def _leave_yesterday(self, now_us: int) -> None:
        oldest = _minute_of(now_us) - _DAY
        end = bisect_right(self._bars, oldest, lo=self._day, key=_MINUTE)
        gone = total(bar.volume for bar in self._bars[self._day : end])
        self._day_volume = EXACT.subtract(self._day_volume, gone)
        self._day = end


def _minute_of(time_us: int) -> int:
    return (time_us - 1) // MINUTE_US


def _bar_after(last: Bar | None, minute: int) -> Bar:
    return Bar(
        minute=minute,
        bid=Track.starting(last.bid.close if last else None),
        ask=Track.starting(last.ask.close if last else None),
        price=Track(),
        open_interest=last.open_interest if last else ZERO,
        last_price=last.last_price if last else None,
    )


def _range(tracks: list[Track], carried: Decimal | None) -> Range | None:
    """The range of a period; what was there before it carries on into it."""
    values = [Track.starting(carried), *tracks]
    opened = next((t.open for t in values if t.open is not None), None)
    if opened is None:
        return None
    closes = [t.close for t in values if t.close is not None]
    return Range(
        open=opened,
        low=min(t.low for t in values if t.low is not None),
        high=max(t.high for t in values if t.high is not None),
        close=closes[-1] if closes else opened,
    )
