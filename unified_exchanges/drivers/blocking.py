"""Steps a flow with a blocking transport."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet

from .. import fork
from ..errors import ConnectionLost, UnifiedExchangesError
from ..flow import (
    Done,
    Flow,
    JournalStep,
    Judged,
    Judging,
    Leaving,
    Outcome,
    Page,
    Pages,
    Pending,
    Request,
    Resolved,
    Response,
    Shown,
    Sleep,
    Start,
    Step,
    advance,
)
from ..journal import Journal, MemoryJournal, performed
from ..transports import Transport
from .dry_run import DryRun, Fence

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["BlockingDriver"]

T = TypeVar("T")

_HEAD_START = 0.001
"""Seconds for a request to leave before this thread takes the interpreter to decode."""


_GOODBYE = 1.0
"""Seconds that closing waits for a request that was begun ahead."""


class _InThread(Pending):
    __slots__ = ("_future", "_process")

    def __init__(self, future: Future[Response]) -> None:
        self._future = future
        self._process = os.getpid()

    def wait(self) -> Response:
        if self._process != os.getpid():
            message = (
                "the thread that waits for the answer stayed in the parent process"
            )
            raise ConnectionLost(message)
        return self._future.result()


class BlockingDriver:
    """Performs steps one after another; usable from several threads at once."""

    def __init__(
        self,
        transport: Transport,
        dry_run: DryRun | None = None,
        *,
        journal: Journal | None = None,
    ) -> None:
        self._transport = transport if dry_run is None else Fence(transport)
        self._dry_run = dry_run
        self._journal = journal or MemoryJournal()
        self._ahead: WeakSet[Thread] = WeakSet()
        self._lock = fork.lock()

    def rehearsed(self, flow: Flow[T]) -> Flow[T]:
        """The same flow, in a dry run without its writes."""
        return flow if self._dry_run is None else self._dry_run.run(flow)

    def run(self, flow: Flow[T]) -> T:
        """Drive a flow to its result."""
        flow = self.rehearsed(flow)
        outcome: Outcome | UnifiedExchangesError = None
        try:
            while not isinstance(step := advance(flow, outcome), Done):
                outcome = self._perform(step)
            return step.value
        finally:
            flow.close()

    def pages(self, flow: Pages[T]) -> Iterator[T]:
        """Drive a listing, handing out items as they come."""
        if self._dry_run is not None:
            flow = self._dry_run.pages(flow)
        outcome: Outcome | UnifiedExchangesError = None
        try:
            while not isinstance(step := advance(flow, outcome), Done):
                if isinstance(step, Page):
                    yield from step.items
                    outcome = None
                else:
                    outcome = self._perform(step)
        finally:
            flow.close()

    def compact(self, before: datetime) -> int:
        """Let the journal forget the resolved intents that were written before then.

        A dry run has none there, and leaves those of others alone.
        """
        if self._dry_run is not None:
            return 0
        return self._journal.compact(before)

    def close(self) -> None:
        """Release the connections and the journal, and see what was begun end."""
        self._transport.close()
        self._journal.close()
        with self._lock:
            threads = list(self._ahead)
        for thread in threads:
            thread.join(_GOODBYE)

    def _perform(self, step: Step) -> Outcome | UnifiedExchangesError:
        try:
            if isinstance(step, Request):
                return self._transport.send(step)
            if isinstance(step, JournalStep):
                return performed(self._journal, step)
            if isinstance(step, Start):
                return self._start(step.request)
            if isinstance(step, _InThread):
                return step.wait()
            if isinstance(step, Sleep):
                self._transport.sleep(step.seconds)
            else:
                # For those who wrap the flow.
                assert isinstance(step, Leaving | Judging | Judged | Resolved | Shown)
        except UnifiedExchangesError as error:
            return error
        return None

    def _start(self, request: Request) -> Pending:
        # Loaded with the first page that is asked for ahead: it takes 5 ms.
        from concurrent.futures import Future  # noqa: PLC0415

        future: Future[Response] = Future()

        def perform() -> None:
            try:
                future.set_result(self._transport.send(request))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                future.set_exception(error)

        # A thread of its own: a queue would let the signature grow old.
        thread = Thread(target=perform, name="unified-exchanges-ahead", daemon=True)
        with self._lock:
            # Started under the lock: one that is seen there can be joined.
            thread.start()
            self._ahead.add(thread)
        time.sleep(_HEAD_START)
        return _InThread(future)
