"""`GuardPolicy`: what one exchange object may do at most, fixed when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import attrs

from ..fields import (
    is_age,
    is_amount,
    is_count,
    is_flag,
    is_one_of,
    is_seconds,
    is_such,
)

__all__ = ["GUARDS", "GuardPolicy"]

GUARDS: Final = frozenset(
    {
        "allowed_markets",
        "max_daily_loss",
        "max_exposure",
        "max_market_exposure",
        "max_order_cost",
        "max_orders",
        "price_collar",
        "raw_writes",
        "read_only",
    }
)
"""The guards there are, by the names of their fields."""


def _are_patterns(value: Any) -> bool:
    is_listed = isinstance(value, tuple)
    return is_listed and all(type(x) is str and x.strip() for x in value)


def _listed(value: object) -> Any:
    if type(value) is str:
        return (value,)
    return tuple(value) if isinstance(value, list | set | frozenset) else value


@attrs.frozen(kw_only=True)
class GuardPolicy:
    """What one exchange object may do at most; None switches a guard off.

    ``max_order_cost`` is dollars that one order may take at its limit, ``max_orders`` may
    be placed or changed within ``seconds``.  Neither stops or counts what surely closes a
    position: what is ``reduce_only``, and as much of the others as closes what is held, if
    that is known; before such an order is refused, it is read.  Nor is an edit counted
    that makes an order smaller at its price.

    ``max_market_exposure`` and ``max_exposure`` are dollars at risk at most, in one market
    and in all: what open and unresolved orders take if they fill, and what positions
    cost.  They go by what the object has seen.  With ``account_age`` the account is read
    before an order when what is known of it is older than so many seconds; an order is
    refused when it cannot be.

    ``max_daily_loss`` is dollars of equity that may be lost since the first look of the
    UTC day.  It needs looks at the account, at most ``account_age`` seconds old or else a
    minute, so it is off by default.

    ``price_collar`` is dollars that a limit may be worse than the best opposite price of
    the watched book; ``without_book`` says what happens where no live one is watched:
    ``"pass"``, ``"fetch"`` it over REST first, or ``"refuse"``.

    ``allowed_markets`` are market ids or shell-style patterns, None for all.
    ``read_only=True`` refuses every write, cancels included.

    Raw writes, of ``request()``, are seen by no cap.  ``raw_writes=False`` refuses all but
    those that cannot open anything; so does ``allowed_markets``, whatever ``raw_writes`` is.

    >>> GuardPolicy(max_order_cost=Decimal(500)).max_orders
    1000
    >>> GuardPolicy(allowed_markets="KXBTC*").allowed_markets
    ('KXBTC*',)
    """

    max_order_cost: Decimal | None = attrs.field(
        default=Decimal(100_000), validator=is_amount(or_none=True)
    )
    max_orders: int | None = attrs.field(
        default=1_000, validator=is_count(or_none=True)
    )
    seconds: float = attrs.field(default=10.0, validator=is_seconds())
    max_market_exposure: Decimal | None = attrs.field(
        default=Decimal(250_000), validator=is_amount(or_none=True)
    )
    max_exposure: Decimal | None = attrs.field(
        default=Decimal(1_000_000), validator=is_amount(or_none=True)
    )
    max_daily_loss: Decimal | None = attrs.field(
        default=None, validator=is_amount(or_none=True)
    )
    account_age: float | None = attrs.field(
        default=None, validator=is_age(or_none=True)
    )
    price_collar: Decimal | None = attrs.field(
        default=Decimal("0.50"), validator=is_amount(or_none=True)
    )
    without_book: Literal["pass", "fetch", "refuse"] = attrs.field(
        default="pass", validator=is_one_of("pass", "fetch", "refuse")
    )
    allowed_markets: tuple[str, ...] | None = attrs.field(
        default=None,
        converter=_listed,
        validator=is_such(
            _are_patterns, "market ids or patterns such as 'KXBTC*'", or_none=True
        ),
    )
    read_only: bool = attrs.field(default=False, validator=is_flag())
    raw_writes: bool = attrs.field(default=True, validator=is_flag())

    @property
    def on(self) -> Mapping[str, object]:
        """The guards that are on, with their limits.

        >>> sorted(GuardPolicy(max_orders=None, price_collar=None).on)
        ['max_exposure', 'max_market_exposure', 'max_order_cost']
        """
        told = {name: getattr(self, name) for name in sorted(GUARDS)}
        # That of raw writes says what is allowed: it is off where that is True.
        return {
            name: x
            for name, x in told.items()
            if x is not None and x is not (name == "raw_writes")
        }
