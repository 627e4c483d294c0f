"""What an exchange object does things with: its transport and its journal may fail it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unified_exchanges.flow import Request, Response
from unified_exchanges.journal import Journal
from unified_exchanges.models import Intent

if TYPE_CHECKING:
    from .process import Process

__all__ = ["AsyncBody", "Body", "MortalJournal"]


class Body:
    """The transport of a process: each of its steps is two instants."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def send(self, request: Request) -> Response:
        self._process.instant()
        if request.check is not None:
            request.check()
        answer = self._process.carry(request)
        self._process.instant()
        return answer

    def sleep(self, seconds: float) -> None:
        self._process.instant()
        self._process.world.pass_time(seconds)

    def close(self) -> None: ...


class AsyncBody:
    """The same for an event loop; who goes away does so by a cancelled task."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def send(self, request: Request) -> Response:
        await self._instant()
        if request.check is not None:
            request.check()
        answer = self._process.carry(request)
        await self._instant()
        return answer

    async def sleep(self, seconds: float) -> None:
        await self._instant()
        self._process.world.pass_time(seconds)

    async def close(self) -> None: ...

    async def _instant(self) -> None:
        try:
            self._process.instant()
        except KeyboardInterrupt:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        await asyncio.sleep(0)


class MortalJournal:
    """A journal's file, as a process that may die uses it."""

    def __init__(self, inner: Journal, process: Process) -> None:
        self._inner = inner
        self._process = process
        self.is_blocking = inner.is_blocking

    def note(self, entries: Sequence[Intent]) -> tuple[Intent, ...]:
        self._process.instant(in_journal=True)
        before = self._inner.note(entries)
        self._process.instant(in_journal=True)
        return before

    def recall(self, account: Any) -> tuple[Intent, ...]:
        self._process.instant(in_journal=True)
        return self._inner.recall(account)

    def keep_halt(self, *halt: Any) -> None:
        self._process.instant(in_journal=True)
        self._inner.keep_halt(*halt)
        self._process.instant(in_journal=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
