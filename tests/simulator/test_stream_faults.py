"""What a plan does to a stream, in process and on a virtual clock."""

from __future__ import annotations

import json
from math import inf
from random import Random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import ConnectionLost, RequestTimeout
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import (
    Fault,
    FaultPlan,
    FaultyStream,
    FaultyVenue,
    NotText,
    StreamFault,
    StreamKind,
    StreamPlan,
    unavailable,
)

from .stage import Stage, ToySession, frame

ASK = Request("GET", "http://127.0.0.1/ws", timeout=10.0)


class Line:
    """A toy session behind faults."""

    def __init__(self, *faults: StreamFault, seed: int = 0) -> None:
        self.clock = VirtualClock(0.0)
        self.session = ToySession()
        self.plan = StreamPlan(faults, rng=Random(seed))
        self.stream = FaultyStream(self.session, self.plan, self.clock)

    def heard(self, *frames: str) -> list[str | bytes]:
        """What comes of these frames now."""
        self.session.say(*frames)
        return self.stream.data_to_send()

    def later(self, seconds: float) -> list[str | bytes]:
        """What comes after so long."""
        self.clock.advance(seconds)
        return self.stream.data_to_send()


def ticks(*numbers: int, sid: int = 1) -> list[str]:
    return [frame(sid=sid, seq=number) for number in numbers]


def numbers(frames) -> list[int]:
    return [json.loads(text)["seq"] for text in frames]


def test_without_a_fault_all_comes_as_it_was_said() -> None:
    line = Line()
    assert line.heard("not even JSON", *ticks(1)) == ["not even JSON", *ticks(1)]


def test_commands_reach_the_venue() -> None:
    line = Line()
    line.stream.receive("hello")
    line.stream.receive(b"again")
    assert line.session.heard == ["hello", b"again"]


def test_news_wake_whoever_waits() -> None:
    line, woken = Line(), []
    line.stream.wake = lambda: woken.append(1)
    line.session.say("x")
    assert woken == [1]


def test_who_leaves_is_forgotten() -> None:
    line = Line()
    line.stream.close()
    assert line.session.is_closed


# Frames


def test_a_dropped_frame_is_lost_with_its_number() -> None:
    line = Line(StreamFault("drop", nth=2))
    assert numbers(line.heard(*ticks(1, 2, 3))) == [1, 3]
    assert [kind for _, kind in line.plan.struck] == ["tick"]


def test_a_duplicate_comes_twice() -> None:
    line = Line(StreamFault("duplicate", nth=2))
    assert numbers(line.heard(*ticks(1, 2, 3))) == [1, 2, 2, 3]


def test_a_frame_changes_places_with_those_behind_it() -> None:
    line = Line(StreamFault("reorder", places=2))
    assert numbers(line.heard(*ticks(1, 2, 3, 4))) == [2, 3, 1, 4]


def test_a_frame_with_nobody_to_change_places_with_comes_in_the_end() -> None:
    line = Line(StreamFault("reorder", places=2, seconds=3))
    assert numbers(line.heard(*ticks(1, 2))) == [2]
    assert line.stream.next_due == 3
    assert line.later(2.9) == []
    assert numbers(line.later(0.1)) == [1]
    assert line.stream.next_due is None


def test_a_late_frame_holds_up_all_behind_it() -> None:
    line = Line(StreamFault("delay", nth=2, seconds=2))
    assert numbers(line.heard(*ticks(1, 2, 3))) == [1]
    assert line.later(1.9) == []
    assert line.stream.next_due == 2
    line.session.say(*ticks(4))
    assert numbers(line.later(0.1)) == [2, 3, 4]
    assert numbers(line.heard(*ticks(5))) == [5]


def test_a_slow_snapshot_is_a_delay_of_its_type() -> None:
    line = Line(StreamFault("delay", frame="orderbook_snapshot", seconds=5))
    snapshot, delta = frame("orderbook_snapshot"), frame("orderbook_delta")
    assert line.heard(frame("subscribed"), snapshot, delta) == [frame("subscribed")]
    assert line.later(5) == [snapshot, delta]


