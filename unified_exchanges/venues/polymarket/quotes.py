"""What Polymarket's markets say now: order books, tickers and terms.

Each outcome has a book of its own; the two of a market mirror each other
(docs.polymarket.com, order books, 2026-08).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import attrs

from ...errors import VenueSchemaError
from ...flow import Flow, collect
from ...models import Level, OrderBook, Outcome, Ticker
from ...models.quotes import POLLED
from . import parse
from .arguments import read_market_id, read_market_ids, refusal
from .asked import check_asked
from .discovery import Discovery
from .memory import Known

__all__ = ["Quotes"]

_BOOKS_A_REQUEST: Final = 500
"""The most that are answered at once (docs.polymarket.com, order books, 2026-08)."""
_DEEPEST: Final = 10_000


class Quotes(Discovery):
    """Order books, tickers and what must be known of a market to trade on it."""

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        """The book of one outcome, default the first; that of a closed market is empty.

        ``depth`` is how many levels of each side are kept, None for all: the venue always
        tells all.  Raises `MarketNotFound`.
        """
        levels = _read_depth(depth)
        known = yield from self.known(market_id)
        side = known.outcome(outcome)
        query = {"token_id": side.outcome_id}
        about = f"order book of {known.market_id} {side.label}"
        call = self.read("/clob/book", query, about=about)
        response = yield from self.read_if_there(call)
        if response is None:
            # Which exists: it was known, or has just been found.
            return self._empty_book(known, side)
        token, book = parse.order_book(response.body)
        check_asked(token, (side.outcome_id,), "asset_id")
        return self._of_outcome(book, known, side, levels)

    def fetch_order_books(
        self,
        market_ids: Sequence[str],
        *,
        outcome: str | None = None,
        depth: int | None = None,
    ) -> Flow[dict[str, OrderBook]]:
        """Books by market id, in the order asked, five hundred in a request.

        Those of closed markets are empty.  Raises `MarketNotFound` if one of the markets
        does not exist, and `BadRequest` if one has no such outcome.
        """
        levels = _read_depth(depth)
        known = yield from self.known_all(read_market_ids(market_ids))
        sides = {name: market.outcome(outcome) for name, market in known.items()}
        books = yield from self.books([side.outcome_id for side in sides.values()])
        found: dict[str, OrderBook] = {}
        for name, side in sides.items():
            book = books.get(side.outcome_id)
            found[name] = (
                self._empty_book(known[name], side)
                if book is None
                else self._of_outcome(book, known[name], side, levels)
            )
        return found

    def books(self, tokens: Sequence[str]) -> Flow[dict[str, OrderBook]]:
        """The books of tokens that have one, by token, without the name of an outcome."""
        found: dict[str, OrderBook] = {}
        for start in range(0, len(tokens), _BOOKS_A_REQUEST):
            chunk = tokens[start : start + _BOOKS_A_REQUEST]
            body = [{"token_id": token} for token in chunk]
            call = self.ask("/clob/books", body, about=f"{len(chunk)} order books")
            response = yield from self.read_if_there(call)
            if response is not None:
                told = parse.order_books(response.body)
                for token in told:
                    check_asked(token, chunk, "asset_id")
                found |= told
        return found

    def fetch_ticker(
        self, market_id: str, *, outcome: str | None = None
    ) -> Flow[Ticker]:
        """Best quotes of one outcome, default the first, out of its book.

        The catalog has quotes too, which lag and are of the first outcome only.  Raises
        `MarketNotFound`.
        """
        book = yield from self.fetch_order_book(market_id, outcome=outcome)
        return self._ticker(book)

    def fetch_tickers(
        self, market_ids: Sequence[str], *, outcome: str | None = None
    ) -> Flow[dict[str, Ticker]]:
        """Best quotes by market id, in the order asked; raises `MarketNotFound`."""
        books = yield from self.fetch_order_books(market_ids, outcome=outcome)
        return {name: self._ticker(book) for name, book in books.items()}

    def terms(self, market_id: str) -> Flow[parse.MarketTerms]:
        """What must be known of a market to trade on it, as it is now.

        Raises `MarketNotFound`, also for one that is closed: it has no terms any more.
        """
        name = read_market_id(market_id)
        call = self.read(f"/clob/clob-markets/{name}", about=f"terms of {name}")
        response = yield from self.send(call)
        found = parse.terms(response.body, name)
        # It does not say of which market it is, and its tokens would be traded.
        known = self.memory.market(name)
        if known is not None:
            tokens = [outcome.outcome_id for outcome in known.outcomes]
            for outcome in found.outcomes:
                check_asked(outcome.outcome_id, tokens, "t")
        return found

    def missing_markets(self, market_ids: Sequence[str]) -> Flow[list[str]]:
        """Those among the markets that do not exist."""
        wanted = read_market_ids(market_ids)
        names: set[str] = set()

        def leave_out(name: str, problem: VenueSchemaError) -> None:
            if name not in wanted:
                # It may be any of them: none can be said to be missing.
                raise problem
            # It is there, whatever it is.
            names.add(name)
            self.go_without(name, problem)

        there = yield from collect(self.known_markets(wanted, leave_out=leave_out))
        names.update(market.market_id for market in there)
        return [name for name in wanted if name not in names]

    def _ticker(self, book: OrderBook) -> Ticker:
        bid, ask = book.bid, book.ask
        return Ticker(
            venue=self.id,
            raw_json=book.raw_json,
            market_id=book.market_id,
            outcome=book.outcome,
            bid=_price(bid),
            ask=_price(ask),
            bid_size=bid.size if bid else None,
            ask_size=ask.size if ask else None,
            last_price=parse.last_price(book.raw_json),
            timestamp=book.timestamp,
        )

    def _of_outcome(
        self, book: OrderBook, known: Known, side: Outcome, depth: int | None
    ) -> OrderBook:
        """The book under its outcome's name, no deeper than asked; its grid is learned."""
        if book.market_id != known.market_id:
            message = (
                f"the book of token {side.outcome_id} came as one of market "
                f"{book.market_id}, which was asked for as {known.market_id}"
            )
            raise VenueSchemaError(message, field="market", venue=self.id)
        if book.grid is not None:
            self.memory.learn_grid(known.market_id, book.grid)
        return attrs.evolve(
            book, outcome=side.label, bids=book.bids[:depth], asks=book.asks[:depth]
        )

    def _empty_book(self, known: Known, side: Outcome) -> OrderBook:
        """The book of a market that exists and has none."""
        return OrderBook(
            venue=self.id,
            raw_json=b"{}",
            market_id=known.market_id,
            outcome=side.label,
            bids=(),
            asks=(),
            timestamp=datetime.fromtimestamp(self.clock.now(), UTC),
            freshness=POLLED,
        )


def _price(level: Level | None) -> Decimal | None:
    return None if level is None else level.price


def _read_depth(depth: object) -> int | None:
    if depth is None:
        return None
    if type(depth) is int and 1 <= depth <= _DEEPEST:
        return depth
    raise refusal(f"depth {depth!r} is not a number of levels from 1; None means all")
