"""What Kalshi's markets say now: tickers, order books, candles and fees.

There is one book for each market, in YES prices; NO is its exact complement, which the
models make (docs.kalshi.com, order books, 2026-10).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from ...errors import BadRequest
from ...flow import Flow, collect
from ...models import Market, OrderBook, Ticker
from ...models.quotes import POLLED
from . import parse
from .arguments import YES, read_id, read_ids, read_outcome
from .identity import check_asked
from .price_history import PriceHistory
from .tariffs import Tariffs

__all__ = ["Quotes"]

_BOOKS_A_REQUEST: Final = 100
_DEEPEST: Final = 100


class Quotes(PriceHistory, Tariffs):
    """Tickers and order books, beside candles and fees.

    Without a key Kalshi answers from a cache that may be 15 seconds old; with one every
    request is signed and the answer is fresh.
    """

    def fetch_ticker(
        self, market_id: str, *, outcome: str | None = None
    ) -> Flow[Ticker]:
        """Best quotes of one outcome, default YES; raises `MarketNotFound`."""
        label = read_outcome(outcome)
        market = yield from self.fetch_market(market_id)
        return self._ticker(market).in_terms_of(label)

    def fetch_tickers(
        self, market_ids: Sequence[str], *, outcome: str | None = None
    ) -> Flow[dict[str, Ticker]]:
        """Best quotes by market id, in the order asked; raises `MarketNotFound`."""
        label = read_outcome(outcome)
        markets = yield from collect(self.fetch_markets(market_ids=market_ids))
        return {x.market_id: self._ticker(x).in_terms_of(label) for x in markets}

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        """The book of one outcome, default YES; that of a closed market is empty.

        ``depth`` is 1 to 100 levels a side, None for all.  An archived market is closed:
        Kalshi has no book of it, so an empty one is made.  Raises `MarketNotFound`.
        """
        label, levels = read_outcome(outcome), _read_depth(depth)
        ticker = read_id("market_id", market_id)
        path = f"/markets/{ticker}/orderbook"
        call = self.read(path, {"depth": levels}, about=f"order book of {ticker}")
        response = yield from self.read_if_there(call)
        if response is None:
            yield from self.fetch_market(ticker)
            return self._empty_book(ticker, label)
        book = parse.order_book(response.body, ticker, timestamp=self._arrival())
        return _told(book, label, levels)

    def fetch_order_books(
        self,
        market_ids: Sequence[str],
        *,
        outcome: str | None = None,
        depth: int | None = None,
    ) -> Flow[dict[str, OrderBook]]:
        """Books by market id, in the order asked, a hundred in a request.

        Those of closed markets are empty, archived ones included.  Raises
        `MarketNotFound` if one of the markets does not exist.
        """
        label, levels = read_outcome(outcome), _read_depth(depth)
        ids = read_ids("market_ids", market_ids)
        found: dict[str, OrderBook] = {}
        for start in range(0, len(ids), _BOOKS_A_REQUEST):
            chunk = ids[start : start + _BOOKS_A_REQUEST]
            call = attrs.evolve(
                self.read("/markets/orderbooks", about=f"{len(chunk)} order books"),
                query=tuple(("tickers", ticker) for ticker in chunk),
            )
            response = yield from self.read_if_there(call)
            if response is not None:
                books = parse.order_books(response.body, timestamp=self._arrival())
                for ticker in books:
                    check_asked(ticker, chunk, "ticker")
                found |= books
            if missing := [ticker for ticker in chunk if ticker not in found]:
                yield from collect(self.fetch_markets(market_ids=missing))
                found |= {x: self._empty_book(x, YES) for x in missing}
        return {ticker: _told(found[ticker], label, levels) for ticker in ids}

    def _ticker(self, market: Market) -> Ticker:
        return Ticker(
            venue=self.id,
            raw_json=market.raw_json,
            market_id=market.market_id,
            outcome=YES,
            bid=market.bid,
            ask=market.ask,
            bid_size=market.bid_size,
            ask_size=market.ask_size,
            last_price=market.last_price,
            previous_price=market.previous_price,
            volume=market.volume,
            volume_24h=market.volume_24h,
            open_interest=market.open_interest,
            timestamp=self._arrival(),
        )

    def _empty_book(self, market_id: str, outcome: str) -> OrderBook:
        """The book of a market that exists and has none."""
        return OrderBook(
            venue=self.id,
            raw_json=b"{}",
            market_id=market_id,
            outcome=outcome,
            bids=(),
            asks=(),
            timestamp=self._arrival(),
            freshness=POLLED,
        )

    def _arrival(self) -> datetime:
        """When an answer arrived, by our clock: Kalshi gives quotes no time."""
        return datetime.fromtimestamp(self.clock.now(), UTC)


def _read_depth(depth: object) -> int | None:
    if depth is None:
        return None
    if (
        isinstance(depth, int)
        and not isinstance(depth, bool)
        and 1 <= depth <= _DEEPEST
    ):
        return depth
    message = f"depth {depth!r} is not 1 to {_DEEPEST} levels; None means all"
    raise BadRequest(message, venue="kalshi")


def _told(book: OrderBook, outcome: str, depth: int | None) -> OrderBook:
    """The book of one outcome, no deeper than asked."""
    if outcome != book.outcome:
        book = book.complement(outcome)
    if depth is None:
        return book
    return attrs.evolve(book, bids=book.bids[:depth], asks=book.asks[:depth])
