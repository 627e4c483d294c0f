"""Reads that the library makes by itself beside a stream, answered by the recording."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

import attrs

from ..errors import NotRecorded, UnifiedExchangesError
from ..flow import (
    Done,
    Flow,
    Judged,
    Judging,
    Leaving,
    Pending,
    Request,
    Resolved,
    Response,
    Shown,
    Sleep,
    Start,
    advance,
)
from .answers import Answers, Entry

__all__ = ["LATER", "WITHIN", "Errand", "Times"]

_SECOND = 1_000_000_000
LATER: Final = object()
"""What came of a step is told later."""
WITHIN: Final = (2 * _SECOND, 10 * _SECOND)
"""Nanoseconds before and after now in which such a read was made when it was recorded.

It takes a moment there to do what takes none in a replay."""


class Times(Protocol):
    """Says when something comes."""

    def when_answered(self, number: int, act: Callable[[], None]) -> bool:
        """Act when a recorded answer comes; False if it has come already."""
        ...

    def when_passed(self, span: int, act: Callable[[], None]) -> None:
        """Act after so many nanoseconds."""
        ...


class _Ahead(Pending):
    __slots__ = ("request",)

    def __init__(self, request: Request) -> None:
        self.request = request


@attrs.define(kw_only=True, slots=True, eq=False)
class Errand:
    """One flow on its way, and whom to tell what came of it."""

    flow: Flow[Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]
    answers: Answers
    times: Times
    missed: Callable[[NotRecorded], None]
    """Told of a read that was not recorded."""
    after: Callable[[], None]
    """Called once it has ended, unless that was at once."""
    _nap: object = attrs.field(default=None, init=False)
    """What it sleeps through, if it does."""

    def begin(self) -> None:
        """Go as far as can be gone now."""
        self._go_on(None)

    def wake(self) -> None:
        """Go on now, if it sleeps."""
        if self._nap is not None:
            self._slept(self._nap)

    def _go_on(self, outcome: Any) -> bool:
        """Go on; whether it has come to its end."""
        while outcome is not LATER:
            try:
                step = advance(self.flow, outcome)
            except Exception as error:  # noqa: BLE001 - told to whom it concerns
                self.failed(error)
                return True
            if isinstance(step, Done):
                self.done(step.value)
                return True
            outcome = self._perform(step)
        return False

    def _perform(self, step: Any) -> Any:
        """Do one step: what came of it, or `LATER`."""
        if isinstance(step, Start):
            return _Ahead(step.request)
        if isinstance(step, Request | _Ahead):
            return self._ask(step.request if isinstance(step, _Ahead) else step)
        if isinstance(step, Sleep):
            span = round(step.seconds * _SECOND)
            self._nap = nap = object()
            self.times.when_passed(span, partial(self._slept, nap))
            return LATER
        # Reads write nothing down; for those who wrap the flow.
        assert isinstance(step, Leaving | Judging | Judged | Resolved | Shown)
        return None

    def _ask(self, request: Request) -> Any:
        try:
            entry = self._claim(request)
        except NotRecorded as error:
            self.missed(error)
            return error
        resume = partial(self._answered, entry)
        if self.times.when_answered(entry.number, resume):
            return LATER
        return self._told(entry)

    def _claim(self, request: Request) -> Entry:
        """What was recorded of a request; raises `NotRecorded`."""
        return self.answers.overhear(request, WITHIN)

    def _slept(self, nap: object) -> None:
        if nap is self._nap:  # else somebody woke it
            self._nap = None
            self._resume(None)

    def _answered(self, entry: Entry) -> None:
        self._resume(self._told(entry))

    def _told(self, entry: Entry) -> Response | UnifiedExchangesError:
        try:
            return self.answers.told(entry)
        except UnifiedExchangesError as error:
            return error

    def _resume(self, outcome: Any) -> None:
        if self._go_on(outcome):
            self.after()
