"""What of an exchange on paper is that of its source: all that needs no account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

import attrs

from ..description import Environment
from ..errors import (
    AuthenticationError,
    BadRequest,
    MarketNotFound,
    ReadOnly,
    UnifiedExchangesError,
)
from ..flow import Flow, Pages, Response
from ..guards import GuardPolicy
from ..models import (
    Candle,
    Event,
    FeeRule,
    Health,
    Market,
    MarketChange,
    OrderBook,
    Params,
    Period,
    PricePoint,
    Series,
    Side,
    Status,
    StatusFilter,
    Subject,
    Tag,
    Ticker,
    Trade,
)
from ..money import Number
from ..policy import TokenBucket
from ..settings import Settings
from ..streams.line import Line
from ..venue import Call, Venue
from ..venue.batching import Batching
from .terms import Terms

__all__ = ["PRIVATE", "FromSource"]

PRIVATE: Final = frozenset({Subject.ORDERS, Subject.FILLS, Subject.POSITIONS})
_STREAM: Final = "stream"
"""The option that says whether the stream of the source may be followed."""


class FromSource(Venue):
    """Market data, asked of a venue that cannot write."""

    id = "paper"
    source_type: ClassVar[type[Batching[Any]]]
    terms: ClassVar[Terms]

    def __init__(self, settings: Settings) -> None:
        own = {_STREAM: settings.options.get(_STREAM, True)}
        if not isinstance(own[_STREAM], bool):
            message = f"options={own!r}: {_STREAM!r} is True or False"
            raise BadRequest(message, venue=self.id)
        theirs = {k: v for k, v in settings.options.items() if k != _STREAM}
        super().__init__(attrs.evolve(settings, options=own))
        self.source = self.source_type(
            attrs.evolve(
                settings,
                live=False,
                options=theirs,
                guards=GuardPolicy(read_only=True),
                is_journaled=False,
            )
        )
        self.environment: Environment = attrs.evolve(
            self.environment, is_real_money=False
        )
        # One clock, and one who listens to what goes over the wire.
        self.offset = self.source.offset
        self.source.taps = self.taps

    # -- how it is asked ------------------------------------------------------------

    @property
    def on_the_wire(self) -> Venue:
        """The source: the account is never sent anywhere."""
        return self.source.on_the_wire

    def headers(self, call: Call) -> Mapping[str, str]:
        """None: what is sent is the source's."""
        del call
        return {}

    def refusal(self, call: Call, response: Response) -> UnifiedExchangesError:
        """The source's."""
        return self.source.refusal(call, response)

    def bucket(self, name: str) -> TokenBucket:
        """The source's."""
        return self.source.bucket(name)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Params | None = None,
        body: Mapping[str, object] | Sequence[object] | None = None,
    ) -> Flow[Response]:
        """A raw read of the source; anything else is refused."""
        if method.upper() != "GET":
            message = f"{method} {path} was not sent: on paper nothing is written"
            raise ReadOnly(message, venue=self.id)
        return self.source.request(method, path, query=query, body=body)

    def health(self) -> Health:
        """How the connection to the source does."""
        return attrs.evolve(self.source.health(), venue=self.id)

    def fetch_status(self, *, deadline: float | None = None) -> Flow[Status]:
        """Whether the source is up and trading."""
        return self.source.fetch_status(deadline=deadline)

    # -- streams --------------------------------------------------------------------

    def source_lines(self) -> tuple[Line, ...]:
        """The connections on which the source tells of markets."""
        told = (
            attrs.evolve(line, subjects=line.subjects - PRIVATE)
            for line in self.source.lines()
        )
        return tuple(line for line in told if line.subjects)

    def can_stream(self) -> bool:
        """Whether the source's stream may be followed: some want a key for it."""
        if not self.settings.options[_STREAM]:
            return False
        try:
            for line in self.source_lines():
                line.dial.headers()
        except AuthenticationError:
            return False
        return True

    def read_watch(
        self, market_ids: str | Sequence[str] | None, outcome: str | None
    ) -> tuple[tuple[str, ...] | None, str | None]:
        """Market ids and an outcome, as the source reads them."""
        return self.source.read_watch(market_ids, outcome)

    def missing_markets(self, market_ids: Sequence[str]) -> Flow[list[str]]:
        """Those among the markets that the source does not have."""
        return self.source.missing_markets(market_ids)

    def settled_markets(self, market_ids: Sequence[str]) -> Flow[list[MarketChange]]:
        """How those of the markets ended that have, by the source."""
        return self.source.settled_markets(market_ids)

    def unknown_markets(self, market_ids: Sequence[str]) -> MarketNotFound:
        """The source's error for markets that it does not have."""
        return self.source.unknown_markets(market_ids)

    # -- market data ----------------------------------------------------------------

    def fetch_events(
        self,
        *,
        status: StatusFilter = "open",
        series_id: str | None = None,
        tag_id: str | None = None,
        query: str | None = None,
        with_markets: bool = True,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Event]:
        """Events of the source."""
        return self.source.fetch_events(
            status=status,
            series_id=series_id,
            tag_id=tag_id,
            query=query,
            with_markets=with_markets,
            limit=limit,
            params=params,
            ahead=ahead,
        )

    def fetch_event(self, event_id: str) -> Flow[Event]:
        """One event of the source."""
        return self.source.fetch_event(event_id)

    def fetch_series(
        self,
        series_id: str | None = None,
        *,
        category: str | None = None,
        tag_id: str | None = None,
    ) -> Flow[list[Series]]:
        """Series of the source."""
        return self.source.fetch_series(series_id, category=category, tag_id=tag_id)

    def fetch_tags(self) -> Flow[list[Tag]]:
        """The source's labels."""
        return self.source.fetch_tags()

    def fetch_markets(
        self,
        *,
        status: StatusFilter = "open",
        event_id: str | None = None,
        series_id: str | None = None,
        tag_id: str | None = None,
        market_ids: Sequence[str] | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Market]:
        """Markets of the source."""
        return self.source.fetch_markets(
            status=status,
            event_id=event_id,
            series_id=series_id,
            tag_id=tag_id,
            market_ids=market_ids,
            limit=limit,
            params=params,
            ahead=ahead,
        )

    def fetch_market(self, market_id: str) -> Flow[Market]:
        """One market of the source."""
        return self.source.fetch_market(market_id)

    def known_markets(self, ids: list[str]) -> Pages[Market]:
        """Those of the markets that the source has."""
        return self.source.known_markets(ids)

    def fetch_ticker(
        self, market_id: str, *, outcome: str | None = None
    ) -> Flow[Ticker]:
        """Best quotes at the source."""
        return self.source.fetch_ticker(market_id, outcome=outcome)

    def fetch_tickers(
        self, market_ids: Sequence[str], *, outcome: str | None = None
    ) -> Flow[dict[str, Ticker]]:
        """Best quotes at the source, by market id."""
        return self.source.fetch_tickers(market_ids, outcome=outcome)

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        """The book of the source: orders on paper are not in it."""
        return self.source.fetch_order_book(market_id, outcome=outcome, depth=depth)

    def fetch_order_books(
        self,
        market_ids: Sequence[str],
        *,
        outcome: str | None = None,
        depth: int | None = None,
    ) -> Flow[dict[str, OrderBook]]:
        """Books of the source by market id."""
        return self.source.fetch_order_books(market_ids, outcome=outcome, depth=depth)

    def fetch_trades(
        self,
        market_id: str | None = None,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Trade]:
        """Public trades of the source, newest first."""
        return self.source.fetch_trades(
            market_id,
            outcome=outcome,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=ahead,
        )

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
        """Candles of the source."""
        return self.source.fetch_ohlcv(
            market_id, period, outcome=outcome, since=since, until=until, limit=limit
        )

    def fetch_price_history(
        self,
        market_id: str,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        resolution: timedelta = timedelta(hours=1),
        limit: int | None = None,
    ) -> Flow[list[PricePoint]]:
        """Prices at moments, as the source tells them."""
        return self.source.fetch_price_history(
            market_id,
            outcome=outcome,
            since=since,
            until=until,
            resolution=resolution,
            limit=limit,
        )

    def estimate_fee(
        self,
        market_id: str,
        outcome: str,
        side: Side | str,
        price: Number,
        size: Number,
        *,
        maker: bool = False,
    ) -> Flow[Decimal]:
        """The fee that the source would take."""
        return self.source.estimate_fee(
            market_id, outcome, side, price, size, maker=maker
        )

    def fetch_fee_rule(self, market_id: str) -> Flow[FeeRule]:
        """The source's fees of one market as a rule."""
        return self.source.fetch_fee_rule(market_id)

    def announced_fees(self, market_id: str) -> FeeRule | None:
        """The same now, by what the source has read and what was announced in it."""
        return self.source.announced_fees(market_id)
