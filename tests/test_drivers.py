"""The two drivers perform the same flows alike, and leave nothing open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flavours import FLAVOURS, Rig
from tests.journal.samples import ACCOUNT, START, intent
from unified_exchanges.clock import VirtualClock
from unified_exchanges.drivers.aio import AsyncDriver
from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    JournalError,
    NetworkError,
)
from unified_exchanges.flow import (
    Flow,
    Note,
    Page,
    Pages,
    Pending,
    Recall,
    Request,
    Response,
    Sleep,
    Start,
    collect,
    limited,
)
from unified_exchanges.journal import MemoryJournal, journal_at
from unified_exchanges.testing.scripted import AsyncScriptedTransport, ScriptedTransport

URL = "https://venue.test/"


def get(path: str) -> Request:
    return Request("GET", URL + path)


def answer(text: str) -> Response:
    return Response(200, {}, text.encode())


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def rig(flavour: str, *lines: Any) -> Rig:
    return Rig(flavour, list(lines), VirtualClock())


def body(reply: object) -> str:
    assert isinstance(reply, Response)
    return reply.body.decode()


# -- the journal -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_flow_notes_intents_and_recalls_them(
    flavour: str, kind: str, tmp_path: Path
) -> None:
    journal = journal_at(tmp_path / "orders.db" if kind == "file" else None)

    def flow() -> Flow[object]:
        noted = yield Note((intent(),))
        assert noted == ()
        return (yield Recall(ACCOUNT))

    assert Rig(flavour, [], VirtualClock(), journal).run(flow()) == (intent(),)
    journal.close()


def test_a_listing_may_note_and_recall(flavour: str) -> None:
    def flow() -> Pages[object]:
        yield Note((intent(),))
        recalled = yield Recall(ACCOUNT)
        assert isinstance(recalled, tuple)
        yield Page([x.client_order_id for x in recalled])

    journal = MemoryJournal()
    assert Rig(flavour, [], VirtualClock(), journal).listed(flow()) == ["one"]
    assert Rig(flavour, [], VirtualClock()).run(collect(flow())) == ["one"]
    assert Rig(flavour, [], VirtualClock()).listed(limited(flow(), 1)) == ["one"]


@pytest.mark.parametrize("step", [Note((intent(),)), Recall(ACCOUNT)])
def test_a_journal_that_fails_is_thrown_in_and_may_be_caught(
    flavour: str, step: Note | Recall, tmp_path: Path
) -> None:
    (tmp_path / "orders.db").write_bytes(b"no database" * 500)
    journal = journal_at(tmp_path / "orders.db")

    def flow() -> Flow[str]:
        try:
            yield step
        except JournalError as error:
            return f"caught {error.message}"
        return "kept"

    told = Rig(flavour, [], VirtualClock(), journal).run(flow())
    assert told.startswith("caught the journal")


class Slow(MemoryJournal):
    """A journal that waits for a disk, until it may go on."""

    is_blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.may_go_on = threading.Event()
        self.threads: set[int] = set()

    def note(self, entries: Any) -> Any:
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.may_go_on.wait(30)
        return super().note(entries)


async def test_a_journal_that_waits_for_a_disk_does_not_hold_up_the_loop() -> None:
    journal = Slow()
    driver = AsyncDriver(AsyncScriptedTransport([]), journal=journal)

    def flow() -> Flow[object]:
        yield Note((intent(),))
        return (yield Recall(ACCOUNT))

    noting = asyncio.create_task(driver.run(flow()))
    assert await asyncio.to_thread(journal.begun.wait, 30)
    assert not noting.done()
    journal.may_go_on.set()
    assert await noting == (intent(),)
    assert threading.get_ident() not in journal.threads
    assert await driver.compact(START) == 0
    await driver.close()
    await driver.close()


async def test_what_is_cancelled_while_it_is_noted_is_closed_at_once() -> None:
    journal = Slow()
    driver = AsyncDriver(AsyncScriptedTransport([]), journal=journal)
    said = []

    def flow() -> Flow[None]:
        try:
            yield Note((intent(),))
        except GeneratorExit:
            said.append("closed")
            raise

    noting = asyncio.create_task(driver.run(flow()))
    assert await asyncio.to_thread(journal.begun.wait, 30)
    noting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await noting
    assert said == ["closed"]
    journal.may_go_on.set()
    await driver.close()


# -- one result ------------------------------------------------------------------------


def test_a_flow_is_sent_the_answers_and_returns_its_result(flavour: str) -> None:
    def flow() -> Flow[str]:
        one = yield get("a")
        slept = yield Sleep(2.5)
        two = yield get("b")
        assert slept is None
        return body(one) + body(two)

    stand = rig(flavour, answer("1"), answer("2"))
    assert stand.run(flow()) == "12"
    assert stand.sleeps == [2.5]
    assert [r.url for r in stand.requests] == [URL + "a", URL + "b"]


def test_a_flow_that_asks_for_nothing_is_done_at_once(flavour: str) -> None:
    def flow() -> Flow[int]:
        return 7
        yield Sleep(1)

    assert rig(flavour).run(flow()) == 7


def test_a_network_error_is_thrown_in_and_may_be_caught(flavour: str) -> None:
    def flow() -> Flow[str]:
        try:
            yield get("a")
        except NetworkError as error:
            return f"caught {error.message}"
        return "answered"

    assert rig(flavour, ConnectionLost("gone")).run(flow()) == "caught gone"


def test_another_error_of_the_transport_ends_the_flow(flavour: str) -> None:
    closed = []

    def flow() -> Flow[str]:
        try:
            yield get("a")
        finally:
            closed.append(True)
        return ""

    def refuse(_: Request) -> Response:
        raise BadRequest("this transport is closed")

    with pytest.raises(BadRequest):
        rig(flavour, refuse).run(flow())
    assert closed == [True]


def test_what_a_transport_will_not_send_is_thrown_in_and_may_be_caught(
    flavour: str,
) -> None:
    def flow() -> Flow[str]:
        try:
            yield get("a")
        except BadRequest as error:
            return f"caught {error.message}"
        return "answered"

    def refuse(_: Request) -> Response:
        raise BadRequest("closed")

    assert rig(flavour, refuse).run(flow()) == "caught closed"


def test_what_a_flow_raises_reaches_the_caller(flavour: str) -> None:
    def flow() -> Flow[str]:
        yield get("a")
        raise ConnectionLost("as the flow says")

    with pytest.raises(ConnectionLost, match="as the flow says"):
        rig(flavour, answer("1")).run(flow())


def test_an_interrupt_closes_the_flow(flavour: str) -> None:
    said = []

    def flow() -> Flow[str]:
        try:
            yield get("a")
        except GeneratorExit:
            said.append("interrupted")
            raise
        return ""

    def interrupt(_: Request) -> Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rig(flavour, interrupt).run(flow())
    assert said == ["interrupted"]


# -- begun ahead -----------------------------------------------------------------------


def ahead() -> Flow[str]:
    pending = yield Start(get("a"))
    assert isinstance(pending, Pending)
    yield Sleep(1)
    return body((yield pending))


def test_a_request_that_was_begun_is_waited_for_later(flavour: str) -> None:
    assert rig(flavour, answer("1")).run(ahead()) == "1"


def test_its_failure_comes_when_it_is_asked_for(flavour: str) -> None:
    with pytest.raises(ConnectionLost, match="gone"):
        rig(flavour, ConnectionLost("gone")).run(ahead())


def test_what_was_begun_and_never_asked_for_is_left(flavour: str) -> None:
    def flow() -> Flow[str]:
        yield Start(get("a"))
        return "done"

    assert rig(flavour, answer("1")).run(flow()) == "done"


async def test_a_task_begun_and_never_asked_for_is_cancelled() -> None:
    ended = []

    class Slow:
        async def send(self, request: Request) -> Response:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                ended.append(request.url)
                raise
            return answer("")

        async def sleep(self, seconds: float) -> None:
            """Return at once."""

        async def close(self) -> None:
            """Nothing is open."""

    def flow() -> Flow[str]:
        yield Start(get("a"))
        return "done"

    assert await AsyncDriver(Slow()).run(flow()) == "done"
    assert ended == [URL + "a"]
    assert len(asyncio.all_tasks()) == 1


async def test_cancelling_the_caller_closes_the_flow_and_its_requests() -> None:
    said = []

    class Slow:
        async def send(self, request: Request) -> Response:
            await asyncio.sleep(3_600)
            return answer("")

        async def sleep(self, seconds: float) -> None:
            """Return at once."""

        async def close(self) -> None:
            """Nothing is open."""

    def flow() -> Flow[str]:
        try:
            yield Start(get("a"))
            yield get("b")
        finally:
            said.append("closed")
        return ""

    task = asyncio.create_task(AsyncDriver(Slow()).run(flow()))
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said == ["closed"]
    assert len(asyncio.all_tasks()) == 1


# -- pages -----------------------------------------------------------------------------


def two_pages(log: list[str]) -> Pages[int]:
    try:
        yield get("1")
        yield Page([1, 2])
        pending = yield Start(get("2"))
        assert isinstance(pending, Pending)
        yield pending
        yield Page([3])
    finally:
        log.append("closed")


def test_items_come_as_the_pages_do(flavour: str) -> None:
    log: list[str] = []
    stand = rig(flavour, answer("a"), answer("b"))
    assert stand.listed(two_pages(log)) == [1, 2, 3]
    assert log == ["closed"]


def test_leaving_a_listing_early_reads_no_further(flavour: str) -> None:
    log: list[str] = []
    stand = rig(flavour, answer("a"), answer("b"))
    assert stand.listed(two_pages(log), take=1) == [1]
    assert log == ["closed"]
    assert len(stand.requests) == 1


def test_nothing_is_asked_before_the_first_item_is(flavour: str) -> None:
    stand = rig(flavour, answer("a"))
    if flavour == "blocking":
        listing: Iterator[int] = BlockingDriver(stand.transport).pages(two_pages([]))
        assert stand.requests == []
        listing.close()  # type: ignore[attr-defined]
    else:
        lazy: AsyncIterator[int] = AsyncDriver(stand.transport).pages(two_pages([]))
        assert stand.requests == []
        asyncio.run(lazy.aclose())  # type: ignore[attr-defined]


# -- threads ---------------------------------------------------------------------------


def test_closing_ends_the_threads_that_fetch_ahead() -> None:
    transport = ScriptedTransport([answer("1")])
    driver = BlockingDriver(transport)
    assert driver.run(ahead()) == "1"
    driver.close()
    names = [thread.name for thread in threading.enumerate()]
    assert "unified-exchanges-ahead" not in names
    driver.close()


def test_one_driver_serves_many_threads() -> None:
    transport = ScriptedTransport([answer(str(n)) for n in range(40)])
    driver = BlockingDriver(transport)

    def flow() -> Flow[str]:
        one = yield get("a")
        two = yield get("b")
        return body(one) + body(two)

    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(driver.run(flow())))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert transport.remaining == 0


async def test_many_flows_run_side_by_side() -> None:
    transport = AsyncScriptedTransport([answer(str(n)) for n in range(40)])
    driver = AsyncDriver(transport)

    def flow() -> Flow[str]:
        one = yield get("a")
        two = yield get("b")
        return body(one) + body(two)

    found = await asyncio.gather(*(driver.run(flow()) for _ in range(20)))
    assert len(found) == 20
    await driver.close()
