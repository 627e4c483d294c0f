"""What we hold on Polymarket, what was paid out, and what the account may ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final

import attrs

from ...errors import ArgumentsRequired, BadRequest
from ...flow import Flow, Page, Pages, collect
from ...models import (
    AccountLimits,
    Balance,
    Holding,
    Market,
    MarketStatus,
    Order,
    Outcome,
    Params,
    Position,
    Settlement,
    Side,
)
from ...money import EXACT, ONE, ZERO, complement, div, total
from ...venue.merging import next_page
from . import limits, parse
from .addresses import read_address
from .arguments import (
    read_event_id,
    read_limit,
    read_market_id,
    read_params,
    read_span,
)
from .order_history import OrderHistory

__all__ = ["Account"]

_POSITIONS: Final = "/data/v2/positions"
_ACTIVITY: Final = "/data/v2/activity"
_IDS_A_REQUEST: Final = 20
"""Markets that the Data API takes at once (vendor's SDK, 2026-10)."""

_POSITION_ARGUMENTS: Final = ("condition_id", "cursor", "event_id", "limit", "offset")
_POSITION_WORDS: Final[Mapping[str, type]] = {
    "filter_amount": str,
    "filter_type": str,
    "include_archived": bool,
    "status": str,
    "title": str,
    "user": str,
}
_SETTLEMENT_ARGUMENTS: Final = (*_POSITION_ARGUMENTS, "end", "start", "type")
_SETTLEMENT_WORDS: Final[Mapping[str, type]] = {"user": str}


class Account(OrderHistory):
    """Balance, positions, settlements and limits."""

    def fetch_balance(self, *, params: Params | None = None) -> Flow[Balance]:
        """Cash in pUSD: all of it, what is free, and what contracts may take.

        The venue tells all cash, out of a cache of the chain; free is what the open orders
        to buy leave of it at their limits.  It is read before them, so that an order placed
        meanwhile counts; orders of other API keys of the wallet are not shown to this one.
        """
        read_params(params, (), {})
        found = yield from self._holding({"asset_type": "COLLATERAL"}, "balance")
        orders = yield from collect(self.open_orders())
        held_back = total(map(_held_back, orders))
        gross = found.available
        # What rests may be more than there is: the venue cancels it as it notices.
        free = max(ZERO, EXACT.subtract(gross, held_back))
        return attrs.evolve(found, available=free)

    def holding(
        self, token: str, *, is_v2: bool, refresh: bool = False
    ) -> Flow[Balance]:
        """Shares of a token that are held, and what contracts may take of them.

        Fresher than positions, but out of a cache too; nothing is subtracted.  ``refresh``
        has the venue look at the chain again before.
        """
        kind = "CONDITIONAL-V2" if is_v2 else "CONDITIONAL"
        query = {"asset_type": kind, "token_id": token}
        if refresh:
            call = self.read(
                "/clob/balance-allowance/update",
                self._asked(query),
                about=f"shares of token {token}",
                private=True,
            )
            yield from self.send(call)
        return (yield from self._holding(query, f"shares of token {token}"))

    def _asked(self, query: Mapping[str, object]) -> Mapping[str, object]:
        held = self.credentials
        return {**query, "signature_type": int(held.wallet.kind) if held else None}

    def _holding(self, query: Mapping[str, object], about: str) -> Flow[Balance]:
        asked = self._asked(query)
        call = self.read("/clob/balance-allowance", asked, about=about, private=True)
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
        """What the wallet holds: one position of each outcome, both of a market perhaps.

        Told by a service of its own that lags behind fills by seconds: never decide by it
        whether an order filled.  Shares of a resolved market are held until they are
        redeemed, lost ones too.  A mark is the best bid for what is held, and what a share
        pays once that is known.

        It needs no key, but a wallet: the key's, ``options={"wallet": "0x…"}``, or
        ``params={"user": "0x…"}``.  ``params`` also takes ``status`` (``"CLOSED"`` gives
        what is held no more), ``title``, ``filter_type`` with ``filter_amount``, and
        ``include_archived``.  A market or event that does not exist raises.
        """
        wanted = read_limit(limit)
        given = read_params(params, _POSITION_ARGUMENTS, _POSITION_WORDS)
        query: dict[str, object] = {**given, "user": self._whose(given)}
        if market_id is not None:
            query["condition_id"] = read_market_id(market_id)
        if event_id is not None:
            query["event_id"] = read_event_id(event_id)
        rows = yield from collect(self._position_rows(query, wanted), wanted)
        if not rows:
            yield from self._require(market_id, event_id)
            return []
        positions: list[Position] = []
        for token, position in rows:
            label = yield from self._label(token, position)
            positions.append(attrs.evolve(position, outcome=label))
        if not mark:
            return positions
        return (yield from self._marked(rows, positions))

    def _position_rows(
        self, query: Mapping[str, object], limit: int | None
    ) -> Pages[tuple[str, Position]]:
        pages = self.told(
            _POSITIONS,
            query,
            parse.positions_page,
            lambda row: row[0],
            about="positions",
            limit=limit,
        )
        every = "status" in query
        try:
            while (rows := (yield from next_page(pages))) is not None:
                yield Page([row for row in rows if every or row[1].size])
        finally:
            pages.close()

    def _label(self, token: str, position: Position) -> Flow[str]:
        """The outcome that a token is, where its row does not say; else the token."""
        if position.outcome:
            return position.outcome
        known = self.memory.market(position.market_id)
        if known is None:
            yield from self.readable_markets([position.market_id])
            known = self.memory.market(position.market_id)
        outcomes = () if known is None else known.outcomes
        return next((x.label for x in outcomes if x.outcome_id == token), token)

    def _marked(
        self, rows: list[tuple[str, Position]], positions: list[Position]
    ) -> Flow[list[Position]]:
        """Positions valued at the best bid, or at what a share of them pays."""
        ids = list(dict.fromkeys(position.market_id for position in positions))
        markets = yield from self.readable_markets(ids)
        by_id = {market.market_id: market for market in markets}
        paid = {
            outcome.outcome_id: price
            for market in markets
            for outcome, price in _payouts(market)
        }
        tokens = [
            token
            for token, position in rows
            if token not in paid
            and position.size
            and by_id.get(position.market_id) is not None
            and by_id[position.market_id].status is not MarketStatus.CLOSED
        ]
        books = yield from self.books(tokens)
        marked = []
        for (token, _), position in zip(rows, positions, strict=True):
            book = books.get(token)
            bid = book.bid.price if book and book.bid else None
            price = paid.get(token, bid)
            marked.append(position.marked_at(price) if position.size else position)
        return marked

    def told_mark(self, position: Position) -> Decimal | None:
        """The price that the row of the position tells: of what nobody bids for."""
        return parse.told_price(position.raw_json)

    def _require(self, market_id: str | None, event_id: str | None) -> Flow[None]:
        """Raise if what was asked for does not exist: an empty list means nothing held."""
        if market_id is not None:
            yield from self.known(market_id)
        if event_id is not None:
            yield from self.fetch_event(event_id)

    def _whose(self, given: Mapping[str, object]) -> str:
        """The wallet that is read of, in small letters."""
        if "user" in given:
            return read_address(given["user"], "params user").lower()
        if self.wallet is None:
            message = (
                "whose? Pass private_key=, or to read only, options={'wallet': '0x…'} or "
                "params={'user': '0x…'}"
            )
            raise ArgumentsRequired(message, venue=self.id)
        return self.wallet

    # -- settlements ----------------------------------------------------------------

    def fetch_settlements(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Settlement]:
        """Shares that were redeemed for dollars, newest first: one for each outcome.

        Told late, like positions.  Their cost is worked out of the closed position's average
        price, which has four digits, and is None where there is none.  What was lost is not
        redeemed, and stays a position.  ``params`` takes ``user``, another wallet.  A
        market or event that does not exist raises.
        """
        read_limit(limit)
        span = read_span(since, until)
        given = read_params(params, _SETTLEMENT_ARGUMENTS, _SETTLEMENT_WORDS)
        user = self._whose(given)
        start, end = span.seconds()
        query: dict[str, object] = {
            "user": user,
            "type": "REDEEM",
            # Without a start only what is recent may come (vendor's SDK, 2026-10).
            "start": start or 1,
            "end": end,
        }
        if market_id is not None and event_id is not None:
            message = "give market_id or event_id, not both"
            raise BadRequest(message, venue=self.id)
        if market_id is not None:
            query["condition_id"] = read_market_id(market_id)
        if event_id is not None:
            query["event_id"] = read_event_id(event_id)

        def listing() -> Pages[Settlement]:
            is_empty = True
            pages = self.told(
                _ACTIVITY,
                query,
                parse.redemptions_page,
                _redemption,
                about="settlements",
            )
            try:
                while (rows := (yield from next_page(pages))) is not None:
                    kept = [row for row in rows if span.holds(row.at)]
                    is_empty = is_empty and not kept
                    yield Page((yield from self._settlements(kept, user)))
            finally:
                pages.close()
            if is_empty:
                yield from self._require(market_id, event_id)

        return listing()

    def _settlements(
        self, rows: list[parse.Redemption], user: str
    ) -> Flow[list[Settlement]]:
        ids = list(dict.fromkeys(row.market_id for row in rows))
        found = yield from self.readable_markets(ids)
        markets = {market.market_id: market for market in found}
        prices = yield from self._average_prices(ids, user)
        return [_settlement(row, markets.get(row.market_id), prices) for row in rows]

    def _average_prices(
        self, market_ids: list[str], user: str
    ) -> Flow[dict[str, Decimal]]:
        """What tokens had cost that are held no more, by token."""
        prices: dict[str, Decimal] = {}
        for start in range(0, len(market_ids), _IDS_A_REQUEST):
            chunk = market_ids[start : start + _IDS_A_REQUEST]
            query = {
                "user": user,
                "condition_id": ",".join(chunk),
                "status": "CLOSED",
            }
            pages = self.told(
                _POSITIONS,
                query,
                parse.claims_page,
                lambda row: row[0],
                about="closed positions",
            )
            prices |= dict((yield from collect(pages)))
        return prices

    # -- limits ---------------------------------------------------------------------

    def fetch_limits(self) -> Flow[AccountLimits]:
        """The tier of the signer and its two buckets; our own limiter keeps to them then.

        Each order or cancel of a batch costs one token.  Limits by address are not told.
        """
        call = self.read(
            "/clob/v1/user/rate-limit-tier", about="rate limits", private=True
        )
        response = yield from self.send(call)
        tier = parse.tier(response.body)
        self.adopt_tier(tier)
        return AccountLimits(
            venue=self.id,
            raw_json=response.body,
            tier=tier,
            buckets=limits.bucket_limits(tier),
            default_cost=ONE,
        )


_redemption: Final = attrgetter("transaction", "market_id", "outcome", "token_id")


def _held_back(order: Order) -> Decimal:
    if order.side is not Side.BUY:
        return ZERO
    return EXACT.multiply(order.remaining, order.price)


def _payouts(market: Market) -> list[tuple[Outcome, Decimal]]:
    """What a share of each outcome pays, once that is known."""
    first = market.settlement_price
    if first is None:
        return []
    return list(zip(market.outcomes, (first, complement(first)), strict=True))


def _settlement(
    row: parse.Redemption, market: Market | None, prices: Mapping[str, Decimal]
) -> Settlement:
    """A redemption with what its market and the closed position tell."""
    paid = {} if market is None else dict(_payouts_by_label(market))
    each = paid.get(row.outcome)
    size = row.size
    if size is None and each:
        size = div(row.payout, each)
    holdings: tuple[Holding, ...] = ()
    if size is not None:
        average = prices.get(_token(row, market))
        cost = None if average is None else EXACT.multiply(average, size)
        holdings = (Holding(row.outcome, size, cost),)
    return Settlement(
        venue="polymarket",
        raw_json=row.raw_json,
        market_id=row.market_id,
        event_id=market.event_id or None if market else None,
        result=(market.result if market else None) or "",
        value=market.settlement_price if market else None,
        payout=row.payout,
        holdings=holdings,
        # A redemption costs nothing, and does not say what the trades did.
        fee=None,
        settled_at=row.at,
        rounded=frozenset({"cost"}) if holdings and holdings[0].cost else frozenset(),
    )


def _payouts_by_label(market: Market) -> list[tuple[str, Decimal]]:
    return [(outcome.label, price) for outcome, price in _payouts(market)]


def _token(row: parse.Redemption, market: Market | None) -> str:
    """The token that was redeemed: its row may name the outcome only."""
    if row.token_id is not None or market is None:
        return row.token_id or ""
    ids = [x.outcome_id for x in market.outcomes if x.label == row.outcome]
    return ids[0] if ids else ""
