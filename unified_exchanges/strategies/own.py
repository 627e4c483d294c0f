"""An order of a run: what is known of it, and which of its states the strategy is told next.

The venue tells states and fills over several connections, in any order; a backtest tells a
fill, then the state that counts it.  So it is told in every kind of run: a state waits for
the fills that it counts, and what was overtaken meanwhile is left out.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Final

import attrs

from ..models import Fill, Liquidity, Order
from ..money import EXACT, ZERO, text
from ..watching.known import FillKey, fill_key
from .commands import Amend, Command, Place
from .strangers import Name

__all__ = ["HOLD", "Own", "is_nothing", "is_old"]

_SECOND: Final = 10**9
HOLD: Final = 5 * _SECOND
"""Nanoseconds for which a state waits at most for the fills that it counts."""
_FIRST_ASK: Final = _SECOND
_ASKS: Final = 4 * _SECOND
"""Nanoseconds after which they are read, then after twice that, and then each so long."""
_APART: Final = _SECOND // 5
"""Nanoseconds in which a fill and the state that counts it are told, one after the other."""


@attrs.define(eq=False)
class _Held:
    """A state that waits for the fills that it counts."""

    came: int
    """When it came, or the first of those that were overtaken before it."""
    order: Order


@attrs.define(eq=False)
class Own:
    """An order of this run at its venue, and the commands for it that wait."""

    place: Place
    order_id: str | None = None
    on_way: int = 0
    """Commands that are on their way."""
    sent: Command | None = None
    """What was sent last."""
    is_over: bool = False
    is_doubtful: bool = False
    is_unheard: bool = False
    """Whether nobody waited for its answer, so that it may arrive yet."""
    known: Order | None = None
    """The newest state that came, told or not."""
    names: set[Name] = attrs.field(factory=set)
    waiting: deque[Command] = attrs.field(factory=deque)
    early: list[Order] = attrs.field(factory=list)
    """States that came before an answer that may make them void."""
    early_since: int = 0
    held: deque[_Held] = attrs.field(factory=deque)
    """States that wait for the fills that they count."""
    _lacks_since: int = 0
    """Since when one or another of them does, and when one was last known to."""
    _lacked_at: int = -HOLD
    _next_ask: int = 0
    _rests: bool = False
    _traded: dict[str, Decimal] = attrs.field(factory=dict)
    """Contracts of fills that were told, by order id."""
    _taken_back: dict[str, Decimal] = attrs.field(factory=dict)
    """Of those what was taken back."""
    _fills: set[tuple[FillKey, bool]] = attrs.field(factory=set)
    _said: tuple[Decimal, Decimal] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a command is on its way, so that others wait."""
        return self.on_way > 0

    @property
    def rests_unanswered(self) -> bool:
        """Whether the venue has told its id, though its place is not answered yet."""
        return (
            self.is_busy and isinstance(self.sent, Place) and self.order_id is not None
        )

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing more can come of it than late fills."""
        is_done = self.is_over and not self.is_doubtful and not self.is_busy
        return is_done and not self.held

    @property
    def has_ended(self) -> bool:
        """Whether the venue has told that it ended, also where no cancel of it was answered."""
        known = self.known
        is_told = known is not None and not (known.is_open or known.is_inferred)
        return is_told and self.is_over and not self.is_doubtful

    @property
    def is_refused(self) -> bool:
        """Whether it surely never was an order."""
        return self.is_over and not self.is_doubtful and self.known is None

    # -- what comes --------------------------------------------------------------------

    def is_early(self, order: Order, *, has_lasting_ids: bool) -> bool:
        """Whether a state is to wait for the answer to what was sent.

        Of an order that arrives a stream may tell that it is open before it tells what it
        took at once; one that ended with nothing may be refused; and while it is changed a
        venue may end it, and make another in its place.
        """
        if not self.is_busy:
            return False
        if self.known is None and is_nothing(order):
            return True
        if has_lasting_ids:
            return False
        if isinstance(self.sent, Place):
            return order.is_open and not self._rests
        return isinstance(self.sent, Amend)

    def came_early(self, order: Order, moment: int) -> None:
        """Have a state wait for the answer."""
        if not self.early:
            self.early_since = moment
        self.early.append(order)

    def unanswered(self, moment: int) -> list[Order]:
        """States of an order that is open, where the answer to its place takes too long."""
        is_place = self.is_busy and isinstance(self.sent, Place)
        if not (self.early and is_place) or moment - self.early_since < HOLD:
            return []
        self._rests = True
        early, self.early = self.early, [x for x in self.early if is_nothing(x)]
        return [x for x in early if not is_nothing(x)]

    def answered(self, answer: Order) -> list[Order]:
        """Take the answer to what was sent; gives the states that it leaves to be told."""
        early, self.early = self.early, []
        return [
            x
            for x in early
            # Else that was before it: on its way to what the answer says.
            if not x.is_open
            or x.order_id != answer.order_id
            or x.filled > answer.filled
        ]

    def resting(self, fill: Fill) -> list[Order]:
        """Where a fill says that the order rested before, states that are told before it."""
        if fill.liquidity is not Liquidity.MAKER or self._rests:
            return []
        self._rests = True
        if not isinstance(self.sent, Place):
            return []
        early, self.early = self.early, []
        return early

    def counts(self, fill: Fill) -> bool:
        """Count a fill; False if it was told before, by a stream or a read."""
        key = fill_key(fill), fill.is_reversal
        if key in self._fills:
            return False
        self._fills.add(key)
        sizes = self._taken_back if fill.is_reversal else self._traded
        before = sizes.get(fill.order_id, ZERO)
        sizes[fill.order_id] = EXACT.add(before, abs(fill.size))
        return True

    # -- what is told ------------------------------------------------------------------

    def came(self, order: Order, moment: int) -> None:
        """Have a state wait for the fills that it counts."""
        if not self.held and moment - self._lacked_at > _APART:
            self._lack(moment)
        self._lacked_at = moment
        self.held.append(_Held(moment, order))

    def _lack(self, since: int) -> None:
        self._lacks_since, self._next_ask = since, since + _FIRST_ASK

    def next(self) -> Order | None:
        """The next state that counts the fills that were told; what it overtook is gone."""
        for number, held in enumerate(self.held):
            if _counted(held.order) == self._told_of(held.order):
                for _ in range(number + 1):
                    self.held.popleft()
                return held.order
        self._leave_out()
        return None

    def _leave_out(self) -> None:
        """Leave out what was overtaken: what came next has waited for as long.

        Else an order that fills again and again would never be told, nor read.
        """
        while len(self.held) > 1 and self._is_overtaken(self.held[0].order):
            gone = self.held.popleft()
            self.held[0].came = gone.came

    def _is_overtaken(self, order: Order) -> bool:
        """Whether fills were told, or taken back, that only a later state counts."""
        name = order.order_id
        is_behind = order.filled < self._traded.get(name, ZERO)
        return is_behind or order.failed < self._taken_back.get(name, ZERO)

    def is_overdue(self, moment: int) -> bool:
        """Whether a state has waited for too long."""
        return bool(self.held) and moment - self.held[0].came >= HOLD

    def overdue(self, moment: int) -> Order | None:
        """The newest state that has done so, if any."""
        found = None
        while self.is_overdue(moment):
            found = self.held.popleft().order
        if found is not None and self.held:
            self._lack(self.held[0].came)
        return found

    def asks(self, moment: int) -> bool:
        """Whether its fills are to be read now, as those that a state counts did not come.

        Where more came than it counts, some may be missing all the same; and of one that
        fills in equal parts each state may be told by the fill that belongs to the next.
        """
        if not self.held:
            return False
        self._lacked_at = moment
        if moment < self._next_ask:
            return False
        self._next_ask = moment + min(moment - self._lacks_since, _ASKS)
        return True

    def hold(self, moment: int) -> None:
        """Wait for the fills of what is known, at the end: of no state but that.

        What it was said to lack is read once more, at once.
        """
        self.held.clear()
        self._lacked_at = -HOLD
        found = self._difference
        if found is None or self.known is None:
            return
        counted, told = found
        if found != self._said:
            self.came(self.known, moment)
        elif counted > told:
            self.came(self.known, moment - _FIRST_ASK)

    def trouble(self) -> str | None:
        """What its fills lack, or have too much, in words; None if that was said before."""
        found, order = self._difference, self.known
        if found is None or found == self._said or order is None:
            return None
        self._said = found
        counted, told = found
        return (
            f"order {order.order_id} is told to have {text(counted)} filled, and fills of "
            f"{text(told)} were told: cash and positions go by the fills. Look at "
            f"fetch_fills(order_id={order.order_id!r})"
        )

    @property
    def agrees(self) -> bool:
        """Whether the fills are those that its newest state counts."""
        return self._difference is None

    @property
    def _difference(self) -> tuple[Decimal, Decimal] | None:
        """What its newest state counts, and what its fills come to, if that differs."""
        if self.known is None:
            return None
        found = _counted(self.known), self._told_of(self.known)
        return None if found[0] == found[1] else found

    def _told_of(self, order: Order) -> Decimal:
        """Contracts of its fills that were told, and stand."""
        name = order.order_id
        traded, back = self._traded.get(name, ZERO), self._taken_back.get(name, ZERO)
        return EXACT.subtract(traded, back)


def _counted(order: Order) -> Decimal:
    """Contracts that traded and stand."""
    return EXACT.subtract(order.filled, order.failed)


def is_nothing(order: Order) -> bool:
    """Whether it has ended, and nothing came of it."""
    return not order.is_open and not order.filled


def is_old(told: Order | None, order: Order) -> bool:
    """Whether an order tells nothing new: streams and answers tell the same twice."""
    if told is None or told.order_id != order.order_id:
        return False
    if told.is_inferred and not (told.is_open or order.is_inferred):
        # It had not ended after all, or the venue tells by now how.
        return False
    if order.filled < told.filled or (order.is_open and not told.is_open):
        return True
    names = ("status", "filled", "failed", "remaining", "price", "size")
    return all(getattr(told, name) == getattr(order, name) for name in names)
