"""What can be traded on Kalshi: status, series, events and markets, live and archived."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Final, get_args

import attrs

from ...errors import (
    BadRequest,
    EventNotFound,
    MarketNotFound,
    NotSupported,
    VenueSchemaError,
)
from ...flow import Flow, Page, Pages, collect
from ...models import Event, Market, Params, Series, Status, StatusFilter
from ...settings import Settings
from . import parse
from .archive import Archive
from .arguments import (
    read_id,
    read_ids,
    read_limit,
    read_optional_id,
    read_params,
)
from .market_filter import MarketFilter
from .merging import changed, next_page

__all__ = ["Discovery"]

_ANSWERED_WITH_STATUS: Final = (500, 503, 504)
"""`/exchange/status` comes with these, and its normal body (docs.kalshi.com, 2026-10)."""

_EVENTS_A_PAGE: Final = 200
_TICKERS_A_REQUEST: Final = 100
"""Kalshi names no bound for ``tickers``; this many keep the address below 8 kB."""

_MARKET_ID: Final = attrgetter("market_id")
_WITH_ARCHIVED: Final = ("closed", "settled", "all")
_MARKET_ARGUMENTS: Final = (
    "cursor",
    "event_ticker",
    "limit",
    "series_ticker",
    "status",
    "tickers",
)
_EVENT_ARGUMENTS: Final = (
    "cursor",
    "limit",
    "series_ticker",
    "status",
    "with_nested_markets",
)


class Discovery(Archive):
    """Status, series, events and markets.

    The option ``keep_raw=False`` makes listings of markets leave out ``raw``, which is
    more than half of their memory.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._series_of: dict[str, str] = {}
        self._markets_page = partial(
            parse.markets_page, keep_raw=bool(settings.options.get("keep_raw", True))
        )

    def fetch_status(self) -> Flow[Status]:
        """Whether Kalshi is up; a 503 with its normal body is an answer, no error."""
        call = attrs.evolve(
            self.read("/exchange/status", about="exchange status"),
            accepted=_ANSWERED_WITH_STATUS,
        )
        response = yield from self.send(call)
        try:
            return parse.status(response.body)
        except VenueSchemaError:
            if response.status not in _ANSWERED_WITH_STATUS:
                raise
            raise self.refusal(call, response) from None

    # -- series ---------------------------------------------------------------------

    def fetch_series(
        self, series_id: str | None = None, *, category: str | None = None
    ) -> Flow[list[Series]]:
        """All series, those of a category, or one; raises `EventNotFound`."""
        if series_id is None:
            call = self.read("/series", {"category": category}, about="series")
            response = yield from self.send(call)
            return parse.series_list(response.body)
        if category is not None:
            message = "give series_id or category, not both"
            raise BadRequest(message, venue=self.id)
        return [(yield from self.one_series(series_id))]

    def one_series(self, series_id: str) -> Flow[Series]:
        """One series; raises `EventNotFound`."""
        ticker = read_id("series_id", series_id)
        call = self.read(f"/series/{ticker}", about=f"series {ticker}")
        response = yield from self.read_if_there(call)
        if response is None:
            message = f"there is no series {ticker!r}; fetch_series() lists them"
            raise EventNotFound(message, venue=self.id, request=call.name, status=404)
        return parse.series(response.body)

    # -- events ---------------------------------------------------------------------

    def fetch_events(
        self,
        *,
        status: StatusFilter = "open",
        series_id: str | None = None,
        with_markets: bool = True,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Event]:
        """Events; combinations have none (see `fetch_markets`).

        An event matches if any of its markets does.  Closed, settled and all events
        come with their archived markets too, which costs one request per event, or
        one listing when ``series_id`` is given; ``with_markets=False`` saves that.
        Among open events a market that was settled weeks ago is left out:
        `fetch_event` has it.  ``params`` takes ``with_milestones``, ``tickers``,
        ``min_close_ts`` and ``min_updated_ts``.
        """
        wanted = read_limit(limit)
        query = {
            "status": _event_status(status),
            "series_ticker": read_optional_id("series_id", series_id),
            "with_nested_markets": with_markets or None,
            **read_params(params, _EVENT_ARGUMENTS),
        }
        listing = changed(
            self.listing(
                "/events",
                query,
                parse.events_page,
                attrgetter("event_id"),
                about="events",
                limit=wanted,
                most=_EVENTS_A_PAGE,
                ahead=ahead,
            ),
            self._learn_events,
        )
        if with_markets and status in _WITH_ARCHIVED:
            yield from self._completed(listing, series_id)
        else:
            yield from listing

    def fetch_event(self, event_id: str) -> Flow[Event]:
        """One event with all its markets, archived ones too; raises `EventNotFound`."""
        event = yield from self.one_event(event_id)
        archived = yield from collect(
            self._archived_markets({"event_ticker": event.event_id})
        )
        return _with_more(event, archived)

    def one_event(self, event_id: str) -> Flow[Event]:
        """One event with its live markets; raises `EventNotFound`."""
        ticker = read_id("event_id", event_id)
        call = self.read(
            f"/events/{ticker}",
            {"with_nested_markets": True},
            about=f"event {ticker}",
        )
        response = yield from self.read_if_there(call)
        if response is None:
            message = f"there is no event {ticker!r}; fetch_events() lists them"
            raise EventNotFound(message, venue=self.id, request=call.name, status=404)
        event = parse.event(response.body)
        self._learn_events([event])
        return event

    def series_of(self, event_id: str) -> Flow[str]:
        """The series of an event, which Kalshi never changes and a ticker never tells."""
        if event_id not in self._series_of:
            yield from self.one_event(event_id)
        if event_id not in self._series_of:
            message = f"event {event_id} came without its series"
            raise VenueSchemaError(message, field="series_ticker", venue=self.id)
        return self._series_of[event_id]

    def _learn_events(self, events: list[Event]) -> list[Event]:
        for event in events:
            if event.series_id is not None:
                self._series_of[event.event_id] = event.series_id
            self._learn_markets(list(event.markets))
        return events

    def _completed(self, events: Pages[Event], series_id: str | None) -> Pages[Event]:
        """Events with the markets that are only in the archive, one by one."""
        of_series: dict[str, list[Market]] | None = None
        while (page := (yield from next_page(events))) is not None:
            if series_id is not None and of_series is None:
                of_series = yield from self._archived_by_event(series_id)
            for event in page:
                if of_series is None:
                    query = {"event_ticker": event.event_id}
                    archived = yield from collect(self._archived_markets(query))
                else:
                    archived = of_series.get(event.event_id, [])
                yield Page([_with_more(event, archived)])

    def _archived_by_event(self, series_id: str) -> Flow[dict[str, list[Market]]]:
        markets = yield from collect(
            self._archived_markets({"series_ticker": series_id})
        )
        found: dict[str, list[Market]] = {}
        for market in markets:
            found.setdefault(market.event_id, []).append(market)
        return found

    # -- markets --------------------------------------------------------------------

    def fetch_markets(
        self,
        *,
        status: StatusFilter = "open",
        event_id: str | None = None,
        series_id: str | None = None,
        market_ids: Sequence[str] | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Market]:
        """Markets, live and archived.

        ``market_ids`` gives exactly those, in that order and whatever their status;
        one that is nowhere raises `MarketNotFound`.  Combinations are left out unless
        ``params={"mve_filter": …}`` says ``only`` or ``all``, or they are asked for by
        id or event.  ``params`` also takes Kalshi's time filters, in seconds:
        ``min_created_ts`` and so on, of which the wrong mix is refused here.
        """
        wanted = read_limit(limit)
        given = read_params(params, _MARKET_ARGUMENTS)
        if market_ids is not None:
            if event_id is not None or series_id is not None:
                message = "give market_ids, or event_id and series_id, not both"
                raise BadRequest(message, venue=self.id)
            ids = read_ids("market_ids", market_ids)[:wanted]
            yield from self._markets_by_id(ids, given)
            return
        asked = MarketFilter.read(
            status=status,
            event_id=read_optional_id("event_id", event_id),
            series_id=read_optional_id("series_id", series_id),
            given=given,
        )
        seen: set[Hashable] = set()
        yield from self._market_pages(
            "/markets", asked.live_query(), limit=wanted, ahead=ahead, seen=seen
        )
        if not asked.may_be_archived:
            return
        if asked.since is not None:
            cutoff = yield from self.cutoff()
            if asked.since >= cutoff.markets:
                return
        yield from changed(
            self._market_pages(
                "/historical/markets",
                asked.archive_query(),
                limit=wanted,
                ahead=ahead,
                seen=seen,
            ),
            asked.kept,
        )

    def fetch_market(self, market_id: str) -> Flow[Market]:
        """One market, live or archived; raises `MarketNotFound`."""
        market, _ = yield from self.find_market(market_id)
        return market

    def find_market(self, market_id: str) -> Flow[tuple[Market, bool]]:
        """A market, and whether it was found in the archive."""
        ticker = read_id("market_id", market_id)
        for path in (f"/markets/{ticker}", f"/historical/markets/{ticker}"):
            call = self.read(path, about=f"market {ticker}")
            response = yield from self.read_if_there(call)
            if response is not None:
                market = parse.market(response.body)
                self._learn_markets([market])
                return market, path.startswith("/historical")
        raise self.unknown_markets([ticker])

    def unknown_markets(self, tickers: Sequence[str]) -> MarketNotFound:
        """The error for markets that are neither live nor archived."""
        names = ", ".join(map(repr, tickers))
        message = (
            f"no market {names}, neither live nor archived; fetch_markets() lists the "
            "ids, which are not parsed or guessed but copied"
        )
        return MarketNotFound(message, venue=self.id, status=404)

    def _market_pages(
        self,
        path: str,
        query: Mapping[str, object],
        *,
        limit: int | None = None,
        ahead: bool = False,
        seen: set[Hashable] | None = None,
    ) -> Pages[Market]:
        return changed(
            self.listing(
                path,
                query,
                self._markets_page,
                _MARKET_ID,
                about="markets",
                limit=limit,
                ahead=ahead,
                seen=seen,
            ),
            self._learn_markets,
        )

    def _archived_markets(self, query: Mapping[str, object]) -> Pages[Market]:
        return self._market_pages("/historical/markets", query)

    def _markets_by_id(
        self, ids: list[str], given: Mapping[str, str | int | bool]
    ) -> Pages[Market]:
        for start in range(0, len(ids), _TICKERS_A_REQUEST):
            chunk = ids[start : start + _TICKERS_A_REQUEST]
            found: dict[str, Market] = {}
            for path in ("/markets", "/historical/markets"):
                missing = [ticker for ticker in chunk if ticker not in found]
                if not missing:
                    break
                markets = yield from collect(
                    self._market_pages(path, {**given, "tickers": ",".join(missing)})
                )
                found |= {market.market_id: market for market in markets}
            if missing := [ticker for ticker in chunk if ticker not in found]:
                raise self.unknown_markets(missing)
            yield Page([found[ticker] for ticker in chunk])

    def _learn_markets(self, markets: list[Market]) -> list[Market]:
        self.memory.learn_markets(markets, self.clock.monotonic())
        return markets


def _event_status(status: StatusFilter) -> str | None:
    if status not in get_args(StatusFilter):
        words = ", ".join(get_args(StatusFilter))
        message = f"status {status!r} is not one of {words}"
        raise BadRequest(message, venue="kalshi")
    if status == "paused":
        message = (
            "Kalshi does not filter events by paused markets; use "
            "fetch_markets(status='paused')"
        )
        raise NotSupported(message, venue="kalshi")
    return None if status == "all" else status


def _with_more(event: Event, archived: list[Market]) -> Event:
    known = {market.market_id for market in event.markets}
    more = [market for market in archived if market.market_id not in known]
    return attrs.evolve(event, markets=(*event.markets, *more)) if more else event
