"""A hedge as a flow: read, size, and place leg by leg, so that a failure is defined."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain, repeat
from typing import get_args

import attrs

from ..errors import (
    AuthenticationError,
    BadRequest,
    Halted,
    InvalidOrder,
    OrderNotFound,
    UnifiedExchangesError,
)
from ..flow import AskIntent, Flow, Sleep, collect
from ..models import (
    FeeRule,
    Fill,
    Intent,
    Leg,
    Market,
    Order,
    OrderPreview,
    OrderRequest,
    Side,
    TimeInForce,
)
from ..money import EXACT, ZERO, Number, text, total
from ..venue import Venue
from .desk import Desk, ended
from .legs import HedgeLeg, require_plain
from .plan import Candidate, Planned, bound_of, plan
from .report import HedgeReport, LegReport, LegState, OnFailure, is_doubtful
from .sizing import read_dollars
from .unwinding import sell_back

__all__ = ["Hedging"]

_log = logging.getLogger(__name__)

_PATIENCE = (0.0, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each look for what should be there: reads may lag."""
_LONGEST = 60.0
"""Seconds for which an order is looked for: somewhat more than it may be on its way."""
_SHOWN = 10.0
"""Seconds for which the fills of all legs together are waited for."""


@attrs.frozen(kw_only=True, slots=True)
class Hedging:
    """One hedge, checked; `flow` carries it out on a venue."""

    legs: tuple[HedgeLeg, ...]
    budget: Decimal
    max_slippage: Decimal
    unwind_slippage: Decimal
    dry_run: bool
    on_failure: OnFailure

    @classmethod
    def read(
        cls,
        legs: Sequence[HedgeLeg | Leg],
        budget: Number,
        *,
        max_slippage: Number,
        unwind_slippage: Number,
        dry_run: bool,
        on_failure: OnFailure,
    ) -> Hedging:
        """Check what a caller asks for; nothing is read or sent yet."""
        if on_failure not in get_args(OnFailure):
            words = ", ".join(get_args(OnFailure))
            raise BadRequest(f"on_failure {on_failure!r} is not one of {words}")
        if dry_run is not True and dry_run is not False:
            raise BadRequest(f"dry_run={dry_run!r} is neither True nor False")
        asked = tuple(
            leg if isinstance(leg, HedgeLeg) else HedgeLeg(leg.market_id, leg.outcome)
            for leg in legs
        )
        if not asked:
            raise BadRequest("a hedge needs at least one leg")
        return cls(
            legs=asked,
            budget=read_dollars("budget", budget),
            max_slippage=read_dollars("max_slippage", max_slippage),
            unwind_slippage=read_dollars("unwind_slippage", unwind_slippage),
            dry_run=dry_run,
            on_failure=on_failure,
        )

    def flow(self, desk: Desk) -> Flow[HedgeReport]:
        """Size the legs, then show what would be sent, or send it."""
        venue = desk.venue
        planned = plan((yield from self._candidates(venue)), self.budget)
        # An exchange that never sends makes every hedge on it a dry run.
        is_dry = self.dry_run or venue.settings.dry_run
        reports = []
        for x in planned:
            against = yield from self._held_against(venue, x, is_dry=is_dry)
            # Before the first is sent: what our own checks refuse must not leave half a
            # hedge.
            preview = yield from venue.preview_order(_request(venue, x))
            reports.append(_report(x, preview, against))
        if not is_dry:
            reports = yield from self._carry_out(desk, planned, reports)
        return HedgeReport(
            legs=tuple(reports),
            budget=self.budget,
            size=planned[0].size,
            is_dry_run=is_dry,
            on_failure=self.on_failure,
        )

    # -- what must be known ---------------------------------------------------------

    def _candidates(self, venue: Venue) -> Flow[list[Candidate]]:
        known: list[tuple[HedgeLeg, Market, FeeRule]] = []
        for leg in self.legs:
            market = require_plain((yield from venue.fetch_market(leg.market_id)))
            fees = yield from venue.fetch_fee_rule(leg.market_id)
            known.append((leg, market, fees))
        names = [(x.market_id, x.outcome(leg.outcome).label) for leg, x, _ in known]
        if len(set(names)) < len(names):
            raise BadRequest("a hedge names each outcome once; add up what you want")
        if venue.first_outcome is not None and len({x for x, _ in names}) < len(names):
            message = (
                f"both outcomes of a market cannot be held on {venue.id}: they net"
            )
            raise BadRequest(message, venue=venue.id)
        candidates: list[Candidate] = []
        for (leg, market, fees), (market_id, outcome) in zip(known, names, strict=True):
            # Last, and one right after the other: they grow old.
            book = yield from venue.fetch_order_book(market_id, outcome=outcome)
            bound = bound_of(leg, market, outcome, book, self.max_slippage)
            candidates.append(
                Candidate(
                    market=market, outcome=outcome, book=book, fees=fees, bound=bound
                )
            )
        return candidates

    def _held_against(self, venue: Venue, x: Planned, *, is_dry: bool) -> Flow[Decimal]:
        """Contracts that a leg would close instead of adding its own."""
        if venue.first_outcome is None:
            return ZERO
        market_id, outcome = x.candidate.market.market_id, x.candidate.outcome
        try:
            found = yield from venue.fetch_positions(market_id=market_id, mark=False)
        except AuthenticationError:
            if is_dry:
                # Whoever only looks may have no account.
                return ZERO
            raise
        others = [held for held in found if held.outcome != outcome]
        if others and self.on_failure == "unwind":
            told = ", ".join(f"{text(held.size)} {held.outcome}" for held in others)
            message = (
                f"{outcome} of {market_id} would close the {told} that you hold, and "
                'selling it back would not restore them: with on_failure="unwind" '
                'nothing is sent. Close that position first, or take "stop" or "hold"'
            )
            raise InvalidOrder(message, venue=venue.id)
        return total(held.size for held in others)

    # -- placing --------------------------------------------------------------------

    def _carry_out(
        self,
        desk: Desk,
        planned: Sequence[Planned],
        reports: list[LegReport],
    ) -> Flow[list[LegReport]]:
        legs = [
            attrs.evolve(leg, state=LegState.SKIPPED, cost=ZERO, fees=ZERO)
            for leg in reports
        ]
        try:
            yield from self._place_all(desk, planned, legs)
            if self.on_failure == "unwind":
                yield from self._unwind(desk, legs)
            end = desk.venue.clock.monotonic() + _SHOWN
            for index, x in enumerate(planned):
                legs[index] = yield from _priced(desk.venue, x, legs[index], end)
        except BaseException:
            # No report will reach anybody: the log has what was done until here.
            for leg in legs:
                _log.warning("interrupted in a hedge: %s", leg)
            raise
        return legs

    def _place_all(
        self,
        desk: Desk,
        planned: Sequence[Planned],
        legs: list[LegReport],
    ) -> Flow[None]:
        for index, x in enumerate(planned):
            legs[index] = yield from _place(desk, _request(desk.venue, x), legs[index])
            # What nobody knows is exposure: nothing more is added to it, whatever was
            # chosen for legs that are known to have failed.
            if legs[index].state is LegState.UNKNOWN:
                return
            if isinstance(legs[index].error, Halted):
                # Nor would any other leave.
                return
            if legs[index].failed and self.on_failure != "hold":
                return

    def _unwind(self, desk: Desk, legs: list[LegReport]) -> Flow[None]:
        """Sell everything back once a leg has failed, if all of them are known.

        What nobody knows may have filled: without the others it would be held naked.
        """
        for index, leg in enumerate(legs):
            legs[index] = yield from _found_out(desk, leg)
        if any(leg.state is LegState.UNKNOWN for leg in legs):
            _log.warning("nothing of a hedge is sold back: a leg of it is unknown")
        elif any(leg.failed for leg in legs):
            yield from sell_back(desk, legs, self.unwind_slippage)


