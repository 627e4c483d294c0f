"""Ctrl-C, Ctrl-Z, a lost terminal and a request to end: what they do is orderly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, cast

from ..stopping import LOST, Ended, handled, interruption, until_stopped

__all__ = [
    "Ended",
    "Suspension",
    "interrupted_once",
    "interrupted_when_ended",
    "until_stopped",
]


_ENDING: Final = (signal.SIGTERM, *LOST)


@contextmanager
def interrupted_when_ended() -> Generator[None, None, None]:
    """Let SIGTERM and SIGHUP interrupt, so that what is open is closed in order."""

    def end(number: int, _: object) -> None:
        raise Ended(number)

    # Only there may handlers be set, and only there does a signal arrive.
    is_main = threading.current_thread() is threading.main_thread()
    with handled(dict.fromkeys(_ENDING, end) if is_main else {}):
        yield


@contextmanager
def interrupted_once() -> Generator[None, None, None]:
    """Let only the first of SIGINT, SIGTERM and SIGHUP interrupt.

    What cleans up after it is not interrupted by a second: nothing half done is left.
    """
    is_ending = False

    def end(number: int, _: object) -> None:
        nonlocal is_ending
        if not is_ending:
            is_ending = True
            raise interruption(number)

    with handled(dict.fromkeys((signal.SIGINT, *_ENDING), end)):
        yield


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
