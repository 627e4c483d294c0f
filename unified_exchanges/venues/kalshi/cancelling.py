"""Cancelling orders, so that none is believed dead while it lives.

A receipt proves that so much was open and is not now, and nothing of what had filled
before: the size may have been amended or decreased by others.  So that is read.

A cancel is answered 404 alike for a cancelled, a filled and an unknown order (recorded on
demo, 2026-06-11), and an HTTP layer may have sent a DELETE twice, so a 404 is a question:
the order is read before anything is concluded.  So is every answer that is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeAlias

from ...errors import (
    BadRequest,
    ExchangeError,
    OrderNotFound,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ...flow import Flow, Sleep, collect
from ...models import CancelReport, CancelResult, Order, Params
from ...money import text
from ...venue import Call
from . import receipts
from .arguments import read_id, read_params, read_several
from .doubt import is_doubtful
from .lookup import Lookup

__all__ = ["Cancelling"]

_log = logging.getLogger(__name__)

_ORDERS = "/portfolio/events/orders"
_GROUPS = "/portfolio/order_groups"
_NOT_FOUND = 404
_SETTLING = (0.0, 0.3, 0.6, 1.2)
"""Seconds before each read of an order whose cancel should show by now."""
_UNLISTED = timedelta(seconds=10)
"""How long after it was acknowledged an order may be missing in listings."""
_MANY = 5
"""From how many cancelled orders on a listing is read before single ones."""
_PAGE = 1000
_SPREAD = 10
"""How many orders of a listing are worth one that is looked for."""
_ROUNDS = 5
"""How often cancel-all goes over what is still open."""
_SCOPE: Final[Mapping[str, type]] = {"exchange_index": int, "subaccount": int}
_KNOWN: Final[Mapping[str, type]] = {**_SCOPE, "market_ticker": str}
_Answer: TypeAlias = "receipts.CanceledEntry | UnifiedExchangesError | None"


class Cancelling(Lookup):
    """Cancels one order, several, or all."""

    # -- one ------------------------------------------------------------------------

    def cancel_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Cancel one; see `Exchange.cancel_order`."""
        read_id("order_id", order_id)
        params = read_params(params, (), _KNOWN)
        self.require_writable(f"cancel of {order_id}")
        self.check_market(order_id, market_id)
        if market_id is None and self.memory.route(order_id) is None:
            # Without shard or ticker Kalshi would look on shard 0 only.
            before = yield from self.read_order(order_id, urgent=True)
            if before is None:
                raise self.unknown_order(order_id)
            if not before.is_open:
                return before
        call = self._cancellation(order_id, market_id, params)
        try:
            response = yield from self.send(call)
            receipt = receipts.canceled(response.body)
        except UnifiedExchangesError as error:
            if error.status == _NOT_FOUND:
                # Also where its body is cut off.
                return (
                    yield from self._after_refused(error, order_id, market_id, params)
                )
            return (yield from self._after_lost(error, order_id, market_id))
        return (yield from self._ended(receipt, market_id))

    def _cancellation(
        self, order_id: str, market_id: str | None, params: Params | None
    ) -> Call:
        route = self.memory.route(order_id)
        shard = None if route is None else route.shard
        ticker = None
        if shard is None and market_id is not None:
            ticker = read_id("market_id", market_id)
        query = {
            "subaccount": self.subaccount if route is None else route.subaccount,
            "exchange_index": shard,
            "market_ticker": ticker,
        }
        return self.write(
            "DELETE",
            f"{_ORDERS}/{order_id}",
            None,
            about=f"cancel of {order_id}",
            query=query | dict(params or {}),
            shard=shard,
            repeatable=True,
            urgent=True,
            is_order=True,
        )

    def _after_refused(
        self,
        refusal: UnifiedExchangesError,
        order_id: str,
        market_id: str | None,
        params: Params | None,
    ) -> Flow[Order]:
        """The venue said 404: cancelled, filled, unknown, or not there yet to see."""
        try:
            found = yield from self._settled(order_id, market_id)
        except UnifiedExchangesError as error:
            # Done, by this cancel or before it, or never there: nobody could look.
            raise _doubted(error, order_id) from None
        if found is None:
            unknown = self.unknown_order(order_id)
            unknown.maybe_executed = refusal.maybe_executed
            raise unknown
        if not found.is_open:
            return found
        # It rests after all: name its own shard, which reading has just taught us.
        again = self._cancellation(order_id, found.market_id, params)
        try:
            response = yield from self.send(again)
            receipt = receipts.canceled(response.body)
        except OrderNotFound as error:
            message = (
                f"{again.about}: Kalshi answers 'not found' but shows the order open; "
                "it still counts. Try again, or cancel_all_orders()"
            )
            raise ExchangeError(
                message,
                venue=self.id,
                request=again.name,
                status=error.status,
                maybe_executed=refusal.maybe_executed or error.maybe_executed,
            ) from None
        except UnifiedExchangesError as error:
            return (yield from self._after_lost(error, order_id, market_id))
        return (yield from self._ended(receipt, market_id))

    def _settled(self, order_id: str, market_id: str | None) -> Flow[Order | None]:
        """An order that should have ended, read with patience until it shows that."""
        found: Order | None = None
        for wait in _SETTLING:
            if wait:
                yield Sleep(wait)
            found = yield from self.read_order(order_id, market_id, urgent=True)
            if found is None or not found.is_open:
                break
        return found

    def _after_lost(
        self, error: UnifiedExchangesError, order_id: str, market_id: str | None
    ) -> Flow[Order]:
        """No answer to trust: the order is as the venue shows it, not as we hope."""
        if not is_doubtful(error) and not isinstance(error, RateLimitExceeded):
            raise error
        try:
            found = yield from self.read_order(order_id, market_id, urgent=True)
        except UnifiedExchangesError:
            found = None
        if found is not None and not found.is_open:
            return found
        raise _doubted(error, order_id)

    def _ended(self, receipt: receipts.Canceled, market_id: str | None) -> Flow[Order]:
        """The order that a receipt says is cancelled, with what had filled before.

        Only a read that shows it ended tells that: one that shows it open is too old,
        even if it has just what the receipt took off.
        """
        trouble: UnifiedExchangesError | None = None
        order_id = receipt.order_id
        try:
            found = yield from self.read_order(order_id, market_id, urgent=True)
            if found is not None and found.is_open:
                since = receipt.at or self.venue_now()
                trouble = yield from self.until_fresh(since, urgent=True)
                found = yield from self._settled(order_id, market_id)
        except UnifiedExchangesError as error:
            found, trouble = None, error
        if found is None or found.is_open:
            raise self._unread(receipt, trouble) from trouble
        return found

    def _unread(
        self, receipt: receipts.Canceled, trouble: UnifiedExchangesError | None
    ) -> ExchangeError:
        reason = (
            "it is not shown as cancelled yet" if trouble is None else trouble.message
        )
        message = (
            f"order {receipt.order_id} is cancelled ({text(receipt.reduced_by)} were "
            "taken off the book), but what had filled before could not be read: "
            f"{reason}"
        )
        return ExchangeError(message, venue=self.id, maybe_executed=True)

    # -- several --------------------------------------------------------------------

    def cancel_orders(
        self,
        order_ids: Sequence[str],
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[list[CancelResult]]:
        """Cancel several; see `Exchange.cancel_orders`."""
        wanted = _read_ids(order_ids)
        params = read_params(params, (), _KNOWN)
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
        cost = self._costs.cost_of("DELETE", f"{_ORDERS}/batched", 1)
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
            f"{_ORDERS}/batched",
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

    # -- all ------------------------------------------------------------------------

    def cancel_all_orders(
        self, *, market_id: str | None = None, params: Params | None = None
    ) -> Flow[CancelReport]:
        """Cancel everything open and re-read; see `Exchange.cancel_all_orders`.

        ``params`` takes ``subaccount`` and ``exchange_index``: only orders there are
        cancelled.  The account-wide DELETE of Kalshi is not used: it may also hit orders
        placed in the minute after it (docs.kalshi.com changelog, 2026-09-03).
        """
        return self._cancel_all(market_id, read_params(params, (), _SCOPE))

    def stop_orders(self) -> Flow[CancelReport]:
        """Cancel everything open; order groups first, of which one request stops all.

        A group stays triggered: the venue takes no order for it until it is reset
        (docs.kalshi.com, order groups, 2026-10).
        """
        return self._cancel_all(None, None, with_groups=True)

    def _cancel_all(
        self, market_id: str | None, params: Params | None, *, with_groups: bool = False
    ) -> Flow[CancelReport]:
        self.require_writable("cancel of all orders")
        canceled: dict[str, Order] = {}
        unread: dict[str, UnifiedExchangesError] = {}
        errors: list[UnifiedExchangesError] = []
        stale: UnifiedExchangesError | None = None
        remaining = yield from self._at_first(market_id, params)
        if with_groups:
            canceled.update((yield from self._trigger_groups(remaining)))
            remaining = [x for x in remaining if x.order_id not in canceled]
        for pause in range(_ROUNDS):
            if pause:
                yield Sleep(_SETTLING[min(pause, len(_SETTLING) - 1)])
            results = yield from self._cancel_resting(remaining, params)
            remaining, stale = yield from self._left(market_id, params, results)
            listed = {order.order_id for order in remaining}
            gone = [result for result in results if result.order_id not in listed]
            broken: UnifiedExchangesError | None = None
            for result in gone:
                if broken is not None and result.order is None:
                    unread[result.order_id] = result.error or broken
                    continue
                try:
                    ended = result.order or (
                        yield from self._settled(result.order_id, None)
                    )
                except UnifiedExchangesError as error:
                    unread[result.order_id] = error
                    broken = error if error.retryable else None
                    continue
                if ended is not None and not ended.is_open:
                    canceled[result.order_id] = ended
                elif ended is not None and result.error is not None:
                    unread[result.order_id] = result.error
            errors = [result.error for result in results if result.error is not None]
            if not remaining or (errors and not gone):
                break
        told = [*unread.values(), *(errors if remaining else ())]
        return CancelReport(
            canceled=tuple(canceled.values()),
            remaining=tuple(remaining),
            errors=tuple(told if stale is None else [*told, stale]),
        )

    def _at_first(
        self, market_id: str | None, params: Params | None
    ) -> Flow[list[Order]]:
        """What is open before anything is cancelled."""
        found = yield from self._open(market_id, params)
        listed = {order.order_id for order in found}
        found += self._unlisted(listed, market_id, params)
        if market_id is not None and not found:
            # A mistyped market must not look like success.
            yield from self.rules(market_id)
        return found

    def _trigger_groups(self, orders: Sequence[Order]) -> Flow[Mapping[str, Order]]:
        """Trigger the groups that orders are in; get those that are shown to have ended.

        The others are cancelled one by one, as if there were no groups.
        """
        groups: dict[tuple[str, int, int | None], list[Order]] = {}
        for order in orders:
            group_id = order.raw.get("order_group_id")
            if isinstance(group_id, str) and group_id:
                scope = group_id, order.shard, self._subaccount_of(order.order_id)
                groups.setdefault(scope, []).append(order)
        stopped: list[Order] = []
        for (group_id, shard, subaccount), members in groups.items():
            call = self.write(
                "PUT",
                f"{_GROUPS}/{group_id}/trigger",
                {},
                about=f"trigger of order group {group_id}",
                query={"subaccount": subaccount, "exchange_index": shard},
                shard=shard,
                repeatable=True,
                urgent=True,
            )
            try:
                yield from self.send(call)
            except UnifiedExchangesError as error:
                _log.warning("its orders are cancelled one by one: %s", error)
            else:
                stopped += members
        if not stopped:
            return {}
        shown = yield from self._listed_as_ended(stopped, self.venue_now())
        ids = {order.order_id for order in stopped}
        return {name: order for name, order in shown.items() if name in ids}

    def _unlisted(
        self, listed: Collection[str], market_id: str | None, params: Params | None
    ) -> list[Order]:
        """Orders that were acknowledged open, and that a listing need not show yet."""
        since = self.venue_now() - _UNLISTED
        scope = {"subaccount": self.subaccount, **(params or {})}
        shard, subaccount = scope.get("exchange_index"), scope["subaccount"]
        return [
            order
            for order in self.memory.orders()
            if order.is_open
            and order.updated_at is not None
            and order.updated_at >= since
            and order.order_id not in listed
            and market_id in (None, order.market_id)
            and shard in (None, order.shard)
            and subaccount in (None, self._subaccount_of(order.order_id) or 0)
        ]

    def _left(
        self,
        market_id: str | None,
        params: Params | None,
        results: Sequence[CancelResult],
    ) -> Flow[tuple[list[Order], UnifiedExchangesError | None]]:
        """What is open after a round, and why that may not be all.

        It is believed when reads show what happened up to now, be it by others.
        """
        ended = [result.order.updated_at for result in results if result.order]
        since = max([self.venue_now(), *(at for at in ended if at is not None)])
        stale = yield from self.until_fresh(since, urgent=True)
        tried = len(results)
        try:
            return (yield from self._open(market_id, params)), stale
        except UnifiedExchangesError as error:
            error.maybe_executed = True
            error.add(
                f"; {tried} cancels were sent before, but what is left could not be "
                "read: look at fetch_open_orders()"
            )
            raise

    def _open(self, market_id: str | None, params: Params | None) -> Flow[list[Order]]:
        return collect(self.resting_orders(market_id, params))


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
        error = _doubted(error, order.order_id)
    return CancelResult(order_id=order.order_id, error=error)


def _doubted(error: UnifiedExchangesError, order_id: str) -> UnifiedExchangesError:
    """The error, saying that the cancel may have worked for all that."""
    error.leave_in_doubt()
    error.add(
        f"; the cancel may or may not take effect: order {order_id} counts as open "
        "until it is read as done"
    )
    return error


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
