"""Ctrl-C and a request to end as an event, so that the end is orderly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["until_stopped"]


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
