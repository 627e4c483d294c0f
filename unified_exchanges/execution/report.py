"""What a hedge would do or has done, leg by leg, with totals."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Literal, TypeAlias

import attrs

from ..errors import OrderUnknown, UnifiedExchangesError
from ..models import Order, OrderPreview
from ..models.record import Flat
from ..money import EXACT, ONE, ZERO, text, total

__all__ = ["HedgeReport", "LegReport", "LegState", "OnFailure", "is_doubtful"]

OnFailure: TypeAlias = Literal["hold", "unwind", "stop"]
"""What follows a leg that failed: the others all the same, all back, or no more."""


class LegState(str, Enum):
    """What became of a leg."""

    PLANNED = "planned"
    """Only worked out: a dry run."""
    FILLED = "filled"
    PARTIAL = "partial"
    UNFILLED = "unfilled"
    REFUSED = "refused"
    """Not placed: refused here or by the venue."""
    UNKNOWN = "unknown"
    """May be at the venue, filled or not: look it up before anything else."""
    SKIPPED = "skipped"
    """Never sent, because one before it had failed."""

    def __str__(self) -> str:
        return str(self.value)


@attrs.frozen(kw_only=True, slots=True)
class LegReport(Flat):
    """One leg: the order that it takes, and what came of it.

    ``size`` is contracts, ``limit`` the price in dollars that was or would be sent, never
    above ``bound``.  ``filled`` are contracts that it bought and ``unwound`` those sold
    back; ``cost`` is dollars paid less dollars got back, ``fees`` the fees of both.  In a
    dry run those are of the book as it was.  ``reverted`` contracts matched and then failed
    on chain, so that they count as neither, and ``pending`` ones may still.  ``is_exact`` is
    False where they are not known, because the venue did not show the fills yet: then they
    are the most that it may be.
    """

    market_id: str
    outcome: str
    size: Decimal
    limit: Decimal
    bound: Decimal
    state: LegState
    filled: Decimal = ZERO
    unwound: Decimal = ZERO
    reverted: Decimal = ZERO
    pending: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    most: Decimal
    """Dollars that it takes at most, with fees, in however many pieces it fills."""
    payout: Decimal = ONE
    """Dollars that one contract pays."""
    is_exact: bool = True
    client_order_id: str | None = None
    order: Order | None = None
    error: UnifiedExchangesError | None = None
    preview: OrderPreview | None = None
    unwinding: Order | None = None
    unwinding_error: UnifiedExchangesError | None = None
    against: Decimal = ZERO
    """Contracts of the market's other outcome that were held before, where both net."""

    @property
    def bought(self) -> Decimal:
        """Contracts that it bought and did not sell back; those planned in a dry run."""
        if self.state is LegState.PLANNED:
            return self.size
        return EXACT.subtract(self.filled, self.unwound)

    @property
    def netted(self) -> Decimal:
        """Contracts that closed as many of the other outcome, instead of adding any."""
        return min(self.bought, self.against)

    @property
    def held(self) -> Decimal:
        """Contracts that are held because of it."""
        return EXACT.subtract(self.bought, self.netted)

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Client order ids of its orders that may be at the venue."""
        found = [self.client_order_id] if self.state is LegState.UNKNOWN else []
        lost = self.unwinding_error
        if lost is not None and is_doubtful(lost):
            found.append(lost.client_order_id)
        elif self.unwinding is not None and self.unwinding.is_open:
            # An immediate order that rests is none: it may sell on.
            found.append(self.unwinding.client_order_id)
        return tuple(key for key in found if key)

    @property
    def failed(self) -> bool:
        """Whether it is not what was asked for."""
        return self.state not in {LegState.PLANNED, LegState.FILLED}

    def __str__(self) -> str:
        words = [
            f"{self.state}: buy {text(self.size)} {self.outcome} of {self.market_id}",
            f"at {text(self.limit)} or better",
            f"cost {text(self.cost, 2)} + {text(self.fees, 2)} fees",
        ]
        if self.state is not LegState.PLANNED:
            words.append(f"{text(self.filled)} filled")
        if self.unwound:
            words.append(f"{text(self.unwound)} sold back")
        if self.reverted:
            words.append(f"{text(self.reverted)} failed on chain after they matched")
        if self.pending:
            words.append(f"{text(self.pending)} may still fail on chain")
        if self.netted:
            words.append(
                f"{text(self.netted)} closed what was held of the other outcome"
            )
        words += [str(e) for e in (self.error, self.unwinding_error) if e is not None]
        return ", ".join(words)


@attrs.frozen(kw_only=True, slots=True)
class HedgeReport(Flat):
    """A hedge, leg by leg, with totals; print it to read it.

    ``size`` is contracts of each leg.  In a dry run everything is as planned, and
    ``refusal`` says why the hedge would not be begun.  ``name`` is
    what `hedge_report` knows it by, as long as the journal lasts.
    """

    name: str
    legs: tuple[LegReport, ...]
    budget: Decimal
    size: Decimal
    is_dry_run: bool
    on_failure: OnFailure
    refusal: UnifiedExchangesError | None = None
    """What our own checks would refuse the hedge for before its first order, if at all; only
    a dry run tells it here."""

    @property
    def is_complete(self) -> bool:
        """Whether every leg filled whole, and nothing is unresolved.

        What matched counts, and may still fail on chain: see `is_settled`.
        """
        return not self.unresolved and all(
            leg.state is LegState.FILLED for leg in self.legs
        )

    @property
    def is_settled(self) -> bool:
        """Whether nothing that matched may still fail, as far as the venue showed."""
        return not any(leg.pending for leg in self.legs)

    @property
    def cost(self) -> Decimal:
        """Dollars paid, less dollars got back, without fees."""
        return total(leg.cost for leg in self.legs)

    @property
    def fees(self) -> Decimal:
        """Dollars of fees."""
        return total(leg.fees for leg in self.legs)

    @property
    def payout(self) -> Decimal:
        """Dollars that are paid if one leg comes true, whichever it is: the least.

        What closed something held was paid at once, and counts.
        """
        return min(EXACT.multiply(leg.bought, leg.payout) for leg in self.legs)

    @property
    def worst_case(self) -> Decimal:
        """Dollars gained if no leg comes true, which is a loss: all is gone that it cost.

        A leg of which nobody knows counts as filled at its limit.
        """
        return EXACT.minus(total(_gone(leg) for leg in self.legs))

    @property
    def if_one_pays(self) -> Decimal:
        """Dollars gained if exactly one leg comes true, whichever it is: the least."""
        return EXACT.add(self.payout, self.worst_case)

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Client order ids of what may be at the venue, sales back too, to be looked up."""
        return tuple(key for leg in self.legs for key in leg.unresolved)

    def __str__(self) -> str:
        what = (
            "DRY RUN, nothing was sent: hedge"
            if self.is_dry_run
            else f"hedge {self.name!r}"
        )
        lines = [
            f"{what} of {text(self.size)} contracts each, budget {text(self.budget)}"
        ]
        lines += [f"  {leg}" for leg in self.legs]
        lines.append(
            f"  in all {text(self.cost, 2)} + {text(self.fees, 2)} fees; one leg pays "
            f"{text(self.payout, 2)}, which leaves {text(self.if_one_pays, 2)}; "
            f"at worst {text(self.worst_case, 2)}"
        )
        if self.refusal is not None:
            lines.append(f"  WOULD BE REFUSED: {self.refusal}")
        if self.unresolved:
            unwinds = self.on_failure == "unwind"
            doubtful = any(leg.state is LegState.UNKNOWN for leg in self.legs)
            kept = "nothing was sold back, since " if unwinds and doubtful else ""
            lines.append(
                f"  UNRESOLVED: {kept}{', '.join(self.unresolved)} may be at the venue. "
                "Call reconcile(), look them up with fetch_order(client_order_id=...), "
                "and only then sell what is held, or buy what is missing"
            )
        return "\n".join(lines)


def _gone(leg: LegReport) -> Decimal:
    unknown = leg.state is LegState.UNKNOWN
    return leg.most if unknown else EXACT.add(leg.cost, leg.fees)


def is_doubtful(error: UnifiedExchangesError) -> bool:
    """Whether the order of this error may be at the venue."""
    return isinstance(error, OrderUnknown) or error.maybe_executed
