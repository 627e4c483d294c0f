"""An interrupt, wherever it comes, leaves no order about to be sent for ever."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.interrupting import interrupted_at
from tests.journal.samples import ended, intent
from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.errors import ConnectionLost, GuardTripped
from unified_exchanges.flow import (
    Judged,
    Judging,
    Leaving,
    Request,
    Response,
    Sleep,
    advance,
)
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.tracking.calls import TrackedCalls
from unified_exchanges.tracking.gate import Gate
from unified_exchanges.tracking.tracker import OrderTracker

from .samples import Plan, order, tracker_of
from .stage import Stage

FILES = ("tracking/calls.py", "tracking/gate.py", "tracking/commands.py")


@pytest.fixture(scope="module", params=["with", "without"])
def venue(request: pytest.FixtureRequest) -> Any:
    return Stage("blocking").client.exchange.venue if request.param == "with" else None


class Sending:
    """A create that arrives, or an edit, and what the tracker knows of it."""

    def __init__(self, venue: Any) -> None:
        self.tracker: OrderTracker
        self.tracker, clock = tracker_of()
        gate = None if venue is None else Gate(self.tracker, venue)
        self.calls = TrackedCalls(self.tracker, clock, gate)
        self.arrived = False
        self.driver = BlockingDriver(ScriptedTransport(self, clock=clock))

    def handle(self, _: Request) -> Any:
        self.arrived = True
        return Response(200)

    def act(self, name: str) -> Callable[[], object]:
        return lambda: self.driver.run(getattr(self.calls, name)(self.flow()))

    def flow(self) -> Any:
        yield Leaving((Plan(),))
        yield Request("POST", "https://toy.test/orders")
        return order(client_order_id="c-o1")


@pytest.mark.parametrize("name", ["creating", "following"])
def test_fault_47_an_order_that_is_interrupted_is_never_left_about_to_be_sent(
    venue: Any, name: str
) -> None:
    line, ended = 1, set[tuple[bool, str]]()
    while True:
        made = Sending(venue)
        where = interrupted_at(line, made.act(name), by_its_file)
        if where is None:
            break
        states = [str(x.state) for x in made.tracker.views() if x.client_order_id]
        assert "intended" not in states, where
        if not made.arrived:
            # In the lines around the request itself that is not known.
            assert made.tracker.at_risk() in (0, Decimal(4)), where
            assert set(states) <= {"refused", "unresolved", "unknown"}, where
        else:
            assert set(states) <= {"unresolved", "open"}, where
            assert made.tracker.at_risk() == Decimal(4), where
        ended |= {(made.arrived, x) for x in states}
        line += 1
    assert line > 20
    assert ended >= {(False, "refused"), (True, "unresolved"), (True, "open")}


def by_its_file(file: str, _: str) -> bool:
    return file.endswith(FILES)


def test_what_was_interrupted_before_it_was_taken_down_says_nothing_of_its_id() -> None:
    tracker, _ = tracker_of()
    sent = intent("c-o1")
    tracker.recalled([sent])
    tracker.recalled([])
    # Another process has placed it, and nothing has shown it yet.
    tracker.ended_elsewhere(ended(sent, "placed"))
    before = tracker.at_risk()
    tracker.refused("c-o1")
    assert [str(x.state) for x in tracker.views()] == ["unknown"]
    assert tracker.at_risk() == before > 0


def test_what_the_guards_refused_is_not_given_up_for_another_call() -> None:
    """Two calls have one id: the first sends it, and the second was refused before."""
    policy = GuardPolicy(max_order_cost=Decimal(1))
    venue = Stage("blocking", guards=policy).client.exchange.venue
    tracker, clock = tracker_of()
    tracker.intend(Plan())

    def second() -> Any:
        with pytest.raises(GuardTripped):
            yield Leaving((Plan(),))
        yield Sleep(1.0)

    flow = TrackedCalls(tracker, clock, Gate(tracker, venue)).creating(second())
    assert advance(flow, None) == Judging()
    step: Any = advance(flow, None)
    while isinstance(step, Request):
        # Whether it only closes what is held cannot be read.
        step = advance(flow, ConnectionLost("no route"))
    assert step == Judged(passes=False)
    assert isinstance(advance(flow, None), Sleep)
    flow.close()
    (only,) = tracker.views()
    assert (str(only.state), tracker.at_risk()) == ("intended", Decimal(4))
