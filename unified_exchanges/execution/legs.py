"""Legs: what a hedge buys, and what a combination market is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from ..errors import BadRequest, CombinationMarket
from ..models import Leg, Market
from ..models.record import Flat
from ..money import Number

__all__ = ["HedgeLeg", "against", "require_plain"]


@attrs.frozen(slots=True)
class HedgeLeg(Flat):
    """One outcome to buy; ``bound`` is the highest price in dollars to buy it at.

    Without a bound the hedge's ``max_slippage`` above the best ask is the highest.  A
    `Leg` of a combination will do as well: it has the same words.
    """

    market_id: str
    outcome: str
    bound: Number | None = None


def require_plain(market: Market) -> Market:
    """The market, if it pays on one condition only; else `CombinationMarket` with its legs."""
    if not market.is_combination:
        return market
    legs = ", ".join(f"{leg.market_id} {leg.outcome}" for leg in market.legs)
    message = (
        f"market {market.market_id} pays on {len(market.legs)} conditions at once "
        f"({legs}) where a plain market is expected: name its legs one by one"
    )
    raise CombinationMarket(message, legs=market.legs, venue=market.venue)


def against(
    combination: Market | Sequence[Leg],
    markets: Iterable[Market],
    *,
    bound: Number | None = None,
) -> list[HedgeLeg]:
    """What pays if a combination does not: the other outcome of each of its legs.

    It is a market that has ``legs``, or the legs alone of one from elsewhere. ``markets``
    are those of its legs: ``fetch_markets(market_ids=[leg.market_id for leg in
    combination.legs])``.  Whoever holds the combination and so many contracts of each gets
    paid whatever happens; if several legs fail, several times.
    """
    legs, venue = _legs_of(combination)
    known = {market.market_id: market for market in markets}
    found = []
    for leg in legs:
        if leg.market_id not in known:
            message = f"the market of the leg {leg.market_id} is not among the markets"
            raise BadRequest(message, venue=venue)
        market = require_plain(known[leg.market_id])
        mine = market.outcome(leg.outcome)
        others = [other.label for other in market.outcomes if other != mine]
        if len(others) != 1:
            message = f"{leg.market_id} has no single outcome against {mine.label}"
            raise BadRequest(message, venue=market.venue)
        found.append(HedgeLeg(leg.market_id, others[0], bound))
    return found


def _legs_of(combination: Market | Sequence[Leg]) -> tuple[Sequence[Leg], str | None]:
    """The legs, of which there are some, and the venue of the market that has them."""
    if not isinstance(combination, Market):
        if not combination:
            raise BadRequest("a combination without legs has nothing against it")
        return combination, None
    if not combination.legs:
        message = f"market {combination.market_id} is a plain one: it has no legs"
        raise BadRequest(message, venue=combination.venue)
    return combination.legs, combination.venue
