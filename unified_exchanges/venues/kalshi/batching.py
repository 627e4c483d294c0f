"""Placing several orders in one request, each with a result of its own.

A batch is not atomic, and what its answer says of an entry is proof for that entry only
(docs.kalshi.com, batch create, 2026-10).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import cast

from ...errors import (
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
from ...flow import Flow, Leaving
from ...models import Intent as Written
from ...models import Order, OrderRequest, OrderResult
from ...sending import Call
from . import receipts
from .doubt import is_doubtful
from .drafts import Draft, Intent, read_intent
from .placing import Placing

__all__ = ["Batching"]

_ORDERS = "/portfolio/events/orders"


class Batching(Placing):
    """Creates orders in batches."""

    def create_orders(self, orders: Sequence[OrderRequest]) -> Flow[list[OrderResult]]:
        """Place several; see `Exchange.create_orders`."""
        deadline = self.clock.monotonic() + self.retry.order_deadline
        self._check_batch(orders)
        try:
            yield from self._require_open(orders, deadline)
        except (Halted, ReadOnly, UnresolvedOrders) as refusal:
            return (yield from self._refuse_all(orders, refusal))
        results: dict[int, OrderResult] = {}
        ready: list[tuple[int, Draft]] = []
        refused: list[tuple[int, Intent, UnifiedExchangesError]] = []
        for index, intent in self._intents(orders, results):
            try:
                self.check_allowed(intent)
                ready.append((index, (yield from self._draft(intent))))
            except (InvalidOrder, MarketClosed) as error:
                refused.append((index, intent, error))
            except UnifiedExchangesError as error:
                results[index] = OrderResult(request=orders[index], error=error)
        before: list[tuple[int, Draft]] = []
        left = iter(ready)
        while chunk := list(islice(left, self._batch_size())):
            # Claimed when it leaves: who is interrupted keeps no key of what is unsent.
            fresh = [(n, x) for n, x in chunk if self._claim(x)]
            before += (entry for entry in chunk if entry not in fresh)
            if not fresh:
                continue
            found = yield from self._place_batch([x for _, x in fresh], deadline)
            results.update(
                (index, result) for (index, _), result in zip(fresh, found, strict=True)
            )
        for index, x in before:
            results[index] = yield from _result(x.intent, self._existing(x, None))
        # Last, since looking may take a while.
        for index, intent, why in refused:
            there = self._unless_there(intent, why)
            results[index] = yield from _result(intent, there)
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
        for index, intent in self._intents(orders, results):
            mine = copy(refusal)
            result = yield from _result(intent, self._unless_there(intent, mine))
            is_known |= result.error is not mine or mine.maybe_executed
            results[index] = result
        if not is_known:
            raise refusal
        return [results[index] for index in range(len(orders))]

    def _intents(
        self, orders: Sequence[OrderRequest], results: dict[int, OrderResult]
    ) -> list[tuple[int, Intent]]:
        """What is asked, by its place; what makes no sense goes to the results."""
        intents: dict[str, tuple[int, Intent]] = {}
        for index, order in enumerate(orders):
            try:
                intent = read_intent(order, rng=self.rng)
                if intent.client_order_id in intents:
                    raise _repeated(intent.client_order_id)
            except UnifiedExchangesError as error:
                results[index] = OrderResult(request=order, error=error)
            else:
                intents[intent.client_order_id] = index, intent
        return list(intents.values())

    def _batch_size(self) -> int:
        """As many creates as the whole write bucket holds, so that one batch fits."""
        cost = self._costs.cost_of("POST", f"{_ORDERS}/batched", 1)
        return max(1, int(self.bucket("write").capacity // cost))

    def _place_batch(
        self, ready: Sequence[Draft], deadline: float
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
                there = self._unless_there(x.intent, refused[key])
                found[key] = yield from _result(x.intent, there)
            elif key in taken:
                there = self._taken(x, taken[key])
                found[key] = yield from _result(x.intent, there)
        return [found[x.client_order_id] for x in ready]

    def _leave_each(
        self,
        ready: Sequence[Draft],
        deadline: float,
        refused: dict[str, UnifiedExchangesError],
    ) -> Flow[Mapping[str, Written]]:
        """As `_leave`, but that a guard refuses each on its own: what closes may go."""
        left: list[Draft] = []
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
                taken = yield from self._write_down(left, deadline)
            is_leaving = True
        except UnifiedExchangesError as error:
            raise self._unsent(error, ready[0]) from None
        finally:
            kept = left if is_leaving else []
            self._give_back([x for x in ready if x not in kept])
        return taken

    def _send_batch(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[list[OrderResult]]:
        call = self.write(
            "POST",
            f"{_ORDERS}/batched",
            {"orders": [x.body() for x in ready]},
            about=f"batch of {len(ready)} orders",
            items=len(ready),
            is_order=True,
            opens=True,
            deadline=deadline,
        )
        try:
            results = yield from self._batch_results(call, ready, deadline)
        except GeneratorExit:
            self._interrupted(ready, has_left=call.has_left)
            raise
        yield from self.conclude(_outcomes(ready, results))
        return results

    def _batch_results(
        self, call: Call, ready: Sequence[Draft], deadline: float
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
        self, ready: Sequence[Draft], error: UnifiedExchangesError
    ) -> Flow[list[OrderResult]]:
        results = []
        for x in ready:
            declined = self._declined(x, copy(error))
            results.append((yield from _result(x.intent, declined)))
        return results

    def _batch_answer(
        self, call: Call, ready: Sequence[Draft], deadline: float
    ) -> Flow[list[receipts.Entry]]:
        """Send a batch again as long as none of it can be at the venue."""
        attempt = 0
        while True:
            try:
                if attempt:
                    yield from self.heed(call.about)
                response = yield from self.attempt(call, deadline)
                return receipts.batch(response.body, ready)
            except UnifiedExchangesError as error:
                delay = None
                if not is_doubtful(error):
                    delay = self.again(error, attempt, deadline, in_doubt=False)
                if delay is None:
                    raise
            yield from self.pause(delay, call)
            attempt += 1

    def _batch_entry(
        self, ready: Draft, entry: receipts.Entry, deadline: float
    ) -> Flow[OrderResult]:
        if entry.order is not None:
            self.memory.learn_order(entry.order, ready.subaccount)
            return OrderResult(request=ready.intent.request, order=entry.order)
        error = self.refusal_of_entry(str(ready), _ORDERS, entry.error)
        if isinstance(error, DuplicateOrderId):
            outcome = self._existing(ready, error)
        elif is_doubtful(error):
            outcome = self._send_one(ready, deadline, error)
        else:
            outcome = self._declined(ready, error)
        return (yield from _result(ready.intent, outcome))

    def _one_by_one(
        self, ready: Sequence[Draft], doubt: UnifiedExchangesError, deadline: float
    ) -> Flow[list[OrderResult]]:
        """Resolve a batch whose answer was lost, entry by entry, by the same keys."""
        results = []
        for x in ready:
            placed = self._send_one(x, deadline, doubt)
            results.append((yield from _result(x.intent, placed)))
        return results


def _outcomes(
    ready: Sequence[Draft], results: Sequence[OrderResult]
) -> Iterator[tuple[Draft, Order | UnifiedExchangesError]]:
    for x, result in zip(ready, results, strict=True):
        outcome = result.order or result.error
        assert outcome is not None
        yield x, outcome


def _result(intent: Intent, outcome: Flow[Order]) -> Flow[OrderResult]:
    """One entry of a batch: the order, or the error that it ends in."""
    try:
        order = yield from outcome
    except UnifiedExchangesError as error:
        return OrderResult(request=intent.request, error=error)
    return OrderResult(request=intent.request, order=order)


def _repeated(key: str) -> InvalidOrder:
    message = (
        f"client_order_id {key!r} stands twice in the batch; each order needs its own"
    )
    return InvalidOrder(message, venue="kalshi", client_order_id=key)
