"""What waits for a reader: bounded, in order, and its end told to everybody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from threading import RLock

import pytest

from unified_exchanges.drivers.inbox import AsyncInbox, BlockingInbox, Inbox
from unified_exchanges.errors import ConnectionLost, StreamOverflow


def test_events_wait_in_order() -> None:
    inbox: Inbox[int] = Inbox(3)
    assert inbox.is_ready is False
    inbox.put([1, 2])
    inbox.put([3])
    assert list(inbox.waiting) == [1, 2, 3]
    assert inbox.is_ready is True


def test_fault_39_what_exceeds_the_room_is_counted_and_told_once() -> None:
    inbox: Inbox[int] = Inbox(2)
    inbox.put([1, 2, 3])
    inbox.put([4])
    assert list(inbox.waiting) == [1, 2]
    with pytest.raises(StreamOverflow, match="2 that came after them are lost"):
        inbox.goes_on()
    assert inbox.goes_on() is True


def test_a_thread_that_waits_is_woken() -> None:
    inbox: BlockingInbox[int] = BlockingInbox(10, RLock())
    found: list[int] = []
    reader = threading.Thread(target=lambda: found.extend(inbox))
    reader.start()
    with inbox._changed:
        inbox.put([1, 2])
    with inbox._changed:
        inbox.end(None)
    reader.join(5)
    assert found == [1, 2]


def test_a_thread_that_reads_gets_the_error_after_what_waits() -> None:
    inbox: BlockingInbox[int] = BlockingInbox(10, RLock())
    with inbox._changed:
        inbox.put([1])
        inbox.end(ConnectionLost("over"))
    events: Iterator[int] = iter(inbox)
    assert next(events) == 1
    with pytest.raises(ConnectionLost, match="over"):
        next(events)


async def test_every_task_that_waits_is_woken() -> None:
    inbox: AsyncInbox[int] = AsyncInbox(10)

    async def read() -> list[int]:
        return [event async for event in inbox]

    readers = [asyncio.create_task(read()) for _ in range(2)]
    await asyncio.sleep(0)
    inbox.put([1])
    await asyncio.sleep(0)
    inbox.put([2])
    inbox.end(None)
    found = await asyncio.gather(*readers)
    assert sorted(found[0] + found[1]) == [1, 2]


async def test_a_task_that_is_cancelled_leaves_nothing_behind() -> None:
    inbox: AsyncInbox[int] = AsyncInbox(10)
    waiting = asyncio.create_task(anext(aiter(inbox)))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert len(inbox._waiters) == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert inbox._waiters == []
    late = asyncio.create_task(anext(aiter(inbox)))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    late.cancel()
    inbox.put([1])
    with pytest.raises(asyncio.CancelledError):
        await late
    assert list(inbox.waiting) == [1]
