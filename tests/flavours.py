"""Run one flow through either driver, so that one table of cases serves both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

from unified_exchanges.clock import VirtualClock
from unified_exchanges.drivers.aio import AsyncDriver
from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.flow import Flow, Pages, Request
from unified_exchanges.journal import Journal
from unified_exchanges.testing.scripted import AsyncScriptedTransport, ScriptedTransport

T = TypeVar("T")

FLAVOURS = ("blocking", "async")


class Rig:
    """A driver of one flavour over a script or a simulated venue, on a virtual clock."""

    def __init__(
        self,
        flavour: str,
        source: Any,
        clock: VirtualClock,
        journal: Journal | None = None,
    ) -> None:
        self.flavour = flavour
        self.journal = journal
        kind = ScriptedTransport if flavour == "blocking" else AsyncScriptedTransport
        self.transport: Any = kind(source, clock=clock)

    @property
    def requests(self) -> list[Request]:
        return list(self.transport.requests)

    @property
    def sleeps(self) -> list[float]:
        return list(self.transport.sleeps)

    def run(self, flow: Flow[T]) -> T:
        if self.flavour == "blocking":
            return BlockingDriver(self.transport, journal=self.journal).run(flow)
        return asyncio.run(AsyncDriver(self.transport, journal=self.journal).run(flow))

    def listed(self, pages: Pages[T], take: int | None = None) -> list[T]:
        if self.flavour == "blocking":
            driver = BlockingDriver(self.transport, journal=self.journal)
            return _taken(driver.pages(pages), take)
        return asyncio.run(self._listed(pages, take))

    async def _listed(self, pages: Pages[T], take: int | None) -> list[T]:
        found: list[T] = []
        listing = AsyncDriver(self.transport, journal=self.journal).pages(pages)
        async for item in listing:
            found.append(item)
            if len(found) == take:
                break
        await listing.aclose()  # type: ignore[attr-defined]
        return found


def _taken(items: Iterable[T], take: int | None) -> list[T]:
    found: list[T] = []
    for item in items:
        found.append(item)
        if len(found) == take:
            break
    return found
