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

__all__ = ["HOLD", "Own", "is_nothing", "is_old"]

_SECOND: Final = 10**9
HOLD: Final = 5 * _SECOND
"""Nanoseconds for which a state waits at most for the fills that it counts."""
_FIRST_ASK: Final = _SECOND
"""Nanoseconds after which they are read, and in vain after twice and four times that."""


@attrs.define(eq=False)
class Own:
    """An order of this run at its venue, and the commands for it that wait."""

    place: Place
    order_id: str | None = None
    is_busy: bool = False
    sent: Command | None = None
    """What was sent last."""
    is_over: bool = False
    is_doubtful: bool = False
    is_unheard: bool = False
    """Whether nobody waited for its answer, so that it may arrive yet."""
    known: Order | None = None
    """The newest state that came, told or not."""
    ids: set[str] = attrs.field(factory=set)
    waiting: deque[Command] = attrs.field(factory=deque)
    early: list[Order] = attrs.field(factory=list)
    """States that came before an answer that may make them void."""
    early_since: int = 0
    held: deque[tuple[int, Order]] = attrs.field(factory=deque)
    """States that wait for the fills that they count, and when each came."""
    _rests: bool = False
    _traded: dict[str, Decimal] = attrs.field(factory=dict)
    """Contracts of fills that were told, less what was taken back, by order id."""
    _fills: set[tuple[FillKey, bool]] = attrs.field(factory=set)
    _asked: int = 0
    _said: tuple[Decimal, Decimal] | None = None

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing more can come of it than late fills."""
        is_done = self.is_over and not self.is_doubtful and not self.is_busy
        return is_done and not self.held

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
        name = fill.order_id
        self._traded[name] = EXACT.add(self._traded.get(name, ZERO), fill.size)
        return True

    # -- what is told ------------------------------------------------------------------

    def next(self) -> Order | None:
        """The next state that counts the fills that were told; what it overtook is gone."""
        for number, (_, order) in enumerate(self.held):
            if _counted(order) == self._traded_of(order):
                for _ in range(number + 1):
                    self.held.popleft()
                self._asked = 0
                return order
        return None

    def is_overdue(self, moment: int) -> bool:
        """Whether a state has waited for too long."""
        return bool(self.held) and moment - self.held[0][0] >= HOLD

    def overdue(self, moment: int) -> Order | None:
        """The newest state that has done so, if any."""
        found = None
        while self.is_overdue(moment):
            _, found = self.held.popleft()
        return found

    def asks(self, moment: int) -> bool:
        """Whether its fills are to be read now: they did not come."""
        if not self.held:
            return False
        came, order = self.held[0]
        lacks = _counted(order) > self._traded_of(order)
        if not lacks or moment - came < _FIRST_ASK << self._asked:
            return False
        self._asked += 1
        return True

    def hold(self, moment: int) -> None:
        """Wait for the fills of what is known, at the end: of no state but that."""
        self.held.clear()
        self._asked = 0
        if self.known is not None and self._difference not in (None, self._said):
            self.held.append((moment, self.known))

    def trouble(self) -> str | None:
        """What its fills lack, or have too much, in words; None if that was said before."""
        found, order = self._difference, self.known
        if found is None or found == self._said or order is None:
            return None
        self._said = found
        counted, traded = found
        return (
            f"order {order.order_id} is told to have {text(counted)} filled, and fills of "
            f"{text(traded)} were told: cash and positions go by the fills. Look at "
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
        found = _counted(self.known), self._traded_of(self.known)
        return None if found[0] == found[1] else found

    def _traded_of(self, order: Order) -> Decimal:
        return self._traded.get(order.order_id, ZERO)


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
