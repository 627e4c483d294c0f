"""Placing several orders in one request, each with a result of its own.

A batch is not atomic, and what its answer says of an entry is proof for that entry only
(docs.kalshi.com, batch create, 2026-10).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import islice
from typing import cast

from ...errors import BadRequest, DuplicateOrderId, InvalidOrder, UnifiedExchangesError
from ...flow import Flow, Sleep
from ...models import OrderRequest, OrderResult
from ...sending import Call
from . import receipts
from .doubt import is_doubtful
from .drafts import Draft, read_intent
from .placing import Placing

__all__ = ["Batching"]

_ORDERS = "/portfolio/events/orders"


class Batching(Placing):
    """Creates orders in batches."""

    def create_orders(self, orders: Sequence[OrderRequest]) -> Flow[list[OrderResult]]:
        """Place several; see `Exchange.create_orders`."""
        deadline = self.clock.monotonic() + self.retry.order_deadline
        results: dict[int, OrderResult] = {}
        ready: list[tuple[int, Draft]] = []
        if not isinstance(cast("object", orders), Sequence):
            message = (
                f"create_orders takes a list of OrderRequest objects, not {orders!r}"
            )
            raise BadRequest(message, venue=self.id)
        if orders:
            self.require_writable(f"batch of {len(orders)} orders")
        strange: list[object] = [x for x in orders if type(x) is not OrderRequest]
        if strange:
            message = f"create_orders takes OrderRequest objects, not {strange[0]!r}"
            raise BadRequest(message, venue=self.id)
        ids: set[str] = set()
        for index, order in enumerate(orders):
            try:
                intent = read_intent(order, now=self.clock.now(), rng=self.rng)
                if intent.client_order_id in ids:
                    raise _repeated(intent.client_order_id)
                ids.add(intent.client_order_id)
                ready.append((index, (yield from self._draft(intent))))
            except UnifiedExchangesError as error:
                results[index] = OrderResult(request=order, error=error)
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
            results[index] = yield from self._sent_before(x)
        return [results[index] for index in range(len(orders))]

    def _sent_before(self, ready: Draft) -> Flow[OrderResult]:
        request = ready.intent.request
        try:
            order = yield from self._existing(ready, None)
        except UnifiedExchangesError as error:
            return OrderResult(request=request, error=error)
        return OrderResult(request=request, order=order)

    def _batch_size(self) -> int:
        """As many creates as the whole write bucket holds, so that one batch fits."""
        cost = self._costs.cost_of("POST", f"{_ORDERS}/batched", 1)
        return max(1, int(self.bucket("write").capacity // cost))

    def _place_batch(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[list[OrderResult]]:
        bodies = [x.body() for x in ready]
        call = self.write(
            "POST",
            f"{_ORDERS}/batched",
            {"orders": bodies},
            about=f"batch of {len(ready)} orders",
            items=len(ready),
            is_order=True,
            deadline=deadline,
        )
        try:
            return (yield from self._batch_results(call, ready, deadline))
        except GeneratorExit:
            self._interrupted(ready)
            raise

    def _batch_results(
        self, call: Call, ready: Sequence[Draft], deadline: float
    ) -> Flow[list[OrderResult]]:
        try:
            self._admit(ready)
            entries = yield from self._batch_answer(call, ready, deadline)
        except UnifiedExchangesError as error:
            if is_doubtful(error):
                return (yield from self._one_by_one(ready, error, deadline))
            return [self._refused(x, copy(error)) for x in ready]
        results = []
        for x, entry in zip(ready, entries, strict=True):
            results.append((yield from self._batch_entry(x, entry, deadline)))
        return results

    def _batch_answer(
        self, call: Call, ready: Sequence[Draft], deadline: float
    ) -> Flow[list[receipts.Entry]]:
        """Send a batch again as long as none of it can be at the venue."""
        attempt = 0
        while True:
            try:
                response = yield from self.attempt(call, deadline)
                return receipts.batch(response.body, ready)
            except UnifiedExchangesError as error:
                delay = None
                if not is_doubtful(error):
                    delay = self.again(error, attempt, deadline, in_doubt=False)
                if delay is None:
                    raise
            yield Sleep(delay)
            attempt += 1

    def _refused(self, ready: Draft, error: UnifiedExchangesError) -> OrderResult:
        """An order that the venue did not take: its key is free again."""
        error.client_order_id = ready.intent.client_order_id
        self.sent.forget(ready.intent.client_order_id)
        return OrderResult(request=ready.intent.request, error=error)

    def _batch_entry(
        self, ready: Draft, entry: receipts.Entry, deadline: float
    ) -> Flow[OrderResult]:
        request = ready.intent.request
        if entry.order is not None:
            self.memory.learn_order(entry.order, ready.subaccount)
            return OrderResult(request=request, order=entry.order)
        error = self.refusal_of_entry(str(ready), _ORDERS, entry.error)
        if not is_doubtful(error) and not isinstance(error, DuplicateOrderId):
            return self._refused(ready, error)
        try:
            if isinstance(error, DuplicateOrderId):
                order = yield from self._existing(ready, error)
            else:
                order = yield from self._place(ready, deadline, error)
        except UnifiedExchangesError as other:
            return OrderResult(request=request, error=other)
        return OrderResult(request=request, order=order)

    def _one_by_one(
        self, ready: Sequence[Draft], doubt: UnifiedExchangesError, deadline: float
    ) -> Flow[list[OrderResult]]:
        """Resolve a batch whose answer was lost, entry by entry, by the same keys."""
        results = []
        for x in ready:
            request = x.intent.request
            try:
                order = yield from self._place(x, deadline, doubt)
                results.append(OrderResult(request=request, order=order))
            except UnifiedExchangesError as error:
                results.append(OrderResult(request=request, error=error))
        return results


def _repeated(key: str) -> InvalidOrder:
    message = (
        f"client_order_id {key!r} stands twice in the batch; each order needs its own"
    )
    return InvalidOrder(message, venue="kalshi", client_order_id=key)
