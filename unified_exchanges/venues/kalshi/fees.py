"""What Kalshi charges for a fill, to the last digit.

The trade fee is ``rate × multiplier × contracts × P × (1 − P)``, P being the YES price,
rounded up to $0.0001.  Then the cash of the fill is rounded down to the account's
precision, and what that takes is collected per order and given back a cent at a time
(docs.kalshi.com, fee rounding, 2026-06-01).
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

import attrs

from ...errors import NotSupported
from ...models import Side
from ...models.fees import Charges
from ...money import CENTI, EXACT, ONE, ZERO, complement, text
from .arguments import YES, read_outcome
from .drafts import TICKETS

__all__ = ["DIRECT", "INDIRECT", "FeeAccumulator", "FeeSchedule"]

DIRECT: Final = Decimal("0.0001")
"""The precision of a direct member's cash, in dollars."""

INDIRECT: Final = CENTI
"""The precision of any other account's cash, in dollars."""

_TAKER: Final = Decimal("0.07")
_MAKER: Final = {
    "quadratic": ZERO,
    "quadratic_with_maker_fees": Decimal("0.0175"),
    "quadratic_with_combo_maker_fees": Decimal("0.035"),
}
_FORMULA: Final = "{} × contracts × price × (1 − price)"
_STEP: Final = Decimal("0.0001")
_HALF: Final = Decimal("0.5")
_REBATE: Final = CENTI
_UP: Final = Context(prec=60, rounding=ROUND_CEILING)
_DOWN: Final = Context(prec=60, rounding=ROUND_FLOOR)


@attrs.frozen(slots=True)
class FeeAccumulator:
    """What roundings have taken from one order so far, over all its fills.

    Immutable: `add` returns the fee of a fill and the accumulator after it.  Taker and
    maker fills of one order share it.

    >>> fee, after = FeeAccumulator().add(Decimal("-0.003762"), Decimal("0.0080"))
    >>> fee, after.held
    (Decimal('0.008038'), Decimal('0.000038'))
    """

    held: Decimal = ZERO
    precision: Decimal = DIRECT

    def add(
        self, revenue: Decimal, trade_fee: Decimal
    ) -> tuple[Decimal, FeeAccumulator]:
        """The net fee of a fill, and the accumulator after it.

        ``revenue`` is the fill's cash without fee, negative for a buyer; ``trade_fee``
        is already rounded up to $0.0001.
        """
        change = EXACT.subtract(revenue, trade_fee)
        rounding = EXACT.subtract(change, _DOWN.quantize(change, self.precision))
        held = EXACT.add(self.held, rounding)
        rebate = _REBATE if held > _REBATE else ZERO
        net = EXACT.subtract(EXACT.add(trade_fee, rounding), rebate)
        after = FeeAccumulator(EXACT.subtract(held, rebate), self.precision)
        return max(net, ZERO), after


