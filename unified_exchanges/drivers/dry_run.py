"""The interpreter of a dry run: reads leave, writes are answered here and are reported.

A flow does not know that it is in a dry run: it makes the request that it would send, with
all its checks, and gets an answer in the venue's own words (`Venue.rehearse`).  What reads
bring is completed by what the answered writes would have changed (`Venue.rehearsed`).

Whatever a flow or a mistake in here does, the transports of a dry run hand on nothing but
GET: that is the fence, and the only one.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator
from datetime import date
from decimal import Decimal
from typing import TypeVar, cast

from ..errors import ReadOnly
from ..flow import (
    DayStart,
    Done,
    Flow,
    JournalStep,
    Load,
    Note,
    Outcome,
    Page,
    Pages,
    Pending,
    Recall,
    Request,
    Response,
    Save,
    Start,
    Step,
    advance,
)
from ..models import Account
from ..models.dry_run import DryRunReport
from ..transports import AsyncTransport, Transport
from ..venue import Venue

__all__ = ["AsyncFence", "DryRun", "Fence"]

T = TypeVar("T")
P = TypeVar("P")

_log = logging.getLogger(__name__)

_MOST = 10_000
"""Reports that are kept: a dry run may go on for weeks."""
_READS = frozenset({"GET"})


class DryRun:
    """Runs flows of one venue so that no write leaves; threads and tasks may share it."""

    def __init__(self, venue: Venue) -> None:
        if type(venue).rehearse is Venue.rehearse:
            raise venue.unsupported("dry_run", "Leave dry_run=True out")
        self._venue = venue
        self._reports: deque[DryRunReport] = deque(maxlen=_MOST)
        self._texts: dict[str, str] = {}
        self._days: dict[tuple[Account, date], Decimal] = {}

    @property
    def reports(self) -> list[DryRunReport]:
        """The writes so far, oldest first: the last ten thousand."""
        return list(self._reports)

    def run(self, flow: Flow[T]) -> Flow[T]:
        """The same flow, without its writes."""
        return cast("Flow[T]", self._through(flow))

    def pages(self, flow: Pages[P]) -> Pages[P]:
        """The same listing, with what was rehearsed."""
        return self._through(flow)

    def _through(
        self, flow: Generator[Step | Page[P], Outcome, T]
    ) -> Generator[Step | Page[P], Outcome, T]:
        begun: dict[Pending, Request] = {}
        outcome: Outcome | BaseException = None
        try:
            while not isinstance(step := advance(flow, outcome), Done):
                try:
                    if isinstance(step, Page):
                        outcome = yield step
                    else:
                        outcome = yield from self._perform(step, begun)
                except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                    outcome = error
            return step.value
        finally:
            flow.close()

    def _perform(self, step: Step, begun: dict[Pending, Request]) -> Flow[Outcome]:
        if isinstance(step, Request):
            if step.method in _READS:
                return (yield from self._sent(step))
            return (yield from self._answer(step))
        if isinstance(step, JournalStep):
            return self._kept(step)
        outcome = yield step
        if isinstance(step, Start) and isinstance(outcome, Pending):
            begun[outcome] = step.request
        elif isinstance(step, Pending) and isinstance(outcome, Response):
            return self._venue.rehearsed(begun.pop(step), outcome)
        return outcome

    def _kept(self, step: JournalStep) -> Outcome:
        # What never leaves must not be looked for after a crash, nor stop others, and what
        # was only rehearsed must not pass for done: the journal is left alone.
        if isinstance(step, Save):
            if self._texts.get(step.name) == step.before:
                self._texts[step.name] = step.text
            return self._texts.get(step.name)
        if isinstance(step, DayStart):
            return self._days.setdefault((step.account, step.day), step.equity)
        if isinstance(step, Load):
            return self._texts.get(step.name)
        return () if isinstance(step, Note | Recall) else None

    def _sent(self, request: Request) -> Flow[Response]:
        known = self._venue.rehearsed(request, None)
        if known is not None:
            return known
        response = yield request
        assert isinstance(response, Response)
        return self._venue.rehearsed(request, response) or response

    def _answer(self, request: Request) -> Flow[Response]:
        # What the venue reads for its report goes the way of every other read.
        answer, report = yield from self.run(self._venue.rehearse(request))
        self._reports.append(report)
        _log.info("%s", report)
        return answer


def _check(request: Request) -> None:
    if request.method not in _READS:
        message = f"{request.method} {request.url} was not sent: this is a dry run"
        raise ReadOnly(message)


class Fence:
    """A blocking transport that sends nothing but reads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, request: Request) -> Response:
        """Perform a read; anything else is `ReadOnly`."""
        _check(request)
        return self._transport.send(request)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._transport.sleep(seconds)

    def close(self) -> None:
        """Release the connections."""
        self._transport.close()


class AsyncFence:
    """An async transport that sends nothing but reads."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def send(self, request: Request) -> Response:
        """Perform a read; anything else is `ReadOnly`."""
        _check(request)
        return await self._transport.send(request)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._transport.sleep(seconds)

    async def close(self) -> None:
        """Release the connections."""
        await self._transport.close()
