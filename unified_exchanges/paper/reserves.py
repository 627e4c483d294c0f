"""What open orders hold back of the cash, over all markets of an account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ..money import EXACT, ZERO
from .account import Account
from .pit import Pit

__all__ = ["Reserves"]


class Reserves:
    """A running sum: only markets in which something has changed are looked at again.

    Those are markets that were noted, and such whose fees are not what they were: these
    change by the clock.
    """

    def __init__(self, pits: Mapping[str, Pit], account: Account) -> None:
        self._pits = pits
        self._account = account
        self._changed: set[str] = set()
        self._dated: set[str] = set()
        """Markets with orders whose fees may change by themselves."""
        self._each: dict[str, Decimal] = {}
        self._sum = ZERO

    def note(self, pit: Pit) -> None:
        """Look at a market again: its orders, what is held of it or its terms have changed."""
        self._changed.add(pit.contract.market_id)

    def all(self) -> Decimal:
        """Dollars that open orders may still take, fees included."""
        changed = self._changed
        for market_id in self._dated - changed:
            pit = self._pits[market_id]
            if not pit.orders.is_priced_by(pit.contract):
                changed.add(market_id)
        while changed:
            market_id = next(iter(changed))
            # It stays to be looked at if its fees are not known.
            self._look(market_id, self._pits[market_id])
            changed.discard(market_id)
        return self._sum

    def _look(self, market_id: str, pit: Pit) -> None:
        held = self._account.size
        first, second = (x.label for x in pit.contract.market.outcomes)
        reserved = pit.orders.reserved(
            pit.contract, held(market_id, first), held(market_id, second)
        )
        before = self._each.pop(market_id, ZERO)
        self._dated.discard(market_id)
        if pit.orders:
            self._each[market_id] = reserved
            if pit.contract.has_dated_fees:
                self._dated.add(market_id)
        self._sum = (
            EXACT.add(EXACT.subtract(self._sum, before), reserved)
            if self._each
            else ZERO
        )
