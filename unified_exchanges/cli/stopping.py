"""Ctrl-C, Ctrl-Z, a lost terminal and a request to end: what they do is orderly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeAlias, cast

__all__ = [
    "Ended",
    "Suspension",
    "interrupted_once",
    "interrupted_when_ended",
    "until_stopped",
]


_Handler: TypeAlias = Callable[[int, FrameType | None], object]

# Not every system has such a thing.
_LOST: Final = tuple(filter(None, [getattr(signal, "SIGHUP", None)]))
_ENDING: Final = (signal.SIGTERM, *_LOST)


class Ended(KeyboardInterrupt):
    """Interrupted by another signal than that of Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)


def _interruption(number: int) -> KeyboardInterrupt:
    return KeyboardInterrupt() if number == signal.SIGINT else Ended(number)


@contextmanager
def _handled(handlers: Mapping[int, _Handler]) -> Generator[None, None, None]:
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        # Who runs it with nohup wants it to go on when the terminal is lost.
        if number not in _LOST or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def until_stopped() -> Generator[threading.Event, None, None]:
    """An event that SIGINT, SIGTERM or SIGHUP sets; either of the first two then interrupts.

    The second is for whoever is stuck in writing to a reader who does not read.
    """
    stopped = threading.Event()

    def stop(number: int, _: object) -> None:
        if stopped.is_set():
            raise _interruption(number)
        stopped.set()

    def hang_up(_: int, __: object) -> None:
        # The shell and the kernel both tell: it comes twice, and asks for no hurry.
        stopped.set()

    with _handled(
        {signal.SIGINT: stop, signal.SIGTERM: stop, **dict.fromkeys(_LOST, hang_up)}
    ):
        yield stopped


@contextmanager
def interrupted_when_ended() -> Generator[None, None, None]:
    """Let SIGTERM and SIGHUP interrupt, so that what is open is closed in order."""

    def end(number: int, _: object) -> None:
        raise Ended(number)

    # Only there may handlers be set, and only there does a signal arrive.
    is_main = threading.current_thread() is threading.main_thread()
    with _handled(dict.fromkeys(_ENDING, end) if is_main else {}):
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
            raise _interruption(number)

    with _handled(dict.fromkeys((signal.SIGINT, *_ENDING), end)):
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
