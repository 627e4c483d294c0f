"""Kalshi's markets, live and archived as one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeVar

from ...errors import BadRequest, MarketNotFound
from ...flow import Flow, Page, Pages, collect
from ...models import Market, Params, StatusFilter
from ...settings import Settings
from ...venue.merging import changed
from . import parse
from .arguments import (
    read_id,
    read_ids,
    read_limit,
    read_optional_id,
    read_params,
)
from .existence import Existence
from .identity import check_asked

if TYPE_CHECKING:
    from .market_filter import MarketFilter

__all__ = ["Markets"]

T = TypeVar("T")

_LIVE: Final = "/markets"
_ARCHIVED: Final = "/historical/markets"

_TICKERS_A_REQUEST: Final = 100
"""Kalshi names no bound for ``tickers``; this many keep the address below 8 kB."""

_MARKET_ID: Final = attrgetter("market_id")
_ARGUMENTS: Final = (
    "cursor",
    "event_ticker",
    "limit",
    "series_ticker",
    "status",
    "tickers",
)
_KNOWN: Final[Mapping[str, type]] = {
    "mve_filter": str,
    "min_created_ts": int,
    "max_created_ts": int,
    "min_updated_ts": int,
    "min_close_ts": int,
    "max_close_ts": int,
    "min_settled_ts": int,
    "max_settled_ts": int,
}


class Markets(Existence):
    """Finds and lists markets.

    The option ``keep_raw=False`` makes listings of markets leave out ``raw``, which is
    more than half of their memory.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._markets_page = partial(
            parse.markets_page, keep_raw=bool(settings.options.get("keep_raw", True))
        )

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
        """Markets, live and archived.

        ``market_ids`` gives exactly those, in that order and whatever their status;
        one that is nowhere raises `MarketNotFound`; an event or series that does not
        exist raises `EventNotFound`.  ``tag_id`` gives the markets of each series that
        bears it, one listing for each.  Combinations are left out unless
        ``params={"mve_filter": …}`` says ``only`` or ``all``, or they are asked for by
        id, event or series.  ``params`` also takes Kalshi's time filters, in seconds:
        ``min_created_ts`` and so on, of which the wrong mix is refused here.
        """
        from .market_filter import MarketFilter  # noqa: PLC0415 - only listings filter

        wanted = read_limit(limit)
        given = read_params(params, _ARGUMENTS, _KNOWN)
        if tag_id is not None:
            if not event_id is series_id is market_ids is None:
                message = (
                    "give tag_id, or one of event_id, series_id and market_ids, not both: "
                    "tags are those of series"
                )
                raise BadRequest(message, venue=self.id)
            return self.of_tag(
                tag_id,
                lambda name: self.fetch_markets(
                    status=status,
                    series_id=name,
                    limit=limit,
                    params=params,
                    ahead=ahead,
                ),
            )
        if market_ids is not None:
            if event_id is not None or series_id is not None:
                message = "give market_ids, or event_id and series_id, not both"
                raise BadRequest(message, venue=self.id)
            if status not in ("open", "all") or given:
                what = sorted(given) or [f"status={status!r}"]
                message = (
                    f"{', '.join(what)} filters listings; market_ids gives exactly those "
                    "markets, whatever their status"
                )
                raise BadRequest(message, venue=self.id)
            ids = read_ids("market_ids", market_ids)[:wanted]
            return self._markets_by_id(ids)
        asked = MarketFilter.read(
            status=status,
            event_id=read_optional_id("event_id", event_id),
            series_id=read_optional_id("series_id", series_id),
            given=given,
        )
        return self.existing(
            self._filtered_markets(asked, wanted, ahead=ahead),
            event_id=event_id,
            series_id=series_id,
        )

    def of_tag(self, tag_id: str, listing: Callable[[str], Pages[T]]) -> Pages[T]:
        """What a listing gives of each series that bears a tag."""
        for series in (yield from self.fetch_series(tag_id=tag_id)):
            yield from listing(series.series_id)

    def _filtered_markets(
        self, asked: MarketFilter, wanted: int | None, *, ahead: bool
    ) -> Pages[Market]:
        seen: set[Hashable] = set()
        if asked.updated_since is not None:
            cutoff = yield from self.cutoff()
            if asked.updated_since < cutoff.markets:
                message = (
                    "min_updated_ts reaches live markets only, and those settled before "
                    f"{cutoff.markets:%Y-%m-%d %H:%M:%S} UTC are archived: give a later "
                    "time, or list with status='all' and no time"
                )
                raise BadRequest(message, venue=self.id)
        yield from changed(
            self._market_pages(
                _LIVE, asked.live_query(), limit=wanted, ahead=ahead, seen=seen
            ),
            self.learn_markets,
        )
        if not asked.may_be_archived:
            return
        if asked.since is not None:
            cutoff = yield from self.cutoff()
            if asked.since >= cutoff.markets:
                return
        yield from changed(
            self._market_pages(
                _ARCHIVED,
                asked.archive_query(),
                limit=None if asked.sifts_archive else wanted,
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
        for path in (f"{_LIVE}/{ticker}", f"{_ARCHIVED}/{ticker}"):
            call = self.read(path, about=f"market {ticker}")
            response = yield from self.read_if_there(call)
            if response is not None:
                market = parse.market(response.body)
                check_asked(market.market_id, (ticker,), "ticker")
                self.learn_markets([market])
                return market, path.startswith(_ARCHIVED)
        raise self.unknown_markets([ticker])

    def unknown_markets(self, market_ids: Sequence[str]) -> MarketNotFound:
        """The error for markets that are neither live nor archived."""
        names = ", ".join(map(repr, market_ids))
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
        return self.listing(
            path,
            query,
            self._markets_page,
            _MARKET_ID,
            about="markets",
            limit=limit,
            ahead=ahead,
            seen=seen,
        )

    def archived_markets(self, query: Mapping[str, object]) -> Pages[Market]:
        """The markets of the archive."""
        return self._market_pages(_ARCHIVED, query)

    def known_markets(self, ids: list[str]) -> Pages[Market]:
        """Those of the markets that are live or archived, in that order."""
        return self._markets_by_id(ids, all_or_none=False)

    def _markets_by_id(
        self, ids: list[str], *, all_or_none: bool = True
    ) -> Pages[Market]:
        for start in range(0, len(ids), _TICKERS_A_REQUEST):
            chunk = ids[start : start + _TICKERS_A_REQUEST]
            found: dict[str, Market] = {}
            for path in (_LIVE, _ARCHIVED):
                missing = [ticker for ticker in chunk if ticker not in found]
                if not missing:
                    break
                markets = yield from collect(
                    self._market_pages(path, {"tickers": ",".join(missing)})
                )
                for market in markets:
                    check_asked(market.market_id, missing, "ticker")
                    found[market.market_id] = market
            missing = [ticker for ticker in chunk if ticker not in found]
            if missing and all_or_none:
                raise self.unknown_markets(missing)
            there = [found[ticker] for ticker in chunk if ticker in found]
            yield Page(self.learn_markets(there))

    def learn_markets(self, markets: list[Market]) -> list[Market]:
        """Remember the rules of markets, and hand them on."""
        self.memory.learn_markets(markets, self.clock.monotonic())
        return markets
