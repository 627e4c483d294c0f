"""What can be traded on Kalshi: status, series and events, beside markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final, get_args

import attrs

from ...errors import BadRequest, NotSupported, VenueSchemaError
from ...flow import Flow, Page, Pages, collect
from ...models import (
    Event,
    Market,
    MarketStatus,
    Params,
    Series,
    Status,
    StatusFilter,
    Tag,
)
from ...settings import Settings
from ...venue.merging import changed, next_page
from . import parse
from .arguments import read_id, read_limit, read_optional_id, read_params, read_tag
from .identity import check_asked
from .markets import Markets

__all__ = ["Discovery"]

_ANSWERED_WITH_STATUS: Final = (500, 503, 504)
"""`/exchange/status` comes with these, and its normal body (docs.kalshi.com, 2026-10)."""

_EVENTS_A_PAGE: Final = 200
_MOST_EVENTS: Final = 100_000
"""Events whose series is remembered."""
_WITH_ARCHIVED: Final = ("closed", "settled", "all")
_EVENT_ARGUMENTS: Final = (
    "cursor",
    "limit",
    "series_ticker",
    "status",
    "with_nested_markets",
)
_EVENT_WORDS: Final[Mapping[str, type]] = {
    "collection_ticker": str,
    "min_close_ts": int,
    "min_updated_ts": int,
    "mve_filter": str,
    "tickers": str,
    "with_milestones": bool,
}


class Discovery(Markets):
    """Status, series, events and markets."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._series_of: dict[str, str] = {}

    def fetch_status(self, *, deadline: float | None = None) -> Flow[Status]:
        """Whether Kalshi is up; a 503 with its normal body is an answer, no error."""
        call = attrs.evolve(
            self.read("/exchange/status", about="exchange status"),
            accepted=_ANSWERED_WITH_STATUS,
            deadline=deadline,
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
        self,
        series_id: str | None = None,
        *,
        category: str | None = None,
        tag_id: str | None = None,
    ) -> Flow[list[Series]]:
        """All series, those of a category or a tag, or one; raises `EventNotFound`."""
        if series_id is None:
            query = {"category": category, "tags": read_tag(tag_id)}
            call = self.read("/series", query, about="series")
            response = yield from self.send(call)
            found = parse.series_list(response.body)
            if tag_id is not None and not found:
                yield from self._require_tag(tag_id)
            return found
        if category is not None or tag_id is not None:
            message = "give series_id, or category and tag_id, not both"
            raise BadRequest(message, venue=self.id)
        return [(yield from self.one_series(series_id))]

    def one_series(self, series_id: str) -> Flow[Series]:
        """One series; raises `EventNotFound`."""
        ticker = read_id("series_id", series_id)
        response = yield from self.read_series(ticker)
        found = parse.series(response.body)
        check_asked(found.series_id, (ticker,), "ticker")
        return found

    def fetch_tags(self) -> Flow[list[Tag]]:
        """All tags of series, each with the categories that list it.

        `Series.tags` says which a series bears; events and markets have those of theirs.
        """
        call = self.read("/search/tags_by_categories", about="tags")
        response = yield from self.send(call)
        return parse.tag_list(response.body)

    def _require_tag(self, tag_id: str) -> Flow[None]:
        """Tell a tag that no series bears from a slip of the pen."""
        known = yield from self.fetch_tags()
        if all(tag.tag_id != tag_id for tag in known):
            message = f"no tag {tag_id!r}; fetch_tags() lists them, in their own case"
            raise BadRequest(message, venue=self.id)

    # -- events ---------------------------------------------------------------------

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
        """Events; those of combinations come by ``params={"mve_filter": "only"}``.

        An event matches if any of its markets does.  Closed, settled and all events
        come with their archived markets too, which costs one request per event, or
        one listing when ``series_id`` is given; ``with_markets=False`` saves that.
        Among open events a market that was settled weeks ago is left out:
        `fetch_event` has it.  A series that does not exist raises `EventNotFound`.
        ``tag_id`` gives the events of each series that bears it, one listing for each.

        ``params`` takes ``with_milestones``, ``tickers``, ``min_close_ts`` and
        ``min_updated_ts``.  Kalshi lists the events of combinations apart, and so do we:
        ``mve_filter`` is ``only`` for them or ``exclude``, the default, and with
        ``only`` there is ``collection_ticker`` instead of the other words.
        """
        wanted = read_limit(limit)
        state = _event_status(status)
        given = read_params(params, _EVENT_ARGUMENTS, _EVENT_WORDS)
        series = read_optional_id("series_id", series_id)
        if query is not None:
            message = (
                "Kalshi has no search by words: go through fetch_events() and look at their "
                "titles, or list by tag_id, one of fetch_tags()"
            )
            raise NotSupported(message, venue=self.id)
        if tag_id is not None:
            if series is not None:
                message = "give series_id or tag_id, not both: tags are those of series"
                raise BadRequest(message, venue=self.id)
            return self.of_tag(
                tag_id,
                lambda name: self.fetch_events(
                    status=status,
                    series_id=name,
                    with_markets=with_markets,
                    limit=limit,
                    params=params,
                    ahead=ahead,
                ),
            )
        if _wants_combinations(given, series):
            found = self._combinations(status, series, given, with_markets=with_markets)
        else:
            asked = {
                "status": state,
                "series_ticker": series,
                "with_nested_markets": with_markets or None,
                **given,
            }
            found = self._event_pages("/events", asked, limit=wanted, ahead=ahead)
            if with_markets and status in _WITH_ARCHIVED:
                found = self._completed(found, series)
        named = given.get("tickers")
        if isinstance(named, str):
            found = self._all_existing(found, named.split(","))
        return self.existing(found, series_id=series)

    def _all_existing(self, pages: Pages[Event], names: Sequence[str]) -> Pages[Event]:
        """A listing of events by name; one that is not in it is required to exist."""
        missing = dict.fromkeys(names)
        try:
            while (events := (yield from next_page(pages))) is not None:
                for event in events:
                    missing.pop(event.event_id, None)
                yield Page(events)
        finally:
            pages.close()
        for name in missing:
            yield from self.require_event(read_id("tickers", name))

    def _combinations(
        self,
        status: StatusFilter,
        series_id: str | None,
        given: Mapping[str, str | int | bool],
        *,
        with_markets: bool,
    ) -> Pages[Event]:
        """Events of combinations; Kalshi knows no status there, so that is sifted here."""
        query = {
            "series_ticker": series_id,
            "with_nested_markets": True,
            **given,
        }
        listing = self._event_pages("/events/multivariate", query)
        if status in _WITH_ARCHIVED:
            listing = self._completed(listing, series_id)

        def kept(events: list[Event]) -> list[Event]:
            wanted = [event for event in events if _has_status(event, status)]
            if with_markets:
                return wanted
            return [attrs.evolve(event, markets=()) for event in wanted]

        return changed(listing, kept)

    def _event_pages(
        self,
        path: str,
        query: Mapping[str, object],
        *,
        limit: int | None = None,
        ahead: bool = False,
    ) -> Pages[Event]:
        return changed(
            self.listing(
                path,
                query,
                parse.events_page,
                attrgetter("event_id"),
                about="events",
                limit=limit,
                most=_EVENTS_A_PAGE,
                ahead=ahead,
            ),
            self._learn_events,
        )

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
        response = yield from self.read_event(ticker)
        event = parse.event(response.body)
        check_asked(event.event_id, (ticker,), "event_ticker")
        self._learn_events([event])
        return event

    def series_of(self, event_id: str) -> Flow[str]:
        """The series of an event, which Kalshi never changes and a ticker never tells."""
        known = self._series_of.get(event_id)
        if known is None:
            event = yield from self.one_event(event_id)
            known = event.series_id
        if known is None:
            message = f"event {event_id} came without its series"
            raise VenueSchemaError(message, field="series_ticker", venue=self.id)
        return known

    def _learn_events(self, events: list[Event]) -> list[Event]:
        for event in events:
            if event.series_id is not None:
                if len(self._series_of) >= _MOST_EVENTS:
                    self._series_of.clear()
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


