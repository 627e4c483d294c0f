"""What becomes of markets at the venue on paper: they are admitted, change, close and pay."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..errors import BadRequest, MarketNotFound
from ..grid import PriceGrid
from ..models import MarketChange, MarketStatus
from .contract import Contract
from .execution import Execution
from .pit import Pit
from .refusals import RESUMED

__all__ = ["Lifecycle", "Pits"]

_DONE = (MarketStatus.CLOSED, MarketStatus.SETTLED)


class Pits(dict[str, Pit]):
    """The pits by the ids of their markets, which an error names."""

    def __missing__(self, market_id: str) -> Pit:
        known = ", ".join(sorted(self)) or "none"
        message = (
            f"paper: no contract was given for market {market_id!r}; there are: {known}"
        )
        raise MarketNotFound(message, venue="paper")


class Lifecycle(Execution):
    """Markets of an account, what is told of them, and what that does to its orders."""

    def admit(self, contract: Contract) -> None:
        """Trade one more market from now on; ValueError if it is traded already.

        Raises `NotSupported` for one of which nobody knows what a fill pays.
        """
        given: object = contract
        if not isinstance(given, Contract):
            message = f"contracts must be of the type Contract, and {given!r} is none"
            raise BadRequest(message)
        if contract.market_id in self.pits:
            message = f"market {contract.market_id!r} was given twice"
            raise ValueError(message)
        contract.require_fees()
        self.reopen(contract)

    def reopen(self, contract: Contract) -> None:
        """Trade a market as before, whose fees may not be known yet."""
        status = contract.market.status
        self.pits[contract.market_id] = Pit(
            contract=contract, status=status, touched=self.touched
        )
        self.touched.markets.add(contract.market_id)

    def renew(self, contract: Contract) -> None:
        """Trade a market by what is known of it now; what it does is told by a change."""
        self.pits[contract.market_id].contract = contract
        self.reserves.note(self.pits[contract.market_id])
        self.touched.markets.add(contract.market_id)

    def abandon(self, market_id: str) -> None:
        """Trade a market no more of which nothing can be known: its orders are canceled.

        What is held of it stays, and pays if a change tells what.  No time passes: what is
        due by now might want to know its fees.
        """
        pit = self.pits[market_id]
        pit.lose()
        pit.status = MarketStatus.UNKNOWN
        self.touched.markets.add(market_id)
        self._clear(pit)

    def _change(self, pit: Pit, change: MarketChange) -> None:
        self.touched.markets.add(change.market_id)
        is_paid = pit.status is MarketStatus.SETTLED and pit.value is not None
        if change.value is not None and not is_paid:
            # What was paid stands.  A value told only after the end is paid now.
            pit.value = change.value
            self._settle_if_known(pit)
        if change.grid is not None:
            pit.contract = _regridded(pit.contract, change.grid)
        if change.closes_at is not None:
            self._close_at(pit, change.closes_at)
        if change.status is None or change.status is MarketStatus.UNKNOWN:
            return
        if pit.status is MarketStatus.SETTLED:
            return
        is_emptied = pit.contract.is_emptied(pit.status, change.status)
        pit.status = change.status
        if is_emptied:
            # Whoever told that, a stream or a read: everybody's orders are gone.
            self._clear(pit, RESUMED)
            pit.empty()
        if change.status is MarketStatus.OPEN and not pit.trades_at(self.moment):
            # It trades though its close has passed: when it closes is not known.
            self._close_at(pit, None)
        if pit.status in _DONE:
            self._clear(pit)
        self._settle_if_known(pit)

    def _close_at(self, pit: Pit, closes: datetime | None) -> None:
        market = attrs.evolve(pit.contract.market, closes_at=closes)
        pit.contract = attrs.evolve(pit.contract, market=market)
        if pit.orders:
            self.hours.note(pit, self.moment)

    def _close(self, moment: int) -> None:
        """Close the markets whose time it is, as nobody tells of that."""
        self._pass(moment)
        for market_id in self.hours.closed(moment):
            pit = self.pits[market_id]
            pit.status = pit.status_at(moment)
            self.touched.markets.add(market_id)
            if pit.status in _DONE:
                self._clear(pit)

    def _settle_if_known(self, pit: Pit) -> None:
        if pit.status is MarketStatus.SETTLED and pit.value is not None:
            paid = self.account.settle(pit.contract, pit.value, self.moment)
            if paid is not None:
                self._notices.append((self.moment, paid))


def _regridded(contract: Contract, grid: PriceGrid) -> Contract:
    market = attrs.evolve(contract.market, grid=grid)
    return attrs.evolve(contract, market=market)
