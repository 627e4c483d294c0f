"""What ends a run: the first thing that was raised, and how often it was told to end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from ..errors import OrderUnknown, UnifiedExchangesError
from ..models import Order
from ..wording import add_note, headline_of, notes_of, words_of
from .interruptions import HERE, REPEAT, Interruptions

__all__ = ["Ending", "Hurry", "Outcome", "is_nothing", "unconfirmed", "unsent"]

_log = logging.getLogger("unified_exchanges.strategies")

_AT_ONCE: Final = 2
"""Times that somebody asks for an end who does not want to wait for it."""

_LATE: Final = 2.0
"""Seconds after which more cancels are sent, where those that were are not answered."""

_LINGER: Final = 1.0
"""Seconds that whoever waits no more gives cancels to leave."""

Outcome = Order | BaseException | None
"""How an order ended, or why that is not known; None if it never was one."""


def _always() -> bool:
    return True


class Ending:
    """Keeps what is raised until nothing is open any more.

    The first is what is raised in the end, and the others are its notes.  An interruption,
    or an exit, comes before an error of a strategy: who catches that, and begins anew, would
    never end.
    ``interruptions`` are what somebody raises who wants an end, and ``is_asked`` says
    whether somebody asked for it otherwise.

    From `hold` on, no signal interrupts what runs in the block of it, other than by what
    `tell` does: it is kept as all else that is raised.  ``is_here`` says whether it is the
    block that runs, where a loop may be left in the midst of it.
    """

    def __init__(
        self,
        *interruptions: type[BaseException],
        is_asked: Callable[[], bool] = bool,
        is_here: Callable[[], bool] = _always,
    ) -> None:
        self._interruptions = interruptions
        self._is_asked = is_asked
        self.broke: BaseException | None = None
        self._raised = 0
        self._heard: float | None = None
        self._others: dict[str, None] = {}
        self._signals = Interruptions(self._struck, is_here)
        self._late: BaseException | None = None
        self._is_concluded = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._signals.release()
        if self._late is not None:
            raise self._late

    def hold(self) -> None:
        """Let no signal interrupt from now on; twice is allowed."""
        self._signals.hold()

    @property
    def asked(self) -> int:
        """How often somebody asked for it."""
        return self._raised + bool(self._is_asked())

    @property
    def is_urgent(self) -> bool:
        """Whether somebody asked for it a second time."""
        return self.asked >= _AT_ONCE

    def _struck(self, error: BaseException) -> None:
        """The handler of a signal raised that: whatever it is, somebody wants an end."""
        if not isinstance(error, self._interruptions):
            self._count()
        self.met(error)

    def met(self, error: BaseException) -> None:
        """Something was raised."""
        if isinstance(error, self._interruptions):
            self._count()
        first = self.broke
        if first is None or first is error:
            self.broke = error
        elif not isinstance(error, Exception) and isinstance(first, Exception):
            self._others = {f"before that: {headline_of(first)}": None, **self._others}
            for note in notes_of(first):
                add_note(error, note)
            if error.__context__ is None:
                error.__context__ = first
            self.broke = error
        elif not isinstance(error, self._interruptions) and (
            headline_of(error) != headline_of(first)
        ):
            self._others[f"then, while the run ended: {headline_of(error)}"] = None
        if self._is_concluded and self.broke is error:
            self._late = error

    def _count(self) -> None:
        now = HERE.monotonic()
        if self._heard is None or now - self._heard >= REPEAT:
            self._heard = now
            self._raised += 1

    def surely(self, act: Callable[[], None]) -> None:
        """Do a step of the end, and keep what it raises: the next is done all the same."""
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - raised once orders are gone
            self.met(error)

    def tell(self, act: Callable[[], None]) -> None:
        """Do something that the strategy is told by, and keep what it raises.

        A signal interrupts it: only so one gets out of a strategy that hangs.
        """
        try:
            try:
                self._signals.is_passing = True
                act()
            finally:
                self._signals.is_passing = False
        except BaseException as error:  # noqa: BLE001 - raised once orders are gone
            # Once more: a signal may have come before it was done.
            self._signals.is_passing = False
            self.met(error)

    def uncut(self, act: Callable[[], None]) -> None:
        """Do something within `tell` that no signal cuts in two; it interrupts afterwards."""
        self._signals.is_passing = False
        try:
            act()
        finally:
            self._signals.is_passing = True
        if self.broke is not None:
            raise self.broke

    def conclude(
        self, left: Mapping[str, Outcome], named: Callable[[str], str]
    ) -> list[Order]:
        """How the orders ended that were left; raises what broke, with all that is not sure.

        ``left`` is by their keys, and ``named`` what such an order is called.
        """
        notes = list(self._others)
        for key, outcome in left.items():
            if isinstance(outcome, BaseException):
                if self.broke is None:
                    self.broke = outcome
                words = words_of(outcome)
                notes.append(
                    f"an order of the run may still be open: {named(key)}: {words}"
                )
        self._is_concluded = True
        for note in notes:
            # Who cancelled a task, or exits, may never look at what it raised.
            _log.warning("%s", note)
        broke = self.broke
        if broke is None:
            return [order for order in left.values() if isinstance(order, Order)]
        for note in notes:
            add_note(broke, note)
        raise broke

    def unheard(self, keys: list[str], told: Callable[[str], None]) -> None:
        """No answer was waited for any more, of these orders."""
        for key in keys:
            note = (
                f"nobody heard what became of a command for the order {key}, which was on "
                "its way when the run ended: it was looked for and canceled by its key"
            )
            told(note)
            self._others[note] = None

    def unclosed(
        self, venue: str, error: Exception, told: Callable[[str], None]
    ) -> None:
        """An exchange could not be closed: it costs no report, as no order is open by then."""
        note = (
            f"{venue}: it could not be closed at the end of the run: {headline_of(error)}; "
            "close() it again"
        )
        told(note)
        self._others[note] = None


class Hurry:
    """Whether somebody wants that cancels, which are on their way, are waited for no more."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._asked = ending.asked
        self._until: float | None = None
        self._begun = 0
        self._since = HERE.monotonic()

    def begins(self) -> bool:
        """Whether that is so since now: they are to leave, and soon nobody waits."""
        if self._until is not None or not self._is_pressed():
            return False
        self._asked, self._until = self._ending.asked, HERE.monotonic() + _LINGER
        return True

    def is_late(self, begun: int) -> bool:
        """Whether of those that wait for others none has begun for too long, since now.

        ``begun`` is how many have.  What others wait for may never be answered.
        """
        now = HERE.monotonic()
        if begun != self._begun:
            self._begun, self._since = begun, now
        if now - self._since < _LATE:
            return False
        self._since = now
        return True

    def is_over(self) -> bool:
        """Whether they had the time to leave, or somebody asked once more."""
        if self._until is None:
            return False
        return self._is_pressed() or HERE.monotonic() >= self._until

    def _is_pressed(self) -> bool:
        return self._ending.is_urgent and self._ending.asked > self._asked


def is_nothing(answer: Order | BaseException) -> bool:
    """Whether an order that was answered late is none that could be open."""
    if isinstance(answer, Order):
        return not answer.is_open
    return isinstance(answer, UnifiedExchangesError) and not answer.maybe_executed


def unconfirmed(key: str) -> OrderUnknown:
    """What is known of an order whose cancel nobody waited for."""
    return OrderUnknown("its cancel was not confirmed", client_order_id=key)


def unsent(key: str) -> OrderUnknown:
    """What is known of an order whose cancel was not begun when nobody waited any more."""
    return OrderUnknown("no cancel was sent", client_order_id=key)