def test_skipped_numbers_are_skipped_for_good_and_in_one_subscription() -> None:
    line = Line(StreamFault("skip", nth=2, places=3))
    assert numbers(line.heard(*ticks(1, 2, 3))) == [1, 5, 6]
    assert numbers(line.heard(*ticks(1, sid=2), *ticks(4))) == [1, 7]


def test_numbers_can_be_skipped_twice() -> None:
    line = Line(StreamFault("skip", nth=2, every=2, count=2))
    assert numbers(line.heard(*ticks(1, 2, 3, 4, 5))) == [1, 3, 4, 6, 7]


def test_of_what_has_no_number_none_is_skipped() -> None:
    line = Line(StreamFault("skip"))
    assert line.heard(frame(sid=1)) == [frame(sid=1)]


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (StreamFault("alter"), {"side": "yes", "size": "1.00", "novelty": "novelty"}),
        (
            StreamFault("alter", field="msg.side", value="maybe"),
            {"side": "maybe", "size": "1.00"},
        ),
        (
            StreamFault("alter", field="msg.size", value=1.0),
            {"side": "yes", "size": 1.0},
        ),
        (StreamFault("strip", field="msg.size"), {"side": "yes"}),
        (StreamFault("strip", field="msg.none"), {"side": "yes", "size": "1.00"}),
    ],
)
def test_a_field_is_another_or_missing(fault, body) -> None:
    line = Line(fault)
    [text] = line.heard(frame(msg={"side": "yes", "size": "1.00"}))
    assert json.loads(text) == {"type": "tick", "msg": body}


def test_a_field_of_the_frame_itself_can_be_altered() -> None:
    [text] = Line(StreamFault("alter", field="seq", value=99)).heard(*ticks(1))
    assert numbers([text]) == [99]


def test_where_there_is_no_body_its_field_comes_into_the_frame() -> None:
    [text] = Line(StreamFault("alter", field="msg.side", value=1)).heard(frame())
    assert json.loads(text) == {"type": "tick", "side": 1}


def test_a_type_nobody_knows_comes_in_between() -> None:
    line = Line(StreamFault("insert"))
    strange, known = line.heard(*ticks(1))
    assert (json.loads(strange)["type"], known) == ("novelty", *ticks(1))


def test_anything_can_come_in_between() -> None:
    assert Line(StreamFault("insert", text=b"\x00")).heard(frame()) == [
        b"\x00",
        frame(),
    ]


def test_a_frame_comes_as_a_binary_one() -> None:
    assert Line(StreamFault("binary")).heard(frame()) == [frame().encode()]


def test_a_frame_comes_as_text_that_is_none() -> None:
    [got] = Line(StreamFault("garble")).heard(frame())
    assert isinstance(got, NotText)
    with pytest.raises(UnicodeDecodeError):
        got.decode()


def test_a_frame_is_cut_off() -> None:
    assert Line(StreamFault("truncate", keep=5)).heard(frame()) == [frame()[:5]]


def test_a_frame_is_as_large_as_you_like() -> None:
    [text] = Line(StreamFault("inflate", size=5 << 20)).heard(frame(msg={}))
    assert len(text) > 5 << 20
    assert set(json.loads(text)["msg"]) == {"padding"}


@pytest.mark.parametrize(("code", "told"), [(None, 10), (25, 25)])
def test_a_subscription_fails_and_says_no_more(code, told) -> None:
    line = Line(StreamFault("fail", nth=2, code=code))
    frames = line.heard(*ticks(1, 2, 3), *ticks(1, sid=2))
    assert frames[:2] == [*ticks(1), *ticks(1, sid=2)]
    assert json.loads(frames[2]) == {"type": "error", "sid": 1, "msg": {"code": told}}
    assert line.heard(*ticks(4)) == []


