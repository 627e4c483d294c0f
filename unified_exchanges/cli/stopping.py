"""Ctrl-C, Ctrl-Z and a request to end as events, so that what they do is orderly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

__all__ = ["Suspension", "until_stopped"]


@contextmanager
def until_stopped() -> Generator[threading.Event, None, None]:
    """An event that SIGINT or SIGTERM sets; the second time they interrupt.

    The second is for whoever is stuck in writing to a reader who does not read.
    """
    stopped = threading.Event()

    def stop(_: int, __: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield stopped
    finally:
        for number, handler in zip(signals, before, strict=True):
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
