"""What a recorded answer of Kalshi tells of books, trades and markets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from ...errors import UnifiedExchangesError
from ...models import Market, OrderBook, Trade
from ...recording.decoder import Decoded
from ...recording.format import Rest
from ...recording.polled import Polled
from . import parse
from .arguments import YES

__all__ = ["read_answer"]

_KIND: Final = re.compile(
    r"""/markets/ (?P<book>[^/]+) /orderbook $
      | /markets/ (?P<books>orderbooks) $
      | /(?:markets|historical)/ (?P<trades>trades) $
      | /(?P<listing>markets|events) $
      | /markets/ (?P<market>(?![a-z_]+$)[^/]+) $
      | /events/ (?P<event>(?![a-z_]+$)[^/]+) $  # tickers are never written small""",
    re.VERBOSE,
)


def read_answer(answer: Rest, polled: Polled) -> Iterator[Decoded]:
    """Tell what an answer tells."""
    if answer.method != "GET" or (found := _KIND.search(answer.path)) is None:
        return
    kind = found.lastgroup
    if kind in {"book", "books"}:
        if any(name == "depth" and value != "0" for name, value in answer.query):
            return  # not all of it: what is missing would seem to be gone
        names = [unquote(found["book"])] if found["book"] else _tickers(answer)
        try:
            books = _books(answer, found["book"], polled)
        except UnifiedExchangesError as error:
            yield from polled.unread(error, sorted(names))
            return
        for book in books:
            yield from polled.book(book, YES)
        return
    try:
        trades = _trades(answer.body.data) if kind == "trades" else []
        markets = [] if kind == "trades" else _markets(answer.body.data, found)
    except UnifiedExchangesError as error:
        about = "trades" if kind == "trades" else "markets"
        polled.untold(answer, error, about)
        return
    yield from polled.trades(trades)
    for market in markets:
        yield from polled.market(market)


def _tickers(answer: Rest) -> list[str]:
    return [value for name, value in answer.query if name == "tickers"]


def _books(answer: Rest, ticker: str | None, polled: Polled) -> Iterable[OrderBook]:
    # Kalshi gives books over REST no time: it is when they came, as live.
    body, now = answer.body.data, polled.now()
    if ticker is None:
        return parse.order_books(body, timestamp=now).values()
    return [parse.order_book(body, unquote(ticker), timestamp=now)]


def _trades(body: bytes) -> list[Trade]:
    return parse.trades_page(body)[0]


def _markets(body: bytes, found: re.Match[str]) -> list[Market]:
    if found["market"]:
        return [parse.market(body)]
    if found["event"]:
        return [*parse.event(body).markets]
    if found["listing"] == "markets":
        return parse.markets_page(body)[0]
    return [market for event in parse.events_page(body)[0] for market in event.markets]
