"""What happened before the venue was looked at: prices that moved, a member who traded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import attrs

from ....grid import PriceGrid
from ....money import EXACT
from ....simulator.orders import Owner, Side, Ticket
from .catalog import Listed
from .lots import Direction
from .records import Placed, engine_side, other_price
from .templates import DAY, HOUR
from .wallets import ApiKey, Wallet
from .wire import SECOND

if TYPE_CHECKING:
    from .house import House

__all__ = ["Past", "Resident"]

_OTHERS = ("flow:past:one", "flow:past:two")
_RICHES = Decimal(10_000_000)
_STEP = 4 * HOUR
_LENGTH = 4 * DAY
_SWING = 25

_DONE: tuple[tuple[str, int, Direction, str, str, int], ...] = (
    ("will-globex-be-the-largest-company", 0, "BUY", "0.62", "100", -20),
    ("will-initech-be-the-largest-company", 0, "BUY", "0.35", "50", -19),
    ("nba-chi-bos", 0, "BUY", "0.45", "20", -14),
    ("will-globex-be-the-largest-company", 0, "SELL", "0.7", "40", -12),
    ("will-the-fed-cut-rates-in-december", 0, "BUY", "0.51", "60", -6),
    ("will-the-fed-cut-rates-in-december", 0, "SELL", "0.56", "10", -3),
    ("will-the-fed-cut-rates-in-december", 1, "BUY", "0.44", "15", -2),
    ("bitcoin-above-120k-on-friday", 0, "BUY", "0.6", "25", -2),
)
"""Slug, outcome, side, price, shares, and days from now."""


@attrs.frozen(slots=True)
class Resident:
    """A member who was always there."""

    wallet: Wallet
    key: ApiKey


class Past:
    """Trades of the past, as actions at their times."""

    def __init__(self, house: House, resident: Resident, rng: Random) -> None:
        self._house = house
        self._resident = resident
        self._rng = rng
        self._now_us = house.now_us - house.now_us % (HOUR * SECOND)

    def actions(self) -> list[tuple[int, Callable[[], None]]]:
        """All that happened, not in order."""
        house = self._house
        for name in _OTHERS:
            house.engine.open_account(name)
            house.engine.deposit(Owner(name), _RICHES)
        found = [
            action
            for listed in house.catalog.markets.values()
            for action in self._course(listed)
        ]
        return found + [self._deal(*deal) for deal in _DONE]

    def _course(self, listed: Listed) -> list[tuple[int, Callable[[], None]]]:
        """A price that wanders from the even towards where it is now."""
        last = min(self._now_us, listed.end_us - 2 * HOUR * SECOND)
        first = max(listed.start_us, last - _LENGTH * SECOND)
        if listed.opens_us is not None or first >= last:
            return []
        grid = PriceGrid.of(str(listed.tick))
        found: list[tuple[int, Callable[[], None]]] = []
        for time_us in range(first, last, _STEP * SECOND):
            swing = Decimal(self._rng.randint(-_SWING, _SWING)).scaleb(-3)
            wanted = EXACT.add(listed.fair, swing)
            price = grid.snap(wanted, "down") or grid.lowest
            size = Decimal(self._rng.randint(5, 200))
            side: Side = self._rng.choice(("bid", "ask"))
            trade = partial(self._trade, listed, side, price, size)
            found.append((time_us + self._rng.randrange(HOUR * SECOND), trade))
        return found

    def _trade(self, listed: Listed, side: Side, price: Decimal, size: Decimal) -> None:
        """One of the others trades with the other one."""
        other: Side = "ask" if side == "bid" else "bid"
        for name, own in zip(_OTHERS, (other, side), strict=True):
            self._place(listed, Owner(name), own, price, size)

    def _place(
        self,
        listed: Listed,
        owner: Owner,
        side: Side,
        price: Decimal,
        size: Decimal,
        order_id: str | None = None,
    ) -> None:
        self._house.engine.place(
            Ticket(
                market_id=listed.condition_id,
                owner=owner,
                side=side,
                price=price,
                size=size,
                order_id=order_id,
            )
        )

    def _deal(
        self, slug: str, index: int, side: Direction, price: str, size: str, days: int
    ) -> tuple[int, Callable[[], None]]:
        """What the resident did."""
        listed = self._house.catalog.find(slug)
        assert listed is not None
        time_us = self._now_us + days * DAY * SECOND
        deal = partial(
            self._carry_out, listed, index, side, Decimal(price), Decimal(size)
        )
        return time_us, deal

    def _carry_out(
        self, listed: Listed, index: int, side: Direction, price: Decimal, size: Decimal
    ) -> None:
        house, own = self._house, engine_side(index, side)
        order_id = house.new_hash()
        other: Side = "ask" if own == "bid" else "bid"
        at = other_price(index, price)
        house.orders[order_id] = Placed(
            order_id=order_id,
            key_id=self._resident.key.key_id,
            address=self._resident.key.address,
            maker=self._resident.wallet.address,
            listed=listed,
            index=index,
            side=side,
            price=price,
            size=size,
            order_type="GTC",
            expiration=0,
            created_us=house.engine.now_us(),
        )
        self._place(listed, Owner(_OTHERS[0]), other, at, size)
        account = self._resident.wallet.account
        self._place(listed, account, own, at, size, order_id)
