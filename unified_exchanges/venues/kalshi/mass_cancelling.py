"""Cancelling all that is open, and reading again what is left.

Nothing counts as cancelled that was not read so, and what still rests is told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from ...errors import UnifiedExchangesError
from ...flow import Flow, Sleep, collect
from ...models import CancelReport, CancelResult, Order, Params
from ...venue.deadline import within
from ...venue.doubt import has_acted, reckoned
from .arguments import read_params
from .batch_cancelling import BatchCancelling
from .cancelling import SETTLING

__all__ = ["MassCancelling"]

_log = logging.getLogger(__name__)

_GROUPS = "/portfolio/order_groups"
_UNLISTED = timedelta(seconds=10)
"""How long after it was acknowledged an order may be missing in listings."""
_GLANCE = 2.0
"""Seconds for the list that comes before all cancels."""
_ROUNDS = 5
"""How often cancel-all goes over what is still open."""
_SCOPE: Final[Mapping[str, type]] = {"exchange_index": int, "subaccount": int}


class MassCancelling(BatchCancelling):
    """Cancels all orders, of a market or of the account."""

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
                yield Sleep(SETTLING[min(pause, len(SETTLING) - 1)])
            results = yield from self._cancel_resting(remaining, params)
            remaining, stale = yield from self._left(
                market_id, params, results, had_acted=with_groups or bool(canceled)
            )
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
        """What is open before anything is cancelled.

        A list that fails, or takes long, must not keep open what is known here: then that
        goes first, and the list is read afterwards.
        """
        end = self.clock.monotonic() + _GLANCE
        try:
            found = yield from within(self._open(market_id, params), self.clock, end)
        except UnifiedExchangesError as error:
            known = self._seen_open(market_id, params)
            if not known:
                return (yield from self._open(market_id, params))
            _log.warning(
                "what is open could not be read, so %d orders that were seen here are "
                "cancelled first: %s",
                len(known),
                error,
            )
            return known
        since = self.venue_now() - _UNLISTED
        listed = {order.order_id for order in found}
        found += [
            order
            for order in self._seen_open(market_id, params)
            if order.order_id not in listed
            and order.updated_at is not None
            and order.updated_at >= since
        ]
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

    def _seen_open(self, market_id: str | None, params: Params | None) -> list[Order]:
        """Orders that were open when they were seen last, which a list need not show yet."""
        scope = {"subaccount": self.subaccount, **(params or {})}
        shard, subaccount = scope.get("exchange_index"), scope["subaccount"]
        return [
            order
            for order in self.memory.orders()
            if order.is_open
            and market_id in (None, order.market_id)
            and shard in (None, order.shard)
            and subaccount in (None, self._subaccount_of(order.order_id) or 0)
        ]

    def _left(
        self,
        market_id: str | None,
        params: Params | None,
        results: Sequence[CancelResult],
        *,
        had_acted: bool,
    ) -> Flow[tuple[list[Order], UnifiedExchangesError | None]]:
        """What is open after a round, and why that may not be all.

        It is believed when reads show what happened up to now, be it by others.
        ``had_acted`` says that something may have been cancelled before these results.
        """
        ended = [result.order.updated_at for result in results if result.order]
        since = max([self.venue_now(), *(at for at in ended if at is not None)])
        stale = yield from self.until_fresh(since, urgent=True)
        try:
            return (yield from self._open(market_id, params)), stale
        except UnifiedExchangesError as error:
            error.maybe_executed = had_acted or has_acted(results)
            error.add(
                f"; of {len(results)} cancels before {reckoned(results)}, but what is "
                "left could not be read: look at fetch_open_orders()"
            )
            raise

    def _open(self, market_id: str | None, params: Params | None) -> Flow[list[Order]]:
        return collect(self.resting_orders(market_id, params))