@attrs.frozen(slots=True)
class FeeSchedule(Charges):
    """The fee rule of one market at one time; as `FeeRule`, that of a direct member.

    ``fee_type`` and ``multiplier`` are the event's where it overrides its series'.
    ``waived`` says that the market charges nothing now.  An unknown rule raises
    `NotSupported` when a fee is asked for: a guessed fee is worse than none.

    >>> schedule = FeeSchedule("quadratic", Decimal(1))
    >>> schedule.estimate(Decimal(20), Decimal("0.33"), is_bid=True, maker=False)
    Decimal('0.3096')
    """

    fee_type: str | None
    multiplier: Decimal | None = ONE
    waived: bool = attrs.field(default=False, kw_only=True)

    def __str__(self) -> str:
        if self.waived:
            return "nothing, as the fees of the market are waived"
        if self.fee_type not in _MAKER:
            return f"not known: the fee type {self.fee_type!r} has no published formula"
        if self.multiplier is None:
            return f"not known: {self.fee_type} with a multiplier that is not told"
        taker, maker = (
            EXACT.multiply(self.rate(maker=maker), self.multiplier)
            for maker in (False, True)
        )
        makers = _FORMULA.format(text(maker)) if maker else "nothing"
        return (
            f"{self.fee_type} × {text(self.multiplier)}: takers "
            f"{_FORMULA.format(text(taker))}, makers {makers}, up to the next ${text(_STEP)}"
        )

    def fee(
        self,
        outcome: str,
        side: Side | str,
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        """Dollars for one fill of ``size`` contracts of ``outcome`` at ``price``."""
        is_yes, wanted = read_outcome(outcome) == YES, TICKETS.read_side(side)
        return self.estimate(
            size,
            price if is_yes else complement(price),
            is_bid=(wanted is Side.BUY) is is_yes,
            maker=maker,
        )

    def lot_fee(
        self, outcome: str, side: Side | str, price: Decimal, lot: Decimal
    ) -> Decimal:
        """Dollars that each lot adds at most, in whatever pieces an order takes."""
        # What is rounded is rounded up, so that no piece pays more than its lots do.
        return self.fee(outcome, side, price, lot)

    def rate(self, *, maker: bool) -> Decimal:
        """The factor before the multiplier."""
        rate = _MAKER.get(self.fee_type or "")
        if rate is None:
            raise NotSupported(
                f"the fee type {self.fee_type!r} has no published formula (known are "
                f"{', '.join(_MAKER)}); look at the fee of the fills instead",
                venue="kalshi",
            )
        return rate if maker else _TAKER

    def trade_fee(self, size: Decimal, price: Decimal, *, maker: bool) -> Decimal:
        """The fee in dollars before the cash is rounded; ``price`` is in YES dollars."""
        if self.waived:
            return ZERO
        rate = self.rate(maker=maker)
        if self.multiplier is None:
            raise NotSupported(
                "the fee multiplier of this market is not told; look at the fee of the "
                "fills instead",
                venue="kalshi",
            )
        amount = EXACT.multiply(EXACT.multiply(rate, self.multiplier), size)
        spread = EXACT.multiply(price, complement(price))
        return _UP.quantize(EXACT.multiply(amount, spread), _STEP)

    def fill_fee(
        self,
        size: Decimal,
        price: Decimal,
        *,
        is_bid: bool,
        maker: bool,
        accumulator: FeeAccumulator,
    ) -> tuple[Decimal, FeeAccumulator]:
        """The net fee in dollars of one fill of an order, and its accumulator after.

        ``price`` is in YES dollars; ``is_bid`` is True for buying YES or selling NO.
        """
        if self.waived:
            return ZERO, accumulator
        # Buying NO pays 1 − P and selling YES earns P: a whole number of cents apart,
        # so both round alike, and one sign serves for both.
        paid = price if is_bid else complement(price)
        revenue = EXACT.multiply(paid, size).copy_negate()
        return accumulator.add(revenue, self.trade_fee(size, price, maker=maker))

    def most(
        self, size: Decimal, price: Decimal, *, is_bid: bool, maker: bool
    ) -> Decimal:
        """The most that an order with this limit pays if it fills in one piece.

        A taker may trade at a better price than its limit, and the nearer that is to
        0.50 the higher the fee.
        """
        if maker or self.waived:
            return self.estimate(size, price, is_bid=is_bid, maker=maker)
        dearest = min(price, _HALF) if is_bid else max(price, _HALF)
        # And what rounding the cash of such a fill may take.
        return EXACT.add(self.trade_fee(size, dearest, maker=False), DIRECT)

    def estimate(
        self,
        size: Decimal,
        price: Decimal,
        *,
        is_bid: bool,
        maker: bool,
        precision: Decimal = DIRECT,
    ) -> Decimal:
        """The fee in dollars of an order that fills at once and whole."""
        accumulator = FeeAccumulator(precision=precision)
        return self.fill_fee(
            size, price, is_bid=is_bid, maker=maker, accumulator=accumulator
        )[0]
