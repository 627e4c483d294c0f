"""Venues that tell over several connections: which is which, and how they do together."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.toy import toy
from unified_exchanges.errors import NotSupported
from unified_exchanges.models import Subject
from unified_exchanges.models.streams import IDLE, StreamHealth
from unified_exchanges.streams.health import together
from unified_exchanges.streams.line import Line

from .samples import moment
from .toy import ToyStream


def test_a_venue_has_one_line_for_everything_unless_it_says_otherwise() -> None:
    class Streaming(type(toy())):  # type: ignore[misc]
        stream_url = "wss://toy.test/ws"

        def stream(self) -> Any:
            return ToyStream(clock=self.clock)

        def stream_headers(self) -> dict[str, str]:
            return {"x-key": "k"}

    venue = Streaming(toy().settings)
    [line] = venue.lines()
    assert isinstance(line, Line)
    assert (line.subjects, line.prepare) == (frozenset(Subject), None)
    assert (line.dial.url, line.dial.headers()) == ("wss://toy.test/ws", {"x-key": "k"})
    assert venue.line_of(Subject.FILLS).name == line.name
    assert isinstance(line.open(), ToyStream)
    venue.require_stream("watch_orders")


def test_a_venue_without_a_stream_has_none() -> None:
    with pytest.raises(NotSupported):
        toy().require_stream("watch_orders")
    with pytest.raises(NotSupported):
        toy().lines()


def health(**more: Any) -> StreamHealth:
    return attrs.evolve(IDLE, **more)


def test_none_is_idle_and_one_is_itself() -> None:
    one = health(state="live", messages=3)
    assert (together([]), together([one])) == (IDLE, one)


def test_several_are_as_good_as_the_worst_and_as_much_as_all() -> None:
    told = together(
        [
            health(
                state="live",
                messages=3,
                connections=1,
                silence_ms=2_000.0,
                unknown_fields=("b", "a"),
                last_message_at=moment(5),
                stale_ms=1_500.0,
            ),
            health(
                state="degraded",
                messages=4,
                connections=2,
                silence_ms=None,
                unknown_fields=("a",),
                last_message_at=moment(7),
                last_reconciled_at=moment(6),
                last_error="the key",
            ),
        ]
    )
    assert (told.state, told.messages, told.connections) == ("degraded", 7, 3)
    assert (told.silence_ms, told.unknown_fields) == (2_000.0, ("a", "b"))
    assert (told.last_message_at, told.last_reconciled_at) == (moment(7), moment(6))
    assert (told.last_error, told.stale_ms) == ("the key", 1_500.0)
    assert together([health(state="live"), health(state="live")]).last_error == ""
