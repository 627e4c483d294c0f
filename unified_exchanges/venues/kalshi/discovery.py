"""What can be traded on Kalshi: status, series and events, beside markets."""

from __future__ import annotations

from operator import attrgetter
from typing import Final, get_args

import attrs

from ...errors import (
    BadRequest,
    EventNotFound,
    NotSupported,
    VenueSchemaError,
)
from ...flow import Flow, Page, Pages, collect
from ...models import Event, Market, Params, Series, Status, StatusFilter
from ...settings import Settings
from . import parse
from .arguments import read_id, read_limit, read_optional_id, read_params
from .markets import Markets
from .merging import changed, next_page

__all__ = ["Discovery"]

_ANSWERED_WITH_STATUS: Final = (500, 503, 504)
"""`/exchange/status` comes with these, and its normal body (docs.kalshi.com, 2026-10)."""

_EVENTS_A_PAGE: Final = 200
_WITH_ARCHIVED: Final = ("closed", "settled", "all")
_EVENT_ARGUMENTS: Final = (
    "cursor",
    "limit",
    "series_ticker",
    "status",
    "with_nested_markets",
)


class Discovery(Markets):
    """Status, series, events and markets."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._series_of: dict[str, str] = {}

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
            self.archived_markets({"event_ticker": event.event_id})
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
            self.learn_markets(list(event.markets))
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
                    archived = yield from collect(self.archived_markets(query))
                else:
                    archived = of_series.get(event.event_id, [])
                yield Page([_with_more(event, archived)])

    def _archived_by_event(self, series_id: str) -> Flow[dict[str, list[Market]]]:
        markets = yield from collect(
            self.archived_markets({"series_ticker": series_id})
        )
        found: dict[str, list[Market]] = {}
        for market in markets:
            found.setdefault(market.event_id, []).append(market)
        return found


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