def test_what_a_failure_is_told_by_does_not_fail_again() -> None:
    line = Line(StreamFault("fail", count=None))
    [text] = line.heard(*ticks(1, 2))
    assert json.loads(text) == {"type": "error", "sid": 1, "msg": {"code": 10}}
    assert line.heard(*ticks(3)) == []


def test_each_of_so_many_failures_is_of_another_subscription() -> None:
    line = Line(StreamFault("fail", count=2))
    told = [line.heard(*ticks(1, sid=sid)) for sid in (1, 2, 3)]
    assert [json.loads(text)["type"] for [text] in told] == ["error", "error", "tick"]


def test_what_has_no_subscription_cannot_fail() -> None:
    assert Line(StreamFault("fail")).heard(frame()) == [frame()]


# Which


def test_a_fault_meets_frames_of_its_type_and_market() -> None:
    line = Line(StreamFault("drop", frame="t.*", market="A", count=None))
    kept = [
        frame("tick", msg={"market_ticker": "B"}),
        frame("other", msg={"market_ticker": "A"}),
        frame("tick", msg=[1]),
    ]
    lost = [
        frame("tick", msg={"market_ticker": "A"}),
        frame("trade", msg={"ticker": "A"}),
    ]
    assert line.heard(*lost, *kept, *lost) == kept


def test_a_fault_can_come_every_so_often() -> None:
    line = Line(StreamFault("drop", nth=2, every=3, count=None))
    assert numbers(line.heard(*ticks(*range(1, 10)))) == [1, 3, 4, 6, 7, 9]


def test_chance_is_seeded() -> None:
    def lost(seed: int) -> list[int]:
        line = Line(StreamFault("drop", probability=0.5, count=None), seed=seed)
        return numbers(line.heard(*ticks(*range(50))))

    assert lost(1) == lost(1) != lost(2)


def test_the_first_fault_that_is_due_wins() -> None:
    line = Line(StreamFault("drop"), StreamFault("duplicate", count=None))
    assert numbers(line.heard(*ticks(1, 2))) == [2, 2]


def test_a_plan_can_grow_and_be_cleared() -> None:
    line = Line()
    line.plan.add(StreamFault("drop", count=None))
    assert line.heard(*ticks(1)) == []
    line.plan.clear()
    assert numbers(line.heard(*ticks(2))) == [2]


def test_connections_share_what_a_plan_counts() -> None:
    one = Line(StreamFault("drop", nth=2))
    other = ToySession()
    second = FaultyStream(other, one.plan, one.clock)
    assert numbers(one.heard(*ticks(1))) == [1]
    other.say(*ticks(1))
    assert second.data_to_send() == []


# The connection


def test_a_close_comes_after_its_frame_and_ends_all() -> None:
    line = Line(StreamFault("close", nth=2, code=4000))
    assert numbers(line.heard(*ticks(1, 2, 3))) == [1, 2]
    assert (line.stream.closing, line.session.is_closed) == (4000, True)
    line.stream.receive("hello")
    assert (line.session.heard, line.heard(*ticks(4))) == ([], [])


def test_a_close_waits_for_what_is_late() -> None:
    line = Line(StreamFault("delay", seconds=2), StreamFault("close"))
    assert line.heard(*ticks(1, 2)) == []
    assert line.stream.closing is None
    assert numbers(line.later(2)) == [1, 2]
    assert line.stream.closing == 1001


def test_what_was_held_back_is_lost_with_the_connection() -> None:
    line = Line(StreamFault("reorder", places=5), StreamFault("close"))
    assert numbers(line.heard(*ticks(1, 2))) == [2]
    assert line.later(9) == []


def test_what_has_ended_does_not_end_again() -> None:
    line = Line(StreamFault("close", code=4000), StreamFault("reset", after=0))
    line.session.closing = 1012
    assert line.heard(*ticks(1)) == []
    assert line.stream.closing == 1006


def test_a_reset_has_no_close_frame() -> None:
    line = Line(StreamFault("reset"))
    assert numbers(line.heard(*ticks(1))) == [1]
    assert line.stream.closing == 1006


