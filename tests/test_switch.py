"""The kill switch itself: whichever comes first, one of the two sees the other."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Barrier, Thread

import attrs
import pytest

from tests.interrupting import interrupted_at
from tests.toy import ToyVenue, answer, get, toy
from unified_exchanges.clock import VirtualClock
from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.errors import Halted
from unified_exchanges.models import Halt, HaltReport
from unified_exchanges.switch import Switch
from unified_exchanges.testing.scripted import ScriptedTransport

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
SENDING = ("venue/sending.py", "unified_exchanges/switch.py")


@pytest.fixture
def eager() -> Iterator[None]:
    """Threads take turns as often as can be."""
    before, traced = sys.getswitchinterval(), threading.gettrace()
    # CPython 3.11 lets no thread begin while another one's tracing is begun.
    threading.settrace(None)  # type: ignore[arg-type]
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
    threading.settrace(traced)  # type: ignore[arg-type]


def test_the_first_reason_stays() -> None:
    switch = Switch(VirtualClock(), "toy")
    first = switch.throw("first")
    assert switch.throw("second") is first
    assert (first.reason, switch.halt) == ("first", first)


def test_what_enters_before_is_under_way_until_it_leaves() -> None:
    switch = Switch(VirtualClock(), "toy")
    token = switch.enter("an order")
    switch.throw("why")
    assert switch.under_way == ("an order",)
    switch.leave(token)
    assert switch.under_way == ()


def test_what_enters_afterwards_is_refused_and_not_under_way() -> None:
    switch = Switch(VirtualClock(), "toy")
    switch.throw("why")
    with pytest.raises(Halted, match="an order: not sent"):
        switch.enter("an order")
    assert switch.under_way == ()


def test_what_nobody_waits_for_is_under_way_as_long_as_it_may_arrive() -> None:
    clock = VirtualClock()
    switch = Switch(clock, "toy")
    switch.linger(switch.enter("an order"), 30)
    clock.advance(29)
    assert switch.under_way == ("an order",)
    clock.advance(1)
    assert switch.under_way == ()


def test_what_only_the_journal_told_is_known_and_does_not_hold_back_by_itself() -> None:
    switch = Switch(VirtualClock(), "toy")
    switch.heard = Halt(reason="theirs", at=AT)
    switch.check("an order")
    assert switch.halt == switch.heard
    switch.lift("found it")
    assert switch.halt is None


def test_fault_24_no_thread_enters_unseen(eager: None) -> None:
    for _ in range(200):
        switch = Switch(VirtualClock(), "toy")
        start = Barrier(5)
        entered: list[bool] = []
        seen: list[tuple[str, ...]] = []

        def enter(
            switch: Switch = switch,
            start: Barrier = start,
            entered: list[bool] = entered,
        ) -> None:
            start.wait()
            try:
                switch.enter("an order")
            except Halted:
                return
            entered.append(True)

        def throw(
            switch: Switch = switch,
            start: Barrier = start,
            seen: list[tuple[str, ...]] = seen,
        ) -> None:
            start.wait()
            switch.throw("why")
            seen.append(switch.under_way)

        threads = [Thread(target=enter) for _ in range(4)] + [Thread(target=throw)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Who looks after throwing sees at least all that got through in the end.
        assert len(seen[0]) >= len(entered)
        assert len(switch.under_way) == len(entered)


def test_the_error_survives_a_process_boundary() -> None:
    error = Halt(reason="why", at=AT).refusal("an order", "toy")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.reason, copy.halted_at) == (Halted, "why", AT)


@pytest.mark.parametrize(
    ("told", "is_complete"),
    [
        ({"positions": ()}, True),
        ({}, False),
        ({"positions": (), "under_way": ("an order",)}, False),
        ({"positions": (), "errors": (Halted("x"),)}, False),
    ],
)
def test_a_report_is_complete_if_nothing_is_left(
    told: dict[str, object], is_complete: bool
) -> None:
    report = HaltReport(reason="why", halted_at=AT, ended_at=AT, **told)  # type: ignore[arg-type]
    assert report.is_complete is is_complete
    assert ("NOT COMPLETE" in str(report)) is not is_complete


def test_what_was_not_answered_is_named() -> None:
    report = HaltReport(reason="why", halted_at=AT, ended_at=AT, under_way=("order 7",))
    assert "not answered yet: order 7" in str(report)
    assert "that does not mean flat" in str(report)


def sending_of(*, is_raw: bool) -> tuple[ToyVenue, Callable[[], object]]:
    """A write that brings an order."""
    clock, venue = VirtualClock(), toy()
    call = attrs.evolve(get("/x", repeatable=False), method="POST", opens=True)

    transport = ScriptedTransport([answer({})], clock=clock)
    send = venue.send_raw if is_raw else venue.send
    return venue, lambda: BlockingDriver(transport).run(send(call))


@pytest.mark.parametrize("is_raw", [False, True])
def test_fault_47_a_send_that_is_interrupted_leaves_nothing_that_a_halt_waits_for(
    *, is_raw: bool
) -> None:
    """It is interrupted before each of its lines, and before each of the switch's."""

    def is_meant(file: str, name: str) -> bool:
        return file.endswith(SENDING)

    line, lingering = 1, 0
    while True:
        venue, send = sending_of(is_raw=is_raw)
        if not interrupted_at(line, send, is_meant):
            break
        # Nobody waits for an answer; what may arrive of a raw one counts for a while.
        assert not venue.switch.is_awaiting, line
        lingering += bool(venue.switch.under_way)
        assert is_raw or not venue.switch.under_way
        line += 1
    assert line > 20
    assert bool(lingering) == is_raw
