"""Candles of Polymarket's markets, made of public trades."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from ...errors import BadRequest
from ...flow import Flow
from ...models import Candle, Ohlc, Period, Trade
from ...money import div, total
from ...venue.merging import next_page
from .arguments import read_limit, read_span
from .history import History

__all__ = ["Candles"]

_SECONDS: Final = {"1m": 60, "1h": 3_600, "1d": 86_400}
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Candles(History):
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
        """Candles of one outcome, default the first, oldest first; made of its trades.

        The venue has points of prices only.  Exact, with exact volumes, and as late as the
        trades; quotes and open interest are not told.  A period without a trade is left
        out, and so is the one that still runs.  Those that end after ``since`` (default:
        all there are) and not after ``until``.  All trades of the time are read: give
        ``since`` or ``limit`` for a busy market.  Raises `MarketNotFound`.
        """
        wanted, span = read_limit(limit), read_span(since, until)
        if period not in _SECONDS:
            message = f"period {period!r} is not one of {', '.join(_SECONDS)}"
            raise BadRequest(message, venue=self.id)
        length = timedelta(seconds=_SECONDS[period])
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        last = now if span.until is None else min(span.until, now)
        known = yield from self.known(market_id)
        side = known.outcome(outcome)
        first = None if span.since is None else _end(span.since, length) - length
        if first is not None and first > last:
            # What is yet to come has no candles, as it has no trades.
            return []
        pages = self.fetch_trades(
            market_id, outcome=side.outcome_id, since=first, until=last
        )
        by_end: dict[datetime, list[Trade]] = {}
        try:
            while (trades := (yield from next_page(pages))) is not None:
                for trade in trades:
                    by_end.setdefault(_end(trade.created_at, length), []).append(trade)
                # The oldest of them may have more to come.
                if wanted is not None and _whole(by_end, last) > wanted:
                    break
        finally:
            pages.close()
        ends = sorted(
            end
            for end in by_end
            if end <= last and (span.since is None or end > span.since)
        )
        if wanted is not None:
            ends = ends[-wanted:]
        return [_candle(by_end[end], end, length, side.label) for end in ends]


def _whole(by_end: Mapping[datetime, object], last: datetime) -> int:
    return sum(end <= last for end in by_end)


def _end(moment: datetime, length: timedelta) -> datetime:
    """The end of the period ``(start, end]`` that a moment is in."""
    periods = -((_EPOCH - moment) // length)
    return _EPOCH + periods * length


def _candle(
    trades: list[Trade], end: datetime, length: timedelta, outcome: str
) -> Candle:
    """The candle of a period's trades, which come newest first."""
    prices = [trade.price for trade in trades]
    volume = total(trade.size for trade in trades)
    value = total(trade.notional for trade in trades)
    return Candle(
        venue="polymarket",
        market_id=trades[0].market_id,
        outcome=outcome,
        start=end - length,
        end=end,
        price=Ohlc(prices[-1], max(prices), min(prices), prices[0]),
        bid=None,
        ask=None,
        volume=volume,
        mean=div(value, volume) if volume else None,
    )
