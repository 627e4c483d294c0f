"""The interpreter of dry runs, over a venue of its own: one place lets nothing out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.journal.samples import ACCOUNT, intent
from tests.toy import ToyVenue, answer
from unified_exchanges.drivers import dry_run as module
from unified_exchanges.drivers.aio import AsyncDriver
from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.drivers.dry_run import DryRun
from unified_exchanges.errors import BadRequest, ConnectionLost, NotSupported, ReadOnly
from unified_exchanges.flow import (
    AskIntent,
    DayStart,
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
)
from unified_exchanges.models import Account, DryRunReport
from unified_exchanges.settings import Settings
from unified_exchanges.testing.scripted import AsyncScriptedTransport, ScriptedTransport

URL = "https://demo.toy.test/api"
READ = Request("GET", f"{URL}/orders")
WRITE = Request("POST", f"{URL}/orders", body=b"{}")


class Rehearsed(ToyVenue):
    """Answers each write with what it has read, and shows reads as they are."""

    def rehearse(self, request: Request) -> Flow[tuple[Response, DryRunReport]]:
        seen = yield READ
        assert isinstance(seen, Response)
        report = DryRunReport(
            at=datetime(2026, 11, 21, tzinfo=UTC),
            method=request.method,
            url=request.url,
            headers={},
            body=None,
            status=201,
        )
        return Response(201, {}, b"would: " + seen.body), report


def venue(kind: type[ToyVenue] = Rehearsed) -> ToyVenue:
    return kind(Settings(environment="demo"))


@pytest.fixture(params=["blocking", "async"])
def drive(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Run a flow in a dry run of either flavour; its result, and what was sent."""

    def run(flow: Any, *answers: Any, dry_run: DryRun | None = None) -> Any:
        dry_run = dry_run or DryRun(venue())
        if request.param == "blocking":
            line = ScriptedTransport(answers)
            driver = BlockingDriver(line, dry_run)
            result = driver.run(flow)
            driver.close()
            return result, line
        async_line = AsyncScriptedTransport(answers)
        return asyncio.run(_run(flow, async_line, dry_run)), async_line

    return run


async def _run(flow: Any, line: AsyncScriptedTransport, dry_run: DryRun) -> Any:
    driver = AsyncDriver(line, dry_run)
    result = await driver.run(flow)
    await driver.close()
    return result


def asks(*steps: Any) -> Flow[list[Any]]:
    got: list[Any] = []
    for step in steps:
        try:
            got.append((yield step))
        except (BadRequest, ConnectionLost) as error:
            got.append(error)
    return got


def test_a_write_is_answered_and_reported_and_only_reads_are_sent(drive: Any) -> None:
    dry_run = DryRun(venue())
    flow = asks(READ, WRITE, Sleep(1.0))
    (read, written, slept), line = drive(flow, answer(1), answer(2), dry_run=dry_run)
    assert (read.body, written.body, slept) == (b"1", b"would: 2", None)
    assert [request.method for request in line.requests] == ["GET", "GET"]
    assert line.sleeps == [1.0]
    (report,) = dry_run.reports
    assert (report.exposure, report.market_ids) == (None, ())
    assert str(report) == (
        f"DRY RUN, not sent: POST {URL}/orders\n"
        "  answered 201; cost not known, fee at most not known"
    )


def test_an_error_reaches_the_flow(drive: Any) -> None:
    lost = ConnectionLost("gone")
    (read, written, again), _ = drive(
        asks(READ, WRITE, READ), lost, ConnectionLost("gone"), answer(3)
    )
    assert (read, type(written), again.body) == (lost, ConnectionLost, b"3")


def test_nothing_is_written_down_and_nothing_is_left_open(drive: Any) -> None:
    flow = asks(Note((intent(),)), Recall(ACCOUNT), AskIntent(ACCOUNT, "one"))
    assert drive(flow)[0] == [(), (), None]


def test_the_first_equity_of_a_day_is_remembered(drive: Any) -> None:
    day, other = date(2026, 11, 21), Account("kalshi", "demo", "ffff")
    first, later = Decimal(100), Decimal(90)
    steps = [
        DayStart(ACCOUNT, day, first),
        DayStart(ACCOUNT, day, later),
        DayStart(ACCOUNT, day + timedelta(days=1), later),
        DayStart(other, day, later),
    ]
    got, _ = drive(asks(*steps))
    assert got == [first, first, later, later]


def test_the_last_reports_are_kept(drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    dry_run = DryRun(venue())
    writes = [Request("POST", f"{URL}/orders/{n}") for n in range(5)]
    drive(asks(*writes), *[answer(n) for n in range(5)], dry_run=dry_run)
    assert [x.url for x in dry_run.reports] == [x.url for x in writes[2:]]


def begins(request: Request) -> Flow[Any]:
    pending = yield Start(request)
    assert isinstance(pending, Pending)
    try:
        return (yield pending)
    except BadRequest as error:
        return error


def test_what_is_begun_ahead_is_read_or_refused_by_the_fence(drive: Any) -> None:
    assert drive(begins(READ), answer(1))[0].body == b"1"
    refused, line = drive(begins(WRITE))
    assert (type(refused), line.requests) == (ReadOnly, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "get"])
def test_the_fence_alone_lets_nothing_out_but_get(method: str) -> None:
    line, other = ScriptedTransport([]), AsyncScriptedTransport([])
    request = Request(method, URL)
    with pytest.raises(ReadOnly, match="dry run"):
        BlockingDriver(line, DryRun(venue()))._transport.send(request)
    with pytest.raises(ReadOnly, match="dry run"):
        asyncio.run(AsyncDriver(other, DryRun(venue()))._transport.send(request))
    assert (line.requests, other.requests) == ([], [])


def test_a_post_that_only_asks_passes_the_fence(drive: Any) -> None:
    asked = Request("POST", URL, body=b"[]", reads=True)
    (found,), line = drive(asks(asked), answer(1))
    assert (found.body, line.requests) == (b"1", [asked])


def listing() -> Pages[int]:
    yield Page([1])
    seen = yield WRITE
    assert isinstance(seen, Response)
    yield Page([len(seen.body)])


def test_pages_go_through() -> None:
    driver = BlockingDriver(ScriptedTransport([answer(1)]), DryRun(venue()))
    assert list(driver.pages(listing())) == [1, 8]


async def test_pages_go_through_async() -> None:
    driver = AsyncDriver(AsyncScriptedTransport([answer(1)]), DryRun(venue()))
    assert [item async for item in driver.pages(listing())] == [1, 8]


def test_a_venue_that_cannot_rehearse_is_refused_at_once() -> None:
    with pytest.raises(NotSupported, match="has no dry_run"):
        DryRun(venue(ToyVenue))
    with pytest.raises(NotSupported):
        venue(ToyVenue).rehearse(WRITE)
    assert venue(ToyVenue).rehearsed(READ, None) is None
