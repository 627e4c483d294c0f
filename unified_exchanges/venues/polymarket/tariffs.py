"""The fee rule of a market, read from its schedule and kept for a while."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import attrs

from ...errors import (
    ArgumentsRequired,
    BadRequest,
    InvalidOrder,
    MarketNotFound,
    VenueSchemaError,
)
from ...flow import Flow, collect
from ...grid import read_price, read_size
from ...models import FeeRule, Fill, Liquidity, Market, Side
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
_COMPUTED: Final = frozenset({"fee"})


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
        found, stale = self._fresh(market_ids)
        markets = yield from collect(self.fetch_markets(market_ids=stale))
        for market in markets:
            found[market.market_id] = yield from self._read_fees(market)
        return found

    def readable_fees(self, market_ids: Iterable[str]) -> Flow[dict[str, Fees]]:
        """The rules of those of the markets of which they can be read.

        Of the others the log says once what is wrong.
        """
        found, stale = self._fresh(market_ids)
        for market in (yield from self.readable_markets(stale)):
            name = market.market_id
            try:
                found[name] = yield from self._read_fees(market)
            except (MarketNotFound, VenueSchemaError) as problem:
                self.go_without(name, problem)
        return {name: Fees(terms) for name, terms in found.items()}

    def _fresh(
        self, market_ids: Iterable[str]
    ) -> tuple[dict[str, parse.FeeTerms | None], list[str]]:
        """What is remembered and still believed, and the markets of which nothing is."""
        now = self.clock.monotonic()
        names = dict.fromkeys(market_ids)
        reads = {name: self._tariffs[name] for name in names if name in self._tariffs}
        found = {x: read.terms for x, read in reads.items() if now - read.at < _FRESH}
        return found, [name for name in names if name not in found]

    def _read_fees(self, market: Market) -> Flow[parse.FeeTerms | None]:
        found, is_told = parse.fee_terms(market)
        if not is_told:
            # Charged for, and without a schedule: the CLOB has one.
            terms = yield from self.terms(market.market_id)
            found = terms.fees
        self._learn_fees(market.market_id, found)
        return found

    def learn_fees(self, market: Market, terms: parse.MarketTerms) -> None:
        """Remember what a market charges that was read to trade on it.

        So no fill of an order that was placed here waits for its fee.
        """
        try:
            found, is_told = parse.fee_terms(market)
        except VenueSchemaError:
            # Orders can be placed all the same; whoever asks for the fee is told.
            return
        self._learn_fees(market.market_id, found if is_told else terms.fees)

    def _learn_fees(self, market_id: str, found: parse.FeeTerms | None) -> None:
        if market_id not in self._tariffs and len(self._tariffs) >= _MOST:
            self._tariffs.clear()
        self._tariffs[market_id] = _Read(found, self.clock.monotonic())

    def known_fees(self, market_id: str) -> Fees | None:
        """The rule of a market as it was read last; None before the first."""
        found = self._tariffs.get(market_id)
        return None if found is None else Fees(found.terms)

    def with_fees(self, fills: list[Fill]) -> Flow[list[Fill]]:
        """Fills with the fees that their markets' present schedules make of them.

        None where the catalog does not tell a schedule that can be read, or one by which
        nobody has published what is paid: such a market hides neither its fills nor others.
        """
        rules = yield from self.readable_fees(sorted({x.market_id for x in fills}))
        return [_with_fee(fill, rules.get(fill.market_id)) for fill in fills]

    def with_known_fees(self, fills: list[Fill]) -> list[Fill]:
        """The same by the schedules that were read last; None of what was never read."""
        return [_with_fee(fill, self.known_fees(fill.market_id)) for fill in fills]


def _with_fee(fill: Fill, rule: Fees | None) -> Fill:
    """A fill with its fee, or without where there is no telling it."""
    if rule is None:
        return fill
    is_maker = fill.liquidity is Liquidity.MAKER
    fee = rule.fee_if_known(fill.price, fill.size, maker=is_maker)
    return fill if fee is None else attrs.evolve(fill, fee=fee, computed=_COMPUTED)


def _read_side(side: object) -> Side:
    try:
        return Side(side)
    except ValueError:
        message = f"side {side!r} is not buy or sell"
        raise BadRequest(message, venue="polymarket") from None
