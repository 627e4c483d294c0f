"""Finding out which of the markets that are followed do not exist.

A venue may keep an unknown market in a subscription without a word, and nothing would
ever come.  So a market that the stream does not tell of at once is looked for over REST,
twice, as one that was listed a moment ago may be told on a stream before it can be read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from math import inf
from typing import Final

import attrs

from ..errors import AuthenticationError, NotRecorded, PermissionDenied
from ..venue import Venue
from .job import Job

__all__ = ["Existence"]

_log = logging.getLogger(__name__)

_SOON: Final = 0.5
"""Seconds that the stream may take to tell of a market first."""
_AGAIN: Final = 2.0
"""Seconds after which a market that was not found is looked for once more."""
_LOOKS: Final = 2
"""How often it must not be found."""
_BATCH: Final = 500
"""Markets that are looked for in one job."""
_TOGETHER: Final = 2
"""Failures of a market's looks after which it is looked for alone: it may be the cause."""
_LONGEST: Final = 60.0
"""Seconds at most between tries of a read that fails."""


@attrs.define(slots=True, eq=False)
class _Question:
    """A market that may not exist, and when to look for it."""

    due: float
    absences: int = 0
    failures: int = 0


class Existence:
    """Decides when to look, and what it means that a market was not found.

    ``is_followed`` says whether anybody waits for a market; ``refuse`` is told which do
    not exist.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        is_followed: Callable[[str], bool],
        refuse: Callable[[frozenset[str]], None],
        has_work: Callable[[], None],
    ) -> None:
        self._venue = venue
        self._clock = venue.clock
        self._is_followed = is_followed
        self._refuse = refuse
        self._has_work = has_work
        self.questions: dict[str, _Question] = {}
        """The markets that may not exist; what is heard of is none of them."""
        self._is_running = False

    def ask(self, market_ids: Iterable[str], *, at_once: bool = False) -> None:
        """Somebody follows these markets; ``at_once``: the stream is not waited for."""
        due = self._clock.monotonic() + (0.0 if at_once else _SOON)
        for market_id in market_ids:
            question = self.questions.setdefault(market_id, _Question(due))
            if not question.absences and not question.failures:
                question.due = min(question.due, due)
        if not self._is_running:
            self._has_work()

    def delay(self) -> float:
        """Seconds until there may be something to do; infinite if nothing is planned."""
        if self._is_running or not self.questions:
            return inf
        due = min(question.due for question in self.questions.values())
        return max(0.0, due - self._clock.monotonic())

    def job(self) -> Job[list[str]] | None:
        """The look that is due."""
        if self._is_running or self.delay() > 0:
            return None
        now = self._clock.monotonic()
        due = [name for name, asked in self.questions.items() if asked.due <= now]
        for name in due:
            if not self._is_followed(name):
                del self.questions[name]
        ids = self._together([name for name in due if name in self.questions])
        if not ids:
            return None
        self._is_running = True

        def done(missing: list[str]) -> None:
            self._is_running = False
            self._sort(ids, frozenset(missing))

        def failed(error: Exception) -> None:
            self._is_running = False
            _log.info("the markets that are watched could not be looked up: %s", error)
            if isinstance(error, AuthenticationError | PermissionDenied | NotRecorded):
                # It would fail again; what is wrong with the key the stream tells.
                for name in ids:
                    self.questions.pop(name, None)
            else:
                self._put_off(ids)

        return Job(self._venue.missing_markets(ids), done, failed)

    def _together(self, due: list[str]) -> list[str]:
        """Which of the markets to look for now: many, or one that may be the trouble."""
        easy = [x for x in due if self.questions[x].failures < _TOGETHER]
        return easy[:_BATCH] or due[:1]

    def _sort(self, ids: Iterable[str], missing: frozenset[str]) -> None:
        absent = []
        for name in ids:
            question = self.questions.pop(name, None)
            if question is None or name not in missing:
                continue
            question.absences += 1
            if question.absences < _LOOKS:
                question.due = self._clock.monotonic() + _AGAIN
                self.questions[name] = question
            else:
                absent.append(name)
        if absent:
            self._refuse(frozenset(absent))

    def _put_off(self, ids: Iterable[str]) -> None:
        for question in map(self.questions.get, ids):
            if question is not None:
                question.failures += 1
                wait = min(_LONGEST, 2.0 ** min(question.failures, 6))
                question.due = self._clock.monotonic() + wait
