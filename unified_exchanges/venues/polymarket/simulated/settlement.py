"""From match to chain: MATCHED, MINED, CONFIRMED, and what fails on the way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

from ....money import EXACT
from .records import Leg, Match, TradeStatus

if TYPE_CHECKING:
    from .house import House

__all__ = ["Settler"]


@attrs.define(slots=True)
class _Trouble:
    """What will happen to the next trades."""

    count: int
    retries: bool
    fails: bool


class Settler:
    """Moves the trades of members through their settlement."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._troubles: list[_Trouble] = []

    def fail(self, count: int = 1, *, retrying: bool = True) -> None:
        """Let the settlement of the next trades fail, after a retry if ``retrying``."""
        self._troubles.append(_Trouble(count, retrying, fails=True))

    def retry(self, count: int = 1) -> None:
        """Let the settlement of the next trades succeed at the second attempt only."""
        self._troubles.append(_Trouble(count, retries=True, fails=False))

    def begin(self, match: Match) -> None:
        """Take a trade that is whole."""
        if not match.members:
            return
        self._house.tell_trade(match)
        course = self._course()
        settings = self._house.settings
        gap = settings.confirmed - settings.mined
        for place, status in enumerate(course):
            seconds = settings.mined + place * gap
            self._house.later(seconds, partial(self._go_on, match, status))

    def _course(self) -> tuple[TradeStatus, ...]:
        trouble = self._troubles[0] if self._troubles else None
        if trouble is None:
            return ("MINED", "CONFIRMED")
        trouble.count -= 1
        if not trouble.count:
            self._troubles.pop(0)
        if trouble.fails:
            return ("RETRYING", "FAILED") if trouble.retries else ("FAILED",)
        return ("RETRYING", "MINED", "CONFIRMED")

    def _go_on(self, match: Match, status: TradeStatus) -> None:
        if status == "FAILED":
            # Who passed on what it was paid cannot give it back: the chain would have
            # refused the later trade instead. Such a trade is confirmed after all.
            status = "FAILED" if self._can_fail(match) else "CONFIRMED"
        match.status = status
        match.updated_us = self._house.engine.now_us()
        if status == "FAILED":
            match.error = "execution reverted"
            self._take_back(match)
        self._house.tell_trade(match)

    def _can_fail(self, match: Match) -> bool:
        house = self._house
        if house.value(match.listed.condition_id) is not None:
            return False
        return all(self._can_return(match, leg) for leg in self._parts(match))

    def _can_return(self, match: Match, leg: Leg) -> bool:
        house, name = self._house, leg.maker.lower()
        if leg.side == "BUY":
            held = house.vault.size(name, match.listed.condition_id, leg.index)
            return held >= leg.size
        earned = EXACT.subtract(EXACT.multiply(leg.price, leg.size), leg.fee)
        return house.collateral(house.wallets[name]) >= earned

    @staticmethod
    def _parts(match: Match) -> list[Leg]:
        """The parts of our wallets, the taker's in full."""
        whole = attrs.evolve(match.taker, size=match.size, fee=match.fee)
        return [leg for leg in (whole, *match.makers) if leg.is_member]

    def _take_back(self, match: Match) -> None:
        """Reverse the fill for both sides, and cancel what is no longer covered."""
        house = self._house
        house.engine.reverse(*match.fills)
        for leg in self._parts(match):
            house.vault.unfill(
                leg.maker.lower(),
                match.listed.condition_id,
                leg.index,
                leg.side,
                leg.price,
                leg.size,
                leg.fee,
                match.updated_us,
            )
        for name in {leg.maker.lower() for leg in match.members}:
            house.cover(house.wallets[name])
