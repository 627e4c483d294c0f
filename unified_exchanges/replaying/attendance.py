"""Who takes part in a replay, and whether all of them wait, so that time may go on."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, RLock
from typing import Any, Final
from weakref import WeakKeyDictionary

import attrs

from ..clock import SystemClock

__all__ = ["GLANCE", "OURS", "Attendance", "Turn"]

PATIENCE: Final = 0.5
"""Seconds for which time waits for a thread that took part and does other things."""
GLANCE: Final = 0.001
"""Seconds between two looks at those."""
OURS: Final = "unified-exchanges-"
"""How names of threads and tasks begin that work for another."""


@attrs.define(slots=True, eq=False)
class Turn:
    """Somebody who waits; ``is_rung``: what for is there."""

    is_rung: bool = False

    def ring(self) -> None:
        """It is there."""
        self.is_rung = True


class Attendance:
    """Threads and tasks that take part, and watches that somebody is to take from.

    Whoever calls `may_go_on`, `enter` or `pause` in a thread holds ``lock``.
    """

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._changed = Condition(lock)
        self._present: dict[object, Turn | None] = {}
        self._expected: WeakKeyDictionary[object, object] = WeakKeyDictionary()
        """Watches that nobody has taken from yet, by who opened them."""
        self._blocked_at: float | None = None
        self._real = SystemClock()

    def expect(self, watch: object, opener: object) -> None:
        """A watch was opened: whoever is to take from it may not have begun to.

        Who opened it waits without it: what nobody else has, nobody else takes from.
        """
        with self._lock:
            self._expected[watch] = opener

    def take_part(self, watch: object, who: Any) -> None:
        """Somebody takes from a watch, and takes part even if he need not wait for it."""
        with self._lock:
            self._expected.pop(watch, None)
            if not _name_of(who).startswith(OURS):
                self.enter(who, None)

    def enter(self, who: object, turn: Turn | None) -> None:
        """Somebody waits, or with None does other things again."""
        with self._lock:
            self._present[who] = turn
            self._blocked_at = None
            if turn is None and len(self._present) > 1:
                self.wake()

    def knows(self, who: object) -> bool:
        """Whether somebody takes part."""
        return who in self._present

    def may_go_on(
        self,
        me: object,
        patience: float = PATIENCE,
        is_alone: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Whether all others wait as well, so that time may go on.

        ``patience`` is real seconds, after which who does other things is not waited for.
        ``is_alone`` says whether a watch that was opened here has nobody else to take from
        it: where that is not known, who opened it waits without it.
        """
        present = self._present
        if len(present) == 1 and not self._expected:
            return True
        blocking = [
            who
            for who, turn in present.items()
            if who is not me and (turn is None or turn.is_rung)
        ]
        for who in blocking:
            if not _is_alive(who):
                del present[who]
        blocking = [who for who in blocking if who in present]
        expected = [
            watch
            for watch, opener in self._expected.items()
            if opener is not me or not is_alone()
        ]
        if not blocking and not expected:
            self._blocked_at = None
            return True
        now = self._real.monotonic()
        if self._blocked_at is None:
            self._blocked_at = now
            self.wake()
        if now - self._blocked_at < patience:
            return False
        # Who does other things for so long may never come back; who waits will.
        for watch in expected:
            self._expected.pop(watch, None)
        for who in [x for x in blocking if present[x] is None]:
            del present[who]
        return all(who not in present for who in blocking)

    def pause(self, seconds: float) -> None:
        """Let others in for so long, or until something has changed."""
        self._changed.wait(seconds)

    def wake(self) -> None:
        """Something has changed."""
        with self._lock:
            self._changed.notify_all()


def _name_of(who: Any) -> str:
    """How a thread or a task is called."""
    name = who.name if hasattr(who, "name") else who.get_name()
    return str(name)


def _is_alive(who: Any) -> bool:
    """Whether a thread or a task has not ended."""
    alive = getattr(who, "is_alive", None)
    return bool(alive()) if alive is not None else not who.done()
