"""A run that somebody ends by Ctrl-C, in order and with its report."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeAlias

__all__ = ["LOST", "Ended", "handled", "interruption", "until_stopped"]

_Handler: TypeAlias = Callable[[int, FrameType | None], object]

# Not every system has such a thing.
LOST: Final = tuple(filter(None, [getattr(signal, "SIGHUP", None)]))
"""The signals of a terminal that is lost."""


class Ended(KeyboardInterrupt):
    """Interrupted by another signal than that of Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)


def interruption(number: int) -> KeyboardInterrupt:
    """What a signal interrupts with."""
    return KeyboardInterrupt() if number == signal.SIGINT else Ended(number)


@contextmanager
def handled(handlers: Mapping[int, _Handler]) -> Generator[None, None, None]:
    """Let these handle their signals, for so long."""
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        # Who runs it with nohup wants it to go on when the terminal is lost.
        if number not in LOST or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def until_stopped() -> Generator[threading.Event, None, None]:
    """An event that Ctrl-C sets, for ``stop`` of a run, which then ends with its report.

    So do SIGTERM and SIGHUP.  A second Ctrl-C or SIGTERM interrupts, as without this: it is
    for whoever is stuck.  Both flavours of a run take the event.  In another thread than the
    main one, where no signal arrives, only a program itself sets it.

    >>> with until_stopped() as stop:
    ...     stop.is_set()  # ux.run(strategy, exchange, stop=stop)
    False
    """
    stopped = threading.Event()

    def stop(number: int, _: object) -> None:
        if stopped.is_set():
            raise interruption(number)
        stopped.set()

    def hang_up(_: int, __: object) -> None:
        # The shell and the kernel both tell: it comes twice, and asks for no hurry.
        stopped.set()

    is_main = threading.current_thread() is threading.main_thread()
    ending: dict[int, _Handler] = {
        signal.SIGINT: stop,
        signal.SIGTERM: stop,
        **dict.fromkeys(LOST, hang_up),
    }
    with handled(ending if is_main else {}):
        yield stopped
