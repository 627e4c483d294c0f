"""A hedge as a flow: read, size, and place leg by leg, so that a failure is defined."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import get_args

import attrs

from ..errors import (
    AuthenticationError,
    BadRequest,
    Halted,
    InvalidOrder,
    UnifiedExchangesError,
)
from ..flow import Flow
from ..models import (
    FeeRule,
    Leg,
    Market,
    OrderPreview,
    OrderRequest,
    Side,
    TimeInForce,
)
from ..money import ZERO, Number, text, total
from ..venue import Venue
from .desk import Desk, ended
from .hedges import begin, leg_key, read_name
from .legs import HedgeLeg, require_plain
from .outcomes import SHOWN, found_out, may_have_left, priced, state_of
from .plan import Candidate, Planned, bound_of, plan
from .report import HedgeReport, LegReport, LegState, OnFailure, is_doubtful
from .sizing import read_dollars
from .unwinding import sell_back

__all__ = ["Hedging"]

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True, slots=True)
class Hedging:
    """One hedge, checked; `flow` carries it out on a venue."""

    legs: tuple[HedgeLeg, ...]
    budget: Decimal
    max_slippage: Decimal
    unwind_slippage: Decimal
    dry_run: bool
    on_failure: OnFailure
    name: str | None = None

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
        name: str | None = None,
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
            name=read_name(name),
        )

    def flow(self, desk: Desk) -> Flow[HedgeReport]:
        """Size the legs, then show what would be sent, or send it."""
        venue = desk.venue
        planned = plan((yield from self._candidates(venue)), self.budget)
        # An exchange that never sends makes every hedge on it a dry run.
        is_dry = self.dry_run or venue.settings.dry_run
        # So many bits that no two are ever alike.
        name = self.name or f"{venue.settings.rng.getrandbits(128):032x}"
        requests = [
            _request(venue, x, leg_key(name, n)) for n, x in enumerate(planned, 1)
        ]
        against = []
        for x in planned:
            found = yield from self._held_against(venue, x, is_dry=is_dry)
            against.append(found)
        # All of them before the first is sent: what our own checks refuse must not leave
        # half a hedge.
        previews, refusal = yield from venue.preview_orders(requests, leave=not is_dry)
        if refusal is not None:
            refusal.add("; no leg of the hedge was placed")
            if not self.dry_run:
                raise refusal
        told = zip(planned, previews, against, strict=True)
        legs = [_report(x, preview, other) for x, preview, other in told]
        report = HedgeReport(
            name=name,
            legs=tuple(legs),
            budget=self.budget,
            size=planned[0].size,
            is_dry_run=is_dry,
            on_failure=self.on_failure,
            refusal=refusal,
        )
        if is_dry:
            return report
        yield from begin(venue, report)
        legs = yield from self._carry_out(desk, requests, report)
        return attrs.evolve(report, legs=tuple(legs))

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
        requests: Sequence[OrderRequest],
        report: HedgeReport,
    ) -> Flow[list[LegReport]]:
        legs = [
            attrs.evolve(leg, state=LegState.SKIPPED, cost=ZERO, fees=ZERO)
            for leg in report.legs
        ]
        try:
            yield from self._place_all(desk, requests, legs)
            if self.on_failure == "unwind":
                yield from self._unwind(desk, legs, report.name)
            end = desk.venue.clock.monotonic() + SHOWN
            for index, leg in enumerate(legs):
                legs[index] = yield from priced(desk.venue, leg, end)
        except BaseException:
            # No report will reach anybody: the log has what was done until here.
            for leg in legs:
                _log.warning("interrupted in a hedge, %r: %s", report.name, leg)
            raise
        return legs

    def _place_all(
        self,
        desk: Desk,
        requests: Sequence[OrderRequest],
        legs: list[LegReport],
    ) -> Flow[None]:
        for index, request in enumerate(requests):
            leg = legs[index]
            # Until it is answered, should it be interrupted meanwhile.
            legs[index] = attrs.evolve(leg, state=LegState.UNKNOWN)
            legs[index] = yield from _place(desk, request, leg)
            # What nobody knows is exposure: nothing more is added to it, whatever was
            # chosen for legs that are known to have failed.
            if legs[index].state is LegState.UNKNOWN:
                return
            if isinstance(legs[index].error, Halted):
                # Nor would any other leave.
                return
            if legs[index].failed and self.on_failure != "hold":
                return

    def _unwind(self, desk: Desk, legs: list[LegReport], name: str) -> Flow[None]:
        """Sell everything back once a leg has failed, if all of them are known.

        What nobody knows may have filled: without the others it would be held naked.
        """
        for index, leg in enumerate(legs):
            legs[index] = yield from found_out(desk, leg)
        if any(leg.state is LegState.UNKNOWN for leg in legs):
            _log.warning("nothing of a hedge is sold back: a leg of it is unknown")
        elif any(leg.failed for leg in legs):
            yield from sell_back(desk, legs, self.unwind_slippage, name)


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
        client_order_id=preview.client_order_id,
        preview=preview,
        payout=x.candidate.market.payout,
        against=against,
    )


def _request(venue: Venue, x: Planned, key: str) -> OrderRequest:
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
        client_order_id=key,
    )


def _place(desk: Desk, request: OrderRequest, report: LegReport) -> Flow[LegReport]:
    try:
        order = yield from desk.placing(request)
    except UnifiedExchangesError as error:
        mine = request.client_order_id
        key = error.client_order_id or mine
        report = attrs.evolve(report, error=error, client_order_id=key)
        if is_doubtful(error) and (
            key != mine or (yield from may_have_left(desk, key))
        ):
            return attrs.evolve(report, state=LegState.UNKNOWN)
        return attrs.evolve(report, state=LegState.REFUSED)
    # Where it is held back nothing has traded yet: what it becomes decides what follows.
    order = yield from ended(desk, order)
    return attrs.evolve(
        report,
        state=state_of(order),
        order=order,
        filled=order.filled,
        client_order_id=order.client_order_id,
    )
