"""Polymarket's markets, open and closed as one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from operator import attrgetter
from typing import Final, TypeVar, get_args

import attrs

from ...errors import BadRequest, MarketNotFound, VenueSchemaError
from ...flow import Flow, Page, Pages, collect
from ...models import Market, MarketStatus, Params, StatusFilter
from ...venue.merging import changed, next_page
from . import parse
from .arguments import (
    read_event_id,
    read_limit,
    read_market_id,
    read_market_ids,
    read_params,
    refusal,
    with_tag,
)
from .asked import check_asked
from .listings import Listings
from .memory import Known

__all__ = ["Markets", "page_limit", "sides_of"]

T = TypeVar("T")

_PATH: Final = "/gamma/markets/keyset"
_IDS_A_REQUEST: Final = 100
"""The address stays below 8 kB, and one page holds them all."""

_MARKET_ID: Final = attrgetter("market_id")
_ARGUMENTS: Final = ("after_cursor", "closed", "condition_ids", "limit", "offset")
_LISTS: Final = (
    "clob_token_ids",
    "condition_ids",
    "id",
    "market_maker_address",
    "question_ids",
    "slug",
    "sports_market_types",
    "tag_id",
)
_KNOWN: Final[Mapping[str, type]] = {
    **dict.fromkeys(_LISTS, str),
    "ascending": bool,
    "cyom": bool,
    "decimalized": bool,
    "end_date_max": str,
    "end_date_min": str,
    "game_id": str,
    "include_tag": bool,
    "liquidity_num_max": str,
    "liquidity_num_min": str,
    "locale": str,
    "order": str,
    "related_tags": bool,
    "rfq_enabled": bool,
    "start_date_max": str,
    "start_date_min": str,
    "tag_match": str,
    "uma_resolution_status": str,
    "volume_num_max": str,
    "volume_num_min": str,
}
_BY_NAME: Final = frozenset({"clob_token_ids", "id", "question_ids", "slug"})
_CLOSED: Final = ("closed", "settled")


def sides_of(status: StatusFilter) -> tuple[bool, ...]:
    """What ``closed`` must say to see all of a status; by default Gamma hides it."""
    if status not in get_args(StatusFilter):
        words = ", ".join(get_args(StatusFilter))
        raise refusal(f"status {status!r} is not one of {words}")
    return (False, True) if status == "all" else (status in _CLOSED,)


def page_limit(status: StatusFilter, limit: int | None) -> int | None:
    """What pages need not hold more than: of a status that is sifted here, nothing."""
    return limit if status in ("open", "all") else None


class Markets(Listings):
    """Finds and lists markets."""

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
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Market]:
        """Markets that have or had an order book, open ones before closed ones.

        ``market_ids`` gives exactly those, in that order and whatever their status; one
        that is nowhere raises `MarketNotFound`; an event or series that does not exist
        raises `EventNotFound`, a tag `BadRequest`.  Placeholders of events that may still
        grow are left out, unless they are asked for by event or by name.

        A market that cannot be read is left out of a listing, which the log tells; asked
        for by id, by event or by name it raises `VenueSchemaError`.

        ``params`` takes the filters of Gamma: ``slug``, ``clob_token_ids`` and others,
        several values with commas between, as for ``tag_id`` too.
        """
        wanted = read_limit(limit)
        given = read_params(params, _ARGUMENTS, _KNOWN)
        sides = sides_of(status)
        with_tag(given, tag_id)
        if market_ids is not None:
            what = [*given, *(["status"] if status not in ("open", "all") else [])]
            if what or event_id is not None or series_id is not None:
                message = (
                    "market_ids gives exactly those markets, whatever their status: no "
                    f"filter goes with it ({', '.join(what) or 'event_id, series_id'})"
                )
                raise BadRequest(message, venue=self.id)
            return self._markets_by_id(read_market_ids(market_ids)[:wanted])
        if event_id is not None or series_id is not None:
            if given:
                message = f"{', '.join(given)} does not go with event_id or series_id"
                raise BadRequest(message, venue=self.id)
            return self._of_events(status, event_id, series_id)
        found = self._listed(status, sides, given, page_limit(status, wanted))
        return found if tag_id is None else self.of_tag(found, tag_id)

    def _listed(
        self,
        status: StatusFilter,
        sides: Sequence[bool],
        given: Mapping[str, object],
        limit: int | None,
    ) -> Pages[Market]:
        seen: set[Hashable] = set()
        is_named = not _BY_NAME.isdisjoint(given)

        def kept(markets: list[Market]) -> list[Market]:
            self.memory.learn_markets(markets)
            return [market for market in markets if _has_status(market, status)]

        for closed in sides:
            query = {**given, "closed": closed}
            yield from changed(
                self._market_pages(query, limit=limit, seen=seen, is_named=is_named),
                kept,
            )

    def of_tag(self, pages: Pages[T], tag_id: str) -> Pages[T]:
        """What bears a tag, which must exist if there is nothing."""
        is_empty = True
        try:
            while (found := (yield from next_page(pages))) is not None:
                is_empty = is_empty and not found
                yield Page(found)
        finally:
            pages.close()
        if is_empty:
            call = self.read(f"/gamma/tags/{tag_id}", about=f"tag {tag_id}")
            response = yield from self.send(attrs.evolve(call, accepted=(404,)))
            if response.status == HTTPStatus.NOT_FOUND:
                raise refusal(f"no tag {tag_id}; fetch_tags() lists the ids")

    def _of_events(
        self, status: StatusFilter, event_id: str | None, series_id: str | None
    ) -> Pages[Market]:
        """The markets of an event, or of all events of a series, as those hold them."""
        if event_id is not None:
            event = yield from self.fetch_event(event_id)
            if series_id is not None and event.series_id != read_event_id(
                series_id, "series_id"
            ):
                message = f"event {event_id} is of series {event.series_id}"
                raise BadRequest(message, venue=self.id)
            yield Page([x for x in event.markets if _has_status(x, status)])
            return
        events = self.fetch_events(status=status, series_id=series_id)
        yield from changed(
            events,
            lambda found: [
                market
                for event in found
                for market in event.markets
                if _has_status(market, status)
            ],
        )

    def fetch_market(self, market_id: str) -> Flow[Market]:
        """One market, open or closed; raises `MarketNotFound`."""
        found = yield from collect(self._markets_by_id([read_market_id(market_id)]))
        return found[0]

    def unknown_markets(self, market_ids: Sequence[str]) -> MarketNotFound:
        """The error for markets that are neither open nor closed."""
        names = ", ".join(market_ids)
        message = (
            f"no market {names}, neither open nor closed; fetch_markets() lists the ids, "
            "which are copied and not made"
        )
        return MarketNotFound(message, venue=self.id, status=404)

    def known_markets(
        self, ids: list[str], *, leave_out: parse.LeaveOut | None = None
    ) -> Pages[Market]:
        """Those of the markets that there are, in that order.

        One that cannot be read is an error, or is handed to ``leave_out`` if there is one.
        """
        return self._markets_by_id(ids, all_or_none=False, leave_out=leave_out)

    def readable_markets(self, ids: list[str]) -> Flow[list[Market]]:
        """Those of the markets that are there and can be read, in that order.

        For what an account holds and did, which one odd market must not hide.  Of what is
        missing the log says why.
        """
        unread: set[str] = set()

        def leave_out(name: str, problem: VenueSchemaError) -> None:
            unread.add(name)
            self.go_without(name, problem)

        found = yield from collect(self.known_markets(ids, leave_out=leave_out))
        there = {market.market_id for market in found} | unread
        for name in ids:
            if name not in there:
                self.go_without(name, self.unknown_markets([name]))
        return found

    def _markets_by_id(
        self,
        ids: list[str],
        *,
        all_or_none: bool = True,
        leave_out: parse.LeaveOut | None = None,
    ) -> Pages[Market]:
        for start in range(0, len(ids), _IDS_A_REQUEST):
            chunk = ids[start : start + _IDS_A_REQUEST]
            found: dict[str, Market] = {}
            for closed in (False, True):
                missing = [name for name in chunk if name not in found]
                if not missing:
                    break
                query = {"condition_ids": ",".join(missing), "closed": closed}
                pages = self._market_pages(query, leave_out=leave_out)
                markets = yield from collect(pages)
                for market in markets:
                    check_asked(market.market_id, missing, "conditionId")
                    found[market.market_id] = market
            self.memory.learn_markets(found.values())
            missing = [name for name in chunk if name not in found]
            if missing and all_or_none:
                raise self.unknown_markets(missing)
            yield Page([found[name] for name in chunk if name in found])

    def _market_pages(
        self,
        query: Mapping[str, object],
        *,
        limit: int | None = None,
        seen: set[Hashable] | None = None,
        is_named: bool = True,
        leave_out: parse.LeaveOut | None = None,
    ) -> Pages[Market]:
        leave_out = leave_out if is_named else self.leave_out
        return self.catalog(
            _PATH,
            query,
            partial(parse.markets_page, are_named=is_named, leave_out=leave_out),
            _MARKET_ID,
            about="markets",
            lists=_LISTS,
            limit=limit,
            seen=seen,
        )

    def known(self, market_id: str) -> Flow[Known]:
        """A market's outcomes and their tokens; raises `MarketNotFound`."""
        name = read_market_id(market_id)
        found = self.memory.market(name)
        if found is None:
            market = yield from self.fetch_market(name)
            found = self.memory.learn_market(name, market.outcomes)
        return found

    def known_all(self, ids: Sequence[str]) -> Flow[dict[str, Known]]:
        """The same of several; those that are not remembered in few requests."""
        missing = [name for name in ids if self.memory.market(name) is None]
        yield from collect(self._markets_by_id(missing))
        found: dict[str, Known] = {}
        for name in ids:
            found[name] = yield from self.known(name)
        return found


def _has_status(market: Market, status: StatusFilter) -> bool:
    return status == "all" or market.status is MarketStatus(status)
