"""Positions as fills make them, held against what the venue says.

A market's position is derived from a read one on, the *base*, by the fills after it.
Neither shows the other's moment exactly: a read may lag, so it is only believed about
fills where none happened shortly before it, and a fill that happened while the base was
read makes the base uncertain, so that another read takes its place.  Once a market has a
base, a difference is told and stays told until both agree: nothing is set right silently.

Where outcomes do not share a book positions do not net, and nothing is derived.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import attrs

from ..models import Fill, PositionDifference, Settlement, Side
from ..money import EXACT, ZERO
from ..watching.known import LAG

__all__ = ["Holdings", "Reading"]

_log = logging.getLogger(__name__)

_LAG: Final = timedelta(seconds=LAG)


@attrs.frozen(slots=True, eq=False)
class Reading:
    """Signed contracts by market as one read told them, and between which moments.

    The moments are by the venue's clock, ``noticed_at`` is by ours.  A market that is not
    among them is not held.
    """

    told: Mapping[str, Decimal]
    began: datetime
    ended: datetime
    noticed_at: datetime


@attrs.define(slots=True, eq=False)
class _Held:
    """A market's position: ``net`` contracts since ``base`` was read."""

    base: Decimal | None
    began: datetime | None = None
    ended: datetime | None = None
    net: Decimal = ZERO
    latest: datetime | None = None
    """When the last fill happened."""
    doubt: PositionDifference | None = None
    """What the last read differed by."""
    is_told: bool = False
    """Whether that was reported."""
    is_mixed: bool = False
    """Whether fills of it may be of another account."""

    @property
    def derived(self) -> Decimal | None:
        return None if self.base is None else EXACT.add(self.base, self.net)

    def start(self, told: Decimal, reading: Reading) -> None:
        self.base, self.net = told, ZERO
        self.began, self.ended = reading.began, reading.ended

    def add(self, signed: Decimal, at: datetime) -> None:
        if self.latest is None or at > self.latest:
            self.latest = at
        if self.base is None or self.began is None or self.ended is None:
            return
        if at > self.ended:
            self.net = EXACT.add(self.net, signed)
        elif at > self.began - _LAG:
            # Nobody knows whether the base has it.
            self.base = None


class Holdings:
    """Derived positions of one account, and where the venue's differ."""

    def __init__(self, first_outcome: str | None) -> None:
        self._outcome = first_outcome
        self._held: dict[str, _Held] = {}
        self._last: Reading | None = None
        """The last read, in which a market that is not among `_held` was not held."""

    # -- what is known --------------------------------------------------------------

    def derived(self, market_id: str) -> Decimal | None:
        """Signed contracts; None where no read was there to begin from."""
        held = self._held.get(market_id)
        if held is None:
            return None if self._last is None else ZERO
        return held.derived

    @property
    def differences(self) -> tuple[PositionDifference, ...]:
        """Those that two reads confirmed, oldest first."""
        told = [x.doubt for x in self._held.values() if x.is_told and x.doubt]
        return tuple(sorted(told, key=lambda x: x.since))

    @property
    def unexplained(self) -> frozenset[str]:
        """Markets whose position differs, reported or not: they may have been paid out."""
        return frozenset(name for name, x in self._held.items() if x.doubt is not None)

    @property
    def compared_at(self) -> datetime | None:
        """When positions were last held against the fills, by our clock."""
        return None if self._last is None else self._last.noticed_at

    # -- what happens ---------------------------------------------------------------

    def fill(self, fill: Fill) -> None:
        """Count a fill, told of the first outcome, that was not counted before."""
        if self._outcome is None:
            return
        is_buy = fill.side is Side.BUY
        signed = fill.size if is_buy else EXACT.minus(fill.size)
        self._of(fill.market_id).add(signed, fill.created_at)

    def give_up(self, market_id: str) -> None:
        """Fills of this market may be of another account: nothing is derived of it."""
        held = self._of(market_id)
        held.base, held.doubt, held.is_told = None, None, False
        held.is_mixed = True

    def settled(self, settlement: Settlement) -> None:
        """A position was paid out: nothing is held from there."""
        held = self._held.get(settlement.market_id)
        if held is None or held.base is None:
            return
        if held.ended is not None and settlement.settled_at < held.ended:
            return
        held.base, held.net = ZERO, ZERO
        held.began = held.ended = settlement.settled_at
        held.doubt, held.is_told = None, False

    def compare(self, reading: Reading) -> bool:
        """Hold a read against what is derived; whether something differs anew.

        What differs is only reported once a read that began well after confirms it.
        """
        if self._outcome is None:
            return False
        is_new = False
        for market_id in {*reading.told, *self._held}:
            is_new |= self._compare_one(market_id, reading)
        self._last = reading
        return is_new

    def pause(self) -> None:
        """Fills are not followed from here: what is derived will be out of date.

        What was reported stays, as it was.
        """
        self._last = None
        kept = {name: x for name, x in self._held.items() if x.is_told or x.is_mixed}
        self._held = kept

    def _of(self, market_id: str) -> _Held:
        held = self._held.get(market_id)
        if held is None:
            held = self._held[market_id] = _Held(None)
            if self._last is not None:
                held.start(ZERO, self._last)
        return held

    def _compare_one(self, market_id: str, reading: Reading) -> bool:
        told = reading.told.get(market_id, ZERO)
        held = self._of(market_id)
        if held.is_mixed:
            return False
        if held.latest is not None and held.latest > reading.began - _LAG:
            # Too soon after a fill to tell.
            return False
        derived = held.derived
        if derived is None:
            held.start(told, reading)
            derived = told
        if derived == told:
            if held.is_told:
                _log.info("the position in %s agrees again", market_id)
            held.doubt, held.is_told = None, False
            if not told:
                del self._held[market_id]
            return False
        return self._differ(held, market_id, derived, told, reading)

    def _differ(
        self,
        held: _Held,
        market_id: str,
        derived: Decimal,
        told: Decimal,
        reading: Reading,
    ) -> bool:
        assert self._outcome is not None
        before = held.doubt
        held.doubt = PositionDifference(
            market_id=market_id,
            outcome=self._outcome,
            derived=derived,
            told=told,
            since=reading.noticed_at if before is None else before.since,
        )
        if before is None:
            return True
        if not held.is_told and reading.noticed_at - before.since >= _LAG:
            held.is_told = True
            _log.warning(
                "%s; a fill was lost, or it changed otherwise: look before you trade it",
                held.doubt,
            )
        return False