def _report(x: Planned, preview: OrderPreview, against: Decimal) -> LegReport:
    return LegReport(
        market_id=x.candidate.market.market_id,
        outcome=x.candidate.outcome,
        size=x.size,
        limit=x.limit,
        bound=x.candidate.bound,
        state=LegState.PLANNED,
        cost=x.expected.cost,
        fees=x.expected.fee or ZERO,
        most=x.most,
        preview=preview,
        payout=x.candidate.market.payout,
        against=against,
    )


def _request(venue: Venue, x: Planned) -> OrderRequest:
    # All or nothing, where the venue has it: legs must pay alike.
    words = venue.facts.time_in_force
    force = TimeInForce.FOK if TimeInForce.FOK in words else TimeInForce.IOC
    return OrderRequest(
        market_id=x.candidate.market.market_id,
        outcome=x.candidate.outcome,
        side=Side.BUY,
        price=x.limit,
        size=x.size,
        time_in_force=force,
    )


def _place(desk: Desk, request: OrderRequest, report: LegReport) -> Flow[LegReport]:
    try:
        order = yield from desk.placing(request)
    except UnifiedExchangesError as error:
        return attrs.evolve(
            report,
            state=LegState.UNKNOWN if is_doubtful(error) else LegState.REFUSED,
            error=error,
            client_order_id=error.client_order_id,
        )
    # Where it is held back nothing has traded yet: what it becomes decides what follows.
    order = yield from ended(desk, order)
    return attrs.evolve(
        report,
        state=_state(order),
        order=order,
        filled=order.filled,
        client_order_id=order.client_order_id,
    )


