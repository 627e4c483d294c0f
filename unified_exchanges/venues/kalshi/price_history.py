"""What Kalshi's markets were last traded at, over time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from ...flow import Flow
from ...models import Candle, Period, PricePoint
from .arguments import Span, read_limit, read_outcome, read_resolution, read_span
from .candles import Candles, windows

__all__ = ["PriceHistory"]

_PERIODS: Final[tuple[tuple[int, Period], ...]] = (
    (86_400, "1d"),
    (3_600, "1h"),
    (60, "1m"),
)
_HOUR: Final = timedelta(hours=1)


class PriceHistory(Candles):
    """Points of price, which Kalshi tells as candles only."""

    def fetch_price_history(
        self,
        market_id: str,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        resolution: timedelta = _HOUR,
        limit: int | None = None,
    ) -> Flow[list[PricePoint]]:
        """Last trades of one outcome, default YES, oldest first; made of candles.

        A point stands for the ``resolution`` that ends at its time; where that saw no trade
        there is none, and none of the time that still runs.  ``since`` and ``until`` are
        both included, and default as those of `fetch_ohlcv`.  Raises `MarketNotFound`.
        """
        label, wanted = read_outcome(outcome), read_limit(limit)
        span, step = read_span(since, until), read_resolution(resolution)
        length, period = next(x for x in _PERIODS if not step % x[0])
        market, archived = yield from self.find_market(market_id)
        # What ends at since began before it.
        begins = None if span.since is None else span.since - resolution
        first, last = self.bounds(market, Span(begins, span.until), period)
        points: dict[int, PricePoint] = {}
        for start, end in windows(first, last, length, None):
            found, archived = yield from self.window(
                market, period, start, end, archived=archived
            )
            # The newest trade of a resolution is its price, also where a window cuts it.
            for at, candle in _by_end(found, step, length):
                point = _point(candle.in_terms_of(label), at, resolution)
                if point is not None and at <= last and span.holds(point.timestamp):
                    points.setdefault(at, point)
            if wanted is not None and len(points) >= wanted:
                break
        oldest_first = [points[at] for at in sorted(points)]
        return oldest_first if wanted is None else oldest_first[-wanted:]


def _by_end(
    candles: Iterable[Candle], step: int, length: int
) -> list[tuple[int, Candle]]:
    """Candles, newest first, with the end of the resolution that each is in."""
    found = []
    for candle in candles:
        end = int(candle.end.timestamp())
        # Whether Kalshi's days end at midnight UTC is not documented: take them as told.
        found.append((end if step == length else -(-end // step) * step, candle))
    return sorted(found, key=lambda x: x[1].end, reverse=True)


def _point(candle: Candle, at: int, resolution: timedelta) -> PricePoint | None:
    if candle.price is None:
        return None
    return PricePoint(
        venue=candle.venue,
        raw_json=candle.raw_json,
        market_id=candle.market_id,
        outcome=candle.outcome,
        timestamp=datetime.fromtimestamp(at, UTC),
        price=candle.price.close,
        resolution=resolution,
    )
