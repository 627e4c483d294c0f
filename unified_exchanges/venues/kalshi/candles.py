"""Candles of Kalshi's markets, live and archived, in answers of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ...errors import ArgumentsRequired, BadRequest
from ...flow import Flow
from ...models import Candle, Market, Period
from . import parse
from .arguments import Span, read_limit, read_outcome, read_span
from .discovery import Discovery

__all__ = ["Candles", "windows"]

_SECONDS: Final = {"1m": 60, "1h": 3_600, "1d": 86_400}

_MOST: Final = 5_000
"""Candles in one answer.

Kalshi bounds an answer about several markets by 10,000; for one market it gives no number
(docs.kalshi.com, 2026-10), so stay well below.
"""


class Candles(Discovery):
    """Prices by period."""

    def fetch_ohlcv(
        self,
        market_id: str,
        period: Period = "1h",
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Flow[list[Candle]]:
        """Candles of one outcome, default YES, oldest first.

        Those that end after ``since`` (default: when the market opened) and not after
        ``until`` (default: now, or the period in which it closed), so that a caller
        goes on from the last ``end``.  The period that still runs is left out.  Raises
        `MarketNotFound`.
        """
        label, wanted = read_outcome(outcome), read_limit(limit)
        span = read_span(since, until)
        if period not in _SECONDS:
            message = f"period {period!r} is not one of {', '.join(_SECONDS)}"
            raise BadRequest(message, venue=self.id)
        market, archived = yield from self.find_market(market_id)
        first, last = self.bounds(market, span, period)
        by_end: dict[datetime, Candle] = {}
        for start, end in windows(first, last, _SECONDS[period], wanted):
            found, archived = yield from self.window(
                market, period, start, end, archived=archived
            )
            by_end |= {
                candle.end: candle.in_terms_of(label)
                for candle in found
                if start < candle.end.timestamp() <= end
            }
            if wanted is not None and len(by_end) >= wanted:
                break
        oldest_first = [by_end[moment] for moment in sorted(by_end)]
        return oldest_first if wanted is None else oldest_first[-wanted:]

    def bounds(self, market: Market, span: Span, period: Period) -> tuple[int, int]:
        """The Unix seconds between which the candles end."""
        now = int(self.clock.now())
        since = span.since or market.opens_at or market.created_at
        if since is None:
            message = f"{market.market_id} has no opening time; pass since="
            raise ArgumentsRequired(message, venue=self.id)
        if span.until is not None:
            last = int(span.until.timestamp())
        elif market.closes_at is not None:
            last = int(market.closes_at.timestamp()) + _SECONDS[period]
        else:
            last = now
        return int(since.timestamp()), min(last, now)

    def window(
        self, market: Market, period: Period, start: int, end: int, *, archived: bool
    ) -> Flow[tuple[list[Candle], bool]]:
        """The candles of a window, and whether the archive had them.

        A market moves to the archive with its candles, perhaps while we read.
        """
        ticker = market.market_id
        query = {
            "start_ts": start + 1,
            "end_ts": end,
            "period_interval": _SECONDS[period] // 60,
        }
        for in_archive in (archived, not archived):
            path = f"/historical/markets/{ticker}/candlesticks"
            if not in_archive:
                series = yield from self.series_of(market.event_id)
                path = f"/series/{series}/markets/{ticker}/candlesticks"
            call = self.read(path, query, about=f"candles of {ticker}")
            response = yield from self.read_if_there(call)
            if response is not None:
                decode = parse.historical_candles if in_archive else parse.candles
                return decode(response.body, ticker, period), in_archive
        raise self.unknown_markets([ticker])


def windows(
    first: int, last: int, length: int, limit: int | None
) -> Iterator[tuple[int, int]]:
    """Windows from the newest to the oldest; the first is as small as the limit."""
    count = _MOST if limit is None else min(limit, _MOST)
    while last > first:
        start = max(first, last - count * length)
        yield start, last
        # A market without quotes has no candles, so the limit may lie further back.
        last, count = start, _MOST