def _found_out(desk: Desk, leg: LegReport) -> Flow[LegReport]:
    """A leg of which nobody knew, once somebody does; the same after a minute."""
    if leg.state is not LegState.UNKNOWN:
        return leg
    clock = desk.venue.clock
    end = clock.monotonic() + _LONGEST
    for wait in chain(_PATIENCE, repeat(_PATIENCE[-1])):
        if clock.monotonic() + wait > end:
            break
        if wait:
            yield Sleep(wait)
        try:
            found = yield from _looked_up(desk, leg)
        except UnifiedExchangesError as error:
            _log.debug("looking for a leg of a hedge goes on: %s", error)
            continue
        if found.state is not LegState.UNKNOWN:
            return found
    return leg


def _looked_up(desk: Desk, leg: LegReport) -> Flow[LegReport]:
    venue, key, market_id = desk.venue, leg.client_order_id, leg.market_id
    if leg.order is not None:
        order = yield from desk.looking(leg.order.order_id, market_id=market_id)
    elif key is not None:
        # It proves of an order that can no longer arrive that there is none.
        yield from venue.glance()
        intent = yield AskIntent(venue.account, key)
        if isinstance(intent, Intent) and not intent.may_be_an_order:
            message = f"order {key} is proven not to be there: {intent.detail}"
            absent = OrderNotFound(message, venue=venue.id, client_order_id=key)
            return attrs.evolve(leg, state=LegState.REFUSED, error=absent)
        order = yield from desk.looking(client_order_id=key, market_id=market_id)
    else:
        return leg
    order = order.in_terms_of(leg.outcome)
    return attrs.evolve(
        leg, state=_state(order), order=order, filled=order.filled, error=None
    )


def _state(order: Order) -> LegState:
    if order.is_open:
        # An immediate order that rests is none: nobody knows what it will become.
        return LegState.UNKNOWN
    if order.filled == order.size:
        return LegState.FILLED
    return LegState.PARTIAL if order.filled else LegState.UNFILLED


def _priced(venue: Venue, x: Planned, leg: LegReport, end: float) -> Flow[LegReport]:
    """A leg with what its fills cost, exactly where the venue shows them all."""
    bought = yield from _fills(venue, leg.order, leg.filled, end)
    sold = yield from _fills(venue, leg.unwinding, leg.unwound, end)
    if bought is None or sold is None:
        cost = EXACT.multiply(leg.filled, leg.limit)
        most = x.candidate.most(leg.filled, leg.limit)
        fees = EXACT.subtract(most, cost)
        return attrs.evolve(leg, cost=cost, fees=fees, is_exact=False)
    mine = [fill.in_terms_of(leg.outcome) for fill in (*bought, *sold)]
    return attrs.evolve(
        leg,
        cost=EXACT.minus(total(fill.proceeds for fill in mine)),
        fees=total(fill.fee for fill in mine),
    )


def _fills(
    venue: Venue, order: Order | None, filled: Decimal, end: float
) -> Flow[list[Fill] | None]:
    """All fills of an order, or None if the venue does not show them in time."""
    if order is None or not filled:
        return []
    for wait in _PATIENCE:
        if venue.clock.monotonic() + wait > end:
            break
        if wait:
            yield Sleep(wait)
        try:
            listing = venue.fetch_fills(order_id=order.order_id)
            found = yield from collect(listing)
        except UnifiedExchangesError:
            continue
        if total(fill.size for fill in found) == filled:
            return found
    return None
