"""A session and its faults: what lies between a venue's stream and its client."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Protocol

from ..sessions import Session
from .frames import Frame, Label, StreamFault, StreamPlan
from .lines import Line
from .rewrites import REWRITES, renumbered

__all__ = ["ABNORMAL", "FaultyStream", "Stopwatch"]

ABNORMAL = 1006
"""The close code of a connection that ended without a close frame."""
_PONGS = frozenset({"PONG"})
"""Answers to pings where both are texts."""


class Stopwatch(Protocol):
    """A clock that measures."""

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...


class FaultyStream:
    """A session as its client gets to see it, faults included, without I/O.

    It is used like the session. ``closing`` is the close code once the connection
    ended, 1006 when it did so without a close frame. ``sends_pings``,
    ``answers_pings`` and ``is_reading`` say what the venue still does at the moment, and
    ``next_due`` when, by the clock's ``monotonic``, something comes by itself.

    >>> from unified_exchanges.clock import VirtualClock
    >>> from unified_exchanges.simulator.faults import StreamFault
    >>> class Greeting:
    ...     closing = None
    ...     def data_to_send(self):
    ...         greeted, self.data_to_send = ['{"type":"hello"}'], list
    ...         return greeted
    >>> clock = VirtualClock()
    >>> late = StreamPlan([StreamFault("delay", frame="hello", seconds=2)])
    >>> stream = FaultyStream(Greeting(), late, clock)
    >>> stream.data_to_send()
    []
    >>> clock.advance(2)
    >>> stream.data_to_send()
    ['{"type":"hello"}']
    """

    def __init__(self, session: Session, plan: StreamPlan, clock: Stopwatch) -> None:
        self.wake: Callable[[], None] = _nobody
        self._session = session
        self._plan = plan
        self._clock = clock
        self._began = clock.monotonic()
        self._line = Line()
        self._met: dict[int, StreamFault] = {}
        self._shifts: dict[int | None, int] = {}
        self._failed: set[int] = set()
        self._pingless_until = self._pongless_until = self._deaf_until = -inf
        session.wake = self._wake

    def receive(self, data: Frame) -> None:
        """Take a frame from the client."""
        if not self.is_reading or self.closing is not None:
            return
        fault = (
            self._plan.take(Label.of_command(data)) if not self._plan.is_empty else None
        )
        if fault is None:
            self._session.receive(data)
        elif fault.kind == "refuse":
            self._session.refuse(data, fault.number)

    def data_to_send(self) -> list[Frame]:
        """The frames that come now."""
        self._age()
        while frames := self._session.data_to_send():
            for frame in frames:
                self._pass(frame)
        if self._session.closing is not None:
            self._line.end(self._session.closing)
        arrivals = self._line.arrivals(self._clock.monotonic())
        if self.closing is not None:
            self._session.close()
        return arrivals

    def close(self) -> None:
        """The client is gone."""
        self._session.close()

    # What can be seen of the venue

    @property
    def closing(self) -> int | None:
        """The close code of the connection, None while it lives."""
        return self._line.closing

    @property
    def sends_pings(self) -> bool:
        """Whether Ping frames come."""
        return self._clock.monotonic() >= self._pingless_until

    @property
    def answers_pings(self) -> bool:
        """Whether Ping frames of the client are answered."""
        return self._clock.monotonic() >= self._pongless_until

    @property
    def is_reading(self) -> bool:
        """Whether the venue reads what the client sends."""
        return self._clock.monotonic() >= self._deaf_until

    @property
    def next_due(self) -> float | None:
        """When something that is late or held back comes."""
        return self._line.next_due

    # What becomes of a frame

    def _pass(self, text: str) -> None:
        now = self._clock.monotonic()
        if self._plan.is_empty and not self._shifts and not self._failed:
            self._line.send(text, now)
            return
        label = Label.of(text)
        if label.sid in self._failed and label.kind != "error":
            return
        text = renumbered(text, self._shifts.get(label.sid, 0))
        fault = self._plan.take(label)
        if fault is None:
            self._line.send(text, now)
        elif fault.kind in REWRITES:
            self._line.send(REWRITES[fault.kind](text, fault), now)
        elif fault.kind == "fail":
            self._fail(text, label, fault)
        else:
            self._disturb(text, label, fault)

    def _disturb(self, text: str, label: Label, fault: StreamFault) -> None:
        now, line = self._clock.monotonic(), self._line
        if fault.kind == "duplicate":
            line.send(text, now)
            line.send(text, now)
        elif fault.kind == "insert":
            line.send(fault.text, now)
            line.send(text, now)
        elif fault.kind == "reorder":
            line.hold(text, places=fault.places, until=now + fault.seconds)
        elif fault.kind == "delay":
            line.delay(now + fault.seconds)
            line.send(text, now)
        elif fault.kind == "skip":
            self._shifts[label.sid] = self._shifts.get(label.sid, 0) + fault.places
            line.send(renumbered(text, fault.places), now)
        elif fault.kind in {"close", "reset"}:
            line.send(text, now)
            self._strike(fault)
        elif fault.kind in {"silence", "half_open"}:
            self._strike(fault)

    def _fail(self, text: str, label: Label, fault: StreamFault) -> None:
        if label.sid is None:
            self._line.send(text, self._clock.monotonic())
        else:
            self._failed.add(label.sid)
            self._session.fail(label.sid, fault.number)

    # What becomes of the connection

    def _age(self) -> None:
        age = self._clock.monotonic() - self._began
        while not self._plan.is_empty and (
            fault := self._plan.take_aged(age, self._met)
        ):
            self._strike(fault)

    def _strike(self, fault: StreamFault) -> None:
        until = self._clock.monotonic() + fault.seconds
        if fault.kind == "close":
            self._line.end(fault.number)
        elif fault.kind == "reset":
            self._line.end(ABNORMAL)
        else:
            is_dead = fault.kind == "half_open"
            is_answered = fault.pongs and not is_dead
            self._line.silence(until, _PONGS if is_answered else frozenset())
            if is_dead or not fault.pings:
                self._pingless_until = until
            if is_dead or not fault.pongs:
                self._pongless_until = until
            if is_dead:
                self._deaf_until = until

    def _wake(self) -> None:
        self.wake()


def _nobody() -> None:
    """Nobody waits."""
