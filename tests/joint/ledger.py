"""What our processes were told, held against the venue's own books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs

from unified_exchanges.errors import (
    DuplicateOrderId,
    InvalidOrder,
    JournalError,
    MarketClosed,
    OrderNotDone,
    OrderNotFilled,
    UnifiedExchangesError,
)
from unified_exchanges.models import (
    CancelReport,
    CancelResult,
    Fill,
    HaltReport,
    Order,
    OrderRequest,
    OrderResult,
    ReconcileReport,
    Side,
    Subject,
    TrackedOrder,
)
from unified_exchanges.money import EXACT, total
from unified_exchanges.simulator.orders import Order as Truth

from .process import Outcome, Process
from .world import Row, World

__all__ = ["Ledger"]


@attrs.define
class Created:
    """A call that was to place so many orders."""

    asked: int
    outcome: Outcome


@attrs.define
class Halted:
    """A process that was halted: how many had arrived till then, and what still may."""

    process: Process
    arrived: int
    harmless: set[str]


class Ledger:
    """Claims that must hold for good from when they were made."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead: dict[str, str] = {}
        """Orders that somebody was told are done, and by what."""
        self.never: dict[str, str] = {}
        """Client order ids of which somebody was told that there is no order."""
        self.placed: dict[str, str] = {}
        """Order ids by client order id, as somebody was told."""
        self.created: list[Created] = []
        self.halted: dict[int, Halted] = {}
        self.is_halted_for_all = False
        """Whether the journal tells every process that orders are halted."""

    # -- what was told --------------------------------------------------------------

    def hear(self, told: Any, who: str) -> None:
        """Take down what a call gave, or an error carries."""
        if isinstance(told, Order):
            if not told.is_open:
                self.dead.setdefault(told.order_id, f"{who} gave {told!r}")
        elif isinstance(told, TrackedOrder):
            if told.is_done and told.order_id is not None:
                self.dead.setdefault(told.order_id, f"{who} gave {told}")
        elif isinstance(told, ReconcileReport):
            for intent in told.absent:
                self.deny(intent.client_order_id, f"{who} proved it absent")
        for each in carried(told):
            self.hear(each, who)

    def deny(self, key: str | None, why: str) -> None:
        """Somebody was told that there is no order with this id."""
        if key is not None:
            self.never.setdefault(key, why)

    def asked_again(self, key: str | None) -> None:
        """An id is sent once more: that there was no order says nothing of this time."""
        self.never.pop(key or "", None)

    def hear_created(
        self, requests: list[OrderRequest], outcome: Outcome, *, was_halted: bool
    ) -> None:
        """A call that places orders has ended."""
        self.created.append(Created(len(requests), outcome))
        if self.is_halted_for_all and was_halted:
            assert outcome.sent == [], f"{outcome} sent orders while all is halted"
        if not outcome.is_over:
            return
        if outcome.error is not None:
            results: list[tuple[Any, Any]] = [(None, outcome.error)] * len(requests)
        elif isinstance(outcome.value, Order):
            results = [(outcome.value, None)]
        else:
            results = [(x.order, x.error) for x in outcome.value]
            assert [x.request for x in outcome.value] == requests
        for request, (order, error) in zip(requests, results, strict=True):
            self._hear_result(request, order, error, outcome)

    def _hear_result(
        self,
        request: OrderRequest,
        order: Order | None,
        error: UnifiedExchangesError | None,
        outcome: Outcome,
    ) -> None:
        who = f"create {outcome.number}"
        if order is not None:
            key = order.client_order_id
            assert request.client_order_id in (None, key)
            assert key is not None
            terms = order.market_id, order.outcome, order.side
            assert terms == (request.market_id, request.outcome, Side(request.side))
            self.placed.setdefault(key, order.order_id)
            self.hear(order, who)
            return
        assert error is not None
        if not error.maybe_executed and not isinstance(error, DuplicateOrderId):
            key = error.client_order_id or request.client_order_id
            # A refusal says nothing of what an earlier call has sent with the same id,
            # unless that was looked for.
            is_said = len(self.world.left.get(key or "", ())) == 1 or isinstance(
                error, InvalidOrder | MarketClosed
            )
            if key in outcome.sent and is_said:
                self.deny(key, f"{who} was refused: {error}")

    # -- halts ----------------------------------------------------------------------

    def hear_halt(
        self, process: Process, report: HaltReport, before: Iterable[str]
    ) -> None:
        """Everything is halted; ``before`` are the ids of what rested till then."""
        keys = {x.client_order_id for x in report.unresolved}
        # A copy of what has become an order cannot become another one.
        keys |= {x.client_order_id for x in self.world.orders() if x.client_order_id}
        self.halted[process.number] = Halted(
            process, len(process.network.arrivals), keys
        )
        self.is_halted_for_all = not any(
            isinstance(error, JournalError) for error in report.errors
        )
        if report.is_complete:
            left = {x.order_id for x in self.world.resting()}
            assert left & set(before) == set(), f"{report} says that nothing is open"

    def resumed(self) -> None:
        """Orders may leave again."""
        self.halted.clear()
        self.is_halted_for_all = False

    def _check_halts(self) -> None:
        for halted in self.halted.values():
            came = halted.process.network.arrivals[halted.arrived :]
            assert set(came) <= halted.harmless, f"{came} came after the halt"

    # -- what must hold at any time -------------------------------------------------

    def check(self) -> None:
        """Nothing that was told is untrue."""
        orders = self.world.orders()
        ours = [x for x in orders if x.order_id not in self.world.external]
        by_key = self._check_intents(ours)
        rows = self.world.rows()
        self._check_journal(rows, by_key)
        self._check_claims(by_key)
        self._check_halts()
        open_ids = {x.order_id for x in orders if x.is_open}
        for order_id, why in self.dead.items():
            assert order_id not in open_ids, f"{order_id} rests, but {why}"
        for process in self.world.processes:
            self._check_tracker(process, open_ids, by_key, rows)

    def _check_intents(self, ours: list[Truth]) -> dict[str, Truth]:
        """There is one order at most for each intent, of those that were sent."""
        counted = Counter(x.client_order_id for x in ours)
        assert set(counted.values()) <= {1}
        assert counted.keys() <= self.world.left.keys()
        by_key = {x.client_order_id: x for x in ours if x.client_order_id is not None}
        for created in self.created:
            sent = created.outcome.sent
            assert len(sent) <= created.asked, f"{created} sent too many ids"
        return by_key

    def _check_journal(self, rows: dict[str, Row], by_key: dict[str, Truth]) -> None:
        for key in self.world.left:
            assert key in rows, f"{key} left, and was not written down"
        for key, row in rows.items():
            order = by_key.get(key)
            if row.state in {"refused", "absent"}:
                assert order is None, f"{key} is {row.state} in the journal: {order}"
            if row.state == "placed" and row.order_id not in self.world.house.killed:
                assert order is not None, f"{key} is no order, but {row}"
                assert order.order_id == row.order_id

    def _check_claims(self, by_key: dict[str, Truth]) -> None:
        for key, order_id in self.placed.items():
            if order_id in self.world.house.killed:
                continue
            order = by_key.get(key)
            assert order is not None, f"{key} was placed, and is not there"
            assert order.order_id == order_id
        for key, why in self.never.items():
            assert key not in by_key, f"{key} is there, but {why}"

    def _check_tracker(
        self,
        process: Process,
        open_ids: set[str],
        by_key: dict[str, Truth],
        rows: dict[str, Row],
    ) -> None:
        for told in process.exchange.orders:
            if not told.is_done:
                continue
            order_id = told.order_id
            key = told.client_order_id or ""
            if order_id is None and key in by_key:
                # What another process knows to be placed, this one may not have seen.
                is_shared = len(self.world.left[key]) > 1
                if not (is_shared and rows[key].state == "placed"):
                    order_id = by_key[key].order_id
            assert order_id not in open_ids, f"{process.number} believes {told}"

    # -- what must hold once all is quiet -------------------------------------------

    def check_quiet(self, reports: Iterable[ReconcileReport]) -> None:
        """Everything is known."""
        for report in reports:
            assert report.unknown == ()
        orders = self.world.orders()
        keys = {x.client_order_id for x in orders}
        for key, row in self.world.rows().items():
            assert row.state in {"placed", "refused", "absent"}, f"{key} is {row}"
            is_there = key in keys or row.order_id in self.world.house.killed
            assert (row.state == "placed") <= is_there, f"{key} is {row}"
            assert (key in keys) <= (row.state == "placed"), f"{key} is {row}"
        for process in self.world.processes:
            self._check_orders(process, orders)
            self._check_fills(process)
            self._check_positions(process)

    def _check_orders(self, process: Process, orders: list[Truth]) -> None:
        tracker = process.tracker
        for order in orders:
            told = tracker.look(order_id=order.order_id)
            if told is None:
                assert not order.is_open
                assert order.updated_us / 1e6 < process.began, f"{order} is not known"
                continue
            state = told.filled, told.failed, told.is_done, told.remaining
            left = order.remaining if order.is_open else 0
            failed = self.world.house.failed(order.order_id)
            stands = EXACT.subtract(order.filled, failed)
            due = stands, failed, not order.is_open, left
            assert state == due, f"{told}: {order}, of which {failed} failed"
            assert not told.is_doubtful, f"{told}"
        true = {x.order_id for x in orders} | self.world.house.killed
        keys = {x.client_order_id for x in orders}
        for told in tracker.views():
            if told.order_id is None:
                # What an earlier process placed and saw the end of, this one need not know.
                key = told.client_order_id or ""
                assert key not in keys or len(self.world.left.get(key or "", ())) > 1, (
                    f"{told}"
                )
            else:
                assert told.order_id in true
        assert [x for x in tracker.undone() if x.order_id is None] == []

    def _check_fills(self, process: Process) -> None:
        truth = self.world.house.fills()
        for consumer in process.consumers:
            if consumer.wish.subject is not Subject.FILLS:
                continue
            consumer.take()
            assert consumer.error is None
            items = [x for x in consumer.items if isinstance(x, Fill)]
            told = Counter((x.trade_id, x.order_id) for x in items if x.size > 0)
            back = Counter((x.trade_id, x.order_id) for x in items if x.size < 0)
            due = {
                k
                for k, f in truth.items()
                if f.time_us / 1e6 >= consumer.joined and f.stands
            }
            assert set(told.values()) | set(back.values()) <= {1}
            assert due <= told.keys() <= truth.keys()
            for name in told:
                sizes = [x.size for x in items if (x.trade_id, x.order_id) == name]
                assert total(sizes) == truth[name].stands, f"{name}: {items}"

    def _check_positions(self, process: Process) -> None:
        tracker = process.tracker
        different = {x.market_id for x in tracker.differences}
        for name in self.world.markets:
            for outcome, held in self.world.house.held(name).items():
                derived = tracker.position(name, outcome)
                if derived is not None and name not in different:
                    assert derived == held, f"{derived} {outcome}, not {held}"


def carried(told: Any) -> Iterable[Any]:
    """What an answer or an error has in it that may tell of an order."""
    if isinstance(told, OrderNotFilled | OrderNotDone):
        return [told.tracked]
    if isinstance(told, OrderResult | CancelResult):
        return [told.order]
    if isinstance(told, CancelReport):
        assert not [order for order in told.canceled if order.is_open]
        return told.canceled
    if isinstance(told, HaltReport):
        assert not [x for x in (*told.canceled, *told.filled) if x.is_open]
        return [*told.canceled, *told.filled]
    if isinstance(told, ReconcileReport):
        return told.found
    return told if isinstance(told, list) else []
