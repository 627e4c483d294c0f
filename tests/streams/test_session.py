"""When to try again, when to stop, and what to say about it: stepped by hand."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import (
    AuthenticationError,
    ConnectionLost,
    InternalError,
    PermissionDenied,
)
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.streams.session import Dial, Session, UpgradeRefused

LOST = ConnectionLost("the network went away")


class Story:
    """A session on a virtual clock."""

    def __init__(self, **policy: Any) -> None:
        self.clock = VirtualClock()
        self.observed: list[tuple[str | None, float, float]] = []
        dial = Dial(
            url="ws://venue.test/stream",
            headers=dict,
            observe=lambda *seen: self.observed.append(seen),
            venue="toy",
        )
        self.policy = StreamPolicy(**policy)
        self.session = Session(dial, self.policy, self.clock, Random(7))

    def connect(self, lasting: float = 0.0) -> Any:
        self.session.begin()
        event = self.session.made()
        self.clock.advance(lasting)
        return event

    def lose(self, code: str | None = None) -> float:
        return self.session.failed(ConnectionLost("lost", code=code))

    def refuse(self, status: int, **headers: str) -> float:
        self.session.begin()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.failed(UpgradeRefused(status, named, "no"))


def longest(story: Story, attempts: int) -> list[float]:
    """The most that the dice could have said for each attempt."""
    return [min(30.0, 2.0**n) for n in range(attempts)]


def test_waits_grow_to_the_cap_and_are_drawn_from_all_of_it() -> None:
    story = Story()
    waits = []
    for _ in range(8):
        story.session.begin()
        waits.append(story.session.failed(LOST))
    assert all(0 <= w <= most for w, most in zip(waits, longest(story, 8), strict=True))
    assert len(set(waits)) == 8


def test_fault_42_connections_that_do_not_last_make_no_handshake_storm() -> None:
    story = Story()
    handshakes = 0
    while story.clock.monotonic() < 600:
        story.connect(lasting=0.1)
        handshakes += 1
        story.clock.advance(story.lose())
    # Full jitter up to 30 s: about 40 in ten minutes, where 100 a minute were possible.
    assert handshakes < 70


def test_fault_42_flapping_is_degraded_until_a_connection_lasts() -> None:
    story = Story()
    states = []
    for _ in range(4):
        story.connect(lasting=1.0)
        states.append(story.session.state)
        story.lose()
    assert states == ["live", "live", "live", "degraded"]
    assert story.session.state == "degraded"
    story.connect(lasting=59.0)
    assert story.session.state == "degraded"
    story.clock.advance(1.0)
    assert story.session.state == "live"


def test_a_connection_that_lasted_starts_the_waits_anew() -> None:
    story = Story()
    for _ in range(8):
        story.connect()
        story.lose()
    story.connect(lasting=60.0)
    assert story.lose() <= 1.0
    assert story.session.state == "connecting"


def test_a_reconnection_tells_the_downtime_and_the_attempts() -> None:
    story = Story()
    assert story.connect(lasting=5.0) is None
    story.lose()
    story.clock.advance(2.5)
    story.session.begin()
    story.session.failed(LOST)
    story.clock.advance(1.5)
    event = story.connect()
    assert (event.downtime, event.attempts) == (4.0, 2)
    assert event.at.timestamp() == story.clock.now()
    assert story.session.connections == 2


def test_a_connection_is_lost_when_it_broke_and_not_after_the_goodbye() -> None:
    story = Story()
    story.connect(lasting=5.0)
    story.session.broke()
    assert (story.session.is_connected, story.session.state) == (False, "connecting")
    story.clock.advance(1.0)
    story.session.broke()
    story.lose()
    story.clock.advance(2.5)
    assert story.connect().downtime == 3.5


def test_states_before_during_and_after() -> None:
    story = Story()
    states = [story.session.state]
    story.session.begin()
    states.append(story.session.state)
    story.session.made()
    states.append(story.session.state)
    story.lose()
    states.append(story.session.state)
    story.session.stop(None)
    states.append(story.session.state)
    assert states == ["idle", "connecting", "live", "connecting", "stopped"]


@pytest.mark.parametrize("code", ["1012", "1013"])
def test_fault_41_a_venue_that_restarts_pauses_the_stream(code: str) -> None:
    story = Story()
    story.connect(lasting=60.0)
    waits = [story.lose(code)]
    assert story.session.state == "paused"
    for _ in range(30):
        story.connect(lasting=60.0)
        waits.append(story.lose(code))
    # Drawn from 8 s: everybody is thrown out at the same moment.
    assert 4.0 < max(waits) <= 8.0
    story.connect()
    assert story.session.state == "live"


@pytest.mark.parametrize("status", [429, 503])
def test_fault_41_a_venue_that_is_busy_pauses_the_stream(status: int) -> None:
    story = Story()
    assert 20.0 <= story.refuse(status, retry_after="20") <= 28.0
    assert story.session.state == "paused"
    assert story.session.last_error == f"HTTP {status}: no"


def test_other_refusals_are_tried_again() -> None:
    story = Story()
    assert story.refuse(404, retry_after="soon") <= 1.0
    assert story.session.state == "connecting"


def test_fault_37_a_refused_key_is_tried_once_more_by_the_venues_clock() -> None:
    story = Story()
    now = story.clock.now()
    assert story.refuse(401, date="Sat, 21 Nov 2026 12:00:00 GMT") == 0.0
    assert story.observed == [("Sat, 21 Nov 2026 12:00:00 GMT", now, now)]
    with pytest.raises(AuthenticationError, match="does not accept the key") as caught:
        story.refuse(401)
    error = caught.value
    assert (error.venue, error.status, error.payload) == ("toy", 401, "no")


@pytest.mark.parametrize("step", [-3_600.0, -2.0, 3_600.0])
def test_fault_44_a_clock_that_is_set_during_an_attempt_does_not_spoil_its_time(
    step: float,
) -> None:
    story = Story()
    story.session.begin()
    story.clock.advance(0.1)
    story.clock.step(step)
    story.session.failed(UpgradeRefused(401, {"date": "then"}, "no"))
    now = story.clock.now()
    assert story.observed == [("then", pytest.approx(now - 0.1, abs=0.01), now)]


def test_fault_37_a_key_without_permission_is_told_as_such() -> None:
    story = Story()
    story.refuse(403)
    with pytest.raises(PermissionDenied):
        story.refuse(403)


def said(*, key: bool) -> Story:
    """A story in which the key is said in a frame, or none is."""
    story = Story()
    story.session.dial = attrs.evolve(story.session.dial, says_key=key)
    return story


def test_fault_37_a_key_that_is_said_in_a_frame_and_refused_again_ends_it() -> None:
    story = said(key=True)
    story.connect()
    story.lose("1008")
    story.connect()
    with pytest.raises(AuthenticationError, match="does not accept the key") as caught:
        story.lose("1008")
    assert (caught.value.venue, caught.value.code) == ("toy", "1008")


def test_a_stream_that_has_lasted_forgives_a_refusal_of_what_was_said() -> None:
    story = said(key=True)
    for lasting in (0.0, 3_600.0, 3_600.0):
        story.connect(lasting)
        story.lose("1008")


def test_a_stream_to_which_no_key_is_said_is_not_refused_by_its_end() -> None:
    story = said(key=False)
    for _ in range(4):
        story.connect()
        story.lose("1008")
    story = said(key=True)
    for _ in range(4):
        story.connect()
        story.lose("1011")


def test_a_connection_in_between_forgives_a_refusal() -> None:
    story = Story()
    story.refuse(401)
    story.connect()
    story.lose()
    assert story.refuse(401) == 0.0


def test_who_waits_in_vain_is_told_of_the_last_try() -> None:
    story = Story()
    assert str(story.session.late(2.0)) == "toy: no stream within 2 s"
    story.refuse(502)
    late = story.session.late(2.0)
    assert str(late) == "toy: no stream within 2 s; the last try: HTTP 502: no"
    assert str(story.session.closed()) == "toy: the stream is closed"


def test_the_end_is_told_with_its_reason() -> None:
    story = Story()
    story.session.stop(AuthenticationError("a wrong key"))
    assert story.session.last_error == "a wrong key"


def test_p11_a_mistake_of_ours_is_named_as_one_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mistake = KeyError("A")
    told = Story().session.typed(mistake)
    assert isinstance(told, InternalError)
    assert (told.__cause__, told.venue) == (mistake, "toy")
    assert str(told) == (
        "toy: the stream has ended by a mistake of this library, and nothing is followed "
        "any more (KeyError: 'A'). Watch again, and please report it with the log"
    )
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is mistake


def test_p11_an_error_that_is_no_mistake_ends_the_stream_as_it_is() -> None:
    error = AuthenticationError("a wrong key")
    session = Story().session
    assert (session.typed(error), session.typed(None)) == (error, None)


def test_headers_are_not_shown_by_a_dial() -> None:
    dial = Dial(url="ws://venue.test", headers=lambda: {"x": "secret"})
    assert repr(dial) == "Dial(url='ws://venue.test', timeout=10.0, venue=None)"
    dial.observe(None, 0.0, 0.0)


def test_b2_the_error_that_stopped_it_is_newer_than_what_the_protocol_told() -> None:
    story = Story()
    story.session.failed(LOST, "nothing was heard for 28 s")
    told = "nothing was heard for 28 s"
    assert story.session.newest(told) == str(LOST)
    story.session.stop(AuthenticationError("check the key"), told)
    assert story.session.newest(told) == "check the key"


def test_b2_what_the_protocol_told_since_a_break_is_newer() -> None:
    story = Story()
    story.session.failed(LOST, "old")
    assert story.session.newest("the book of A is not right") == (
        "the book of A is not right"
    )
    assert Story().session.newest("only this") == "only this"


def test_c5_a_stream_that_is_subscribing_is_connecting() -> None:
    story = Story()
    story.session.begin()
    story.session.made()
    states = [story.session.state_with(x) for x in ("idle", "connecting", "degraded")]
    assert states == ["live", "connecting", "degraded"]
