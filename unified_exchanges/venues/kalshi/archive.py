"""Where Kalshi's history lies: what is older than a moving cutoff is in an archive.

Live endpoints keep about two weeks (docs.kalshi.com, 2026-09-24); orders, fills, trades
and settled markets older than that are under ``/historical``.  The cutoff is asked for,
never assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import timedelta
from itertools import count
from typing import Final, TypeVar

import attrs

from ...errors import ExchangeError
from ...flow import Flow, Pages, Response
from ...sending import Call
from ...settings import Settings
from . import parse
from .arguments import page_size, pages_for
from .connection import KalshiConnection
from .identity import check_listed

__all__ = ["Archive"]

T = TypeVar("T")

_FRESH: Final = 60
"""Seconds for which a cutoff is believed."""

_MARGIN: Final = timedelta(days=1)
"""How far above the cutoff the archive is still asked: it moves on while we read."""

_NOT_FOUND: Final = 404


class Archive(KalshiConnection):
    """Reads listings, and knows which of them go on in the archive."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._cutoff: tuple[parse.Cutoff, float] | None = None

    def cutoff(self) -> Flow[parse.Cutoff]:
        """Nothing archived is newer than these times; asked for once a minute."""
        known = self._cutoff
        if known is not None and self.clock.monotonic() - known[1] < _FRESH:
            return known[0]
        asked = self.clock.monotonic()
        call = self.read("/historical/cutoff", about="cutoff of the archive")
        response = yield from self.send(call)
        told = parse.cutoff(response.body)
        found = attrs.evolve(
            told,
            markets=told.markets + _MARGIN,
            trades=told.trades + _MARGIN,
            orders=told.orders + _MARGIN,
        )
        self._cutoff = found, asked
        return found

    def read_if_there(self, call: Call) -> Flow[Response | None]:
        """The answer to a call, or None if Kalshi says that there is no such thing."""
        try:
            return (yield from self.send(call))
        except ExchangeError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def listing(
        self,
        path: str,
        query: Mapping[str, object],
        decode: Callable[[bytes], tuple[list[T], str | None]],
        key: Callable[[T], Hashable],
        *,
        about: str,
        limit: int | None = None,
        most: int = 1000,
        private: bool = False,
        ahead: bool = False,
        urgent: bool = False,
        seen: set[Hashable] | None = None,
    ) -> Pages[T]:
        """A listing that follows cursors and asks for no more than ``limit`` needs."""
        fixed = {**query, "limit": page_size(limit, most)}

        def ask(cursor: str | None) -> Call:
            return self.read(
                path,
                {**fixed, "cursor": cursor},
                about=about,
                private=private,
                urgent=urgent,
            )

        def page(body: bytes) -> tuple[list[T], str | None]:
            items, following = decode(body)
            check_listed(items, query)
            return items, following

        peek = _peek(pages_for(limit, most)) if ahead else None
        return self.pages(ask, page, key, peek=peek, seen=seen)


def _peek(pages: int | None) -> Callable[[bytes], str | None]:
    """Look for the next cursor, as long as the next page is wanted."""
    numbers = count(1)

    def peek(body: bytes) -> str | None:
        if pages is not None and next(numbers) >= pages:
            return None
        return parse.peek_cursor(body)

    return peek
