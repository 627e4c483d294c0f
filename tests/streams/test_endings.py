"""However a program ends, the venue is told, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .conftest import Open
from .venue import Visit

ROOT = Path(__file__).parents[2]
ASYNC = """
    import asyncio
    from random import Random
    from tests.streams.runner import FAST
    from tests.streams.toy import ToyStream
    from unified_exchanges.clock import SystemClock
    from unified_exchanges.drivers.aio_streaming import AsyncStreamDriver
    from unified_exchanges.policy import StreamPolicy
    from unified_exchanges.streams.session import Dial

    def make():
        return AsyncStreamDriver(
            ToyStream(clock=SystemClock()),
            Dial(url=URL, headers=dict),
            policy=StreamPolicy(**FAST, driver=DRIVER),
            clock=SystemClock(),
            rng=Random(7),
            sink=lambda events: None,
        )
"""
BLOCKING = """
    from tests.streams.runner import Runner
    stream = Runner("blocking", URL)
    stream.wait_connected()
"""
ENDINGS = {
    "blocking, forgotten": BLOCKING,
    "blocking, interrupted": BLOCKING
    + """
    print("ready", flush=True)
    stream.wait(lambda: False, 30)
""",
    "blocking, dropped at the end": BLOCKING
    + """
    from unified_exchanges.drivers.dropped import close_when_dropped
    class Owner: pass
    owner = Owner()
    close_when_dropped(owner, stream.driver.close)
    del owner
""",
    "asyncio, forgotten": ASYNC
    + """
    async def main():
        stream = make()
        await stream.wait_connected(5)

    asyncio.run(main())
""",
    "asyncio, interrupted": ASYNC
    + """
    async def main():
        stream = make()
        await stream.wait_connected(5)
        print("ready", flush=True)
        await asyncio.sleep(30)

    asyncio.run(main())
""",
    "asyncio, closed after its loop": ASYNC
    + """
    async def main():
        stream = make()
        await stream.wait_connected(5)
        return stream

    stream = asyncio.run(main())
    asyncio.run(stream.aclose())
    assert stream.is_stopped
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("library", ["websockets", "aiohttp"])
def test_fault_47_the_venue_gets_a_goodbye_and_nobody_a_warning(
    venue: Open, ending: str, library: str
) -> None:
    if ending.startswith("blocking") and library == "aiohttp":
        return
    server = venue(Visit.serve)
    program = f"URL, DRIVER = {server.url!r}, {library!r}\n"
    program += textwrap.dedent(ENDINGS[ending])
    command = [sys.executable, "-W", "error", "-c", program]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        if ending.endswith("interrupted"):
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    problems = [x for x in said.splitlines() if "Warning" in x or "never" in x]
    assert problems == []
    if not ending.endswith("interrupted"):
        assert said == ""
    assert server.wait(lambda: bool(server.codes))
    assert server.codes == [1000]
