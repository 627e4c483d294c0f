"""Public trades on Polymarket, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from ...errors import BadRequest
from ...flow import Flow, Page, Pages
from ...models import Params, Trade
from ...venue.merging import next_page
from . import parse
from .arguments import Span, read_event_id, read_limit, read_params, read_span
from .listings import DATA_PAGE
from .quotes import Quotes
from .twins import Row, Twins

__all__ = ["History"]

_PATH: Final = "/data/v2/trades"
_ARGUMENTS: Final = ("condition_id", "cursor", "end", "limit", "offset", "start")
_KNOWN: Final[Mapping[str, type]] = {
    "event_id": str,
    "filter_amount": str,
    "filter_type": str,
    "side": str,
    "taker_only": bool,
    "user": str,
}


def _name(found: Row) -> str:
    return found[1].trade_id


class History(Quotes):
    """Trades.

    They are told by a service of their own, minutes late at worst: its answers may come out
    of a cache (docs.polymarket.com, Data API, 2026-10).
    """

    def fetch_trades(
        self,
        market_id: str | None = None,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Trade]:
        """Public trades, newest first: those of a market, or of one of its outcomes.

        Each is told for the outcome that its taker traded.  ``since`` and ``until`` are
        both included.  ``params`` takes ``event_id``, ``side``, ``user``, ``filter_type``
        with ``filter_amount``, and ``taker_only=False``, which tells makers' parts too.  A
        market that does not exist raises `MarketNotFound`.
        """
        span, wanted = read_span(since, until), read_limit(limit)
        given = {"taker_only": True, **read_params(params, _ARGUMENTS, _KNOWN)}
        self._check(market_id, outcome, given)
        is_sifted = any(x is not None for x in (outcome, span.since, span.until))
        return self._sifted(
            given, market_id, outcome, span, limit=None if is_sifted else wanted
        )

    def _check(
        self, market_id: str | None, outcome: str | None, given: Mapping[str, object]
    ) -> None:
        if outcome is not None and market_id is None:
            message = "outcome= names one of a market's, so give market_id too"
            raise BadRequest(message, venue=self.id)
        if "event_id" in given:
            read_event_id(given["event_id"])
            if market_id is not None:
                message = "give market_id or params event_id, not both"
                raise BadRequest(message, venue=self.id)

    def _sifted(
        self,
        given: Mapping[str, object],
        market_id: str | None,
        outcome: str | None,
        span: Span,
        *,
        limit: int | None,
    ) -> Pages[Trade]:
        """The trades of a query that are of an outcome and of a time."""
        token, query = None, dict(given)
        if market_id is not None:
            known = yield from self.known(market_id)
            query["condition_id"] = known.market_id
            if outcome is not None:
                token = known.outcome(outcome).outcome_id
        pages = self.told(
            _PATH,
            query,
            parse.trades_page,
            _name,
            about="trades",
            limit=limit,
            tell_apart=Twins(partial(self._alike, query["taker_only"])).numbered,
        )
        try:
            while (found := (yield from next_page(pages))) is not None:
                yield Page(
                    [
                        trade
                        for of, trade in found
                        if token in (None, of) and span.holds(trade.created_at)
                    ]
                )
                # Times are only filtered for one user's trades (vendor's SDK, 2026-10).
                oldest = min(trade.created_at for _, trade in found)
                if span.since is not None and oldest < span.since:
                    return
        finally:
            pages.close()

    def _alike(self, taker_only: object, trade: Trade) -> Flow[int]:
        """How many trades are told as this one is: all are of one wallet and second."""
        moment = int(trade.created_at.timestamp())
        asked = {
            "user": trade.raw["proxy_wallet"],
            "taker_only": taker_only,
            "start": moment,
            "end": moment,
            "limit": DATA_PAGE,
        }
        response = yield from self.send(self.read(_PATH, asked, about="trades"))
        rows, _ = parse.trades_page(response.body)
        return sum(_name(row) == trade.trade_id for row in rows)
