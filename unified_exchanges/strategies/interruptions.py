"""Signals that interrupt, held where an end must not be cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from ..clock import Clock, SystemClock

__all__ = ["HERE", "REPEAT", "Interruptions"]

REPEAT: Final = 0.5
"""Seconds in which a second one is the first again.

A terminal tells all of its processes, and whoever started this one passes it on.
"""

HERE: Final[Clock] = SystemClock()
"""The time of whoever interrupts, also where a run has that of a recording."""

_INTERRUPTING: Final = [
    getattr(signal, name)
    # Not every system has each.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]

_Handler = Callable[[int, FrameType | None], object]


class Interruptions:
    """Hands what the handlers of signals raise to ``met``, instead of raising it anywhere.

    The handlers stay who they are, and do all else that they do.  While ``is_passing``
    what they raise is raised: a strategy that hangs can be interrupted.  Outside of what
    ends, where ``is_here`` is not so, all is as before.
    """

    def __init__(
        self, met: Callable[[BaseException], None], is_here: Callable[[], bool]
    ) -> None:
        self.met = met
        self.is_passing = False
        self._is_here = is_here
        self._is_held = False
        self._heard: float | None = None
        self._held: dict[int, _Held] = {}

    @property
    def is_holding(self) -> bool:
        """Whether what is raised now would cut the end."""
        return self._is_held and self._is_here()

    def hold(self) -> None:
        """From now on; twice is allowed."""
        # Only there may handlers be set, and only there does a signal arrive.
        if threading.current_thread() is not threading.main_thread():
            return
        self._is_held = True
        for number in _INTERRUPTING:
            before = signal.getsignal(number)
            is_ours = isinstance(before, _Held) and before.of is self
            if callable(before) and not is_ours:
                held = self._held[number] = _Held(self, before)
                signal.signal(number, held)

    def release(self) -> None:
        """Let them raise again, by the handlers of before."""
        # First: what is not given back, should this be interrupted, lets all through.
        self._is_held = False
        for number, held in self._held.items():
            # Somebody else may have set one since, who calls ours.
            now: object = signal.getsignal(number)
            if now is held:
                signal.signal(number, held.beneath)

    def is_over(self) -> bool:
        """Whether nothing is held any more, wherever that is asked."""
        return not self._is_held

    def is_repeat(self) -> bool:
        """Whether what arrives now is what arrived just before."""
        now = HERE.monotonic()
        if self._heard is not None and now - self._heard < REPEAT:
            return True
        self._heard = now
        return False


class _Held:
    """The handler of a signal, and what it stands for."""

    def __init__(self, of: Interruptions, before: _Handler) -> None:
        self.of = of
        self.before = before

    @property
    def beneath(self) -> _Handler:
        """The handler of before; not one of a run that has ended since."""
        before = self.before
        while isinstance(before, _Held) and before.of.is_over():
            before = before.before
        return before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        # Runs of one loop may end at the same time: each is told.
        handler: _Handler = self
        ending: list[Interruptions] = []
        while isinstance(handler, _Held):
            if handler.of.is_holding:
                ending.append(handler.of)
            handler = handler.before
        is_repeat = [of.is_repeat() for of in ending]
        try:
            handler(number, frame)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and ending and all(is_repeat):
                return
            for of in ending:
                if not of.is_passing:
                    of.met(error)
            if not ending or any(of.is_passing for of in ending):
                raise
