"""What Polymarket's outcomes were priced at, over time.

Facts: docs.polymarket.com, Data API v2, prices history, 2026-10.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

import attrs

from ...errors import ArgumentsRequired, BadRequest
from ...flow import Flow, collect
from ...models import Market, Outcome, PricePoint
from . import parse
from .arguments import read_limit, read_market_id, read_resolution, read_span
from .candles import Candles

__all__ = ["PriceHistory"]

_PATH: Final = "/data/v2/prices-history"
_LONGEST: Final = 15 * 86_400
"""Seconds of one question, at most."""
_MOST: Final = 10_000
"""Points of one page."""
_COARSE: Final = 3 * 3_600
"""Points of three hours, and of what they make up, are kept for good."""
_KEPT: Final = ((1_800, 90), (300, 60), (60, 7))
"""Days for which at least finer ones are kept, by the seconds of what they are made of."""
_HOUR: Final = timedelta(hours=1)
_KEY: Final = attrgetter("timestamp", "price", "resolution")


class PriceHistory(Candles):
    """Points of price, as the venue has them."""

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
        """Prices of one outcome, default the first, oldest first.

        The venue says neither whether they are of trades or of quotes, nor where in its
        ``resolution`` a point lies; the last of each fifteen days may lie between two.
        ``since`` (default: when the market opened) and ``until`` (default: now) are both
        included.  Where it keeps only coarser points of a part of the time, which it does of
        what is older than some days or weeks, `BadRequest` says from when on there are such
        as were asked for.  Raises `MarketNotFound`.
        """
        wanted, span = read_limit(limit), read_span(since, until)
        step = read_resolution(resolution)
        name, now = read_market_id(market_id), int(self.clock.now())
        begins = span.since
        if begins is None:
            begins = _opening((yield from self.fetch_market(name)))
        side = (yield from self.known(name)).outcome(outcome)
        first = max(0, int(begins.timestamp()))
        # The end is not part of an answer: that of until, or of now, shall be.
        last = min(int(span.until.timestamp()), now) if span.until else now
        found: list[PricePoint] = []
        for start, end in _windows(first, last + 1):
            points = yield from self._points(name, side, start, end, step)
            found += [x for x in points if span.holds(x.timestamp)]
            if wanted is not None and len(found) >= wanted:
                break
        else:
            oldest = min((x.timestamp for x in found), default=None)
            reached = last if oldest is None else int(oldest.timestamp())
            yield from self._require_kept(name, side, first, reached, step)
        found.sort(key=attrgetter("timestamp"))
        return found if wanted is None else found[-wanted:]

    def _points(
        self, market_id: str, side: Outcome, start: int, end: int, step: int
    ) -> Flow[list[PricePoint]]:
        """The points of one window."""
        query = {
            "token_id": side.outcome_id,
            "start": start,
            "end": end,
            "bucket_seconds": step,
        }
        found = yield from collect(
            self.told(
                _PATH,
                query,
                parse.points_page,
                _KEY,
                about=f"price history of {market_id} {side.label}",
                most=_MOST,
            )
        )
        return [attrs.evolve(x, market_id=market_id, outcome=side.label) for x in found]

    def _require_kept(
        self, market_id: str, side: Outcome, first: int, reached: int, step: int
    ) -> Flow[None]:
        """Refuse to pass off the part that is kept as the whole that was asked for."""
        now = int(self.clock.now())
        if not step % _COARSE or reached - first <= _COARSE:
            return
        days = next(days for length, days in _KEPT if not step % length)
        if first >= now - days * 86_400:
            return
        start = max(first, reached - _LONGEST)
        coarser = yield from self._points(market_id, side, start, reached, _COARSE)
        if any(x.timestamp.timestamp() < reached - _COARSE for x in coarser):
            moment = datetime.fromtimestamp(reached, UTC)
            message = (
                f"of {market_id} Polymarket keeps prices {timedelta(seconds=step)} apart since "
                f"{moment:%Y-%m-%d %H:%M} UTC only: pass since= that or later, or "
                "resolution=timedelta(hours=3) or hours=12, which it keeps for good"
            )
            raise BadRequest(message, venue=self.id)


def _opening(market: Market) -> datetime:
    told = [x for x in (market.opens_at, market.created_at) if x is not None]
    if not told:
        message = f"{market.market_id} has no opening time; pass since="
        raise ArgumentsRequired(message, venue=market.venue)
    return min(told)


def _windows(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Windows that the venue answers, from the newest to the oldest; ends are left out."""
    while end > first:
        start = max(first, end - _LONGEST)
        yield start, end
        end = start
