"""What was known ends when the connection does, not when the goodbye has been answered."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from unified_exchanges.transports.handshake import GOODBYE

from .conftest import Start
from .runner import Runner
from .talker import Talker, goodbye, text

BINARY = b"\x82\x02{}"
PATIENCE = GOODBYE + 2.0
"""Seconds for a goodbye and a new connection, on a machine that is busy."""


def replaced(stream: Runner) -> Any:
    """Wait for another connection; the event that tells of it."""
    assert stream.wait(lambda: bool(stream.named("Reconnected")), PATIENCE + 2.0)
    return stream.named("Reconnected")[0]


def kinds(stream: Runner) -> list[str]:
    """What was told, without repetitions."""
    names = [type(event).__name__ for event in stream.events]
    return [x for x, before in zip(names, [None, *names], strict=False) if x != before]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (text("doubt a command without answer"), "a command without answer"),
        (BINARY, "with code 1003"),
    ],
    ids=["given up", "binary"],
)
def test_fault_34_a_venue_that_talks_on_cannot_hold_a_connection_that_is_given_up(
    stack: ExitStack, runner: Start, said: bytes, reason: str
) -> None:
    talker = stack.enter_context(Talker(text("tick"), said))
    stream = runner(talker.stream_url)
    stream.start()
    told = replaced(stream)
    assert reason in stream.protocol.reasons[0]
    assert talker.left.wait(PATIENCE)
    # Lost before the goodbye, which took its time in vain, and nothing heard during it.
    assert GOODBYE * 0.9 < told.downtime < PATIENCE
    assert kinds(stream) == ["Tick", "Gap", "Reconnected"]


def test_fault_34_a_stream_that_says_goodbye_is_not_live(
    stack: ExitStack, runner: Start
) -> None:
    talker = stack.enter_context(Talker(text("doubt silence")))
    stream = runner(talker.stream_url)
    states: list[Any] = []

    def look() -> None:
        states.append((stream.driver.is_connected, stream.driver.health().state))

    def gap() -> None:
        stream.wait(lambda: bool(stream.named("Gap")))
        look()

    watching = threading.Thread(target=gap)
    watching.start()
    stream.start()
    watching.join(PATIENCE)
    assert states == [(False, "connecting")]


def test_fault_41_a_venue_that_says_goodbye_and_stays_is_lost_at_once(
    stack: ExitStack, runner: Start
) -> None:
    bye = goodbye(1012, "restart")
    talker = stack.enter_context(Talker(text("tick"), bye, talks_on=False))
    stream = runner(talker.stream_url)
    stream.start()
    told = replaced(stream)
    assert "with code 1012: restart" in stream.protocol.reasons[0]
    # aiohttp does not wait for the venue to hang up.
    assert told.downtime > (0.0 if stream.name == "aiohttp" else GOODBYE * 0.9)
    assert told.downtime < PATIENCE
    assert kinds(stream) == ["Tick", "Gap", "Reconnected"]


def test_fault_47_closing_takes_no_longer_though_the_venue_talks_on(
    stack: ExitStack, runner: Start
) -> None:
    talker = stack.enter_context(Talker())
    stream = runner(talker.stream_url)
    stream.start()
    assert stream.wait(lambda: "tick" in stream.texts)
    began = time.monotonic()
    stream.close()
    took = time.monotonic() - began
    assert took < PATIENCE
    assert talker.left.wait(PATIENCE)
    assert stream.ends == [None]
    assert "closed" in stream.protocol.reasons[0]
