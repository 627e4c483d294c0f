"""Placing several orders in one request, each with a result of its own.

A batch is not atomic, and what its answer says of an entry is proof for that entry only.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import Generic, TypeVar, cast

from ..errors import (
    BadRequest,
    DuplicateOrderId,
    GuardTripped,
    Halted,
    InvalidOrder,
    MarketClosed,
    RateLimitExceeded,
    ReadOnly,
    UnifiedExchangesError,
    UnresolvedOrders,
)
from ..flow import Flow, Leaving
from ..models import Intent as Written
from ..models import Order, OrderRequest, OrderResult
from .call import Call
from .doubt import is_doubtful
from .draft import Draft
from .previewing import Previewing
from .ticket import Ticket

__all__ = ["Batching"]

D = TypeVar("D", bound=Draft)


class Batching(Previewing[D], Generic[D]):
    """Creates orders in batches."""

    # -- what a subclass must say ---------------------------------------------------

    @abstractmethod
    def batch_limit(self) -> int:
        """How many creates one request may hold."""

    @abstractmethod
    def batch_creation(self, ready: Sequence[D], deadline: float) -> Call:
        """The request that creates several orders."""

    @abstractmethod
    def batch_answers(
        self, ready: Sequence[D], body: bytes
    ) -> list[Order | UnifiedExchangesError]:
        """What the answer to a batch says of each order: that it is there, or why not."""

    # -- placing --------------------------------------------------------------------

    def create_orders(self, orders: Sequence[OrderRequest]) -> Flow[list[OrderResult]]:
        """Place several; see `Exchange.create_orders`."""
        deadline = self.clock.monotonic() + self.retry.order_deadline
        self._check_batch(orders)
        try:
            yield from self._require_open(orders, deadline)
        except (Halted, ReadOnly, UnresolvedOrders) as refusal:
            return (yield from self._refuse_all(orders, refusal))
        results: dict[int, OrderResult] = {}
        ready: list[tuple[int, D]] = []
        refused: list[tuple[int, Ticket, UnifiedExchangesError]] = []
        for index, ticket in self._tickets(orders, results):
            try:
                self.check_allowed(ticket)
                ready.append((index, (yield from self.draft(ticket))))
            except (InvalidOrder, MarketClosed) as error:
                refused.append((index, ticket, error))
            except UnifiedExchangesError as error:
                results[index] = OrderResult(request=orders[index], error=error)
        before: list[tuple[int, D]] = []
        left = iter(ready)
        while chunk := list(islice(left, self.batch_limit())):
            found = yield from self._place_chunk([x for _, x in chunk], deadline)
            for (index, x), result in zip(chunk, found, strict=True):
                if result is None:
                    before.append((index, x))
                else:
                    results[index] = result
        for index, x in before:
            results[index] = yield from _result(x.ticket, self._existing(x, None))
        # Last, since looking may take a while.
        for index, ticket, why in refused:
            there = self._unless_there(ticket, why)
            results[index] = yield from _result(ticket, there)
        return [results[index] for index in range(len(orders))]

    def _check_batch(self, orders: Sequence[OrderRequest]) -> None:
        if not isinstance(cast("object", orders), Sequence):
            message = (
                f"create_orders takes a list of OrderRequest objects, not {orders!r}"
            )
            raise BadRequest(message, venue=self.id)
        strange: list[object] = [x for x in orders if type(x) is not OrderRequest]
        if strange:
            message = f"create_orders takes OrderRequest objects, not {strange[0]!r}"
            raise BadRequest(message, venue=self.id)

    def _require_open(
        self, orders: Sequence[OrderRequest], deadline: float
    ) -> Flow[None]:
        """Refuse all of a batch, whatever is in it."""
        if not orders:
            return
        self.require_writable(f"batch of {len(orders)} orders")
        self.switch.check(f"batch of {len(orders)} orders")
        if not self.is_cleared:
            again = [order.client_order_id for order in orders]
            yield from self.require_resolved(deadline, again)

    def _refuse_all(
        self, orders: Sequence[OrderRequest], refusal: UnifiedExchangesError
    ) -> Flow[list[OrderResult]]:
        """Refuse a batch; each on its own, if an id in it is known to have been used."""
        results: dict[int, OrderResult] = {}
        is_known = False
        for index, ticket in self._tickets(orders, results):
            mine = copy(refusal)
            result = yield from _result(ticket, self._unless_there(ticket, mine))
            is_known |= result.error is not mine or mine.maybe_executed
            results[index] = result
        if not is_known:
            raise refusal
        return [results[index] for index in range(len(orders))]

    def _tickets(
        self, orders: Sequence[OrderRequest], results: dict[int, OrderResult]
    ) -> list[tuple[int, Ticket]]:
        """What is asked, by its place; what makes no sense goes to the results."""
        tickets: dict[str, tuple[int, Ticket]] = {}
        for index, order in enumerate(orders):
            try:
                ticket = self.tickets.read(order, rng=self.rng)
                if ticket.client_order_id in tickets:
                    raise self._repeated(ticket.client_order_id)
            except UnifiedExchangesError as error:
                results[index] = OrderResult(request=order, error=error)
            else:
                tickets[ticket.client_order_id] = index, ticket
        return list(tickets.values())

    def _place_chunk(
        self, chunk: Sequence[D], deadline: float
    ) -> Flow[list[OrderResult | None]]:
        """The results of one request; None of those whose keys are claimed already."""
        try:
            # Claimed when it leaves: who is interrupted keeps no key of what is unsent.
            fresh = [x for x in chunk if self._claim(x)]
            if not fresh:
                return [None] * len(chunk)
            found = yield from self._place_batch(fresh, deadline)
        except UnifiedExchangesError:
            raise
        except BaseException:
            self._interrupted(chunk)
            raise
        finally:
            for x in chunk:
                self.sent.end(x.client_order_id, x)
        placed = dict(zip(fresh, found, strict=True))
        return [placed.get(x) for x in chunk]

    def _place_batch(
        self, ready: Sequence[D], deadline: float
    ) -> Flow[list[OrderResult]]:
        refused: dict[str, UnifiedExchangesError] = {}
        taken: Mapping[str, Written] = {}
        try:
            taken = yield from self._leave_each(ready, deadline, refused)
        except UnifiedExchangesError as error:
            refused.update((x.client_order_id, copy(error)) for x in ready)
        left = [x for x in ready if x.client_order_id not in {*refused, *taken}]
        found: dict[str, OrderResult] = {}
        if left:
            results = yield from self._send_batch(left, deadline)
            found = {
                x.client_order_id: result
                for x, result in zip(left, results, strict=True)
            }
        for x in ready:
            key = x.client_order_id
            if key in refused:
                there = self._unless_there(x.ticket, refused[key])
                found[key] = yield from _result(x.ticket, there)
            elif key in taken:
                there = self._taken(x, taken[key])
                found[key] = yield from _result(x.ticket, there)
        return [found[x.client_order_id] for x in ready]

    def _leave_each(
        self,
        ready: Sequence[D],
        deadline: float,
        refused: dict[str, UnifiedExchangesError],
    ) -> Flow[Mapping[str, Written]]:
        """As `_leave`, but that a guard refuses each on its own: what closes may go."""
        left: list[D] = []
        taken: Mapping[str, Written] = {}
        is_leaving = False
        try:
            for x in ready:
                try:
                    yield Leaving((x,))
                except (GuardTripped, RateLimitExceeded) as error:
                    refused[x.client_order_id] = self._unsent(error, x)
                else:
                    left.append(x)
            if left:
                taken = yield from self.note_down(left, deadline)
            is_leaving = True
        except UnifiedExchangesError as error:
            raise self._unsent(error, ready[0]) from None
        finally:
            kept = left if is_leaving else []
            self.free_keys([x for x in ready if x not in kept])
        return taken

    def _send_batch(
        self, ready: Sequence[D], deadline: float
    ) -> Flow[list[OrderResult]]:
        call = self.batch_creation(ready, deadline)
        for x in ready:
            x.call = call
        results = yield from self._batch_results(call, ready, deadline)
        for x, result in zip(ready, results, strict=True):
            if result.order is not None:
                self.sent.end(x.client_order_id, x)
        yield from self.conclude(_outcomes(ready, results))
        return results

    def _batch_results(
        self, call: Call, ready: Sequence[D], deadline: float
    ) -> Flow[list[OrderResult]]:
        try:
            entries = yield from self._batch_answer(call, ready, deadline)
        except UnifiedExchangesError as error:
            if is_doubtful(error):
                return (yield from self._one_by_one(ready, error, deadline))
            return (yield from self._all_declined(ready, error))
        results = []
        for x, entry in zip(ready, entries, strict=True):
            results.append((yield from self._batch_entry(x, entry, deadline)))
        return results

    def _all_declined(
        self, ready: Sequence[D], error: UnifiedExchangesError
    ) -> Flow[list[OrderResult]]:
        results = []
        for x in ready:
            declined = self.decline(x, copy(error))
            results.append((yield from _result(x.ticket, declined)))
        return results

    def _batch_answer(
        self, call: Call, ready: Sequence[D], deadline: float
    ) -> Flow[list[Order | UnifiedExchangesError]]:
        """Send a batch again as long as none of it can be at the venue."""
        attempt = 0
        while True:
            try:
                if attempt:
                    yield from self.heed(call.about)
                response = yield from self.attempt(call, deadline)
                return self.batch_answers(ready, response.body)
            except UnifiedExchangesError as error:
                delay = None
                if not is_doubtful(error):
                    delay = self.again(error, attempt, deadline, in_doubt=False)
                if delay is None:
                    raise
            yield from self.pause(delay, call)
            attempt += 1

    def _batch_entry(
        self, ready: D, answer: Order | UnifiedExchangesError, deadline: float
    ) -> Flow[OrderResult]:
        if isinstance(answer, Order):
            return OrderResult(request=ready.ticket.request, order=answer)
        ended = self.ended_by(ready, answer) if self._is_first(ready) else None
        if ended is not None:
            return OrderResult(request=ready.ticket.request, order=ended)
        if isinstance(answer, DuplicateOrderId):
            outcome = self._existing(ready, answer)
        elif is_doubtful(answer):
            outcome = self._send_one(ready, deadline, answer)
        else:
            outcome = self.decline(ready, answer)
        return (yield from _result(ready.ticket, outcome))

    def _one_by_one(
        self, ready: Sequence[D], doubt: UnifiedExchangesError, deadline: float
    ) -> Flow[list[OrderResult]]:
        """Resolve a batch whose answer was lost, entry by entry, by the same keys."""
        results = []
        for x in ready:
            placed = self._send_one(x, deadline, doubt)
            results.append((yield from _result(x.ticket, placed)))
        return results

    def _repeated(self, key: str) -> InvalidOrder:
        message = f"client_order_id {key!r} stands twice in the batch; each order needs its own"
        return InvalidOrder(message, venue=self.id, client_order_id=key)


def _outcomes(
    ready: Sequence[D], results: Sequence[OrderResult]
) -> Iterator[tuple[D, Order | UnifiedExchangesError]]:
    for x, result in zip(ready, results, strict=True):
        outcome = result.order or result.error
        assert outcome is not None
        yield x, outcome


def _result(ticket: Ticket, outcome: Flow[Order]) -> Flow[OrderResult]:
    """One entry of a batch: the order, or the error that it ends in."""
    try:
        order = yield from outcome
    except UnifiedExchangesError as error:
        return OrderResult(request=ticket.request, error=error)
    return OrderResult(request=ticket.request, order=order)
