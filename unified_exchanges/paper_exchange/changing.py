"""Cancels and changes of orders on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import attrs

from ..errors import ArgumentsRequired, BadRequest, UnifiedExchangesError
from ..flow import Flow, Judged, Leaving, Shown
from ..grid import read_price, read_size
from ..models import CancelReport, CancelResult, Order, Params
from ..money import EXACT, Number
from ..paper.broker import Refusal
from ..paper.departure import Departure
from ..paper.refusals import error_of, has_ended, refusal_told
from .account import ARGUMENTS
from .placing import Placing

__all__ = ["Changing"]


class Changing(Placing):
    """Cancels and changes orders."""

    # -- cancels --------------------------------------------------------------------

    def cancel_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Cancel one; what filled until the cancel arrived stays filled."""
        ARGUMENTS.read_params(params, (), {})
        self.require_writable(f"cancel of {order_id}")
        before = yield from self._before(order_id, market_id)
        if before.is_open:
            refused = yield from self._kept_by_pause(before)
            if refused is not None:
                raise refused
            refusals = yield from self._canceled([before], f"cancel of {order_id}")
            for error in refusals.values():
                raise error
        return self.in_terms(self.present(before.order_id), None)

    def _kept_by_pause(self, order: Order) -> Flow[UnifiedExchangesError | None]:
        """Why an order cannot be canceled, as the whole venue is paused; else None."""
        yield from self.notice_pause()
        try:
            self.broker.check_canceling(order.market_id)
        except Refusal as refusal:
            return self.refused(f"cancel of {order.order_id}", refusal)
        return None

    def _before(self, order_id: str, market_id: str | None) -> Flow[Order]:
        yield from self.look_around()
        found = self.present(order_id)
        if market_id not in (None, found.market_id):
            message = f"order {order_id} is on {found.market_id}, not on {market_id}"
            raise BadRequest(message, venue=self.id)
        return found

    def _canceled(
        self, orders: Sequence[Order], about: str
    ) -> Flow[dict[str, UnifiedExchangesError]]:
        """Cancel open orders together; gives by their ids why some were refused then."""
        markets = dict.fromkeys(x.market_id for x in orders)
        with self.broker.leaving(self.unseen(markets)) as departure:
            turns = {x.order_id: self.broker.cancel(x.order_id) for x in orders}
        yield from self.arrived(about, departure)
        refused: dict[str, UnifiedExchangesError] = {}
        for name, turn in turns.items():
            try:
                self.broker.changed(turn)
            except Refusal as refusal:
                refused[name] = self.refused(f"cancel of {name}", refusal)
        return refused

    def cancel_orders(
        self,
        order_ids: Sequence[str],
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[list[CancelResult]]:
        """Cancel several, each with a result of its own."""
        ARGUMENTS.read_params(params, (), {})
        names = ARGUMENTS.read_several("order_ids", order_ids)
        about = f"cancel of {len(names)} orders"
        self.require_writable(about)
        results: dict[str, CancelResult] = {}
        for name in dict.fromkeys(names):
            try:
                found = yield from self._before(name, market_id)
            except UnifiedExchangesError as error:
                results[name] = CancelResult(order_id=name, error=error)
            else:
                results[name] = CancelResult(order_id=name, order=found)
                if found.is_open:
                    refused = yield from self._kept_by_pause(found)
                    if refused is not None:
                        results[name] = CancelResult(order_id=name, error=refused)
        resting = [x.order for x in results.values() if x.order and x.order.is_open]
        refusals = yield from self._canceled(resting, about)
        for name, result in results.items():
            if result.order is None:
                continue
            known = result.order.order_id
            if known in refusals:
                results[name] = CancelResult(order_id=name, error=refusals[known])
            else:
                told = self.in_terms(self.present(known), None)
                results[name] = CancelResult(order_id=name, order=told)
        return [results[name] for name in names]

    def cancel_all_orders(
        self, *, market_id: str | None = None, params: Params | None = None
    ) -> Flow[CancelReport]:
        """Cancel all that rests, of one market or of all."""
        ARGUMENTS.read_params(params, (), {})
        self.require_writable("cancel of all orders")
        yield from self.look_around()
        if market_id is not None and not self.broker.has_market(market_id):
            yield from self.source.fetch_market(market_id)
        names, resting = [], []
        errors: list[UnifiedExchangesError] = []
        for order in self.broker.open_orders():
            if market_id not in (None, order.market_id):
                continue
            names.append(order.order_id)
            refused = yield from self._kept_by_pause(order)
            if refused is None:
                resting.append(order)
            else:
                errors.append(refused)
        refusals = yield from self._canceled(resting, "cancel of all orders")
        errors += refusals.values()
        ended = [self.present(name) for name in names]
        return CancelReport(
            canceled=tuple(self.in_terms(x, None) for x in ended if not x.is_open),
            remaining=tuple(self.in_terms(x, None) for x in ended if x.is_open),
            errors=tuple(errors),
        )

    # -- changes --------------------------------------------------------------------

    def edit_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        outcome: str | None = None,
        price: Number | None = None,
        size: Number | None = None,
        expires_at: datetime | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Change price or total size; only a smaller size keeps the place in the queue."""
        ARGUMENTS.read_params(params, (), {})
        about = f"change of {order_id}"
        if expires_at is not None:
            message = (
                f"{about}: on paper an expiry is not changed; cancel and place anew"
            )
            raise self.unsupported("change of an expiry", message)
        if price is None and size is None:
            message = f"{about}: nothing to change: give price= or size="
            raise ArgumentsRequired(message, venue=self.id)
        if price is not None and outcome is None:
            message = f"{about}: say which outcome the price is for: outcome="
            raise ArgumentsRequired(message, venue=self.id)
        self.require_writable(about)
        self.switch.check(about)
        known = self.broker.find(order_id)
        if known is not None:
            self.require_allowed(known.market_id, about)
        before = yield from self._before(order_id, market_id)
        self.require_allowed(before.market_id, about)
        yield from self.look(before.market_id)
        before = self.present(order_id)
        if not before.is_open:
            raise (yield from self._came_too_late(about, before))
        after = self._after(before, outcome, price, size)
        try:
            self.broker.check_trading(before.market_id)
        except Refusal as refusal:
            yield from self._answered_late()
            raise self.refused(about, refusal) from None
        yield from self.heed(about)
        yield Leaving(
            changes=((self.in_terms(before, None), self.in_terms(after, None)),)
        )
        with self.broker.leaving(self.unseen([before.market_id])) as departure:
            turn = self.broker.amend(
                before.order_id,
                price=None if price is None else after.price,
                size=None if size is None else after.size,
            )
        yield from self.arrived(about, departure)
        found = self.present(before.order_id)
        try:
            self.broker.changed(turn)
        except Refusal as refusal:
            if not found.is_open:
                yield Shown(self.in_terms(found, None))
            raise self.refused(about, refusal) from None
        return self.in_terms(found, outcome)

    def _came_too_late(self, about: str, over: Order) -> Flow[UnifiedExchangesError]:
        """The answer to a change of an order that is over."""
        yield Shown(self.in_terms(over, None))
        yield from self._answered_late()
        terms = over.order_id, over.status, over.filled, over.size
        return self.refused(about, Refusal(has_ended(*terms)))

    def _answered_late(self) -> Flow[None]:
        """Have a refusal that is known here come as late as that of a venue would."""
        # Nothing is left for the guards to count: what was decided next need not wait.
        yield Judged(passes=False)
        yield from self.travelled(Departure())

    def refused(self, about: str, refusal: Refusal) -> UnifiedExchangesError:
        """Why an order was not changed, as its venue would answer."""
        reason = str(refusal)
        return error_of(reason)(refusal_told(about, reason), venue=self.id)

    def _after(
        self,
        before: Order,
        outcome: str | None,
        price: Number | None,
        size: Number | None,
    ) -> Order:
        """The order with its new terms, in its own outcome."""
        after = before
        market = self.broker.market(before.market_id)
        if price is not None:
            label = market.outcome(outcome).label
            if self.first_outcome is None and label != before.outcome:
                message = (
                    f"order {before.order_id} is of {before.outcome!r}, and each outcome "
                    f"has its own book: it has no price for {label!r}"
                )
                raise BadRequest(message, venue=self.id)
            first = label == market.outcomes[0].label
            grid = market.grid if first else market.grid.complement()
            asked = read_price(price, grid)
            mine = attrs.evolve(before.in_terms_of(label), price=asked)
            after = mine.in_terms_of(before.outcome)
        if size is not None:
            least = market.minimum_size
            total = read_size(size, lot=market.lot, minimum=least)
            left = max(Decimal(0), EXACT.subtract(total, before.filled))
            after = attrs.evolve(after, size=total, remaining=left)
        return after
