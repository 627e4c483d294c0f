"""Cancelling several orders in batches, each with a result of its own.

What a batch says of an entry is proof for that entry only; what it says nothing of is
cancelled and read alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from ...errors import BadRequest, UnifiedExchangesError, VenueSchemaError
from ...flow import Flow, collect
from ...models import CancelResult, Order, Params
from . import receipts
from .arguments import read_id, read_params, read_several
from .cancelling import KNOWN, ORDERS, Cancelling, doubted
from .doubt import is_doubtful

__all__ = ["BatchCancelling"]

_log = logging.getLogger(__name__)

_MANY = 5
"""From how many cancelled orders on a listing is read before single ones."""
_PAGE = 1000
_SPREAD = 10
"""How many orders of a listing are worth one that is looked for."""
_Answer: TypeAlias = "receipts.CanceledEntry | UnifiedExchangesError | None"


class BatchCancelling(Cancelling):
    """Cancels several orders."""

    def cancel_orders(
        self,
        order_ids: Sequence[str],
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[list[CancelResult]]:
        """Cancel several; see `Exchange.cancel_orders`."""
        wanted = _read_ids(order_ids)
        params = read_params(params, (), KNOWN)
        self.require_writable(f"cancel of {len(wanted)} orders")
        results: dict[str, CancelResult] = {}
        resting: list[Order] = []
        for order_id in dict.fromkeys(wanted):
            try:
                found = self.memory.order(order_id)
                if found is None:
                    found = yield from self._present(order_id, market_id)
            except UnifiedExchangesError as error:
                results[order_id] = CancelResult(order_id=order_id, error=error)
                continue
            if found.is_open:
                resting.append(found)
            else:
                results[order_id] = CancelResult(order_id=order_id, order=found)
        for result in (yield from self._cancel_resting(resting, params)):
            results[result.order_id] = result
        return [results[order_id] for order_id in wanted]

    def _present(self, order_id: str, market_id: str | None) -> Flow[Order]:
        found = yield from self.read_order(order_id, market_id, urgent=True)
        if found is None:
            raise self.unknown_order(order_id)
        return found

    def _cancel_resting(
        self, orders: Sequence[Order], params: Params | None
    ) -> Flow[list[CancelResult]]:
        """Cancel orders in batches, and read them as they ended."""
        cost = self._costs.cost_of("DELETE", f"{ORDERS}/batched", 1)
        size = max(1, int(self.bucket("write").capacity // cost))
        sent: list[tuple[Order, _Answer]] = []
        left = iter(orders)
        # All are sent before any is looked into: what rests may fill meanwhile.
        while chunk := list(islice(left, size)):
            answers = yield from self._cancel_batch(chunk, params)
            sent += zip(chunk, answers, strict=True)
        shown = yield from self._ended_listed(sent)
        # Trying each for as long as all of them would take hours.
        hopeless: UnifiedExchangesError | None = None
        unreadable: UnifiedExchangesError | None = None
        results = []
        for order, answer in sent:
            order_id = order.order_id
            receipt = _receipt(order, answer)
            if isinstance(answer, UnifiedExchangesError):
                result = _given_up(order, answer)
            elif order_id in shown:
                result = CancelResult(order_id=order_id, order=shown[order_id])
            elif receipt is not None and unreadable is not None:
                unread = self._unread(receipt, unreadable)
                result = CancelResult(order_id=order_id, error=unread)
            elif receipt is not None:
                result = yield from self._cancelled(order, receipt)
                unreadable = _broken_reads(result.error)
            elif hopeless is not None:
                result = _given_up(order, hopeless)
            else:
                result = yield from self._cancel_alone(order, params)
                if result.error is not None and result.error.retryable:
                    hopeless = result.error
            results.append(result)
        return results

    def _ended_listed(
        self, sent: Sequence[tuple[Order, _Answer]]
    ) -> Flow[Mapping[str, Order]]:
        """Many cancelled orders as they ended, by a listing: singly it takes too long.

        What it does not show is read one by one.
        """
        done = [(o, receipt) for o, a in sent if (receipt := _receipt(o, a))]
        if len(done) < _MANY:
            return {}
        since = max(receipt.at or self.venue_now() for _, receipt in done)
        return (yield from self._listed_as_ended([order for order, _ in done], since))

    def _listed_as_ended(
        self, done: Sequence[Order], since: datetime
    ) -> Flow[Mapping[str, Order]]:
        """Orders that had ended by then, as far as a listing shows them."""
        if (yield from self.until_fresh(since, urgent=True)) is not None:
            return {}
        created = [order.created_at for order in done if order.created_at]
        oldest = min(created) if len(created) == len(done) else None
        # Others may have been cancelled in between, for weeks: no endless search.
        most = _PAGE + _SPREAD * len(done)
        try:
            listed = yield from collect(self.cancelled_orders(oldest), most)
        except UnifiedExchangesError as error:
            _log.info("cancelled orders are read one by one: %s", error)
            return {}
        return {order.order_id: order for order in listed if not order.is_open}

    def _cancel_batch(
        self, orders: Sequence[Order], params: Params | None
    ) -> Flow[Sequence[_Answer]]:
        """What a batch says of each order; an error if it failed for all."""
        items = [self._batch_item(order, params) for order in orders]
        call = self.write(
            "DELETE",
            f"{ORDERS}/batched",
            {"orders": items},
            about=f"cancel of {len(orders)} orders",
            items=len(orders),
            repeatable=True,
            urgent=True,
            is_order=True,
        )
        try:
            response = yield from self.send(call)
            return receipts.canceled_batch(response.body, len(orders))
        except VenueSchemaError:
            _log.info("%s: the answer cannot be read, so each is looked at", call.about)
            return [None] * len(orders)
        except UnifiedExchangesError as error:
            error.maybe_executed = is_doubtful(error)
            return [error] * len(orders)

    def _batch_item(self, order: Order, params: Params | None) -> dict[str, object]:
        item: dict[str, object] = {
            "order_id": order.order_id,
            "exchange_index": order.shard,
        }
        subaccount = self._subaccount_of(order.order_id)
        if subaccount is not None:
            item["subaccount"] = subaccount
        return item | dict(params or {})

    def _cancelled(
        self, order: Order, receipt: receipts.Canceled
    ) -> Flow[CancelResult]:
        """An order that was cancelled in a batch."""
        try:
            done = yield from self._ended(receipt, order.market_id)
        except UnifiedExchangesError as error:
            return CancelResult(order_id=order.order_id, error=error)
        return CancelResult(order_id=order.order_id, order=done)

    def _cancel_alone(self, order: Order, params: Params | None) -> Flow[CancelResult]:
        try:
            # Refused or unknown: the single cancel reads before it concludes.
            done = yield from self.cancel_order(
                order.order_id, market_id=order.market_id, params=params
            )
        except UnifiedExchangesError as error:
            return CancelResult(order_id=order.order_id, error=error)
        return CancelResult(order_id=order.order_id, order=done)


def _read_ids(order_ids: Iterable[str]) -> list[str]:
    if isinstance(order_ids, str) or not isinstance(order_ids, Iterable):
        message = "cancel_orders takes a list of order ids; for one use cancel_order"
        raise BadRequest(message, venue="kalshi")
    wanted = read_several("order_ids", order_ids)
    return [read_id("order_id", order_id) for order_id in wanted]


def _given_up(order: Order, cause: UnifiedExchangesError) -> CancelResult:
    error = copy(cause)
    error.message = f"cancel of {order.order_id} was given up: {cause.message}"
    error.args = (error.message,)
    if error.maybe_executed:
        error = doubted(error, order.order_id)
    return CancelResult(order_id=order.order_id, error=error)


def _broken_reads(error: UnifiedExchangesError | None) -> UnifiedExchangesError | None:
    """Why an order that is cancelled was not read, if that holds for others too."""
    cause = None if error is None else error.__cause__
    if isinstance(cause, UnifiedExchangesError) and cause.retryable:
        return cause
    return None


def _receipt(order: Order, answer: _Answer) -> receipts.Canceled | None:
    """The receipt for an order in what a batch was answered."""
    receipt = answer.receipt if isinstance(answer, receipts.CanceledEntry) else None
    return receipt if receipt and receipt.order_id == order.order_id else None
