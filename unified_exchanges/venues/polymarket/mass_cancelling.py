"""Cancelling several orders, each with a result of its own, and all that are open.

Nothing counts as cancelled that was not read so, and what still rests is told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import timedelta
from itertools import islice
from typing import Final

from ...errors import (
    BadRequest,
    ExchangeError,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ...flow import Flow, Sleep, collect
from ...models import CancelReport, CancelResult, Order, Params
from ...venue import Call
from ...venue.doubt import has_acted, is_doubtful, reckoned
from . import limits, receipts
from .arguments import ARGUMENTS, read_market_id, read_order_id, read_params
from .cancelling import SETTLING, UNTOLD, Cancelling, doubted, is_absent, unlooked

__all__ = ["MassCancelling"]

_log = logging.getLogger(__name__)

_MOST: Final = 1000
"""Ids in a cancel (docs.polymarket.com, changelog, 2026-06-15; a guide says 3000)."""
_ROUNDS: Final = 5
"""How often cancel-all goes over what is still open."""
_UNLISTED: Final = timedelta(seconds=10)
"""How long after it was acknowledged an order may be missing in listings."""
_MARKET: Final = "/clob/cancel-market-orders"
_ALL: Final = "/clob/cancel-all"

_Answer = receipts.Canceled | UnifiedExchangesError


class MassCancelling(Cancelling):
    """Cancels several orders, those of a market, or all."""

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
        market = None if market_id is None else read_market_id(market_id)
        read_params(params, (), {})
        self.require_writable(f"cancel of {len(wanted)} orders")
        results: dict[str, CancelResult] = {}
        leaving: dict[str, None] = {}
        for given in dict.fromkeys(wanted):
            try:
                name = read_order_id(given)
                self.check_market(name, market)
            except UnifiedExchangesError as error:
                results[given] = CancelResult(order_id=given, error=error)
                continue
            seen = self.memory.order(name)
            if seen is None or seen.is_open or seen.is_inferred:
                # One that was never seen is not read first: reads may fail, or take long.
                leaving[name] = None
            else:
                results[given] = CancelResult(order_id=given, order=seen)
        for result in (yield from self._cancel_resting(list(leaving))):
            results[result.order_id] = result
        return [results.get(x) or results[read_order_id(x)] for x in wanted]

    def _cancel_resting(self, order_ids: Sequence[str]) -> Flow[list[CancelResult]]:
        """Cancel orders in batches, and read each as it ended."""
        # A batch costs its length at once, and one above the burst could never pass.
        size = min(_MOST, max(1, int(self.bucket(limits.CANCELS).capacity)))
        sent: list[tuple[str, Call, _Answer]] = []
        left = iter(order_ids)
        # All are sent before any is looked into: what rests may fill meanwhile.
        while chunk := list(islice(left, size)):
            call = self.cancellation_of(chunk)
            answer = yield from self._said(call)
            sent += [(order_id, call, answer) for order_id in chunk]
        results: list[CancelResult] = []
        trouble: UnifiedExchangesError | None = None
        doubtful: _Answer | None = None
        """An answer that was lost, and after which an order was read as still open."""
        waits = [*SETTLING]
        for order_id, call, answer in sent:
            if isinstance(answer, UnifiedExchangesError) and answer is doubtful:
                # To read all of them would take long, and meanwhile none is cancelled.
                error = doubted(copy(answer), order_id)
                results.append(CancelResult(order_id=order_id, error=error))
                continue
            if trouble is not None:
                error = self._unlooked(order_id, call, answer, trouble)
                results.append(CancelResult(order_id=order_id, error=error))
                continue
            try:
                ended = yield from self._concluded(order_id, call, answer, waits)
            except UnifiedExchangesError as error:
                # Trying to read each for as long as all of them would take hours.
                trouble = _lasting(error.__cause__)
                if trouble is None and error.maybe_executed and error.retryable:
                    doubtful = answer
                results.append(CancelResult(order_id=order_id, error=error))
            else:
                results.append(CancelResult(order_id=order_id, order=ended))
        return results

    def _said(self, call: Call) -> Flow[_Answer]:
        try:
            response = yield from self.send(call)
            said = receipts.canceled(response.body)
        except UnifiedExchangesError as error:
            error.maybe_executed = is_doubtful(error)
            return error
        self.memory.learn_canceled(said.done)
        return said

    def _concluded(
        self, order_id: str, call: Call, answer: _Answer, waits: list[float]
    ) -> Flow[Order]:
        """What became of one order by what was said of all."""
        if isinstance(answer, VenueSchemaError):
            _log.info("%s: the answer cannot be read, so each is looked at", call.about)
            return (yield from self.cancel_present(order_id))
        if isinstance(answer, UnifiedExchangesError):
            return (yield from self._after_failed(order_id, answer, waits))
        if order_id in answer.done:
            return (yield from self.ended(order_id, waits))
        reason = answer.reasons.get(order_id)
        return (yield from self.after_refused(order_id, call, reason, waits))

    def _after_failed(
        self, order_id: str, failure: UnifiedExchangesError, waits: list[float]
    ) -> Flow[Order]:
        """A batch that brought no answer: only a read tells what it did."""
        error = copy(failure)
        if is_absent(error):
            return (yield from self.after_absent(error, order_id, waits))
        if not failure.maybe_executed:
            raise error
        try:
            found = yield from self.read_order(order_id, urgent=True)
        except UnifiedExchangesError as trouble:
            raise unlooked(error, order_id, trouble) from trouble
        if found is not None and not found.is_open:
            return found
        raise doubted(error, order_id)

    def _unlooked(
        self, order_id: str, call: Call, answer: _Answer, trouble: UnifiedExchangesError
    ) -> UnifiedExchangesError:
        """What is known of one order by what was said of all, if none can be read."""
        if isinstance(answer, UnifiedExchangesError):
            error = copy(answer)
            if not (answer.maybe_executed or is_absent(answer)):
                return error
            return unlooked(error, order_id, trouble)
        if order_id in answer.done:
            return self.unread(order_id, trouble.message)
        reason = answer.reasons.get(order_id)
        return self.unsettled(order_id, call, reason, trouble)

    # -- all ------------------------------------------------------------------------

    def cancel_all_orders(
        self, *, market_id: str | None = None, params: Params | None = None
    ) -> Flow[CancelReport]:
        """Cancel everything open and re-read; see `Exchange.cancel_all_orders`.

        The venue's own request for that goes first, whatever can be read: it also ends what
        no list shows yet.  It is for the orders of the API key.
        """
        self.require_writable("cancel of all orders")
        read_params(params, (), {})
        market = None if market_id is None else read_market_id(market_id)
        answer = yield from self._cancel_at_once(market)
        failure = answer if isinstance(answer, UnifiedExchangesError) else None
        known = self._suspects(market, answer)
        canceled: dict[str, Order] = {}
        unread: dict[str, UnifiedExchangesError] = {}
        errors: list[UnifiedExchangesError] = []
        remaining: list[Order] = []
        for pause in range(_ROUNDS):
            if pause:
                yield Sleep(SETTLING[min(pause, len(SETTLING)) - 1])
            remaining = yield from self._left(market, known, failure)
            listed = {order.order_id for order in remaining}
            known.update(dict.fromkeys(order.order_id for order in remaining))
            if market is not None and not known:
                # A mistyped market must not look like success.
                yield from self.rules(market)
            remaining += yield from self._read_gone(known, remaining, canceled, unread)
            if not remaining:
                break
            results = yield from self._cancel_resting([x.order_id for x in remaining])
            errors = [x.error for x in results if x.error is not None]
            for result in results:
                if result.order is not None:
                    canceled[result.order_id] = result.order
            if len(errors) == len(results) or pause == _ROUNDS - 1:
                remaining = yield from self._left(market, known, None)
                if pause < _ROUNDS - 1 and not listed.issuperset(
                    order.order_id for order in remaining
                ):
                    # What a delay held rests by now: no cancel of it was refused yet.
                    continue
                # They were waited for already.
                remaining += yield from self._read_gone(
                    known, remaining, canceled, unread, waits=[]
                )
                break
        if remaining and failure is not None:
            errors.append(failure)
        return CancelReport(
            canceled=tuple(canceled.values()),
            remaining=tuple(remaining),
            errors=(*unread.values(), *(errors if remaining else ())),
        )

    def _suspects(self, market_id: str | None, answer: _Answer) -> dict[str, None]:
        """Ids of what was open before the cancel of all, as far as that is known unread.

        Those that it says it ended, and those seen here that a list need not show yet; all
        that were seen open where it says nothing.
        """
        since = self.venue_now() - _UNLISTED
        is_told = not isinstance(answer, UnifiedExchangesError)
        seen = [
            order.order_id
            for order in self.memory.orders()
            if order.is_open
            and market_id in (None, order.market_id)
            and not (is_told and (order.created_at is None or order.created_at < since))
        ]
        done = [] if isinstance(answer, UnifiedExchangesError) else sorted(answer.done)
        return dict.fromkeys([*done, *seen])

    def _cancel_at_once(self, market_id: str | None) -> Flow[_Answer]:
        """The venue's own cancel of all; what it met is not the end, since lists tell.

        It costs the signer one, and afterwards one for each that it ends.
        """
        body = None if market_id is None else {"market": market_id}
        call = self.write(
            "DELETE",
            _ALL if market_id is None else _MARKET,
            body,
            about="cancel of all orders",
            repeatable=True,
            urgent=True,
            is_order=True,
        )
        return (yield from self._said(call))

    def _left(
        self,
        market_id: str | None,
        known: Mapping[str, None],
        failure: UnifiedExchangesError | None,
    ) -> Flow[list[Order]]:
        """What is open by now; ``failure`` is what the cancel of all met, if it did."""
        try:
            return (yield from collect(self.open_orders(market_id)))
        except UnifiedExchangesError as error:
            sent = "the cancel of all orders was sent before"
            is_sent = failure is None or failure.maybe_executed
            if failure is not None:
                # Neither was heard: what was seen here is cancelled by its id at least.
                results = yield from self._cancel_resting([*known])
                is_sent = is_sent or has_acted(results)
                sent = (
                    f"the cancel of all orders failed as well ({failure.message}); of "
                    f"cancels by id of the {len(known)} orders that were seen here "
                    f"{reckoned(results)}"
                )
            error.maybe_executed = is_sent
            error.add(
                f"; {sent}, but what is left could not be read: look at "
                "fetch_open_orders()"
            )
            raise

    def _read_gone(
        self,
        known: Mapping[str, None],
        remaining: Sequence[Order],
        canceled: dict[str, Order],
        unread: dict[str, UnifiedExchangesError],
        *,
        waits: list[float] | None = None,
    ) -> Flow[list[Order]]:
        """Read how those ended that no list shows; those that have not are handed back.

        An order that a game's delay holds is in no list, and may fill all the same.
        """
        listed = {order.order_id for order in remaining}
        trouble: UnifiedExchangesError | None = None
        alive: list[Order] = []
        waits = [*SETTLING] if waits is None else waits
        for order_id in known:
            if order_id in listed:
                canceled.pop(order_id, None)
                unread.pop(order_id, None)
                continue
            if order_id in canceled:
                continue
            if trouble is not None:
                unread[order_id] = self._vanished(order_id, trouble.message)
                continue
            try:
                found = yield from self.read_settled(order_id, waits)
            except UnifiedExchangesError as error:
                unread[order_id] = self._vanished(order_id, error.message)
                trouble = _lasting(error)
                continue
            if found is None:
                unread[order_id] = self._vanished(order_id, UNTOLD)
                continue
            unread.pop(order_id, None)
            if found.is_open:
                alive.append(found)
            else:
                canceled[order_id] = found
        return alive

    def _vanished(self, order_id: str, reason: str) -> ExchangeError:
        message = (
            f"order {order_id} is in no list of open orders any more, but how it ended, "
            f"and what it had filled, could not be read: {reason}"
        )
        return ExchangeError(message, venue=self.id, maybe_executed=True)


def _read_ids(order_ids: Iterable[str]) -> list[str]:
    if isinstance(order_ids, str) or not isinstance(order_ids, Iterable):
        message = "cancel_orders takes a list of order ids; for one use cancel_order"
        raise BadRequest(message, venue="polymarket")
    wanted = ARGUMENTS.read_several("order_ids", order_ids)
    return [ARGUMENTS.read_id("order_id", order_id) for order_id in wanted]


def _lasting(trouble: BaseException | None) -> UnifiedExchangesError | None:
    """What a read met, if the next would meet it as well."""
    if isinstance(trouble, UnifiedExchangesError) and trouble.retryable:
        return trouble
    return None
