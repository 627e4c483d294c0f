"""What time brings: silence, answers that do not come, and what was put off."""

from __future__ import annotations

from collections.abc import Iterable

from ....models import StreamState
from ....streams.protocol import StreamEvent, Unheard
from . import refusals
from .answers import Answers
from .channels import BOOKS
from .conversation import NONE, Events

__all__ = ["Watchdog"]

_HOPELESS = 3
"""How often a snapshot may fail to come while others do."""

_ALONE = 6
"""How often it may where none came at all: then it may be the venue."""


class Watchdog(Answers):
    """Looks at the oldest of everything only, so that quiet markets cost nothing."""

    def poll(self) -> Iterable[StreamEvent]:
        """Do what is due: missing acknowledgements, silence, requests to repeat."""
        if not self.is_connected or self.broken or self.is_silent:
            return NONE
        now = self.clock.monotonic()
        self._wakes.run(now)
        limit = self.policy.acknowledgement
        oldest = next(iter(self._sent.values())) if self._sent else None
        due = self._books.deadline
        if oldest is not None and oldest.deadline <= now:
            name, action = oldest.sub.channel.name, oldest.command.action
            self._break(f"no answer to {action} of {name} within {limit:g} s")
        elif due is not None and due <= now:
            return self._missing(self._books.overdue(now))
        return NONE

    def next_poll(self) -> float:
        """Seconds until `poll` has something to do."""
        if not self.is_connected or self.broken:
            return self.policy.silence
        times = [self.heard_at + self.policy.silence]
        if self._wakes.due is not None:
            times.append(self._wakes.due)
        if self._sent:
            times.append(next(iter(self._sent.values())).deadline)
        due = self._books.deadline
        if due is not None:
            times.append(due)
        return max(0.0, min(times) - self.clock.monotonic())

    def _missing(self, overdue: list[str]) -> Events:
        """Snapshots did not come: the markets do not exist, or the connection is no good.

        Kalshi keeps unknown markets in a subscription without a word (2026-09), so one of
        them must not end what all the others live on.  One that is alone looks like a
        connection that brings nothing, which ends only after it was asked twice; the
        next one is given longer where it is known that it cannot be the market.
        """
        books, sub = self._books, self._by_name[BOOKS]
        most = _HOPELESS if books.loaded else _ALONE
        limit = self.policy.acknowledgement
        again: list[str] = []
        hopeless: list[str] = []
        for market_id in overdue:
            if books.miss(market_id) < most:
                again.append(market_id)
            elif books.forgive(market_id):
                # It was there, so that it may be the connection that brings nothing.
                self._break(f"no snapshot of {market_id} in {most} times {limit:g} s")
            else:
                hopeless.append(market_id)
        unheard: Events = NONE
        if self.asks_on and hopeless:
            books.count_anew(hopeless)
            again += hopeless
            unheard, hopeless = [Unheard(market_ids=frozenset(hopeless))], []
        times = 1 + books.barren if self.asks_on else 1
        if books.loaded:
            books.want(again)
        elif not books.ask_again(again, times):
            self._break(f"no snapshot of {again[0]} in {times + 1} times {limit:g} s")
        self._books_dirty = True
        refused = [self._refuse(sub, [x], refusals.silent(BOOKS, x)) for x in hopeless]
        return [*unheard, *refused]

    def _state(self) -> StreamState:
        if not self.is_connected:
            return "connecting" if self.counters.connections else "idle"
        if self.broken:
            return "degraded"
        if self.is_settled and not self._books.stale():
            return "live"
        # What was asked for a moment ago and is on its way is no trouble.
        counters, since = self.counters, self.clock.monotonic()
        since -= self.policy.acknowledgement
        is_fine = self._before == (counters.gaps, counters.last_error)
        is_early = max(self._made_at, self._asked_at) > since
        return "connecting" if is_fine and is_early else "degraded"
