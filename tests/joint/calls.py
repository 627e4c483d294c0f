"""The calls of the joint machine, each of which may meet its fate."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from tests.watching.studio import wish
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import OrderRequest, Subject
from unified_exchanges.simulator.orders import Order as Truth

from .houses import House, KalshiHouse
from .ledger import Ledger
from .process import Fate, Killed, Outcome, Process
from .terms import Terms, shifted
from .world import World

__all__ = ["Calls"]


class Calls(RuleBasedStateMachine):
    """Two processes, and what they can be told to do."""

    house: ClassVar[type[House]] = KalshiHouse
    guards: ClassVar[dict[str, Any]] = {}
    """What every process is held to; then there is one, and nobody trades elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.house())
        self.ledger = Ledger(self.world)
        self.slots: list[Process | None] = [None, None]
        self.flavours = [False, True]
        self.requests: list[OrderRequest] = []
        """Those that were sent with an id of the caller's."""
        self.current: OrderRequest | None = None
        """What is being placed."""

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

    # -- calls ----------------------------------------------------------------

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
        if not (resting and self.house.edits):
            return
        order = resting[pick % len(resting)]
        price = shifted(self.world, order.market_id, order.price, ticks)
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
        self.do(process, lambda x: x.fetch_positions())

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
            terms = Terms(pick % 2, "yes", "buy", pick % 3 - 1, "7", kind, False)
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
