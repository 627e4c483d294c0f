"""What happened on Kalshi: trades, orders, fills and settlements, live and archived.

Every listing is complete: Kalshi keeps about two weeks in the live endpoints and the rest
in an archive, and both come as one list, newest first, without duplicates.  The archive
is asked only by whoever reads that far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from datetime import datetime
from operator import attrgetter
from typing import Final

from ...flow import Pages
from ...models import Params, Settlement, Trade
from ...venue.merging import changed, live_then_archive
from . import parse
from .arguments import (
    bounds,
    read_limit,
    read_optional_id,
    read_outcome,
    read_params,
    read_span,
)
from .fill_history import FillHistory
from .order_history import OrderHistory

__all__ = ["History"]

_CREATED: Final = attrgetter("created_at")
_TRADE_ID: Final = attrgetter("trade_id")
_TRADE_ARGUMENTS: Final = ("cursor", "limit", "max_ts", "min_ts", "ticker")
_TRADE_WORDS: Final = {"is_block_trade": bool}
_SETTLEMENT_ARGUMENTS: Final = (*_TRADE_ARGUMENTS, "event_ticker")
_SUBACCOUNTS: Final = 64
_SETTLEMENT_WORDS: Final = {"subaccount": int}


class History(OrderHistory, FillHistory):
    """Trades and settlements, beside orders and fills."""

    def fetch_trades(
        self,
        market_id: str | None = None,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Trade]:
        """Public trades, newest first, in YES terms or in those of ``outcome``.

        ``since`` and ``until`` are both included.  ``params`` takes ``is_block_trade``.
        A market that does not exist raises `MarketNotFound`.
        """
        label, span = read_outcome(outcome), read_span(since, until)
        wanted = read_limit(limit)
        query = {
            "ticker": read_optional_id("market_id", market_id),
            **bounds(span),
            **read_params(params, _TRADE_ARGUMENTS, _TRADE_WORDS),
        }
        seen: set[Hashable] = set()

        def tier(path: str) -> Pages[Trade]:
            return self.listing(
                path,
                query,
                parse.trades_page,
                _TRADE_ID,
                about="trades",
                limit=wanted,
                ahead=ahead,
                seen=seen,
            )

        def told(trades: list[Trade]) -> list[Trade]:
            return [x.in_terms_of(label) for x in trades if span.holds(x.created_at)]

        def both() -> Pages[Trade]:
            cutoff = yield from self.cutoff()
            yield from changed(
                live_then_archive(
                    tier("/markets/trades"),
                    tier("/historical/trades"),
                    boundary=span.boundary(cutoff.trades),
                    moment=_CREATED,
                ),
                told,
            )

        return self.existing(both(), market_id=market_id)

    def fetch_settlements(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Settlement]:
        """Positions that were paid out, newest first.

        Kalshi documents no archive of settlements: what its endpoint gives is all there
        is (docs.kalshi.com, 2026-10).  A market or event that does not exist raises
        `MarketNotFound` or `EventNotFound`.
        """
        span = read_span(since, until)
        query = {
            "ticker": read_optional_id("market_id", market_id),
            "event_ticker": read_optional_id("event_id", event_id),
            "subaccount": self.subaccount,
            **bounds(span),
            **read_params(params, _SETTLEMENT_ARGUMENTS, _SETTLEMENT_WORDS),
        }
        settled = changed(
            self.listing(
                "/portfolio/settlements",
                query,
                _SettlementPages(),
                # Of one subaccount an equal row can only be the same one, come again.
                (lambda found: found[0].raw_json)
                if query.get("subaccount") is not None
                else (lambda found: (found[0].raw_json, found[1])),
                about="settlements",
                limit=read_limit(limit),
                private=True,
                ahead=ahead,
            ),
            lambda found: [x for x, _ in found if span.holds(x.settled_at)],
        )
        return self.existing(settled, market_id=market_id, event_id=event_id)


class _SettlementPages:
    """Reads the settlements of a listing's pages, equal ones numbered over all of them.

    A settlement has no id, and without ``subaccount`` Kalshi lists those of all (2026-10):
    two of them may have settled the very same position.  There cannot be more equal ones
    than subaccounts, so that a listing that repeats itself is noticed to have no end.
    """

    def __init__(self) -> None:
        self._counted: Counter[bytes] = Counter()

    def __call__(self, body: bytes) -> tuple[list[tuple[Settlement, int]], str | None]:
        settlements, cursor = parse.settlements_page(body)
        numbered = []
        for settlement in settlements:
            number = self._counted[settlement.raw_json]
            numbered.append((settlement, min(number, _SUBACCOUNTS)))
            self._counted[settlement.raw_json] += 1
        return numbered, cursor
