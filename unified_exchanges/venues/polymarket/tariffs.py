"""The fee rule of a market, read from its schedule and kept for a while."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import attrs

from ...errors import ArgumentsRequired, BadRequest, InvalidOrder, NotSupported
from ...flow import Flow, collect
from ...grid import read_price, read_size
from ...models import FeeRule, Fill, Liquidity, Side
from ...money import Number
from ...settings import Settings
from . import parse
from .arguments import read_market_id
from .fees import Fees, fee_of
from .price_history import PriceHistory

__all__ = ["Tariffs"]

_MOST: Final = 10_000
"""Markets whose fee rule is remembered."""
_FRESH: Final = 300
"""Seconds for which a fee rule is believed."""


@attrs.frozen(slots=True)
class _Read:
    terms: parse.FeeTerms | None
    at: float


class Tariffs(PriceHistory):
    """Works out fees by the schedules that markets are told with."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._tariffs: dict[str, _Read] = {}

    def estimate_fee(
        self,
        market_id: str,
        outcome: str | None,
        side: Side | str,
        price: Number,
        size: Number,
        *,
        maker: bool = False,
    ) -> Flow[Decimal]:
        """The fee in dollars of one fill of ``size`` shares at ``price``.

        An order that fills in pieces pays for each by itself.  Raises `InvalidPrice` and
        `InvalidSize` for what the market would not take.
        """
        if outcome is None:
            message = "estimate_fee needs outcome=, one of the market's"
            raise ArgumentsRequired(message, venue=self.id)
        _read_side(side)
        market = yield from self.fetch_market(market_id)
        market.outcome(outcome)
        try:
            paid = read_price(price, market.grid)
            shares = read_size(size, lot=market.lot, minimum=market.lot)
        except InvalidOrder as error:
            error.venue = self.id
            raise
        terms = yield from self.fee_terms([market.market_id])
        return fee_of(terms[market.market_id], paid, shares, maker=maker)

    def fetch_fee_rule(self, market_id: str) -> Flow[FeeRule]:
        """The fees of a market as they are now; one fill at a time."""
        name = read_market_id(market_id)
        terms = yield from self.fee_terms([name])
        return Fees(terms[name])

    def fee_terms(
        self, market_ids: Iterable[str]
    ) -> Flow[dict[str, parse.FeeTerms | None]]:
        """What markets charge; asked for once in five minutes, a hundred at a time."""
        now = self.clock.monotonic()
        names = list(dict.fromkeys(market_ids))
        stale = [
            name
            for name in names
            if name not in self._tariffs or now - self._tariffs[name].at >= _FRESH
        ]
        if len(self._tariffs) + len(stale) > _MOST:
            self._tariffs.clear()
            stale = names
        markets = yield from collect(self.fetch_markets(market_ids=stale))
        for market in markets:
            found, is_told = parse.fee_terms(market)
            if not is_told:
                # Charged for, and without a schedule: the CLOB has one.
                terms = yield from self.terms(market.market_id)
                found = terms.fees
            self._tariffs[market.market_id] = _Read(found, now)
        return {name: self._tariffs[name].terms for name in names}

    def known_fee_terms(self, market_id: str) -> tuple[bool, parse.FeeTerms | None]:
        """What a market charges by what was read last, and whether that was read."""
        found = self._tariffs.get(market_id)
        return found is not None, None if found is None else found.terms

    def with_fees(self, fills: list[Fill]) -> Flow[list[Fill]]:
        """Fills with the fees that their markets' present schedules make of them.

        None where a schedule is of no kind that has been published: one such market hides
        neither that fill nor any other.
        """
        taken = {fill.market_id for fill in fills if fill.liquidity is Liquidity.TAKER}
        terms = yield from self.fee_terms(sorted(taken))
        return [
            _with_fee(fill, terms[fill.market_id])
            if fill.liquidity is Liquidity.TAKER
            else fill
            for fill in fills
        ]


def _with_fee(fill: Fill, terms: parse.FeeTerms | None) -> Fill:
    """A fill of a taker with its fee, or without where there is no telling it."""
    try:
        fee = fee_of(terms, fill.price, fill.size, maker=False)
    except NotSupported:
        return attrs.evolve(fill, fee=None, computed=fill.computed - {"fee"})
    return attrs.evolve(fill, fee=fee)


def _read_side(side: object) -> Side:
    try:
        return Side(side)
    except ValueError:
        message = f"side {side!r} is not buy or sell"
        raise BadRequest(message, venue="polymarket") from None
