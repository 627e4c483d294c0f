"""Positions as fills make them, held against what the venue says.

A market's position is derived from a read one on, the *base*, by the fills after it.
Neither shows the other's moment exactly: a read may lag, so it is only believed about
fills where none happened shortly before it, and a fill that happened while the base was
read makes the base uncertain, so that another read takes its place.  Once a market has a
base, a difference is told and stays told until both agree: nothing is set right silently.

Where outcomes do not share a book positions do not net, and each outcome is a position of
its own.  There a fill is on its way until it is settled: as long as one is, no read tells
anything of its outcome.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from ..models import Fill, FillState, PositionDifference, Settlement, Side
from ..money import EXACT, ZERO
from ..watching.known import LAG, FillKey, fill_key

__all__ = ["Holdings", "Reading"]

_log = logging.getLogger(__name__)

_Key: TypeAlias = tuple[str, str]
"""Market, and outcome."""

_STUCK: Final = timedelta(minutes=10)
"""For how long a fill is waited for that is neither settled nor has failed."""


@attrs.frozen(slots=True, eq=False)
class Reading:
    """Signed contracts by market and outcome as one read told them, and when.

    ``began`` and ``ended`` are by the venue's clock, ``noticed_at`` is by ours.  What is
    not among them is not held.
    """

    told: Mapping[_Key, Decimal]
    began: datetime
    ended: datetime
    noticed_at: datetime


@attrs.define(slots=True, eq=False)
class _Held:
    """One position: ``net`` contracts since ``base`` was read, which lags by ``lag``."""

    lag: timedelta

    base: Decimal | None = None
    began: datetime | None = None
    ended: datetime | None = None
    net: Decimal = ZERO
    latest: datetime | None = None
    """When the last fill happened, or was settled."""
    pending: dict[FillKey, datetime] = attrs.Factory(dict)
    """Fills that are not settled yet: no read shows them."""
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
        elif at > self.began - self.lag:
            # Nobody knows whether the base has it.
            self.base = None

    def wait_for(self, fill: Fill) -> None:
        """Take a fill that is not settled: no base has it."""
        self.pending[fill_key(fill)] = fill.created_at
        if self.ended is not None and fill.created_at <= self.ended:
            self.base = None

    def paid_out(self, at: datetime) -> None:
        """Take that nothing is held from there, if the base does not know it already."""
        if self.base is None or self.ended is None or at < self.ended:
            return
        self.base, self.net = ZERO, ZERO
        self.began = self.ended = at
        self.doubt, self.is_told = None, False

    def is_unclear(self, began: datetime) -> bool:
        """Whether a read that began then may lack what filled."""
        if self.latest is not None and self.latest > began - self.lag:
            return True
        return any(at > began - _STUCK for at in self.pending.values())


class Holdings:
    """Derived positions of one account, and where the venue's differ.

    ``lag`` is by how many seconds a read may be late.
    """

    def __init__(self, first_outcome: str | None, *, lag: float = LAG) -> None:
        self._first = first_outcome
        self._lag = timedelta(seconds=lag)
        self._held: dict[_Key, _Held] = {}
        self._last: Reading | None = None
        """The last read, in which what is not among `_held` was not held."""
        self._empty: Reading | None = None
        """The read from which on nothing was held of what is not among `_held`."""
        self._since: datetime | None = None
        """When the first read began since fills are followed."""

    # -- what is known --------------------------------------------------------------

    def derived(self, market_id: str, outcome: str) -> Decimal | None:
        """Signed contracts; None where no read was there to begin from.

        Where outcomes net ``outcome`` is the first one.
        """
        held = self._held.get((market_id, outcome))
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
        return frozenset(key[0] for key, x in self._held.items() if x.doubt is not None)

    @property
    def compared_at(self) -> datetime | None:
        """When positions were last held against the fills, by our clock."""
        return None if self._last is None else self._last.noticed_at

    # -- what happens ---------------------------------------------------------------

    def fill(self, fill: Fill) -> None:
        """Count a fill that was not counted before.

        Where outcomes net it is told of the first one.
        """
        is_buy = fill.side is Side.BUY
        signed = fill.size if is_buy else EXACT.minus(fill.size)
        self._of(_key(fill)).add(signed, fill.created_at)

    def heard(self, fill: Fill, now: datetime) -> None:
        """Take whether a fill is settled, however often that is told.

        ``now`` is by the venue's clock.
        """
        if fill.state is FillState.PENDING:
            self._of(_key(fill)).wait_for(fill)
            return
        known = self._held.get(_key(fill))
        if known is not None and known.pending.pop(fill_key(fill), None) is not None:
            # From here on reads may show it: it is as if it happened now.
            known.latest = max(known.latest or now, now)

    def give_up(self, market_id: str, outcome: str) -> None:
        """Fills of it may be of another account: nothing is derived of it."""
        held = self._of((market_id, outcome))
        held.base, held.doubt, held.is_told = None, None, False
        held.is_mixed = True

    def settled(self, settlement: Settlement) -> None:
        """A position was paid out: nothing is held from there.

        Where outcomes do not net that is only said of those that were.
        """
        market_id = settlement.market_id
        if self._first is None:
            outcomes = [x.outcome for x in settlement.holdings]
        else:
            outcomes = [self._first]
        for outcome in outcomes:
            held = self._held.get((market_id, outcome))
            if held is not None:
                held.paid_out(settlement.settled_at)

    def compare(self, reading: Reading) -> float | None:
        """Hold a read against what is derived; in how many seconds another tells more.

        What differs is only reported once a read that began well after confirms it.
        """
        if self._since is None:
            self._since = reading.began
        # Where outcomes net, those who read wait until reads show what filled before.
        settled_at = self._since + self._lag
        if self._first is None and reading.began < settled_at:
            return (settled_at - reading.began).total_seconds()
        is_open = False
        for key in {*reading.told, *self._held}:
            is_open |= self._compare_one(key, reading)
        self._last = reading
        if self._empty is None or self._first is not None:
            self._empty = reading
        return self._lag.total_seconds() if is_open else None

    def pause(self) -> None:
        """Fills are not followed from here: what is derived will be out of date.

        What was reported stays, as it was.
        """
        self._last = self._empty = self._since = None
        kept = {name: x for name, x in self._held.items() if x.is_told or x.is_mixed}
        self._held = kept

    def _of(self, key: _Key) -> _Held:
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = _Held(self._lag)
            if self._empty is not None:
                held.start(ZERO, self._empty)
        return held

    def _compare_one(self, key: _Key, reading: Reading) -> bool:
        told = reading.told.get(key, ZERO)
        held = self._of(key)
        if held.is_mixed or held.is_unclear(reading.began):
            return False
        derived = held.derived
        if derived is None:
            held.start(told, reading)
            derived = told
        if derived == told:
            if held.is_told:
                _log.info("the position in %s of %s agrees again", key[1], key[0])
            held.doubt, held.is_told = None, False
            if not told and self._first is not None:
                del self._held[key]
            return False
        return self._differ(held, key, derived, told, reading)

    def _differ(
        self,
        held: _Held,
        key: _Key,
        derived: Decimal,
        told: Decimal,
        reading: Reading,
    ) -> bool:
        before = held.doubt
        held.doubt = PositionDifference(
            market_id=key[0],
            outcome=key[1],
            derived=derived,
            told=told,
            since=reading.noticed_at if before is None else before.since,
        )
        is_late = before is not None and reading.noticed_at - before.since >= self._lag
        if is_late and not held.is_told:
            held.is_told = True
            _log.warning("%s; %s", held.doubt, _NETTED if self._first else _SINGLE)
        # Until then another read is to tell: one for something else may come before.
        return not held.is_told


_NETTED: Final = "a fill was lost, or it changed otherwise: look before you trade it"
_SINGLE: Final = (
    "a fill was lost, or it was split, merged, redeemed, converted or moved elsewhere: "
    "read its activity and positions before you trade it"
)


def _key(fill: Fill) -> _Key:
    return fill.market_id, fill.outcome
