"""Ctrl-C, Ctrl-Z, a lost terminal and a request to end as events: what they do is orderly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias, cast

__all__ = ["Suspension", "until_stopped"]


_Handler: TypeAlias = Callable[[int, FrameType | None], object]


@contextmanager
def until_stopped() -> Generator[threading.Event, None, None]:
    """An event that SIGINT, SIGTERM or SIGHUP sets; either of the first two then interrupts.

    The second is for whoever is stuck in writing to a reader who does not read.
    """
    stopped = threading.Event()

    def stop(_: int, __: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    def hang_up(_: int, __: object) -> None:
        # The shell and the kernel both tell: it comes twice, and asks for no hurry.
        stopped.set()

    handlers: dict[int, _Handler] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    # Not every system has such a thing, and who runs it with nohup wants it to go on.
    lost: signal.Signals | None = getattr(signal, "SIGHUP", None)
    if lost is not None and signal.getsignal(lost) is not signal.SIG_IGN:
        handlers[lost] = hang_up
    before = {number: signal.signal(number, each) for number, each in handlers.items()}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Suspension:
    """Ctrl-Z, held back until whoever owns the terminal has given it back."""

    def __init__(self) -> None:
        self.is_due = False
        # Not every system has such a thing.
        self._number: signal.Signals | None = getattr(signal, "SIGTSTP", None)
        self._before: object = None

    def hold(self) -> None:
        """From now on only note that it was asked for."""
        if self._number is not None:
            self._before = signal.signal(self._number, self._ask)

    def release(self) -> None:
        """Let it do again what it did."""
        if self._number is not None:
            signal.signal(self._number, cast("signal.Handlers", self._before))

    def suspend(self) -> None:
        """Stop here; return when the shell continues it."""
        self.is_due = False
        signal.raise_signal(signal.SIGSTOP)

    def _ask(self, _: int, __: object) -> None:
        self.is_due = True
