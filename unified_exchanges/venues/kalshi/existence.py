"""Whether a market, event or series exists, asked when nothing was found for it.

Kalshi answers a listing of an id that it does not know with an empty page, so that a slip
in an id would pass for "nothing there".
"""

from __future__ import annotations

from typing import Final, TypeVar

from ...errors import EventNotFound
from ...flow import Flow, Page, Pages, Response
from ...settings import Settings
from ...venue.merging import next_page
from .archive import Archive

__all__ = ["Existence"]

T = TypeVar("T")

_MOST: Final = 10_000
"""Paths of events and series that are remembered to exist."""


class Existence(Archive):
    """Tells nothing found from nothing there."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._found: dict[str, None] = {}

    def require_market(self, market_id: str) -> Flow[None]:
        """Raise `MarketNotFound` for a market that is nowhere; one seen is not asked for."""
        if self.memory.rules(market_id) is None:
            yield from self.fetch_market(market_id)

    def require_event(self, event_id: str) -> Flow[None]:
        """Raise `EventNotFound` for an event that is nowhere; asked for once."""
        if f"/events/{event_id}" not in self._found:
            yield from self.read_event(event_id)

    def require_series(self, series_id: str) -> Flow[None]:
        """Raise `EventNotFound` for a series that is nowhere; asked for once."""
        if f"/series/{series_id}" not in self._found:
            yield from self.read_series(series_id)

    def require(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        series_id: str | None = None,
    ) -> Flow[None]:
        """Raise for the first of these that is nowhere; None is not asked for."""
        if market_id is not None:
            yield from self.require_market(market_id)
        if event_id is not None:
            yield from self.require_event(event_id)
        if series_id is not None:
            yield from self.require_series(series_id)

    def existing(
        self,
        pages: Pages[T],
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        series_id: str | None = None,
    ) -> Pages[T]:
        """A listing; if it ends empty, what it was asked for is required to exist."""
        is_empty = True
        try:
            while (items := (yield from next_page(pages))) is not None:
                is_empty = is_empty and not items
                yield Page(items)
        finally:
            pages.close()
        if is_empty:
            yield from self.require(
                market_id=market_id, event_id=event_id, series_id=series_id
            )

    def read_event(self, event_id: str) -> Flow[Response]:
        """Kalshi's answer about an event, live markets included."""
        return (
            yield from self._read_known(
                "event", event_id, f"/events/{event_id}", with_nested_markets=True
            )
        )

    def read_series(self, series_id: str) -> Flow[Response]:
        """Kalshi's answer about a series."""
        return (
            yield from self._read_known("series", series_id, f"/series/{series_id}")
        )

    def _read_known(
        self, kind: str, ticker: str, path: str, **query: object
    ) -> Flow[Response]:
        call = self.read(path, query, about=f"{kind} {ticker}")
        response = yield from self.read_if_there(call)
        if response is None:
            lister = "fetch_series()" if kind == "series" else "fetch_events()"
            message = f"there is no {kind} {ticker!r}; {lister} lists them"
            raise EventNotFound(message, venue=self.id, request=call.name, status=404)
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[path] = None
        return response
