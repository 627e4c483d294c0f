"""What we hold on Kalshi, and what the account may ask."""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable, Mapping
from operator import attrgetter
from typing import Final

import attrs

from ... import fork
from ...errors import PermissionDenied, UnifiedExchangesError
from ...flow import Flow, Pages, collect
from ...models import AccountLimits, Balance, Market, Params, Position
from ...money import complement
from ...settings import Settings
from . import parse
from .arguments import NO, read_limit, read_optional_id, read_params
from .discovery import Discovery

__all__ = ["Account"]

_log = logging.getLogger(__name__)

_POSITION: Final = attrgetter("market_id", "shard")
_POSITION_ARGUMENTS: Final = ("cursor", "event_ticker", "limit", "ticker")
_SHARD: Final = {"exchange_index": int, "subaccount": int}
_POSITION_WORDS: Final = {**_SHARD, "count_filter": str, "settlement_status": str}
_ARCHIVED: Final = ("settled", "all")

_DISCOVERY: Final = 2
"""Seconds that the first signed call waits at most for the account's limits."""
_AGAIN: Final = 60
"""Seconds until the limits are asked for again after that failed."""


class Account(Discovery):
    """Balance, positions and limits."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._discovery = fork.lock()
        self._discover_at = self._ask_expiry_at = self.clock.monotonic()

    def fetch_balance(self, *, params: Params | None = None) -> Flow[Balance]:
        """Cash, in all and on each shard, of the subaccount (the primary by default).

        It may lag behind a fill by a moment.  ``params`` takes ``subaccount`` and
        ``exchange_index``.
        """
        query = {"subaccount": self.subaccount, **read_params(params, (), _SHARD)}
        call = self.read("/portfolio/balance", query, about="balance", private=True)
        response = yield from self.send(call)
        return parse.balance(response.body)

    # -- positions ------------------------------------------------------------------

    def fetch_positions(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        mark: bool = True,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Flow[list[Position]]:
        """What one subaccount holds: without one Kalshi means 0, the primary, not all.

        Another is chosen by ``options={"subaccount": …}`` for the whole object or by
        ``params={"subaccount": …}`` for one call; to see all, ask for each.

        What was traded and closed again is left out: ``params={"count_filter":
        "total_traded"}`` gets that too, and ``{"settlement_status": "all"}`` what was
        paid out, archive included.  A mark is the best bid for what is held, None
        where nobody bids or the market is gone.  A failure raises, also a market or
        event that does not exist: an empty list means that nothing is held.
        """
        wanted = read_limit(limit)
        given = read_params(params, _POSITION_ARGUMENTS, _POSITION_WORDS)
        query = {
            "ticker": read_optional_id("market_id", market_id),
            "event_ticker": read_optional_id("event_id", event_id),
            "subaccount": self.subaccount,
            **given,
        }
        positions = yield from collect(self._positions(query, wanted), wanted)
        if not positions:
            yield from self.require(market_id=market_id, event_id=event_id)
        if not mark or not positions:
            return positions
        ids = list(dict.fromkeys(position.market_id for position in positions))
        # A market may be taken down while it is held: what is held stays told, unmarked.
        markets = yield from collect(self.known_markets(ids))
        by_id = {market.market_id: market for market in markets}
        return [
            _marked(x, by_id[x.market_id]) if x.market_id in by_id else x
            for x in positions
        ]

    def _positions(
        self, query: Mapping[str, object], limit: int | None
    ) -> Pages[Position]:
        every = {"count_filter", "settlement_status"} & query.keys()
        held = query if every else {**query, "count_filter": "position"}
        seen: set[Hashable] = set()
        yield from self.listing(
            "/portfolio/positions",
            held,
            parse.positions_page if every else _held_positions_page,
            _POSITION,
            about="positions",
            limit=limit,
            private=True,
            seen=seen,
        )
        if query.get("settlement_status") in _ARCHIVED:
            kept = ("ticker", "event_ticker", "subaccount")
            yield from self.listing(
                "/historical/positions",
                {name: query[name] for name in kept},
                parse.positions_page,
                _POSITION,
                about="archived positions",
                limit=limit,
                private=True,
                seen=seen,
            )

    # -- limits ---------------------------------------------------------------------

    def fetch_limits(self) -> Flow[AccountLimits]:
        """The account's limits; from now on our own limiter keeps to them.

        Also learns when the key's location attestation lapses, if the key may ask.
        """
        found = yield from self._read_limits(None)
        yield from self._read_key_expiry(None)
        return found

    def learn_key_expiry(self, deadline: float | None) -> Flow[None]:
        """Ask once when the key's location attestation lapses, where there is a key."""
        now = self.clock.monotonic()
        if not self.has_key or now < self._ask_expiry_at:
            return
        self._ask_expiry_at = now + _AGAIN
        try:
            yield from self._read_key_expiry(deadline)
        except UnifiedExchangesError as error:
            _log.warning("when the key's rights lapse is not known: %s", error)

    def _read_key_expiry(self, deadline: float | None) -> Flow[None]:
        call = self.read("/api_keys", about="API keys", private=True)
        try:
            response = yield from self.send(attrs.evolve(call, deadline=deadline))
        except PermissionDenied as error:
            _log.info(
                "the key may not list API keys, so its expiry is unknown: %s", error
            )
        else:
            expiry = parse.api_keys(response.body).expires_at
            self.note_key_expiry(None if expiry is None else int(expiry.timestamp()))
        self._ask_expiry_at = math.inf

    def discover_limits(self) -> Flow[None]:
        """Ask for the account's limits once, before the first signed call.

        Only one caller asks; others go on with the lowest tier's limits meanwhile, and
        so does everybody when asking fails or takes longer than two seconds.  It is
        then tried again a minute later.
        """
        now = self.clock.monotonic()
        if self._limits_known or not self.has_key:
            return
        with self._discovery:
            if now < self._discover_at:
                return
            self._discover_at = now + _AGAIN
        try:
            yield from self._read_limits(now + _DISCOVERY)
        except UnifiedExchangesError as error:
            _log.warning(
                "the account's limits are not known, basic is assumed: %s", error
            )

    def _read_limits(self, deadline: float | None) -> Flow[AccountLimits]:
        asked = (
            self.read("/account/limits", about="account limits", private=True),
            self.read("/account/endpoint_costs", about="costs of requests"),
        )
        answers = []
        for call in asked:
            response = yield from self.send(attrs.evolve(call, deadline=deadline))
            answers.append(response.body)
        found = parse.limits(*answers)
        self.adopt_limits(found)
        return found


def _held_positions_page(body: bytes) -> tuple[list[Position], str | None]:
    positions, cursor = parse.positions_page(body)
    return [position for position in positions if position.size], cursor


def _marked(position: Position, market: Market) -> Position:
    """A position valued at the best bid for its outcome: NO bids are YES asks."""
    bid = market.bid
    if position.outcome == NO:
        bid = None if market.ask is None else complement(market.ask)
    told = attrs.evolve(position, event_id=market.event_id)
    return told.marked_at(bid) if position.size else told