def test_the_venue_may_close_by_itself() -> None:
    line = Line()
    line.session.closing = 1012
    assert line.heard(*ticks(1)) == ticks(1)
    assert line.stream.closing == 1012


def test_a_connection_that_flaps_closes_every_so_many_frames() -> None:
    plan = StreamPlan([StreamFault("close", nth=3, every=3, count=None)])
    clock, lengths = VirtualClock(0.0), []
    for _ in range(3):
        session = ToySession()
        stream = FaultyStream(session, plan, clock)
        length = 0
        while stream.closing is None:
            session.say(*ticks(1))
            length += len(stream.data_to_send())
        lengths.append(length)
    assert lengths == [3, 3, 3]


def test_a_connection_that_flaps_closes_every_so_many_seconds() -> None:
    plan = StreamPlan([StreamFault("close", after=3, count=None)])
    clock = VirtualClock(0.0)
    for _ in range(3):
        stream = FaultyStream(ToySession(), plan, clock)
        clock.advance(2.9)
        stream.data_to_send()
        assert stream.closing is None
        clock.advance(0.1)
        stream.data_to_send()
        assert stream.closing == 1001


def test_a_fault_of_age_meets_each_connection_once() -> None:
    line = Line(StreamFault("silence", after=1, seconds=1, count=None))
    assert line.later(1) == []
    assert line.heard(*ticks(1)) == []
    assert line.later(5) == []
    assert numbers(line.heard(*ticks(2))) == [2]


def test_silence_loses_what_would_have_come() -> None:
    line = Line(
        StreamFault("delay", seconds=1),
        StreamFault("silence", frame="trade", seconds=10),
    )
    assert line.heard(*ticks(1), frame("trade"), *ticks(2)) == []
    assert line.later(9.9) == []
    assert numbers(line.later(0.1)) == []
    assert numbers(line.heard(*ticks(3))) == [3]


@pytest.mark.parametrize("pings", [True, False])
@pytest.mark.parametrize("pongs", [True, False])
def test_silence_is_with_or_without_pings_and_pongs(pings, pongs) -> None:
    line = Line(StreamFault("silence", pings=pings, pongs=pongs, seconds=5))
    line.heard(frame())
    stream = line.stream
    seen = (stream.sends_pings, stream.answers_pings, stream.is_reading)
    assert seen == (pings, pongs, True)
    line.later(5)
    assert (stream.sends_pings, stream.answers_pings) == (True, True)


@pytest.mark.parametrize(("pongs", "heard"), [(True, ["PONG"]), (False, [])])
def test_pongs_that_are_texts_come_from_what_is_frozen_with_pongs(pongs, heard) -> None:
    line = Line(StreamFault("silence", pings=True, pongs=pongs, seconds=5))
    line.heard(frame())
    assert line.heard("PONG", *ticks(1)) == heard
    line.later(5)
    assert line.heard("PONG") == ["PONG"]


def test_a_half_open_connection_does_nothing_at_all() -> None:
    line = Line(StreamFault("half_open", seconds=inf))
    assert line.heard(*ticks(1, 2)) == []
    stream = line.stream
    seen = (stream.sends_pings, stream.answers_pings, stream.is_reading)
    assert seen == (False, False, False)
    stream.receive("hello")
    assert line.session.heard == []
    assert (line.later(1e6), stream.closing) == ([], None)


def test_only_connections_have_an_age() -> None:
    with pytest.raises(ValueError, match="after goes with close"):
        StreamFault("drop", after=1)


# Commands


def test_a_command_is_refused_with_a_code() -> None:
    line = Line(StreamFault("refuse", frame="subscribe", code=27))
    command = '{"id":1,"cmd":"subscribe"}'
    line.stream.receive(command)
    [text] = line.stream.data_to_send()
    assert json.loads(text)["msg"] == {"code": 27, "to": command}
    line.stream.receive(command)
    assert line.session.heard == [command]
    assert line.plan.struck[0][1] == "subscribe"


