"""What can be traded on Polymarket: status, series and events, beside markets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Final

import attrs

from ...errors import BadRequest, EventNotFound, NotSupported
from ...flow import Flow, Page, Pages, collect
from ...models import Event, MarketStatus, Params, Series, Status, StatusFilter, Tag
from ...venue.merging import changed, next_page
from . import parse
from .arguments import (
    read_event_id,
    read_limit,
    read_params,
    read_query,
    with_tag,
)
from .markets import Markets, page_limit, sides_of

__all__ = ["Discovery"]

_UP: Final = (425, 503)
"""What ``/ok`` may answer while the exchange restarts or is closed; then it is up, but not
for trading."""

_EVENTS: Final = "/gamma/events/keyset"
_SEARCH: Final = "/gamma/public-search"
_SERIES: Final = "/gamma/series"
_SERIES_A_PAGE: Final = 50
"""More are not answered at once (vendor's SDK 0.14.0, 2026-10)."""
_TAGS_A_PAGE: Final = 100
"""The venue's cap (its SDK 0.14.0, 2026-10)."""
_EVENT_ID: Final = attrgetter("event_id")
_ACTIVE: Final = ("unopened", "open", "paused")
_ARGUMENTS: Final = ("after_cursor", "closed", "limit", "offset", "q", "series_id")
_LISTS: Final = (
    "created_by",
    "exclude_tag_id",
    "game_id",
    "id",
    "series_id",
    "slug",
    "tag_id",
)
_BY_NAME: Final = frozenset({"id", "slug"})
_KNOWN: Final[Mapping[str, type]] = {
    **dict.fromkeys(_LISTS, str),
    "ascending": bool,
    "cyom": bool,
    "end_date_max": str,
    "end_date_min": str,
    "event_date": str,
    "event_week": int,
    "featured": bool,
    "featured_order": bool,
    "include_best_lines": bool,
    "include_chat": bool,
    "include_children": bool,
    "include_template": bool,
    "liquidity_max": str,
    "liquidity_min": str,
    "live": bool,
    "locale": str,
    "order": str,
    "parent_event_id": int,
    "partner_slug": str,
    "recurrence": str,
    "related_tags": bool,
    "start_date_max": str,
    "start_date_min": str,
    "start_time_max": str,
    "start_time_min": str,
    "tag_match": str,
    "tag_slug": str,
    "title_search": str,
    "volume_max": str,
    "volume_min": str,
}


class Discovery(Markets):
    """Status, series and events."""

    def fetch_status(self, *, deadline: float | None = None) -> Flow[Status]:
        """Whether Polymarket is up, and as far as is known whether it trades.

        Its restarts and modes are announced by chat only (docs.polymarket.com, 2026-08):
        here they are known once it refused an order for one of them, for as long as it
        said, or for two minutes, unless an order is taken meanwhile.
        """
        call = attrs.evolve(
            self.read("/clob/ok", about="exchange status"),
            accepted=_UP,
            deadline=deadline,
        )
        response = yield from self.send(call)
        call = attrs.evolve(
            self.read("/clob/time", about="exchange time"),
            accepted=_UP,
            deadline=deadline,
        )
        clock = yield from self.send(call)
        is_up = response.status not in _UP and clock.status not in _UP
        if is_up:
            parse.clock(clock.body)
        mode, left = self.mode
        resumes = None
        if left is not None:
            now = datetime.fromtimestamp(self.clock.now(), UTC)
            resumes = now + timedelta(seconds=left)
        return Status(
            venue=self.id,
            raw_json=clock.body if is_up else b"{}",
            is_active=is_up,
            is_trading=is_up and not mode,
            resumes_at=resumes,
        )

    # -- series ---------------------------------------------------------------------

    def fetch_series(
        self,
        series_id: str | None = None,
        *,
        category: str | None = None,
        tag_id: str | None = None,
    ) -> Flow[list[Series]]:
        """All series, those of a category's label, or one; raises `EventNotFound`."""
        if tag_id is not None:
            message = (
                "Polymarket's tags are those of events: fetch_events(tag_id=…) lists them, "
                "and Event.series_id says of which series each is"
            )
            raise NotSupported(message, venue=self.id)
        if series_id is None:
            query = {
                "limit": _SERIES_A_PAGE,
                "exclude_events": True,
                "categories_labels": category,
            }
            pages = self.numbered(
                _SERIES,
                query,
                _series_page,
                attrgetter("series_id"),
                about="series",
                parameter="offset",
                by_item=True,
            )
            return (yield from collect(pages))
        if category is not None:
            message = "give series_id or category, not both"
            raise BadRequest(message, venue=self.id)
        return [(yield from self.one_series(series_id))]

    def one_series(self, series_id: str) -> Flow[Series]:
        """One series; raises `EventNotFound`."""
        number = read_event_id(series_id, "series_id")
        call = self.read(f"{_SERIES}/{number}", about=f"series {number}")
        response = yield from self.send(call)
        return parse.series(response.body)

    def fetch_tags(self) -> Flow[list[Tag]]:
        """All tags of events, by whose ids events and markets are listed."""
        pages = self.numbered(
            "/gamma/tags",
            {"limit": _TAGS_A_PAGE},
            _tags_page,
            attrgetter("tag_id"),
            about="tags",
            parameter="offset",
            by_item=True,
        )
        return (yield from collect(pages))

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
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Event]:
        """Events with their markets; one matches if any of its markets does.

        A series that does not exist raises `EventNotFound`, a tag `BadRequest`.  ``query`` is
        the venue's search by words, and goes with nothing but ``status``.  Of what it finds,
        markets that closed more than an hour ago may be missing: `fetch_event` has them.

        An event of which a market cannot be read is left out of a listing, which the log
        tells; asked for by id or by name it raises `VenueSchemaError`.

        ``params`` takes the filters of Gamma: ``slug``, ``tag_slug``, ``title_search`` and
        others, several values with commas between, as for ``tag_id`` too.
        """
        wanted = read_limit(limit)
        given = read_params(params, _ARGUMENTS, _KNOWN)
        sides = sides_of(status)
        if query is not None:
            others = {"series_id": series_id, "tag_id": tag_id, **given}
            if named := [name for name, x in others.items() if x is not None]:
                message = f"a search by query takes no {', '.join(sorted(named))}"
                raise BadRequest(message, venue=self.id)
            found = self._searched(read_query(query), status)
        else:
            if series_id is not None:
                given["series_id"] = read_event_id(series_id, "series_id")
            with_tag(given, tag_id)
            found = self._events_on(sides, given, page_limit(status, wanted))

        def kept(events: list[Event]) -> list[Event]:
            for event in events:
                self.memory.learn_markets(event.markets)
            matching = [event for event in events if _matches(event, status)]
            if with_markets:
                return matching
            return [attrs.evolve(event, markets=()) for event in matching]

        listed = changed(found, kept)
        if series_id is not None:
            listed = self._of_series(listed, series_id)
        return listed if tag_id is None else self.of_tag(listed, tag_id)

    def _events_on(
        self, sides: tuple[bool, ...], given: Mapping[str, object], limit: int | None
    ) -> Pages[Event]:
        seen: set[Hashable] = set()
        leave_out = self.leave_out if _BY_NAME.isdisjoint(given) else None
        for closed in sides:
            yield from self.catalog(
                _EVENTS,
                {**given, "closed": closed},
                partial(parse.events_page, leave_out=leave_out),
                _EVENT_ID,
                about="events",
                lists=_LISTS,
                limit=limit,
                seen=seen,
            )

    def _searched(self, words: str, status: StatusFilter) -> Pages[Event]:
        asked: dict[str, object] = {
            "q": words,
            # Hours, of markets of active events (vendor's SDK 0.14.0, 2026-10).
            "keep_closed_markets": 1,
        }
        if status in _ACTIVE:
            # Without it what ended long ago is found as well (users' reports, 2026-02).
            asked["events_status"] = "active"
        return self.numbered(
            _SEARCH,
            asked,
            partial(parse.search_page, leave_out=self.leave_out),
            _EVENT_ID,
            about="search",
            parameter="page",
        )

    def _of_series(self, pages: Pages[Event], series_id: str) -> Pages[Event]:
        """Events of a series, which must exist if there are none."""
        is_empty = True
        try:
            while (events := (yield from next_page(pages))) is not None:
                is_empty = False
                yield Page(events)
        finally:
            pages.close()
        if is_empty:
            yield from self.one_series(series_id)

    def fetch_event(self, event_id: str) -> Flow[Event]:
        """One event with all its markets; raises `EventNotFound`."""
        number = read_event_id(event_id)
        call = self.read(f"/gamma/events/{number}", about=f"event {number}")
        response = yield from self.read_if_there(call)
        if response is None:
            message = f"no event {number}; fetch_events() lists the ids"
            raise EventNotFound(message, venue=self.id, status=404)
        event = parse.event(response.body)
        self.memory.learn_markets(event.markets)
        return event


def _series_page(body: bytes) -> tuple[list[Series], bool]:
    """Series of a page, and whether to ask for more: until one is empty.

    A page may hold fewer than were asked for.
    """
    found = parse.series_list(body)
    return found, bool(found)


def _tags_page(body: bytes) -> tuple[list[Tag], bool]:
    """Tags of a page, and whether to ask for more, as with series."""
    found = parse.tag_list(body)
    return found, bool(found)


def _matches(event: Event, status: StatusFilter) -> bool:
    if status == "all":
        return True
    wanted = MarketStatus(status)
    return any(market.status is wanted for market in event.markets)
