"""What must be known of a market to trade on it: its tokens, its grid, its contract."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import attrs

from ...errors import MarketNotFound
from ...flow import Flow
from ...grid import PriceGrid
from ...models import Market, MarketStatus
from ...settings import Settings
from ...venue.draft import Rules
from .activity import ActivityHistory
from .amounts import LOT
from .arguments import read_market_id
from .fill_history import FillHistory
from .parse import FeeTerms, MarketTerms

__all__ = ["MarketRules", "RuleBook"]

_MOST: Final = 100_000


@attrs.frozen(slots=True, eq=False, repr=False)
class MarketRules(Rules):
    """The rules of a market, and what its orders are signed for.

    ``neg_risk`` chooses the contract where the tokens do not tell that themselves.
    """

    neg_risk: bool
    fees: FeeTerms | None

    def grid_of(self, label: str) -> PriceGrid:  # noqa: ARG002
        """The prices of either outcome: each has a book of its own, on the same grid."""
        return self.grid

    def token(self, label: str) -> str:
        """The token of an outcome."""
        return next(x.outcome_id for x in self.outcomes if x.label == label)

    @classmethod
    def of(cls, terms: MarketTerms, event_id: str, seen_at: float) -> MarketRules:
        """The rules of a market that has a book."""
        return cls(
            market_id=terms.market_id,
            event_id=event_id,
            grid=terms.grid,
            lot=LOT,
            minimum_size=terms.minimum_size,
            outcomes=terms.outcomes,
            status=MarketStatus.OPEN,
            is_combination=False,
            seen_at=seen_at,
            neg_risk=terms.neg_risk,
            fees=terms.fees,
        )

    @classmethod
    def without_book(cls, market: Market, seen_at: float) -> MarketRules:
        """The rules of a market on which nothing can be ordered."""
        is_open = market.status is MarketStatus.OPEN
        return cls(
            market_id=market.market_id,
            event_id=market.event_id,
            grid=market.grid,
            lot=LOT,
            minimum_size=market.minimum_size,
            outcomes=market.outcomes,
            status=MarketStatus.CLOSED if is_open else market.status,
            is_combination=False,
            seen_at=seen_at,
            neg_risk=False,
            fees=None,
        )


class RuleBook(ActivityHistory, FillHistory):
    """Remembers the rules of markets."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._rules: OrderedDict[str, MarketRules] = OrderedDict()

    def rules(self, market_id: str, *, fresh: bool = False) -> Flow[MarketRules]:
        """What must be known of a market to trade on it; raises `MarketNotFound`."""
        name = read_market_id(market_id)
        found = None if fresh else self._rules.get(name)
        if found is None:
            seen_at = self.clock.monotonic()
            market = yield from self.fetch_market(name)
            return (yield from self._read_to_keep(market, seen_at))
        # Books and streams that were read since may have told of another grid.
        grid = self.memory.grid(name)
        if grid is not None and grid != found.grid:
            found = self._rules[name] = attrs.evolve(found, grid=grid)
        return found

    def learn_rules(self, market: Market) -> Flow[None]:
        """Read what the CLOB says may be ordered now on a market that was just read."""
        yield from self._read_to_keep(market, self.clock.monotonic())

    def market_of(self, token: str) -> MarketRules | None:
        """The market of a token, if it was asked about."""
        for rules in reversed(self._rules.values()):
            if any(x.outcome_id == token for x in rules.outcomes):
                return rules
        return None

    def forget_rules(self, market_id: str) -> None:
        """Ask again next time: the venue contradicted what was remembered of a market."""
        self._rules.pop(market_id, None)

    def _read_to_keep(self, market: Market, seen_at: float) -> Flow[MarketRules]:
        found = yield from self._read_rules(market, seen_at)
        self._rules[market.market_id] = found
        if len(self._rules) > _MOST:
            self._rules.popitem(last=False)
        self.memory.learn_grid(market.market_id, found.grid)
        return found

    def _read_rules(self, market: Market, seen_at: float) -> Flow[MarketRules]:
        """The catalog says whether a market trades, the CLOB what may be ordered now."""
        if market.status is not MarketStatus.OPEN:
            return MarketRules.without_book(market, seen_at)
        try:
            terms = yield from self.terms(market.market_id)
        except MarketNotFound:
            return MarketRules.without_book(market, seen_at)
        self.learn_fees(market, terms)
        return MarketRules.of(terms, market.event_id, seen_at)
