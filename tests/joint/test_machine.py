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
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.watching.mishaps import (
    OF_COMMANDS,
    OF_CONNECTIONS,
    OF_FIELDS,
    OF_FRAMES,
    OF_SUBSCRIPTIONS,
)
from tests.watching.studio import wish
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import OrderRequest, Subject
from unified_exchanges.simulator.faults import Fault, StreamFault
from unified_exchanges.simulator.orders import Order as Truth
from unified_exchanges.simulator.orders import Refusal

from .ledger import Ledger
from .process import GRACE, Fate, Killed, Outcome, Process
from .terms import FATES, OF_READS, OF_WRITES, PICK, TERMS, Terms, shifted
from .world import MARKETS, World

NIGHTLY = os.environ.get("UNIFIED_EXCHANGES_NIGHTLY") == "1"
pytestmark = pytest.mark.timeout(7_200 if NIGHTLY else 300)

CALM = 100.0
"""Seconds without a fault after which everything must be right."""
WHO = st.integers(0, 1)


class Machine(RuleBasedStateMachine):
    """Two processes and all that befalls them."""

    guards: ClassVar[dict[str, Any]] = {}
    """What every process is held to; then there is one, and nobody trades elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ledger = Ledger(self.world)
        self.slots: list[Process | None] = [None, None]
        self.flavours = [False, True]
        self.requests: list[OrderRequest] = []
        """Those that were sent with an id of the caller's."""
        self.current: OrderRequest | None = None
        """What is being placed."""

    @initialize(
        flavours=st.lists(st.booleans(), min_size=2, max_size=2),
        terms=st.lists(TERMS, max_size=2),
    )
    def begin(self, flavours: list[bool], terms: list[Terms]) -> None:
        self.flavours = flavours
        for each in terms:
            self.place(self.at(0), self.request(each))

    def at(self, who: int) -> Process:
        """The process of a slot, started if it does not run."""
        who = 0 if self.guards else who
        process = self.slots[who]
        if process is None or process.is_dead:
            self.world.moment()
            policy = GuardPolicy(**self.guards)
            process = Process(self.world, is_async=self.flavours[who], guards=policy)
            self.slots[who] = process
            process.join(wish(Subject.FILLS))
            self.world.pump()
        return process

    def other(self, process: Process) -> Process:
        return self.at(1 if process is self.slots[0] else 0)

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

    @rule(who=WHO, name=st.sampled_from([None, *MARKETS]), drawn=FATES)
    def cancel_all(self, who: int, name: str | None, drawn: Any) -> None:
        self.clear(self.at(who), name, self.fate(drawn))

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
        self.at(who).requests.add(fault)

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
            process.frames.add(fault)
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
                name = MARKETS[pick % len(MARKETS)]
                touch = engine.best(name, "bid")
                if touch is not None:
                    self.world.place(us, name, "bid", touch.price, size)
            elif order is not None and what == "cancel":
                engine.cancel(order.order_id, owner=us)
            elif order is not None and what == "decrease":
                less = min(order.remaining, order.remaining * size / 40)
                engine.decrease(order.order_id, owner=us, by=round(less, 2))
            elif order is not None:
                total = order.size + size
                engine.amend(order.order_id, owner=us, price=order.price, size=total)
        except Refusal:
            return
        self.world.pump()

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
        for name in MARKETS if self.guards else ():
            assert self.world.at_risk(name) <= self.guards["max_market_exposure"]

    # -- small parts ----------------------------------------------------------------

    def request(self, terms: Terms) -> OrderRequest:
        key = f"own-{next(self.world.numbers)}" if terms.has_key else None
        request = terms.request(self.world, key)
        if key is not None:
            self.requests.append(request)
        return request

    def do(self, process: Process, act: Any, fate: Fate | None = None) -> Outcome:
        outcome = process.call(act, fate)
        who = f"call {outcome.number}"
        self.ledger.hear(outcome.value, who)
        self.ledger.hear(outcome.error, who)
        return outcome

    def place(
        self, process: Process, request: OrderRequest, fate: Fate | None = None
    ) -> None:
        self.ledger.asked_again(request.client_order_id)
        outer, self.current = self.current, request
        was_halted = self.ledger.is_halted_for_all
        outcome = process.call(lambda x: create(x, request), fate)
        self.current = outer
        self.ledger.hear_created([request], outcome, was_halted=was_halted)

    def place_several(
        self, process: Process, requests: list[OrderRequest], fate: Fate | None
    ) -> None:
        outer, self.current = self.current, requests[0]
        was_halted = self.ledger.is_halted_for_all
        outcome = process.call(lambda x: x.create_orders(requests), fate)
        self.current = outer
        self.ledger.hear_created(requests, outcome, was_halted=was_halted)

    def change(
        self, process: Process, pick: int, ticks: int, size: int, fate: Fate | None
    ) -> None:
        resting = self.world.resting()
        if not resting:
            return
        order = resting[pick % len(resting)]
        price = shifted(order.market_id, order.price, ticks)
        wanted = order.size if size % 2 else 1 + size % 60
        self.do(
            process,
            lambda x: x.edit_order(
                order.order_id, outcome="yes", price=price, size=wanted
            ),
            fate,
        )

    def clear(
        self, process: Process, name: str | None, fate: Fate | None = None
    ) -> None:
        before = {
            x.order_id for x in self.world.resting() if name in (None, x.market_id)
        }
        outcome = self.do(process, lambda x: x.cancel_all_orders(market_id=name), fate)
        if outcome.is_over and outcome.error is None and outcome.value.is_complete:
            left = {x.order_id for x in self.world.resting()}
            assert before & left == set(), f"{outcome} says that all is cancelled"

    def stop(self, process: Process, deadline: float, fate: Fate | None = None) -> None:
        before = [x.order_id for x in self.world.resting()]
        outcome = self.do(process, lambda x: x.halt("why", deadline=deadline), fate)
        if outcome.value is not None:
            self.ledger.hear_halt(process, outcome.value, before)

    def look(self, process: Process) -> None:
        self.do(process, lambda x: x.fetch_orders())
        self.do(process, lambda x: x.fetch_fills())

    def any_order(self, pick: int) -> Truth | None:
        orders = self.world.orders()
        return orders[pick % len(orders)] if orders else None

    def fate(self, drawn: tuple[int, str] | None) -> Fate | None:
        if drawn is None:
            return None
        at, way = drawn
        simple: dict[str, Any] = {
            "crash": kill,
            "interrupt": go_away,
            "trade": lambda _: self.trade_inside(at),
            "wait": lambda _: self.world.pass_time(3.0),
        }
        if way in simple:
            return Fate(at, simple[way])
        what, _, where = way.rpartition(" ")

        def act(process: Process) -> None:
            target = process if where == "here" else self.other(process)
            self.intrude(target, what, at)

        return Fate(at, act, is_nested=True)

    def trade_inside(self, pick: int) -> None:
        resting = self.world.resting()
        if resting:
            self.world.meet(resting[pick % len(resting)], 1 + pick)

    def intrude(self, process: Process, what: str, pick: int) -> None:
        """A whole call between two steps of another."""
        if what == "cancel all":
            self.clear(process, None)
        elif what == "halt":
            self.stop(process, 10.0)
        elif what == "reconcile":
            self.do(process, lambda x: x.reconcile())
        elif what == "read":
            self.look(process)
        elif what == "edit":
            self.change(process, pick, 1, pick * 2, None)
        elif what == "again" and self.current is not None:
            self.place(process, self.current)
        else:
            kind = "post" if pick % 2 else "gtc"
            terms = Terms(
                MARKETS[pick % 2], "yes", "buy", pick % 3 - 1, "7", kind, False
            )
            self.place(process, terms.request(self.world, None))


def create(exchange: Any, request: OrderRequest) -> Any:
    """One order, from the same terms as in a batch."""
    return exchange.create_order(
        request.market_id,
        request.outcome,
        request.side,
        request.price,
        request.size,
        time_in_force=request.time_in_force,
        post_only=request.post_only,
        expires_at=request.expires_at,
        client_order_id=request.client_order_id,
    )


def kill(process: Process) -> None:
    process.is_dead = True
    raise Killed


def go_away(_: Process) -> None:
    raise KeyboardInterrupt


class Guarded(Machine):
    """One process that may put so much at risk in a market, and no more."""

    guards: ClassVar[dict[str, Any]] = {
        "max_market_exposure": Decimal(100),
        "max_exposure": Decimal(150),
        "account_age": 30.0,
    }


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
