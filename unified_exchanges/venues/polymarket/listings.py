"""Listings of the three services, each with its own way to the next page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from typing import Final, TypeVar

from ...errors import (
    EventNotFound,
    MarketNotFound,
    OrderNotFound,
    VenueSchemaError,
)
from ...flow import Flow, Pages, Response
from ...settings import Settings
from ...venue import Call
from .arguments import page_size
from .asked import check_listed
from .connection import PolymarketConnection

__all__ = ["DATA_PAGE", "Listings"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LEFT_OUT: Final = "%s is left out of what is listed: %s"
_GONE_WITHOUT: Final = "%s is told without its fees, marks and payouts: %s"
_MOST_WARNED: Final = 10_000
"""Warnings of which it is remembered that they were given."""
_GAMMA_PAGE: Final = 100
"""Keyset listings give no more at once (docs.polymarket.com, changelog, 2026-05-14)."""
DATA_PAGE: Final = 1000
"""Pages of the Data API's version 2 (docs.polymarket.com, 2026-10)."""


class Listings(PolymarketConnection):
    """Follows the pages of Gamma, of the CLOB and of the Data API."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._warned: set[tuple[str, str, str]] = set()

    def leave_out(self, name: str, problem: VenueSchemaError) -> None:
        """Go on without a row of the catalog, and say so once.

        Thousands of markets are not hidden by one that nobody here may ever trade: it is
        an error to whoever asks for that one.
        """
        self._warn(_LEFT_OUT, name or "a row", problem)

    def go_without(self, name: str, problem: VenueSchemaError | MarketNotFound) -> None:
        """Go on without what the catalog tells of a market of the account; say so once.

        What is held, filled or paid out elsewhere is not hidden by it.
        """
        self._warn(_GONE_WITHOUT, f"market {name}" if name else "a market", problem)

    def _warn(
        self, words: str, name: str, problem: VenueSchemaError | MarketNotFound
    ) -> None:
        # Where on the page it stood changes from one look to the next.
        field = getattr(problem, "field", None) or ""
        what = (words, name, field.rpartition("]")[2])
        if what in self._warned:
            return
        if len(self._warned) >= _MOST_WARNED:
            self._warned.clear()
        self._warned.add(what)
        _log.warning(words, name, problem)

    def catalog(
        self,
        path: str,
        query: Mapping[str, object],
        parse: Callable[[bytes], tuple[list[T], str | None]],
        key: Callable[[T], Hashable],
        *,
        about: str,
        lists: tuple[str, ...] = (),
        limit: int | None = None,
        seen: set[Hashable] | None = None,
    ) -> Pages[T]:
        """Pages of a keyset listing of Gamma."""
        size = page_size(limit, _GAMMA_PAGE)

        def ask(cursor: str | None) -> Call:
            asked = {**query, "limit": size, "after_cursor": cursor}
            return self.read(path, asked, about=about, lists=lists)

        return self.pages(ask, parse, key, seen=seen)

    def numbered(
        self,
        path: str,
        query: Mapping[str, object],
        parse: Callable[[bytes], tuple[list[T], bool]],
        key: Callable[[T], Hashable],
        *,
        about: str,
        parameter: str,
        by_item: bool = False,
    ) -> Pages[T]:
        """Pages that are asked for by number, or by offset, while there are more.

        An offset counts what came, not what was asked for: the venue caps its pages.
        """
        first = 0 if by_item else 1
        place = [first]

        def ask(cursor: str | None) -> Call:
            place[0] = first if cursor is None else int(cursor)
            return self.read(path, {**query, parameter: place[0]}, about=about)

        def read(body: bytes) -> tuple[list[T], str | None]:
            items, more = parse(body)
            step = max(1, len(items)) if by_item else 1
            return items, str(place[0] + step) if more else None

        return self.pages(ask, read, key)

    def told(
        self,
        path: str,
        query: Mapping[str, object],
        parse: Callable[[bytes], tuple[list[T], str | None]],
        key: Callable[[T], Hashable],
        *,
        about: str,
        limit: int | None = None,
        most: int = DATA_PAGE,
        tell_apart: Callable[[list[T]], Flow[list[T]]] | None = None,
    ) -> Pages[T]:
        """Pages of what the Data API tells of wallets, trades and prices."""
        size = page_size(limit, most)

        def ask(cursor: str | None) -> Call:
            asked = {**query, "limit": size, "cursor": cursor}
            return self.read(path, asked, about=about)

        return self.pages(ask, parse, key, tell_apart=tell_apart)

    def ledger(
        self,
        path: str,
        query: Mapping[str, object],
        parse: Callable[[bytes], tuple[list[T], str | None]],
        key: Callable[[T], Hashable],
        *,
        about: str,
        urgent: bool = False,
    ) -> Pages[T]:
        """Pages of our own orders and trades: of what was asked for, and of nothing else."""

        def ask(cursor: str | None) -> Call:
            asked = {**query, "next_cursor": cursor}
            return self.read(path, asked, about=about, private=True, urgent=urgent)

        def read(body: bytes) -> tuple[list[T], str | None]:
            items, cursor = parse(body)
            check_listed(items, query)
            return items, cursor

        return self.pages(ask, read, key)

    def read_if_there(self, call: Call) -> Flow[Response | None]:
        """An answer, or None if what was asked for does not exist."""
        try:
            return (yield from self.send(call))
        except (EventNotFound, MarketNotFound, OrderNotFound):
            return None
