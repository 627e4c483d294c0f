"""Processes of ours that trade, are killed and come back, while all else goes wrong too.

Two exchange objects of either flavour share one journal in a file.  They place, change and
cancel orders, wait and reconcile; whoever calls goes away at any step, and whole processes
die there; another call, another process, the market or somebody else on the account comes
in between two steps.  Requests are lost, late or refused, reads lag, streams break.  What
anybody was told is held against the venue's own books: after every step that no intent
became two orders, and nothing believed dead is alive; and once the faults have ended, that
everything is known.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.watching.mishaps import (
    OF_COMMANDS,
    OF_CONNECTIONS,
    OF_FIELDS,
    OF_FRAMES,
    OF_SUBSCRIPTIONS,
)
from tests.watching.studio import wish
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import Subject
from unified_exchanges.simulator.faults import Fault, StreamFault
from unified_exchanges.simulator.orders import Refusal

from .calls import Calls
from .houses import PolymarketHouse
from .process import GRACE
from .terms import FATES, LOST, OF_READS, OF_WRITES, PICK, TERMS, Terms

NIGHTLY = os.environ.get("UNIFIED_EXCHANGES_NIGHTLY") == "1"
pytestmark = pytest.mark.timeout(7_200 if NIGHTLY else 300)

CALM = 100.0
"""Seconds without a fault after which everything must be right."""
ROUNDED = Decimal("0.00001")
"""Dollars: the venue tells what a position cost in millionths."""
WHO = st.integers(0, 1)


class Machine(Calls):
    """Two processes and all that befalls them."""

    @initialize(
        flavours=st.lists(st.booleans(), min_size=2, max_size=2),
        terms=st.lists(TERMS, max_size=2),
    )
    def begin(self, flavours: list[bool], terms: list[Terms]) -> None:
        self.flavours = flavours
        for each in terms:
            self.place(self.at(0), self.request(each))

    # -- what a process does --------------------------------------------------------

    @rule(who=WHO, terms=TERMS, drawn=FATES)
    def create(self, who: int, terms: Terms, drawn: tuple[int, str] | None) -> None:
        request = self.request(terms)
        self.place(self.at(who), request, self.fate(drawn))

    @rule(who=WHO, pick=PICK, drawn=FATES)
    def create_again(self, who: int, pick: int, drawn: Any) -> None:
        """The same intent once more, under its own id, as after a restart."""
        if self.requests:
            request = self.requests[pick % len(self.requests)]
            self.place(self.at(who), request, self.fate(drawn))

    @rule(who=WHO, terms=st.lists(TERMS, min_size=2, max_size=4), drawn=FATES)
    def create_several(self, who: int, terms: list[Terms], drawn: Any) -> None:
        requests = [self.request(each) for each in terms]
        self.place_several(self.at(who), requests, self.fate(drawn))

    @rule(who=WHO, pick=PICK, ticks=st.integers(-2, 2), size=PICK, drawn=FATES)
    def edit(self, who: int, pick: int, ticks: int, size: int, drawn: Any) -> None:
        self.change(self.at(who), pick, ticks, size, self.fate(drawn))

    @rule(who=WHO, pick=PICK, drawn=FATES)
    def cancel(self, who: int, pick: int, drawn: Any) -> None:
        if (order := self.any_order(pick)) is not None:
            self.do(
                self.at(who), lambda x: x.cancel_order(order.order_id), self.fate(drawn)
            )

    @rule(who=WHO, picks=st.lists(PICK, min_size=1, max_size=6), drawn=FATES)
    def cancel_several(self, who: int, picks: list[int], drawn: Any) -> None:
        orders = [order for pick in picks if (order := self.any_order(pick))]
        ids = [order.order_id for order in orders]
        self.do(self.at(who), lambda x: x.cancel_orders(ids), self.fate(drawn))

    @rule(who=WHO, place=st.sampled_from([None, 0, 1]), drawn=FATES)
    def cancel_all(self, who: int, place: int | None, drawn: Any) -> None:
        name = None if place is None else self.world.markets[place]
        self.clear(self.at(who), name, self.fate(drawn))

    @rule(who=WHO, pick=PICK, several=st.booleans(), lost=LOST)
    def cancel_in_vain(self, who: int, pick: int, several: bool, lost: Fault) -> None:
        """No try of a cancel is answered, be it that all arrive or that none does."""
        process, resting = self.at(who), self.world.resting()
        if not resting:
            return
        name = resting[pick % len(resting)].order_id
        lost = self.world.house.fault(lost)
        process.requests.add(attrs.evolve(lost, method="DELETE"))
        if several:
            self.do(process, lambda x: x.cancel_orders([name]))
        else:
            self.do(process, lambda x: x.cancel_order(name))
        process.requests.clear()

    @rule(
        who=WHO,
        terms=st.lists(TERMS, min_size=1, max_size=2),
        lost=LOST,
        blind=st.booleans(),
    )
    def create_in_vain(
        self, who: int, terms: list[Terms], lost: Fault, blind: bool
    ) -> None:
        """No try of a create is answered, nor, if it is ``blind``, any read after it."""
        process = self.at(who)
        requests = [self.request(each) for each in terms]
        process.requests.add(self.world.house.fault(lost))
        if blind:
            process.requests.add(Fault("drop", method="GET", path="orders", count=None))
        if len(requests) == 1:
            self.place(process, requests[0])
        else:
            self.place_several(process, requests, None)
        process.requests.clear()

    @rule(who=WHO, pick=PICK, seconds=st.sampled_from([0.5, 4.0]), drawn=FATES)
    def wait_filled(self, who: int, pick: int, seconds: float, drawn: Any) -> None:
        if (order := self.any_order(pick)) is not None:
            self.do(
                self.at(who),
                lambda x: x.wait_filled(order.order_id, seconds),
                self.fate(drawn),
            )

    @rule(who=WHO, drawn=FATES)
    def reconcile(self, who: int, drawn: Any) -> None:
        self.do(self.at(who), lambda x: x.reconcile(), self.fate(drawn))

    @rule(who=WHO, pick=PICK, drawn=FATES)
    def ask(self, who: int, pick: int, drawn: Any) -> None:
        """What became of an order that was sent, by our own id."""
        keys = list(self.world.left)
        if keys:
            key = keys[pick % len(keys)]
            self.do(
                self.at(who),
                lambda x: x.fetch_order(client_order_id=key),
                self.fate(drawn),
            )

    @rule(who=WHO, pick=PICK, drawn=FATES)
    def wait_for_the_unresolved(self, who: int, pick: int, drawn: Any) -> None:
        process = self.at(who)
        orders = process.exchange.orders.unresolved
        if orders:
            order = orders[pick % len(orders)]
            self.do(process, lambda x: x.wait_done(order, 4.0), self.fate(drawn))

    @rule(
        who=WHO,
        deadline=st.sampled_from([1.0, 10.0, 60.0]),
        after=st.lists(st.tuples(WHO, TERMS), max_size=2),
        is_resumed=st.booleans(),
        drawn=FATES,
    )
    def halt(
        self,
        who: int,
        deadline: float,
        after: list[tuple[int, Terms]],
        is_resumed: bool,
        drawn: Any,
    ) -> None:
        """Stop everything; what is tried then must not leave."""
        self.stop(self.at(who), deadline, self.fate(drawn))
        for another, terms in after:
            self.place(self.at(another), self.request(terms))
        if is_resumed:
            self.resume()

    @rule()
    def resume(self) -> None:
        self.ledger.resumed()
        for who in (0, 1):
            self.do(self.at(who), lambda x: x.resume("go on"))

    @rule(who=WHO)
    def read(self, who: int) -> None:
        self.look(self.at(who))

    @rule(who=WHO, terms=TERMS)
    def read_too_soon(self, who: int, terms: Terms) -> None:
        """Positions are read that lack what has just filled, and nothing says so."""
        self.place(self.at(who), self.request(attrs.evolve(terms, ticks=3)))
        process = self.at(who)
        blind = Fault("drop", method="GET", path="timestamp", count=None)
        process.requests.add(self.world.house.fault(blind))
        lag, process.network.lag = process.network.lag, 3.0
        process.network.lag_until = self.world.clock.monotonic() + 3.0
        self.do(process, lambda x: x.fetch_positions())
        process.network.lag = lag
        process.requests.clear()

    @rule(who=WHO, is_async=st.booleans())
    def restart(self, who: int, is_async: bool) -> None:
        """Between two calls, where a process is killed most easily."""
        process = self.slots[0 if self.guards else who]
        if process is not None and not process.is_dead:
            self.world.bury(process)
        self.flavours[who] = is_async
        self.at(who)

    @rule(who=WHO, subject=st.sampled_from([Subject.FILLS, Subject.ORDERS]))
    def join(self, who: int, subject: Subject) -> None:
        process = self.at(who)
        if len(process.consumers) < 3:
            process.join(wish(subject))

    # -- what befalls it ------------------------------------------------------------

    @rule(who=WHO, fault=OF_WRITES | OF_READS)
    def spoil_requests(self, who: int, fault: Fault) -> None:
        self.at(who).requests.add(self.world.house.fault(fault))

    @rule(
        who=WHO,
        late=st.tuples(st.integers(0, 3), st.sampled_from([0.5, 3.0, 20.0])),
        lag=st.tuples(st.sampled_from([0.4, 3.0]), st.sampled_from([0.0, 2.0, 20.0])),
    )
    def spoil_the_network(
        self, who: int, late: tuple[int, float], lag: tuple[float, float]
    ) -> None:
        """Writes are given up and arrive for all that, and reads show the past."""
        network = self.at(who).network
        network.late, network.late_by = late
        network.lag, seconds = lag
        network.lag_until = self.world.clock.monotonic() + seconds

    @rule(
        who=WHO,
        fault=st.sampled_from([0.5, 15.0])
        | OF_FRAMES
        | OF_FIELDS
        | OF_CONNECTIONS
        | OF_SUBSCRIPTIONS
        | OF_COMMANDS,
    )
    def spoil_the_stream(self, who: int, fault: StreamFault | float) -> None:
        """It goes wrong, or there is none for so many seconds."""
        process = self.at(who)
        if isinstance(fault, StreamFault):
            process.frames.add(self.world.house.stream_fault(fault))
            return
        self.world.pump()
        if process.line is not None:
            process.lose(fault)

    @rule(pick=PICK, size=st.integers(1, 60))
    def trade(self, pick: int, size: int) -> None:
        """Somebody trades against an order of ours."""
        self.world.moment()
        resting = self.world.resting()
        if resting:
            self.world.meet(resting[pick % len(resting)], size)
        self.world.pump()

    @rule(
        what=st.sampled_from(["create", "cancel", "decrease", "amend"]),
        pick=PICK,
        size=st.integers(1, 30),
    )
    def act_elsewhere(self, what: str, pick: int, size: int) -> None:
        """Somebody else on our account does something, by no process of ours."""
        if self.guards:
            return
        self.world.moment()
        resting = self.world.resting()
        order = resting[pick % len(resting)] if resting else None
        engine, us = self.world.engine, self.world.us
        try:
            if what == "create":
                name = self.world.markets[pick % 2]
                touch = engine.best(name, "bid")
                if touch is not None:
                    self.world.place_elsewhere(name, "bid", touch.price, size)
            elif order is not None and what == "cancel":
                engine.cancel(order.order_id, owner=us)
            elif order is None or not self.house.edits:
                return
            elif what == "decrease":
                less = min(order.remaining, order.remaining * size / 40)
                engine.decrease(order.order_id, owner=us, by=round(less, 2))
            else:
                total = order.size + size
                engine.amend(order.order_id, owner=us, price=order.price, size=total)
        except Refusal:
            return
        self.world.pump()

    @precondition(lambda self: self.house.settles_late)
    @rule(
        count=st.integers(1, 3), ends=st.sampled_from(["fail", "retry, fail", "retry"])
    )
    def let_settling_fail(self, count: int, ends: str) -> None:
        """The next trades match, and fail on the chain, or need a second attempt."""
        settler = self.world.venue.settler
        if ends == "retry":
            settler.retry(count)
        else:
            settler.fail(count, retrying=ends != "fail")

    @rule(seconds=st.sampled_from([0.3, 1.0, 4.0, 15.0]))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule()
    def settle(self) -> None:
        """Let the faults end, and time pass: everything must be known then."""
        for who in (0, 1):
            process = self.at(who)
            process.frames.clear()
            process.requests.clear()
            process.network.late = 0
            process.network.lag = 0.0
        self.resume()
        self.world.pass_time(GRACE + CALM)
        assert self.world.under_way == []
        reports = []
        for who in (0, 1):
            outcome = self.do(self.at(who), lambda x: x.reconcile())
            assert outcome.error is None
            reports.append(outcome.value)
        self.world.moment()
        self.world.pump()
        self.ledger.check()
        self.ledger.check_quiet(reports)

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.world.close()

    # -- what must hold -------------------------------------------------------------

    @invariant()
    def all_that_was_told_is_true(self) -> None:
        self.world.pump()
        self.ledger.check()
        for name in self.world.markets if self.guards else ():
            really = self.world.at_risk(name)
            assert really <= self.guards["max_market_exposure"]
            process = self.slots[0]
            if process is not None and process.knows_account:
                told = process.exchange.exposure(name).total
                assert really <= told + ROUNDED


class Guarded(Machine):
    """One process that may put so much at risk in a market, and no more."""

    guards: ClassVar[dict[str, Any]] = {
        "max_market_exposure": Decimal(100),
        "max_exposure": Decimal(150),
        "account_age": 30.0,
    }


class OnPolymarket(Machine):
    """The same where orders are signed, and what has traded may fail to settle."""

    house = PolymarketHouse


@pytest.mark.parametrize("kind", [Machine, OnPolymarket])
@pytest.mark.parametrize("is_async", [False, True])
def test_an_order_held_up_until_it_counts_as_absent_does_not_leave(
    kind: type[Machine], is_async: bool
) -> None:
    """Its process stands still where only the sending is left, while others look for it."""
    least = Terms(0, "yes", "buy", 0, "0.01", "gtc", False)
    for step in range(1, 8):
        machine = kind()
        machine.begin(flavours=[is_async, is_async], terms=[])
        for drawn in (None, (step, "reconcile here")):
            machine.create(who=0, terms=least, drawn=drawn)
            machine.all_that_was_told_is_true()
        machine.teardown()


CAPS = {field.name for field in attrs.fields(GuardPolicy)}


def size(examples: int) -> settings:
    return settings(
        max_examples=30 * examples if NIGHTLY else examples,
        stateful_step_count=60 if NIGHTLY else 20,
        derandomize=not NIGHTLY,
        # Explaining traces every line of a failing run, for minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )


class TestMachine(Machine.TestCase):  # type: ignore[name-defined,misc]
    settings = size(200)


@pytest.mark.skipif(not Guarded.guards.keys() <= CAPS, reason="there are no such caps")
class TestGuarded(Guarded.TestCase):  # type: ignore[name-defined,misc]
    settings = size(60)


class TestOnPolymarket(OnPolymarket.TestCase):  # type: ignore[name-defined,misc]
    settings = size(150)
