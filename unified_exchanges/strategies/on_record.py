"""A run over its own recording: orders, fills and answers are those that there were then."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import Final

from ..errors import BadRequest, NotRecorded
from ..flow import Request
from ..models import Subject
from ..paper import Contract
from ..replaying.answers import Entry
from ..replaying.early import COMMANDS, LATE
from ..replaying.player import NEVER
from ..watching.handed import Handed
from .commands import Amend, Command
from .grounds import BookOf, Ground, Hear, Recorded
from .hearing import heard
from .lanes import SENDERS
from .waiting import Item

__all__ = ["OnRecord", "account_read"]

_ELSEWHERE: Final = (
    'To run what was not recorded use exchange("paper", source="replay", path=…) or '
    "backtest(strategy, path, contracts=…)"
)

_SECOND: Final = 10**9
_JITTER: Final = _SECOND // 1_000
"""Nanoseconds by which a timer rings later live."""
_SOON: Final = _SECOND // 2
"""Between two cancels of one end."""
_AGAIN: Final = 3 * _SECOND
"""Between two of one order, which was held."""
_AT_ONCE: Final = (LATE, _SECOND // 20)
"""As `COMMANDS`, of one that was not to leave any more: the same may be sent anew soon."""


@contextmanager
def account_read() -> Generator[None]:
    """Say what to do about a recording without an account, which a run begins with."""
    try:
        yield
    except NotRecorded as error:
        raise NotRecorded(
            f"a run over its own recording begins with the account of then: {error}. "
            f"{_ELSEWHERE}",
            request=error.request,
        ) from None


class OnRecord(Ground):
    """As it was recorded: orders, fills and answers are those that there were then."""

    has_lasting_ids = False
    waits = False
    # As when it was recorded: who waited for it when the run ended was not sent.
    room = SENDERS

    def __init__(self, exchange: Recorded) -> None:
        super().__init__(exchange)
        if exchange.is_dry_run:
            raise BadRequest(
                "a run over its own recording is answered by what was answered then, and "
                "nothing is sent: leave dry_run=True away",
                venue=exchange.venue.id,
            )
        self._handed: list[Handed] = []
        self._end: tuple[list[Entry], int] | None = None

    @property
    def closing(self) -> int:
        """Never by the clock: what closes then was told when it did."""
        return NEVER

    @property
    def sent(self) -> int:
        """Nothing leaves."""
        return 0

    def close_markets(self) -> None:
        """They close by what is told."""

    def drain(self) -> None:
        """It was told as it came."""

    def note(self, item: Item) -> None:
        """The streams of the exchange told its guards."""

    def follow(
        self,
        subjects: tuple[Subject, ...],
        contracts: Mapping[str, Contract],
        hear: Hear,
        book_of: BookOf,
    ) -> None:
        """Tell what the streams of the exchange tell, the account's first.

        Its guards judge by its live books, as they did then.
        """
        del book_of
        try:
            self._handed = heard(self.exchange, tuple(contracts), subjects, hear)
        except NotRecorded as error:
            error.add(
                f". A run that ended before its streams were there, such as one that stops "
                f"in on_start, cannot be run again over its recording. {_ELSEWHERE}"
            )
            raise
        with self.timeline.lock:
            self.timeline.early.begin()

    def check(self) -> None:
        """Raise what broke a stream."""
        for handed in self._handed:
            handed.check()

    def leave(self) -> None:
        """Tell no more."""
        if self._handed:
            with self.timeline.lock:
                self.timeline.early.end()
        for handed in self._handed:
            handed.close()

    def left_at(self, command: Command, order_id: str | None) -> int | None:
        """When the next change of the same order was sent.

        It begins by reads, and later changes began by the same.
        """
        if order_id is None or not isinstance(command, Amend):
            return None
        entry = self.timeline.answers.changing(order_id, COMMANDS)
        return None if entry is None else entry.began

    def is_of_end(self, cancel: Entry) -> bool:
        """Whether a cancel that was sent soon was one of those that end a run.

        These are sent together, once all is answered that was on its way.
        """
        others = [
            x
            for x in self.timeline.answers.writes
            if x.line.method == "DELETE" and x is not cancel
        ]
        if any(x.began < cancel.line.at and cancel.began < x.line.at for x in others):
            return True
        is_last = not any(x.began > cancel.began for x in others)
        return is_last and cancel.began > self.clock.wall + _JITTER

    def claim(
        self,
        request: Request,
        since: int | None,
        *,
        within: tuple[int, int] | None = None,
        is_at_once: bool = False,
        is_before: bool = False,
    ) -> Entry:
        """The same request, sent about now when it was recorded; raises `NotRecorded`.

        What was read once then may be asked for twice here, by commands that begin together,
        of which the first alone read it then.  Both get the same answer; of what was read
        ``is_before`` a change rather than one of later, which may know of that change.
        """
        answers = self.timeline.answers
        is_read = request.method == "GET"
        if is_before:
            with suppress(NotRecorded):
                return answers.claim(request, within, since=since, is_shared=True)
        try:
            if is_at_once:
                within = _AT_ONCE
            elif within is None or not answers.is_left(request, since, within):
                within = COMMANDS
            entry = answers.claim(request, within, since=since, is_shared=is_read)
        except NotRecorded as error:
            raise NotRecorded(
                f"the strategy decides otherwise, or at another time, than when it was "
                f"recorded: {error}{answers.nearest(request, since=since)}. Nothing was "
                f"sent. {self._if_over()}{self._if_broken_off()}{_ELSEWHERE}",
                request=f"{request.method} {request.url}",
            ) from None
        self.timeline.early.placed(entry)
        return entry

    def _if_over(self) -> str:
        """What to do if the run that was recorded had ended by now, where it may have.

        No recording tells when it ended: what is not in it was not sent any more then, or was
        never decided, and only who ran it knows.
        """
        if self._end is None:
            self._end = _end_of(self.timeline.answers.writes)
        before, end = self._end
        now = self.clock.wall
        seconds = (min(now, end) - self.origin) / _SECOND
        later = takewhile(lambda x: x.began > now, reversed(before))
        if seconds < 0 or not all(x.is_played for x in later):
            return ""
        return (
            "No other order or change comes later in the recording, and no cancel but the "
            "last ones: where the run that was recorded had ended by then, end this one so "
            f"by run(…, seconds={seconds:.3f}), and what was not sent any more is unsent "
            "here too. "
        )

    def _if_broken_off(self) -> str:
        """That it may have been sent, where whoever recorded was killed soon after."""
        streams = self.timeline.streams
        lasts = self.exchange.venue.retry.order_deadline * _SECOND
        if streams.is_closed or streams.last - self.clock.wall > lasts:
            return ""
        return (
            "Or it was on its way when that broke off, for it has no end: what was not "
            "answered by then is not in it. "
        )


def _end_of(sent: list[Entry]) -> tuple[list[Entry], int]:
    """What a run that was recorded sent before its end, and when it seems to have ended.

    As far as what it sent tells, 0 where that is nothing.  Its end sends the last cancels,
    one soon after another, and some of them again.
    """
    end = sent[-1].began if sent else 0
    seen: set[tuple[str, bytes]] = set()
    while sent and sent[-1].line.method == "DELETE":
        cancel = sent[-1]
        what = cancel.line.path, cancel.line.request.data
        if seen and end - cancel.began >= (_AGAIN if what in seen else _SOON):
            break
        seen.add(what)
        end = cancel.began
        sent.pop()
    return sent, end
