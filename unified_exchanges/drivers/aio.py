"""Steps a flow with an asyncio transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from .. import fork
from ..errors import UnifiedExchangesError
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
from ..transports import AsyncTransport
from .dry_run import AsyncFence, DryRun

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["AsyncDriver"]

T = TypeVar("T")

_HEAD_START = 4
"""Turns of the loop in which a request leaves before this task goes on to decode."""


class _InTask(Pending):
    __slots__ = ("task",)

    def __init__(self, task: asyncio.Task[Response | UnifiedExchangesError]) -> None:
        self.task = task


class AsyncDriver:
    """Performs steps in the running loop; many flows may run side by side."""

    def __init__(
        self,
        transport: AsyncTransport,
        dry_run: DryRun | None = None,
        *,
        journal: Journal | None = None,
    ) -> None:
        self._transport = transport if dry_run is None else AsyncFence(transport)
        self._dry_run = dry_run
        self._journal = journal or MemoryJournal()
        self._clerk: ThreadPoolExecutor | None = None
        self._beginning: Thread | None = None
        fork.in_child(self, AsyncDriver._dismiss_clerk)

    def begin(self, flow: Flow[object]) -> None:
        """Drive a flow that only asks the journal, in a thread, from now on."""
        if self._dry_run is not None:
            flow = self._dry_run.run(flow)
        if not self._journal.is_blocking:
            _perform_kept(self._journal, flow)
            return
        # Not the clerk's: who makes an exchange may fork yet.
        self._beginning = Thread(
            target=_perform_kept,
            args=(self._journal, flow),
            name="unified-exchanges-journal",
            daemon=True,
        )
        self._beginning.start()

    async def begun(self) -> None:
        """Wait for what was begun."""
        thread, self._beginning = self._beginning, None
        if thread is not None and thread.is_alive():
            await asyncio.to_thread(thread.join)

    def rehearsed(self, flow: Flow[T]) -> Flow[T]:
        """The same flow, in a dry run without its writes."""
        return flow if self._dry_run is None else self._dry_run.run(flow)

    async def run(self, flow: Flow[T]) -> T:
        """Drive a flow to its result."""
        flow = self.rehearsed(flow)
        outcome: Outcome | UnifiedExchangesError = None
        begun: list[_InTask] = []
        try:
            while not isinstance(step := advance(flow, outcome), Done):
                outcome = await self._perform(step, begun)
            return step.value
        finally:
            flow.close()
            if begun:
                await _abandon(begun)

    async def pages(self, flow: Pages[T]) -> AsyncIterator[T]:
        """Drive a listing, handing out items as they come."""
        if self._dry_run is not None:
            flow = self._dry_run.pages(flow)
        outcome: Outcome | UnifiedExchangesError = None
        begun: list[_InTask] = []
        try:
            while not isinstance(step := advance(flow, outcome), Done):
                if isinstance(step, Page):
                    for item in step.items:
                        yield item
                    outcome = None
                else:
                    outcome = await self._perform(step, begun)
        finally:
            flow.close()
            if begun:
                await _abandon(begun)

    async def compact(self, before: datetime) -> int:
        """Let the journal forget the resolved intents that were written before then.

        A dry run has none there, and leaves those of others alone.
        """
        if self._dry_run is not None:
            return 0
        return await self._beside(lambda: self._journal.compact(before))

    async def close(self) -> None:
        """Release the connections and the journal."""
        await self._transport.close()
        await self._beside(self._journal.close)
        if self._clerk is not None:
            self._clerk.shutdown(wait=False)
            self._clerk = None

    async def _perform(
        self, step: Step, begun: list[_InTask]
    ) -> Outcome | UnifiedExchangesError:
        if isinstance(step, Request):
            return await self._attempt(step)
        if isinstance(step, Sleep):
            await self._transport.sleep(step.seconds)
            return None
        if isinstance(step, JournalStep):
            return await self._keep(step)
        if isinstance(step, Start):
            name = "unified-exchanges-ahead"
            task = asyncio.create_task(self._attempt(step.request), name=name)
            pending = _InTask(task)
            begun.append(pending)
            for _ in range(_HEAD_START):
                await asyncio.sleep(0)
            return pending
        if isinstance(step, Leaving | Judging | Judged | Resolved | Shown):
            # For those who wrap the flow.
            return None
        assert isinstance(step, _InTask)
        begun.remove(step)
        return await step.task

    async def _keep(self, step: JournalStep) -> Outcome | UnifiedExchangesError:
        journal = self._journal
        try:
            return await self._beside(lambda: performed(journal, step))
        except UnifiedExchangesError as error:
            return error

    async def _beside(self, act: Callable[[], T]) -> T:
        """Do what may wait for a disk in a thread of its own, else at once."""
        if not self._journal.is_blocking:
            return act()
        clerk = self._clerk
        if clerk is None:
            # Loaded with the first journal in a file: it takes 5 ms.
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

            clerk = self._clerk = ThreadPoolExecutor(1, "unified-exchanges-journal")
        return await asyncio.get_running_loop().run_in_executor(clerk, act)

    def _dismiss_clerk(self) -> None:
        """Forget a thread that stayed in the parent process: it would be waited for."""
        self._clerk = None

    async def _attempt(self, request: Request) -> Response | UnifiedExchangesError:
        try:
            return await self._transport.send(request)
        except UnifiedExchangesError as error:
            return error


def _perform_kept(journal: Journal, flow: Flow[object]) -> None:
    outcome: Outcome | UnifiedExchangesError = None
    while not isinstance(step := advance(flow, outcome), Done):
        assert isinstance(step, JournalStep)
        try:
            outcome = performed(journal, step)
        except UnifiedExchangesError as error:
            outcome = error


async def _abandon(begun: list[_InTask]) -> None:
    """Cancel what was begun and never asked for, and see it end."""
    for pending in begun:
        pending.task.cancel()
    for pending in begun:
        await asyncio.wait([pending.task])