def test_a_command_is_lost() -> None:
    line = Line(StreamFault("ignore"))
    line.stream.receive('{"cmd":"subscribe"}')
    assert (line.session.heard, line.heard()) == ([], [])


@pytest.mark.parametrize("data", ["nonsense", b"\xff", "[]", '{"cmd":1}'])
def test_what_is_no_command_meets_faults_of_every_command(data) -> None:
    line = Line(StreamFault("ignore", frame="subscribe"), StreamFault("ignore", nth=2))
    line.stream.receive(data)
    line.stream.receive(data)
    assert line.session.heard == [data]


def test_a_fault_of_frames_meets_no_command() -> None:
    line = Line(StreamFault("drop", count=None))
    line.stream.receive("hello")
    assert line.session.heard == ["hello"]


# All of it

KINDS = sorted(set(get_args(StreamKind)) - {"inflate"})


@given(
    faults=st.lists(
        st.builds(
            StreamFault,
            st.sampled_from(KINDS),
            nth=st.integers(1, 6),
            every=st.integers(1, 3),
            count=st.none() | st.integers(1, 3),
            probability=st.sampled_from([0.3, 1.0]),
            seconds=st.sampled_from([0.0, 0.5, 3.0]),
            places=st.integers(1, 3),
        ),
        max_size=6,
    ),
    steps=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    seed=st.integers(0, 9),
)
def test_any_mixture_of_troubles_is_survived_and_repeatable(
    faults, steps, seed
) -> None:
    def run() -> list:
        line, said, got = Line(*faults, seed=seed), 0, []
        for step in steps:
            line.session.say(*ticks(*range(said + 1, said + step + 1)))
            said += step
            line.stream.receive('{"cmd":"subscribe"}')
            got += line.later(1.0)
        got += line.later(60)
        assert line.stream.next_due is None
        return [*got, line.stream.closing]

    assert run() == run()


# The upgrade, in process


def connected(*faults: Fault, streams: StreamPlan | None = None):
    venue, clock = Stage(), VirtualClock(0.0)
    faulty = FaultyVenue(venue, FaultPlan(faults), clock, streams=streams)
    return venue, faulty, clock


def test_a_venue_behind_faults_opens_streams_behind_faults() -> None:
    plan = StreamPlan([StreamFault("drop")])
    venue, faulty, _ = connected(streams=plan)
    stream = faulty.connect(ASK)
    venue.sessions[0].say(*ticks(1, 2))
    assert numbers(stream.data_to_send()) == [2]


def test_upgrades_are_refused_as_often_as_planned() -> None:
    venue, faulty, _ = connected(unavailable(401, path="/ws", count=2))
    statuses = [getattr(faulty.connect(ASK), "status", 101) for _ in range(3)]
    assert (statuses, len(venue.sessions)) == ([401, 401, 101], 1)


def test_the_venue_itself_may_refuse_an_upgrade() -> None:
    _, faulty, _ = connected()
    answer = faulty.connect(Request("GET", "http://127.0.0.1/refused"))
    assert isinstance(answer, Response)
    assert answer.status == 401


def test_an_upgrade_can_be_late_or_too_late() -> None:
    _, faulty, clock = connected(Fault("delay", seconds=2), Fault("delay", seconds=60))
    assert isinstance(faulty.connect(ASK), FaultyStream)
    assert clock.monotonic() == 2
    with pytest.raises(RequestTimeout):
        faulty.connect(ASK)


def test_an_upgrade_can_be_lost() -> None:
    venue, faulty, _ = connected(Fault("drop", commits=False))
    with pytest.raises(ConnectionLost):
        faulty.connect(ASK)
    assert venue.requests == []


def test_a_venue_without_a_stream_answers_an_upgrade_like_any_request() -> None:
    class Quiet:
        def handle(self, request: Request, *, lag: float = 0.0) -> Response:
            return Response(404, {})

    faulty = FaultyVenue(Quiet(), FaultPlan(), VirtualClock(0.0))
    assert faulty.connect(ASK) == Response(404, {})
