"""A deadline for a flow as a whole, whatever the calls in it allow themselves."""

from __future__ import annotations

from typing import TypeVar

import attrs

from ..clock import Clock
from ..errors import RequestTimeout, UnifiedExchangesError
from ..flow import Done, Flow, Outcome, Request, Sleep, advance

__all__ = ["within"]

T = TypeVar("T")

_LEAST: float = 0.05
"""Seconds without which a request is not begun."""


def within(flow: Flow[T], clock: Clock, end: float) -> Flow[T]:
    """The same flow, in which nothing is begun after ``end`` on the monotonic clock.

    What it would begin then raises `RequestTimeout` in it, with ``sent`` False; a request
    that is begun before may take what is left.
    """
    outcome: Outcome | BaseException = None
    why = ""
    try:
        while not isinstance(step := advance(flow, outcome), Done):
            left = end - clock.monotonic()
            if isinstance(step, Request):
                if left < _LEAST:
                    outcome = _late(why)
                    continue
                if step.timeout > left:
                    step = attrs.evolve(step, timeout=left)
            elif isinstance(step, Sleep) and step.seconds > left:
                if left > 0:
                    yield Sleep(left)
                outcome = _late(why)
                continue
            try:
                outcome = yield step
            except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                outcome = error
                if isinstance(error, UnifiedExchangesError):
                    why = f" (before that: {error.message})"
        return step.value
    finally:
        flow.close()


def _late(why: str) -> RequestTimeout:
    message = f"not begun, because the time for all of it is up{why}"
    return RequestTimeout(message, sent=False)