def _wants_combinations(
    given: dict[str, str | int | bool], series_id: str | None
) -> bool:
    """Take ``mve_filter`` out of the words; check that the others go with it."""
    chosen = given.pop("mve_filter", "exclude")
    if chosen not in ("only", "exclude"):
        message = (
            f"mve_filter {chosen!r} is not 'only' or 'exclude': Kalshi lists the events "
            "of combinations apart, so all of them are two calls"
        )
        raise BadRequest(message, venue="kalshi")
    if chosen == "exclude":
        if "collection_ticker" in given:
            message = 'params collection_ticker goes with {"mve_filter": "only"}'
            raise BadRequest(message, venue="kalshi")
        return False
    if others := sorted(given.keys() - {"collection_ticker"}):
        message = f"params {', '.join(others)} do not go with mve_filter 'only'"
        raise BadRequest(message, venue="kalshi")
    if series_id is not None and given:
        message = "give series_id or collection_ticker, not both"
        raise BadRequest(message, venue="kalshi")
    return True


def _has_status(event: Event, status: StatusFilter) -> bool:
    """Whether any of its markets answers to Kalshi's filter word."""
    if status == "all":
        return True
    wanted = MarketStatus(status)
    return any(market.status is wanted for market in event.markets)


def _with_more(event: Event, archived: list[Market]) -> Event:
    known = {market.market_id for market in event.markets}
    more = [market for market in archived if market.market_id not in known]
    return attrs.evolve(event, markets=(*event.markets, *more)) if more else event
